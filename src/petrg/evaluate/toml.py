"""Writing TOML of plain values, since the standard library only reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

__all__ = ["TomlValue", "to_toml"]

TomlValue: TypeAlias = "str | int | float | bool | Sequence[str] | Mapping[str, str]"


def to_toml(facts: Mapping[str, TomlValue]) -> str:
    """``facts`` in their order, tables of strings after the rest.

    Examples
    --------
    >>> print(to_toml({"files": {"a b.csv": "00"}, "name": "x", "notes": ["one"]}), end="")
    name = "x"
    notes = [
      "one",
    ]
    <BLANKLINE>
    [files]
    "a b.csv" = "00"
    """
    plain = {key: value for key, value in facts.items() if not isinstance(value, Mapping)}
    tables = {key: value for key, value in facts.items() if isinstance(value, Mapping)}
    lines = [f"{key} = {_value(value)}" for key, value in plain.items()]
    for key, table in tables.items():
        lines += ["", f"[{key}]", *(f"{_value(name)} = {_value(text)}" for name, text in table.items())]
    return "\n".join(lines) + "\n"


def _value(value: TomlValue) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[\n" + "".join(f"  {_value(item)},\n" for item in value) + "]" if value else "[]"
    # a JSON string in plain Unicode is a TOML string, DEL apart
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
