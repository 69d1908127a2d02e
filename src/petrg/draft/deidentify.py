"""A report without identity: no name, number or date, every UID remapped, free text withheld."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable
from typing import Any

from petrg.imaging import Study
from petrg.language.words import words_of
from petrg.report import Fact, Note, PatientBlock, Report, Statement

__all__ = ["WITHHELD", "deidentified", "remap_uid"]

WITHHELD = "…"
"""Stands for what the header says of the patient, wherever it stood in a text."""

_UID = re.compile(r"(?<![\d.])[0-2](?:\.\d+){3,}")
_FREE_TEXT = ("indication", "disease", "therapy")
_OLDEST = 89.0
_SHORTEST = 3
"""A shorter value of the header is not searched for: it would be found in every number."""


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
    clean = _cleaner(study, salt)
    record = report.record.model_copy(
        update={
            "study_id": _study_id(report.study_id, salt),
            "lesions": tuple(lesion.model_copy(update={"mask": None}) for lesion in report.record.lesions),
            "problems": tuple(_bare_note(note, clean) for note in report.record.problems),
            "anatomy": clean(report.record.anatomy),
            "tracer": None if report.record.tracer is None else clean(report.record.tracer),
        }
    )
    bare = report.model_copy(
        update={
            "study_id": record.study_id,
            "deidentified": True,
            "patient": PatientBlock(),
            "context": tuple(_bare_fact(f, clean) for f in report.context if f.key not in _FREE_TEXT),
            "acquisition": tuple(_bare_fact(f, clean) for f in report.acquisition),
            "indication": _bare_indication(report, study),
            "technique": tuple(s if s.numbers else _retold(s, clean(s.text)) for s in report.technique),
            "record": record,
            "problems": tuple(_bare_note(note, clean) for note in report.problems),
            "provenance": {k: v if k.endswith("_uid") else clean(v) for k, v in report.provenance.items()},
        }
    )
    return Report.model_validate(_remapped(bare.model_dump(mode="json"), salt))


def _study_id(study_id: str, salt: str) -> str:
    return f"study-{_digest(study_id, salt).hex()[:12]}"


def _digest(text: str, salt: str) -> bytes:
    return hashlib.sha256(f"{salt}\n{text}".encode()).digest()


def _bare_indication(report: Report, study: Study) -> tuple[Statement, ...]:
    if not (study.context.indication or study.context.disease):
        return report.indication
    return (_retold(report.indication[0], words_of(report.language).sentences["indication_withheld"]),)


def _retold(statement: Statement, text: str) -> Statement:
    return statement.model_copy(update={"text": text})


def _bare_note(note: Note, clean: Callable[[str], str]) -> Note:
    return note.model_copy(update={"text": clean(note.text)})


def _bare_fact(fact: Fact, clean: Callable[[str], str]) -> Fact:
    if isinstance(fact.value, str):
        return fact.model_copy(update={"value": clean(fact.value)})
    if fact.key == "age_years" and fact.value is not None and fact.value > _OLDEST:
        return fact.model_copy(update={"value": "90+"})
    return fact


def _cleaner(study: Study, salt: str) -> Callable[[str], str]:
    """Blank what the header says of the patient, and remap UIDs, wherever they stand in a text."""
    words = sorted(_identity_words(study), key=len, reverse=True)
    any_word = re.compile("|".join(map(_alone, words))) if words else None

    def clean(text: str) -> str:
        text = _UID.sub(lambda match: remap_uid(match.group(), salt), text)
        return text if any_word is None else any_word.sub(WITHHELD, text)

    return clean


def _identity_words(study: Study) -> set[str]:
    """Every value of the identity, each part of the name, and the study's id."""
    who = study.identity
    values = {who.name, who.patient_id, who.birth_date, who.accession_number, who.study_date, study.id}
    values |= set(re.split(r"[\s^=,.]+", who.name or ""))
    values |= {re.sub(r"[\s^]", "", group) for group in (who.name or "").split("=")}
    return {value for value in values if value and len(value) >= (_SHORTEST if value.isascii() else 2)}


def _alone(word: str) -> str:
    """A pattern of ``word`` as a word of its own; Chinese has no spaces between words."""
    return rf"(?<!\w){re.escape(word)}(?!\w)" if word.isascii() else re.escape(word)


def _remapped(tree: Any, salt: str) -> Any:
    """The tree with the value of every key that ends in ``_uid`` remapped."""
    if isinstance(tree, dict):
        return {
            key: remap_uid(value, salt) if key.endswith("_uid") and isinstance(value, str) else _remapped(value, salt)
            for key, value in tree.items()
        }
    return [_remapped(value, salt) for value in tree] if isinstance(tree, list) else tree
