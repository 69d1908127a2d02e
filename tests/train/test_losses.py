"""Losses beside the text's: what each asks, of which rows, and what it reaches."""

from __future__ import annotations

import math

import torch
from tiny_train import AUX, EVERYTHING, batch_of, toy

from petrg.model.config import ResamplerConfig
from petrg.model.resampler import Resampler
from petrg.report import Structure, Uptake
from petrg.train.examples import Shown
from petrg.train.heads import Heads, latents_of
from petrg.train.images import UNKNOWN
from petrg.train.losses import attention_loss, latent_loss, patch_loss
from petrg.train.run import Run


def test_aux_losses_are_there_and_reach_their_parts(seeing: Run) -> None:
    seeing.learner.train()
    seeing.learner(**batch_of(seeing, EVERYTHING))["loss"].backward()
    assert set(seeing.learner.said) == {"text", "patch regions", "latent regions", "attention"}
    assert all(math.isfinite(float(v)) and float(v) > 0 for v in seeing.learner.said.values())
    assert bool(seeing.network.vision.blocks[0].attention.qkv.weight.grad.any())  # type: ignore[union-attr]
    assert all(p.grad is not None and bool(p.grad.any()) for p in seeing.learner.heads.parameters())
    seeing.learner.zero_grad()


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


def test_unknown_targets_count_for_nothing(seeing: Run) -> None:
    heads = seeing.learner.heads
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


def test_a_row_is_asked_for_what_it_shows_whatever_stands_beside_it(frozen: Run, seeing: Run) -> None:
    """Rows with CT alone and PET alone side by side lose what each loses by itself."""
    for ready in (frozen, seeing):
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


def test_the_heads_see_nothing_of_an_image_that_is_not_shown(seeing: Run) -> None:
    """PET of a row that shows CT alone lies in the batch, where another row shows it."""
    pet = batch_of(seeing, EVERYTHING, EVERYTHING)["pet"].clone()
    before = said(seeing, CT_ALONE, EVERYTHING, pet=pet)
    pet[0] = torch.rand(pet[0].shape)
    assert math.isclose(said(seeing, CT_ALONE, EVERYTHING, pet=pet), before, abs_tol=1e-6)
    pet[1] = torch.rand(pet[1].shape)
    assert not math.isclose(said(seeing, CT_ALONE, EVERYTHING, pet=pet), before, abs_tol=1e-4)


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
