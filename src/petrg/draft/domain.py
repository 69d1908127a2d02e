"""What weights may be shown: images like those that trained their encoder, and nothing else."""

from __future__ import annotations

from petrg.errors import ModelError
from petrg.imaging import Study
from petrg.imaging.phantom_mark import PHANTOM_MAKER

__all__ = ["expect_domain"]

_INSTEAD = "leave --weights out for the measured writer, or take weights trained on patients"


def expect_domain(study: Study, domain: str, *, allow_untrained: bool = False) -> None:
    """Refuse a study that is none of those the weights' encoder was trained on.

    A phantom proves itself by the Manufacturer of its DICOM, or by the sidecar of its NIfTI that holds its hash
    (`petrg.imaging.phantom_mark`); each modality has to.

    Parameters
    ----------
    domain : str
        "patients", "phantoms" or "untrained", as the weights say.
    allow_untrained : bool
        For tests: an encoder with its initial values may write.

    Raises
    ------
    ModelError
        If the study may not be shown to them.
    """
    if domain == "patients" or (domain == "untrained" and allow_untrained):
        return
    if domain == "untrained":
        raise ModelError("the image encoder of these weights is untrained", "one that has learned to see", _INSTEAD)
    if domain != "phantoms":
        raise ModelError(f"weights of an unknown domain {domain!r}", "patients or phantoms", _INSTEAD)
    parts = ((study.ct, study.ct_series), (study.pet, study.pet_series))
    makers = {None if series is None else series.manufacturer for volume, series in parts if volume is not None}
    if makers != {PHANTOM_MAKER}:
        raise ModelError(
            "these weights have seen digital phantoms only, and this study does not prove to be one",
            f"Manufacturer {PHANTOM_MAKER!r}, or phantom.json with the hash of the NIfTI files",
            _INSTEAD,
        )
