"""Which images the weights of a run may be shown: those that taught their encoder, or fewer."""

from __future__ import annotations

from petrg.model.config import DOMAINS
from petrg.train.config import Phantoms, TrainConfig

__all__ = ["domain_of", "joined", "narrower"]

_KNOWN = DOMAINS[::-1]  # each may see more than those before it


def narrower(one: str, other: str) -> str:
    """The domain that may see less; one that nobody knows may see nothing, and stays.

    >>> narrower("patients", "phantoms"), narrower("phantoms", "untrained"), narrower("mice", "untrained")
    ('phantoms', 'untrained', 'mice')
    """
    return min(one, other, key=lambda domain: _KNOWN.index(domain) if domain in _KNOWN else -1)


def joined(own: str, encoder: str) -> str:
    """The domain of a network of domain ``own`` with the image encoder of other weights in it.

    What lies behind the encoder learned from the images of ``own``, if from any.

    >>> joined("untrained", "patients"), joined("phantoms", "patients")
    ('patients', 'phantoms')
    """
    return encoder if own == "untrained" else narrower(own, encoder)


def domain_of(config: TrainConfig, before: str) -> str:
    """The domain of the weights that a run leaves.

    Parameters
    ----------
    before : str
        The domain of the image encoder that the run starts from; "untrained" where it is random.

    Notes
    -----
    Rows are ``before``; a frozen encoder keeps its domain, and what was learned behind it from phantoms narrows it.
    What an encoder that goes on learning saw last counts. A folder in the PETRG layout is taken for patients.

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
