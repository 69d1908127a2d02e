"""Pixel words of a series into one float32 stack."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from queue import SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from petrg.errors import PixelError
from petrg.imaging.dicom.decode import Decoder
from petrg.imaging.dicom.header import BIG_ENDIAN, Pixels, Slice
from petrg.imaging.dicom.values import BROKEN, integer

__all__ = ["AIR_HU", "expect_whole", "fill", "fingerprint", "meant", "words"]

AIR_HU = -1024.0
"""What lies outside the scanned circle reads as this, whatever word the scanner put there."""
_CEILING_HU = 31743.0  # 32767 - 1024: nothing real is denser; a larger number is a negative word read as unsigned
_WRAPPED = 63536  # -2000 read as unsigned: GE's padding
_BEYOND_MEANING = 1e12  # no voxel in HU or Bq/ml is larger; float32 would overflow soon after
_THREADS = 2


def fill(
    slices: Sequence[Slice],
    scales: Sequence[float],
    *,
    hounsfield: bool,
    what: str,
    advance: Callable[[int], None] = lambda done: None,
) -> NDArray[np.float32]:
    """Read, decode and rescale every slice.

    Parameters
    ----------
    slices : in order of z, all of one matrix size
    scales : one factor a slice, applied after the rescale slope and intercept of its own header
    hounsfield : whether padding and anything below `AIR_HU` becomes `AIR_HU`

    Returns
    -------
    (n, rows, columns) float32

    Raises
    ------
    PixelError
        If a file is truncated, cannot be decoded, or lacks its rescale values.
    """
    _check(slices, what)
    if hounsfield and any(s.intercept is None for s in slices):
        raise PixelError(
            f"{what} without a rescale intercept", "a rescale intercept in every image", "export the series again"
        )
    first = slices[0].pixels
    try:
        out = np.empty((len(slices), first.rows, first.columns), np.float32)
    except MemoryError as error:
        raise PixelError(
            f"{what} too large for memory", "images that fit into memory", "choose another series"
        ) from error

    with ExitStack() as stack:
        free: SimpleQueue[Decoder] = SimpleQueue()
        for _ in range(_THREADS):
            free.put(stack.enter_context(Decoder()))

        def one(index: int) -> None:
            _one(slices[index], scales[index], out[index], hounsfield, what, free)

        with ThreadPoolExecutor(_THREADS) as pool:
            for done, _ in enumerate(pool.map(one, range(len(slices))), 1):
                advance(done)
    return out


def fingerprint(image: Slice) -> str:
    """SHA-256 of one image's stored pixels, to tell a file given twice from two images under one UID."""
    if image.pixels.offset is not None:
        return hashlib.sha256(words(image).tobytes()).hexdigest()
    stored = image.source.read_at(image.pixels.start, image.source.size)
    return hashlib.sha256(stored + bytes([image.frame & 255])).hexdigest()


def expect_whole(slices: Sequence[Slice], what: str, unreadable: int = 0) -> None:
    """Refuse a series with truncated images; ``unreadable`` counts its files that not even a header came of.

    Raises
    ------
    PixelError
    """
    broken = sum(not s.pixels.complete for s in slices) + unreadable
    if broken:
        raise PixelError(
            f"{broken} of {len(slices) + unreadable} images of the {what} truncated or corrupt",
            "complete files",
            "copy or export them again",
        )


