"""Where a report puts lesions, and how two such lists meet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import NamedTuple, Protocol

from petrg.anatomy import NodalGroup, Region, Side
from petrg.report import Structure, Uptake

__all__ = ["Lesions", "Met", "Placed", "Site", "avid_sites", "ct_only_sites", "lesions_of", "meet"]

_AVID = frozenset({Uptake.HIGH, Uptake.EQUIVOCAL})
_FOCAL = frozenset({Structure.ENLARGED_NODES, Structure.FOCAL_LESION, Structure.BONE_LESION})
_SIDES = frozenset({Side.LEFT, Side.RIGHT})


class Site(NamedTuple):
    """A place that holds a lesion; ``side`` (left or right) and ``group`` (a nodal group without its side) if said."""

    region: Region
    side: Side | None = None
    group: str | None = None


class Placed(Protocol):
    """What is needed of a finding: a :class:`petrg.report.Finding` has it, and so has what a reader grounds."""

    @property
    def region(self) -> Region:
        """Where."""

    @property
    def side(self) -> Side | None:
        """On which side."""

    @property
    def nodal_group(self) -> NodalGroup | None:
        """Of which nodes."""

    @property
    def uptake(self) -> Uptake | None:
        """On PET."""

    @property
    def structure(self) -> Structure | None:
        """On CT."""

    @property
    def negated(self) -> bool:
        """Whether it is a denial."""


class Lesions(NamedTuple):
    """The lesions of one report: sites with raised uptake, and sites that CT alone shows."""

    avid: tuple[Site, ...] = ()
    ct_only: tuple[Site, ...] = ()


def lesions_of(findings: Iterable[Placed]) -> Lesions:
    """The lesions that findings state; a few places are kept in place of many findings."""
    findings = tuple(findings)
    return Lesions(avid_sites(findings), ct_only_sites(findings))


class Met(NamedTuple):
    """How two lists of sites meet: pairs found, and pairs that differ in nothing but left for right."""

    found: int
    other_side: int


def avid_sites(findings: Iterable[Placed]) -> tuple[Site, ...]:
    """The distinct sites of findings that state a lesion on PET (uptake high or equivocal, not denied), sorted.

    Both sides make two sites; the midline is no side. A place named again, or named again with less said of it (the
    impression after the description, a text that loops), is the same site.

    Examples
    --------
    >>> from petrg.report import Finding
    >>> hot = Finding(region=Region.NECK_NODES, uptake=Uptake.HIGH)
    >>> [s.side for s in avid_sites([hot, hot.model_copy(update={"side": Side.BILATERAL})])]
    [<Side.LEFT: 'left'>, <Side.RIGHT: 'right'>]
    """
    return _distinct(f for f in findings if not f.negated and f.uptake in _AVID)


def ct_only_sites(findings: Iterable[Placed]) -> tuple[Site, ...]:
    """The distinct sites with a focal lesion, a bone lesion or enlarged nodes on CT and no raised uptake, sorted."""
    findings = tuple(findings)
    hot = avid_sites(findings)
    shown = _distinct(f for f in findings if not f.negated and f.structure in _FOCAL and f.uptake not in _AVID)
    return tuple(site for site in shown if site not in hot)


def meet(reference: Sequence[Site], prediction: Sequence[Site]) -> Met:
    """Pair the sites one to one: the same region, the same side and group where both say one.

    As many pairs as can be made; then, of the sites left over, pairs that differ in the side alone.

    Examples
    --------
    >>> lung, left, right = (Site(Region.LUNG_PLEURA, s) for s in (None, Side.LEFT, Side.RIGHT))
    >>> meet([left], [right]), meet([left, right], [lung]), meet([left], [lung])
    (Met(found=0, other_side=1), Met(found=1, other_side=0), Met(found=1, other_side=0))
    """
    reference, prediction = sorted(reference, key=_order), sorted(prediction, key=_order)
    found = _pair(reference, prediction, _same)
    left = [site for i, site in enumerate(reference) if i not in found]
    other = [site for j, site in enumerate(prediction) if j not in found.values()]
    return Met(len(found), len(_pair(left, other, _mirrored)))


def _distinct(findings: Iterable[Placed]) -> tuple[Site, ...]:
    named = sorted({site for f in findings for site in _expand(f)}, key=_order)
    return tuple(s for s in named if not any(_says_more(other, s) for other in named))


def _expand(finding: Placed) -> list[Site]:
    group, side = finding.nodal_group, finding.side
    kin = None
    if group is not None:
        kin = group.value.removesuffix("-left").removesuffix("-right")
        side = side if side is not None else group.side
    if side is Side.BILATERAL:
        return [Site(finding.region, s, kin) for s in (Side.LEFT, Side.RIGHT)]
    return [Site(finding.region, side if side in _SIDES else None, kin)]


def _order(site: Site) -> tuple[str, str, str]:
    return site.region.value, site.side or "", site.group or ""


def _agree(a: str | None, b: str | None) -> bool:
    return a is None or b is None or a == b


def _same(a: Site, b: Site) -> bool:
    return a.region is b.region and _agree(a.side, b.side) and _agree(a.group, b.group)


def _mirrored(a: Site, b: Site) -> bool:
    return a.region is b.region and not _agree(a.side, b.side) and _agree(a.group, b.group)


def _says_more(a: Site, b: Site) -> bool:
    """Whether ``a`` says all that ``b`` says, and more."""
    return a != b and _same(a, b) and all(y is None or x == y for x, y in zip(a[1:], b[1:], strict=True))


def _pair(reference: Sequence[Site], prediction: Sequence[Site], fits: Callable[[Site, Site], bool]) -> dict[int, int]:
    """A largest one-to-one pairing, reference index -> prediction index; equal sites are paired first."""
    options: dict[int, list[int]] = {i: [] for i in range(len(reference))}
    for i, j in product(range(len(reference)), range(len(prediction))):
        if fits(reference[i], prediction[j]):
            options[i].append(j)
    for i, js in options.items():
        js.sort(key=lambda j: -sum(x == y for x, y in zip(reference[i], prediction[j], strict=True)))
    taken: dict[int, int] = {}
    for i in sorted(options, key=lambda i: len(options[i])):
        _augment(i, options, taken, set())
    return {i: j for j, i in taken.items()}


def _augment(i: int, options: dict[int, list[int]], taken: dict[int, int], seen: set[int]) -> bool:
    """Find a place for ``i``, moving others if need be (Kuhn's augmenting path)."""
    for j in options[i]:
        if j in seen:
            continue
        seen.add(j)
        if j not in taken or _augment(taken[j], options, taken, seen):
            taken[j] = i
            return True
    return False
