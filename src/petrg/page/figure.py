"""A picture with what makes it readable drawn on it: orientation letters, mm scale, window, marks.

Marks are SVG over the picture, so they stay sharp in print, can be links, and never touch a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Literal

from petrg.page.raster import Rgb, data_uri

__all__ = ["Figure", "Mark", "render_figure", "scale_bar_mm"]

_GUTTER = 46
_BARS_MM = (200, 100, 50, 20, 10, 5)


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a picture: column and row in pixels, what it is called, where a click leads."""

    column: float
    row: float
    label: str
    href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A picture and its marks.

    Parameters
    ----------
    pixels : (h, w, 3) uint8
    mm_per_pixel : float
        Square pixels.
    letters : (left, right, top, bottom)
        The patient's directions at the edges of the picture.
    window : str
        The window, printed in the picture; may have several lines.
    alt : str
        What the picture shows, for those who cannot see it.
    marks : tuple of Mark
    style : "labels" or "ring"
        Labels in the margins with leader lines, or a ring round the one mark.
    dark : bool
        Whether the picture's ground is dark, so that letters are light.
    """

    pixels: Rgb
    mm_per_pixel: float
    letters: tuple[str, str, str, str]
    window: str
    alt: str
    marks: tuple[Mark, ...] = ()
    style: Literal["labels", "ring"] = "ring"
    dark: bool = True


def scale_bar_mm(width_px: int, mm_per_pixel: float) -> int:
    """The longest round length that takes at most a third of the width, mm.

    >>> scale_bar_mm(400, 1.0), scale_bar_mm(320, 1.4), scale_bar_mm(100, 0.4)
    (100, 100, 10)
    """
    return next((mm for mm in _BARS_MM if mm / mm_per_pixel <= width_px / 3), _BARS_MM[-1])


def render_figure(figure: Figure, *, xmlns: bool = False) -> str:
    """The figure as one ``<svg>`` element; ``xmlns`` where it is to be a file of its own."""
    height, width = figure.pixels.shape[:2]
    gutter = _GUTTER if figure.style == "labels" else 0
    marks = _labels(figure, gutter) if figure.style == "labels" else "".join(_ring(m, width) for m in figure.marks)
    space = ' xmlns="http://www.w3.org/2000/svg"' if xmlns else ""
    return (
        f'<svg{space} class="figure {"dark" if figure.dark else "light"}" role="img" '
        f'viewBox="{-gutter} 0 {width + 2 * gutter} {height}" aria-label="{escape(figure.alt)}">'
        f"<title>{escape(figure.alt)}</title>"
        f'<image width="{width}" height="{height}" href="{data_uri(figure.pixels)}"/>'
        f"{_letters(figure)}{_scale_bar(figure)}{marks}</svg>"
    )


def _text(x: float, y: float, text: str, size: float, anchor: str, kind: str = "letter") -> str:
    return (
        f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" font-size="{size:.1f}" text-anchor="{anchor}">'
        f"{escape(text)}</text>"
    )


def _letters(figure: Figure) -> str:
    height, width = figure.pixels.shape[:2]
    size = _size(width)
    left, right, top, bottom = figure.letters
    return "".join(
        (
            _text(size * 0.4, height / 2, left, size, "start"),
            _text(width - size * 0.4, height / 2, right, size, "end"),
            _text(width / 2, size, top, size, "middle"),
            _text(width / 2, height - size * 0.4, bottom, size, "middle"),
            *(
                _text(width - size * 0.4, size * (1 + 0.85 * k), line, size * 0.72, "end", "window")
                for k, line in enumerate(figure.window.splitlines())
            ),
        )
    )


def _scale_bar(figure: Figure) -> str:
    height, width = figure.pixels.shape[:2]
    size = _size(width)
    mm = scale_bar_mm(width, figure.mm_per_pixel)
    x, y, length = size * 0.5, height - size * 0.6, mm / figure.mm_per_pixel
    tick = size * 0.25
    path = f"M{x:.1f} {y - tick:.1f}V{y:.1f}H{x + length:.1f}V{y - tick:.1f}"
    return (
        f'<path class="under" d="{path}"/><path class="bar" d="{path}"/>'
        f"{_text(x, y - size * 0.4, f'{mm} mm', size * 0.72, 'start', 'window')}"
    )


def _size(width: int) -> float:
    return min(max(width * 0.055, 13.0), 22.0)


def _ring(mark: Mark, width: int) -> str:
    radius = width * 0.055
    x, y = mark.column, mark.row
    ticks = "".join(
        f"M{x + a * radius:.1f} {y + b * radius:.1f}L{x + a * radius * 1.7:.1f} {y + b * radius * 1.7:.1f}"
        for a, b in ((1, 0), (-1, 0), (0, 1), (0, -1))
    )
    circle = f'cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"'
    return (
        f'<g class="ring"><circle class="under" {circle}/><path class="under" d="{ticks}"/>'
        f'<circle class="over" {circle}/><path class="over" d="{ticks}"/></g>'
    )


def _labels(figure: Figure, gutter: int) -> str:
    """Labels in the margin that is nearer, in the order of their rows, none on another."""
    height, width = figure.pixels.shape[:2]
    size = 15.0
    out = []
    for left in (True, False):
        marks = sorted((m for m in figure.marks if (m.column < width / 2) is left), key=lambda m: m.row)
        rows = _spread_rows([m.row for m in marks], size * 1.25, size, height - size * 0.5)
        for mark, row in zip(marks, rows, strict=True):
            out.append(_label(mark, row, left, width, gutter, size))
    return "".join(out)


def _label(mark: Mark, row: float, left: bool, width: int, gutter: int, size: float) -> str:
    x = -gutter + 4 if left else width + gutter - 4
    edge = x + (1 if left else -1) * (len(mark.label) * size * 0.62 + 4)
    line = f"M{edge:.1f} {row - size * 0.35:.1f}L{mark.column:.1f} {mark.row:.1f}"
    drawn = (
        f'<path class="leader" d="{line}"/>'
        f'<circle class="dot" cx="{mark.column:.1f}" cy="{mark.row:.1f}" r="6"/>'
        f"{_text(x, row, mark.label, size, 'start' if left else 'end', 'label')}"
    )
    return f'<a href="{escape(mark.href)}">{drawn}</a>' if mark.href else drawn


def _spread_rows(rows: list[float], gap: float, low: float, high: float) -> list[float]:
    """``rows`` (ascending) moved apart to at least ``gap``, within ``low`` … ``high`` where they fit.

    >>> _spread_rows([10.0, 11.0, 90.0], 10.0, 0.0, 95.0)
    [10.0, 20.0, 90.0]
    >>> _spread_rows([90.0, 94.0], 10.0, 0.0, 95.0)
    [85.0, 95.0]
    """
    if len(rows) > 1:
        gap = min(gap, (high - low) / (len(rows) - 1))
    placed: list[float] = []
    for row in rows:
        placed.append(max(row, low, placed[-1] + gap if placed else low))
    ceiling = high
    for k in reversed(range(len(placed))):
        placed[k] = min(placed[k], ceiling)
        ceiling = placed[k] - gap
    return placed
