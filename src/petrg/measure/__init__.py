"""Algorithms that measure: where a voxel is, lesions, reference regions -> Record.

The room is also the verb: ``petrg.measure(study)`` is `petrg.measure.measure.measure`.
"""

from __future__ import annotations

from typing import Any

from petrg.verbs import make_callable

__all__: list[str] = []


def _measure(*args: Any, **kwargs: Any) -> Any:
    from petrg.measure.measure import measure  # numpy waits until something is measured

    return measure(*args, **kwargs)


make_callable(__name__, "_measure")
