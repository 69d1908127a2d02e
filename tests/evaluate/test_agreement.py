"""The agreement of two labellers: by hand, by sklearn's formula written out, and on damage."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrg.anatomy import Region
from petrg.errors import ScoreError
from petrg.evaluate.labels.agreement import Agreement, case_table, compare_labels
from petrg.evaluate.labels.agreement_page import Side, render_agreement
from petrg.evaluate.labels.evidence import evidence_of
from petrg.evaluate.labels.extract import extract
from petrg.evaluate.labels.label_set import Cell, LabelSet, Spot
from petrg.evaluate.statistics.statistic import cohen_kappa
from petrg.report import Structure, Uptake

R = list(Region)


def random_labels(seed: int, cases: int = 8, labeller: str = "x 1") -> LabelSet:
    rng = np.random.default_rng(seed)
    found = {}
    for n in range(cases):
        cells = {}
        for region in Region:
            pet, ct = rng.integers(0, 6), rng.integers(0, 9)  # 0 is silence
            suv = float(rng.integers(10, 30)) / 10 if rng.random() < 0.3 else None
            cells[region] = Cell(Uptake(pet) if pet else None, Structure(ct) if ct else None, suv)
        found[f"c{n}"] = cells
    return LabelSet(labeller=labeller, cases=found)


def plain_kappa(pairs: list[tuple[object, object]]) -> float:
    """Cohen's kappa from its definition, counting by hand."""
    n = len(pairs)
    seen = sum(a == b for a, b in pairs) / n
    names = {x for pair in pairs for x in pair}
    chance = sum((sum(a == x for a, _ in pairs) / n) * (sum(b == x for _, b in pairs) / n) for x in names)
    return (seen - chance) / (1 - chance)


def with_cell(labels: LabelSet, key: str, region: Region, cell: Cell | None) -> LabelSet:
    cells = dict(labels.cases[key])
    if cell is None:
        del cells[region]
    else:
        cells[region] = cell
    return replace(labels, cases={**labels.cases, key: cells})


# ------------------------------------------------------------------ figures
def test_kappa_equals_the_definition_counted_by_hand() -> None:
    a, b = random_labels(1), random_labels(2)
    found = compare_labels(a, b, draws=100)
    for part, value in (("pet", found.pet_kappa), ("ct", found.ct_kappa)):
        normal = Uptake.NORMAL if part == "pet" else Structure.NORMAL
        pairs = [
            (getattr(a.cases[k][r], part) or normal, getattr(b.cases[k][r], part) or normal) for k in a.cases for r in R
        ]
        assert value.value == pytest.approx(plain_kappa(pairs), abs=1e-12)
        assert value.n == len(pairs)
    assert found.pet_equal.value is not None
    assert found.pet_kappa.low is not None
    assert found.pet_kappa.low < found.pet_kappa.value < found.pet_kappa.high  # type: ignore[operator]


def test_published_kappa() -> None:
    # Fleiss, Levin, Paik, Statistical Methods for Rates and Proportions, 3rd ed., table 18.1: kappa .676
    table = np.array([75, 1, 4, 5, 4, 1, 0, 0, 10], dtype=np.float64)
    assert float(cohen_kappa(table.reshape(3, 3))) == pytest.approx(0.676, abs=5e-4)


@given(st.integers(0, 2**32 - 1))
def test_agreement_is_symmetric(seed: int) -> None:
    a, b = random_labels(seed, 3), random_labels(seed + 1, 3)
    one, other = compare_labels(a, b, draws=100), compare_labels(b, a, draws=100)
    assert one.pet_kappa.value == pytest.approx(other.pet_kappa.value)
    assert one.suv_equal == other.suv_equal
    assert np.array_equal(np.array(one.confusions[1].counts).T, np.array(other.confusions[1].counts))


def test_a_labeller_agrees_with_itself() -> None:
    a = random_labels(3)
    found = compare_labels(a, replace(a, labeller="y 1"), draws=100)
    assert (found.pet_kappa.value, found.ct_kappa.value, found.suv_equal.value) == (1.0, 1.0, 1.0)
    assert found.disagreements == ()
    assert (found.a, found.b) == ("x 1", "y 1")


def test_shuffled_and_side_swapped_labels_agree_less() -> None:
    a = random_labels(4, 12)
    keys = list(a.cases)
    shifted = replace(a, cases={key: a.cases[keys[n - 1]] for n, key in enumerate(keys)})
    assert abs(compare_labels(a, shifted, draws=100).pet_kappa.value or 1) < 0.2
    turned = replace(a, cases={k: {r: cells[R[i - 1]] for i, r in enumerate(R)} for k, cells in a.cases.items()})
    assert abs(compare_labels(a, turned, draws=100).ct_kappa.value or 1) < 0.2


