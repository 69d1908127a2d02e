"""Studies of a few slices, so that a case of the fuzz takes milliseconds."""

from __future__ import annotations

from pathlib import Path

import pydicom

SLICES = 4


def few_files(vendor: str, home: Path, seed: int = 5) -> dict[str, bytes]:
    """The middle CT and PET slices of a small phantom, as name -> bytes; names begin with ``ct/`` or ``pt/``."""
    from petrg import phantom

    patient = phantom.make(seed, sex="F", lesions=2, size="small")
    phantom.write_dicom(patient, home / "full", vendor=vendor)
    return few_of(home / "full")


def few_of(folder: Path) -> dict[str, bytes]:
    """The middle slices of the largest CT and the largest AC PET series below ``folder``."""
    series: dict[tuple[str, str], list[tuple[float, Path]]] = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and _is_dicom(p)):
        head = pydicom.dcmread(path, stop_before_pixels=True)
        position = head.get("ImagePositionPatient")
        if head.get("Modality") not in ("CT", "PT") or position is None:
            continue
        if head.Modality == "PT" and "ATTN" not in (head.get("CorrectedImage") or ()):
            continue
        series.setdefault((head.Modality, str(head.SeriesInstanceUID)), []).append((float(position[2]), path))
    files: dict[str, bytes] = {}
    for modality in ("CT", "PT"):
        images = max((s for key, s in series.items() if key[0] == modality), key=len, default=[])
        ordered = [path for _, path in sorted(images)]
        start = max(0, len(ordered) // 2 - SLICES // 2)
        for n, path in enumerate(ordered[start : start + SLICES]):
            files[f"{modality.lower()}/{n}.dcm"] = path.read_bytes()
    return files


def _is_dicom(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"
