"""Tables of reports: encodings, quotes, gaps, and what is refused."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrg.errors import ScoreError
from petrg.evaluate.case_table import CaseTable
from petrg.evaluate.cases.tables import read_rows

FORMULAS = ("=cmd|' /C calc'!A0", "+1", "-2", "@SUM(A1)", '"quoted", and more', "line\nbreak")


def test_ids_come_back_from_cases_csv_as_they_were_read() -> None:
    written = CaseTable("id", FORMULAS, {"score": [0.5] * len(FORMULAS)}).to_csv()
    assert tuple(row["id"] for row in csv.DictReader(io.StringIO(written, newline=""))) == FORMULAS


ZH = "双肺野清晰，未见异常放射性浓聚。肝脏形态、大小正常，其内未见异常密度影。" * 4


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "table.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk"])
def test_encodings_of_chinese_tables(encoding: str, tmp_path: Path) -> None:
    columns, rows = read_rows(written(tmp_path, f'id,报告\na,"{ZH}"\n', encoding))
    assert columns == ["id", "报告"]
    assert rows == [{"id": "a", "报告": ZH}]


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "cp1251", "mac_cyrillic", "big5", "shift_jis"])
def test_other_encodings_are_refused_not_misread(encoding: str, tmp_path: Path) -> None:
    text = {
        "cp1252": "Pas de fixation pathologique décelée à l'étage thoracique, hépatique et rétropéritonéal.\n" * 3,
        "latin-1": "Kein pathologisch erhöhter Uptake, Größe und Läsionen unverändert über die Jahre.\n" * 3,
        "cp1251": "Печень не увеличена, накопление РФП физиологическое\n" * 3,
        "mac_cyrillic": "Печень не увеличена, накопление РФП физиологическое\n" * 3,
        "big5": "肝臟形態大小正常，雙肺未見異常放射性濃聚\n" * 3,
        "shift_jis": "肝臓に異常集積を認めません。両肺に結節はありません\n" * 3,
    }[encoding]
    with pytest.raises(ScoreError, match="expected UTF-8 or GB18030"):
        read_rows(written(tmp_path, "id\n" + text, encoding))


def test_a_damaged_byte_does_not_turn_utf8_into_another_language(tmp_path: Path) -> None:
    raw = bytearray(f'id,text\na,"{ZH}"\n'.encode())
    path = tmp_path / "table.csv"
    for at in range(12, len(raw) - 4, 7):
        broken = bytearray(raw)
        broken[at] = 0xB5 if broken[at] != 0xB5 else 0xB6
        path.write_bytes(broken)
        try:
            _, rows = read_rows(path)
        except ScoreError:
            continue
        assert rows[0]["text"].count("异常") >= 7  # type: ignore[union-attr]  # still read as UTF-8


def test_utf16_and_nul_bytes_are_named(tmp_path: Path) -> None:
    with pytest.raises(ScoreError, match="UTF-16"):
        read_rows(written(tmp_path, "id,text\n1,x\n", "utf-16"))
    with pytest.raises(ScoreError, match="line 3 of the table holds a NUL"):
        read_rows(written(tmp_path, "id,text\n1,x\n2,a\0b\n"))


def test_big_fields_newlines_quotes_and_carriage_returns(tmp_path: Path) -> None:
    big = "x" * 300_000
    before = csv.field_size_limit()
    _, rows = read_rows(written(tmp_path, f'id,text\r\n1,"{big}"\r\n2,"a ""b"",\r\nc"\r\n'))
    assert rows[0]["text"] == big
    assert rows[1]["text"] == 'a "b",\r\nc'
    assert csv.field_size_limit() == before


def test_blank_lines_short_rows_and_absent_values(tmp_path: Path) -> None:
    text = "\n\nid, a ,b\n\n1,x,y\n  \n2\n,,\n3,,nan\n4,NaN,None\n5,N/A,nane\n"
    columns, rows = read_rows(written(tmp_path, text))
    assert columns == ["id", "a", "b"]
    assert rows == [
        {"id": "1", "a": "x", "b": "y"},
        {"id": "2", "a": None, "b": None},
        {"id": "3", "a": None, "b": None},
        {"id": "4", "a": None, "b": None},
        {"id": "5", "a": None, "b": "nane"},
    ]


def test_an_index_without_a_name_is_left_out(tmp_path: Path) -> None:
    assert read_rows(written(tmp_path, ",id,a,\n0,1,x,\n")) == (["id", "a"], [{"id": "1", "a": "x"}])


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "the table is empty"),
        ("\n \n", "the table is empty"),
        ("id,text\n", "holds no row"),
        ("id;text\n1;x\n", "separated by semicolons"),
        ("id\ttext\n1\tx\n", "separated by tabs"),
        ("id,text,text\n1,x,y\n", "column 'text' stands twice"),
        ("id,text\n1,x\n2,y,secret\n", "row 2 has 3 cells"),
        ('id,text\n1,x\n2,"secret\n', "row 2 of the table breaks the rules"),
        ('id,text\n1,"sec"ret"\n', "row 1 of the table breaks the rules"),
    ],
)
def test_what_is_refused(text: str, fault: str, tmp_path: Path) -> None:
    with pytest.raises(ScoreError) as caught:
        read_rows(written(tmp_path, text))
    assert fault in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("first", [ZH, "肝脏未见异常。", "The liver is normal.", "liver " * 30])
def test_a_report_in_place_of_a_column_name_is_refused_and_not_shown(first: str, tmp_path: Path) -> None:
    with pytest.raises(ScoreError, match="first row of the table holds a text in its cell 2") as caught:
        read_rows(written(tmp_path, f"A1,{first},Zhang San\nA2,a,b\n"))
    assert first.strip() not in str(caught.value)
    assert "Zhang" not in str(caught.value)


@pytest.mark.parametrize("name", ["ref\x1b[31m", "\x1b]0;x\x07", "a\u202eb", "a\x9bb"])
def test_column_names_cannot_steer_a_terminal(name: str, tmp_path: Path) -> None:
    with pytest.raises(ScoreError, match="the name of column 2 holds a character that is not seen"):
        read_rows(written(tmp_path, f"id,{name},{name}\n1,a,b\n"))


def test_white_space_in_a_column_name_is_one_space(tmp_path: Path) -> None:
    assert read_rows(written(tmp_path, 'id,"SUV\n  max"\n1,a\n'))[0] == ["id", "SUV max"]


def test_a_refusal_leaves_the_limit_of_cells_as_it_was(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    for text in ("id,text\n1,x\n2,y,z\n3,w\n", 'id,text\n1,"x\n', "id,id\n1,2\n"):
        with pytest.raises(ScoreError):
            read_rows(written(tmp_path, text))
        assert csv.field_size_limit() == before


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(ScoreError, match="cannot read the table"):
            read_rows(path)


_cells = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1).filter(
    lambda s: s.strip().casefold() not in {"", "nan", "none", "null", "na", "n/a", "#n/a", "<na>"}
)


@given(st.lists(st.tuples(_cells, _cells), min_size=1))
def test_what_the_csv_module_writes_is_read_back(tmp_path_factory: pytest.TempPathFactory, pairs: list) -> None:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows([("id", "text"), *pairs])
    _, rows = read_rows(written(tmp_path_factory.mktemp("t"), buffer.getvalue()))
    assert [(row["id"], row["text"]) for row in rows] == pairs
