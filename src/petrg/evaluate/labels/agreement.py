"""How far two labellers agree on the same reports; the only place where labels of two labellers meet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from petrg import __version__
from petrg.anatomy import Region
from petrg.errors import ScoreError
from petrg.evaluate.case_table import CaseTable, Value
from petrg.evaluate.classes.codes import CT, PET, Scale, codes_of
from petrg.evaluate.labels.label_set import Cell, LabelSet
from petrg.evaluate.scores import Confusion, Estimate
from petrg.evaluate.statistics.intervals import bootstrap, estimate, value_of
from petrg.evaluate.statistics.statistic import Floats, Ints, Tally, cohen_kappa, finite, ratio
from petrg.report.model import Model

__all__ = [
    "SUV_TOLERANCE",
    "Agreement",
    "CaseAgreement",
    "ClassAgreement",
    "Disagreement",
    "RegionAgreement",
    "case_table",
    "compare_labels",
]

SUV_TOLERANCE = 0.05
"""SUVs this near are the same: what is printed with one decimal."""
Part = Literal["PET", "CT", "SUV"]


class RegionAgreement(Model):
    """One region: kappa and share of equal labels; SUVs where either names one. None where undefined."""

    region: str
    pet_kappa: float | None
    pet_equal: float | None
    ct_kappa: float | None
    ct_equal: float | None
    suv_equal: float | None
    suv_named: Annotated[int, Field(description="cases where either names an SUV")]


class ClassAgreement(Model):
    """One class: how often each gave it, both at once; ``specific`` is 2 x both / (a + b), None where neither gave it.

    ``kappa`` is Cohen's of this class against all others, None where it is undefined.
    """

    modality: Literal["PET", "CT"]
    value: int
    name: str
    a: int
    b: int
    both: int
    specific: float | None
    kappa: float | None


class CaseAgreement(Model):
    """One case: its labels that differ, and whether the two read the same text (None where it is not known)."""

    id: str
    pet_differ: int
    ct_differ: int
    suv_differ: int
    same_text: bool | None = None


class Disagreement(Model):
    """A label that differs; a value None means that there is no label, or no SUV."""

    id: str
    region: str
    part: Part
    a: int | float | None
    b: int | float | None
    a_basis: str = ""
    b_basis: str = ""
    a_rule: str = ""
    b_rule: str = ""


class Agreement(Model):
    """The agreement of labellers A and B (schema 1). Silence is normal, by the authors' rule."""

    schema_version: Literal[1] = 1
    petrg: str
    a: Annotated[str, Field(description="labeller of A")]
    b: Annotated[str, Field(description="labeller of B")]
    cases: Annotated[int, Field(description="cases that both labelled; all figures rest on these")]
    only_a: tuple[str, ...] = ()
    only_b: tuple[str, ...] = ()
    other_text: Annotated[int, Field(description="cases whose text differs between the labellers")] = 0
    text_unknown: Annotated[int, Field(description="cases where that cannot be told")] = 0
    unlabelled: Annotated[dict[str, int], Field(description="labels that one side lacks, a disagreement each")]
    unlabelled_by_both: Annotated[dict[str, int], Field(description="labels that both lack, left out")]
    seed: int
    draws: Annotated[int, Field(description="of the bootstrap over cases, each taken for a patient")]
    pet_kappa: Estimate
    pet_equal: Estimate
    ct_kappa: Estimate
    ct_equal: Estimate
    suv_equal: Annotated[Estimate, Field(description="share of SUVs within suv_tolerance where either names one")]
    suv_tolerance: float = SUV_TOLERANCE
    confusions: Annotated[tuple[Confusion, ...], Field(description="A in rows, B in columns, no label last in both")]
    classes: tuple[ClassAgreement, ...]
    regions: tuple[RegionAgreement, ...]
    by_case: tuple[CaseAgreement, ...]
    disagreements: tuple[Disagreement, ...]


