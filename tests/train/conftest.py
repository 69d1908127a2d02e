"""Two runs of toy size, ready to start, and a folder in the PETRG layout, that many tests look into."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tiny_train import AUX, MANIFEST, toy

from petrg.imaging.nifti_file import write_nifti
from petrg.train.phantoms import PhantomSource
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


@pytest.fixture(scope="session")
def painted_images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The images of two digital patients, painted once."""
    folder = tmp_path_factory.mktemp("painted")
    for number, key in enumerate(("AP_1", "AP_2")):
        study = PhantomSource(number, None, 1, True, "").read(stored=False).study
        assert study is not None
        assert study.ct is not None
        write_nifti(study.ct, folder / f"{key}_0000.nii.gz")
        write_nifti(study.suv(), folder / f"{key}_0001.nii.gz")
    return folder


@pytest.fixture
def home(painted_images: Path, tmp_path: Path) -> Path:
    """Their studies in the PETRG layout."""
    shutil.copytree(painted_images, tmp_path / "images")
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "AP_1.json").write_text(json.dumps({"检查所见": "肝右叶结节，SUVmax约8.1。"}))
    (tmp_path / "reports" / "AP_2.txt").write_text("双肺未见异常。")
    (tmp_path / "template.json").write_text(json.dumps({"AP": {"F": "女性模板", "M": "男性模板"}}))
    (tmp_path / "manifest.csv").write_text(MANIFEST)
    return tmp_path
