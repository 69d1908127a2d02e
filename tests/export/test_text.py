"""Plain text: watermark, identity, sections, 24 regions; both languages say the same things."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from petrg.anatomy import Region
from petrg.export.text import render_text
from petrg.export.words import words
from petrg.imaging import Study
from petrg.report import WATERMARK, Report


@pytest.mark.parametrize("language", ["en", "zh"])
def test_all_regions_stand_in_order_between_watermarks(
    language: str, study: Study, make: Callable[..., Report]
) -> None:
    text = render_text(make(study, language))
    lines = text.splitlines()
    assert lines[0] == lines[-1] == WATERMARK[language]
    titles = [region.title(language) for region in Region]
    colon = {"en": ": ", "zh": "："}[language]
    found = [line.split(colon)[0] for line in lines if line.split(colon)[0] in titles]
    assert found == titles


def test_identity_is_the_reports(study: Study, make: Callable[..., Report]) -> None:
    named = render_text(make(study))
    assert "Name: Wáng^Lì" in named
    assert "Birth date: 1960-02-03" in named
    hidden = render_text(make(study, deidentified=True))
    assert "De-identified" in hidden
    assert not any(known in hidden for known in ("Wáng", "ID-77", "1960", "ACC9"))


def test_numbers_and_problems_are_in_it(study: Study, report: Report) -> None:
    text = render_text(report)
    assert "lungs and pleura: Avid mass, SUVmax 9.0, 3.1 cm <b>, above liver (2.1)." in text
    assert "- dose given in MBq & read as such" in text
    assert "[Indication]" not in text  # nothing was said


def test_both_languages_have_the_same_words() -> None:
    def keys(table: object, at: str = "") -> set[str]:
        if not isinstance(table, dict):
            return {at}
        return {key for name, value in table.items() for key in keys(value, f"{at}.{name}")}

    assert keys(dict(words("en"))) == keys(dict(words("zh")))
