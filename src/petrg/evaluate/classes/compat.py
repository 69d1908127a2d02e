"""The released PETRG-CES scorer's two CSV files, digit for digit."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from petrg.anatomy import Region
from petrg.errors import ScoreError
from petrg.evaluate.classes.codes import CT, PET, Scale, pair_counts
from petrg.evaluate.statistics.statistic import Floats, Ints

__all__ = ["DETAIL_FILE", "SUMMARY_FILE", "Compat", "compat_scores"]

SUMMARY_FILE = "PETRG-CES-Results.csv"
DETAIL_FILE = "PETRG-CES-Detail-Results.csv"
_SUMMARY = ("PET-Macro-F1-All", "CT-Macro-F1-All", "PET-Macro-F1-Abnormal", "CT-Macro-F1-Abnormal")
_HEADS = {"PET": "PET-labels (5类)", "CT": "CT-labels (8类, 已重映射)"}
_NAMES = {
    "PET": ("高度异常摄取", "轻度/可疑异常摄取", "生理性/背景摄取", "摄取缺损/减低", "正常"),
    "CT": ("淋巴结肿大", "局灶性病变", "肺实质异常", "壁/膜增厚", "钙化", "骨骼病变", "其他异常", "正常"),
}
_STATUS = {"PET": "pet_status", "CT": "ct_status"}


@dataclass(frozen=True, kw_only=True)
class Compat:
    """What the released scorer writes, and how much it left out to get there.

    ``summary`` and ``detail`` are the whole text of the two files (``detail`` begins with a byte order mark).
    """

    summary: str
    detail: str
    scored: int
    dropped: int


def compat_scores(reference: Path, prediction: Path) -> Compat:
    """Score two folders of the authors' label files as the released scorer does.

    Every (case, region) pair with a missing or unreadable file, a missing region or an invalid value on either side
    is left out, of PET and CT both: so damage can RAISE this score.
    `petrg.evaluate.classes` counts it as wrong.

    Parameters
    ----------
    reference, prediction : Path
        Folders of ``<id>.json``.

    Raises
    ------
    ScoreError
        If a folder cannot be read or no pair is left.

    Notes
    -----
    Read from the files that it printed: the layout, names and line ends (CRLF; a byte order mark in the detail file
    alone); percentages with two decimals, accuracy as a fraction with four; all classes listed and averaged, those
    with no support too, zero division 0; "Abnormal" averages all but the last class. The CT head says "remapped";
    no remapping shows: supports and scores are those of the values as they stand in the files.

    As its behaviour is described: pairs are dropped as above; an integer is taken in a prediction, not in a reference.

    Not known, and so our choice: a prediction is the text of its value, so that 1 is "1" but 1.0, " 1", "01" and true
    are invalid; a file that is no JSON object counts as missing, a region that is no object as missing; regions that
    are none of the 24 and files that only the prediction has are ignored; of a key given twice the last is read, as
    Python's reader does.
    """
    references, predictions = _folder(reference, "reference"), _folder(prediction, "prediction")
    rows: list[tuple[int, int, int, int]] = []
    pairs = 0
    for case in sorted(references.keys() | predictions.keys()):
        for region in Region:
            pairs += 1
            row = _pair(references.get(case), predictions.get(case), region.title("zh"))
            if row is not None:
                rows.append(row)
    if not rows:
        raise ScoreError(
            f"none of {pairs} pairs of labels can be scored",
            "two folders of label files that share ids, regions and valid classes",
            "check that both folders hold <id>.json of the same cases",
        )
    codes = np.array(rows, dtype=np.intp)
    tables: dict[str, Floats] = {
        s.modality: _table(codes[:, 2 * k], codes[:, 2 * k + 1], s) for k, s in enumerate((PET, CT))
    }
    return Compat(summary=_summary(tables), detail=_detail(tables), scored=len(rows), dropped=pairs - len(rows))


def _folder(path: Path, role: str) -> dict[str, Any]:
    """Every ``<id>.json`` of a folder as it stands; one that is no JSON is left out."""
    if not path.is_dir():
        raise ScoreError(f"the {role} is no folder", "a folder of <id>.json label files", "check the path")
    found = {}
    for file in sorted(path.glob("*.json")):
        try:
            found[file.stem] = json.loads(file.read_bytes())
        except OSError as error:
            raise ScoreError(
                f"cannot read a {role} file: {error.strerror}", "readable label files", "check permissions"
            ) from error
        except (ValueError, RecursionError):
            continue  # no JSON: dropped like a missing file
    return found


def _pair(reference: Any, prediction: Any, title: str) -> tuple[int, int, int, int] | None:
    """Codes (PET reference and prediction, CT reference and prediction) or None where the pair is dropped."""
    codes: list[int] = []
    for scale in (PET, CT):
        valid = [str(value + 1) for value in range(scale.count)]
        a, b = (_value(labels, title, _STATUS[scale.modality]) for labels in (reference, prediction))
        b = str(b) if isinstance(b, int) and not isinstance(b, bool) else b
        if not (isinstance(a, str) and isinstance(b, str) and a in valid and b in valid):
            return None
        codes += [int(a) - 1, int(b) - 1]
    return codes[0], codes[1], codes[2], codes[3]


def _value(labels: Any, title: str, key: str) -> Any:
    region = labels.get(title) if isinstance(labels, Mapping) else None
    return region.get(key) if isinstance(region, Mapping) else None


def _table(reference: Ints, prediction: Ints, scale: Scale) -> Floats:
    counts = pair_counts(reference[None], prediction[None], scale)
    return counts.reshape(scale.count, scale.count + 1)[:, : scale.count]


def _scores(table: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Precision, recall, F1 and support of every class, 0..1."""
    hits, support, predicted = np.diagonal(table), table.sum(axis=1), table.sum(axis=0)
    f1 = 2.0 * hits / np.maximum(support + predicted, 1.0)
    return hits / np.maximum(predicted, 1.0), hits / np.maximum(support, 1.0), f1, support


def _summary(tables: Mapping[str, Floats]) -> str:
    f1 = {modality: _scores(table)[2] for modality, table in tables.items()}
    values = [f1["PET"], f1["CT"], f1["PET"][:-1], f1["CT"][:-1]]
    return _csv([_SUMMARY, [_percent(np.mean(v)) for v in values]])


def _detail(tables: Mapping[str, Floats]) -> str:
    rows: list[list[str]] = []
    for modality, table in tables.items():
        columns, support = _scores(table)[:3], _scores(table)[3]
        total = int(support.sum())
        if rows:
            rows.append([])
        rows.append([_HEADS[modality], "precision", "recall", "f1-score", "support"])
        for code, name in enumerate(_NAMES[modality]):
            rows.append([name, *(_percent(c[code]) for c in columns), str(int(support[code]))])
        rows.append(["accuracy", "", "", f"{np.trace(table) / total:.4f}", str(total)])
        rows.append(["macro avg", *(_percent(np.mean(c)) for c in columns), str(total)])
        rows.append(["weighted avg", *(_percent(np.average(c, weights=support)) for c in columns), str(total)])
    return "\ufeff" + _csv(rows)


def _percent(value: float | np.floating[Any]) -> str:
    return f"{value * 100:.2f}"


def _csv(rows: list[Any]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
