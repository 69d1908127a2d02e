"""SUVmax and SUVpeak of digital patients against their noise-free truth, from arrays and from DICOM."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from petrg.imaging import Context, Study
from petrg.imaging.read import read_study
from petrg.measure.measure import measure
from petrg.phantom import Phantom, TrueLesion, make, write_dicom
from petrg.report import Record
from petrg.report.record import Lesion

# A lesion whose focus holds no other uptake: the organs of these regions are hot themselves or next to hot ones.
APART = {"lung-pleura", "axilla-chest-wall", "neck-nodes", "breast", "muscle-subcutis", "spine", "mediastinum-hila"}


def pairs(phantom: Phantom, record: Record) -> list[tuple[Lesion, TrueLesion]]:
    out = []
    for true in phantom.truth.lesions:
        near = [
            x for x in record.lesions if np.linalg.norm(np.subtract(x.hottest.mm, true.centre_mm)) <= true.radius_mm + 6
        ]
        if near and true.region.value in APART:
            out.append(
                (min(near, key=lambda x: float(np.linalg.norm(np.subtract(x.hottest.mm, true.centre_mm)))), true)
            )
    return out


def of(phantom: Phantom) -> Study:
    return Study(id=phantom.id, ct=phantom.ct, pet=phantom.pet, context=Context(tracer="FDG"))


def test_without_noise_suvmax_is_exact_and_peak_within_three_percent() -> None:
    found = []
    for seed in (1, 2, 3):
        phantom = make(seed, size="small", lesions=12, noise=False)
        found += pairs(phantom, measure(of(phantom)))
    assert len(found) >= 10
    for lesion, true in found:
        assert lesion.suv_max == pytest.approx(true.suv_max, rel=1e-6)
        assert lesion.side is true.side
        if lesion.suv_peak is not None and true.suv_peak is not None:
            assert lesion.suv_peak == pytest.approx(true.suv_peak, rel=0.03)


def test_with_noise_the_median_error_stays_small() -> None:
    found = []
    for seed in (4, 5, 6):
        phantom = make(seed, size="small", lesions=12)
        found += pairs(phantom, measure(of(phantom)))
    assert len(found) >= 8
    assert np.median([abs(a.suv_max / t.suv_max - 1) for a, t in found]) <= 0.05
    peaks = [abs(a.suv_peak / t.suv_peak - 1) for a, t in found if a.suv_peak and t.suv_peak]
    assert np.median(peaks) <= 0.03


@pytest.mark.parametrize("vendor", ["siemens", "ge", "philips"])
def test_from_dicom_suvmax_is_exact_to_the_quantum(tmp_path: Path, vendor: Literal["siemens", "ge", "philips"]) -> None:
    phantom = make(7, size="small", lesions=8, noise=False, coverage="chest")
    write_dicom(phantom, tmp_path, vendor=vendor)
    found = pairs(phantom, measure(read_study(tmp_path)))
    assert found
    for lesion, true in found:
        assert lesion.suv_max == pytest.approx(true.suv_max, rel=2e-3)
        assert lesion.hottest.sop_uid
        assert lesion.hottest.mm == pytest.approx(true.hottest_mm, abs=0.01)
