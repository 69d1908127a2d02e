"""A digital patient scanned from head to calf on a couch, prepared as the paper says: head to upper thigh, no couch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from petrg import phantom
from petrg.draft.neural_body import find_body
from petrg.imaging import Quantity, Series, Study, Volume
from petrg.measure.landmarks import STANDARD_MM
from petrg.model.prepare import SPACING_MM, Body, prepared
from petrg.phantom import build
from petrg.phantom.anatomy import LABELS
from petrg.phantom.spec import COVERAGES

_FEET, _TOP = 150.0, 1715.0
Lying = tuple[phantom.Phantom, Study, Body]


def made(*, on_couch: bool = True) -> phantom.Phantom:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(COVERAGES, "whole", (_FEET, _TOP))
        if not on_couch:
            patch.setattr(build, "couch", lambda frame: [])
        return phantom.make(11, size="small", lesions=1, arms="up", noise=False)


@pytest.fixture(scope="module")
def lying() -> Lying:
    patient = made()
    series = {"ct_series": Series(uid="1", modality="CT"), "pet_series": Series(uid="2", modality="PT")}
    study = Study(id="study-1", ct=patient.ct, pet=patient.pet, **series)
    return patient, study, find_body(study)


def test_the_legs_are_left_out_and_the_head_is_not(lying: Lying) -> None:
    """The cut lies 20 % of the trunk below its floor, 718 mm above the sole in the standard body of 1.70 m."""
    patient, study, body = lying
    assert study.pet is not None
    assert body.lowest_mm is not None
    scale = patient.spec.height_m / 1.70
    bottom, top = study.pet.grid.to_mm(np.array([[0, 0, 0], [study.pet.grid.shape[0] - 1, 0, 0]]))[:, 2]
    wanted = 835 - 0.2 * (STANDARD_MM["shoulders"] - 835)
    assert (_TOP * scale - (top - body.lowest_mm)) / scale == pytest.approx(wanted, abs=15)
    assert body.lowest_mm - bottom > 400, "so much of the legs was scanned"
    ct, pet = prepared(study, body)
    assert ct.shape == pet.shape
    assert (ct.shape[2] - 1) * SPACING_MM[0] == pytest.approx(top - body.lowest_mm, abs=4)


def test_the_couch_is_gone(lying: Lying) -> None:
    patient, study, body = lying
    bare = replace(study, ct=made(on_couch=False).ct)
    chest = body._replace(lowest_mm=float(patient.pet.grid.to_mm(np.array([[240, 0, 0]]))[0, 2]))
    with_couch, without = (prepared(each, chest)[0] for each in (study, bare))
    assert np.mean(np.abs(with_couch - without) > 100) < 1e-3
    everything = chest._replace(mask=np.ones_like(body.mask))
    kept, none = (prepared(each, everything)[0] for each in (study, bare))
    assert np.mean(np.abs(kept - none) > 100) > 5e-3, "without a mask of the body it would stay"


def test_it_stands_upright_with_its_liver_on_its_right(lying: Lying) -> None:
    """RAS: the first index runs to the patient's right, the third to the head."""
    patient, study, body = lying
    places = {}
    for name in ("liver", "spleen", "brain", "urinary_bladder"):
        spot = (patient.label_map.array == LABELS[name]).astype(np.float32)
        shown = prepared(replace(study, pet=Volume(spot, patient.pet.grid, Quantity.SUV_BW)), body)[1]
        places[name] = np.argwhere(shown > 0.5).mean(axis=0) / shown.shape
    assert places["liver"][0] > 0.55 > 0.45 > places["spleen"][0]
    assert places["brain"][2] > 0.85 > places["liver"][2] > places["urinary_bladder"][2]
