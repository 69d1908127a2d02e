"""A made-up run of scores, its texts and labels, and the page as a browser would find it."""

from __future__ import annotations

import random
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

from petrg.anatomy import Region
from petrg.evaluate.cases.case import Case, Cases
from petrg.evaluate.labels.label_set import Cell, LabelSet, Spot
from petrg.evaluate.page import render_scores
from petrg.evaluate.scores import (
    ClassRow,
    Confusion,
    Count,
    Estimate,
    Metric,
    PermutationTest,
    RegionRow,
    Row,
    Scores,
    WorstCase,
)
from petrg.report import Structure, Uptake

SENTENCES = (
    "右侧颈部淋巴结增大，代谢增高，SUVmax 7.2。",
    "纵隔内见多发肿大淋巴结，较大者短径约1.5cm。",
    "肝脏形态未见异常，代谢未见增高。",
    "脾脏不大，未见异常代谢。",
    "左肺上叶见磨玻璃影，SUVmax 1.3。",
    "腰椎骨质破坏，代谢增高。",
)


def metric(key: str, group: str, high: float | None, better: str = "higher", headline: bool = True) -> Metric:
    low = 0.0 if high is not None else None
    return Metric.model_validate(
        {
            "key": key,
            "title": key,
            "group": group,
            "low": low,
            "high": high,
            "better": better,
            "definition": "what it is (its source)",
            "headline": headline,
        }
    )


METRICS = (
    metric("BLEU-4[jieba 0.42.1]", "text", 1.0),
    metric("ROUGE-L[jieba 0.42.1]", "text", 1.0),
    metric("CIDEr[jieba 0.42.1]", "text", 10.0),
    metric("PET-Abnormal", "classes", 100.0),
    metric("CT-Abnormal", "classes", 100.0),
    metric("False findings", "lesions", None, "lower"),
    metric("Length ratio", "faults", None, "neither", headline=False),
)
CENTRES = (0.33, 0.42, 0.6, 23.0, 17.0, 1.4, 0.9)


def estimates(rng: random.Random, kind: str, by: float) -> dict[str, Estimate]:
    out = {}
    for m, centre in zip(METRICS, CENTRES, strict=True):
        value = centre * by
        half = value * rng.uniform(0.05, 0.15)
        how = "range of draws" if kind == "random" else "bootstrap by patient"
        out[m.key] = Estimate(value=value, low=value - half, high=value + half, interval=how, n=12)
    return out


def control(key: str, title: str, estimates: dict[str, Estimate]) -> Row:
    return Row(key=key, title=title, kind="control", how=f"how {key} is made", estimates=estimates)


def made_up_rows(rng: random.Random) -> tuple[Row, ...]:
    return (
        Row(key="system", title="PETRG-3D", kind="system", how="as given", estimates=estimates(rng, "", 1.0)),
        control("template", "healthy template, verbatim", estimates(rng, "", 1.3)),
        control("normal", "always normal", estimates(rng, "", 0.5)),
        Row(key="second-reader", title="second reader", kind="reader", how="r", given=False, reason="no second texts"),
        control("permuted", "own reports, other patients", estimates(rng, "random", 0.99)),
        control("random-reference", "another patient's reference", estimates(rng, "random", 1.5)),
    )


def made_up_regions(rng: random.Random) -> tuple[RegionRow, ...]:
    return tuple(
        RegionRow(
            region=r.value,
            pet_accuracy=0.8,
            pet_kappa=rng.uniform(-0.1, 1),
            pet_abnormal_f1=rng.uniform(0, 1) if k % 5 else None,
            pet_abnormal=rng.randrange(12) if k % 5 else 0,
            ct_accuracy=0.7,
            ct_kappa=rng.uniform(-0.1, 1),
            ct_abnormal_f1=rng.uniform(0, 1),
            ct_abnormal=rng.randrange(12),
        )
        for k, r in enumerate(Region)
    )


def made_up_tests() -> tuple[PermutationTest, ...]:
    return tuple(
        PermutationTest(
            metric=m.key,
            against="permuted",
            method="reports permuted among patients",
            difference=0.01,
            p=0.21 if k % 2 else 0.0009,
            p_holm=0.63 if k % 2 else 0.004,
            draws=1000,
            distinguishable=not k % 2,
        )
        for k, m in enumerate(METRICS)
    )


