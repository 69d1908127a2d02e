"""Benchmarks as folders: imported, verified, refused where anything does not fit, scored."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from petrg.anatomy import Region
from petrg.errors import ScoreError
from petrg.evaluate.benchmark.autopet import CASES, SYSTEM, import_autopet
from petrg.evaluate.benchmark.description import DESCRIPTION
from petrg.evaluate.benchmark.folder import open_benchmark
from petrg.evaluate.benchmark.predictions import read_predictions
from petrg.evaluate.benchmark.score import score_benchmark
from petrg.evaluate.labels.label_set import Cell, LabelSet
from petrg.evaluate.rows import Draws
from petrg.evaluate.score_all import Scored
from petrg.report import Structure, Uptake

HEALTHY = {"F": "肝脏未见异常。子宫未见异常。", "M": "肝脏未见异常。前列腺未见异常。"}
SICK = "肝右叶见低密度结节，放射性摄取增高，SUVmax：{suv}。"
PATIENTS = {"p1": "F", "p2": "M", "p3": "F", "p4": "M", "p5": "F", "p6": "M"}
REFERENCES = {key: SICK.format(suv=f"{4 + i}.{i}") + HEALTHY[sex] for i, (key, sex) in enumerate(PATIENTS.items())}
PREDICTIONS = {key: HEALTHY[sex] for key, sex in PATIENTS.items()}


def write_table(path: Path, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([columns, *rows])


def labels_json(uptake: int, structure: int = 8) -> dict[str, dict[str, str]]:
    empty = {"pet_status": "5", "suv": "", "ct_status": "8", "ct_description": ""}
    found = {**empty, "pet_status": str(uptake), "ct_status": str(structure)}
    return {region.title("zh"): found if region is Region.LIVER else empty for region in Region}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A release of six cases with everything but labels of the references."""
    home = tmp_path / "source"
    home.mkdir()
    columns = ("AccNum", "Question", "GT_report", "Pred_report", "Cleaned_Pred_report")
    rows = [(k, "写报告", REFERENCES[k], f"<think>{PREDICTIONS[k]}", PREDICTIONS[k]) for k in PATIENTS]
    write_table(home / "reports.csv", columns, rows)
    write_table(home / "meta.csv", ("AccNum", "sex", "hospital"), [(k, sex, "H") for k, sex in PATIENTS.items()])
    (home / "template.json").write_text(json.dumps({"H": HEALTHY}), encoding="utf-8")
    (home / "prediction_labels.json").write_text(json.dumps({k: labels_json(5) for k in PATIENTS}), encoding="utf-8")
    return home


