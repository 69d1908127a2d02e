"""`petrg report --weights` and `petrg export-lm` as a user calls them."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from embeds_server import embeds_server
from tiny_weights import write_weights

from petrg.cli import screen
from petrg.draft.neural_text import printable
from petrg.errors import ModelError
from petrg.report import Report


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_weights(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def worded(petrg: Callable, patient: Path, weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("worded") / "out"
    result = petrg("report", patient, "-o", out, "--weights", weights, "--device", "cpu", "--hospital", "A")
    assert result.exit_code == 0, result.output
    assert result.stdout == "report.json\nreport.txt\nreport.html\ndraft.txt\n"
    assert "worded by a network (petrg3d:petrg-1)" in result.stderr
    return out


def test_the_report_is_checked(petrg: Callable, patient: Path, worded: Path) -> None:
    result = petrg("check", worded / "report.json", patient)
    assert "agree with the image" in result.output + result.stderr
    report = Report.read(worded / "report.json")
    assert report.writer == "petrg3d:petrg-1"
    assert report.provenance["hospital"] == "A"
    assert report.provenance["decoding"].startswith("greedy")
    assert "cut off at its longest length" in (worded / "report.html").read_text()


def test_sampled(petrg: Callable, patient: Path, weights: Path, worded: Path, tmp_path: Path) -> None:
    result = petrg("report", patient, "-o", tmp_path, "--weights", weights, "--sample", "--seed", 5, "--hospital", "A")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "draft.txt").read_text() != (worded / "draft.txt").read_text()
    decoding = Report.read(tmp_path / "report.json").provenance["decoding"]
    assert decoding.startswith("sampled")
    assert "seed 5" in decoding


def test_a_patient_is_refused_and_nothing_is_written(petrg: Callable, patient: Path, tmp_path: Path) -> None:
    untrained = write_weights(tmp_path / "w", domain="untrained")
    out = tmp_path / "out"
    result = petrg("report", patient, "-o", out, "--weights", untrained)
    assert result.exit_code == 2
    (line,) = [row for row in result.stderr.splitlines() if "warning" not in row]
    assert "untrained" in line
    assert "leave --weights out for the measured writer" in line
    assert not out.exists()
    assert petrg("report", patient, "-o", out, "--weights", untrained, "--allow-untrained").exit_code == 0
    assert "means nothing" in (out / "report.txt").read_text()


@pytest.mark.parametrize(
    "option",
    [
        "--sample",
        "--greedy",
        "--hospital=A",
        "--llm-url=http://localhost",
        "--base=x",
        "--template=x",
        "--show=pet",
        "--no-template",
        "--device=cpu",
        "--dtype=bfloat16",
        "--seed=5",
    ],
)
def test_options_of_weights_need_weights(petrg: Callable, patient: Path, tmp_path: Path, option: str) -> None:
    result = petrg("report", patient, "-o", tmp_path / "out", option)
    assert result.exit_code == 2
    assert f"{option.partition('=')[0]} without weights" in result.stderr


@pytest.mark.parametrize("given", [(), ("--each",), ("--weights", "w")])
def test_a_batch_is_of_several_studies_that_a_network_words(
    petrg: Callable, patient: Path, tmp_path: Path, given: tuple[str, ...]
) -> None:
    result = petrg("report", patient, "-o", tmp_path / "out", "--batch=4", *given)
    assert result.exit_code == 2
    assert "--batch 4 of what is not written side by side" in result.stderr


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--weights", "no/such/folder"], "no weights can be had"),
        (["--device", "toaster"], "device 'toaster' cannot be used"),
        (["--llm-url", "ftp://x"], "give --llm-url as in"),
        (["--template", "no/such.txt"], "the template cannot be read"),
        (["--template", "x.txt", "--no-template"], "--template with --no-template"),
        (["--show", "both", "--pet-only"], "asked to be shown ct and pet"),
    ],
)
def test_what_cannot_be_used_is_said(
    petrg: Callable, patient: Path, weights: Path, tmp_path: Path, given: list[str], said: str
) -> None:
    named = given if "--weights" in given else ["--weights", weights, *given]
    result = petrg("report", patient, "-o", tmp_path / "out", *named)
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.output
    assert not (tmp_path / "out").exists()


def test_a_server_writes(petrg: Callable, patient: Path, weights: Path, tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("双肺清晰。", encoding="utf-8")
    with embeds_server(32, "肝脏未见异常。") as there:
        given = ("--weights", weights, "--llm-url", there.url, "--template", tmp_path / "own.txt")
        result = petrg("report", patient, "-o", tmp_path, *given)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "draft.txt").read_text() == "肝脏未见异常。\n"
    assert there.paths == ["/v1/models", "/v1/completions"]
    assert len(there.prompts[0]) < 700, "the template given is short"


def test_events_hold_no_text_and_twice_is_the_same(
    petrg: Callable, patient: Path, weights: Path, tmp_path: Path, worded: Path
) -> None:
    given = ("--weights", weights, "--hospital", "A", "--greedy", "--log-json")
    result = petrg("report", patient, "-o", tmp_path, *given)
    events = [json.loads(line) for line in result.stderr.splitlines()]
    assert {"loading the weights", "preparing the images", "writing"} <= {e.get("step") for e in events}
    for name in ("draft.txt", "report.json"):
        assert (tmp_path / name).read_text() == (worded / name).read_text()
    assert (tmp_path / "draft.txt").read_text().strip()[:20] not in result.stderr


def test_text_streams_to_a_terminal_and_nowhere_else(capsys: pytest.CaptureFixture[str]) -> None:
    with screen.text_stream() as write:
        assert write is None, "stderr is no terminal here"
    program = (
        "from petrg.cli import screen\n"
        "with screen.text_stream() as write:\n"
        "    write('肝脏'); write('未见异常。')\n"
        "print('done')\n"
    )
    parent, child = pty.openpty()
    ran = subprocess.run([sys.executable, "-c", program], stderr=child, stdout=subprocess.PIPE, check=True, timeout=60)
    os.close(child)
    shown = os.read(parent, 4096).decode()
    os.close(parent)
    assert shown.replace("\r\n", "\n") == "肝脏未见异常。\n"
    assert ran.stdout == b"done\n"


def test_what_a_terminal_shows_is_what_is_written(
    petrg: Callable, patient: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of `petrg report` with a reader at the terminal; `visible` shows what it may not obey."""
    told: list[str] = []
    monkeypatch.setattr(screen, "_watched", lambda: True)
    monkeypatch.setattr(screen, "visible", lambda text: told.append(text) or text)
    result = petrg("report", patient, "-o", tmp_path, "--weights", weights, "--no-template", "--show", "pet")
    assert result.exit_code == 0, result.output
    written = (tmp_path / "draft.txt").read_text()
    assert printable("".join(told)).find(written.strip()) >= 0
    assert len(written) > 10
    assert Report.read(tmp_path / "report.json").provenance["shown"] == "PET"


