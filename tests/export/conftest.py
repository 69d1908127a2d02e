"""A small made-up study and a report on it, built by hand from the contracts alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from petrg.anatomy import Region, Side
from petrg.imaging import Grid, Quantity, Series, Study, Volume
from petrg.imaging.study import Identity
from petrg.report import (
    Assessment,
    AssessmentState,
    CtRead,
    Fact,
    FindingKind,
    InputFact,
    Lesion,
    LesionStatus,
    Modality,
    Note,
    PatientBlock,
    Record,
    Reference,
    References,
    RegionCandidate,
    RegionGuess,
    RegionReport,
    Report,
    Statement,
    StatementKind,
    Threshold,
    Totals,
    Where,
    fill,
)

NAME = "Wáng^Lì <script>alert('x')</script>"
HOT = {"L1": (100.0, 20.0, 80.0), "L2": (-60.0, -30.0, 180.0), "P1": (0.0, 0.0, 260.0)}


def make_study(*, ct: bool = True, seed: int = 0) -> Study:
    """A cylinder of a body, 400 x 300 mm across and 320 mm high, with a hot ball at each place of `HOT`."""
    rng = np.random.default_rng(seed)
    pet_grid = Grid.from_spacing((64, 64, 64), (5.0, 7.0, 7.0), (-220.5, -220.5, 0.0))
    x, y, z = np.moveaxis(pet_grid.to_mm(np.moveaxis(np.indices(pet_grid.shape), 0, -1)), -1, 0)
    body = (x / 190) ** 2 + (y / 140) ** 2 < 1
    pet = np.where(body, 1.0 + 0.1 * rng.standard_normal(body.shape), 0.02)
    for k, place in enumerate(HOT.values()):
        far = np.sqrt((x - place[0]) ** 2 + (y - place[1]) ** 2 + (z - place[2]) ** 2)
        pet = np.where(far < 16, 9.0 - 2 * k, pet)
    volumes: dict[str, Any] = {"pet": Volume(pet.astype(np.float32), pet_grid, Quantity.SUV_BW)}
    if ct:
        grid = Grid.from_spacing((80, 96, 96), (4.0, 5.0, 5.0), (-237.5, -237.5, 0.0))
        x, y, z = np.moveaxis(grid.to_mm(np.moveaxis(np.indices(grid.shape), 0, -1)), -1, 0)
        hu = np.where((x / 190) ** 2 + (y / 140) ** 2 < 1, 40.0, -1000.0)
        hu = np.where((x - 0) ** 2 + (y - 90) ** 2 < 20**2, 600.0, hu)
        volumes["ct"] = Volume(hu.astype(np.float32), grid, Quantity.HU)
        volumes["ct_series"] = Series(uid="1.2.3", modality="CT")
    return Study(
        id="study-0123456789ab",
        identity=Identity(name=NAME, patient_id="ID-77", birth_date="19600203", accession_number="ACC9"),
        pet_series=Series(uid="1.2.4", modality="PT", description="PET AC"),
        **volumes,
    )


def make_lesion(
    study: Study, name: str, mm: tuple[float, float, float], region: Region, status: LesionStatus
) -> Lesion:
    pet = study.suv()
    index = tuple(int(v) for v in np.rint(pet.grid.to_index(mm)))
    at = tuple(float(v) for v in pet.grid.to_mm(index))
    where = Where(
        modality=Modality.PET, index=index, mm=at, slice_number=64 - index[0], instance_number=5, sop_uid="1.2.4.5"
    )
    hu = CtRead(hu_mean=38.0, hu_sd=4.0, hu_min=20, hu_max=55, voxels=99, where=where)
    return Lesion(
        id=name,
        status=status,
        reason="SUVmax 2.1 x the liver's mean",
        region=RegionGuess(
            id=region,
            probability=0.9,
            candidates=(
                RegionCandidate(id=region, probability=0.9),
                RegionCandidate(id=Region.MUSCLE_SUBCUTIS, probability=0.1),
            ),
        ),
        side=Side.LEFT if mm[0] > 10 else Side.RIGHT if mm[0] < -10 else Side.MIDLINE,
        centre_mm=mm,
        hottest=where,
        slices=(30, 36),
        suv_max=float(pet.array[index]),
        suv_mean=6.1,
        suv_peak=7.2,
        threshold=Threshold.FIXED_4,
        mtv_ml=12.5,
        tlg_g=76.3,
        volume_ml=12.5,
        axes_mm=(31.0, 24.0),
        ct=None if study.ct is None else hu,
    )


def make_record(study: Study, extra: int = 0) -> Record:
    lesions = [
        make_lesion(study, "L1", HOT["L1"], Region.LUNG_PLEURA, LesionStatus.LESION),
        make_lesion(study, "L2", HOT["L2"], Region.LIVER, LesionStatus.INDETERMINATE),
        make_lesion(study, "P1", HOT["P1"], Region.BRAIN, LesionStatus.PHYSIOLOGIC),
    ]
    for k in range(extra):
        place = (-150.0 + 10 * k, 10.0, 20.0 + 8 * k)
        lesions.append(make_lesion(study, f"L{k + 3}", place, Region.SPINE, LesionStatus.LESION))
    liver = Reference(
        suv_mean=2.1, suv_sd=0.2, suv_max=2.9, volume_ml=14.1, voxels=50, centre_mm=(-80.0, 0.0, 150.0),
        radius_mm=15.0, slice_number=34, method="3 cm sphere",
    )  # fmt: skip
    volumes = [v for v in (study.pet, study.ct) if v is not None]
    return Record(
        study_id=study.id,
        petrg_version="0.1.0",
        tracer="FDG",
        inputs=tuple(
            InputFact(
                modality=Modality.PET if volume is study.pet else Modality.CT,
                series_uid="1.2.4",
                sha256="ab" * 32,
                shape=volume.grid.shape,
                spacing_mm=volume.grid.spacing_mm,
                affine=tuple(tuple(row) for row in volume.grid.affine.tolist()),
            )
            for volume in volumes
        ),
        threshold=Threshold.FIXED_4,
        detection="local maxima above SUV 3.1",
        anatomy="landmarks-1",
        lesions=tuple(lesions),
        references=References(liver=liver),
        totals=Totals(lesions=1 + extra, mtv_ml=12.5, tlg_g=76.3, suv_max=9.0),
        assessed=tuple(
            Assessment(
                region=region,
                kind=kind,
                state=AssessmentState.SEARCHED if kind is FindingKind.FOCAL_UPTAKE else AssessmentState.NOT_SEARCHED,
                method="local maxima",
                detection_limit="SUV 3.1",
                limit_suv=3.1,
                located=0.5 if region is Region.SPINE else 0.95,
            )
            for region in Region
            for kind in FindingKind
            if kind is not FindingKind.MORPHOLOGY
        ),
    )


_SENTENCES = {
    "en": {
        "L1": "Avid mass, SUVmax {L1.suv_max}, {L1.long_axis_cm} cm <b>, above liver ({liver.suv_mean}).",
        "L2": "Focus of unclear nature, SUVmax {L2.suv_max}.",
        "P1": "Physiologic uptake, SUVmax {P1.suv_max}.",
        "none": "PET: no focal uptake above SUV {search.REGION.limit_suv}; CT not assessed.",
    },
    "zh": {
        "L1": "见高代谢肿块，SUVmax {L1.suv_max}，长径 {L1.long_axis_cm} cm <b>，高于肝脏（{liver.suv_mean}）。",
        "L2": "见性质不明的浓聚灶，SUVmax {L2.suv_max}。",
        "P1": "生理性摄取，SUVmax {P1.suv_max}。",
        "none": "PET 未见高于 SUV {search.REGION.limit_suv} 的局灶摄取；CT 未评估。",
    },
}
_KINDS = {"L1": StatementKind.FINDING, "L2": StatementKind.INDETERMINATE, "P1": StatementKind.PHYSIOLOGIC}


def make_report(study: Study, language: str = "en", *, extra: int = 0, deidentified: bool = False) -> Report:
    record = make_record(study, extra)
    sentences = _SENTENCES[language]
    where = {Region.LUNG_PLEURA: "L1", Region.LIVER: "L2", Region.BRAIN: "P1"}

    def say(key: str, region: Region) -> Statement:
        text, numbers = fill(sentences[key].replace("REGION", region.value), record)
        ids = (key,) if key != "none" else ()
        return Statement(text=text, kind=_KINDS.get(key, StatementKind.NORMAL), lesion_ids=ids, numbers=numbers)

    impression, numbers = fill("{totals.lesions} lesion of {L1+L2.lesions} foci, MTV {totals.mtv_ml} ml.", record)
    made = "PET/CT, {acquisition.dose_mbq} MBq; sought above SUV {search.all.limit_suv}."
    technique, facts = fill(made, record, {"dose_mbq": 370.125})
    patient = PatientBlock(name=NAME, patient_id="ID-77", birth_date="19600203", accession_number="ACC9", sex="F")
    return Report(
        study_id=study.id,
        language=language,
        style="test",
        writer="measured-1",
        deidentified=deidentified,
        patient=PatientBlock(sex="F") if deidentified else patient,
        context=(Fact(key="tracer", value="FDG", source="user"),),
        acquisition=(Fact(key="dose_mbq", value=370.125, unit="MBq"), Fact(key="weight_kg", value=None, unit="kg")),
        technique=(Statement(text=technique, kind=StatementKind.REMARK, numbers=facts),),
        findings=tuple(
            RegionReport(region=region, statements=(say(where.get(region, "none"), region),)) for region in Region
        ),
        impression=(Statement(text=impression, kind=StatementKind.FINDING, numbers=numbers),),
        record=record,
        problems=(Note(code="dose-mbq", text="dose given in MBq & read as such"),),
        provenance={"petrg": "0.1.0"},
    )


@pytest.fixture(scope="session")
def study() -> Study:
    return make_study()


@pytest.fixture(scope="session")
def pet_only(study: Study) -> Study:
    return replace(study, ct=None, ct_series=None)


@pytest.fixture(scope="session")
def report(study: Study) -> Report:
    return make_report(study)


@pytest.fixture(scope="session")
def make() -> Callable[..., Report]:
    """Builds a report on a study: ``make(study, language, extra=, deidentified=)``."""
    return make_report
