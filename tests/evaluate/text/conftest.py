"""jieba itself, to compare with; its cache goes to a folder of the tests."""

from __future__ import annotations

import logging
import warnings
from typing import Any

import pytest


@pytest.fixture(scope="session")
def plain_jieba(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """An own tokenizer of the installed jieba."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jieba
    jieba.setLogLevel(logging.CRITICAL)
    made = jieba.Tokenizer()
    made.tmp_dir = str(tmp_path_factory.mktemp("jieba"))
    made.initialize()
    return made
