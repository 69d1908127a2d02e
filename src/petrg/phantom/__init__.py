"""Digital PET/CT patients with known truth: volumes, DICOM, NIfTI, label map, findings."""

from petrg.phantom.build import Phantom, make
from petrg.phantom.dicom import write_dicom
from petrg.phantom.nifti import write_nifti
from petrg.phantom.spec import COVERAGES, GENERATOR, Spec
from petrg.phantom.truth import TrueLesion, Truth

__all__ = ["COVERAGES", "GENERATOR", "Phantom", "Spec", "TrueLesion", "Truth", "make", "write_dicom", "write_nifti"]
