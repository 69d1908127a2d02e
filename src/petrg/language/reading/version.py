"""The name of this labeller, which travels with every score."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

__all__ = ["RULES", "version"]

RULES = 4
"""Version of the reader's rules, for people; the hash tells any two states apart."""

_MATTERS = (("petrg.language", ("reading", "lexica")), ("petrg.report", ("labels.py",)), ("petrg", ("anatomy",)))
"""All that decides what is read from a text: grammar, lexica, label table, anatomy."""


@cache
def version() -> str:
    """Name, version of the rules, and a hash over grammar, lexica, label table and anatomy.

    Labels of different versions are labels of different labellers.

    >>> version().startswith(f"petrg-reading {RULES} (")
    True
    """
    digest = hashlib.sha256()
    for package, names in _MATTERS:
        for name in names:
            _add(digest, files(package).joinpath(name))
    return f"petrg-reading {RULES} ({digest.hexdigest()[:8]})"


def _add(digest: hashlib._Hash, item: Traversable) -> None:
    if item.is_dir():
        for inner in sorted(item.iterdir(), key=lambda one: one.name):
            _add(digest, inner)
    elif item.name.endswith((".py", ".toml")):
        digest.update(item.name.encode() + b"\0" + item.read_bytes().replace(b"\r\n", b"\n") + b"\0")
