"""What the documentation takes from the code is fresh; its links lead somewhere; its schemas hold."""

from __future__ import annotations

import importlib.util
import json
import re
import tomllib
from pathlib import Path
from types import ModuleType

import jsonschema
import pytest

FRESH = "stale: run `python docs/generate.py`"


@pytest.fixture(scope="module")
def generate(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", root / "docs/generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_files_are_fresh(generate: ModuleType) -> None:
    for path, text in generate.pages().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is {FRESH}"


def test_schemas_are_schemas(root: Path) -> None:
    files = sorted((root / "docs/schemas").glob("*.json"))
    assert len(files) == 6
    for path in files:
        jsonschema.Draft202012Validator.check_schema(json.loads(path.read_text(encoding="utf-8")))


def test_shipped_styles_keep_the_published_schema(root: Path) -> None:
    schema = json.loads((root / "docs/schemas/style.schema.json").read_text(encoding="utf-8"))
    styles = sorted((root / "src/petrg/language/styles").glob("*.toml"))
    assert len(styles) >= 5
    for path in styles:
        jsonschema.validate(tomllib.loads(path.read_text(encoding="utf-8")), schema)


def test_links_between_pages_exist(root: Path) -> None:
    for page in (root / "docs").rglob("*.md"):
        if "_build" in page.parts:
            continue
        for link in re.findall(r"\]\((?!http)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_every_page_is_in_the_table_of_contents(root: Path) -> None:
    index = (root / "docs/index.md").read_text(encoding="utf-8")
    for page in (root / "docs").rglob("*.md"):
        name = page.relative_to(root / "docs").with_suffix("").as_posix()
        if name != "index" and not name.startswith("_build"):
            assert re.search(rf"^{re.escape(name)}$", index, re.M), name


def test_the_context_example_is_valid(root: Path, tmp_path: Path) -> None:
    import petrg

    text = (root / "docs/howto/hospital-export.md").read_text(encoding="utf-8")
    example = re.findall(r"^```toml\n(.*?)^```", text, re.M | re.S)
    assert len(example) == 1
    (tmp_path / "context.toml").write_text(example[0], encoding="utf-8")
    context = petrg.read_context(tmp_path / "context.toml")
    assert context.is_fdg
    assert context.therapy[0].name == "R-CHOP"


def test_the_python_of_the_pages_runs(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from petrg.phantom import make, write_dicom

    monkeypatch.chdir(tmp_path)
    Path("empty-folder").mkdir()
    write_dicom(make(3, sex="F", lesions=2, size="small", coverage="abdomen"), Path("study"))
    for page, most in (("tutorial.md", 1), ("howto/python.md", 3)):
        text, names = (root / "docs" / page).read_text(encoding="utf-8"), dict[str, object]()
        blocks = re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)
        assert len(blocks) == most
        for block in blocks:
            exec(block, names)
        assert names.get("mismatches", ()) == ()
    for made in ("record", "report"):
        schema = json.loads((root / f"docs/schemas/{made}.schema.json").read_text(encoding="utf-8"))
        jsonschema.validate(json.loads(names[made].to_json()), schema)  # type: ignore[attr-defined]


def test_the_exit_codes_of_the_table_are_those_of_the_errors(root: Path) -> None:
    from petrg.errors import InputError, MissingExtra, PetrgError

    table = (root / "docs/formats.md").read_text(encoding="utf-8")
    assert (InputError.exit_code, MissingExtra.exit_code, PetrgError.exit_code) == (2, 1, 1)
    assert re.search(r"^\| 2 \| the input", table, re.M)
