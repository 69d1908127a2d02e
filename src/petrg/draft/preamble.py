"""Indication, technique and comparison: sentences on the study, from its header and its context."""

from __future__ import annotations

from petrg.draft.facts import acquisition_facts, slot_values
from petrg.imaging import Study, TimePoint
from petrg.language.wording import Worded
from petrg.language.words import Language, Words, words_of
from petrg.report import Modality, NumberQuantity, Record, StatementKind, Threshold, slot

__all__ = ["comparison", "indication", "nothing_else", "technique"]


def indication(study: Study, language: Language) -> tuple[Worded, ...]:
    """Why the scan was made, in the words that were given; "not given" where none were."""
    words, context = words_of(language), study.context
    says = words.sentences
    lines = [says["indication"].format(indication=_escape(context.indication))] if context.indication else []
    if context.disease:
        lines.append(says["disease"].format(disease=_escape(context.disease)))
    if context.time_point is not TimePoint.UNKNOWN:
        lines.append(says["time_point"].format(time_point=words.time_points[context.time_point.value]))
    return _remarks(lines or [says["indication_none"]])


def technique(study: Study, record: Record, language: Language, *, ct: bool, sex_known: bool) -> tuple[Worded, ...]:
    """How the scan was made and SUV was had; values that the user entered are marked."""
    words = words_of(language)
    says, context, pet = words.sentences, study.context, study.pet_series
    lines = [_tracer(study, says)]
    if injected := _injection(study, words):
        lines.append(injected)
    if (scanner := _scanner(study)) is not None:
        lines.append(says["scanner"].format(scanner=_escape(scanner)))
    if pet is not None and pet.suv is not None:
        lines.append(says["suv"].format(branch=_escape(pet.suv.branch)))
    lines += _delineation(record, says)
    lines += _bounded(record, says["searched"])
    lines.append(says["ct"] if ct else says["ct_none"])
    if context.tracer is None:
        lines.append(says["tracer_none"])
    elif not context.is_fdg:
        lines.append(says["tracer_other"])
    if not sex_known:
        lines.append(says["sex_none"])
    return _remarks([line for line in lines if line])


def comparison(language: Language) -> tuple[Worded, ...]:
    """What the study was compared with: nothing yet, and it says so."""
    return _remarks([words_of(language).sentences["comparison"]])


def nothing_else(record: Record, language: Language) -> tuple[Worded, ...]:
    """That the search of the whole scan found no more than the foci listed; empty where nothing was searched."""
    lines = _bounded(record, words_of(language).sentences["nothing_else"])
    return tuple(Worded(line, StatementKind.MEASUREMENT, Modality.PET) for line in lines)


def _bounded(record: Record, sentence: str) -> list[str]:
    """``sentence`` with the slots of the limits of the search, if there are any."""
    rows = [a for a in record.assessed if a.limit_suv is not None and a.limit_mm is not None]
    limit, size = (slot("search.all", q) for q in (NumberQuantity.LIMIT_SUV, NumberQuantity.LIMIT_MM))
    return [sentence.format(limit=limit, size=size)] if rows else []


def _delineation(record: Record, says: dict[str, str]) -> list[str]:
    masked = [lesion.threshold is Threshold.MASK for lesion in record.lesions]
    lines = [says["threshold_mask"]] if any(masked) else []
    if not masked or not all(masked):
        lines.append(says["threshold"].format(threshold=record.threshold.value))
    return lines


def _tracer(study: Study, says: dict[str, str]) -> str:
    if study.context.tracer is None:
        return ""
    given = says["given"] if study.context.sources.get("tracer") == "user" else ""
    return says["tracer"].format(tracer=_escape(study.context.tracer), given=given)


def _injection(study: Study, words: Words) -> str:
    values, says = slot_values(study), words.sentences
    sources = {fact.key: fact.source for fact in acquisition_facts(study)}
    sources["glucose_mmol_l"] = study.context.sources.get("glucose_mmol_l", "header")
    parts = [
        says[phrase].format(
            value=slot("acquisition", quantity),
            given=says["given"] if sources.get(quantity.value) == "user" else "",
        )
        for phrase, quantity in (
            ("dose", NumberQuantity.DOSE_MBQ),
            ("uptake", NumberQuantity.UPTAKE_MIN),
            ("weight", NumberQuantity.WEIGHT_KG),
            ("glucose", NumberQuantity.GLUCOSE_MMOL_L),
        )
        if quantity.value in values
    ]
    text = words.sentences["join"].join(parts)
    return text[:1].upper() + text[1:] + says["end"] if text else ""


def _scanner(study: Study) -> str | None:
    value = next((fact.value for fact in acquisition_facts(study) if fact.key == "pet_scanner"), None)
    return value if isinstance(value, str) else None


def _escape(text: str | None) -> str:
    """Free text as one line that holds no slot and no full stop at its end."""
    return " ".join((text or "").replace("{", "(").replace("}", ")").split()).rstrip("。.")


def _remarks(lines: list[str]) -> tuple[Worded, ...]:
    return tuple(Worded(line, StatementKind.REMARK) for line in lines)
