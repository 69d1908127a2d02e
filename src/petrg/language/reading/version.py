"""The name of this labeller, which travels with every score."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib.resources import files

__all__ = ["RULES", "version"]

RULES = 3
"""Version of the reader's rules; raised with every change of code that may change a label."""


@cache
def version() -> str:
    """Name, version of the rules, and a hash over the lexica.

    Labels of different versions are labels of different labellers.

    >>> version().startswith(f"petrg-reading {RULES} (lexica ")
    True
    """
    digest = sha256()
    folder = files("petrg.language").joinpath("lexica")
    for file in sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return f"petrg-reading {RULES} (lexica {digest.hexdigest()[:8]})"
