"""What was scanned: grids, volumes, SUV, studies; readers and writers of DICOM and NIfTI."""

from petrg.imaging.context import Context, Sex, Therapy, TimePoint, read_context
from petrg.imaging.grid import Grid
from petrg.imaging.quantity import Quantity
from petrg.imaging.read import read_study, require
from petrg.imaging.study import FoundSeries, HeaderValue, Identity, PassedOver, Series, Study, SuvProvenance
from petrg.imaging.volume import Volume

__all__ = [
    "Context",
    "FoundSeries",
    "Grid",
    "HeaderValue",
    "Identity",
    "PassedOver",
    "Quantity",
    "Series",
    "Sex",
    "Study",
    "SuvProvenance",
    "Therapy",
    "TimePoint",
    "Volume",
    "read_context",
    "read_study",
    "require",
]
