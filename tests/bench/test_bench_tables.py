"""What `make bench` says of its measurements: against which target, met or not, skipped aloud."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BENCH = Path(__file__).parents[2] / "bench"


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"bench_{name}", BENCH / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


network, table = _load("network"), _load("table")


def _row(name: str, target: str, met: bool | None, **figures: Any) -> dict[str, Any]:
    return {"name": name, "target": target, "met": met, **figures}


def _measured(monkeypatch: pytest.MonkeyPatch, ours: float, able: bool = False, off: float = 1e-3) -> list[Any]:
    """The rows where the peer takes 40 s and 2,600 MiB, its floor 8 s a modality and ours ``ours`` seconds."""

    def run(*command: Any) -> dict[str, Any]:
        script, what = Path(command[0]).name, str(command[1])
        if script == "released_cost.py":
            return {
                "vision": {"seconds": 40.0, "peak_rss_mib": 2600.0, "weights_mib": 600.0},
                "linear": {"floor_seconds_per_modality_torch.float32": 8.0},
                "embedding": {"seconds": 40.0},
            }[what]
        if script == "training.py":
            return {"seconds": 20.0 if what == "padded" else ours, "tokens": 2048 if what == "padded" else 1092}
        return {
            "seconds": ours, "vit_seconds": 19.0, "patches": 2417, "peak_rss_mib": 1100.0, "weights_mib": 600.0,
            "off": off if "bfloat16" in command else 0.0,
        }  # fmt: skip

    monkeypatch.setattr(network, "run", run)
    monkeypatch.setattr(network, "why_not", lambda: "")
    monkeypatch.setattr("petrg.model.device.cpu_has_bfloat16", lambda: able)
    return network.rows(_row)


@pytest.mark.parametrize(("ours", "met"), [(10.0, [True, True, True, False, False, True]), (0.1, [True] * 6)])
def test_a_target_is_met_by_its_ratio(monkeypatch: pytest.MonkeyPatch, ours: float, met: list[bool]) -> None:
    rows = [r for r in _measured(monkeypatch, ours) if "skipped" not in r]
    both, encoder, memory, body, words, step = rows
    assert [r["met"] for r in rows] == met
    assert both["ratio"]["median"] == pytest.approx(40 / ours)
    assert encoder["ratio"]["median"] == pytest.approx(19 / 16, abs=1e-4)
    assert memory["ratio"]["median"] == 500 / 2000
    assert "2,417 of 5,112 patches" in body["name"]
    assert words["ratio"]["median"] == pytest.approx(40 / ours)
    assert step["ratio"]["median"] == pytest.approx(60 / ours), "the peer's vision and its padded step"


def test_bfloat16_counts_only_where_it_is_near_and_the_processor_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    skipped = [r for r in _measured(monkeypatch, 1.0) if "skipped" in r]
    assert [r["skipped"] for r in skipped] == [network.NO_BF16] * 2
    assert [r["met"] for r in _measured(monkeypatch, 1.0, able=True) if "bf16" in r["name"]] == [True, True]
    far = [r for r in _measured(monkeypatch, 1.0, able=True, off=0.03) if "bf16" in r["name"]]
    assert [r["met"] for r in far] == [False, False]


def test_without_the_baseline_every_row_is_skipped_aloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PETRG_SHARED", str(tmp_path))
    rows = network.rows(_row)
    assert len(rows) == 8
    assert {r["met"] for r in rows} == {None}
    assert {r["skipped"] for r in rows} == {"the shared folder with the baseline is absent"}


def test_the_page_shows_the_results_as_they_are() -> None:
    results = json.loads((BENCH / "results.json").read_text())
    page = (BENCH.parent / "docs" / "bench.md").read_text(encoding="utf-8")
    assert table.markdown(results) in page
    assert set(results) <= set(table.PARTS)
