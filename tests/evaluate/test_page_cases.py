"""The worst cases: differences and read words marked, nothing taken for markup, never too much."""

from __future__ import annotations

import random
import time
from dataclasses import replace

from score_pages import EVIL, METRICS, SENTENCES, Seen, labels, made_up, made_up_cases, page

from petrg.anatomy import Region
from petrg.evaluate.cases.case import Case, Cases
from petrg.evaluate.labels.label_set import Cell, LabelSet
from petrg.evaluate.page.words import words
from petrg.evaluate.scores import Count, WorstCase


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
