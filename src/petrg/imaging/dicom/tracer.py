"""Which tracer a PET header names: by code first, then by its own words."""

from __future__ import annotations

import re

from pydicom.dataset import Dataset

from petrg.imaging.dicom.values import items, string, text

__all__ = ["tracer_of"]

_CODES = {  # DICOM PS3.16 CID 4021
    "35321007": "FDG",  # SCT
    "C-B1031": "FDG",  # SRT, as before 2018
    "C118961": "PSMA-11",  # NCIt
    "126758": "PSMA-1007",  # DCM
    "C116352": "PSMA-DCFPyL",  # NCIt, piflufolastat
    "724025002": "DOTATATE",
    "C2713594": "DOTATOC",  # UMLS, edotreotide
    "926372005": "FES",
    "457000009": "fluciclovine",
    "126703": "choline",
    "456992002": "choline",
    "129501009": "NaF",
    "5811000122108": "DOPA",
    "424708001": "FET",
    "129510001": "methionine",
}
_WORDS = (
    (r"FDG|FLU[OR]+[- ]?DEOXY[- ]?(D[- ]?)?GLUCOSE|DEOXYGLUCOSE", "FDG"),
    (r"DCFPYL|PYLARIFY|PIFLUFOLASTAT", "PSMA-DCFPyL"),
    (r"PSMA[- ]?1007", "PSMA-1007"),
    (r"PSMA[- ]?11|GOZETOTIDE|ILLUCCIX|LOCAMETZ", "PSMA-11"),
    (r"PSMA", "PSMA"),
    (r"DOTA[- ]?TATE|NETSPOT|DETECTNET", "DOTATATE"),
    (r"DOTA[- ]?TOC|EDOTREOTIDE", "DOTATOC"),
    (r"DOTA[- ]?NOC", "DOTANOC"),
    (r"FAPI[- ]?46", "FAPI-46"),
    (r"FAPI[- ]?04", "FAPI-04"),
    (r"FAPI", "FAPI"),
    (r"FLUCICLOVINE|FACBC|AXUMIN", "fluciclovine"),
    (r"FLUOROESTRADIOL|\bFES\b|CERIANNA", "FES"),
    (r"CHOLINE", "choline"),
    (r"SODIUM FLUORIDE|\bNAF\b", "NaF"),
    (r"\bFLT\b|FLUOROTHYMIDINE", "FLT"),
    (r"\bDOPA\b|FDOPA|FLUORODOPA", "DOPA"),
    (r"\bFET\b|FLUOROETHYLTYROSINE", "FET"),
    (r"METHIONINE", "methionine"),
    (r"FLORBETAPIR|FLORBETABEN|FLUTEMETAMOL", "amyloid"),
    (r"PENTIXAFOR", "pentixafor"),
)


def tracer_of(ds: Dataset) -> str | None:
    """The tracer by the Radiopharmaceutical Code Sequence (0054,0304), else by (0018,0031) or the code's meaning.

    A name that is not in the table is given back as written; None where the header names none.

    Examples
    --------
    >>> ds, drug = Dataset(), Dataset()
    >>> drug.Radiopharmaceutical = "68Ga-PSMA-11"
    >>> ds.RadiopharmaceuticalInformationSequence = [drug]
    >>> tracer_of(ds)
    'PSMA-11'
    """
    for drug in items(ds, 0x00540016):
        code = next(items(drug, 0x00540304), Dataset())
        known = _CODES.get((string(code, 0x00080100) or "").upper())
        if known:
            return known
        names = [name for name in (text(drug, 0x00180031), text(code, 0x00080104)) if name]
        for pattern, tracer in _WORDS:
            if any(re.search(pattern, name, re.IGNORECASE) for name in names):
                return tracer
        vague = ("solution", "other", "unknown", "none")
        return next((name for name in names if name.lower() not in vague and re.search(r"[A-Za-z]", name)), None)
    return None
