"""Options that several verbs share, written once as a dataclass and spread into each verb's signature."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields
from functools import wraps
from typing import Any, TypeVar, get_type_hints

__all__ = ["spread"]

R = TypeVar("R")


def spread(verb: Callable[..., R]) -> Callable[..., R]:
    """Replace each parameter of ``verb`` whose type is a dataclass by the fields of that dataclass.

    typer builds a command from a signature; so the fields, ``Annotated[..., typer.Option(...)]``,
    become options, and ``verb`` receives the dataclass made of them.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Paint:
    ...     colour: str = "red"
    ...     coats: int = 1
    >>> def fence(metres: float, paint: Paint) -> str:
    ...     return f"{metres} m, {paint.coats} x {paint.colour}"
    >>> str(inspect.signature(spread(fence)))
    "(metres: float, *, colour: str = 'red', coats: int = 1) -> str"
    >>> spread(fence)(metres=2.0, colour="blue", coats=3)
    '2.0 m, 3 x blue'
    """
    hints = get_type_hints(verb, include_extras=True)
    signature = inspect.signature(verb)
    groups = {name: hint for name, hint in hints.items() if hasattr(hint, "__dataclass_fields__")}
    plain = [p.replace(annotation=hints[n]) for n, p in signature.parameters.items() if n not in groups]
    shared = [parameter for group in groups.values() for parameter in _parameters(group)]

    @wraps(verb)
    def call(*args: Any, **given: Any) -> R:
        made = {name: cls(**{f.name: given.pop(f.name) for f in fields(cls)}) for name, cls in groups.items()}
        return verb(*args, **given, **made)

    parameters = [*plain, *shared]
    call.__signature__ = signature.replace(parameters=parameters, return_annotation=hints["return"])  # type: ignore[attr-defined]
    call.__annotations__ = {p.name: p.annotation for p in parameters} | {"return": hints["return"]}
    return call


def _parameters(group: Any) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in fields(group)
    ]
