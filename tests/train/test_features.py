"""Features of the frozen encoder, and the cache that keeps them."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import torch
from tiny_train import toy

from petrg.model.cache import TensorCache, cache_key, weights_hash
from petrg.model.vit import ViT3D, keep_patches
from petrg.train.features import Features
from petrg.train.images import ALONE
from petrg.train.run import Run, prepare


def test_cached_features_are_those_of_the_encoder(frozen: Run) -> None:
    source = frozen.split("train")[0].source
    assert source is not None
    assert isinstance(frozen.examples.images, Features)
    cached = frozen.examples.images(source)
    images = frozen.examples.images.images.read(source)
    frozen.network.eval()
    with torch.no_grad():
        kept = keep_patches(images["wanted"][None])
        ct, pet = frozen.network.see(images["ct"][None], images["pet"][None], kept)
    assert ct is not None
    assert pet is not None
    keep = images["wanted"]
    assert cached["ct"].shape == (int(keep.sum()), 24)
    assert torch.allclose(cached["ct"].float(), ct[0], atol=1e-4)
    assert torch.allclose(cached["pet"].float(), pet[0], atol=1e-4)
    assert not torch.allclose(cached["pet"].float(), ct[0], atol=1e-2)


def test_features_follow_content_recipe_and_weights(frozen: Run) -> None:
    images = frozen.examples.images
    assert isinstance(images, Features)
    a, b = (c.source for c in frozen.split("train")[:2])
    assert a is not None
    assert b is not None
    assert images.key(a) != images.key(b)
    other = Features(frozen.network, images.images, images.cache, torch.bfloat16)
    assert other.key(a) != images.key(a)
    vision = ViT3D(frozen.network.config.parts.vision)
    vision.load_state_dict(frozen.network.vision.state_dict())
    assert weights_hash(vision) == weights_hash(frozen.network.vision)
    with torch.no_grad():
        vision.positions.tables[0].weight[0, 0] += 1e-6  # type: ignore[operator, union-attr]
    assert weights_hash(vision) != weights_hash(frozen.network.vision)


def test_a_changed_byte_misses(tmp_path: Path) -> None:
    cache = TensorCache(tmp_path)
    key = cache_key(content="a", recipe={"x": 1})
    cache.keep(key, {"t": torch.arange(6.0).view(2, 3), "n": torch.tensor([True])})
    found = cache.find(key)
    assert found is not None
    assert torch.equal(found["t"], torch.arange(6.0).view(2, 3))
    assert cache.find(cache_key(content="b", recipe={"x": 1})) is None
    path = cache.path(key)
    for place in (0, len(path.read_bytes()) // 2, -1):
        raw = bytearray(path.read_bytes())
        raw[place] ^= 1
        path.write_bytes(raw)
        assert cache.find(key) is None
        raw[place] ^= 1
        path.write_bytes(raw)
    path.write_bytes(path.read_bytes()[:-5])
    assert cache.find(key) is None
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_many_writers_leave_one_whole_file(tmp_path: Path) -> None:
    cache, key = TensorCache(tmp_path), cache_key(content="x")
    tensors = {"t": torch.randn(200, 200)}
    children = []
    for _ in range(4):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 warns of threads, which are idle here
            child = os.fork()
        if child == 0:
            for _ in range(10):
                cache.keep(key, tensors)
            os._exit(0)
        children.append(child)
    while key not in cache:
        pass
    found = [cache.find(key) for _ in range(50)]
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    assert all(f is not None and torch.equal(f["t"], tensors["t"]) for f in found)
    assert [p.name for p in cache.path(key).parent.iterdir()] == [cache.path(key).name]


def test_the_pet_is_encoded_alone_only_where_a_row_shows_it_alone(tmp_path: Path) -> None:
    for ct, wanted in ((0.2, True), (0.0, False)):
        ready = prepare(toy(dropout={"ct": ct, "pet": 0.2}, data__train=1), tmp_path / str(ct))
        (case,) = ready.split("train")
        assert isinstance(ready.examples.images, Features)
        names = set(ready.examples.images(case.source))
        assert any(name.startswith(ALONE) for name in names) is wanted
        assert {"ct", "pet"} < names
