"""Slots hold what the record holds, and nothing else."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from petrg.anatomy import Region
from petrg.errors import ReportError
from petrg.report import (
    Lesion,
    LesionStatus,
    Modality,
    Record,
    RegionGuess,
    Statement,
    StatementKind,
    Threshold,
    Totals,
    Where,
    fill,
)


def record() -> Record:
    where = Where(modality=Modality.PET, index=(1, 2, 3), mm=(3, 2, 1), slice_number=4)
    lesion = Lesion(
        id="L1",
        status=LesionStatus.LESION,
        region=RegionGuess(id=Region.LIVER, probability=0.9),
        centre_mm=(1, 2, 3),
        hottest=where,
        slices=(3, 5),
        suv_max=7.9107,
        threshold=Threshold.FIXED_4,
        axes_mm=(31.4, 12.0),
    )
    return Record(
        study_id="s",
        petrg_version="0",
        inputs=(),
        threshold=Threshold.FIXED_4,
        detection="by hand",
        anatomy="by hand",
        lesions=(lesion,),
        totals=Totals(lesions=1, mtv_ml=None, tlg_g=None, suv_max=7.9107),
    )


def test_numbers_are_rounded_in_print_and_whole_in_the_link() -> None:
    text, numbers = fill("大小{L1.long_axis_cm}×{L1.short_axis_cm}cm，SUVmax {L1.suv_max}。", record())
    assert text == "大小3.1×1.2cm，SUVmax 7.9。"
    assert [text[n.span.start : n.span.end] for n in numbers] == ["3.1", "1.2", "7.9"]
    assert [n.value for n in numbers] == [pytest.approx(3.14), pytest.approx(1.2), 7.9107]
    assert all(n.where is not None and n.where.index == (1, 2, 3) for n in numbers)


@pytest.mark.parametrize("slot", ["{L2.suv_max}", "{L1.mtv_ml}", "{liver.suv_mean}", "{L1.colour}", "{totals.mtv_ml}"])
def test_a_slot_without_a_value_is_refused_not_invented(slot: str) -> None:
    with pytest.raises(ReportError, match="has no value in the record"):
        fill(f"SUVmax {slot}", record())


def test_a_text_whose_digits_were_edited_no_longer_parses() -> None:
    text, numbers = fill("SUVmax {L1.suv_max}", record())
    statement = Statement(text=text, kind=StatementKind.FINDING, numbers=numbers)
    raw = statement.to_json().replace('"SUVmax 7.9"', '"SUVmax 9.7"')
    with pytest.raises(ReportError, match="is not the number it is linked to"):
        Statement.from_json(raw)


def test_unknown_keys_and_nan_are_refused() -> None:
    with pytest.raises(ReportError, match="key 'colour'"):
        Record.from_json(record().to_json().replace('"study_id"', '"colour": 1, "study_id"', 1))
    with pytest.raises(ValidationError):
        record().lesions[0].model_validate({**record().lesions[0].model_dump(), "suv_max": float("nan")})


def test_a_record_survives_its_file() -> None:
    assert Record.from_json(record().to_json()) == record()
