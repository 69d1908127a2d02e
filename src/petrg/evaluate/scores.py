"""scores.json: every score with its interval, beside its controls, with what defines it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from petrg.report.model import Model

__all__ = [
    "ClassRow",
    "Confusion",
    "Count",
    "Estimate",
    "Metric",
    "PermutationTest",
    "RegionRow",
    "Row",
    "Scores",
    "WorstCase",
]

Group = Literal["text", "classes", "lesions", "numbers", "faults"]


class Metric(Model):
    """What a score is; ``key`` carries tokenizer and version where they matter (``BLEU-4[jieba 0.42.1]``)."""

    key: str
    title: str
    group: Group
    low: float | None = None
    high: float | None = None
    better: Literal["higher", "lower", "neither"]
    unit: str = ""
    definition: Annotated[str, Field(description="what is computed, in a line, and its source")]
    headline: Annotated[bool, Field(description="shown in the summary and the forest plot")] = False


class Estimate(Model):
    """A score and its 95 % interval; None where it does not exist, and then ``note`` says why.

    ``interval`` says what the interval is: a bootstrap by patient, or the range of random draws.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    interval: Literal["bootstrap by patient", "range of draws", ""] = ""
    n: Annotated[int, Field(description="cases, regions or lesions it rests on")] = 0
    note: str = ""


class Row(Model):
    """A system or a control; one that cannot be formed stands here too, with the reason."""

    key: str
    title: str
    kind: Literal["system", "control", "reader"]
    how: Annotated[str, Field(description="how its reports were made")]
    given: bool = True
    reason: Annotated[str, Field(description="why it is not given")] = ""
    estimates: Annotated[dict[str, Estimate], Field(description="by metric key")] = Field(default_factory=dict)


class PermutationTest(Model):
    """The system against a control or another system on one metric.

    ``difference`` is the system minus the other. ``distinguishable`` is p < ``alpha`` after Holm's correction over the
    headline metrics of one control.
    """

    metric: str
    against: str
    method: Literal["reports permuted among patients", "paired permutation"]
    difference: float | None
    p: float | None
    p_holm: float | None = None
    draws: int
    alpha: float = 0.05
    distinguishable: bool | None = None
    note: str = ""


class ClassRow(Model):
    """One class of one modality: precision, recall and F1 in 0..1, support in the reference."""

    modality: Literal["PET", "CT"]
    value: int
    name: str
    precision: float
    recall: float
    f1: float
    support: int


class Confusion(Model):
    """Counts, reference in rows; the last column holds missing and invalid predictions."""

    modality: Literal["PET", "CT"]
    names: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


class RegionRow(Model):
    """One region: accuracy, kappa, and F1 of "abnormal" (PET 1, 2, 4; CT 1-7), 0..1; None where undefined."""

    region: str
    pet_accuracy: float | None
    pet_kappa: float | None
    pet_abnormal_f1: float | None
    pet_abnormal: Annotated[int, Field(description="cases abnormal in the reference")]
    ct_accuracy: float | None
    ct_kappa: float | None
    ct_abnormal_f1: float | None
    ct_abnormal: int


class Count(Model):
    """Something counted aloud: missing predictions, invalid labels, cases without sex."""

    key: str
    title: str
    value: int
    of: int | None = None


class WorstCase(Model):
    """A case for a reader to look at; texts are in the page, not here."""

    id: str
    why: str
    score: float
    faults: tuple[str, ...] = ()


class Scores(Model):
    """All scores of one system on one set of cases (schema 1)."""

    schema_version: Literal[1] = 1
    petrg: str
    system: str
    cases: int
    patients: int
    tokenizer: str | None = None
    labeller: str | None = None
    seed: int
    bootstrap_draws: int
    permutations: int
    inputs: Annotated[dict[str, str], Field(description="role -> sha256 of the file read")]
    metrics: tuple[Metric, ...]
    rows: tuple[Row, ...]
    tests: tuple[PermutationTest, ...] = ()
    sentences: Annotated[tuple[str, ...], Field(description="what the scores say, in words")] = ()
    counts: tuple[Count, ...] = ()
    classes: tuple[ClassRow, ...] = ()
    confusions: tuple[Confusion, ...] = ()
    regions: tuple[RegionRow, ...] = ()
    worst: tuple[WorstCase, ...] = ()
    worst_rule: Annotated[str, Field(description="how the worst cases were chosen")] = ""
