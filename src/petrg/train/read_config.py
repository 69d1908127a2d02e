"""A training configuration from TOML and `--set`; what is wrong is named with its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from petrg.errors import ModelError, first_fault
from petrg.train.config import TrainConfig

__all__ = ["config_names", "config_of", "read_config"]


def config_names() -> tuple[str, ...]:
    """Names of the configurations that come with petrg.

    >>> "petrg-1-0.6b" in config_names(), "tiny" in config_names()
    (True, True)
    """
    folder = files("petrg.train.configs")
    return tuple(sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml")))


def read_config(source: str | Path, sets: Sequence[str] = ()) -> TrainConfig:
    """The configuration of a TOML file, or of one that comes with petrg by its name (``tiny``, ``configs/tiny.toml``).

    Parameters
    ----------
    sets : sequence of str
        ``key.key=value``, values as in TOML; what is no TOML is a string. Laid over the file in their order.

    Raises
    ------
    ModelError
        If there is none, a key is unknown, a value of another type, or values contradict each other; of a single key
        the message names the line or the ``--set``.
    """
    text = _text(Path(source))
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ModelError(f"the configuration is no TOML: {error}", "TOML", "correct it there") from error
    where = {key: f"line {line}" for key, line in _lines(text).items()}
    for one in sets:
        key, value = _split(one)
        _put(values, key, value)
        where[key] = f"--set {'.'.join(key)}"
    return config_of(values, where)


def config_of(values: Mapping[str, Any], where: Mapping[tuple[str, ...], str] | None = None) -> TrainConfig:
    """The configuration of plain values; ``where`` says of each key where it was written.

    Raises
    ------
    ModelError
        If they break the schema, or contradict each other or the recipe.
    """
    try:
        return TrainConfig.model_validate(values)
    except ValidationError as error:
        errors = error.errors(include_input=False, include_url=False)
        loc = _plain(errors[0]["loc"], values)
        key, fault = first_fault([{**errors[0], "loc": loc}])
        said, place = fault.removeprefix("Value error, "), _place(loc, where or {})
        raise ModelError(
            f"{place}{f'key {key!r}: ' if key else ''}{said}",
            "a training configuration of this petrg's schema",
            "correct it there",
        ) from error


def _text(path: Path) -> str:
    name = path.name.removesuffix(".toml")
    try:
        if path.is_file():
            return path.read_text(encoding="utf-8")
        if name in config_names() and str(path.parent) in (".", "configs"):
            return files("petrg.train.configs").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError("the configuration cannot be read", "TOML in UTF-8", "check the path") from error
    raise ModelError(
        f"no configuration {path.name!r}", f"a TOML file, or one of {', '.join(config_names())}", "check its spelling"
    )


_TABLE = re.compile(r"^\s*\[\s*([A-Za-z0-9_.\-\s]+?)\s*\]")
_KEY = re.compile(r"^\s*([A-Za-z0-9_.\-]+)\s*=")


def _lines(text: str) -> dict[tuple[str, ...], int]:
    """Where each table and key stands, counted from 1."""
    found: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if head := _TABLE.match(line):
            table = tuple(part.strip() for part in head[1].split("."))
            found[table] = number
        elif key := _KEY.match(line):
            found[(*table, *key[1].split("."))] = number
    return found


def _plain(loc: Sequence[Any], values: Any) -> tuple[str, ...]:
    """The place of an error as keys of the file: a union's tag is no key of it."""
    out: list[str] = []
    for part in loc:
        if isinstance(values, Mapping) and part not in values and values.get("kind") == part:
            continue
        values = values.get(part) if isinstance(values, Mapping) else None
        out.append(str(part))
    return tuple(out)


def _place(key: tuple[str, ...], where: Mapping[tuple[str, ...], str]) -> str:
    """Where a key was written, or something of it, or the table that it belongs to."""
    for end in range(len(key), 0, -1):
        found = next((said for given, said in where.items() if given[:end] == key[:end]), None)
        if found is not None:
            return f"{where.get(key[:end], found)}: "
    return ""


def _split(one: str) -> tuple[tuple[str, ...], Any]:
    key, equals, value = one.partition("=")
    if not equals or not key.strip():
        raise ModelError(f"--set {one}", "key.key=value", "write it so")
    try:
        parsed = tomllib.loads(f"value = {value.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value.strip()
    return tuple(part.strip() for part in key.split(".")), parsed


def _put(values: dict[str, Any], key: tuple[str, ...], value: Any) -> None:
    for part in key[:-1]:
        inner = values.setdefault(part, {})
        if not isinstance(inner, dict):
            raise ModelError(f"--set {'.'.join(key)}: {part!r} is a value", "a table", "correct the key")
        values = inner
    values[key[-1]] = value