def _check(slices: Sequence[Slice], what: str) -> None:
    if any(s.slope is None for s in slices):
        raise PixelError(f"{what} without a rescale slope", "a rescale slope in every image", "export the series again")
    if any(
        (abs(s.slope or 0.0) * 2.0 ** min(s.pixels.stored, 32) + abs(s.intercept or 0.0)) > _BEYOND_MEANING
        for s in slices
    ):
        raise PixelError(
            f"{what} with a rescale slope or intercept beyond any meaning", "values of a scanner", "export it again"
        )
    if any(s.has_lookup for s in slices):
        raise PixelError(f"{what} with a modality lookup table", "a rescale slope and intercept", "export it again")
    if any(integer(s.dataset, 0x00280103) not in (0, 1) for s in slices):
        raise PixelError(
            f"{what} that does not say whether its numbers are signed", "Pixel Representation 0 or 1", "export it again"
        )
    p = slices[0].pixels
    if p.samples != 1:
        raise PixelError(f"{what} with {p.samples} samples a pixel, not grey", "MONOCHROME2", "choose another series")
    if not p.photometric.startswith("MONOCHROME2"):
        raise PixelError(f"{what} not grey from black to white", "MONOCHROME2", "choose another series")
    if (
        p.allocated not in (8, 16, 32)
        or not 1 <= p.stored <= p.allocated
        or not p.stored - 1 <= p.high_bit < p.allocated
    ):
        raise PixelError(f"{what} of {p.stored} bits in {p.allocated}", "8, 16 or 32 bits", "export the series again")


def _one(
    image: Slice, scale: float, out: NDArray[np.float32], hounsfield: bool, what: str, free: SimpleQueue[Decoder]
) -> None:
    decoder = free.get()
    try:
        stored = words(image, decoder)
        values = meant(stored, image.pixels)
    except BROKEN as error:
        raise PixelError(
            f"{what} with an image that cannot be read or decoded", "intact pixel data", "copy or export it again"
        ) from error
    finally:
        free.put(decoder)
    slope, intercept = (image.slope or 0.0) * scale, (image.intercept or 0.0) * scale
    # in float32: words of 16 bits are exact in it
    np.multiply(values, np.float32(slope), out=out)
    if intercept:
        out += np.float32(intercept)
    if hounsfield:
        _pad(stored, image.pixels, out)


def _pad(stored: NDArray[np.integer[Any]], pixels: Pixels, out: NDArray[np.float32]) -> None:
    """Write `AIR_HU` where the words say "outside the scan", and wherever HU would be lower."""
    marks = [*pixels.padding, *(() if pixels.signed else (_WRAPPED,))]
    if marks:
        unsigned = stored.view(stored.dtype.str.replace("i", "u"))
        low, high = min(marks[:2]), max(marks[:2])
        ranged = len(pixels.padding) > 1
        outside = (unsigned >= low) & (unsigned <= high) if ranged else np.isin(unsigned, marks)
        # a padding word within the range of tissue (0 HU in some headers) marks real voxels too: left as read,
        # unless it does not fit the stored bits and so can be nothing else
        foreign = not pixels.signed and low >> pixels.stored > 0
        out[outside & (foreign | (out < AIR_HU) | (out > _CEILING_HU))] = AIR_HU
    np.maximum(out, np.float32(AIR_HU), out=out)


def words(image: Slice, decoder: Decoder | None = None) -> NDArray[np.integer[Any]]:
    """Stored words (rows, columns), in the width they were allocated; integer.

    Raises
    ------
    one of `values.BROKEN` where the file cannot be read or decoded
    """
    p = image.pixels
    if p.offset is None:
        assert decoder is not None
        found = decoder(image.source, image.frame)
        if found.shape != (p.rows, p.columns):
            raise ValueError("decoded to another matrix size")
        return found
    order = ">" if p.transfer_syntax == BIG_ENDIAN else "<"
    kind = np.dtype(f"{order}{'i' if p.signed else 'u'}{p.allocated // 8}")
    size = p.rows * p.columns * kind.itemsize
    data = image.source.read_at(p.offset + image.frame * size, size)
    if order == ">" and kind.itemsize == 1:
        data = np.frombuffer(data, "<u2").byteswap().tobytes()  # 8-bit words lie swapped in big-endian OW
    return np.frombuffer(data, kind).reshape(p.rows, p.columns)


def meant(stored: NDArray[np.integer[Any]], pixels: Pixels) -> NDArray[np.integer[Any]]:
    """The numbers that words stand for: the bits above the stored ones (old overlays) are left out."""
    up = pixels.allocated - 1 - pixels.high_bit
    down = pixels.allocated - pixels.stored
    if down == 0 or pixels.offset is None:
        return stored
    native = stored.astype(stored.dtype.newbyteorder("="))
    return np.right_shift(np.left_shift(native, up), down)