@pytest.mark.parametrize(
    ("host", "warned"),
    [("http://reports.example", True), ("https://reports.example", False), ("http://127.0.0.1:1", False)],
)
def test_report_content_in_the_clear_is_warned_of(
    petrg: Callable,
    patient: Path,
    weights: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    host: str,
    warned: bool,
) -> None:
    from petrg.draft import neural

    def stop(*args: object, **how: object) -> None:
        raise ModelError("stopped here", "a test", "go on")

    monkeypatch.setattr(neural, "open_writer", stop)
    result = petrg("report", patient, "-o", tmp_path / "out", "--weights", weights, "--llm-url", host)
    assert "stopped here" in result.stderr
    said = "warning: report content goes to reports.example in the clear"
    assert (said in result.stderr) is warned


@pytest.fixture(scope="module")
def ward(patient: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a study, one that is none, and the first once more."""
    home = tmp_path_factory.mktemp("ward")
    (home / "b").mkdir()
    (home / "b" / "notes.txt").write_text("no image")
    for name in ("a", "c"):
        (home / name).symlink_to(patient)
    (home / "readme.txt").write_text("not a study")
    return home


def test_each_of_several_studies_has_a_folder_and_a_bad_one_stops_none(
    petrg: Callable, ward: Path, weights: Path, worded: Path, tmp_path: Path
) -> None:
    given = ("--each", "--weights", weights, "--hospital", "A", "--batch", 2)
    result = petrg("report", ward, "-o", tmp_path / "out", *given)
    assert result.exit_code == 2
    lines = [row for row in result.stderr.splitlines() if "warning" not in row]
    assert [row.partition("—")[0].strip() for row in lines] == [
        "petrg: study 2 of 3: no CT or PET image among 1 file",
        "petrg: 1 of 3 studies gave no report",
    ]
    alone = Report.read(worded / "report.json")
    folders = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert folders == [row.partition(":")[0] for row in result.stdout.splitlines()]
    assert folders == [alone.study_id, f"{alone.study_id}-2"]
    for name in folders:
        pages = {p.name for p in (tmp_path / "out" / name).iterdir()}
        assert pages == {"report.json", "report.txt", "report.html", "draft.txt"}
        assert Report.read(tmp_path / "out" / name / "report.json") == alone, "as by itself"


def test_several_studies_by_rule(petrg: Callable, ward: Path, tmp_path: Path) -> None:
    result = petrg("report", ward / "b", ward / "a", "-o", tmp_path / "out", "--each", "--pet-only")
    assert result.exit_code == 2
    assert "study 1 of 2: no CT or PET image" in result.stderr
    (folder,) = (tmp_path / "out").iterdir()
    assert {p.name for p in folder.iterdir()} == {"report.json", "report.txt", "report.html"}
    assert Report.read(folder / "report.json").writer == "measured-1"


@pytest.mark.parametrize(
    "option", ["--weight-kg=70", "--sex=F", "--study=1", "--ct-series=2", "--lesions=x", "--context=x"]
)
def test_what_is_true_of_one_patient_is_not_said_of_several(
    petrg: Callable, patient: Path, tmp_path: Path, option: str
) -> None:
    result = petrg("report", patient, patient, "-o", tmp_path / "out", "--each", option)
    assert result.exit_code == 2
    assert f"{option.partition('=')[0]} for several studies" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_folder_without_studies_is_said_to_be(petrg: Callable, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()  # where reports went before is no study
    result = petrg("report", tmp_path, "-o", tmp_path / "out", "--each")
    assert result.exit_code == 2
    assert "holds no folder or zip" in result.stderr


def test_export_lm(petrg: Callable, weights: Path, tmp_path: Path) -> None:
    result = petrg("export-lm", "--weights", weights, "-o", tmp_path / "lm")
    assert result.exit_code == 0, result.output
    assert "4 adapters merged" in result.stdout
    assert (tmp_path / "lm" / "model.safetensors").is_file()
    missing = petrg("export-lm", "--weights", tmp_path, "-o", tmp_path / "no")
    assert missing.exit_code == 2
    assert not (tmp_path / "no").exists()
