"""What an option was given: an empty value is refused, since it stands for a variable that is not set."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin

import typer

__all__ = ["never_empty"]

T = TypeVar("T", str, Path)


def never_empty(hint: Any, default: Any) -> Any:
    """The type of a parameter so that typer refuses an empty path or text, unless empty is its default.

    ``-o ""`` would be the folder one stands in, ``--column ""`` no column at all.

    Parameters
    ----------
    hint : type
        Any other than ``Annotated`` of a path or a text, or of lists of them, is given back as it is.
    """
    if get_origin(hint) is not Annotated or default == "":
        return hint
    kind, info, *more = get_args(hint)
    of = next((one for one in (Path, str) if one is kind or one in _parts(kind)), None)
    if (
        of is None
        or not isinstance(info, typer.models.ParameterInfo)
        or info.parser
        or getattr(info, "click_type", None)
    ):
        return hint
    told = copy(info)
    told.parser = _parser(of)
    return Annotated[kind, told, *more]


def _parts(kind: Any) -> list[Any]:
    """Every type within a union or a list."""
    return [inner for part in get_args(kind) for inner in (part, *_parts(part))]


def _parser(of: type[T]) -> Callable[[str], T]:
    def parse(given: str) -> T:
        if not str(given).strip():
            raise typer.BadParameter("it is empty")
        return of(given)

    parse.__name__ = of.__name__.lower()
    return parse
