"""Where a network runs and in which numbers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from transformers import Qwen3Config

from petrg.errors import ModelError
from petrg.model import device, network
from petrg.model.config import Network, PETRG3DConfig, ResamplerConfig, VisionConfig
from petrg.model.device import choose_place
from petrg.model.network import PETRG3D
from petrg.model.vit import keep_patches


def test_a_cpu_has_float32_unless_asked_and_able(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_place("cpu", "auto") == (torch.device("cpu"), torch.float32, "")
    monkeypatch.setattr(device, "cpu_has_bfloat16", lambda: True)
    assert choose_place("cpu", "bfloat16").dtype is torch.bfloat16
    assert choose_place("cpu", "auto").dtype is torch.float32, "bfloat16 only where asked for"
    monkeypatch.setattr(device, "cpu_has_bfloat16", lambda: False)
    place = choose_place("cpu", "bfloat16")
    assert place.dtype is torch.float32
    assert "float32 is used" in place.note


def test_the_processor_is_asked_by_its_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    for has in names:
        for name in names:
            monkeypatch.setattr(torch.cpu, name, lambda yes=name == has: yes)
        assert device.cpu_has_bfloat16()
    for name in names:
        monkeypatch.setattr(torch.cpu, name, lambda: False)
    assert not device.cpu_has_bfloat16()


def test_a_gpu_has_the_type_of_the_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_place("auto", "auto") == (torch.device("cuda"), None, "")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_place("auto", "auto").device == torch.device("cpu")


@pytest.mark.parametrize(
    ("where", "dtype"), [("toaster", "auto"), ("cuda:99", "auto"), ("cpu", "float64"), ("", "auto")]
)
def test_what_is_not_there_is_refused(where: str, dtype: str) -> None:
    with pytest.raises(ModelError, match="expected auto"):
        choose_place(where, dtype)


def test_both_modalities_in_one_pass_or_one_after_the_other_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    model = _network()
    ct, pet = torch.rand(1, 3, 16, 16, 16), torch.rand(1, 1, 16, 16, 16)
    kept = keep_patches(torch.rand(1, 64) > 0.3)
    passes: list[int] = []
    model.vision.blocks[0].register_forward_pre_hook(lambda _, given: passes.append(len(given[0])))
    with torch.inference_mode():
        together = model.see(ct, pet, kept)
        monkeypatch.setattr(network, "_LARGE", 8)
        apart = model.see(ct, pet, kept)
    model.see(ct, pet, kept)
    assert passes == [2, 1, 1, 2], "with gradients always in one pass"
    for one, other in zip(together, apart, strict=True):
        assert torch.allclose(one, other, atol=1e-6)


class _Types(TorchDispatchMode):
    """The types of every tensor that is made."""

    def __init__(self) -> None:
        super().__init__()
        self.made = set[torch.dtype]()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        self.made |= {t.dtype for t in tree_leaves(out) if isinstance(t, torch.Tensor)}
        return out


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_no_float64_is_made_and_the_language_model_keeps_its_type(dtype: torch.dtype) -> None:
    model = _network().to(dtype)
    ct, pet = torch.rand(1, 3, 16, 16, 16), torch.rand(1, 1, 16, 16, 16)
    ids = torch.tensor([[1, 2, *range(model.span.first, model.span.first + 8), 3]])
    with torch.inference_mode(), _Types() as seen:
        rows = model.condense(*model.see(ct, pet))
        embeds = model.embed(ids, rows)
        logits = model(inputs_embeds=embeds).logits
    assert embeds.dtype == logits.dtype == dtype
    assert torch.float64 not in seen.made
    assert dtype in seen.made


def _network() -> PETRG3D:
    parts = Network(
        vision=VisionConfig(
            patch=(4, 4, 4), dim=24, depth=2, heads=2, head_dim=8, mlp_dim=40, position="mm", position_tables=(8, 8, 8),
            normalise_patches=False,
        ),
        resampler=ResamplerConfig(latents=4, depth=1, heads=2, head_dim=8),
        lora=None,
    )  # fmt: skip
    text = Qwen3Config(
        vocab_size=32, hidden_size=16, num_hidden_layers=1, intermediate_size=16, num_attention_heads=2,
        num_key_value_heads=1, head_dim=8,
    )  # fmt: skip
    return PETRG3D(PETRG3DConfig(network=parts, recipe="petrg-1", text_config=text)).eval()
