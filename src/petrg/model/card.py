"""The model card: README.md of a folder of weights, from what is known of the run and nothing else."""

from __future__ import annotations

from petrg import __version__
from petrg.model.config import PETRG3DConfig
from petrg.report.model import Model

__all__ = ["Card", "render"]


class Card(Model):
    """What is known of a run."""

    data: str | None = None


def render(card: Card, config: PETRG3DConfig) -> str:
    """The card as Markdown."""
    return f"# PETRG-3D\n\npetrg {__version__}\n{card.data or ''}\n{config.domain}\n"