def made_up_classes(rng: random.Random) -> tuple[ClassRow, ...]:
    return tuple(
        ClassRow(
            modality=m,  # type: ignore[arg-type]
            value=v,
            name=f"class {v}",
            precision=rng.random(),
            recall=rng.random(),
            f1=rng.random(),
            support=rng.randrange(200),
        )
        for m, n in CLASSES
        for v in range(1, n + 1)
    )


def made_up_confusions(rng: random.Random) -> tuple[Confusion, ...]:
    return tuple(
        Confusion(
            modality=m,  # type: ignore[arg-type]
            names=tuple(f"class {v}" for v in range(1, n + 1)),
            counts=tuple(tuple(rng.randrange(40 if i == j else 9) for j in range(n + 1)) for i in range(n)),
        )
        for m, n in CLASSES
    )


CLASSES = (("PET", 5), ("CT", 8))
FACTS: dict[str, Any] = {
    "petrg": "0.2.0",
    "system": "PETRG-3D",
    "cases": 12,
    "patients": 11,
    "tokenizer": "jieba 0.42.1",
    "labeller": "petrg-reading 1 (lexica 3f2a9c1b)",
    "seed": 0,
    "bootstrap_draws": 2000,
    "permutations": 1000,
    "inputs": {"reports": "ab" * 32, "template": "cd" * 32},
    "metrics": METRICS,
    "sentences": (
        "BLEU-4 of PETRG-3D (0.330) is below that of the healthy template copied word for word (0.429).",
        "This score is not distinguishable from the same reports given to the wrong patients (p = 0.63).",
    ),
    "counts": (
        Count(key="missing", title="Missing predictions", value=1, of=12),
        Count(key="invalid", title="Invalid labels", value=0, of=576),
    ),
    "worst": tuple(
        WorstCase(id=f"case-{k:02d}", why="9 labels differ", score=9, faults=("cut off",) if not k else ())
        for k in range(10)
    ),
}


def made_up(**changes: Any) -> Scores:
    rng = random.Random(1)
    drawn = {
        "rows": made_up_rows(rng),
        "regions": made_up_regions(rng),
        "tests": made_up_tests(),
        "classes": made_up_classes(rng),
        "confusions": made_up_confusions(rng),
    }
    return Scores.model_validate({**FACTS, **drawn, **changes})


def made_up_cases(extra: str = "") -> Cases:
    rng = random.Random(2)
    cases = []
    for k in range(12):
        reference = [*SENTENCES, extra] if extra else list(SENTENCES)
        wrong = [s.replace("7.2", "4.5").replace("未见异常", "密度减低") for s in reference if rng.random() > 0.3]
        rng.shuffle(wrong)
        prediction = None if k == 3 else "".join(wrong) + "盆腔未见积液。"
        cases.append(Case(id=f"case-{k:02d}", reference="".join(reference), prediction=prediction, patient=str(k)))
    return Cases(cases=tuple(cases))


def labels(texts: Mapping[str, str | None], name: str = "petrg-reading 1") -> LabelSet:
    out: dict[str, dict[Region, Cell]] = {}
    for key, text in texts.items():
        cells = dict.fromkeys(Region, Cell())
        at = (text or "").find("SUVmax 7.2")
        if at >= 0:
            spots = ((Spot(at - 4, at + 10),), (), (Spot(at, at + 10),))
            cells[Region.NECK_NODES] = Cell(
                Uptake.HIGH, Structure.ENLARGED_NODES, 7.2, basis=("stated",) * 3, spots=spots
            )
        out[key] = cells
    return LabelSet(labeller=name, cases=out, texts={k: t for k, t in texts.items() if t is not None})


VOID = {"meta", "br"}
EVIL = '<script>alert("1")</script>\'&amp;\x00\x1b\u202edro\u2066 \ud800 \u05e9\u05dc\u05d5\u05dd'


class Seen(HTMLParser):
    """What a browser would find: tags in balance, attributes, text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.marked: dict[str, list[str]] = {}
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            return
        self.words.append(data)
        if self.open and self.open[-1] == "mark":
            for kind in str(self.tags[-1][1].get("class")).split():
                self.marked.setdefault(kind, []).append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def found(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def page(scores: Scores | None = None, cases: Cases | None = None, language: str = "en", **sides: Any) -> str:
    cases = cases or made_up_cases()
    given = {
        "reference_labels": labels({c.id: c.reference for c in cases.cases}),
        "prediction_labels": labels({c.id: c.prediction for c in cases.cases if c.prediction is not None}),
        **sides,
    }
    return render_scores(scores or made_up(), cases=cases, language=language, **given)
