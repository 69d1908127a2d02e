"""Which series is the PET and which the CT: by written rule, each choice explained.

Never: scouts, dose reports, secondary captures (by SOP class), fused, projections, dynamic and gated series.
PET: attenuation-corrected before not; in the CT's frame of reference; original before derived; the largest
coverage; the earliest.
CT: in the PET's frame of reference; covering the PET ("whole body") before part of it; matched to the PET (named by it
as source, or its slices at the same positions) before not; without contrast agent before with; original before
derived; the largest coverage; the earliest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from petrg.errors import StudyError
from petrg.imaging.dicom.series import Part
from petrg.imaging.dicom.values import string

__all__ = ["Choice", "choose", "choose_ct", "choose_pet", "left_out"]

NONE = "none"
"""An override that leaves the modality out."""
_COVERED = 0.9
_Rule = tuple[str, Callable[[Part], object]]


@dataclass(frozen=True, slots=True)
class Choice:
    """The parts taken, in the order of z, and why; and why each other part was not.

    Parameters
    ----------
    taken : one part, or bed parts that join
    reason : why
    others : (part, reason), alternatives first
    """

    taken: tuple[Part, ...]
    reason: str
    others: tuple[tuple[Part, str], ...]


def choose(parts: Sequence[Part], *, ct: str | int | None, pet: str | int | None) -> tuple[Choice, Choice]:
    """Choose the CT and the PET; ``ct`` and ``pet`` override by UID, by series number, or ``none``.

    Raises
    ------
    StudyError
        If an override names no series or more than one.
    """
    cts, pets = [p for p in parts if p.modality == "CT"], [p for p in parts if p.modality == "PT"]
    named = cts if ct is None or str(ct).strip().lower() == NONE else _overridden(cts, ct, "--ct-series")
    chosen_pet = choose_pet(pets, named, pet)
    return choose_ct(cts, chosen_pet.taken, ct), chosen_pet


def choose_pet(pets: Sequence[Part], cts: Sequence[Part], override: str | int | None = None) -> Choice:
    """Choose the PET among its parts."""
    frames = {p.frame_of_reference for p in cts if p.never is None and p.frame_of_reference}
    rules: list[_Rule] = [
        ("attenuation-corrected", lambda p: {True: 0, None: 1, False: 2}[p.corrected]),
        ("in the CT's frame of reference", lambda p: bool(frames) and p.frame_of_reference not in frames),
        ("original", lambda p: not p.original),
        *_COMMON,
    ]
    return _choose(pets, rules, override, "--pet-series")


def choose_ct(cts: Sequence[Part], pet: Sequence[Part], override: str | int | None = None) -> Choice:
    """Choose the CT among its parts, for the PET that was chosen (none: no rule asks for it)."""
    able = [p for p in cts if p.never is None]
    frame = pet[0].frame_of_reference if pet else None
    low, high = _span(pet or able)
    most = max((_share(p, low, high) for p in able if not pet or p.frame_of_reference == frame), default=0.0)
    rules: list[_Rule] = [
        ("in the PET's frame of reference", lambda p: bool(pet) and p.frame_of_reference != frame),
        ("covers the whole scan", lambda p: _share(p, low, high) < _COVERED * most),
        ("matched to the PET", lambda p: not _matched(p, pet)),
        ("without contrast agent", lambda p: p.contrast),
        ("original", lambda p: not p.original),
        *_COMMON,
    ]
    return _choose(cts, rules, override, "--ct-series")


_COMMON: list[_Rule] = [
    ("largest coverage", lambda p: -round(p.coverage_mm)),
    ("earliest", lambda p: p.acquired),
    ("lowest series number", lambda p: (p.number is None, p.number or 0)),
    ("series UID", lambda p: p.uid or ""),
]


def _span(parts: Sequence[Part]) -> tuple[float, float]:
    """The range along the body that parts cover together, mm."""
    return min((p.span_mm[0] for p in parts), default=0.0), max((p.span_mm[1] for p in parts), default=0.0)


def _share(part: Part, low: float, high: float) -> float:
    """The share of a range, mm, that a part covers."""
    inside = min(part.span_mm[1], high) - max(part.span_mm[0], low)
    return max(inside, 0.0) / (high - low) if high > low else 0.0


def _matched(ct: Part, pet: Sequence[Part]) -> bool:
    """Whether a PET names this CT as its source, or both have their images at the same places."""
    uids = {ct.uid, *(s.sop_uid for s in ct.slices)} - {None}
    if any(p.sources & uids for p in pet):
        return True
    return any(
        abs(ct.gap_mm - p.gap_mm) < 0.02 and abs((ct.span_mm[0] - p.span_mm[0] + 0.1) % max(p.gap_mm, 0.2)) < 0.2
        for p in pet
    )


def _choose(parts: Sequence[Part], rules: Sequence[_Rule], override: str | int | None, option: str) -> Choice:
    never = [(p, p.never) for p in parts if p.never is not None]
    able = [p for p in parts if p.never is None]
    if override is not None and str(override).strip().lower() == NONE:
        return Choice((), f"left out by {option} {NONE}", tuple((p, f"left out by {option} {NONE}") for p in parts))
    if override is not None:
        able = _overridden(parts, override, option)
        never = [(p, p.never or f"{option} names another") for p in parts if p not in able]
    if not able:
        return Choice((), "", tuple(never))
    ranked = sorted(able, key=lambda p: tuple(rule(p) for _, rule in rules))
    best, rest = ranked[0], ranked[1:]
    taken = _joined(best, rest)
    others = [(p, _why_not(best, p, rules)) for p in rest if p not in taken]
    reason = f"named by {option}" if override is not None else _why(best, [p for p, _ in others], rules)
    if len(taken) > 1:
        reason += f"; {len(taken)} bed parts joined"
    return Choice(taken, reason, (*others, *never))


def _overridden(parts: Sequence[Part], override: str | int, option: str) -> list[Part]:
    wanted = str(override).strip()
    found = [p for p in parts if p.uid == wanted]
    if not found and wanted.isdecimal():
        found = [p for p in parts if p.number == int(wanted)]
    numbers = ", ".join(sorted({str(p.number) for p in parts if p.number is not None})) or "none"
    if not found:
        raise StudyError(
            f"no series by the name given to {option}", f"one of the series numbers {numbers}", "see petrg inspect"
        )
    if len({p.uid for p in found}) > 1:
        raise StudyError(
            f"{len({p.uid for p in found})} series of that number",
            "one series",
            f"give its UID to {option}; see petrg inspect",
        )
    return found


def _why(best: Part, others: Sequence[Part], rules: Sequence[_Rule]) -> str:
    if not others:
        return "the only one"
    name = _deciding(best, others[0], rules)
    return f"first by rule: {name}; {len(others)} other{'s' * (len(others) > 1)} passed over"


def _why_not(best: Part, other: Part, rules: Sequence[_Rule]) -> str:
    number = f"series {best.number}" if best.number is not None else "the one taken"
    same = "a part of the same series; " if other.uid == best.uid else ""
    return f"{same}{number} comes first by rule: {_deciding(best, other, rules)}"


def _deciding(best: Part, other: Part, rules: Sequence[_Rule]) -> str:
    return next((name for name, rule in rules if rule(best) != rule(other)), "order found")


def _joined(best: Part, rest: Sequence[Part]) -> tuple[Part, ...]:
    """``best`` and every bed part that continues it without a gap; in the order of z."""
    taken = [best]
    grown = True
    while grown:
        grown = False
        for part in rest:
            if part not in taken and _alike(best, part) and _continues(taken, part):
                taken.append(part)
                grown = True
    return tuple(sorted(taken, key=lambda p: p.span_mm))


_PROTOCOL = (
    0x00541001,
    0x00541006,
    0x00541103,
    0x00181210,
    0x00180010,
)  # units, SUV type, reconstruction, kernel, contrast


def _alike(a: Part, b: Part) -> bool:
    """The same in-plane grid, frame of reference, corrections and protocol."""
    first, second = a.first, b.first
    places = first.position, second.position
    if None in places or first.orientation is None or second.orientation is None or a.frame_of_reference is None:
        return False
    grids = [(s.pixels.rows, s.pixels.columns, s.spacing, s.orientation) for s in (first, second)]
    shift = [x - y for x, y in zip(*places, strict=True)]  # type: ignore[arg-type]
    axes = first.orientation[:3], first.orientation[3:]
    aligned = all(abs(sum(s * u for s, u in zip(shift, axis, strict=True))) < 0.05 for axis in axes)
    same = grids[0] == grids[1] and a.frame_of_reference == b.frame_of_reference and a.corrected == b.corrected
    protocol = all(string(first.dataset, t) == string(second.dataset, t) for t in _PROTOCOL)
    return same and aligned and protocol and first.image_type == second.image_type


def _continues(taken: Sequence[Part], part: Part) -> bool:
    """Whether ``part`` begins one slice after ``taken`` ends, or the reverse: then nothing need be resampled."""
    step = taken[0].gap_mm
    if len(part.slices) > 1 and abs(part.gap_mm - step) > max(0.02, 0.01 * step):
        return False
    low, high = _span(taken)
    gaps = part.span_mm[0] - high, low - part.span_mm[1]
    return any(abs(gap - step) <= max(0.1, 0.03 * step) for gap in gaps)


def left_out(choice: Choice, what: str) -> list[str]:
    """Lines on what the parts passed over would have added: the rest of the series taken, or more of the body."""
    if not choice.taken:
        return []
    low, high = _span(choice.taken)
    best = choice.taken[0]
    lines = []
    for part, _ in choice.others:
        beyond = max(low - part.span_mm[0], 0.0) + max(part.span_mm[1] - high, 0.0)
        if part.never is not None or part.corrected is not best.corrected:
            continue
        if part.uid == best.uid and part.uid is not None:
            lines.append(f"{len(part.slices)} images of the {what} series taken make another grid and are left out")
        elif beyond > 20 and part.frame_of_reference == best.frame_of_reference:
            lines.append(f"{part.name()} reaches {beyond:.0f} mm beyond the {what} taken; grids differ, so not joined")
    return lines
