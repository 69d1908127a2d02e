"""The true report of a digital patient, its numbers taken out: the measured record puts them back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from written import codes, report_of

from petrg import phantom
from petrg.draft.check import check
from petrg.draft.neural_slots import choose_lesions
from petrg.draft.neural_text import read_text
from petrg.evaluate.benchmark.digital import reference_report
from petrg.imaging import read_study
from petrg.imaging.masks import read_label_map
from petrg.language.style import load_style
from petrg.measure.measure import measure
from petrg.train.as_slots import as_slots


@pytest.mark.parametrize(("seed", "style"), [(0, "zh-prose"), (3, "en-prose"), (5, "zh-structured")])
def test_each_number_comes_back_where_it_stood(seed: int, style: str, tmp_path: Path) -> None:
    patient = phantom.make(seed, size="small", lesions=5)
    study = read_study(phantom.write_dicom(patient, tmp_path))
    labels = read_label_map(next((tmp_path / "truth").glob("*_labels.nii.gz")))
    record = measure(study, label_map=labels)
    true_text = reference_report(patient.truth, load_style(style))
    truth = [float(found) for found in re.findall(r"SUVmax\D{0,4}(\d+\.\d)", true_text)]
    text = as_slots(true_text)
    told = read_text(text, load_style(style).language)
    markers = [m for passage in told.passages for m in passage.markers if m.kind == "suvmax"]
    assert len(markers) == len(truth) == 5
    choices = choose_lesions(told, record)
    filled = [
        (value, choices[m].lesions[0].suv_max) for value, m in zip(truth, markers, strict=True) if choices[m].text
    ]
    assert len(filled) >= 3, "most of what was painted is found"
    assert all(found == pytest.approx(value, rel=0.25) for value, found in filled), "none from another lesion"
    turned = zip(truth[1:] + truth[:1], truth, strict=True)
    assert not all(one == pytest.approx(other, rel=0.25) for one, other in turned), "nor are the lesions alike"
    report = report_of(text, study, record, style=style)
    assert not codes(report) & {"digits-removed", "text-cut", "text-looping"}
    assert [m for m in check(report, study, label_map=labels) if m.code != "claim"] == []
