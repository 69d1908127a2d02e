"""What is frozen, what is shown, what goes wrong, what is lost beside the text."""

from __future__ import annotations

import math
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_train import toy
from torch import nn

from petrg.errors import ModelError
from petrg.model.cache import TensorCache, cache_key, weights_hash
from petrg.model.config import ResamplerConfig
from petrg.model.resampler import Resampler
from petrg.model.vit import ViT3D, keep_patches
from petrg.report import Structure, Uptake
from petrg.train import run
from petrg.train.augment import changes_of
from petrg.train.config import Augment, Dropout
from petrg.train.examples import EVERYTHING, Shown, shown
from petrg.train.features import Features
from petrg.train.heads import Heads, latents_of
from petrg.train.images import UNKNOWN
from petrg.train.losses import attention_loss, latent_loss, patch_loss
from petrg.train.order import BucketedBatches
from petrg.train.parts import trained
from petrg.train.run import Run, prepare
from petrg.train.scratch import new_tokenizer
from petrg.train.trainer import Best, PETRGTrainer
from petrg.train.validate import OTHERS, TEMPLATE, margin
from petrg.train.watch import Watch

AUX = {"losses__latent_regions": 1.0, "losses__attention": 1.0}


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Frozen features, adapters on a frozen language model."""
    config = toy(parts=["lora", "resamplers", "projections", "token_rows"], batches__cases=2, **AUX)
    return prepare(config, tmp_path_factory.mktemp("frozen"))


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The encoder learns, from volumes."""
    config = toy(
        parts=["vision", "resamplers", "projections", "token_rows", "language_model"],
        vision="trained",
        losses__patch_regions=1.0,
        data__lesions=2,
        model__network__vision__stem="conv",
        **AUX,
    )
    return prepare(config, tmp_path_factory.mktemp("learned"))


def batch_of(ready: Run, *what: Shown) -> dict[str, torch.Tensor]:
    cases = ready.split("train")
    return ready.collate([ready.examples.example(c, w) for c, w in zip(cases, what, strict=False)])


# what is trained


def test_frozen_parts_stay_in_eval_mode_whatever_train_says(frozen: Run) -> None:
    learner = frozen.learner
    learner.train()
    network = learner.network
    assert not any(m.training for m in network.vision.modules())
    assert all(m.training for m in network.ct_resampler.modules())
    for name, module in network.language_model.named_modules():
        adapter = name.rpartition(".")[2] == "lora_dropout" or ".lora_dropout." in name
        assert module.training == adapter, name
    names = {name for name, _ in trained(learner)}
    assert all(
        ".lora_" in n or "resampler" in n or "projection" in n or "token_rows" in n or "heads" in n for n in names
    )
    learner.eval()
    assert not any(m.training for m in learner.modules())


def test_a_layer_that_computes_anew_counts_as_training(tmp_path: Path) -> None:
    ready = prepare(toy(parts=["lora", "token_rows"], checkpointing=True, text_only=True), tmp_path)
    ready.learner.train()
    layers = [m for m in ready.network.language_model.modules() if getattr(m, "gradient_checkpointing", False)]
    assert layers
    assert all(m.training for m in layers)
    ready.learner(**ready.collate([ready.examples[0, 0]]))["loss"].backward()
    assert any(p.grad is not None and bool(p.grad.any()) for n, p in trained(ready.learner) if ".lora_" in n)


def test_the_frozen_encoder_has_no_gradient_and_no_dropout(frozen: Run) -> None:
    frozen.learner.train()
    frozen.learner(**batch_of(frozen, EVERYTHING, EVERYTHING))["loss"].backward()
    assert all(p.grad is None for p in frozen.network.vision.parameters())
    assert all(p.grad is not None for _, p in trained(frozen.learner))
    frozen.learner.zero_grad()


def test_every_trained_tensor_has_a_gradient_even_where_nothing_is_shown(learned: Run) -> None:
    learned.learner.train()
    learned.learner(**batch_of(learned, Shown(False, ())))["loss"].backward()
    assert all(p.grad is not None for _, p in trained(learned.learner))
    assert not any(bool(p.grad.any()) for n, p in trained(learned.learner) if "vision" in n and p.grad is not None)
    learned.learner.zero_grad()