def rewrite(path: Path, change: Callable[[list[dict[str, str]]], object], *, drop: str = "") -> None:
    """Change a table's rows in place."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    change(rows)
    columns = [name for name in rows[0] if name != drop]
    write_table(path, columns, [[row[name] for name in columns] for row in rows])


def score(home: Path, predictions: Mapping[str, str | None], **options: object) -> Scored:
    draws = Draws(seed=1, bootstrap=50, permutations=100)
    given = {"name": "mine", "sources": {"predictions": "0"}, "tokenizer_name": "char", "draws": draws, **options}
    return score_benchmark(open_benchmark(home), predictions, **given)  # type: ignore[arg-type]


# Import


def test_an_import_keeps_what_the_release_holds_and_says_what_it_lacks(source: Path, tmp_path: Path) -> None:
    made = import_autopet(source, tmp_path / "b")
    assert (made.name, made.cases, made.language, made.licence, made.labels) == (
        "autopet-rg-lym", 6, "zh", "Apache-2.0", "none"
    )  # fmt: skip
    assert f"cases: 6 of {CASES} cases" in made.missing
    assert any(line.startswith("labels of the references") for line in made.missing)
    assert any("citation" in line for line in made.missing)
    found = open_benchmark(tmp_path / "b")
    assert found.references == REFERENCES
    assert {key: patient.sex for key, patient in found.patients.items()} == PATIENTS
    assert found.template is not None
    with (source / "reports.csv").open("rb") as file:
        assert made.sources["reports.csv"] == hashlib.sha256(file.read()).hexdigest()


def test_labels_of_predictions_are_kept_apart_from_references(source: Path, tmp_path: Path) -> None:
    made = import_autopet(source, tmp_path / "b")
    home = tmp_path / "b" / "systems" / SYSTEM
    assert open_benchmark(tmp_path / "b").labels is None
    assert (home / "labels.json").read_bytes() == (source / "prediction_labels.json").read_bytes()
    assert read_predictions(home / "reports.csv") == PREDICTIONS
    assert read_predictions(home / "reports.csv", column="raw_report")["p1"] == f"<think>{PREDICTIONS['p1']}"
    assert any("not the references" in note for note in made.notes)


@pytest.mark.parametrize("lacking", ["Question", "Pred_report"])
def test_columns_that_may_lack(lacking: str, source: Path, tmp_path: Path) -> None:
    rewrite(source / "reports.csv", lambda rows: None, drop=lacking)
    import_autopet(source, tmp_path / "b")
    assert read_predictions(tmp_path / "b" / "systems" / SYSTEM / "reports.csv", column="report") == PREDICTIONS


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("meta.csv", "sexes and hospitals"),
        ("template.json", "healthy template"),
        ("prediction_labels.json", "labels of"),
    ],
)
def test_files_that_may_lack_are_named_as_missing(name: str, said: str, source: Path, tmp_path: Path) -> None:
    (source / name).unlink()
    assert any(said in line and name in line for line in import_autopet(source, tmp_path / "b").missing)


def test_a_sex_that_the_reference_contradicts_is_counted(source: Path, tmp_path: Path) -> None:
    before = import_autopet(source, tmp_path / "b")
    assert not any("other sex" in note for note in before.notes)
    rewrite(source / "meta.csv", lambda rows: [row.update(sex="M") for row in rows if row["AccNum"] in ("p1", "p3")])
    after = import_autopet(source, tmp_path / "c")
    assert any(note.startswith("warning: 2 of 6 references name an organ of the other sex") for note in after.notes)


def test_ids_that_one_file_alone_has_are_counted(source: Path, tmp_path: Path) -> None:
    rewrite(source / "meta.csv", lambda rows: rows[0].update(AccNum="elsewhere"))
    made = import_autopet(source, tmp_path / "b")
    assert "1 of 6 cases in meta.csv" in made.missing
    assert any("meta.csv names 1 cases that reports.csv does not have" in note for note in made.notes)
    assert "healthy template for 1 of 6 cases: none of their hospital and sex" in made.missing


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows[1].update(AccNum="p1"), "row 2 has the id of row 1"),
        (lambda rows: rows[2].update(GT_report=" "), "row 3 of reports.csv has no GT_report"),
        (lambda rows: [row.update(AccNum=f"x{row['AccNum']}") for row in rows], "names none of the cases"),
        (lambda rows: rows[3].update(AccNum="p/4"), "holds a path separator"),
    ],
)
def test_reports_that_cannot_be_used_are_refused(change, said: str, source: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    rewrite(source / "reports.csv", change)
    with pytest.raises(ScoreError, match=said):
        import_autopet(source, tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_a_table_without_references_is_refused(source: Path, tmp_path: Path) -> None:
    rewrite(source / "reports.csv", lambda rows: None, drop="GT_report")
    with pytest.raises(ScoreError, match="no column 'GT_report'"):
        import_autopet(source, tmp_path / "b")


def test_a_folder_in_use_is_never_written_into(source: Path, tmp_path: Path) -> None:
    import_autopet(source, tmp_path / "b")
    with pytest.raises(ScoreError, match="not empty"):
        import_autopet(source, tmp_path / "b")


def test_two_imports_are_the_same_benchmark(source: Path, tmp_path: Path) -> None:
    one, two = import_autopet(source, tmp_path / "b"), import_autopet(source, tmp_path / "c", licence="other terms")
    assert one.hash == two.hash
    assert one.seal != two.seal
    rewrite(source / "reports.csv", lambda rows: rows[0].update(GT_report=rows[0]["GT_report"] + "。"))
    assert import_autopet(source, tmp_path / "d").hash != one.hash


# Verification


def test_the_hash_is_that_of_sha256sum_over_the_files(source: Path, tmp_path: Path) -> None:
    made = import_autopet(source, tmp_path / "b")
    home, lines = tmp_path / "b", b""
    for name in sorted(
        p.relative_to(home).as_posix() for p in home.rglob("*") if p.is_file() and p.name != DESCRIPTION
    ):
        lines += f"{hashlib.sha256((home / name).read_bytes()).hexdigest()}  {name}\n".encode()
    assert hashlib.sha256(lines).hexdigest() == made.hash


@pytest.mark.parametrize("where", [0, 0.5, 1])
def test_one_changed_byte_of_any_file_is_refused_by_its_name(where: float, source: Path, tmp_path: Path) -> None:
    made = import_autopet(source, tmp_path / "b")
    for name in made.files:
        path = tmp_path / "b" / name
        whole = path.read_bytes()
        at = round(where * (len(whole) - 1))
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(ScoreError, match=f"^{name} was changed"):
            open_benchmark(tmp_path / "b")
        path.write_bytes(whole)
    open_benchmark(tmp_path / "b")


def test_a_changed_description_is_refused(source: Path, tmp_path: Path) -> None:
    import_autopet(source, tmp_path / "b")
    path = tmp_path / "b" / DESCRIPTION
    told = path.read_text(encoding="utf-8")
    for old, new in (
        ("Apache-2.0", "MIT"),
        ("cases = 6", "cases = 7"),
        ('"jieba"', '"char"'),
        ('hash = "', 'hash = "0'),
    ):
        assert old in told
        path.write_text(told.replace(old, new), encoding="utf-8")
        with pytest.raises(ScoreError, match=DESCRIPTION):
            open_benchmark(tmp_path / "b")


def test_files_added_or_lost_are_refused_and_results_are_not(source: Path, tmp_path: Path) -> None:
    import_autopet(source, tmp_path / "b")
    (tmp_path / "b" / "results" / "mine").mkdir(parents=True)
    (tmp_path / "b" / "results" / "mine" / "scores.json").write_text("{}")
    open_benchmark(tmp_path / "b")
    (tmp_path / "b" / "labels").mkdir()
    (tmp_path / "b" / "labels" / "p1.json").write_text("{}")
    with pytest.raises(ScoreError, match=r"^1 file is no part of the benchmark, the first below labels"):
        open_benchmark(tmp_path / "b")
    (tmp_path / "b" / "labels" / "p1.json").unlink()
    (tmp_path / "b" / "meta.csv").unlink()
    with pytest.raises(ScoreError, match=r"^meta\.csv is missing"):
        open_benchmark(tmp_path / "b")


@pytest.mark.parametrize("stray", ["张三.txt", "labels/张三.json", "张三/x.txt"])
def test_a_stray_file_is_counted_and_its_name_kept_quiet(source: Path, tmp_path: Path, stray: str) -> None:
    import_autopet(source, tmp_path / "b")
    for name in (stray, f"{stray}.txt"):
        (tmp_path / "b" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "b" / name).write_text("{}")
    with pytest.raises(ScoreError, match=r"^2 files are no part of the benchmark, the first ") as told:
        open_benchmark(tmp_path / "b")
    assert "张三" not in str(told.value)


def test_a_folder_that_is_no_benchmark_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScoreError, match=DESCRIPTION):
        open_benchmark(tmp_path)
    (tmp_path / DESCRIPTION).write_text("a = " + "[" * 100_000, encoding="utf-8")
    with pytest.raises(ScoreError, match=f"{DESCRIPTION} is no TOML"):
        open_benchmark(tmp_path)


# Scores


def test_controls_stand_beside_the_system(source: Path, tmp_path: Path) -> None:
    import_autopet(source, tmp_path / "b")
    scores = score(tmp_path / "b", PREDICTIONS).scores
    rows = {row.key: row for row in scores.rows}
    assert {"system", "template", "normal", "permuted", "random-reference", "second-reader"} <= rows.keys()
    assert rows["template"].given
    assert rows["template"].estimates == rows["system"].estimates  # these predictions are the template
    assert rows["second-reader"].reason == "the benchmark has no second reader"
    assert scores.inputs["benchmark"] == open_benchmark(tmp_path / "b").description.hash
    assert scores.labeller is not None
    assert scores.labeller.startswith("petrg-reading")


def test_without_sexes_and_template_the_controls_are_named_as_not_given(source: Path, tmp_path: Path) -> None:
    (source / "meta.csv").unlink()
    (source / "template.json").unlink()
    import_autopet(source, tmp_path / "b")
    rows = {row.key: row for row in score(tmp_path / "b", PREDICTIONS).scores.rows}
    assert [rows[key].reason for key in ("template", "permuted")] == [
        "the benchmark has no template", "the benchmark has no sexes"
    ]  # fmt: skip


def test_swapped_sides_change_the_scores(source: Path, tmp_path: Path) -> None:
    import_autopet(source, tmp_path / "b")
    perfect = score(tmp_path / "b", REFERENCES).scores.rows[0].estimates
    healthy = score(tmp_path / "b", PREDICTIONS).scores.rows[0].estimates
    assert perfect["PET-124"].value == pytest.approx(100 / 3)  # class 1 alone occurs
    assert healthy["PET-124"].value == 0


def test_a_case_without_prediction_is_counted_and_scores_0(source: Path, tmp_path: Path) -> None:
    import_autopet(source, tmp_path / "b")
    kept = {key: text for key, text in REFERENCES.items() if key not in ("p1", "p2")}
    scores = score(tmp_path / "b", kept).scores
    assert {count.key: count.value for count in scores.counts}["missing"] == 2
    rouge = next(value for key, value in scores.rows[0].estimates.items() if key.startswith("ROUGE-L"))
    assert rouge.value == pytest.approx(4 / 6)


def test_predictions_of_other_cases_are_refused(source: Path, tmp_path: Path) -> None:
    import_autopet(source, tmp_path / "b")
    with pytest.raises(ScoreError, match="1 of 7 predictions are of no case of autopet-rg-lym, the first in row 7"):
        score(tmp_path / "b", {**PREDICTIONS, "q": "肝脏未见异常。"})
    with pytest.raises(ScoreError, match="no case has a prediction"):
        score(tmp_path / "b", dict.fromkeys(PATIENTS))


def with_labels(source: Path, name: str, uptake: int) -> None:
    (source / name).write_text(json.dumps({k: labels_json(uptake, 2) for k in PATIENTS}), encoding="utf-8")


def test_labels_of_the_references_are_used_with_predictions_of_the_same_labeller(source: Path, tmp_path: Path) -> None:
    with_labels(source, "reference_labels.json", 1)
    made = import_autopet(source, tmp_path / "b", labeller="llm X prompt 1")
    assert (made.labels, made.labeller) == ("labeller", "llm X prompt 1")
    cells = dict.fromkeys(Region, Cell(pet=Uptake.NORMAL, ct=Structure.NORMAL))
    for liver, expected in ((Uptake.HIGH, 40.0), (Uptake.REDUCED, 20.0 * 138 / 141)):
        said = LabelSet(
            labeller="llm X prompt 1",
            cases={key: {**cells, Region.LIVER: Cell(pet=liver, ct=Structure.FOCAL_LESION)} for key in PATIENTS},
        )
        scores = score(tmp_path / "b", PREDICTIONS, prediction_labels=said).scores
        assert scores.labeller == "llm X prompt 1"
        if liver is Uptake.HIGH:
            assert scores.rows[0].estimates["PET-All"].value == pytest.approx(expected)
        else:
            assert scores.rows[0].estimates["PET-All"].value == pytest.approx(20.0)  # normal alone is right
    other = LabelSet(labeller="llm Y prompt 1", cases=dict.fromkeys(PATIENTS, cells))
    with pytest.raises(ScoreError, match="labelled by 'llm X prompt 1'"):
        score(tmp_path / "b", PREDICTIONS, prediction_labels=other)


def test_without_labels_of_the_references_those_of_predictions_are_refused(source: Path, tmp_path: Path) -> None:
    import_autopet(source, tmp_path / "b")
    said = LabelSet(labeller="given", cases={})
    with pytest.raises(ScoreError, match="no labels of the references"):
        score(tmp_path / "b", PREDICTIONS, prediction_labels=said)


def test_labels_of_some_references_only_are_left_out_aloud(source: Path, tmp_path: Path) -> None:
    with_labels(source, "reference_labels.json", 1)
    told = json.loads((source / "reference_labels.json").read_text(encoding="utf-8"))
    del told["p3"]
    (source / "reference_labels.json").write_text(json.dumps(told), encoding="utf-8")
    made = import_autopet(source, tmp_path / "b")
    assert made.labels == "none"
    assert any("labels of 1 references" in line for line in made.missing)


# Predictions


def test_the_column_of_reports_is_found_or_asked_for(tmp_path: Path) -> None:
    write_table(tmp_path / "a.csv", ("id", "prediction", "other"), [("p1", "x", "y")])
    write_table(tmp_path / "b.csv", ("id", "mine"), [("p1", "z")])
    write_table(tmp_path / "c.csv", ("id", "GT_report", "mine"), [("p1", "x", "y")])
    assert read_predictions(tmp_path / "a.csv") == {"p1": "x"}
    assert read_predictions(tmp_path / "a.csv", column="other") == {"p1": "y"}
    assert read_predictions(tmp_path / "b.csv") == {"p1": "z"}
    with pytest.raises(ScoreError, match="GT_report, mine"):
        read_predictions(tmp_path / "c.csv")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "p1.txt").write_text("肝脏。", encoding="utf-8")
    assert read_predictions(tmp_path / "folder") == {"p1": "肝脏。"}
