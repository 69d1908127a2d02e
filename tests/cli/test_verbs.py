"""Each verb on a small digital patient: what it prints, writes, refuses."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from petrg.report import WATERMARK, Record, Report

Run = Callable[..., Result]

IDENTITY = ("Nobody^Seed", "NOBODY-000003", "PH000003")


def test_help_lists_the_verbs_and_exit_codes(petrg: Run) -> None:
    result = petrg("--help")
    assert result.exit_code == 0
    for verb in ("inspect", "convert", "measure", "report", "check", "phantom", "styles", "demo"):
        assert f"\n  {verb} " in result.stdout
    assert "Exit codes: 0 done, 2 the input or the output is at fault" in result.stdout


def test_the_version(petrg: Run) -> None:
    from petrg import __version__

    assert petrg("--version").stdout == f"petrg {__version__}\n"


def test_inspect_prints_one_json_object(petrg: Run, patient: Path) -> None:
    result = petrg("inspect", patient, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    seen = json.loads(result.stdout)
    assert seen["pet"]["suv"]["branch"] == "bqml-start"
    assert seen["pet"]["suv"]["factor_g_per_bq"] > 0
    assert seen["pet"]["suv_min"] <= seen["pet"]["suv_median"] <= seen["pet"]["suv_max"]
    assert seen["ct"]["series_uid"] != seen["pet"]["series_uid"]
    assert seen["problems"] == []


def test_inspect_prints_a_table_without_identity(petrg: Run, patient: Path) -> None:
    result = petrg("inspect", patient)
    assert result.exit_code == 0
    for shown in ("taken as", "bqml-start", "scout", "first by rule", "SUVbw", "210 x 96 x 96 (z, y, x)"):
        assert shown in result.stdout
    assert not any(known in result.output for known in IDENTITY)


def test_inspect_marks_what_the_user_entered(petrg: Run, patient: Path) -> None:
    result = petrg("inspect", patient, "--weight-kg", 77, "--dose-mbq", 200)
    assert "77 kg (user-entered)" in result.stdout
    assert "200 MBq (user-entered)" in result.stdout


def test_inspect_exits_0_on_any_readable_folder(petrg: Run, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing of use")
    result = petrg("inspect", tmp_path)
    assert result.exit_code == 0
    assert "refusal" in result.stdout
    seen = json.loads(petrg("inspect", tmp_path, "--json").stdout)
    assert any(problem["refusal"] for problem in seen["problems"])


def test_inspect_draws_the_projections_even_without_suv(petrg: Run, patient: Path, tmp_path: Path) -> None:
    picture = tmp_path / "mip.svg"
    assert petrg("inspect", patient, "--quantity", "activity", "--picture", picture).exit_code == 0
    svg = picture.read_text()
    assert "kBq/ml" in svg
    assert WATERMARK["en"] in svg
    images = ET.fromstring(svg).findall(".//{http://www.w3.org/2000/svg}image")
    assert len(images) == 2


@pytest.mark.parametrize("layout", ["nnunet", "autopet", "petrg"])
def test_convert_writes_and_names_its_files(layout: str, petrg: Run, patient: Path, tmp_path: Path) -> None:
    result = petrg("convert", patient, "-o", tmp_path / "out", "--layout", layout)
    assert result.exit_code == 0, result.output
    names = result.stdout.split()
    assert names == sorted(str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*.nii.gz"))
    assert len(names) >= 2


def test_measure_writes_a_record(petrg: Run, patient: Path, tmp_path: Path) -> None:
    result = petrg("measure", patient, "-o", tmp_path / "record.json", "--threshold", "41%")
    assert result.exit_code == 0, result.output
    record = Record.read(tmp_path / "record.json")
    assert record.threshold == "41% of SUVmax"
    assert result.stdout == f"{len(record.lesions)} foci, {record.totals.lesions} of them lesions\n"


def test_anatomy_and_lesions_from_outside_are_used(petrg: Run, tmp_path: Path) -> None:
    made = petrg("phantom", "--seed", 5, "--size", "small", "--lesions", 0, "--format", "nifti", "-o", tmp_path / "p")
    assert made.exit_code == 0, made.output
    (labels,) = (tmp_path / "p" / "truth").glob("*labels.nii.gz")
    names = labels.with_name(labels.name.replace(".nii.gz", ".json"))
    given = ("--tracer", "FDG", "--anatomy", labels, "--anatomy-names", names, "--lesions", labels)
    result = petrg("measure", tmp_path / "p", *given, "-o", tmp_path / "record.json")
    assert result.exit_code == 0, result.output
    record = Record.read(tmp_path / "record.json")
    assert record.tracer == "FDG"
    assert "landmarks" not in record.anatomy
    assert any(focus.mask for focus in record.lesions)


def test_report_writes_three_files_that_agree(reported: Path, patient: Path) -> None:
    assert sorted(p.name for p in reported.iterdir()) == ["report.html", "report.json", "report.txt"]
    report = Report.read(reported / "report.json")
    assert report.language == "en"
    text, html = (reported / "report.txt").read_text(), (reported / "report.html").read_text()
    assert "Name: Nobody^Seed 3" in text
    assert "Nobody^Seed 3" in html
    assert all(region.text in text for region in report.findings)
    assert WATERMARK["en"] in html


def test_report_of_the_pet_alone_does_not_look_at_the_ct(petrg: Run, patient: Path, tmp_path: Path) -> None:
    assert petrg("report", patient, "-o", tmp_path / "a", "--language", "en", "--pet-only").exit_code == 0
    report = Report.read(tmp_path / "a" / "report.json")
    assert [fact.modality for fact in report.record.inputs] == ["PT"]
    assert all(focus.ct is None for focus in report.record.lesions)
    assert "No CT: PET in three planes." in (tmp_path / "a" / "report.html").read_text()
    checked = petrg("check", tmp_path / "a" / "report.json", patient)
    assert checked.exit_code == 0, checked.output


def test_a_deidentified_report_holds_no_identity(petrg: Run, patient: Path, tmp_path: Path) -> None:
    assert petrg("report", patient, "-o", tmp_path / "d", "--deidentify", "--language", "en").exit_code == 0
    import pydicom

    header = pydicom.dcmread(next(p for p in sorted(patient.iterdir())), stop_before_pixels=True)
    uids = (str(header.StudyInstanceUID), str(header.FrameOfReferenceUID))
    for file in (tmp_path / "d").iterdir():
        text = file.read_text()
        assert not any(known in text for known in (*IDENTITY, *uids, "1950-01-01", "19500101")), file.name


REFUSED = {
    "no CT": (
        ("report", "--ct-series", "none"),
        "petrg: no CT in the study — expected a CT beside the PET — "
        "point to the folder that holds it, or give --pet-only\n",
    ),
    "no PET": (
        ("report", "--pet-series", "none"),
        "petrg: no PET in the study (passed over: left out by --pet-series none) — "
        "expected an attenuation-corrected PET — point to the folder that holds the PET\n",
    ),
    "activity": (
        ("report", "--quantity", "activity"),
        "petrg: a volume in Bq/ml (ACTIVITY) — expected g/ml (SUV_BW) — read the study without --quantity activity, "
        "or give what SUV needs (--weight-kg, --dose-mbq …)\n",
    ),
    "measure activity": (
        ("measure", "--quantity", "activity"),
        "petrg: a volume in Bq/ml (ACTIVITY) — expected g/ml (SUV_BW) — read the study without --quantity activity, "
        "or give what SUV needs (--weight-kg, --dose-mbq …)\n",
    ),
    "measure no PET": (
        ("measure", "--pet-series", "none"),
        "petrg: no PET in the study (passed over: left out by --pet-series none) — "
        "expected an attenuation-corrected PET — point to the folder that holds the PET\n",
    ),
    "weight": (
        ("report", "--injected-at", "noon"),
        "petrg: the injection time cannot be read — expected HH:MM[:SS] or YYYY-MM-DDTHH:MM[:SS] — "
        "correct --injected-at\n",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_are_one_line_and_leave_nothing(case: str, petrg: Run, patient: Path, tmp_path: Path) -> None:
    (verb, *options), line = REFUSED[case]
    result = petrg(verb, patient, *options, "-o", tmp_path / "out")
    last = result.stderr.splitlines(keepends=True)[-1]
    assert (result.exit_code, last) == (2, line)
    assert list(tmp_path.iterdir()) == []


def test_usage_errors_exit_2(petrg: Run, patient: Path) -> None:
    for arguments in (("report", patient), ("nothing",), ("inspect",), ("inspect", patient, "--sex", "X")):
        result = petrg(*arguments)
        assert result.exit_code == 2
        assert "Traceback" not in result.output


def test_a_path_is_not_echoed(petrg: Run, tmp_path: Path) -> None:
    result = petrg("report", tmp_path / "WANG^LI 19600203", "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert "WANG" not in result.output
    assert len(result.stderr.splitlines()) == 1


def test_a_context_or_report_that_is_not_there_is_not_named(petrg: Run, patient: Path, tmp_path: Path) -> None:
    named = tmp_path / "WANG.toml"
    for arguments in (("inspect", patient, "--context", named), ("check", named, patient)):
        result = petrg(*arguments)
        assert result.exit_code == 2
        assert "WANG" not in result.output


def test_a_list_of_files_is_a_study(petrg: Run, patient: Path) -> None:
    files = sorted(patient.iterdir())
    seen = json.loads(petrg("inspect", *files, "--json").stdout)
    assert seen == json.loads(petrg("inspect", patient, "--json").stdout)


def test_styles_are_listed(petrg: Run) -> None:
    lines = petrg("styles").stdout.splitlines()
    languages = [line.split("\t")[1] for line in lines]
    assert languages.count("zh") >= 3
    assert languages.count("en") >= 2


def test_machines_follow_a_report_and_the_context_is_used(petrg: Run, patient: Path, tmp_path: Path) -> None:
    context = tmp_path / "context.toml"
    context.write_text('disease = "Hodgkin lymphoma"\ntime_point = "interim"\n')
    result = petrg("report", patient, "-o", tmp_path / "out", "--log-json", "--context", context)
    assert result.exit_code == 0, result.output
    events = [json.loads(line) for line in result.stderr.splitlines()]
    assert events[-1]["event"] == "done"
    assert events[-1]["files"] == ["report.json", "report.txt", "report.html"]
    assert {"progress"} <= {event["event"] for event in events}
    assert all(event["elapsed"] >= 0 for event in events)
    assert "Hodgkin lymphoma" in (tmp_path / "out" / "report.html").read_text()


def test_a_report_checks_against_its_image(petrg: Run, patient: Path, reported: Path) -> None:
    result = petrg("check", reported / "report.json", patient)
    assert result.exit_code == 0, result.output
    assert "agree with the image" in result.stdout


def test_a_changed_number_or_side_is_found(petrg: Run, patient: Path, reported: Path, tmp_path: Path) -> None:
    data = json.loads((reported / "report.json").read_text())
    focus = next(f for f in data["record"]["lesions"] if f["side"] in ("left", "right"))
    focus["side"] = {"left": "right", "right": "left"}[focus["side"]]
    focus["suv_max"] += 1
    (tmp_path / "changed.json").write_text(json.dumps(data))
    result = petrg("check", tmp_path / "changed.json", patient)
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert any(f"{focus['id']}.suv_max" in line for line in lines)
    assert any(f"{focus['id']}.side" in line for line in lines)
    assert "disagree with the image — expected" in lines[-1]


def test_the_demonstration_shows_each_step_the_report_and_the_page(petrg: Run, tmp_path: Path) -> None:
    result = petrg("demo", "--size", "small", "--seed", 2, "--language", "en", "-o", tmp_path / "demo")
    assert result.exit_code == 0, result.output
    assert result.stdout.count(" s  ") == 6
    assert f"page: {(tmp_path / 'demo' / 'report.html').resolve()}" in result.stdout
    assert (tmp_path / "demo" / "report.txt").read_text() in result.stdout
    assert "disagree with the image: 0" in result.stdout