def test_silence_is_normal() -> None:
    silent = LabelSet(labeller="a", cases={"c": {r: Cell() for r in R}})
    normal = LabelSet(labeller="b", cases={"c": {r: Cell(Uptake.NORMAL, Structure.NORMAL) for r in R}})
    found = compare_labels(silent, normal, draws=100)
    assert found.disagreements == ()
    assert found.pet_equal.value == 1.0
    assert found.pet_kappa.value is None  # chance alone agrees on all
    assert found.suv_equal.value is None


@pytest.mark.parametrize("cell", [None, Cell(pet_fault=True, ct_fault=True)])
def test_a_label_that_one_lacks_disagrees_even_with_normal(cell: Cell | None) -> None:
    a = LabelSet(labeller="a", cases={k: {r: Cell() for r in R} for k in "cd"})
    b = with_cell(a, "c", Region.LIVER, cell)
    found = compare_labels(a, b, draws=100)
    assert found.unlabelled == {"PET": 1, "CT": 1}
    assert found.unlabelled_by_both == {"PET": 0, "CT": 0}
    assert found.pet_equal.value == pytest.approx(47 / 48)
    assert [(d.part, d.a, d.b) for d in found.disagreements] == [("PET", 5, None), ("CT", 8, None)]
    assert found.confusions[0].counts[4][5] == 1
    both = compare_labels(b, b, draws=100)
    assert both.unlabelled_by_both == {"PET": 1, "CT": 1}
    assert both.pet_equal.n == 47
    assert both.disagreements == ()


def test_skipping_hard_labels_does_not_help() -> None:
    a, b = random_labels(5), random_labels(6)
    wrong = next(d for d in compare_labels(a, b, draws=100).disagreements if d.part == "PET")
    skipped = with_cell(b, wrong.id, Region(wrong.region), None)
    before, after = (compare_labels(a, one, draws=100).pet_equal.value for one in (b, skipped))
    assert before == after


@pytest.mark.parametrize(
    ("x", "y", "equal"),
    [(4.5, 4.5, True), (18.79, 18.8, True), (4.5, 4.55, True), (4.5, 4.6, False), (4.5, None, False)],
)
def test_suvs_within_half_a_printed_step_are_equal(x: float, y: float | None, equal: bool) -> None:
    a = LabelSet(labeller="a", cases={"c": {Region.LIVER: Cell(suv_max=x)}})
    b = LabelSet(labeller="b", cases={"c": {Region.LIVER: Cell(suv_max=y)}})
    found = compare_labels(a, b, draws=100)
    assert found.suv_equal.value == float(equal)
    assert found.suv_equal.n == 1
    assert [d.part for d in found.disagreements] == ([] if equal else ["SUV"])


def test_tables_add_up() -> None:
    a, b = random_labels(7), random_labels(8)
    found = compare_labels(a, b, draws=100)
    for confusion in found.confusions:
        counts = np.array(confusion.counts)
        rows = [row for row in found.classes if row.modality == confusion.modality]
        assert counts.sum() == 8 * 24
        assert [row.a for row in rows] == counts.sum(1)[:-1].tolist()
        assert [row.b for row in rows] == counts.sum(0)[:-1].tolist()
        assert [row.both for row in rows] == counts.diagonal()[:-1].tolist()
        for row in rows:
            assert row.specific == pytest.approx(2 * row.both / (row.a + row.b))
            n = 8 * 24
            seen = (n - row.a - row.b + 2 * row.both) / n
            chance = (row.a * row.b + (n - row.a) * (n - row.b)) / n**2
            assert row.kappa == pytest.approx((seen - chance) / (1 - chance))  # this class against all others
    assert [row.region for row in found.regions] == [r.value for r in R]
    assert np.mean([row.pet_equal for row in found.regions]) == pytest.approx(found.pet_equal.value)
    assert sum(row.suv_named for row in found.regions) == found.suv_equal.n
    differ = [d.part for d in found.disagreements]
    assert sum(case.pet_differ for case in found.by_case) == differ.count("PET")
    assert sum(case.ct_differ for case in found.by_case) == differ.count("CT")
    assert sum(case.suv_differ for case in found.by_case) == differ.count("SUV")


