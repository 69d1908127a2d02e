"""An inspection as tables for people; holds no identity."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from petrg.cli.visible import visible

if TYPE_CHECKING:
    from petrg.imaging.inspect import GridFacts, Inspection, PetFacts, SeriesFacts

__all__ = ["print_inspection"]

_PLAIN_WIDTH = 140
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")  # a terminal would obey what a header holds


def print_inspection(inspection: Inspection) -> None:
    """Print what a path holds: the series, the CT, the PET and its SUV, what was passed over, problems."""
    console = Console(width=None if sys.stdout.isatty() else _PLAIN_WIDTH, highlight=False, emoji=False, markup=False)
    console.print(visible(f"study {inspection.study_id or 'none'}"))
    _print(console, "", _overview(inspection))
    found = [
        (f.role or "-", f.modality or "-", _shown(f.number), _shown(f.description), str(f.images), f.reason)
        for f in inspection.found
    ]
    _print(console, "series", found, ("taken as", "modality", "number", "description", "images", "why"))
    _print(console, "passed over", [(str(p.files), p.reason) for p in inspection.passed_over], ("files", "why"))
    problems = [("refusal" if p.refusal else "problem", p.code, p.text) for p in inspection.problems]
    _print(console, "problems", problems, ("", "code", "what"))


def _print(console: Console, title: str, rows: Iterable[tuple[str, ...]], head: tuple[str, ...] = ()) -> None:
    rows = list(rows)
    if not rows:
        return
    table = Table(title=title or None, title_justify="left", box=None, show_header=bool(head), pad_edge=False)
    for name in head or ("",) * len(rows[0]):
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(visible(_CONTROL.sub(" ", cell)) for cell in row))
    console.print()
    console.print(table)


def _overview(inspection: Inspection) -> list[tuple[str, str, str]]:
    """Name, CT's and PET's value of each fact that either has."""
    ct, pet = _series(inspection.ct), _series(inspection.pet)
    if inspection.ct is not None:
        hu = inspection.ct.hu
        ct["range"] = f"{hu.min:g} … median {hu.median:g} … {hu.max:g} HU"
    if inspection.pet is not None:
        pet.update(_pet(inspection.pet))
    context = inspection.context
    pet["tracer"] = _shown(context.tracer)
    names = dict.fromkeys((*ct, *pet))
    rows = [(name, ct.get(name, ""), pet.get(name, "")) for name in names]
    rows = [row for row in rows if set(row[1:]) - {"", "-"}]
    return [("", "CT", "PET"), *rows] if ct or inspection.pet is not None else []


def _series(series: SeriesFacts | None) -> dict[str, str]:
    if series is None:
        return {}
    scanner = " ".join(part for part in (series.manufacturer, series.model) if part)
    return {
        "series": f"{_shown(series.number)} {_shown(series.description)}",
        "grid": _grid(series.grid),
        "scanner": scanner or "-",
        "reconstruction": _shown(series.reconstruction or series.kernel),
        "position": _shown(series.patient_position),
        "tube voltage": _shown(series.kvp, " kV"),
    }


def _grid(grid: GridFacts) -> str:
    size = " x ".join(map(str, grid.shape))
    spacing = " x ".join(f"{s:.3g}" for s in grid.spacing_mm)
    return f"{size} (z, y, x), {spacing} mm{'' if grid.axial else ', oblique'}"


def _pet(pet: PetFacts) -> dict[str, str]:
    rows = {
        "units": f"{_shown(pet.units)}, read as {pet.quantity}",
        "corrections": ", ".join(pet.corrections) or "-",
        "decay corrected to": _shown(pet.decay_correction),
        "nuclide": _shown(pet.nuclide),
        "dose": _given(pet, "dose_mbq", _shown(pet.dose_mbq, " MBq")),
        "uptake": _given(pet, "injected_at", _shown(pet.uptake_min, " min")),
        "weight": _given(pet, "weight_kg", _shown(pet.weight_kg, " kg")),
        "height": _given(pet, "height_m", _shown(pet.height_m, " m")),
    }
    if pet.suv is not None:
        factor = pet.suv.factor_g_per_bq
        rows["SUV rule"] = pet.suv.branch
        rows["SUV factor"] = "-" if factor is None else f"{factor:.9e} g/Bq"
        rows["activity balance"] = _shown(pet.suv.activity_balance)
    if pet.suv_max is not None and pet.suv_median is not None and pet.suv_min is not None:
        rows["range"] = f"{pet.suv_min:.3g} … median {pet.suv_median:.3g} … {pet.suv_max:.4g} SUVbw"
    return rows


def _given(pet: PetFacts, name: str, value: str) -> str:
    return f"{value} (user-entered)" if name in pet.user_entered and value != "-" else value


def _shown(value: Any, unit: str = "") -> str:
    if value is None:
        return "-"
    return f"{value:.6g}{unit}" if isinstance(value, float) else f"{value}{unit}"
