"""Rooms that are also verbs: `petrg.draft` is a package and `petrg.draft(study)` drafts."""

from __future__ import annotations

import sys
import types
from typing import Any

__all__ = ["make_callable"]


class _CallableModule(types.ModuleType):
    """A module whose call is its verb, the function named in ``__verb__``."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return getattr(self, self.__verb__)(*args, **kwargs)


def make_callable(module_name: str, verb: str) -> None:
    """Let the module ``module_name`` be called as its function ``verb``."""
    module = sys.modules[module_name]
    module.__class__ = _CallableModule
    module.__dict__["__verb__"] = verb
