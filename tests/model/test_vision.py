"""The 3D transformer against plain arithmetic, and the laws of its inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from petrg.errors import StudyError, UnitError
from petrg.imaging import Grid, Quantity, Study, Volume
from petrg.model import stem, vit
from petrg.model.config import VisionConfig
from petrg.model.mm_input import mm_grid, mm_volumes, suv_curve, suv_of, windows
from petrg.model.positions import Positions, from_middle, from_top
from petrg.model.recipe import MmInput, Recipe, StoredInput
from petrg.model.stem import ConvStem, LinearStem, keep_patches, patches
from petrg.model.stored_input import scale_pet, stored_volumes
from petrg.model.vit import Attention, FeedForward, ViT3D

SMALL = VisionConfig(patch=(4, 4, 2), dim=24, depth=2, heads=2, head_dim=8, mlp_dim=40, position_tables=(8, 8, 8))
RECIPE = MmInput(spacing_mm=(4.0, 4.0, 4.0), windows_hu=((-1000.0, 1000.0), (-160.0, 240.0)))


def test_one_channel_equals_three_equal_ones() -> None:
    torch.manual_seed(0)
    stem = LinearStem(SMALL)
    torch.nn.init.normal_(stem.norm_in.weight)
    torch.nn.init.normal_(stem.norm_in.bias)
    volume = torch.randn(2, 1, 8, 8, 4)
    assert torch.allclose(stem(volume), stem(volume.expand(-1, 3, -1, -1, -1)), atol=1e-5)
    unequal = volume.expand(-1, 3, -1, -1, -1).clone()
    unequal[:, 1] += 1
    assert not torch.allclose(stem(volume), stem(unequal), atol=1e-2)


def test_a_stem_without_a_norm_before_it_sees_the_level() -> None:
    torch.manual_seed(0)
    volume = torch.rand(1, 1, 8, 8, 4)
    released = LinearStem(SMALL)
    ours = LinearStem(SMALL.model_copy(update={"normalise_patches": False}))
    assert torch.allclose(released(volume), released(volume + 5), atol=1e-3)  # a whole patch hotter: not seen
    assert not torch.allclose(ours(volume), ours(volume + 5), atol=1e-1)
    assert torch.allclose(ours(volume), ours(volume.expand(-1, 3, -1, -1, -1)), atol=1e-5)


def test_patches_are_cut_in_the_order_of_the_released_design() -> None:
    volume = torch.arange(2 * 8 * 8 * 4.0).view(1, 2, 8, 8, 4)
    cut = torch.cat(list(patches(volume, (4, 4, 2))), dim=1)
    assert cut.shape == (1, 8, 64)
    # patch (1, 0, 1) is number 1 * 4 + 0 * 2 + 1; inside, (p1, p2, pf, c) with the channel fastest
    assert torch.equal(cut[0, 5], volume[0, :, 4:8, 0:4, 2:4].permute(1, 2, 3, 0).flatten())


def test_attention_equals_the_matrix_written_out() -> None:
    torch.manual_seed(1)
    layer = Attention(SMALL).eval()
    x = torch.randn(2, 5, 24)
    q, k, v = layer.qkv(layer.norm(x)).view(2, 5, 3, 2, 8).permute(2, 0, 3, 1, 4)
    weights = ((q @ k.transpose(-1, -2)) / 8**0.5).softmax(-1)
    wanted = x + layer.out((weights @ v).transpose(1, 2).reshape(2, 5, 16))
    assert torch.allclose(layer(x, None), wanted, atol=1e-5)


def test_a_perceptron_has_the_exact_gelu() -> None:
    """Not the tanh form, which is up to 5e-4 off."""
    torch.manual_seed(1)
    layer = FeedForward(SMALL).eval()
    x = 3 * torch.randn(2, 5, 24)
    inner = layer.up(layer.norm(x)) * 2
    layer.up.weight.data, layer.up.bias.data = 2 * layer.up.weight.data, 2 * layer.up.bias.data
    exact = inner * 0.5 * (1 + torch.erf(inner / 2**0.5))
    assert torch.allclose(layer(x), x + layer.down(exact), atol=2e-6)
    assert not torch.allclose(layer(x), x + layer.down(F.gelu(inner, approximate="tanh")), atol=2e-5)


@pytest.mark.parametrize("stem", ["linear", "conv"])
def test_a_row_does_not_depend_on_its_batch(stem: str) -> None:
    torch.manual_seed(2)
    vit = ViT3D(SMALL.model_copy(update={"stem": stem})).eval()
    volumes = torch.randn(2, 1, 8, 8, 8)
    wanted = torch.rand(2, 16) > torch.tensor([[0.3], [0.7]])
    together = vit(volumes, keep_patches(wanted))
    for row in range(2):
        alone = vit(volumes[row : row + 1], keep_patches(wanted[row : row + 1]))
        assert torch.allclose(together[row : row + 1, : alone.shape[1]], alone, atol=1e-5)
    everything = vit(volumes, keep_patches(torch.ones(2, 16, dtype=torch.bool)))
    assert torch.allclose(everything, vit(volumes), atol=1e-5)


def test_patches_left_out_are_not_looked_at() -> None:
    torch.manual_seed(3)
    vit = ViT3D(SMALL).eval()
    volume = torch.randn(1, 1, 8, 8, 8)
    wanted = torch.ones(1, 16, dtype=torch.bool)
    wanted[0, 0] = False
    changed = volume.clone()
    changed[:, :, :4, :4, :2] *= -3  # patch 0
    kept = keep_patches(wanted)
    assert torch.equal(vit(volume, kept), vit(changed, kept))
    assert not torch.allclose(vit(volume), vit(changed), atol=1e-3)


@pytest.mark.parametrize("patch", [(4, 4, 4), (6, 2, 1), (4, 2, 1)])
def test_convolutions_run_round_the_body_only_and_see_what_they_saw(patch: tuple[int, int, int]) -> None:
    torch.manual_seed(4)
    stem = ConvStem(SMALL.model_copy(update={"stem": "conv", "patch": patch, "normalise_patches": False}))
    volumes = torch.randn(2, 3, *(9 * p for p in patch))
    wanted = torch.zeros(2, 9, 9, 9, dtype=torch.bool)
    wanted[0, 3:5, 4, 5], wanted[1, 4, 3:6, 4] = True, True
    kept = keep_patches(wanted.flatten(1))
    assert kept.there is not None, "rows of different length"
    sizes: list[int] = []
    stem.layers[0].register_forward_hook(lambda _, given, __: sizes.append(given[0].numel()))
    whole = stem(volumes).gather(1, kept.at[:, :, None].expand(-1, -1, SMALL.dim))
    some = stem(volumes, kept)
    assert torch.allclose(some[kept.there], whole[kept.there], atol=1e-5)
    assert sizes[1] < sizes[0] / 4
    stem.reach = (0, 0, 0)  # the box without what lies round it is not enough
    assert not torch.allclose(stem(volumes, kept)[kept.there], whole[kept.there], atol=1e-3)


def test_a_convolutional_stem_takes_one_channel_for_equal_ones() -> None:
    torch.manual_seed(5)
    stem = ConvStem(SMALL.model_copy(update={"stem": "conv", "normalise_patches": False}))
    volume = torch.randn(1, 1, 8, 8, 4)
    assert torch.allclose(stem(volume), stem(volume.expand(-1, 3, -1, -1, -1)), atol=1e-5)


def test_a_body_at_the_edge_is_padded_as_the_volume_is() -> None:
    torch.manual_seed(6)
    stem = ConvStem(SMALL.model_copy(update={"stem": "conv", "normalise_patches": False}))
    volumes = torch.randn(1, 3, 20, 20, 10)
    wanted = torch.zeros(1, 5, 5, 5, dtype=torch.bool)
    wanted[0, 0, 4, 0] = True
    kept = keep_patches(wanted.flatten(1))
    assert torch.allclose(stem(volumes, kept)[0, 0], stem(volumes)[0, int(kept.at[0, 0])], atol=1e-5)


def test_tokens_go_through_a_perceptron_in_parts_and_come_out_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vit, "_TOKENS", 7)
    torch.manual_seed(7)
    layer = FeedForward(SMALL).eval()
    x = torch.randn(2, 30, SMALL.dim)
    whole = layer(x)
    assert whole.requires_grad, "in training it is one piece"
    lengths: list[int] = []
    layer.up.register_forward_hook(lambda _, given, __: lengths.append(given[0].shape[1]))
    with torch.no_grad():
        assert torch.allclose(layer(x), whole, atol=1e-6)
    assert lengths == [7, 7, 7, 7, 2]


class _Made(TorchDispatchMode):
    """The most values of any tensor made, and the types of all."""

    def __init__(self) -> None:
        super().__init__()
        self.most, self.types = 0, set[torch.dtype]()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        views = any(
            a.untyped_storage().data_ptr() == o.untyped_storage().data_ptr()
            for a in _tensors(args)
            for o in _tensors(out)
        )
        for tensor in _tensors(out):
            self.types.add(tensor.dtype)
            self.most = self.most if views else max(self.most, tensor.numel())
        return out


def _tensors(tree: Any) -> list[torch.Tensor]:
    return [t for t in tree_leaves(tree) if isinstance(t, torch.Tensor)]


@pytest.mark.parametrize("air", [False, True])
def test_encoding_holds_no_second_volume_nor_a_matrix_of_attention(monkeypatch: pytest.MonkeyPatch, air: bool) -> None:
    monkeypatch.setattr(stem, "_PIECE", 4096)
    monkeypatch.setattr(vit, "_TOKENS", 64)
    config = SMALL.model_copy(update={"patch": (8, 8, 8)})
    network = ViT3D(config).eval()
    volumes = torch.rand(1, 1, 64, 64, 64)
    kept = keep_patches(torch.arange(512)[None] % 3 > 0) if air else None
    tokens = 512 if kept is None else kept.at.shape[1]
    with torch.inference_mode(), _Made() as made:
        network(volumes, kept)
    weights = max(p.numel() for p in network.parameters())
    assert made.most <= max(weights, tokens * 3 * config.heads * config.head_dim) < volumes.numel()
    assert tokens * config.dim <= made.most < tokens**2
    assert made.types <= {torch.float32, torch.int64}, "no float64"


def test_positions_are_added_once_for_each_axis() -> None:
    config = SMALL.model_copy(update={"position": "mm"})
    positions = Positions(config)
    place = positions((3, 2, 2)).view(3, 2, 2, 24)
    z, y, x = (table.weight for table in positions.tables)
    assert torch.equal(place[2, 1, 0], torch.cat([z[0], y[4], x[3]]))  # the last patch along z is the top
    assert torch.equal(place[0, 0, 1], torch.cat([z[2], y[3], x[4]]))


@given(st.integers(1, 40), st.integers(1, 40))
def test_more_patches_move_no_index(few: int, more: int) -> None:
    few, more = sorted((few, more))
    assert torch.equal(from_top(more, 64)[more - few :], from_top(few, 64))
    side = (more - few) // 2 * 2
    assert torch.equal(from_middle(few + side, 64)[side // 2 : side // 2 + few], from_middle(few, 64))


@given(st.floats(0, 200, width=32))
def test_the_suv_curve_is_invertible(suv: float) -> None:
    there = suv_curve(np.array([suv], np.float32), RECIPE)
    assert float(suv_of(there, RECIPE)[0]) == pytest.approx(suv, rel=1e-4, abs=1e-5)


def test_the_suv_curve_is_the_same_for_everyone_and_the_released_one_is_not() -> None:
    suv = np.linspace(0, 10, 1000, dtype=np.float32).reshape(10, 10, 10)
    assert not np.allclose(suv_curve(suv, RECIPE), suv_curve(2 * suv, RECIPE), atol=0.01)
    hotter = np.expm1(np.log1p(suv) * 1.5).astype(np.float32)  # another patient, 1.5 x in log1p
    assert np.allclose(scale_pet(suv, StoredInput()), scale_pet(hotter, StoredInput()), atol=1e-5)


def test_windows_go_from_minus_one_to_one() -> None:
    hu = np.array([-2000, -1000, -160, 0, 40, 240, 3000], np.float32)
    whole, soft = windows(hu, RECIPE)
    assert whole.tolist() == [-1, -1, pytest.approx(-0.16), 0, pytest.approx(0.04), pytest.approx(0.24), 1]
    assert soft.tolist() == [-1, -1, -1, pytest.approx(-0.2), 0, 1, 1]


def _study(shape: tuple[int, int, int] = (20, 24, 24), spacing: tuple[float, float, float] = (4.0, 4.0, 4.0)) -> Study:
    z, y, x = np.indices(shape)
    inside = (y - shape[1] / 2) ** 2 + (x - shape[2] / 2) ** 2 < (shape[1] / 4) ** 2
    grid = Grid.from_spacing(shape, spacing)
    hu = np.where(inside, 40.0, -1000.0).astype(np.float32)
    hu[:, shape[1] // 2, shape[2] // 2] = -900.0  # air inside the body
    suv = np.where(inside, 1.0 + z / 10, 0.0).astype(np.float32)
    return Study(id="p", ct=Volume(hu, grid, Quantity.HU), pet=Volume(suv, grid, Quantity.SUV_BW))


def test_air_is_left_out_and_padding_is_air() -> None:
    seen = mm_volumes(_study(), RECIPE, (8, 8, 8))
    assert seen.ct is not None
    assert seen.pet is not None
    assert seen.ct.shape == (2, 24, 32, 32)
    assert seen.pet.shape == (1, 24, 32, 32)
    assert (seen.ct[:, :4] == -1).all()  # four slices below the scan
    assert (seen.pet[:, :4] == 0).all()
    wanted = seen.wanted.reshape(3, 4, 4)
    assert not wanted[:, 0, 0].any()  # a corner of air
    assert wanted[:, 1:3, 1:3].all()


def test_a_couch_is_no_body() -> None:
    study = _study((16, 48, 48))
    hu = study.ct.array.copy()
    hu[:, 42:47, 4:44] = -80.0
    hu[:, 43:46, 5:43] = -930.0  # a shell filled with foam, as wide as a table
    lying = Study(id="p", ct=Volume(hu, study.ct.grid, Quantity.HU), pet=study.pet)
    bare, seen = mm_volumes(study, RECIPE, (8, 8, 8)), mm_volumes(lying, RECIPE, (8, 8, 8))
    assert np.array_equal(seen.wanted, bare.wanted)
    assert not np.array_equal(seen.ct, bare.ct), "it is shown where its patch is"
    blind = mm_volumes(lying, RECIPE.model_copy(update={"couch_mm": 0.0}), (8, 8, 8))
    assert blind.wanted.sum() > seen.wanted.sum()


def test_a_crop_at_the_feet_moves_nothing() -> None:
    whole = _study()
    cut = Study(
        id="p",
        ct=Volume(whole.ct.array[8:], Grid.from_spacing((12, 24, 24), (4, 4, 4), (0, 0, 32)), Quantity.HU),
        pet=Volume(whole.pet.array[8:], Grid.from_spacing((12, 24, 24), (4, 4, 4), (0, 0, 32)), Quantity.SUV_BW),
    )
    a, b = mm_volumes(whole, RECIPE, (4, 8, 8)), mm_volumes(cut, RECIPE, (4, 8, 8))
    assert np.array_equal(a.pet[:, -12:], b.pet)
    assert np.array_equal(a.wanted.reshape(-1, 16)[-3:], b.wanted.reshape(-1, 16))


@settings(max_examples=20)
@given(st.tuples(st.integers(3, 30), st.integers(3, 30), st.integers(3, 30)), st.floats(1.5, 6.0))
def test_the_grid_holds_the_scan_in_whole_patches(shape: tuple[int, int, int], spacing: float) -> None:
    volume = Volume(np.zeros(shape, np.float32), Grid.from_spacing(shape, (spacing,) * 3), Quantity.SUV_BW)
    grid = mm_grid(volume, (4.0, 4.0, 4.0), (4, 4, 4))
    assert all(n % p == 0 for n, p in zip(grid.shape, (4, 8, 8), strict=True))
    ends = volume.grid.to_mm([[0, 0, 0], [n - 1 for n in shape]])
    index = grid.to_index(ends)
    assert (index >= -1e-6).all()
    assert (index <= np.array(grid.shape) - 1 + 1e-6).all()
    assert index[1][0] == pytest.approx(grid.shape[0] - 1)  # the top slice is the scan's


def test_what_is_missing_or_in_another_unit_is_refused() -> None:
    study = _study()
    with pytest.raises(StudyError, match="modality is missing"):
        mm_volumes(Study(id="p", pet=study.pet), RECIPE, (8, 8, 8))
    alone = mm_volumes(Study(id="p", pet=study.pet), RECIPE, (8, 8, 8), use=("pet",))
    assert alone.ct is None
    activity = Volume(study.pet.array, study.pet.grid, Quantity.ACTIVITY)
    with pytest.raises(UnitError):
        mm_volumes(Study(id="p", ct=study.ct, pet=activity), RECIPE, (8, 8, 8))


def test_the_released_input_pads_at_the_end_with_water() -> None:
    ct = np.full((33, 32, 5), -1000, np.float32)
    pet = np.ones((33, 32, 5), np.float32)
    a, b = stored_volumes(ct, pet, StoredInput(), (32, 32, 4))
    assert a.shape == b.shape == (64, 32, 8)
    assert (a[:33, :, :5] == -1).all()
    assert (a[33:] == 0).all()
    assert (scale_pet(np.zeros((2, 2, 2), np.float32), StoredInput()) == 0).all()


def test_shipped_recipes_are_what_the_weights_and_the_plan_need() -> None:
    old, ours = Recipe.of("petrg3d-2025"), Recipe.of("petrg-1")
    assert old.prompt.newline == "\\n"  # a backslash and an n
    assert (old.supervision.end_token, ours.supervision.end_token) == (False, True)
    assert (old.supervision.cut, ours.supervision.cut) == (True, False)
    assert ours.generation.sample is False
