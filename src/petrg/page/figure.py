"""A picture with what makes it readable drawn on it: orientation letters, mm scale, window, marks.

Marks are SVG over the picture, so they stay sharp in print, can be links, and never touch a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Literal

from petrg.page.raster import Rgb, data_uri

__all__ = ["Figure", "Mark", "render_figure", "scale_bar_mm"]

_GUTTER = 38  # all sizes in CSS pixels: figures are drawn near their own size
_LETTER, _LABEL, _SMALL = 14.0, 12.0, 9.5
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
    zoom : float
        Drawn size of a pixel: below 1 the picture is finer than its drawing, for sharp screens and print.
    """

    pixels: Rgb
    mm_per_pixel: float
    letters: tuple[str, str, str, str]
    window: str
    alt: str
    marks: tuple[Mark, ...] = ()
    style: Literal["labels", "ring"] = "ring"
    dark: bool = True
    zoom: float = 1.0

    @property
    def size(self) -> tuple[float, float]:
        """Width and height as drawn, without margins."""
        height, width = self.pixels.shape[:2]
        return width * self.zoom, height * self.zoom

    @property
    def drawn_width(self) -> float:
        """Width as drawn, with the margins that labels stand in."""
        return self.size[0] + 2 * (_GUTTER if self.style == "labels" else 0)


def scale_bar_mm(width: float, mm_per_unit: float) -> int:
    """The longest round length that takes at most a third of the width, mm.

    >>> scale_bar_mm(400, 1.0), scale_bar_mm(320, 1.4), scale_bar_mm(100, 0.4)
    (100, 100, 10)
    """
    return next((mm for mm in _BARS_MM if mm / mm_per_unit <= width / 3), _BARS_MM[-1])


def render_figure(figure: Figure, *, xmlns: bool = False) -> str:
    """The figure as one ``<svg>`` element; ``xmlns`` where it is to be a file of its own."""
    width, height = figure.size
    margin = (figure.drawn_width - width) / 2
    marks = _labels(figure, margin) if figure.style == "labels" else "".join(_ring(m, figure) for m in figure.marks)
    space = ' xmlns="http://www.w3.org/2000/svg"' if xmlns else ""
    return (
        f'<svg{space} class="figure {"dark" if figure.dark else "light"}" role="img" '
        f'viewBox="{-margin:g} 0 {figure.drawn_width:g} {height:g}" aria-label="{escape(figure.alt)}">'
        f"<title>{escape(figure.alt)}</title>"
        f'<image width="{width:g}" height="{height:g}" href="{data_uri(figure.pixels)}"/>'
        f"{_letters(figure)}{_scale_bar(figure)}{marks}</svg>"
    )


def _text(x: float, y: float, text: str, size: float, anchor: str, kind: str = "letter") -> str:
    return (
        f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" font-size="{size:.1f}" text-anchor="{anchor}">'
        f"{escape(text)}</text>"
    )


def _letters(figure: Figure) -> str:
    width, height = figure.size
    left, right, top, bottom = figure.letters
    lines = figure.window.splitlines()
    return "".join(
        (
            _text(5, height / 2, left, _LETTER, "start"),
            _text(width - 5, height / 2, right, _LETTER, "end"),
            _text(width / 2, _LETTER, top, _LETTER, "middle"),
            _text(width / 2, height - 5, bottom, _LETTER, "middle"),
            *(_text(width - 4, 11 + 11 * k, line, _SMALL, "end", "window") for k, line in enumerate(lines)),
        )
    )


def _scale_bar(figure: Figure) -> str:
    width, height = figure.size
    mm_per_unit = figure.mm_per_pixel / figure.zoom
    mm = scale_bar_mm(width, mm_per_unit)
    x, y, length = 6.0, height - 7, mm / mm_per_unit
    path = f"M{x:.1f} {y - 3:.1f}V{y:.1f}H{x + length:.1f}V{y - 3:.1f}"
    return (
        f'<path class="under" d="{path}"/><path class="bar" d="{path}"/>'
        f"{_text(x, y - 5, f'{mm} mm', _SMALL, 'start', 'window')}"
    )


def _ring(mark: Mark, figure: Figure) -> str:
    radius = 11.0
    x, y = mark.column * figure.zoom, mark.row * figure.zoom
    ticks = "".join(
        f"M{x + a * radius:.1f} {y + b * radius:.1f}L{x + a * radius * 1.7:.1f} {y + b * radius * 1.7:.1f}"
        for a, b in ((1, 0), (-1, 0), (0, 1), (0, -1))
    )
    circle = f'cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"'
    return (
        f'<g class="ring"><circle class="under" {circle}/><path class="under" d="{ticks}"/>'
        f'<circle class="over" {circle}/><path class="over" d="{ticks}"/></g>'
    )


def _labels(figure: Figure, margin: float) -> str:
    """Labels in the margin that is nearer, in the order of their rows, none on another."""
    width, height = figure.size
    out = []
    for left in (True, False):
        marks = [m for m in figure.marks if (m.column * figure.zoom < width / 2) is left]
        marks.sort(key=lambda m: m.row)
        rows = _spread_rows([m.row * figure.zoom + 4 for m in marks], _LABEL * 1.25, _LABEL, height - 4)
        out += [_label(m, row, left, figure, margin) for m, row in zip(marks, rows, strict=True)]
    return "".join(out)


def _label(mark: Mark, row: float, left: bool, figure: Figure, margin: float) -> str:
    x = -margin + 2 if left else figure.size[0] + margin - 2
    edge = x + (1 if left else -1) * (len(mark.label) * _LABEL * 0.64 + 3)
    column, at = mark.column * figure.zoom, mark.row * figure.zoom
    drawn = (
        f'<path class="leader" d="M{edge:.1f} {row - 4:.1f}L{column:.1f} {at:.1f}"/>'
        f'<circle class="dot" cx="{column:.1f}" cy="{at:.1f}" r="4.5"/>'
        f"{_text(x, row, mark.label, _LABEL, 'start' if left else 'end', 'label')}"
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
