"""Where the body may lie otherwise than the header says, nothing is located with certainty."""

from __future__ import annotations

from dataclasses import replace

import pytest

from petrg.errors import Problem
from petrg.imaging import Context, Study
from petrg.measure.measure import measure
from petrg.phantom import make
from petrg.report import LesionStatus, Record


@pytest.fixture(scope="module")
def study() -> Study:
    made = make(5, size="small", lesions=4)
    return Study(id="s", ct=made.ct, pet=made.pet, context=Context(tracer="FDG", sources={"tracer": "user"}))


@pytest.fixture(scope="module")
def straight(study: Study) -> Record:
    return measure(study)


@pytest.mark.parametrize("code", ["orientation", "ct-pet-apart"])
def test_a_doubtful_orientation_leaves_no_lesion_certain_and_no_region_located(
    study: Study, straight: Record, code: str
) -> None:
    record = measure(replace(study, problems=(Problem(code, "what the reader found"),)))
    assert record.anatomy == f"{straight.anatomy}, orientation in doubt"
    assert max(a.located or 0.0 for a in record.assessed) <= 0.5 < max(a.located or 0.0 for a in straight.assessed)
    assert any(lesion.status is LesionStatus.LESION for lesion in straight.lesions)
    assert not any(lesion.status is LesionStatus.LESION for lesion in record.lesions)
    assert sorted(lesion.suv_max for lesion in record.lesions) == sorted(x.suv_max for x in straight.lesions)


def test_another_problem_casts_no_doubt(study: Study, straight: Record) -> None:
    assert measure(replace(study, problems=(Problem("uptake-unusual", "x"),))).anatomy == straight.anatomy
