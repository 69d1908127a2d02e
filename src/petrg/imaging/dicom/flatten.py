"""Multi-frame images laid out as single ones: each frame's functional groups merged into one header.

DICOM PS3.3 C.7.6.16. A group in the per-frame sequence wins over the shared one. The legacy-converted
objects carry the attributes of the images they were made from as "unassigned" groups; those are merged too.
"""

from __future__ import annotations

from pydicom.dataset import Dataset

from petrg.imaging.dicom.values import items, strings

__all__ = ["frames_of"]

_SHARED, _PER_FRAME = 0x52009229, 0x52009230
_FRAME_TYPE, _IMAGE_TYPE = 0x00089007, 0x00080008
_MAX_FRAMES = 20_000
_MACROS = {
    0x00209113,  # plane position
    0x00209116,  # plane orientation
    0x00289110,  # pixel measures
    0x00289145,  # pixel value transformation
    0x00209111,  # frame content
    0x00189329,  # CT image frame type
    0x00189751,  # PET frame type
    0x00209170,  # unassigned shared converted attributes
    0x00209171,  # unassigned per-frame converted attributes
}


def frames_of(ds: Dataset, count: int) -> list[Dataset]:
    """One header per frame.

    Raises
    ------
    ValueError
        If the functional groups do not match the number of frames.
    """
    per_frame = list(items(ds, _PER_FRAME))
    if len(per_frame) != count or count > _MAX_FRAMES:
        raise ValueError("functional groups do not match the number of frames")
    shared = next(items(ds, _SHARED), Dataset())
    base = Dataset({tag: ds.get_item(tag) for tag in list(ds._dict) if tag not in (_SHARED, _PER_FRAME)})
    return [_merged(base, shared, frame) for frame in per_frame]


def _merged(base: Dataset, *groups: Dataset) -> Dataset:
    out = Dataset(dict(base._dict))
    for group in groups:
        for tag in list(group.keys()):
            if tag not in _MACROS:
                continue
            for macro in items(group, tag):
                for inner in list(macro.keys()):
                    out._dict[inner] = macro.get_item(inner)
    kind = strings(out, _FRAME_TYPE)
    if kind:
        out.ImageType = list(kind)
    return out
