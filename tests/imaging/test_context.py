"""The clinical context file is strict."""

from __future__ import annotations

from pathlib import Path

import pytest

from petrg.errors import ContextError
from petrg.imaging import Context, Sex, TimePoint, read_context


def write(folder: Path, text: str) -> Path:
    path = folder / "context.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_full_context_is_read_and_marked_user_entered(tmp_path: Path) -> None:
    context = read_context(
        write(
            tmp_path,
            'tracer = "FDG"\ntime_point = "interim"\ndisease = "DLBCL"\nindication = "response"\n'
            'glucose_mmol_l = 5.4\ng_csf = false\nage_years = 61\nsex = "F"\n'
            '[[therapy]]\nname = "R-CHOP"\nstart = 2026-01-02\n',
        )
    )
    assert (context.time_point, context.sex, context.glucose_mmol_l) == (TimePoint.INTERIM, Sex.F, 5.4)
    assert context.therapy[0].start is not None
    assert set(context.sources.values()) == {"user"}
    assert "therapy" in context.sources
    assert "disease" in context.sources


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tracr = 'FDG'", "context key 'tracr': unknown key — "),
        ("glucose_mmol_l = -1", "context key 'glucose_mmol_l'"),
        ("time_point = 'later'", "context key 'time_point'"),
        ("sex = 'female'", "context key 'sex'"),
        ("tracer = ", "cannot be read"),
        ("sources = {}", "context key 'sources'"),
    ],
)
def test_a_bad_context_is_refused_in_one_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ContextError, match=words) as caught:
        read_context(write(tmp_path, text))
    assert str(caught.value).count(" — ") == 2


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContextError, match="FileNotFoundError"):
        read_context(tmp_path / "none.toml")


@pytest.mark.parametrize("tracer", ["FDG", "fdg", "18F-FDG", "[18F]FDG", "Fluorodeoxyglucose", "F-18 FDG"])
def test_fdg_is_known_by_its_names(tracer: str) -> None:
    assert Context(tracer=tracer).is_fdg


@pytest.mark.parametrize("tracer", [None, "PSMA-11", "DOTATATE", "FDGAL"])
def test_other_tracers_and_none_are_not_fdg(tracer: str | None) -> None:
    assert not Context(tracer=tracer).is_fdg
