"""scores.html: nothing left out, nothing unescaped, nothing fetched."""

from __future__ import annotations

import html
import random
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from petrg.anatomy import Region
from petrg.evaluate.cases import Case, Cases
from petrg.evaluate.label_set import Cell, LabelSet, Spot
from petrg.evaluate.page import Leaderboard, render_leaderboard, render_scores
from petrg.evaluate.page.words import words
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


def made_up(**changes: Any) -> Scores:
    rng = random.Random(1)
    rows = (
        Row(key="system", title="PETRG-3D", kind="system", how="as given", estimates=estimates(rng, "", 1.0)),
        control("template", "healthy template, verbatim", estimates(rng, "", 1.3)),
        control("normal", "always normal", estimates(rng, "", 0.5)),
        Row(key="second-reader", title="second reader", kind="reader", how="r", given=False, reason="no second texts"),
        control("permuted", "own reports, other patients", estimates(rng, "random", 0.99)),
        control("random-reference", "another patient's reference", estimates(rng, "random", 1.5)),
    )
    regions = tuple(
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
    given: dict[str, Any] = {
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
        "rows": rows,
        "tests": tuple(
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
        ),
        "sentences": (
            "BLEU-4 of PETRG-3D (0.330) is below that of the healthy template copied word for word (0.429).",
            "This score is not distinguishable from the same reports given to the wrong patients (p = 0.63).",
        ),
        "counts": (
            Count(key="missing", title="Missing predictions", value=1, of=12),
            Count(key="invalid", title="Invalid labels", value=0, of=576),
        ),
        "classes": tuple(
            ClassRow(
                modality=m,  # type: ignore[arg-type]
                value=v,
                name=f"class {v}",
                precision=rng.random(),
                recall=rng.random(),
                f1=rng.random(),
                support=rng.randrange(200),
            )
            for m, n in (("PET", 5), ("CT", 8))
            for v in range(1, n + 1)
        ),
        "confusions": tuple(
            Confusion(
                modality=m,  # type: ignore[arg-type]
                names=tuple(f"class {v}" for v in range(1, n + 1)),
                counts=tuple(tuple(rng.randrange(40 if i == j else 9) for j in range(n + 1)) for i in range(n)),
            )
            for m, n in (("PET", 5), ("CT", 8))
        ),
        "regions": regions,
        "worst": tuple(
            WorstCase(id=f"case-{k:02d}", why="9 labels differ", score=9, faults=("cut off",) if not k else ())
            for k in range(10)
        ),
    }
    return Scores.model_validate({**given, **changes})


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


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_is_whole_and_fetches_nothing(language: str) -> None:
    made = page(language=language)
    seen = Seen(made)
    tags = {tag for tag, _ in seen.tags}
    assert not tags & {"script", "link", "iframe", "img", "object", "form", "image"}
    assert "default-src 'none'" in str(seen.found("meta"))
    assert not re.search(r"https?://|url\(|@import|javascript:", made)
    assert not [a for _, attrs in seen.tags for a in attrs if a.startswith("on") or a in ("src", "action")]
    assert all(str(a["href"]).startswith("#") for a in seen.found("a"))
    anchors = {attrs["id"] for _, attrs in seen.tags if "id" in attrs}
    assert {str(a["href"])[1:] for a in seen.found("a")} <= anchors
    assert made == page(language=language)


def test_both_languages_hold_the_same_words() -> None:
    def keys(table: Mapping[str, Any], at: str = "") -> set[str]:
        return {
            k for name, v in table.items() for k in (keys(v, f"{at}{name}.") if isinstance(v, dict) else {at + name})
        }

    free = ("row_titles.", "metric_titles.", "count_titles.", "unit_titles.")  # English has the scores' own
    en, zh = ({k for k in keys(words(language)) if not k.startswith(free)} for language in ("en", "zh"))
    assert en == zh
    blanks = [set(re.findall(r"{\w+}", str(words("en")[k]))) for k in words("en")]
    assert blanks == [set(re.findall(r"{\w+}", str(words("zh")[k]))) for k in words("en")]


def test_every_word_of_the_page_is_used() -> None:
    from importlib.resources import files

    room = files("petrg.evaluate.page")
    parts = [p for p in [*room.iterdir(), *room.joinpath("templates").iterdir()] if p.name.endswith((".py", ".j2"))]
    code = "".join(p.read_text(encoding="utf-8") for p in parts)
    built = {
        "better_higher",
        "better_lower",
        "better_neither",
        "higher",
        "lower",
        "neither",
        "banner",
        "banner_numbers",
    }
    for key, value in words("en").items():
        assert isinstance(value, dict) or key in built or re.search(rf"\b{key}\b", code), key


def test_words_come_before_any_table() -> None:
    made = page()
    assert made.index("not distinguishable from the same reports") < made.index("<table")
    assert made.index('id="counts"') < made.index("<table")


def test_every_row_metric_and_count_is_there() -> None:
    scores = made_up()
    text = Seen(page(scores)).text
    for row in scores.rows:
        assert row.title in text
        assert row.how in text
    for metric in scores.metrics:
        assert metric.title.partition("[")[0] in text
    for count in scores.counts:
        assert count.title in text
    assert "not given: no second texts" in text
    for fact in ("jieba 0.42.1", "petrg-reading 1 (lexica 3f2a9c1b)", "ab" * 32, "2,000", "1,000"):
        assert fact in text


def test_values_intervals_and_p_values_are_printed() -> None:
    text = Seen(page()).text
    assert "0.330" in text
    assert "p = 0.63 ≈" in text
    assert "p = 0.004" in text
    assert "p = 0.004 ≈" not in text


def test_only_a_system_below_a_control_is_marked_so() -> None:
    system, *others = made_up().rows
    assert page().count(">▽<") > 0
    best = {
        k: e.model_copy(update={"value": 90.0 if k != "False findings" else 0.0}) for k, e in system.estimates.items()
    }
    first = made_up(rows=(system.model_copy(update={"estimates": best}), *others))
    assert page(first).count(">▽<") == 0


def test_nothing_is_better_than_the_end_of_a_scale() -> None:
    from petrg.evaluate.page.view import row_cells

    share = metric("m", "faults", 1.0, "lower")

    def marks(system: float, control: float) -> bool:
        rows = [
            Row(key=k, title=k, kind=kind, how="", estimates={"m": Estimate(value=v)})  # type: ignore[arg-type]
            for k, kind, v in (("s", "system", system), ("c", "control", control))
        ]
        return row_cells(rows[0], [share], rows, (), "en")["m"].below

    assert not marks(0.0, 0.0)
    assert not marks(0.1, 0.2)
    assert marks(0.1, 0.1)
    assert marks(0.2, 0.1)


def test_tables_name_their_heads_and_figures_their_content() -> None:
    seen = Seen(page())
    assert all(th.get("scope") in {"col", "row", "colgroup", "rowgroup"} for th in seen.found("th"))
    assert len(seen.found("th")) > 50
    drawings = seen.found("svg")
    assert len(drawings) == 6
    assert all(d["role"] == "img" and "own reports, other patients 0" in str(d["aria-label"]) for d in drawings[:2])
    assert seen.found("html")[0]["lang"] == "en"
    assert len(seen.found("figure")) == len(seen.found("figcaption"))


def test_regions_stand_in_report_order_and_what_is_undefined_is_hatched() -> None:
    scores = made_up(regions=tuple(reversed(made_up().regions)))
    made = page(scores)
    places = [made.index(f'<th scope="row">{html.escape(r.title("en"))}</th>') for r in Region]
    assert places == sorted(places)
    undefined = sum(row.pet_abnormal_f1 is None for row in scores.regions)
    assert made.count('<td class="hatched">') == undefined > 0


def test_every_count_of_a_confusion_matrix_is_printed() -> None:
    counts = tuple(tuple(1000 + 10 * i + j for j in range(6)) for i in range(5))
    names = tuple("abcde")
    made = Seen(page(made_up(confusions=(Confusion(modality="PET", names=names, counts=counts),)))).text
    for cell in (c for line in counts for c in line):
        assert str(cell) in made
    assert str(sum(counts[2])) in made


def test_the_first_case_is_open_and_the_others_are_folded() -> None:
    folded = Seen(page()).found("details")
    assert len(folded) == 10
    assert ["open" in d for d in folded] == [True] + [False] * 9


def test_differences_and_read_words_are_marked() -> None:
    seen = Seen(page())
    assert {"only", "changed", "moved", "spot"} <= set(seen.marked)
    assert any("7.2" in part for part in seen.marked["changed"])
    assert any("4.5" in part for part in seen.marked["changed"])
    assert "high abnormal uptake" in seen.text
    assert "normal, nothing said" in seen.text
    assert "".join(seen.marked["spot"]).count("SUVmax") >= 5


def test_words_of_another_text_are_not_marked() -> None:
    cases = made_up_cases()
    other = labels({c.id: c.reference for c in cases.cases})
    shifted = replace(other, texts={key: "前言。" + text for key, text in other.texts.items()})
    assert Seen(page(cases=cases)).marked["spot"] != ["abc"]
    assert Seen(page(cases=cases, reference_labels=shifted)).marked["spot"] == ["abc"]  # the legend's own


def test_labels_that_agree_are_not_listed_and_swapped_ones_are() -> None:
    cases = made_up_cases()
    same = labels({c.id: c.reference for c in cases.cases})
    assert "Labels that differ" not in page(cases=cases, reference_labels=same, prediction_labels=same)
    assert words("en")["no_disagreements"] in page(cases=cases, reference_labels=same, prediction_labels=same)
    assert "Labels that differ" in page(cases=cases)
    assert page(cases=cases) != page(cases=cases, reference_labels=None, prediction_labels=None)


def test_a_value_that_is_no_class_and_a_lost_region_differ_from_normal() -> None:
    from petrg.evaluate.page.worst import disagreements

    whole = dict.fromkeys(Region, Cell())
    bad = {**whole, Region.LIVER: Cell(pet_fault=True), Region.SPLEEN: Cell(ct_fault=True)}
    del bad[Region.BRAIN]
    reference = LabelSet(labeller="x", cases={"a": whole})
    told = disagreements("a", reference, LabelSet(labeller="x", cases={"a": bad}), "en")
    assert [d.region for d in told] == [r.title("en") for r in (Region.BRAIN, Region.LIVER, Region.SPLEEN)]
    assert [[p.name for p in d.parts] for d in told] == [["PET", "CT"], ["PET"], ["CT"]]
    assert told[0].parts[0].prediction.says == "no label"
    assert told[1].parts[0].prediction.says == "invalid value"
    assert disagreements("a", reference, reference, "en") == []


def test_a_missing_report_is_said() -> None:
    scores = made_up(worst=(WorstCase(id="case-03", why="no report", score=0),))
    text = Seen(page(scores)).text
    assert words("en")["no_report"] in text
    assert SENTENCES[2] in text


def test_labels_alone_make_a_page_too() -> None:
    cases = Cases(cases=tuple(Case(id=f"case-{k:02d}", reference="", prediction=None) for k in range(12)))
    text = made_up_cases().cases[0].reference
    sides = {
        "reference_labels": replace(labels(dict.fromkeys(cases.ids, text)), texts={}),
        "prediction_labels": replace(labels(dict.fromkeys(cases.ids, "")), texts={}),
    }
    seen = Seen(page(made_up(tokenizer=None), cases, **sides))
    assert words("en")["no_text"] in seen.text
    assert words("en")["no_report"] not in seen.text
    assert "enlarged nodes" in seen.text


def test_nothing_is_taken_for_markup() -> None:
    case = Case(id=EVIL, reference=EVIL + "\n肝脏。", prediction="x" + EVIL * 2)
    system, *others = made_up().rows
    scores = made_up(
        system=EVIL.replace("\ud800", ""),
        rows=(system.model_copy(update={"title": EVIL, "how": EVIL}), *others),
        sentences=(EVIL,),
        worst=(WorstCase.model_construct(id=EVIL, why=EVIL, score=1.0, faults=(EVIL,)),),
        counts=(Count.model_construct(key="k", title=EVIL, value=1, of=None),),
        labeller="<i>" + "\u202e",
        metrics=(METRICS[0].model_copy(update={"title": EVIL, "definition": EVIL, "unit": EVIL}), *METRICS[1:]),
    )
    made = page(scores, Cases(cases=(case,)))
    seen = Seen(made)
    assert not {"script", "i"} & {tag for tag, _ in seen.tags}
    assert seen.text.count('<script>alert("1")</script>\'&amp;') >= 8
    assert not set(made) & set("\x00\x1b\u202e\u2066\ud800")
    made.encode()


def test_the_page_stays_small_and_quick_whatever_a_system_writes() -> None:
    rng = random.Random(0)
    endless = "".join(rng.choice(SENTENCES) for _ in range(5_000))
    cases = [
        Case(id=f"case-{k:03d}", reference="".join(rng.choices(SENTENCES, k=60)), prediction=endless)
        for k in range(135)
    ]
    worst = tuple(WorstCase(id=c.id, why="9 labels differ", score=9) for c in cases[:10])
    start = time.perf_counter()
    made = page(made_up(cases=135, worst=worst), Cases(cases=tuple(cases)))
    assert time.perf_counter() - start < 8
    assert len(made.encode()) < 1_500_000
    assert "further characters are not shown" in made


def board(**changes: Any) -> Leaderboard:
    scores = made_up()
    system = scores.rows[0]
    rows = (
        scores.rows[1],
        system,
        system.model_copy(update={"key": "b", "title": "Another <system>"}),
        *scores.rows[2:],
    )
    given = {
        "title": "Benchmark & co",
        "facts": (("Cases", "45"),),
        "metrics": scores.metrics,
        "rows": rows,
        "notes": ("N.",),
    }
    return Leaderboard(**{**given, **changes})


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_leaderboard_keeps_its_controls(language: str) -> None:
    made = render_leaderboard(board(), language=language)
    seen = Seen(made)
    assert "Another <system>" in seen.text
    assert seen.text.index("Another <system>") < seen.text.rindex(words(language)["controls"])
    assert ("healthy template, verbatim" if language == "en" else "健康模板原文照抄") in seen.text
    assert "no second texts" in seen.text
    assert words(language)["banner_numbers"] in seen.text
    assert all(m.definition in seen.text for m in board().metrics)
    assert made.count(">▽<") == 2 * 6


def test_a_leaderboard_without_systems_says_so() -> None:
    rows = tuple(r for r in board().rows if r.kind != "system")
    assert words("en")["no_systems"] in render_leaderboard(board(rows=rows))


def test_scores_of_text_alone_make_a_shorter_page() -> None:
    scores = made_up(
        classes=(), confusions=(), regions=(), tests=(), counts=(), sentences=(), worst=(), labeller=None, inputs={},
        metrics=METRICS[:2], rows=made_up().rows[:1],
    )  # fmt: skip
    made = page(scores, reference_labels=None, prediction_labels=None)
    seen = Seen(made)
    anchors = {attrs["id"] for _, attrs in seen.tags if "id" in attrs}
    assert anchors == {"scored", "said", "summary", "forest", "worst", "all_metrics", "made"}
    assert words("en")["no_sentences"] in seen.text
    assert words("en")["no_worst"] in seen.text
    assert "labeller: none" in seen.text
    assert "not corrected" in seen.text


def test_a_reason_for_all_of_a_group_is_said_once() -> None:
    rows = list(made_up().rows)
    lost = {m.key: Estimate(value=None, note="has no text") for m in METRICS if m.group == "text"}
    rows[2] = rows[2].model_copy(update={"estimates": {**rows[2].estimates, **lost}})
    text = Seen(page(made_up(rows=tuple(rows)))).text
    assert text.count("not given: has no text") == 2  # the summary and the table of all metrics
    mixed = {**lost, METRICS[0].key: Estimate(value=0.25)}
    rows[2] = rows[2].model_copy(update={"estimates": {**rows[2].estimates, **mixed}})
    text = Seen(page(made_up(rows=tuple(rows)))).text
    assert "not given: has no text" not in text
    assert "0.250" in text
