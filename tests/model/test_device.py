"""Where a network runs and in which numbers."""

from __future__ import annotations

import pytest
import torch

from petrg.errors import ModelError
from petrg.model import device
from petrg.model.device import choose_place


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
