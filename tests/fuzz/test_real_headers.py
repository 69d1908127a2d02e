"""Real headers, damaged: whole slices of real scans, and the PET headers of three vendors by themselves."""

from __future__ import annotations

import io
import json
import math
from collections import Counter
from pathlib import Path

import pydicom
import pytest
from few import few_of
from hardness import check_line, judge, try_case, within, write
from mutations import damage
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from petrg.errors import InputError
from petrg.imaging.dicom.suv_header import suv_header
from petrg.imaging.suv import suv_scale

pytestmark = [pytest.mark.reference, pytest.mark.filterwarnings("ignore")]

OF_INJECTION = ("RadionuclideTotalDose", "RadionuclideHalfLife", "RadiopharmaceuticalStart")
SLICE_SEEDS, HEADER_SEEDS = range(150), range(250)


def test_slices_of_real_scans(shared: Path, tmp_path: Path) -> None:
    scans = 0
    for folder in sorted(p for p in (shared / "data").iterdir() if p.is_dir()):
        files = few_of(folder)
        if not any(name.startswith("pt/") for name in files):
            continue
        scans += 1
        assert judge(write(files, tmp_path / "in"), tmp_path / "out", deep=False) == "read", folder.name
        outcomes = Counter(try_case(files, tmp_path, seed) for seed in SLICE_SEEDS)
        assert 0 < outcomes["read"] < len(SLICE_SEEDS), (folder.name, outcomes)
    assert scans >= 2


def test_suv_of_damaged_headers(shared: Path) -> None:
    cases = sorted((shared / "data/suv_oracle/test_metadata").glob("*.json"))
    assert len(cases) >= 8
    for case in cases:
        instances = json.loads(case.read_text())
        files = {f"pt/{n}": encoded(facts) for n, facts in enumerate(instances)}
        outcomes = Counter(scale(*damage(files, seed)) for seed in HEADER_SEEDS)
        assert outcomes["factor"] > 0, case.name
        assert len(outcomes) > 1, (case.name, outcomes)


def scale(files: dict[str, bytes], said: str) -> str:
    """Parse and scale one damaged series; the kind of outcome."""
    try:
        datasets = [pydicom.dcmread(io.BytesIO(raw), force=True) for raw in files.values()]
    except Exception:
        return "not DICOM"  # pydicom refuses; that the study reader turns this into a line is tested above
    try:
        with within(5):
            made = suv_scale([suv_header(ds) for ds in datasets])
    except InputError as error:
        check_line(error)
        return "refused"
    except Exception as error:
        raise AssertionError(f"{said}: {type(error).__name__}: {error}") from error
    assert all(math.isfinite(f) and f > 0 for f in made.suv_per_image), said
    return "factor"


def encoded(facts: dict[str, object]) -> bytes:
    """One instance of the oracle's metadata as a DICOM file without pixels."""
    ds, injection = Dataset(), Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID, ds.Modality = "1.2.840.10008.5.1.4.1.1.128", "1.2.3", "PT"
    for key, value in facts.items():
        if key == "PhilipsPETPrivateGroup":
            block = ds.private_block(0x7053, "Philips PET Private Group", create=True)
            for element, name in ((0x00, "SUVScaleFactor"), (0x09, "ActivityConcentrationScaleFactor")):
                if isinstance(value, dict) and name in value:
                    block.add_new(element, "DS", str(value[name]).strip())
        elif key == "GEPrivatePostInjectionDateTime":
            ds.private_block(0x0009, "GEMS_PETD_01", create=True).add_new(0x0D, "DT", str(value).strip())
        else:
            target = injection if key.startswith(OF_INJECTION) else ds
            setattr(target, key, value if isinstance(value, list) else str(value).strip())
    ds.RadiopharmaceuticalInformationSequence = [injection]
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, ds, enforce_file_format=True)
    return buffer.getvalue()
