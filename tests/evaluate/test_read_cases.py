"""Pairs of reports from tables and folders: what is read, what is refused, and that each refusal is one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from petrg.errors import InputError, ReportError, ScoreError
from petrg.evaluate.benchmark.description import read_description
from petrg.evaluate.benchmark.predictions import read_predictions
from petrg.evaluate.cases.case import Case
from petrg.evaluate.cases.meta import parse_sex, read_meta
from petrg.evaluate.cases.read import read_cases, read_others, with_meta
from petrg.evaluate.cases.template import Template, read_template
from petrg.evaluate.cases.texts import digest, read_records, read_texts
from petrg.evaluate.labels.files import read_labels
from petrg.evaluate.labels.texts import read_label_texts


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write(tmp_path / "r.csv", "AccNum,GT_report,Cleaned_Pred_report\nb,ref one,pred one\na,ref two,\n")


def test_a_table_is_read_in_its_order_by_the_usual_names(table: Path) -> None:
    cases = read_cases(table)
    assert cases.ids == ("b", "a")
    assert cases.id_column == "AccNum"
    assert cases.references == ("ref one", "ref two")
    assert cases.predictions == ("pred one", None)
    assert [c.patient for c in cases.cases] == ["b", "a"]
    assert cases.sources == {"reports": digest(table)}


@pytest.mark.parametrize("cell", ["", "  ", "nan", "NaN", "None", "NULL", '"\n"'])
def test_an_absent_prediction_is_missing_never_a_word(tmp_path: Path, cell: str) -> None:
    path = write(tmp_path / "r.csv", f"id,reference,prediction\na,text,{cell}\nb,text,nan found\n")
    assert read_cases(path).predictions == (None, "nan found")


@pytest.mark.parametrize("cell", ["", " ", "nan", "None"])
def test_a_missing_reference_is_an_error_that_names_its_row(tmp_path: Path, cell: str) -> None:
    path = write(tmp_path / "r.csv", f"id,reference,prediction\na,text,x\nb,{cell},x\n")
    with pytest.raises(ScoreError, match="row 2 has no reference report") as error:
        read_cases(path)
    one_line(error.value)


def test_an_id_that_stands_twice_is_an_error_that_names_both_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", "id,reference,prediction\na,t,x\nb,t,x\n a ,t,x\n")
    with pytest.raises(ScoreError, match="row 3 has the id of row 1") as error:
        read_cases(path)
    one_line(error.value)


def test_columns_are_named_or_the_error_names_those_there_are(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", "key,physician,model\na,t,x\n")
    cases = read_cases(path, reference_column="physician", prediction_column="model")
    assert (cases.id_column, cases.references, cases.predictions) == ("key", ("t",), ("x",))
    with pytest.raises(ScoreError, match=r"one of its columns key, physician, model — name it by --reference-column"):
        read_cases(path)
    with pytest.raises(ScoreError, match="no column 'modle'"):
        read_cases(path, reference_column="physician", prediction_column="modle")


def test_the_cleaned_prediction_goes_before_the_raw_one(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", "AccNum,GT_report,Pred_report,Cleaned_Pred_report\na,t,raw,clean\n")
    assert read_cases(path).predictions == ("clean",)


def test_one_column_for_two_roles_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", "id,reference,prediction\na,t,x\n")
    with pytest.raises(ScoreError, match="three columns"):
        read_cases(path, reference_column="prediction")


def test_two_folders_pair_by_name(tmp_path: Path) -> None:
    for name in ("ref", "pred"):
        (tmp_path / name).mkdir()
    write(tmp_path / "ref/b 1.txt", "ref b")
    write(tmp_path / "ref/a.txt", "ref a")
    write(tmp_path / "pred/b 1.txt", "pred b")
    cases = read_cases(tmp_path / "ref", tmp_path / "pred")
    assert (cases.ids, cases.predictions) == (("a", "b 1"), (None, "pred b"))
    write(tmp_path / "pred/c.txt", "nobody's")
    with pytest.raises(ScoreError, match="1 of 2 predictions have no reference"):
        read_cases(tmp_path / "ref", tmp_path / "pred")
    with pytest.raises(ScoreError, match="one folder of reports"):
        read_cases(tmp_path / "ref")


def test_folders_refuse_what_is_ambiguous_empty_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(ScoreError, match="holds no report"):
        read_texts(tmp_path)
    write(tmp_path / "a.txt", "")
    assert read_texts(tmp_path) == {"a": None}
    with pytest.raises(ScoreError, match="reference 1 of the folder is empty"):
        read_cases(tmp_path, tmp_path)
    (tmp_path / "b.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ScoreError, match="report 2 of the folder is no UTF-8"):
        read_texts(tmp_path)
    write(tmp_path / "b.txt", "text")
    write(tmp_path / "b.json", '{"text": "text"}')
    with pytest.raises(ScoreError, match="the name of an earlier one"):
        read_texts(tmp_path)
    with pytest.raises(ScoreError, match="cannot read the folder"):
        read_texts(tmp_path / "none")


def test_plain_json_holds_a_text(tmp_path: Path) -> None:
    write(tmp_path / "a.json", '{"text": "肝脏正常。"}')
    write(tmp_path / "b.json", '{"text": null}')
    assert read_texts(tmp_path) == {"a": "肝脏正常。", "b": None}


def test_a_json_that_is_no_report_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.json", '{"findings": 3}')
    with pytest.raises(InputError) as error:
        read_texts(tmp_path)
    one_line(error.value)
    with pytest.raises(ReportError):
        read_records(tmp_path)


def test_patients_are_known_by_id_and_others_passed_over(table: Path, tmp_path: Path) -> None:
    meta = write(tmp_path / "m.csv", "AccNum,Sex,hospital,patient_id\nzz,F,X,9\na,female,AP,7\nb,男,AP,7\n")
    cases = read_cases(table, meta=meta)
    assert [(c.id, c.sex, c.hospital, c.patient) for c in cases.cases] == [("b", "M", "AP", "7"), ("a", "F", "AP", "7")]
    assert cases.sources == {"reports": digest(table), "meta": digest(meta)}
    assert cases.left_out == 1, "a case of the table of patients that has no report"
    assert cases.with_predictions(cases.predictions).left_out == 1
    assert read_cases(table).left_out is None


def test_a_case_that_the_table_of_patients_lacks_keeps_its_unknown_sex(table: Path, tmp_path: Path) -> None:
    meta = write(tmp_path / "m.csv", "id,sex\na,F\n")
    assert [c.sex for c in read_cases(table, meta=meta).cases] == [None, "F"]
    other = write(tmp_path / "o.csv", "id,sex\nq,F\n")
    with pytest.raises(ScoreError, match="names none of the cases"):
        with_meta(read_cases(table), other)


@pytest.mark.parametrize("word", ["F", "f", "Female", "woman", "女", " 女性 "])
def test_words_for_women(word: str) -> None:
    assert parse_sex(word, 1) == "F"


@pytest.mark.parametrize("word", ["M", "m", "MALE", "man", "男", "男性"])
def test_words_for_men(word: str) -> None:
    assert parse_sex(word, 1) == "M"


@pytest.mark.parametrize("word", [None, "", "U", "unknown", "O", "未知"])
def test_an_unknown_sex_is_none(word: str | None) -> None:
    assert parse_sex(word, 1) is None


@pytest.mark.parametrize("word", ["0", "1", "2", "fem", "WANG"])
def test_other_words_are_refused_without_being_repeated(word: str) -> None:
    with pytest.raises(ScoreError, match="row 73 ") as error:
        parse_sex(word, 73)
    assert word not in str(error.value).replace("female", "")
    one_line(error.value)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("id,sex\na,F\na,F\n", "row 2 .* the id of row 1"),
        ("id,sex\n,F\n", "row 1 .* no id"),
        ("id,hospital\na,X\n", "has the columns id, hospital"),
    ],
)
def test_a_table_of_patients_that_cannot_be_used(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(ScoreError, match=fault):
        read_meta(write(tmp_path / "m.csv", text))


def case(sex: str | None = None, hospital: str | None = None) -> Case:
    return Case(id="1", reference="r", prediction=None, sex=sex, hospital=hospital)  # type: ignore[arg-type]


def test_templates_by_hospital_and_sex_never_cross(tmp_path: Path) -> None:
    path = write(tmp_path / "t.json", json.dumps({"A": {"M": "am", "F": "af"}, "B": {"M": "bm"}}))
    template = read_template(path)
    assert [template.of(case(s, h)) for s, h in (("M", "A"), ("F", "A"), ("M", "B"))] == ["am", "af", "bm"]
    nothing = (("F", "B"), ("M", None), (None, "A"), ("M", "C"), (None, None))
    assert [template.of(case(s, h)) for s, h in nothing] == [None] * 5


def test_the_only_hospital_and_plain_text_need_no_hospital(tmp_path: Path) -> None:
    assert Template({("A", "F"): "af"}).of(case("F")) == "af"
    assert Template({("A", "F"): "af"}).of(case("F", "B")) is None
    plain = read_template(write(tmp_path / "t.txt", "all is well"))
    assert [plain.of(case()), plain.of(case("F", "B"))] == ["all is well"] * 2
    by_sex = read_template(write(tmp_path / "t.json", '{"female": "f"}'))
    assert [by_sex.of(case("F", "B")), by_sex.of(case("M"))] == ["f", None]


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{}",
        '{"A": {"M": 3}}',
        '{"A": {"M": " "}}',
        '{"A": "x", "B": {}}',
        '{"Q": "x"}',
        "{",
        '{"F": "x", "F": "y"}',
        "[" * 100_000,
        '{"A":' * 100_000,
    ],
    ids=range(10),
)
def test_templates_of_another_kind_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ScoreError) as error:
        read_template(write(tmp_path / "t.json", text))
    one_line(error.value)


def test_other_reports_come_from_a_column_a_table_or_a_folder(table: Path, tmp_path: Path) -> None:
    cases = read_cases(table)
    assert read_others("GT_report", table, cases, option="--against")[0] == ("ref one", "ref two")
    other = write(tmp_path / "o.csv", "AccNum,text\na,other a\nq,x\n")
    texts, sources = read_others(str(other), table, cases, option="--against")
    assert (texts, sources) == ((None, "other a"), {"against": digest(other)})
    folder = tmp_path / "f"
    folder.mkdir()
    write(folder / "b.txt", "other b")
    assert read_others(str(folder), table, cases, option="--against")[0] == ("other b", None)


def test_other_reports_that_fit_nothing_are_refused(table: Path, tmp_path: Path) -> None:
    cases = read_cases(table)
    with pytest.raises(ScoreError, match="neither a file, a folder nor a column"):
        read_others("nothing", table, cases, option="--against")
    with pytest.raises(ScoreError, match="neither a file, a folder nor a column"):
        read_others("x" * 5000, table, cases, option="--against")
    alien = write(tmp_path / "o.csv", "AccNum,text\nq,x\n")
    with pytest.raises(ScoreError, match="none of the cases"):
        read_others(str(alien), table, cases, option="--against")
    wide = write(tmp_path / "w.csv", "AccNum,one,two\na,x,y\n")
    with pytest.raises(ScoreError, match="--against-column"):
        read_others(str(wide), table, cases, option="--against")
    assert read_others(str(wide), table, cases, column="two", option="--against")[0] == (None, "y")


@pytest.mark.parametrize(
    "reader", [read_cases, read_texts, read_labels, read_label_texts, read_predictions, digest, read_description]
)
def test_a_name_that_no_file_can_have_is_refused_like_a_missing_file(reader: Callable[[Path], object]) -> None:
    with pytest.raises(ScoreError) as error:
        reader(Path("x" * 5000))
    one_line(error.value)


def test_ids_of_any_script_and_strange_signs_are_kept(tmp_path: Path) -> None:
    ids = ["a/b", "../x", "编号 7", "=1+1", "O'Brien", 'q"uote', "x,y"]
    rows = "".join(f'"{key.replace(chr(34), chr(34) * 2)}",ref,pred\n' for key in ids)
    assert read_cases(write(tmp_path / "r.csv", "id,reference,prediction\n" + rows)).ids == tuple(ids)


def one_line(error: InputError) -> None:
    assert str(error).count("\n") == 0
    assert str(error).count(" — ") == 2
    assert error.exit_code == 2


@pytest.mark.reference
def test_the_shared_pairs_have_sexes_and_a_template_for_every_case(shared: Path) -> None:
    folder = shared / "data" / "autopet_rg_lym"
    cases = read_cases(folder / "reports.csv", meta=folder / "meta.csv")
    template = read_template(folder / "template.json")
    assert len(cases) > 1
    assert {c.sex for c in cases.cases} <= {"F", "M"}
    assert all(template.of(c) for c in cases.cases)
    assert {template.of(c) for c in cases.cases if c.sex == "F"}.isdisjoint(
        {template.of(c) for c in cases.cases if c.sex == "M"}
    )


def test_capitals_in_the_ends_of_names_do_not_matter(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    write(tmp_path / "r" / "a.TXT", "one")
    write(tmp_path / "r" / "b.Json", '{"text": "two"}')
    assert read_texts(tmp_path / "r") == {"a": "one", "b": "two"}
    before = digest(tmp_path / "r")
    write(tmp_path / "r" / "b.Json", '{"text": "three"}')
    assert digest(tmp_path / "r") != before


@pytest.mark.parametrize("word", ["", "  \n", "nan", "NaN\n", "None", "null", "N/A", "<NA>"])
def test_a_file_is_absent_by_the_same_words_as_a_cell(tmp_path: Path, word: str) -> None:
    (tmp_path / "r").mkdir()
    write(tmp_path / "r" / "a.txt", word)
    write(tmp_path / "r" / "b.json", json.dumps({"text": word}))
    assert read_texts(tmp_path / "r") == {"a": None, "b": None}