def compare_labels(
    a: LabelSet,
    b: LabelSet,
    *,
    hashes_a: Mapping[str, str] | None = None,
    hashes_b: Mapping[str, str] | None = None,
    draws: int = 2000,
    seed: int = 0,
) -> Agreement:
    """Compare two labellers on the cases that both labelled.

    Kappa is Cohen's over all (case, region) pairs, unweighted. A label that one side lacks (no region, no class) is a
    class of its own and so disagrees; one that both lack is left out. Intervals are bootstrapped over cases.

    Parameters
    ----------
    hashes_a, hashes_b : mapping of id -> sha256, optional
        Of the texts read, to tell whether both read the same.

    Raises
    ------
    ScoreError
        If they have no case in common.
    """
    ids = [key for key in a.cases if key in b.cases]
    if not ids:
        raise ScoreError("the two have no case in common", "labels of the same cases", "check the ids of both")
    tables: dict[str, _Table] = {scale.modality: _table(a, b, ids, scale) for scale in (PET, CT)}
    suv = _suv_table(a, b, ids)
    statistics = _statistics(tables, suv)
    drawn = bootstrap(statistics, ids, draws, seed)
    n = {"PET": tables["PET"].kept, "CT": tables["CT"].kept, "SUV": int(suv[..., 1].sum())}
    found = {
        key: estimate(value_of(one, len(ids)), drawn[key], n[key[:3].strip("-")], len(ids))
        for key, one in statistics.items()
    }
    same = [_same_text(key, hashes_a or {}, hashes_b or {}) for key in ids]
    return Agreement(
        petrg=__version__,
        a=a.labeller,
        b=b.labeller,
        cases=len(ids),
        only_a=tuple(key for key in a.cases if key not in b.cases),
        only_b=tuple(key for key in b.cases if key not in a.cases),
        other_text=same.count(False),
        text_unknown=same.count(None),
        unlabelled={m: table.one_lacks for m, table in tables.items()},
        unlabelled_by_both={m: table.both_lack for m, table in tables.items()},
        seed=seed,
        draws=draws,
        pet_kappa=found["PET-kappa"],
        pet_equal=found["PET-equal"],
        ct_kappa=found["CT-kappa"],
        ct_equal=found["CT-equal"],
        suv_equal=found["SUV-equal"],
        confusions=tuple(table.confusion() for table in tables.values()),
        classes=tuple(row for table in tables.values() for row in table.classes()),
        regions=tuple(_region(column, tables, suv) for column in range(len(Region))),
        by_case=tuple(_case(key, row, tables, suv, same[row]) for row, key in enumerate(ids)),
        disagreements=tuple(d for key in ids for d in _disagreements(key, a.cases[key], b.cases[key])),
    )


@dataclass(frozen=True)
class _Table:
    """Codes (n, 24) of both on one scale; ``scale.missing`` where there is no label."""

    scale: Scale
    a: Ints
    b: Ints

    @property
    def size(self) -> int:
        """Classes and "no label"."""
        return self.scale.count + 1

    @property
    def both_lack(self) -> int:
        return int(((self.a == self.scale.missing) & (self.b == self.scale.missing)).sum())

    @property
    def one_lacks(self) -> int:
        return int(((self.a == self.scale.missing) ^ (self.b == self.scale.missing)).sum())

    @property
    def kept(self) -> int:
        return self.a.size - self.both_lack

    def counts(self) -> Floats:
        """Confusion (n, size * size) of each case, A in rows; a label that both lack is in none."""
        pairs = self.a * self.size + self.b + np.arange(len(self.a), dtype=np.intp)[:, None] * self.size**2
        found = np.bincount(pairs.ravel(), minlength=len(self.a) * self.size**2).reshape(-1, self.size**2)
        found[:, -1] = 0
        return found.astype(np.float64)

    def confusion(self) -> Confusion:
        """All pairs, A in rows."""
        counts = self.counts().sum(axis=0).reshape(self.size, self.size).astype(int)
        rows = tuple(tuple(int(v) for v in row) for row in counts)
        return Confusion(modality=self.scale.modality, names=(*self.scale.names, "no label"), counts=rows)

    def classes(self) -> list[ClassAgreement]:
        """The classes, each on its own."""
        table = self.counts().sum(axis=0).reshape(self.size, self.size)
        rows = []
        every = int(table.sum())
        for code, one in enumerate(self.scale.classes):
            a, b, both = int(table[code].sum()), int(table[:, code].sum()), int(table[code, code])
            rows.append(
                ClassAgreement(
                    modality=self.scale.modality,
                    value=int(one),
                    name=self.scale.names[code],
                    a=a,
                    b=b,
                    both=both,
                    specific=2 * both / (a + b) if a + b else None,
                    kappa=finite(cohen_kappa(np.array([[both, a - both], [b - both, every - a - b + both]], float))),
                )
            )
        return rows


def _table(a: LabelSet, b: LabelSet, ids: Sequence[str], scale: Scale) -> _Table:
    codes = [codes_of(one, ids, scale, reference=False).codes for one in (a, b)]
    return _Table(scale, codes[0], codes[1])


def _suv_table(a: LabelSet, b: LabelSet, ids: Sequence[str]) -> Floats:
    """(n, 24, 2): equal, and named by either."""
    table = np.zeros((len(ids), len(Region), 2))
    for row, key in enumerate(ids):
        for column, region in enumerate(Region):
            x, y = (one.cases[key].get(region, Cell()).suv_max for one in (a, b))
            table[row, column] = (_same_suv(x, y) and x is not None, x is not None or y is not None)
    return table