# what is shown


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


def test_the_loss_does_not_depend_on_the_batch(frozen: Run, learned: Run) -> None:
    for ready in (frozen, learned):
        ready.learner.eval()
        cases = ready.split("train")
        examples = [ready.examples.example(c, EVERYTHING) for c in cases[:2]]
        rows = [len([k for k in e.row.labels if k != -100]) for e in examples]
        with torch.no_grad():
            ready.learner(**ready.collate(examples))
            both = float(ready.learner.said["text"])
            alone = []
            for example in examples:
                ready.learner(**ready.collate([example]))
                alone.append(float(ready.learner.said["text"]))
        assert math.isclose(both, float(np.average(alone, weights=rows)), abs_tol=1e-5)


def test_rows_are_filled_up_to_the_longest_and_no_further(frozen: Run) -> None:
    examples = [frozen.examples.example(c, EVERYTHING) for c in frozen.split("train")]
    batch = frozen.collate(examples)
    assert batch["input_ids"].shape[1] == max(len(e.row.ids) for e in examples) < 2048


def test_what_is_shown_follows_the_seed() -> None:
    dropout = Dropout(template=0.3, ct=0.2, pet=0.2, images=0.1)
    drawn = [shown(dropout, 1, 0, f"s{k}") for k in range(4000)]
    assert drawn == [shown(dropout, 1, 0, f"s{k}") for k in range(4000)]
    assert drawn != [shown(dropout, 1, 1, f"s{k}") for k in range(4000)]
    share = {m: sum(d.modalities == m for d in drawn) / 4000 for m in (("ct", "pet"), ("ct",), ("pet",), ())}
    assert all(
        math.isclose(share[m], p, abs_tol=0.03)
        for m, p in {("ct", "pet"): 0.5, ("ct",): 0.2, ("pet",): 0.2, (): 0.1}.items()
    )
    assert math.isclose(sum(not d.template for d in drawn) / 4000, 0.3, abs_tol=0.03)


def test_a_row_shows_only_what_it_may(frozen: Run) -> None:
    processor, case = frozen.processor, frozen.split("train")[0]
    for what in (EVERYTHING, Shown(False, ("ct",)), Shown(True, ("pet",)), Shown(False, ())):
        example = frozen.examples.example(case, what)
        for modality in ("ct", "pet"):
            marker = processor.tokenizer.convert_tokens_to_ids(f"<image_{modality}0>")
            assert (marker in example.row.ids) == (modality in what.modalities)
        mark = processor.tokenizer.convert_tokens_to_ids("<template>")
        assert (mark in example.row.ids) == what.template
        assert (example.images is None) == (not what.modalities)


def test_the_answer_and_the_end_are_taught_and_nothing_else(frozen: Run) -> None:
    case = frozen.split("train")[0]
    row = frozen.examples.example(case, EVERYTHING).row
    taught = [k for k in row.labels if k != -100]
    tokenizer = frozen.processor.tokenizer
    assert taught[-1] == tokenizer.eos_token_id
    assert tokenizer.decode(taught[:-1]) == case.answer


def test_shifts_move_the_targets_too_and_never_mirror(learned: Run) -> None:
    recipe = toy(recipe_changes={"name": "x", "input": {"spacing_mm": [4.0] * 3}}).typed_recipe
    change = changes_of(Augment(shift_mm=8.0, noise=0.0), recipe)
    assert change is not None
    volume = torch.zeros(1, 9, 9, 9)
    volume[0, 4, 4, 5] = 1.0
    images = {"ct": volume - 1, "pet": volume, "lesions": volume[0].to(torch.uint8)}
    seen = set()
    for k in range(60):
        moved = change(images, np.random.default_rng(k))
        at = moved["pet"][0].nonzero()[0]
        assert torch.equal(at, moved["lesions"].nonzero()[0])
        assert torch.equal(moved["ct"], moved["pet"] - 1)
        assert int((at - torch.tensor([4, 4, 5])).abs().max()) <= 2
        seen.add(tuple(at.tolist()))
    assert len(seen) > 20
    with pytest.raises(ModelError, match="at most the recipe's margin"):
        changes_of(Augment(shift_mm=40.0), recipe)
    noisy = changes_of(Augment(noise=0.1), recipe)
    assert noisy is not None
    assert torch.equal(noisy(images, np.random.default_rng(0))["pet"][0, 0, 0], torch.zeros(9))  # air stays air


