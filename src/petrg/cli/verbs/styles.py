"""The styles petrg knows."""

from __future__ import annotations

from petrg.cli import screen

__all__ = ["styles"]


def styles() -> None:
    """List the hospital styles that come with petrg."""
    from petrg.language.style import load_style, style_names

    for name in style_names():
        style = load_style(name)
        screen.say(f"{name}\t{style.language}\t{style.hospital}: {style.manner}")
