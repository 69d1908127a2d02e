"""A language model's answer -> labels, or what is wrong with it; a partial answer is no answer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from petrg.anatomy import Region
from petrg.evaluate.labels.files import class_of, object_of, parse_suv, regions_of
from petrg.evaluate.labels.label_set import Cell, Spot
from petrg.remote import Answer
from petrg.report import Structure, Uptake

__all__ = ["AnswerFault", "read_answer"]

_QUOTED, _UNQUOTED, _MISQUOTED = "llm.quoted", "llm.unquoted", "llm.misquoted"
_FENCE = re.compile(r"\A\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*\Z", re.DOTALL)
_THOUGHT = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)


class AnswerFault(ValueError):
    """What is wrong with an answer, in words that repeat nothing of it."""


def read_answer(answer: Answer, text: str) -> dict[Region, Cell]:
    """The 24 labels of an answer on the report ``text``.

    A class without a quote, or with one that is not in the text word for word, stands, and its rule says so. Normal
    without a quote is silence. JSON may stand in a code fence, behind a model's thoughts.

    Raises
    ------
    AnswerFault
        If it was refused or cut off, is no JSON object, lacks a region, a class or the place of its SUV.
    """
    if answer.refused:
        raise AnswerFault("the model refused")
    if answer.finish_reason == "length":
        raise AnswerFault("the answer was cut off (finish_reason length)")
    content = _THOUGHT.sub("", answer.text)
    fenced = _FENCE.match(content)
    try:
        document = json.loads(fenced.group(1) if fenced else content, object_pairs_hook=object_of)
    except (ValueError, RecursionError):
        raise AnswerFault("no JSON, or a key twice") from None
    if not isinstance(document, dict):
        raise AnswerFault("no JSON object")
    found = regions_of(document)
    return {region: _cell(region, found.get(region), text) for region in Region}


def _cell(region: Region, entry: Mapping[str, Any] | None, text: str) -> Cell:
    if entry is None:
        raise AnswerFault(f"region {region.value} is missing")
    pet, ct = class_of(Uptake, entry.get("pet")), class_of(Structure, entry.get("ct"))
    if pet is None or ct is None:
        raise AnswerFault(f"region {region.value} has no {'PET class 1-5' if pet is None else 'CT class 1-8'}")
    suv, described = parse_suv(entry.get("suv")), entry.get("description")
    if "suv" not in entry or (suv is None and isinstance(entry["suv"], int | float | list | dict)):
        raise AnswerFault(f"region {region.value} has no SUV, number or null")
    (pet_rule, pet_spots), (ct_rule, ct_spots), (suv_rule, suv_spots) = (
        _found(entry.get(f"{name}_quote"), text) for name in ("pet", "ct", "suv")
    )
    no_pet = pet is Uptake.NORMAL and pet_rule == _UNQUOTED
    no_ct = ct is Structure.NORMAL and ct_rule == _UNQUOTED
    return Cell(
        pet=None if no_pet else pet,
        ct=None if no_ct else ct,
        suv_max=suv,
        description=_plain(described) if isinstance(described, str) else "",
        basis=("silent" if no_pet else "stated", "silent" if no_ct else "stated", "" if suv is None else "stated"),
        rules=("silence" if no_pet else pet_rule, "silence" if no_ct else ct_rule, "" if suv is None else suv_rule),
        spots=(pet_spots, ct_spots, () if suv is None else suv_spots),
    )


def _plain(described: str) -> str:
    """On one line, without half characters (JSON can hold them, files cannot)."""
    return " ".join(described.split()).encode("utf-8", "replace").decode()


def _found(quote: object, text: str) -> tuple[str, tuple[Spot, ...]]:
    """How well the answer is quoted, and where the quote stands first."""
    words = quote.strip() if isinstance(quote, str) else ""
    if not words:
        return _UNQUOTED, ()
    start = text.find(words)
    return (_MISQUOTED, ()) if start < 0 else (_QUOTED, (Spot(start, start + len(words)),))