def test_a_smaller_volume_keeps_its_place_in_mm(learned: Run) -> None:
    """In a larger grid every patch is what it was: more below, more on both sides; more above moves the top."""
    own = learned.examples.example(learned.split("train")[0], EVERYTHING).images
    assert own is not None
    shape = toy().model.network
    assert shape is not None
    vision = ViT3D(shape.vision).eval()  # a linear stem: convolutions would see a little over a patch's edge

    def seen(below: int, above: int) -> torch.Tensor:
        pads = (8, 8, 0, 0, 4 * below, 4 * above)
        z, y, x = (n // 4 for n in own["ct"].shape[1:])
        wanted = nn.functional.pad(own["wanted"].view(z, y, x), (2, 2, 0, 0, below, above)).flatten()
        with torch.no_grad():
            return vision(nn.functional.pad(own["ct"], pads, value=-1.0)[None], keep_patches(wanted[None]))

    with torch.no_grad():
        before = vision(own["ct"][None], keep_patches(own["wanted"][None]))
    assert torch.allclose(seen(1, 0), before, atol=1e-5)
    assert not torch.allclose(seen(0, 1), before, atol=1e-2)


# order


def test_every_case_is_seen_once_an_epoch_in_another_order() -> None:
    order = BucketedBatches([3, 9, 4, 1, 7, 5, 5, 2], 3, 7)
    first = [i for batch in order.all(0) for i in batch]
    second = [i for batch in order.all(1) for i in batch]
    assert sorted(first) == sorted(second) == list(range(8))
    assert first != second
    assert order.all(0) == order.all(0)


def test_rows_of_like_length_are_side_by_side() -> None:
    lengths = np.random.default_rng(0).integers(100, 2000, 256)
    spread = [np.ptp(lengths[b]) for b in BucketedBatches(lengths.tolist(), 8, 1).all(0)]
    assert np.mean(spread) < 150 < np.ptp(lengths) / 4


# cache


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


# losses


def test_aux_losses_are_there_and_reach_their_parts(learned: Run) -> None:
    learned.learner.train()
    learned.learner(**batch_of(learned, EVERYTHING))["loss"].backward()
    assert set(learned.learner.said) == {"text", "patch regions", "latent regions", "attention"}
    assert all(math.isfinite(float(v)) and float(v) > 0 for v in learned.learner.said.values())
    assert bool(learned.network.vision.blocks[0].attention.qkv.weight.grad.any())  # type: ignore[union-attr]
    assert all(p.grad is not None and bool(p.grad.any()) for p in learned.learner.heads.parameters())
    learned.learner.zero_grad()


def test_the_heads_are_no_part_of_the_network(learned: Run) -> None:
    assert not any("heads" in name for name in learned.network.state_dict())
    assert any(name.startswith("heads.") for name, _ in trained(learned.learner))


def test_attention_loss_is_minus_log_of_the_share() -> None:
    weights = torch.tensor([[[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]]])[:, None].log()  # (1, 1 head, 2 latents, 3 patches)
    lesions = torch.tensor([[[True, True, False], [False, False, True]]])
    seen = torch.tensor([[True]])
    found = attention_loss([weights], lesions, torch.tensor([[0, 1]]), seen)
    assert math.isclose(float(found), -(math.log(0.9) + math.log(0.8)) / 2, abs_tol=1e-6)
    anyone = attention_loss([weights], lesions, torch.tensor([[-1, -1]]), seen)
    assert math.isclose(float(anyone), -(math.log(0.9) + math.log(0.8)) / 2, abs_tol=1e-6)
    assert float(attention_loss([weights], lesions, torch.tensor([[-2, -2]]), seen)) == 0.0
    worse = attention_loss([weights], lesions.flip(1), torch.tensor([[0, 1]]), seen)
    assert float(worse) > float(found)


def test_attention_is_asked_of_what_a_row_shows_alone() -> None:
    ct, pet = torch.rand(2, 3, 2, 5).log_softmax(-1), torch.rand(2, 3, 2, 5).log_softmax(-1)
    lesions = torch.rand(2, 1, 5) < 0.9
    regions = torch.tensor([[0], [1]])
    seen = torch.tensor([[True, False], [False, True]])  # the first row CT, the second PET
    mixed = attention_loss([ct, pet], lesions, regions, seen)
    alone = [
        attention_loss([m[k : k + 1]], lesions[k : k + 1], regions[k : k + 1], torch.tensor([[True]]))
        for k, m in enumerate((ct, pet))
    ]
    assert torch.allclose(mixed, torch.stack(alone).mean())
    none = attention_loss([ct, pet], lesions, regions, torch.zeros(2, 2, dtype=torch.bool))
    assert float(none) == 0.0


def test_a_look_is_that_of_the_last_layer_and_changes_nothing() -> None:
    resampler = Resampler(24, ResamplerConfig(latents=4, depth=3, heads=2, head_dim=8, mlp_ratio=1))
    tokens = torch.randn(2, 7, 24)
    latents, weights = resampler.look(tokens)
    assert torch.equal(latents, resampler(tokens))
    assert weights.shape == (2, 2, 4, 7)
    before = resampler.latents.expand(2, -1, -1)
    for layer in resampler.layers[:-1]:  # type: ignore[attr-defined]
        before = layer(tokens, before, None, look=False)[0]
    attention = resampler.layers[-1].attention  # type: ignore[union-attr]
    at = attention.norm_latents(before)
    q = attention.to_q(at).view(2, 4, 2, 8).transpose(1, 2)
    k = attention.to_kv(torch.cat((attention.norm_media(tokens), at), 1))[..., :16].view(2, 11, 2, 8).transpose(1, 2)
    wanted = (q @ k.transpose(-1, -2) / 8**0.5).softmax(-1)[..., :7]
    assert torch.allclose(weights.exp(), wanted, atol=1e-6)


def test_unknown_targets_count_for_nothing(learned: Run) -> None:
    heads = learned.learner.heads
    tokens = torch.randn(1, 5, 24)
    known = torch.tensor([[0, 1, 2, UNKNOWN, UNKNOWN]])
    assert torch.allclose(patch_loss(heads, [tokens], known), patch_loss(heads, [tokens[:, :3]], known[:, :3]))
    classes, both = torch.full((1, 24, 2), UNKNOWN), torch.ones(1, 2, dtype=torch.bool)
    latents = torch.randn(1, 24, 24)
    assert float(latent_loss(heads, latents, latents, both, classes).detach()) == 0.0


CT_ALONE, PET_ALONE = Shown(True, ("ct",)), Shown(True, ("pet",))


@torch.no_grad()
def said(ready: Run, *what: Shown, **changes: torch.Tensor) -> float:
    ready.learner.eval()
    ready.learner(**{**batch_of(ready, *what), **changes})
    return float(ready.learner.said["latent regions"])


def test_a_row_is_asked_for_what_it_shows_whatever_stands_beside_it(frozen: Run, learned: Run) -> None:
    """Rows with CT alone and PET alone side by side lose what each loses by itself."""
    for ready in (frozen, learned):
        mixed = said(ready, CT_ALONE, PET_ALONE)
        batch = batch_of(ready, EVERYTHING, EVERYTHING)
        assert said(ready, EVERYTHING, EVERYTHING) != mixed
        first = said(ready, CT_ALONE)
        second = {k: v[1:] for k, v in batch_of(ready, CT_ALONE, PET_ALONE).items() if k not in ("ct", "seed")}
        with torch.no_grad():
            ready.learner(**second)
        assert math.isclose(mixed, first + float(ready.learner.said["latent regions"]), abs_tol=1e-5)
        # structure alone of the first row, uptake alone of the second: 24 labels of each
        classes = batch["classes"].clone()
        classes[0, :, 0], classes[1, :, 1] = UNKNOWN, UNKNOWN
        assert math.isclose(said(ready, CT_ALONE, PET_ALONE, classes=classes), mixed, abs_tol=1e-6)
        classes[0, :, 1], classes[1, :, 0] = UNKNOWN, UNKNOWN
        assert said(ready, CT_ALONE, PET_ALONE, classes=classes) == 0.0


def test_the_heads_see_nothing_of_an_image_that_is_not_shown(learned: Run) -> None:
    """PET of a row that shows CT alone lies in the batch, where another row shows it."""
    pet = batch_of(learned, EVERYTHING, EVERYTHING)["pet"].clone()
    before = said(learned, CT_ALONE, EVERYTHING, pet=pet)
    pet[0] = torch.rand(pet[0].shape)
    assert math.isclose(said(learned, CT_ALONE, EVERYTHING, pet=pet), before, abs_tol=1e-6)
    pet[1] = torch.rand(pet[1].shape)
    assert not math.isclose(said(learned, CT_ALONE, EVERYTHING, pet=pet), before, abs_tol=1e-4)


def test_latents_are_dealt_to_the_regions() -> None:
    dealt = [latents_of(region, 120) for region in range(24)]
    assert sorted(k for own in dealt for k in own) == list(range(120))
    config = toy(model__network__resampler__latents=48, **AUX)
    heads = Heads(config.model.network, config.losses)
    latents = torch.arange(48.0)[None, :, None].expand(1, 48, 24)
    assert torch.allclose(heads.of_regions(latents)[0, :, 0], torch.arange(24.0) + 12)
    assert heads.uptake is not None
    assert heads.structure is not None
    assert (heads.uptake.out_features, heads.structure.out_features) == (len(Uptake), len(Structure))


# what goes wrong


def test_a_loss_that_is_no_number_stops_with_the_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = PETRGTrainer.compute_loss

    def broken(self: PETRGTrainer, *args: Any, **kwargs: Any) -> Any:
        loss = own(self, *args, **kwargs)
        return loss * float("nan") if self.state.global_step == 1 else loss

    monkeypatch.setattr(PETRGTrainer, "compute_loss", broken)
    with pytest.raises(ModelError, match="the loss is nan at step 2"):
        run.train(toy(), tmp_path / "run")


def test_divergence_stops_with_the_step() -> None:
    watch = Watch(toy(stop__after_steps=5, stop__divergence=2.0))
    for step in range(1, 30):
        watch.loss(2.0, step)
    with pytest.raises(ModelError, match=r"the loss rose to .* at step 3"):
        for step in range(30, 60):
            watch.loss(9.0, step)
    with pytest.raises(ModelError, match="the gradient's norm is inf at step 9"):
        watch.gradient(math.inf, 9)


def test_the_best_is_the_widest_margin_over_chance() -> None:
    best = Best()
    scores = [(0.3, 0.2, 2.0), (0.6, 0.58, 1.0), (0.3, 0.2, 1.5), (None, None, 0.1)]
    for step, (value, chance, loss) in enumerate(scores, 1):
        found = {"loss": loss, "Lesion-F1": value, f"Lesion-F1 of {OTHERS}": chance, f"Lesion-F1 of {TEMPLATE}": 0.0}
        best.judge(found, "Lesion-F1", step, 2)
        assert not best.stopped
    assert (best.step, best.waited) == (3, 1)  # of equal margins the lower loss
    best.judge({"loss": 9.0}, "Lesion-F1", 5, 2)
    assert best.stopped
    assert margin({"loss": 2.0}, "loss") == -2.0
    better_templates = {"PET-All": 0.5, f"PET-All of {OTHERS}": 0.3, f"PET-All of {TEMPLATE}": 0.75}
    assert margin(better_templates, "PET-All") == -0.25
    assert margin({"PET-All": 0.5, f"PET-All of {OTHERS}": None, f"PET-All of {TEMPLATE}": 0.75}, "PET-All") is None


def test_a_report_longer_than_the_recipe_allows_is_refused_before_training(tmp_path: Path) -> None:
    changes = {"name": "x", "input": {"spacing_mm": [32.0] * 3}, "supervision": {"max_length": 100}}
    with pytest.raises(ModelError, match=r"case 1 of train: .* tokens — expected at most 100"):
        prepare(toy(recipe_changes=changes), tmp_path)


def test_any_text_can_be_written_with_a_learned_tokenizer() -> None:
    tokenizer = new_tokenizer(["肝脏未见异常。SUVmax约<suvmax>"] * 3, 300)
    text = "肾 kidney ☃ <suvmax>，<long>。\n"
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(ids) == text
    assert len(tokenizer("<suvmax>", add_special_tokens=False)["input_ids"]) == 1
