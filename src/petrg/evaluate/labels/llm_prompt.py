"""What a language model is asked: prompts as data, one a language, and the JSON schema of the answer."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from petrg.anatomy import Region
from petrg.report import Structure, Uptake

__all__ = ["PROMPT_VERSION", "again", "answer_schema", "messages", "prompt_languages", "version"]

PROMPT_VERSION = 1


def messages(text: str, language: str) -> list[dict[str, str]]:
    """The rules, then the report.

    >>> [m["role"] for m in messages("The liver is unremarkable.", "en")]
    ['system', 'user']
    """
    prompt = _prompts()[language]
    regions = "\n".join(f"{region.value}: {region.title(language)}" for region in Region)
    return [
        {"role": "system", "content": prompt["system"].strip().replace("{regions}", regions)},
        {"role": "user", "content": prompt["user"].strip().replace("{text}", text)},
    ]


def again(fault: str, language: str) -> dict[str, str]:
    """What is said after an answer that cannot be used."""
    return {"role": "user", "content": _prompts()[language]["again"].strip().replace("{fault}", fault)}


def answer_schema() -> dict[str, Any]:
    """The JSON schema of an answer: every region and every field required, nothing else allowed.

    One definition for all regions, since servers limit the number of properties.
    """
    fields: dict[str, Any] = {
        "pet_quote": {"type": "string"},
        "pet": {"type": "string", "enum": [str(int(u)) for u in Uptake]},
        "ct_quote": {"type": "string"},
        "ct": {"type": "string", "enum": [str(int(s)) for s in Structure]},
        "suv_quote": {"type": "string"},
        "suv": {"type": ["number", "null"]},
        "description": {"type": "string"},
    }
    return {
        "type": "object",
        "properties": {region.value: {"$ref": "#/$defs/region"} for region in Region},
        "required": [region.value for region in Region],
        "additionalProperties": False,
        "$defs": {
            "region": {
                "type": "object",
                "properties": fields,
                "required": list(fields),
                "additionalProperties": False,
            }
        },
    }


def prompt_languages() -> tuple[str, ...]:
    """Languages that there is a prompt for."""
    return tuple(_prompts())


@cache
def version() -> str:
    """The prompt's number, and a hash over prompts, region names and schema: what is asked, whole.

    >>> version().startswith("prompt 1 (")
    True
    """
    asked = [[messages("", language), again("", language)] for language in prompt_languages()]
    whole = json.dumps([asked, answer_schema()], ensure_ascii=False, sort_keys=True)
    return f"prompt {PROMPT_VERSION} ({hashlib.sha256(whole.encode()).hexdigest()[:8]})"


@cache
def _prompts() -> Mapping[str, Mapping[str, str]]:
    folder = files("petrg.evaluate.labels").joinpath("prompts")
    found = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return {f.name.removesuffix(".toml"): tomllib.loads(f.read_text(encoding="utf-8")) for f in found}
