"""Options that several verbs share, written once as a dataclass and spread into each verb's signature."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields
from functools import wraps
from typing import Any, TypeVar, get_type_hints

from petrg.cli.given import never_empty

__all__ = ["spread"]

R = TypeVar("R")


def spread(verb: Callable[..., R]) -> Callable[..., R]:
    """Replace each parameter of ``verb`` whose type is a dataclass by the fields of that dataclass.

    typer builds a command from a signature; so the fields, ``Annotated[..., typer.Option(...)]``,
    become options, and ``verb`` receives the dataclass made of them. Empty values are refused (`never_empty`).

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
    own = [(p, hints[name]) for name, p in signature.parameters.items() if name not in groups]
    plain = [p.replace(annotation=never_empty(hint, p.default)) for p, hint in own]
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
            annotation=never_empty(hints[field.name], field.default),
        )
        for field in fields(group)
    ]
