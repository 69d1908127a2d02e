"""Leaderboards: the order, the marks, and what never stands in one table."""

from __future__ import annotations

from pathlib import Path

import pytest

from petrg.errors import ReportError, ScoreError
from petrg.evaluate.benchmark.boards import boards_of, find_results, read_boards
from petrg.evaluate.benchmark.leaderboard import leaderboard_files, to_markdown
from petrg.evaluate.benchmark.result import RESULT, SCORES, Result, read_result
from petrg.evaluate.scores import Estimate, Metric, PermutationTest, Row, Scores

METRICS = (
    Metric(key="BLEU-4[char 1]", title="BLEU-4", group="text", better="higher", definition="d", headline=True),
    Metric(key="PET-124", title="PET", group="classes", better="higher", definition="d", headline=True),
    Metric(key="False-Findings", title="FF", group="lesions", better="lower", definition="d", headline=True),
    Metric(key="Length", title="length", group="faults", better="neither", definition="d"),
)
HASHES = {"a": "a" * 64, "b": "b" * 64}


def row(key: str, kind: str, values: tuple[float | None, ...], title: str = "") -> Row:
    estimates = {m.key: Estimate(value=v, low=v, high=v) for m, v in zip(METRICS, values, strict=False)}
    return Row(key=key, title=title or key, kind=kind, how="", estimates=estimates)  # type: ignore[arg-type]


def result(
    name: str,
    values: tuple[float | None, ...],
    *,
    cases: str = "a",
    tokenizer: str = "char 1",
    labeller: str = "reader 1",
    template: float = 0.5,
    alike: bool = False,
    seed: int = 0,
    definition: str = "d",
) -> tuple[Result, Scores]:
    lacking = Row(key="second-reader", title="second reader", kind="reader", how="", given=False, reason="none there")
    scores = Scores(
        petrg="0",
        system=name,
        cases=4,
        patients=4,
        tokenizer=tokenizer,
        labeller=labeller,
        seed=seed,
        bootstrap_draws=10,
        permutations=10,
        inputs={"benchmark": HASHES[cases]},
        metrics=tuple(m.model_copy(update={"definition": definition}) for m in METRICS),
        rows=(
            row("system", "system", values, name),
            row("template", "control", (template, 0.0, 0.0)),
            row("normal", "control", (None, 0.0, 0.0)),
            lacking,
            row("permuted", "control", (0.31, 7.0, 2.0)),
            row("random-reference", "control", (0.4 + seed, 9.0, 2.0)),
        ),
        tests=(
            PermutationTest(
                metric="PET-124",
                against="permuted",
                method="reports permuted among patients",
                difference=0.0,
                p=0.5,
                draws=10,
                distinguishable=not alike,
            ),
        ),
    )
    import hashlib

    told = Result(
        benchmark="bench",
        version="1",
        title="A bench",
        hash=HASHES[cases],
        cases=4,
        system=name,
        petrg="0",
        scores_sha256=hashlib.sha256(scores.to_json().encode()).hexdigest(),
    )
    return told, scores


def store(home: Path, made: tuple[Result, Scores]) -> Path:
    home.mkdir(parents=True)
    (home / RESULT).write_text(made[0].to_json(), encoding="utf-8")
    (home / SCORES).write_text(made[1].to_json(), encoding="utf-8")
    return home


def order(*results: tuple[Result, Scores], sort: str | None = None) -> list[str]:
    (board,) = boards_of(results, sort=sort)
    return [one.system for one, _ in board.results]


ONE = result("one", (0.6, 10.0, 3.0))
TWO = result("two", (0.2, 30.0, 1.0))
BLANK = result("blank", (0.9, None, None))


def test_the_order_is_by_the_metric_and_its_direction() -> None:
    assert order(ONE, TWO, BLANK) == ["two", "one", "blank"]
    assert order(ONE, TWO, BLANK, sort="BLEU-4") == ["blank", "one", "two"]
    assert order(ONE, TWO, BLANK, sort="BLEU-4[char 1]") == ["blank", "one", "two"]
    assert order(TWO, ONE, BLANK, sort="False-Findings") == ["two", "one", "blank"]
    assert order(BLANK, ONE, TWO) == order(TWO, ONE, BLANK)


@pytest.mark.parametrize("sort", ["nothing", "Length"])
def test_what_cannot_order_is_refused(sort: str) -> None:
    with pytest.raises(ScoreError, match=sort):
        boards_of([ONE], sort=sort)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"cases": "b"}, "other cases"),
        ({"tokenizer": "jieba 0.42.1"}, "another tokenizer"),
        ({"labeller": "llm X prompt 1"}, "another labeller"),
        ({"template": 0.51}, "other controls"),
        ({"definition": "e"}, "other definitions"),
    ],
)
def test_what_cannot_be_compared_stands_in_tables_of_its_own(other: dict[str, object], why: str) -> None:
    boards = boards_of([ONE, result("two", (0.2, 30.0, 1.0), **other)])  # type: ignore[arg-type]
    assert [len(board.results) for board in boards] == [1, 1]
    for board in boards:
        assert why in board.apart
    told = to_markdown(boards)
    assert "2 tables: results that cannot be compared do not stand in one." in told
    assert told.count("\n| Reports |") == 2
    assert why in told
    assert set(leaderboard_files(boards)) == {"leaderboard.md", "leaderboard-1.html", "leaderboard-2.html"}


