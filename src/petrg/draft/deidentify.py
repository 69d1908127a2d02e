"""A report without identity: no name, number or date, every UID remapped, free text withheld."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Iterator
from typing import Any

from petrg.imaging import Study
from petrg.language.lexicon import lexicon
from petrg.report import Fact, PatientBlock, Report

__all__ = ["deidentified", "remap_uid"]

_UID = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]*)){3,}")
_FREE_TEXT = ("indication", "disease", "therapy")
_OLDEST = 89


def remap_uid(uid: str, salt: str) -> str:
    """A UID that stands for ``uid``: 2.25 and 128 bits of SHA-256 (DICOM PS3.5 B.2); the same salt gives the same.

    >>> remap_uid("1.2.840.1", "salt") == remap_uid("1.2.840.1", "salt") != remap_uid("1.2.840.1", "other")
    True
    """
    return f"2.25.{int.from_bytes(_digest(uid, salt)[:16], 'big')}"


def deidentified(report: Report, study: Study, salt: str | None = None) -> Report:
    """``report`` without what names the patient.

    The patient block is emptied, every UID is remapped, the study gets another id, free text (indication,
    disease, therapy) and names of masks are withheld, an age over 89 becomes "90+". Hashes of the voxels stay,
    so that the report can still be checked against its study.

    Parameters
    ----------
    report : Report
    study : Study
        What the report was drafted from; its identity is searched for in every remaining text.
    salt : str, optional
        The same salt remaps the same UID to the same one; random where not given.
    """
    salt = secrets.token_hex(16) if salt is None else salt
    words = lexicon(report.language).sentences
    withheld = report.indication[0].model_copy(update={"text": words["indication_withheld"], "numbers": ()})
    bare = report.model_copy(
        update={
            "study_id": _study_id(report.study_id, salt),
            "deidentified": True,
            "patient": PatientBlock(),
            "context": tuple(_bare_fact(f) for f in report.context if f.key not in _FREE_TEXT),
            "indication": (withheld,) if study.context.indication or study.context.disease else report.indication,
            "record": report.record.model_copy(
                update={
                    "study_id": _study_id(report.study_id, salt),
                    "lesions": tuple(lesion.model_copy(update={"mask": None}) for lesion in report.record.lesions),
                }
            ),
        }
    )
    tree = _mapped(bare.model_dump(mode="json"), _cleaner(study, salt))
    return Report.model_validate(tree)


def _study_id(study_id: str, salt: str) -> str:
    return f"study-{_digest(study_id, salt).hex()[:12]}"


def _digest(text: str, salt: str) -> bytes:
    return hashlib.sha256(f"{salt}\n{text}".encode()).digest()


def _bare_fact(fact: Fact) -> Fact:
    if fact.key == "age_years" and isinstance(fact.value, float) and fact.value > _OLDEST:
        return fact.model_copy(update={"value": "90+"})
    return fact


def _cleaner(study: Study, salt: str) -> Callable[[str], str]:
    """Remap UIDs and blank what the header says of the patient, wherever it stands in a text."""
    words = sorted(_identity_words(study), key=len, reverse=True)

    def clean(text: str) -> str:
        text = _UID.sub(lambda match: remap_uid(match.group(), salt), text)
        for word in words:
            if word in text:
                text = text.replace(word, "…")
        return text

    return clean


def _identity_words(study: Study) -> Iterator[str]:
    who = study.identity
    for value in (who.name, who.patient_id, who.birth_date, who.accession_number, who.study_date):
        if value:
            yield value
    yield study.id


def _mapped(tree: Any, clean: Callable[[str], str]) -> Any:
    if isinstance(tree, str):
        return clean(tree)
    if isinstance(tree, dict):
        return {key: _mapped(value, clean) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_mapped(value, clean) for value in tree]
    return tree
