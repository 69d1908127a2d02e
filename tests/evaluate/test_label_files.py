"""Label files: what is read, what is a fault, what is refused, and that writing loses nothing."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrg.anatomy import Region
from petrg.errors import OutputError, ScoreError
from petrg.evaluate.cases.ids import expect_file_names
from petrg.evaluate.labels.evidence import CaseEvidence, read_evidence
from petrg.evaluate.labels.files import parse_suv, read_labels, write_labels
from petrg.evaluate.labels.label_set import Cell, LabelSet, Spot
from petrg.report import Structure, Uptake, authors_entry, project, to_authors_json

ZH = [region.title("zh") for region in Region]


def entry(pet: object = "5", ct: object = "8", suv: object = "", text: object = "") -> dict[str, object]:
    return {"pet_status": pet, "suv": suv, "ct_status": ct, "ct_description": text}


def whole(**changed: object) -> dict[str, object]:
    """A label file of all regions; ``changed`` by region id with _ for -."""
    return {r.title("zh"): changed.get(r.value.replace("-", "_"), entry()) for r in Region}


def put(folder: Path, name: str, document: object) -> Path:
    path = folder / name
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return path


# ------------------------------------------------------------------ reading
def test_a_folder_and_one_object_hold_the_same(tmp_path: Path) -> None:
    cases = {"a": whole(liver=entry("1", "2", "SUVmax: 4.5", "nodule")), "b": whole(spleen=entry("4", "7"))}
    folder = tmp_path / "labels"
    folder.mkdir()
    for key, document in cases.items():
        put(folder, f"{key}.json", document)
    from_folder, from_file = read_labels(folder), read_labels(put(tmp_path, "all.json", cases))
    assert from_folder == from_file
    assert from_folder.labeller == "given"
    assert from_folder.cases["a"][Region.LIVER] == Cell(Uptake.HIGH, Structure.FOCAL_LESION, 4.5, "nodule")
    assert list(from_folder.cases["b"]) == list(Region)


def test_one_case_as_a_file_is_that_case(tmp_path: Path) -> None:
    assert list(read_labels(put(tmp_path, "case7.json", whole())).cases) == ["case7"]


@pytest.mark.parametrize(
    ("value", "pet", "fault"),
    [
        *(
            ("1", 1, False),
            (" 3 ", 3, False),
            (2, 2, False),
            (True, None, True),
            (1.0, None, True),
            (None, None, False),
        ),
        *(("6", None, True), ("0", None, True), ("", None, True), ("１", None, True), ("high", None, True)),
        *(([1], None, True), (-1, None, True), (10**400, None, True), ("1 or 2", None, True)),
    ],
)
def test_classes_and_faults(value: object, pet: int | None, fault: bool, tmp_path: Path) -> None:
    cell = read_labels(put(tmp_path, "a.json", {"a": whole(liver=entry(pet=value))})).cases["a"][Region.LIVER]
    assert (cell.pet, cell.pet_fault, cell.ct, cell.ct_fault) == (pet, fault, Structure.NORMAL, False)


def test_absent_keys_are_faults_and_absent_regions_absent(tmp_path: Path) -> None:
    document = whole(liver={"ct_status": "2"}, spleen="normal")
    del document[Region.BREAST.title("zh")]
    cells = read_labels(put(tmp_path, "a.json", document)).cases["a"]
    assert cells[Region.LIVER] == Cell(ct=Structure.FOCAL_LESION, pet_fault=True)
    assert Region.BREAST not in cells
    assert Region.SPLEEN not in cells
    assert len(cells) == 22


def test_regions_by_other_spellings(tmp_path: Path) -> None:
    document = {
        "甲状腺与主要唾液腺(腮腺、下颌下腺)": entry("1"),  # half-width brackets
        " 肝脏 ": entry("2"),
        "Spleen": entry("4"),
        "neck-nodes": entry("1"),
        "unknown region": entry("1"),
    }
    cells = read_labels(put(tmp_path, "a.json", document)).cases["a"]
    assert [r.value for r in cells] == ["thyroid-salivary", "neck-nodes", "liver", "spleen"]


BROKEN: dict[str, str] = {
    "no JSON": "{",
    "empty": "",
    "a list": "[]",
    "text": '"x"',
    "a region twice": '{"肝脏": {"pet_status": "1"}, "肝脏": {"pet_status": "5"}}',
    "another JSON": '{"a": 1}',
    "too deep": "[" * 100_000,
    "a number too long": '{"肝脏": ' + "9" * 5000 + "}",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_what_is_no_label_file_counts_as_wrong_or_is_refused(text: str, tmp_path: Path) -> None:
    put(tmp_path, "a.json", whole())
    put(tmp_path, "b.json", text)
    labels = read_labels(tmp_path)
    assert labels.cases["b"] == {}
    assert len(labels.cases["a"]) == 24
    with pytest.raises(ScoreError, match="label file 2 of the folder, by name, holds no labels"):
        read_labels(tmp_path, strict=True)


def test_bytes_that_are_no_utf8(tmp_path: Path) -> None:
    put(tmp_path, "a.json", whole())
    (tmp_path / "b.json").write_bytes(json.dumps(whole(), ensure_ascii=False).encode("gb18030"))
    assert read_labels(tmp_path).cases["b"] == {}
    (tmp_path / "b.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(whole()).encode())
    assert len(read_labels(tmp_path).cases["b"]) == 24


@pytest.mark.parametrize("strict", [False, True])
def test_a_place_without_any_label_is_refused(strict: bool, tmp_path: Path) -> None:
    for name in ("empty", "reports"):
        (tmp_path / name).mkdir()
    put(tmp_path / "reports", "a.json", {"text": "liver normal"})
    for path in ("empty", "reports", "none", "none.json"):
        with pytest.raises(ScoreError):
            read_labels(tmp_path / path, strict=strict)
    for document in ("{}", "[]", '{"a": {}}', '{"a": {"b": 1}}'):
        with pytest.raises(ScoreError):
            read_labels(put(tmp_path, "x.json", document), strict=strict)


def test_other_files_are_passed_over(tmp_path: Path) -> None:
    put(tmp_path, "a.json", whole())
    put(tmp_path, "._a.json", "apple")
    put(tmp_path, "notes.txt", "x")
    (tmp_path / "b.json").mkdir()
    assert list(read_labels(tmp_path).cases) == ["a"]


# ------------------------------------------------------------------ SUV text
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("SUVmax: 4.5", 4.5),
        ("SUVmax:4.5", 4.5),
        ("SUVmax 4.5", 4.5),
        ("SUVmax：４．５", 4.5),
        ("4.5", 4.5),
        ("18.79", 18.79),
        ("12", 12.0),
        (".9", 0.9),
        ("SUVmax: 3.2-6.7", 6.7),
        ("3.2~6.7", 6.7),
        ("SUVmax 3.2、6.7", 6.7),
        ("SUVmax 3.2,6.7", 6.7),
        ("SUVmax 4,5", 4.5),
        ("SUV max约为4.5", 4.5),
        ("SUVmax 4.5 g/mL", 4.5),
        (">4.5", 4.5),
        ("SUVmax: 4.5 (L5)", 4.5),
        ("SUVmax: 4.5, 2.3×1.8cm", 4.5),
        ("SUVmax 4.5, 12 mm", 4.5),
        ("Deauville 5, SUVmax 4.5", 4.5),
        ("", None),
        ("  ", None),
        ("无", None),
        ("-", None),
        ("not stated", None),
        (None, None),
        (4.5, 4.5),
        (4, 4.0),
        (True, None),
        (float("nan"), None),
        (float("inf"), None),
        (-1, None),
        ([4.5], None),
        ("9" * 400, None),
    ],
)
def test_suv_texts(text: object, value: float | None) -> None:
    assert parse_suv(text) == value


@given(st.floats(0, 999.9, allow_subnormal=False).map(lambda v: round(v, 4)))
def test_suvs_are_written_with_all_their_digits(value: float) -> None:
    said = authors_entry(Cell(suv_max=value))["suv"]
    assert parse_suv(said) == value
    assert "e" not in said.removeprefix("SUVmax")


@pytest.mark.parametrize(
    "text", ["9" * 100_000 + "cm", "1," * 50_000, "deauville" + " " * 100_000, "1 " * 50_000 + "mm"]
)
def test_a_looping_suv_costs_no_time(text: str) -> None:
    parse_suv(text)


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 12)
    | st.floats()
    | st.sampled_from(["1", "5", "8", "SUVmax: 4.5", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["a", "肝脏", "spleen", "pet_status", "ct_status", "suv", "ct_description"]), inner
        )
    ),
    max_leaves=12,
)


@given(_json)
def test_any_json_is_labels_or_refused_never_a_crash(
    tmp_path_factory: pytest.TempPathFactory, document: object
) -> None:
    path = put(tmp_path_factory.mktemp("any"), "x.json", document)
    try:
        labels = read_labels(path)
    except ScoreError:
        return
    for cells in labels.cases.values():
        for cell in cells.values():
            assert cell.pet is None or not cell.pet_fault
            assert cell.ct is None or not cell.ct_fault


# ------------------------------------------------------------------ writing
_spots = st.lists(st.builds(lambda a, n: Spot(a, a + n), st.integers(0, 500), st.integers(0, 9)), max_size=2).map(tuple)
_words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_cells = st.builds(
    Cell,
    pet=st.none() | st.sampled_from(Uptake),
    ct=st.none() | st.sampled_from(Structure),
    suv_max=st.none() | st.floats(0, 200, allow_subnormal=False).map(lambda v: round(v, 3)),
    description=_words,
    pet_fault=st.booleans(),
    ct_fault=st.booleans(),
    basis=st.tuples(_words, _words, _words),
    rules=st.tuples(_words, _words, _words),
    spots=st.tuples(_spots, _spots, _spots),
).map(
    lambda c: c._replace(
        pet=None if c.pet_fault else c.pet,
        ct=None if c.ct_fault else c.ct,
        basis=("" if c.pet_fault else c.basis[0], "" if c.ct_fault else c.basis[1], c.basis[2]),
        rules=("" if c.pet_fault else c.rules[0], "" if c.ct_fault else c.rules[1], c.rules[2]),
        spots=(() if c.pet_fault else c.spots[0], () if c.ct_fault else c.spots[1], c.spots[2]),
    )
)
_ids = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="./\\"), min_size=1, max_size=20)
_case = st.dictionaries(st.sampled_from(Region), _cells, min_size=1, max_size=3)
_cases = st.dictionaries(_ids, _case, min_size=1, max_size=2)


def _fits(cases: dict[str, object]) -> bool:
    try:
        expect_file_names(cases)
    except ScoreError:
        return False
    return True


@given(_cases.filter(_fits), st.sampled_from(["petrg-reading 1", 'llm "x" \x7f\\ prompt 1 (a)', "甲"]))
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, cases: dict[str, dict[Region, Cell]], labeller: str
) -> None:
    labels = LabelSet(labeller=labeller, cases=cases, languages={next(iter(cases)): "zh"})
    folder = tmp_path_factory.mktemp("round") / "labels"
    write_labels(labels, folder)
    assert read_labels(folder, strict=True) == labels


def test_the_files_are_the_authors_and_nothing_else(tmp_path: Path) -> None:
    text = "肝脏见结节，SUVmax：4.5"
    cell = Cell(Uptake.HIGH, None, 4.5, basis=("stated", "silent", "stated"), spots=((Spot(0, 2),), (), (Spot(6, 16),)))
    cells = {region: Cell(basis=("silent", "silent", "")) for region in Region} | {Region.LIVER: cell}
    labels = LabelSet(labeller="l 1", cases={"a": cells}, texts={"a": text}, languages={"a": "zh"})
    write_labels(labels, tmp_path / "out")
    written = json.loads((tmp_path / "out" / "a.json").read_text("utf-8"))
    assert list(written) == ZH
    assert written["肝脏"] == {"pet_status": "1", "suv": "SUVmax: 4.5", "ct_status": "8", "ct_description": ""}
    assert written["脾脏"] == to_authors_json(project([]))["脾脏"]
    evidence = read_evidence(tmp_path / "out", ["a", "not there"])["a"]
    assert evidence.regions[Region.LIVER].suv.quotes == ("SUVmax：4.5",)
    assert evidence.regions[Region.LIVER].ct.value is None
    told = tomllib.loads((tmp_path / "out" / "evidence" / "labeller.toml").read_text("utf-8"))
    assert (told["name"], told["version"], told["languages"], told["cases"]) == ("l", "1", ["zh"], 1)
    assert told["text_sha256"]["a"] == evidence.text_sha256


def test_a_label_changed_by_hand_counts_and_loses_its_evidence(tmp_path: Path) -> None:
    cell = Cell(Uptake.HIGH, Structure.FOCAL_LESION, rules=("r", "s", ""), basis=("stated", "stated", ""))
    write_labels(LabelSet(labeller="l", cases={"a": {Region.LIVER: cell}}), tmp_path / "out")
    put(tmp_path / "out", "a.json", {"肝脏": entry("5", "2", "SUVmax: 9")})
    read = read_labels(tmp_path / "out").cases["a"][Region.LIVER]
    assert (read.pet, read.rules[0], read.basis[0]) == (Uptake.NORMAL, "", "")
    assert (read.ct, read.rules[1], read.suv_max) == (Structure.FOCAL_LESION, "s", 9.0)


def test_labels_of_another_run_do_not_survive(tmp_path: Path) -> None:
    one = {region: Cell() for region in Region}
    write_labels(LabelSet(labeller="l", cases={"a": one, "b": one}), tmp_path / "out")
    before = sorted(p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file())
    with pytest.raises(ScoreError, match="1 JSON files of other cases"):
        write_labels(LabelSet(labeller="l", cases={"a": one}), tmp_path / "out")
    assert sorted(p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()) == before
    write_labels(LabelSet(labeller="new", cases={"a": one, "b": one}), tmp_path / "out")
    assert read_labels(tmp_path / "out").labeller == "new"
    (tmp_path / "reports").mkdir()
    put(tmp_path / "reports", "scan.json", {"text": "x"})
    with pytest.raises(ScoreError, match="of other cases"):
        write_labels(LabelSet(labeller="l", cases={"a": one}), tmp_path / "reports")


def test_all_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_text = Path.write_text

    def full(self: Path, *args: object, **how: object) -> int:
        if self.name == "b.json":
            raise OSError(28, "No space left on device")
        return write_text(self, *args, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OutputError):
        write_labels(LabelSet(labeller="l", cases={"a": {Region.LIVER: Cell()}, "b": {}}), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["x = ", "labeller = 3", 'labeller = " "', 'labeller = "l"\ntext_sha256 = 3', "\xff"])
def test_a_labeller_that_is_not_named_is_refused(text: str, tmp_path: Path) -> None:
    write_labels(LabelSet(labeller="l", cases={"a": {Region.LIVER: Cell()}}), tmp_path)
    (tmp_path / "evidence" / "labeller.toml").write_text(text, encoding="latin-1")
    with pytest.raises(ScoreError, match="does not name the labeller"):
        read_labels(tmp_path)


def test_evidence_that_is_none_is_refused(tmp_path: Path) -> None:
    write_labels(LabelSet(labeller="l", cases={"a": {Region.LIVER: Cell()}}), tmp_path)
    (tmp_path / "evidence" / "a.json").write_text('{"regions": {"liver": {"pet": {"value": "secret"}}}}')
    with pytest.raises(ScoreError, match="evidence file breaks its schema") as caught:
        read_labels(tmp_path)
    assert "secret" not in str(caught.value)


def test_evidence_has_a_schema() -> None:
    assert CaseEvidence.model_json_schema()["properties"]["schema_version"]["const"] == 1


# ------------------------------------------------------------------ ids
@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        (" a", "begins or ends"),
        (".", "begins with a dot"),
        ("..", "begins with a dot"),
        (".hidden", "begins with a dot"),
        ("../a", "begins with a dot"),
        ("a/b", "path separator"),
        ("a\\b", "path separator"),
        ("a\x00b", "not seen"),
        ("a\nb", "not seen"),
        ("a\u202eb", "not seen"),
        ("a\u200bb", "not seen"),
        ("x" * 201, "longer than 200 bytes"),
        ("肝" * 67, "longer than 200 bytes"),
        ("a:b", "holds one of"),
        ("a?", "holds one of"),
        ("<b>", "holds one of"),
        ("CON", "is the name of a device"),
        ("aux.1", "is the name of a device"),
        ("lpt9", "is the name of a device"),
        ("CASE1", "is that of row 1"),
        ("Connor", ""),
        ("com10", ""),
        ("case１", ""),
        ("é", ""),
    ],
)
def test_ids_that_name_no_file(bad: str, says: str, tmp_path: Path) -> None:
    ids = ["case1", bad]
    if not says:
        expect_file_names(ids)
        return
    with pytest.raises(ScoreError, match=says) as caught:
        expect_file_names(ids)
    assert "the id of row 2 " in str(caught.value)
    with pytest.raises(ScoreError):
        write_labels(LabelSet(labeller="l", cases={key: {} for key in ids}), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_composed_and_decomposed_ids_are_one() -> None:
    with pytest.raises(ScoreError, match="is that of row 1"):
        expect_file_names(["\u00e9", "e\u0301"])


# ------------------------------------------------------------------ the shared data
@pytest.mark.reference
def test_the_shared_labels_are_read_whole(shared: Path) -> None:
    folder = shared / "data" / "ces_reference"
    for name in ("reference", "prediction"):
        labels = read_labels(folder / name, strict=True)
        assert set(labels.cases) == {p.stem for p in (folder / name).glob("*.json")}


@pytest.mark.reference
def test_reading_agrees_with_a_plain_loop(shared: Path) -> None:

    path = "data/autopet_rg_lym/prediction_labels.json"
    labels = read_labels(shared / path)
    raw = json.loads((shared / path).read_text("utf-8"))
    assert list(labels.cases) == list(raw)
    for key, regions in raw.items():
        for region in Region:
            cell, given_ = labels.cases[key][region], regions[region.title("zh")]
            assert str(int(cell.pet or 0)) == given_["pet_status"]
            assert str(int(cell.ct or 0)) == given_["ct_status"]
            assert cell.description == given_["ct_description"]
            assert (cell.suv_max is None) == (given_["suv"] == "")
