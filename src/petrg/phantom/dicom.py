"""Write a phantom as a hospital would export it: CT, PET, uncorrected PET, scout, secondary capture."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from scipy.ndimage import gaussian_filter, zoom

from petrg.errors import OutputError
from petrg.files import output_directory
from petrg.phantom import headers
from petrg.phantom.build import Phantom
from petrg.phantom.images import outside_field
from petrg.phantom.nifti import write_truth
from petrg.phantom.splice import Template, decimal, encode, image_index, uid, whole
from petrg.progress import Progress, silent

__all__ = ["uncorrected", "write_dicom"]

_PEAK = 32767


def write_dicom(phantom: Phantom, directory: Path, vendor: str = "siemens", *, progress: Progress = silent) -> Path:
    """Write the study under ``directory/dicom`` and its truth under ``directory/truth``.

    Files have opaque names and lie flat in one folder, all series mixed, uncompressed explicit VR little
    endian. Readers are pointed at ``directory/dicom``, which is returned.

    Parameters
    ----------
    vendor : "siemens", "ge" or "philips"
        Whose header habits to follow (``vendors.toml``); Manufacturer always says "petrg phantom".

    Raises
    ------
    InputError
        If the vendor is unknown.
    OutputError
        If the folder cannot be written; nothing is left behind.
    """
    how = headers.habits(vendor)
    directory = Path(directory)
    with output_directory(directory) as aside:
        folder = aside / "dicom"
        folder.mkdir()
        files = [*_ct(phantom, how), *_pet(phantom, vendor), *_single(phantom, how)]
        pool = ThreadPoolExecutor(2)
        try:
            for done, _ in enumerate(pool.map(lambda job: _write(folder, *job), files), 1):
                progress("writing DICOM", done, len(files))
        finally:
            pool.shutdown(cancel_futures=True)  # Ctrl-C waits for two files, not for all
        write_truth(phantom, aside / "truth")
    return directory / "dicom"


Job = tuple[str, Callable[[], bytes]]


def _write(folder: Path, sop: str, content: Callable[[], bytes]) -> None:
    path = folder / f"{uid(sop, 'file')[5:21]}"
    try:
        path.write_bytes(content())
    except OSError as error:
        raise OutputError(
            f"cannot write a DICOM file: {error.strerror}", "free disk space", "choose another -o or free some space"
        ) from error


def _slices(
    series_uid: str,
    template: Template,
    z: list[float],
    more: Callable[[int], dict[str, str]],
    pixels: Callable[[int], bytes],
) -> Iterator[Job]:
    """One job a slice, numbered from the head downwards."""
    count = len(z)

    def content(i: int, sop: str) -> bytes:
        number = count - i
        values = {
            "sop": sop,
            "number": whole(number),
            "index": image_index(number),
            "z": decimal(z[i]),
            "location": decimal(z[i]),
        }
        return template.fill({**values, **more(i)}, pixels(i))

    for i in reversed(range(count)):
        sop = uid(series_uid, i)
        yield sop, lambda i=i, sop=sop: content(i, sop)  # type: ignore[misc]


def _heights(volume_grid_shape: int, bottom: float, step: float) -> list[float]:
    return [round(bottom + step * i, 6) for i in range(volume_grid_shape)]


def _ct(phantom: Phantom, how: headers.Habits) -> list[Job]:
    header = headers.ct_header(phantom, how)
    grid = phantom.ct.grid
    outside = outside_field(grid) if how.ct_padding is not None else None
    kind = "<i2" if how.ct_signed else "<u2"

    def pixels(i: int) -> bytes:
        stored = np.rint(phantom.ct.array[i]) + 1024.0
        if outside is not None:
            stored[outside] = float(how.ct_padding or 0)
        return bytes(stored.astype(kind).tobytes())

    heights = _heights(grid.shape[0], grid.origin_mm[2], grid.spacing_mm[0])
    return list(_slices(header.SeriesInstanceUID, Template.of(header), heights, lambda _: {}, pixels))


def _pet(phantom: Phantom, vendor: str) -> list[Job]:
    jobs: list[Job] = []
    for series, number, array in (("pet", 3, phantom.pet.array), ("nac", 4, uncorrected(phantom.pet.array))):
        header = headers.pet_header(phantom, vendor, series, number)
        if series == "nac":
            headers.nac_marks(header, headers.habits(vendor))
        jobs += _pet_series(phantom, headers.habits(vendor), header, array)
    return jobs


def _pet_series(phantom: Phantom, how: headers.Habits, header: Dataset, suv: NDArray[np.float32]) -> list[Job]:
    grid = phantom.pet.grid
    per_suv = how.counts_per_bqml / headers.suv_factor(phantom.truth.weight_kg)
    heights = _heights(grid.shape[0], grid.origin_mm[2], grid.spacing_mm[0])
    peaks = suv.max((1, 2)).astype(np.float64) * per_suv
    slopes = [decimal(max(float(peak), 1e-3) / _PEAK) for peak in peaks]
    start = headers.scan_start(how)

    def more(i: int) -> dict[str, str]:
        bed = int((heights[-1] - heights[i]) // headers.BED_MM)
        begun = bed * headers.BED_S
        moment = start + dt.timedelta(seconds=begun)
        return {
            "slope": slopes[i],
            "time": moment.strftime("%H%M%S.%f"),
            "reference": decimal(1000.0 * (begun + _mean_time(headers.BED_S))),
        }

    def pixels(i: int) -> bytes:
        stored = np.rint(suv[i] * (per_suv / float(slopes[i])))
        return bytes(np.clip(stored, 0, _PEAK).astype("<i2").tobytes())

    return list(_slices(header.SeriesInstanceUID, Template.of(header), heights, more, pixels))


def _mean_time(frame_s: float) -> float:
    """When the activity has its mean over a frame, s from the frame's start (QIBA's back-computation)."""
    decay = np.log(2.0) / headers.HALF_LIFE_S
    return float(np.log(decay * frame_s / (1.0 - np.exp(-decay * frame_s))) / decay)


def uncorrected(suv: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the PET looks like without attenuation correction: bright skin and lungs, dark depth."""
    step = np.maximum(np.array(suv.shape) // 60, 1)
    coarse = (suv[:: step[0], :: step[1], :: step[2]] > 0.15).astype(np.float32)
    depth = gaussian_filter(coarse, 3.0)
    factors = [n / c for n, c in zip(suv.shape, depth.shape, strict=True)]
    depth = zoom(depth, factors, order=1, grid_mode=True, mode="nearest")
    return np.asarray(0.5 * suv * np.exp(-2.2 * depth), np.float32)


def _single(phantom: Phantom, how: headers.Habits) -> list[Job]:
    scout, capture = _scout(phantom, how), _capture(phantom, how)
    return [(ds.SOPInstanceUID, lambda ds=ds: encode(ds)) for ds in (scout, capture)]  # type: ignore[misc]


def _scout(phantom: Phantom, how: headers.Habits) -> Dataset:
    """A coronal scout: a CT image whose ImageType says LOCALIZER."""
    ds = headers.base(phantom, how, "scout", 1, "Topogram")
    grid = phantom.ct.grid
    dz, _, dx = grid.spacing_mm
    x, _, bottom = grid.origin_mm
    ds.SOPClassUID, ds.Modality = "1.2.840.10008.5.1.4.1.1.2", "CT"
    ds.SOPInstanceUID, ds.InstanceNumber = uid(ds.SeriesInstanceUID, 0), 1
    ds.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    ds.KVP, ds.AcquisitionNumber = "120", 1
    ds.ImagePositionPatient = [decimal(x).strip(), "0", decimal(bottom + dz * (grid.shape[0] - 1)).strip()]
    ds.ImageOrientationPatient = ["1", "0", "0", "0", "0", "-1"]
    ds.PixelSpacing, ds.SliceThickness = [f"{dz:g}", f"{dx:.10g}"], "500"
    image = np.clip(phantom.ct.array.mean(1)[::-1] + 1024.0, 0, 4095).astype("<u2")
    _picture(ds, image, 12)
    ds.RescaleIntercept, ds.RescaleSlope = "-1024", "1"
    return ds


def _capture(phantom: Phantom, how: headers.Habits) -> Dataset:
    """A screen picture of the PET's MIP: Secondary Capture."""
    ds = headers.base(phantom, how, "capture", 99, "MIP screen save")
    ds.SOPClassUID, ds.Modality = "1.2.840.10008.5.1.4.1.1.7", "OT"
    ds.SOPInstanceUID, ds.InstanceNumber = uid(ds.SeriesInstanceUID, 0), 1
    ds.ImageType, ds.ConversionType = ["DERIVED", "SECONDARY"], "WSD"
    del ds.FrameOfReferenceUID
    image = (255.0 - np.clip(phantom.pet.array.max(1)[::-1] / 10.0, 0, 1) * 255.0).astype("u1")
    if image.size % 2:
        image = image[:, :-1]
    _picture(ds, image, 8)
    return ds


def _picture(ds: Dataset, image: NDArray[Any], bits: int) -> None:
    allocated = 8 * image.dtype.itemsize
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = image.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = allocated, bits, bits - 1
    ds.PixelRepresentation = 0
    ds.PixelData = image.tobytes()
    ds["PixelData"].VR = "OB" if allocated == 8 else "OW"
