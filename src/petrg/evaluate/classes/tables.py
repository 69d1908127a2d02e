"""Class scores in detail: by class, by region, by case, the confusion, and what was missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from petrg.anatomy import Region
from petrg.evaluate.classes.classes import MACRO, ClassFamily, accuracy, class_f1, kappa
from petrg.evaluate.classes.codes import CT, PET, Codes, Scale
from petrg.evaluate.scores import ClassRow, Confusion, Count, RegionRow
from petrg.evaluate.statistics.statistic import Floats, Ints, finite

__all__ = ["case_columns", "class_counts", "class_rows", "confusions", "region_rows"]


def class_rows(family: ClassFamily) -> tuple[ClassRow, ...]:
    """Precision, recall, F1 (0..1, zero division 0) and support of every class, PET then CT."""
    rows = []
    for scale in (PET, CT):
        table = family.confusion(scale).sum(axis=0)
        hits = np.diagonal(table)
        precision = hits / np.maximum(table.sum(axis=0)[: scale.count], 1.0)
        recall = hits / np.maximum(table.sum(axis=1), 1.0)
        f1 = class_f1(table.ravel(), scale)
        for code, name in enumerate(scale.names):
            rows.append(
                ClassRow(
                    modality=scale.modality,
                    value=code + 1,
                    name=name,
                    precision=float(precision[code]),
                    recall=float(recall[code]),
                    f1=float(f1[code]),
                    support=int(table[code].sum()),
                )
            )
    return tuple(rows)


def confusions(family: ClassFamily) -> tuple[Confusion, Confusion]:
    """The confusion of PET and of CT classes; the last column counts missing and invalid predictions."""
    pet, ct = (
        Confusion(
            modality=scale.modality,
            names=scale.names,
            counts=tuple(tuple(int(v) for v in row) for row in family.confusion(scale).sum(axis=0)),
        )
        for scale in (PET, CT)
    )
    return pet, ct


def region_rows(family: ClassFamily) -> tuple[RegionRow, ...]:
    """Accuracy, kappa and F1 of "abnormal" of every region, in report order; None where undefined.

    Abnormal is PET 1, 2 or 4 and CT 1 to 7, whichever of them; a missing prediction finds nothing.
    """
    found = {}
    for scale in (PET, CT):
        reference, prediction = _codes(family, scale)
        marked = [_marked(codes, scale) for codes in (reference, prediction)]
        found[scale.modality] = (
            [_agreement(reference[:, r], prediction[:, r], scale) for r in range(len(Region))],
            _f1(*marked, axis=0),
            marked[0].sum(axis=0),
        )
    return tuple(
        RegionRow(
            region=region.value,
            pet_accuracy=found["PET"][0][r][0],
            pet_kappa=found["PET"][0][r][1],
            pet_abnormal_f1=found["PET"][1][r],
            pet_abnormal=int(found["PET"][2][r]),
            ct_accuracy=found["CT"][0][r][0],
            ct_kappa=found["CT"][0][r][1],
            ct_abnormal_f1=found["CT"][1][r],
            ct_abnormal=int(found["CT"][2][r]),
        )
        for r, region in enumerate(Region)
    )


def case_columns(family: ClassFamily) -> Mapping[str, list[float | None]]:
    """Columns of cases.csv in the order of the ids.

    ``PET-Wrong`` and ``CT-Wrong`` count the wrong labels of the case (0..24, missing ones are wrong);
    ``PET-Abnormal-F1`` and ``CT-Abnormal-F1`` (0..1) are of its abnormal regions as in `region_rows`, None where
    neither report has one.
    """
    columns: dict[str, list[float | None]] = {}
    for scale in (PET, CT):
        reference, prediction = _codes(family, scale)
        columns[f"{scale.modality}-Wrong"] = (reference != prediction).sum(axis=1).tolist()
        columns[f"{scale.modality}-Abnormal-F1"] = _f1(_marked(reference, scale), _marked(prediction, scale), axis=1)
    return columns


def class_counts(family: ClassFamily) -> tuple[Count, ...]:
    """What was missing, invalid or silent, counted aloud."""
    cases, labels = len(family.ids), len(family.ids) * len(Region)
    predicted = family.predictions
    extra = len(family.prediction.cases.keys() - set(family.ids))
    no_case = predicted["PET"].no_case
    rows = [
        Count(key="prediction-missing", title="cases without predicted labels", value=int(no_case.sum()), of=cases),
        Count(
            key="region-missing",
            title="regions missing from predicted labels",
            value=int(predicted["PET"].no_region.sum()),
            of=labels,
        ),
        *(
            Count(
                key=f"{s.modality.lower()}-invalid",
                title=f"predicted {s.modality} labels that are no class",
                value=int(predicted[s.modality].no_class.sum()),
                of=labels,
            )
            for s in (PET, CT)
        ),
        Count(key="prediction-extra", title="predicted cases that have no reference, not scored", value=extra, of=None),
    ]
    rows += [_reachable(family, key, scale, codes) for key, (scale, codes) in MACRO.items()]
    for side, codes in (("reference", family.references), ("prediction", predicted)):
        rows += [_silent(side, s, codes[s.modality], labels) for s in (PET, CT)]
    return tuple(rows)


def _reachable(family: ClassFamily, key: str, scale: Scale, codes: Sequence[int]) -> Count:
    """How many of a macro-F1's classes the references have: the others count 0, whatever is predicted."""
    there = int(np.isin(list(codes), family.references[scale.modality].codes).sum())
    return Count(
        key=f"{key.lower()}-classes",
        title=f"classes of {key} that the references have; it reaches at most {100 * there / len(codes):.2f}",
        value=there,
        of=len(codes),
    )


def _silent(side: str, scale: Scale, codes: Codes, labels: int) -> Count:
    return Count(
        key=f"{side}-{scale.modality.lower()}-silent",
        title=f"{scale.modality} labels on which the {side} is silent, scored as normal",
        value=int(codes.silent.sum()),
        of=labels,
    )


def _codes(family: ClassFamily, scale: Scale) -> tuple[Ints, Ints]:
    return family.references[scale.modality].codes, family.predictions[scale.modality].codes


def _marked(codes: Ints, scale: Scale) -> Floats:
    return np.isin(codes, scale.marked).astype(np.float64)


def _f1(reference: Floats, prediction: Floats, *, axis: int) -> list[float | None]:
    both = (reference * prediction).sum(axis=axis)
    size = reference.sum(axis=axis) + prediction.sum(axis=axis)
    return [float(2 * b / s) if s else None for b, s in zip(both, size, strict=True)]


def _agreement(reference: Ints, prediction: Ints, scale: Scale) -> tuple[float | None, float | None]:
    table = np.zeros((scale.count, scale.count + 1))
    np.add.at(table, (reference, prediction), 1.0)
    return finite(accuracy(table.ravel(), scale) / 100.0), finite(kappa(table.ravel(), scale))
