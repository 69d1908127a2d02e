"""The pictures of a report: projections with numbered findings, tiles at each finding's hottest voxel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from petrg.export.planes import Box, Plane, body_box, cut, plane_through, project
from petrg.export.words import words
from petrg.imaging import Quantity, Study, Volume
from petrg.page.figure import Figure, Mark, render_figure
from petrg.page.raster import fuse, grey
from petrg.report import WATERMARK

__all__ = ["CT_WINDOW", "FUSED_SUV", "MIP_SUV", "Place", "mips", "mips_svg", "tiles"]

MIP_SUV = (0.0, 10.0)
FUSED_SUV = (0.0, 7.0)
CT_WINDOW = (400.0, 40.0)
"""Width and level, HU."""

_SHARP = 2  # pixels per drawn one
_MIPS_DRAWN = (440, 700)  # width of both projections together and height, as drawn on the page
_TILE_DRAWN = 190


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere to point at: what it is called, where it is (x, y, z mm), where a click leads."""

    label: str
    mm: tuple[float, float, float]
    href: str = ""


def mips(study: Study, places: Sequence[Place], language: str) -> tuple[tuple[str, Figure], ...]:
    """Coronal and sagittal PET projection, inverse grey, with ``places`` numbered; title and figure of each."""
    if study.pet is None:
        return ()
    say = words(language)
    low, high, window = _pet_window(study.pet, MIP_SUV, language)
    box = body_box(study.pet)
    x, y, z = (box.high[k] - box.low[k] for k in range(3))
    mm_per_pixel = max((x + y) / _MIPS_DRAWN[0], z / _MIPS_DRAWN[1]) / _SHARP
    out = []
    for axis in ("coronal", "sagittal"):
        values, plane = project(study.pet, axis, box, mm_per_pixel)
        marks = tuple(Mark(*plane.pixel(place.mm), place.label, place.href) for place in places)
        alt = say["mip_alt"].format(view=say[f"mip_{axis}"], n=len(places), window=window)
        figure = Figure(
            pixels=grey(values, low, high, inverse=True),
            mm_per_pixel=plane.mm_per_pixel,
            letters=plane.letters,
            window=window,
            alt=alt,
            marks=marks,
            style="labels",
            dark=False,
            zoom=1 / _SHARP,
        )
        out.append((say[f"mip_{axis}"], figure))
    return tuple(out)


def mips_svg(study: Study, language: str) -> str:
    """Both projections side by side as one SVG file, with the watermark; SUV or Bq/ml as the study was read."""
    figures = [figure for _, figure in mips(study, (), language)]
    gap, top, left, drawn = 20.0, 30.0, 0.0, []
    for figure in figures:
        width, height = figure.size
        inner = render_figure(replace(figure, style="ring"), xmlns=True)
        drawn.append(inner.replace("<svg ", f'<svg x="{left:g}" y="{top:g}" width="{width:g}" height="{height:g}" ', 1))
        left += width + gap
    whole = max(left - gap, 300), figures[0].size[1] + top
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole[0]:g} {whole[1]:g}" width="{2 * whole[0]:g}">'
        "<style>text{font-family:sans-serif;paint-order:stroke;stroke:#fff;stroke-width:3}.bar{fill:none;stroke:#000}.under{fill:none;stroke:#fff;"
        f'stroke-width:3}}</style><text x="4" y="20" font-size="15" fill="#7a1c14">{WATERMARK[language]}</text>'
        f"{''.join(drawn)}</svg>\n"
    )


def tiles(study: Study, place: Place, language: str) -> tuple[tuple[str, Figure], ...]:
    """Fused, PET and CT in the axial plane through ``place``; three PET planes where there is no CT."""
    pet = study.pet
    if pet is None:
        return ()
    box = body_box(pet, near_z_mm=place.mm[2])
    if study.ct is None:
        near = _near(box, place)
        planes = [plane_through(axis, near, place.mm, _tile_step(near)) for axis in ("axial", "coronal", "sagittal")]
        return tuple(_pet_tile(pet, plane, place, language, plane.axis) for plane in planes)
    plane = plane_through("axial", box, place.mm, _tile_step(box))
    ct_values, pet_values = cut(study.ct, plane), cut(pet, plane)
    width, level = CT_WINDOW
    base = grey(ct_values, level - width / 2, level + width / 2)
    low, high, pet_window = _pet_window(pet, FUSED_SUV, language)
    ct_window = words(language)["ct_window"].format(width=f"{width:g}", level=f"{level:g}")
    fused = fuse(base, pet_values, low, high)
    return (
        _tile("fused", fused, plane, place, language, f"{pet_window}\n{ct_window}"),
        _pet_tile(pet, plane, place, language, "pet", pet_values),
        _tile("ct", base, plane, place, language, ct_window),
    )


def _tile_step(box: Box) -> float:
    """Millimetres per pixel of a tile as wide as the body."""
    return max(box.high[k] - box.low[k] for k in (0, 1)) / (_TILE_DRAWN * _SHARP)


def _near(box: Box, place: Place) -> Box:
    """``box`` cut along the body to its own width round ``place``, so that the three planes match in size."""
    half = max(box.high[k] - box.low[k] for k in (0, 1)) / 2
    low, high = max(box.low[2], place.mm[2] - half), min(box.high[2], place.mm[2] + half)
    return Box((*box.low[:2], low), (*box.high[:2], high))


def _pet_tile(
    pet: Volume, plane: Plane, place: Place, language: str, kind: str, values: NDArray[Any] | None = None
) -> tuple[str, Figure]:
    low, high, window = _pet_window(pet, FUSED_SUV, language)
    pixels = grey(cut(pet, plane) if values is None else values, low, high, inverse=True)
    return _tile(kind, pixels, plane, place, language, window, dark=False)


def _tile(
    kind: str, pixels: NDArray[np.uint8], plane: Plane, place: Place, language: str, window: str, *, dark: bool = True
) -> tuple[str, Figure]:
    say = words(language)
    title = say["tiles"].get(kind) or f"{say['tiles']['pet']} {say['planes'][plane.axis]}"
    alt = say["tile_alt"].format(kind=title, plane=say["planes"][plane.axis], id=place.label, window=window)
    return title, Figure(
        pixels=pixels,
        mm_per_pixel=plane.mm_per_pixel,
        letters=plane.letters,
        window=window,
        alt=alt,
        marks=(Mark(*plane.pixel(place.mm), place.label),),
        dark=dark,
        zoom=1 / _SHARP,
    )


def _pet_window(pet: Volume, suv: tuple[float, float], language: str) -> tuple[float, float, str]:
    """Lowest and highest value shown, and how the picture says so; activity is shown to its 99.9th percentile."""
    say = words(language)
    if pet.quantity is Quantity.SUV_BW:
        return *suv, say["pet_window"].format(low=f"{suv[0]:g}", high=f"{suv[1]:g}")
    high = max(float(np.percentile(pet.array[:: max(pet.array.shape[0] // 64, 1)], 99.9)), 1.0)
    return 0.0, high, say["activity_window"].format(low="0", high=f"{high / 1000:.3g}")
