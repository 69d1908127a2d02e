"""Study to report: the writers, what may be called normal, de-identification, the check against the image.

The room is also the verb: ``petrg.draft(study)`` is `petrg.draft.pipeline.draft`.
"""

from __future__ import annotations

from typing import Any

from petrg.verbs import make_callable

__all__: list[str] = []


def _draft(*args: Any, **kwargs: Any) -> Any:
    from petrg.draft.pipeline import draft  # numpy waits until something is drafted

    return draft(*args, **kwargs)


make_callable(__name__, "_draft")