def test_cases_of_one_only_are_counted_not_compared() -> None:
    a, b = random_labels(9, 5), random_labels(10, 4)
    b = replace(b, cases={**b.cases, "z": b.cases["c0"]})
    found = compare_labels(a, b, draws=100)
    assert (found.cases, found.only_a, found.only_b) == (4, ("c4",), ("z",))
    rows = list(csv.DictReader(io.StringIO(case_table(found))))
    assert [row["id"] for row in rows] == ["c0", "c1", "c2", "c3", "c4", "z"]
    assert [row["labelled_by"] for row in rows][-2:] == ["A", "B"]
    with pytest.raises(ScoreError, match="no case in common"):
        compare_labels(a, replace(b, cases={"z": b.cases["z"]}))


def test_labels_of_different_texts_are_told() -> None:
    a = random_labels(11, 3)
    found = compare_labels(a, a, hashes_a={"c0": "1", "c1": "2"}, hashes_b={"c0": "1", "c1": "3"}, draws=100)
    assert (found.other_text, found.text_unknown) == (1, 1)
    assert [case.same_text for case in found.by_case] == [True, False, None]


def test_the_seed_decides_the_interval_and_nothing_else() -> None:
    a, b = random_labels(12), random_labels(13)
    one, same, other = (compare_labels(a, b, draws=200, seed=seed) for seed in (1, 1, 2))
    assert one == same
    assert one.pet_kappa.value == other.pet_kappa.value
    assert one.pet_kappa.low != other.pet_kappa.low


def test_the_file_is_typed() -> None:
    found = compare_labels(random_labels(14), random_labels(15), draws=100)
    assert Agreement.from_json(found.to_json()) == found


# ------------------------------------------------------------------ the page
TEXT = "肝右叶见<b>低密度</b>结节，放射性摄取增高，SUVmax：8.1。脾脏未见异常放射性浓聚。"


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def page(texts: dict[str, str | None] | None, *, evidence: bool = True) -> str:
    a = extract({"id<1>": TEXT})
    cells = dict(a.cases["id<1>"])
    start = TEXT.index("低密度")
    cells[Region.LIVER] = Cell(
        Uptake.EQUIVOCAL, Structure.OTHER, 3.3, "own <words>", spots=((Spot(start, start + 3),), (), ())
    )
    b = LabelSet(labeller="llm <i>x</i> prompt 1", cases={"id<1>": cells})
    sides = [
        Side(labels=one, evidence={"id<1>": evidence_of(one.cases["id<1>"], TEXT, "zh")} if evidence else {})
        for one in (a, b)
    ]
    return render_agreement(compare_labels(a, b, draws=100), *sides, texts=texts)


def test_the_page_shows_the_words_of_both_in_the_text() -> None:
    html = page({"id<1>": TEXT})
    seen = _Text()
    seen.feed(html)
    words = "".join(seen.words)
    assert "1 high abnormal uptake" in words
    assert "2 mild or equivocal uptake" in words
    assert re.search(r'<mark class="spot"[^>]*>低密度</mark>', html)
    assert "own <words>" in words
    assert "The text, with the words of A and B marked" in words


def test_nothing_of_the_input_becomes_markup_and_nothing_is_fetched() -> None:
    html = page({"id<1>": TEXT})
    for raw in ("<b>低密度", "id<1>", "<i>x</i>", "<words>"):
        assert raw not in html
    seen = _Text()
    seen.feed(html)
    assert not {"script", "img", "iframe", "link", "object"} & set(seen.tags)
    assert "http" not in html.replace("http-equiv", "")


def test_without_texts_the_evidences_quotes_are_shown_and_it_says_so() -> None:
    html = page(None)
    assert "No texts given" in html
    assert re.search(r"<q [^>]*>[^<]*低密度", html)


def test_a_text_that_was_not_the_one_read_is_not_marked() -> None:
    html = page({"id<1>": "脾" + TEXT})
    assert '<mark class="spot"' not in html
    assert "<q " in html
    assert "1 of the texts given are not the ones that A read" in html
    assert hashlib.sha256(TEXT.encode()).hexdigest() not in html


def test_without_evidence_it_says_so() -> None:
    a, b = random_labels(16, 3), random_labels(17, 3)
    html = render_agreement(compare_labels(a, b, draws=100), Side(labels=a), Side(labels=b))
    assert "A does not tell where its labels were read" in html
    assert "B does not tell" in html


def test_a_page_of_many_cases_stays_small() -> None:
    a, b = random_labels(18, 230), random_labels(19, 230)
    html = render_agreement(compare_labels(a, b, draws=100), Side(labels=a), Side(labels=b))
    assert "The first 200 cases are shown" in html
    assert html.count("<details") == 200


def test_labellers_that_agree() -> None:
    a = random_labels(20, 2)
    html = render_agreement(compare_labels(a, a, draws=100), Side(labels=a), Side(labels=a))
    assert "<p>None.</p>" in html
