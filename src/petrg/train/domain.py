"""Which images the weights of a run may be shown: those that taught their encoder, or fewer."""

from __future__ import annotations

from petrg.train.config import Phantoms, TrainConfig

__all__ = ["domain_of", "narrower"]

_WIDENING = ("untrained", "phantoms", "patients")


def narrower(one: str, other: str) -> str:
    """The domain that may see less.

    >>> narrower("patients", "phantoms"), narrower("phantoms", "untrained")
    ('phantoms', 'untrained')
    """
    return min(one, other, key=_WIDENING.index)


def domain_of(config: TrainConfig, before: str) -> str:
    """The domain of the weights that a run leaves.

    Parameters
    ----------
    before : str
        The domain of the image encoder that the run starts from; "untrained" where it is random.

    Notes
    -----
    Rows are ``before``; a frozen encoder keeps its domain, and what was learned behind it from phantoms narrows it.

    ============  =========  ==============  ==============  ===============  ===============
    ``before``    no image   phantoms,       patients,       phantoms,        patients,
                  shown      frozen encoder  frozen encoder  trained encoder  trained encoder
    ============  =========  ==============  ==============  ===============  ===============
    untrained     untrained  untrained       untrained       phantoms         patients
    phantoms      phantoms   phantoms        phantoms        phantoms         patients
    patients      patients   phantoms        patients        phantoms         patients
    ============  =========  ==============  ==============  ===============  ===============
    """
    if config.text_only or config.dropout.images == 1:
        return before
    shown = "phantoms" if isinstance(config.data, Phantoms) else "patients"
    return shown if config.vision == "trained" else narrower(before, shown)
