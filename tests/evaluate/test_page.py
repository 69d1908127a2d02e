"""scores.html as a whole: nothing left out, nothing fetched, words before numbers."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

import pytest
from score_pages import METRICS, Seen, made_up, metric, page

from petrg.anatomy import Region
from petrg.evaluate.page.words import words
from petrg.evaluate.scores import Confusion, Estimate, Row


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
    for one in scores.metrics:
        assert one.title.partition("[")[0] in text
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
