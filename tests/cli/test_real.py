"""Pages and records of real patients from the shared folder, found by listing it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from petrg.report import Report

Run = Callable[..., Result]


def page_of(out: Path) -> str:
    html = (out / "report.html").read_text()
    ids, hrefs = set(re.findall(r' id="([^"]+)"', html)), set(re.findall(r' href="#([^"]+)"', html))
    assert hrefs <= ids
    assert len(html) < 6e6
    return html


def pairs(shared: Path) -> list[Path]:
    return [p for p in sorted(shared.glob("data/*/dicom")) if {"CT", "PET"} <= {f.name for f in p.iterdir()}]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_page_of_the_real_pair(language: str, shared: Path, petrg: Run, tmp_path: Path) -> None:
    found = pairs(shared)
    assert found
    for k, path in enumerate(found):
        out = tmp_path / str(k)
        result = petrg("report", path, "-o", out, "--language", language)
        assert result.exit_code == 0, result.output
        html = page_of(out)
        report = Report.read(out / "report.json")
        shown = len(re.findall(r'<article class="card"', html))
        assert shown == min(24, sum(focus.status != "physiologic" for focus in report.record.lesions))
        assert html.count('role="img"') == 2 + 3 * shown
        assert report.patient.patient_id
        assert report.patient.patient_id in html


def test_a_page_of_a_real_pet_alone(shared: Path, petrg: Run, tmp_path: Path) -> None:
    found = sorted(p for p in shared.glob("data/*_pet") if p.is_dir())
    assert found
    for k, path in enumerate(found):
        refused = petrg("report", path, "-o", tmp_path / "none")
        assert refused.exit_code == 2
        assert refused.stderr.splitlines()[-1].endswith("or give --pet-only")
        result = petrg("report", path, "-o", tmp_path / str(k), "--pet-only", "--language", "en")
        assert result.exit_code == 0, result.output
        assert "No CT: PET in three planes." in page_of(tmp_path / str(k))


def test_a_tumour_contoured_by_a_physician(shared: Path, petrg: Run, tmp_path: Path) -> None:
    """366.08 ml and SUVmean 2.5551 within 0.5 %, SUVmax 7.9107 exact (IBSI, STS_001)."""
    (contours,) = [f for path in pairs(shared) for f in sorted((path / "PET").rglob("RS*"))]
    out = tmp_path / "record.json"
    result = petrg("measure", contours.parents[2], "--lesions", contours, "-o", out)
    assert result.exit_code == 0, result.output
    foci = json.loads(out.read_text())["lesions"]
    (tumour,) = [focus for focus in foci if (focus["mask"] or "").startswith("GTV_Mass")]
    assert tumour["volume_ml"] == pytest.approx(366.08, rel=5e-3)
    assert tumour["suv_mean"] == pytest.approx(2.5551, rel=5e-3)
    assert tumour["suv_max"] == pytest.approx(7.9107, abs=5e-5)
