"""The shell of a page: one self-contained HTML document that fetches nothing."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from markupsafe import Markup, escape

__all__ = ["render_page"]

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def render_page(*, title: str, language: str, banner: str, body: Markup, style: str = "") -> str:
    """A whole document: policy, style, a banner that stays in sight and in print, and ``body``.

    ``title`` and ``banner`` are escaped; ``body`` is markup already. ``language`` is "zh" or "en". ``style`` is CSS of
    the page's own, after the common one.
    """
    tag = {"zh": "zh-Hans"}.get(language, language)
    return (
        f'<!DOCTYPE html>\n<html lang="{tag}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n<meta name="robots" content="noindex">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_css()}{style}{_on_every_sheet(banner)}</style>\n</head>\n<body>\n"
        f'<p class="banner" role="note">{escape(banner)}</p>\n{body}\n'
        f'<p class="banner foot">{escape(banner)}</p>\n</body>\n</html>\n'
    )


def _on_every_sheet(banner: str) -> str:
    """A rule that prints ``banner`` at the foot of every sheet; every character of it escaped as CSS."""
    content = "".join(f"\\{ord(letter):06x}" for letter in banner)
    return f'@page {{ @bottom-center {{ content: "{content}"; font: 9pt sans-serif; }} }}\n'


@cache
def _css() -> str:
    return files("petrg.page").joinpath("page.css").read_text(encoding="utf-8")