def test_another_seed_is_no_other_table_but_is_said() -> None:
    boards = boards_of([ONE, result("two", (0.2, 30.0, 1.0), seed=1)])
    assert len(boards) == 1
    assert boards[0].apart == ""
    assert "2 different seeds" in to_markdown(boards)
    assert "different seeds" not in to_markdown(boards_of([ONE, TWO]))


def test_two_systems_of_one_name_are_refused() -> None:
    with pytest.raises(ScoreError, match="two results of bench are named 'one'"):
        boards_of([ONE, ONE])
    boards_of([ONE, result("one", (0.6, 10.0, 3.0), cases="b")])


def table(text: str) -> dict[str, list[str]]:
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {cells[0]: cells[1:] for cells in lines}


def test_controls_are_rows_in_italics_and_none_is_left_out() -> None:
    rows = table(to_markdown(boards_of([ONE, TWO])))
    assert {"*template*", "*normal*", "*second reader*", "*random-reference*"} <= rows.keys()
    assert rows["*second reader*"][0] == "*not given: none there*"
    assert rows["*normal*"][1] == "*–*"
    assert "*its reports, other patients (one)*" in rows
    assert rows["Reports"][0] == "PET-124 ↑"


def test_marks_show_who_stays_below_a_control_and_who_is_no_better_than_shuffled() -> None:
    rows = table(to_markdown(boards_of([ONE, TWO, result("three", (0.4, 8.0, 0.0), alike=True)])))
    heads = rows["Reports"]
    marks = {name: dict(zip(heads, rows[f"**{name}**"], strict=True)) for name in ("one", "two", "three")}
    assert "▽" not in marks["one"]["BLEU-4[char 1] ↑"]
    assert "▽" in marks["two"]["BLEU-4[char 1] ↑"]
    assert "▽" in marks["three"]["PET-124 ↑"]  # 8 is below another patient's reference, 9
    assert "▽" not in marks["one"]["PET-124 ↑"]
    assert "▽" in marks["one"]["False-Findings ↓"]
    assert "≈" in marks["three"]["PET-124 ↑"]
    assert "≈" not in marks["one"]["PET-124 ↑"]


def test_the_table_names_benchmark_hash_tokenizer_labeller_and_order() -> None:
    told = to_markdown(boards_of([ONE]))
    for said in ("bench 1", "a" * 64, "char 1", "reader 1", "Sorted by: PET-124, higher is better", "Cases: 4"):
        assert said in told
    page = leaderboard_files(boards_of([ONE]))["leaderboard.html"]
    for said in ("a" * 64, "char 1", "reader 1", "PET-124", "template"):
        assert said in page


def test_names_from_outside_mean_only_themselves() -> None:
    boards = boards_of([result("<script>|*x*|\n# y", (0.6, 10.0, 3.0))])
    files = leaderboard_files(boards)
    assert "<script>" not in files["leaderboard.md"]
    assert "<script>" not in files["leaderboard.html"]
    bold = [line for line in files["leaderboard.md"].splitlines() if line.startswith("| **")]
    assert len(bold) == 1
    assert bold[0].replace("\\|", "").count("|") == 5


# Result folders


def test_results_are_found_by_themselves_or_in_a_folder(tmp_path: Path) -> None:
    one, two = store(tmp_path / "b" / "results" / "one", ONE), store(tmp_path / "b" / "results" / "two", TWO)
    expected = (one.resolve(), two.resolve())
    assert find_results([one, two]) == expected
    assert find_results([tmp_path / "b"]) == expected
    assert find_results([tmp_path / "b" / "results", one]) == expected
    (tmp_path / "empty").mkdir()
    with pytest.raises(ScoreError, match="folder 2 holds no"):
        find_results([one, tmp_path / "empty"])
    (board,) = read_boards([tmp_path / "b"])
    assert [told.system for told, _ in board.results] == ["two", "one"]


def test_a_folder_that_cannot_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ScoreError, match="folder 1 holds no result"):
        find_results([tmp_path / ("x" * 5000)])

    def closed(self: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", closed)
    with pytest.raises(ScoreError, match="cannot read a folder of results: Permission denied"):
        find_results([tmp_path])


def test_scores_changed_by_hand_are_refused(tmp_path: Path) -> None:
    home = store(tmp_path / "one", ONE)
    read_result(home)
    told = (home / SCORES).read_text(encoding="utf-8")
    (home / SCORES).write_text(told.replace("10.0", "90.0"), encoding="utf-8")
    with pytest.raises(ScoreError, match="is not the one that"):
        read_result(home)
    (home / SCORES).write_text("{", encoding="utf-8")
    with pytest.raises(ReportError):
        read_result(home)
    (home / SCORES).unlink()
    with pytest.raises(ScoreError, match=r"cannot read scores\.json"):
        read_result(home)


def test_a_result_of_other_cases_than_its_scores_is_refused(tmp_path: Path) -> None:
    told, scores = ONE
    home = store(tmp_path / "one", (told.model_copy(update={"hash": HASHES["b"]}), scores))
    with pytest.raises(ScoreError, match="is not the one that"):
        read_result(home)