def _same_suv(x: float | None, y: float | None) -> bool:
    return x is y if x is None or y is None else abs(x - y) <= SUV_TOLERANCE + 1e-9


def _statistics(tables: Mapping[str, _Table], suv: Floats) -> dict[str, Tally]:
    found: dict[str, Tally] = {}
    for modality, table in tables.items():
        parts = table.counts()
        found[f"{modality}-kappa"] = Tally(parts, partial(_kappa, size=table.size))
        found[f"{modality}-equal"] = Tally(parts, partial(_equal, size=table.size))
    found["SUV-equal"] = Tally(suv.sum(axis=1), lambda sums: ratio(sums[..., 0], sums[..., 1]))
    return found


def _kappa(sums: Floats, size: int) -> Floats:
    return cohen_kappa(sums.reshape(*sums.shape[:-1], size, size))


def _equal(sums: Floats, size: int) -> Floats:
    table = sums.reshape(*sums.shape[:-1], size, size)
    return ratio(np.trace(table, axis1=-2, axis2=-1), table.sum(axis=(-2, -1)))


def _region(column: int, tables: Mapping[str, _Table], suv: Floats) -> RegionAgreement:
    def of(modality: str, reduce: Callable[[Floats, int], Floats]) -> float | None:
        table = tables[modality]
        one = _Table(table.scale, table.a[:, [column]], table.b[:, [column]])
        return finite(float(reduce(one.counts().sum(axis=0), one.size)))

    equal, named = suv[:, column].sum(axis=0)
    return RegionAgreement(
        region=list(Region)[column].value,
        pet_kappa=of("PET", _kappa),
        pet_equal=of("PET", _equal),
        ct_kappa=of("CT", _kappa),
        ct_equal=of("CT", _equal),
        suv_equal=float(equal / named) if named else None,
        suv_named=int(named),
    )


def _case(key: str, row: int, tables: Mapping[str, _Table], suv: Floats, same: bool | None) -> CaseAgreement:
    differ = {m: int((table.a[row] != table.b[row]).sum()) for m, table in tables.items()}
    return CaseAgreement(
        id=key,
        pet_differ=differ["PET"],
        ct_differ=differ["CT"],
        suv_differ=int((suv[row, :, 1] - suv[row, :, 0]).sum()),
        same_text=same,
    )


def case_table(agreement: Agreement) -> str:
    """``cases.csv``: a row a case, how many of its labels differ, and whether both read the same text.

    Cases of one side only stand there too, without figures.
    """
    both, alone = (
        agreement.by_case,
        [*((key, "A") for key in agreement.only_a), *((key, "B") for key in agreement.only_b)],
    )
    none = [None] * len(alone)
    said = {True: "yes", False: "no", None: None}
    columns: dict[str, list[Value]] = {
        "labelled_by": [*("both" for _ in both), *(side for _, side in alone)],
        "pet_differ": [*(case.pet_differ for case in both), *none],
        "ct_differ": [*(case.ct_differ for case in both), *none],
        "suv_differ": [*(case.suv_differ for case in both), *none],
        "same_text": [*(said[case.same_text] for case in both), *none],
    }
    return CaseTable("id", [*(case.id for case in both), *(key for key, _ in alone)], columns).to_csv()


def _same_text(key: str, a: Mapping[str, str], b: Mapping[str, str]) -> bool | None:
    return a[key] == b[key] if key in a and key in b else None


def _disagreements(key: str, a: Mapping[Region, Cell], b: Mapping[Region, Cell]) -> list[Disagreement]:
    rows = []
    for region in Region:
        x, y = a.get(region), b.get(region)
        for index, part in enumerate(_PARTS):
            one, other = _value(x, part), _value(y, part)
            if _same_suv(one, other) if part == "SUV" else one == other:
                continue
            rows.append(
                Disagreement(
                    id=key,
                    region=region.value,
                    part=part,
                    a=one,
                    b=other,
                    a_basis=x.basis[index] if x else "",
                    b_basis=y.basis[index] if y else "",
                    a_rule=x.rules[index] if x else "",
                    b_rule=y.rules[index] if y else "",
                )
            )
    return rows


_PARTS: tuple[Part, Part, Part] = ("PET", "CT", "SUV")


def _value(cell: Cell | None, part: Part) -> float | None:
    """The class, silence as normal; None where there is no label."""
    if cell is None:
        return None
    if part == "SUV":
        return cell.suv_max
    if part == "PET":
        return None if cell.pet_fault else int(cell.pet or len(PET.classes))
    return None if cell.ct_fault else int(cell.ct or len(CT.classes))
