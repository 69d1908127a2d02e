"""Two runs of toy size, ready to start, that many tests look into."""

from __future__ import annotations

import pytest
from tiny_train import AUX, toy

from petrg.train.run import Run, prepare


@pytest.fixture(scope="session")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Frozen features, adapters on a frozen language model."""
    config = toy(parts=["lora", "resamplers", "projections", "token_rows"], batches__cases=2, **AUX)
    return prepare(config, tmp_path_factory.mktemp("frozen"))


@pytest.fixture(scope="session")
def seeing(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The encoder learns, from volumes."""
    config = toy(
        parts=["vision", "resamplers", "projections", "token_rows", "language_model"],
        vision="trained",
        losses__patch_regions=1.0,
        data__lesions=2,
        model__network__vision__stem="conv",
        **AUX,
    )
    return prepare(config, tmp_path_factory.mktemp("seeing"))
