"""Digital PET/CT patients with known truth: volumes, DICOM, NIfTI, label map, findings."""

from petrg.phantom.build import Phantom, make
from petrg.phantom.dicom import write_dicom
from petrg.phantom.incidental import incidental_names
from petrg.phantom.low_res import LowRes, fingerprint, low_res
from petrg.phantom.nifti import write_nifti
from petrg.phantom.spec import COVERAGES, GENERATOR, Spec
from petrg.phantom.truth import TrueIncidental, TrueLesion, Truth

__all__ = [
    "COVERAGES",
    "GENERATOR",
    "LowRes",
    "Phantom",
    "Spec",
    "TrueIncidental",
    "TrueLesion",
    "Truth",
    "fingerprint",
    "incidental_names",
    "low_res",
    "make",
    "write_dicom",
    "write_nifti",
]
