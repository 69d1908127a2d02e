"""A path into a study: the one door for DICOM and NIfTI."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from petrg.errors import StudyError
from petrg.imaging.context import Context
from petrg.imaging.dicom.reader import Options, Reading, read_dicom
from petrg.imaging.dicom.scan import Found, scan
from petrg.imaging.quantity import Quantity
from petrg.imaging.study import Study
from petrg.imaging.suv import Given
from petrg.progress import Progress, silent

__all__ = ["PathLike", "as_study", "has_dicom", "read_nifti", "read_study", "require"]

PathLike = str | Path | Sequence[str | Path]
_NOTHING_GIVEN = Given()


def read_study(
    path: PathLike,
    *,
    given: Given = _NOTHING_GIVEN,
    quantity: Quantity = Quantity.SUV_BW,
    ct_series: str | int | None = None,
    pet_series: str | int | None = None,
    study: str | int | None = None,
    context: Context | None = None,
    progress: Progress = silent,
) -> Study:
    """Read one PET/CT study; CT in HU, PET in SUVbw, each on its native grid.

    Parameters
    ----------
    path : str, Path or list of them
        A folder or tree of DICOM under any names, a file, a list of files, a zip, or NIfTI in a layout
        that docs/formats lists. Where DICOM and NIfTI lie together the DICOM is read.
    given : Given
        Weight, height, sex, dose, injection time and tracer from the user; they win over the header.
    quantity : Quantity
        ``SUV_BW``, or ``ACTIVITY`` for a PET in Bq/ml, which needs no dose or weight.
    ct_series, pet_series : str or int, optional
        A series to take against the rule, by UID or number; ``"none"`` leaves that modality out.
    study : str or int, optional
        Which study, by number as `petrg inspect` lists them or by UID, where the path holds several.
    context : Context, optional
        Laid over what the header holds.

    Raises
    ------
    StudyError
        If there is no single study of one patient, or its geometry, pixels or SUV cannot be trusted;
        `GeometryError`, `PixelError` and `SuvError` say which.
    """
    files = scan(path)
    options = Options(given=given, quantity=quantity, ct_series=ct_series, pet_series=pet_series, study=study)
    if files.nifti and not has_dicom(files):
        return read_nifti(path, files, options, context, progress)
    return as_study(read_dicom(files, options, _raise, progress), context)


def read_nifti(path: PathLike, files: Found, options: Options, context: Context | None, progress: Progress) -> Study:
    """The NIfTI case at ``path``; of a list of paths, the files found in it."""
    from petrg.imaging.nifti import read_nifti_study

    return read_nifti_study(
        Path(path) if isinstance(path, (str, Path)) else files.nifti,
        given=options.given,
        quantity=options.quantity,
        ct_series=options.ct_series,
        pet_series=options.pet_series,
        study=None if options.study is None else str(options.study),
        context=context,
        progress=progress,
    )


def has_dicom(files: Found) -> bool:
    """Whether any candidate begins like DICOM."""
    from petrg.imaging.dicom.header import looks_like_dicom

    return any(looks_like_dicom(source) for source in files.candidates)


def as_study(reading: Reading, context: Context | None) -> Study:
    """The study of a reading that refused nothing."""
    found = Study(
        id=reading.id,
        ct=reading.ct.volume if reading.ct else None,
        pet=reading.pet.volume if reading.pet else None,
        ct_series=reading.ct.series if reading.ct else None,
        pet_series=reading.pet.series if reading.pet else None,
        identity=reading.identity,
        context=reading.context,
        found=reading.found,
        passed_over=reading.passed_over,
        problems=tuple(reading.problems),
    )
    return found if context is None else found.with_context(context)


def _raise(error: StudyError) -> None:
    raise error


def require(study: Study, *, pet: bool = True, ct: bool = True) -> Study:
    """The study itself, if it holds what a verb needs.

    Raises
    ------
    StudyError
        If the PET or the CT is needed and absent.
    """
    if pet and study.pet is None:
        reasons = "; ".join(dict.fromkeys(f.reason for f in study.found if f.modality == "PT" and f.reason))
        raise StudyError(
            "no PET in the study" + (f" (passed over: {reasons})" if reasons else ""),
            "an attenuation-corrected PET",
            "point to the folder that holds the PET",
        )
    if ct and study.ct is None:
        raise StudyError(
            "no CT in the study", "a CT beside the PET", "point to the folder that holds it, or give --pet-only"
        )
    return study
