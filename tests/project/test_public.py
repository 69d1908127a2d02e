"""What a user may import is what `__all__` names, everywhere."""

from __future__ import annotations

import importlib
import pkgutil
import types

import pytest

import petrg

MODULES = sorted(m.name for m in pkgutil.walk_packages(petrg.__path__, "petrg.") if not m.name.endswith("__main__"))


def test_public_names_of_the_package_resolve() -> None:
    assert list(petrg.__all__) == sorted(set(petrg.__all__))
    assert set(dir(petrg)) == {*petrg.__all__, "__version__"}
    for name in petrg.__all__:
        assert getattr(petrg, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = petrg.nothing


@pytest.mark.parametrize("name", MODULES)
def test_all_equals_the_public_names(name: str) -> None:
    module = importlib.import_module(name)
    if not hasattr(module, "__all__"):
        assert not _own_public(module), f"{name} defines public names and has no __all__"
        return
    missing = [n for n in module.__all__ if not hasattr(module, n)]
    assert not missing, f"{name}.__all__ names what is not there: {missing}"
    hidden = _own_public(module) - set(module.__all__)
    assert not hidden, f"{name} leaves out of __all__: {sorted(hidden)}"


def _own_public(module: types.ModuleType) -> set[str]:
    """Functions and classes that the module itself defines under a public name."""
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and isinstance(value, (type, types.FunctionType))
        and value.__module__ == module.__name__
    }
