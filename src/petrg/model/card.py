"""The model card: README.md of a folder of weights, from what is known of the run and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from pydantic import Field

from petrg import __version__
from petrg.model.config import PETRG3DConfig
from petrg.model.recipe import StoredInput
from petrg.report.model import Model

__all__ = ["Card", "CardScore", "render"]

_UNSAID = "not given"
_DOMAINS = {
    "patients": "images of patients",
    "phantoms": "digital phantoms; a study that does not prove itself a phantom is refused",
    "untrained": "nothing: the image encoder has its initial values, and what it says of an image means nothing",
}
_USE = (
    "Drafts the findings of a whole-body FDG PET/CT, which a physician holds against the images and corrects; for "
    "research on such drafts.",
    "Not for diagnosis, nor for any decision on a patient, nor for images of a kind that it was not trained on.",
)
_LIMITS = ("Every text is a draft, not for diagnosis, unverified.",)
_STORED_LIMITS = (
    "Absolute SUV is lost: PET is scaled by each scan's own percentile and maximum.",
    "Positions are relative to the volume, not in mm; volumes are taken as stored, whatever their orientation.",
    "The end of the report was not taught: text after the end marker is cut off.",
)


class CardScore(Model):
    """One score beside its controls; None where it was not to be had.

    Parameters
    ----------
    name : str
    value : float, optional
    interval : (low, high), optional
        95 %, over cases.
    controls : dict
        The same score of texts that never saw the image, by what those texts are.
    """

    name: str
    value: float | None = None
    interval: tuple[float, float] | None = None
    controls: dict[str, float | None] = Field(default_factory=dict)


class Card(Model):
    """What is known of a run.

    Parameters
    ----------
    source : str, optional
        Where the weights come from, e.g. "trained with petrg train".
    data : str, optional
        What they were trained on, by name; no patient's.
    cases : dict
        How many, by split.
    training : dict
        Settings worth knowing: epochs, learning rate, seed.
    scored_on : str, optional
        The cases that the scores are of.
    limits : tuple of str
        Further ones, a sentence each.
    license : str, optional
        An identifier that the hub knows; "unknown", which is one, stands there where it is not given.
    """

    source: str | None = None
    data: str | None = None
    cases: dict[str, int] = Field(default_factory=dict)
    training: dict[str, str | int | float | bool | None] = Field(default_factory=dict)
    scored_on: str | None = None
    scores: tuple[CardScore, ...] = ()
    limits: tuple[str, ...] = ()
    languages: tuple[str, ...] = ("zh",)
    license: str | None = None


def render(card: Card, config: PETRG3DConfig) -> str:
    """The card as Markdown with the hub's header; what is not known is said to be not given."""
    recipe = config.typed_recipe
    base = _base(config)
    facts = {
        "Weights": card.source,
        "Recipe": f"{recipe.name}, version {recipe.version}",
        "Language model": base if base is None or not config.base_revision else f"{base} at {config.base_revision}",
        "Language model's weights": "in this folder" if config.embeds_base else "not in this folder",
        "Image encoder trained on": _DOMAINS.get(config.domain, config.domain),
        "Data": card.data,
        "Cases": ", ".join(f"{n} {split}" for split, n in card.cases.items()) or None,
        "Training": ", ".join(f"{k} {_UNSAID if v is None else v}" for k, v in card.training.items()) or None,
        "Written by": f"petrg {__version__}",
    }
    parts = [
        _header(card, config),
        "# PETRG-3D: findings of whole-body PET/CT as text\n",
        *(f"- **{name}**: {value or _UNSAID}" for name, value in facts.items()),
        "\n## Intended use\n",
        *(f"- {use}" for use in _USE),
        "\n## Scores\n",
        *_scores(card),
        "\n## Limits\n",
        *(f"- {limit}" for limit in (*_LIMITS, *_recipe_limits(recipe.input), *card.limits)),
        "\n## Use\n",
        "```python\nfrom petrg.model import PETRG3D, PETRG3DProcessor\n",
        'model = PETRG3D.from_pretrained("THIS FOLDER")',
        'processor = PETRG3DProcessor.from_pretrained("THIS FOLDER")\n```',
    ]
    return "\n".join(parts) + "\n"


def _header(card: Card, config: PETRG3DConfig) -> str:
    base = config.base_model
    rows: list[tuple[str, object]] = [
        ("library_name", "petrg"),
        ("pipeline_tag", "image-to-text"),
        ("language", list(card.languages)),
        ("license", card.license or "unknown"),
        ("base_model", None if base is None or Path(base).is_absolute() else base),
        ("tags", ["PET/CT", "nuclear-medicine", "radiology-report-generation", config.typed_recipe.name]),
    ]
    kept = (f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in rows if value is not None)
    return "\n".join(["---", *kept, "---", ""])


def _base(config: PETRG3DConfig) -> str | None:
    """The base model's name; a folder of one machine means nothing on another."""
    base = config.base_model
    return "a local folder" if base is not None and Path(base).is_absolute() else base


def _scores(card: Card) -> Iterable[str]:
    if not card.scores:
        yield f"{_UNSAID.capitalize()}."
        return
    controls = list(dict.fromkeys(name for score in card.scores for name in score.controls))
    yield f"On {card.scored_on or 'cases that are ' + _UNSAID}; controls are texts that never saw the image.\n"
    heads = ["score", "value", "95 % interval", *controls]
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for score in card.scores:
        interval = _UNSAID if score.interval is None else " to ".join(map(_number, score.interval))
        cells = [score.name, _number(score.value), interval, *(_number(score.controls.get(c)) for c in controls)]
        yield f"| {' | '.join(cells)} |"


def _number(value: float | None) -> str:
    return _UNSAID if value is None else f"{value:.4g}"


def _recipe_limits(given: object) -> tuple[str, ...]:
    return _STORED_LIMITS if isinstance(given, StoredInput) else ()
