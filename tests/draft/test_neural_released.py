"""The released weights through petrg's own way, against the released code's arrays."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from petrg.draft.neural import finish, open_writer, prepare, write
from petrg.imaging import Sex, Study, read_study
from petrg.imaging.suv import Given
from petrg.model.convert import convert_released
from petrg.report import Report

_SEX = {"男": Sex.M, "女": Sex.F}


@pytest.fixture(scope="module")
def writer(shared: Path, tmp_path_factory: pytest.TempPathFactory):
    home = shared / "data" / "petrg3d_parity"
    out = tmp_path_factory.mktemp("converted") / "weights"
    convert_released(home / "model.safetensors", out, base=home / "llm", full=True)
    return open_writer(out)


def cases(shared: Path) -> list[tuple[Path, Study, str]]:
    """Each case, its study, and the template of its hospital and sex."""
    home = shared / "data" / "petrg3d_parity"
    templates = json.loads((home / "template.json").read_text(encoding="utf-8"))
    found = []
    for case in sorted((home / "cases").iterdir()):
        told = json.loads((case / "report.json").read_text(encoding="utf-8"))
        sex = _SEX[told.get("病人信息", {}).get("性别") or told["性别"]]
        pair = [case / f"{case.name}_{part}.nii.gz" for part in ("0000", "0001")]
        found.append((case, read_study(pair, given=Given(sex=sex)), templates[case.name[:2]][sex.value]))
    return found


def test_prompt_and_words_are_the_released_code_s(shared: Path, writer, hand) -> None:
    for case, study, template in cases(shared):
        arrays = np.load(case / "arrays.npz")
        ready = prepare(study, writer, template=template, record=hand.record(study, []))
        asked = writer.loaded.processor.prompt(ready.ask)
        assert asked == arrays["test_input_ids"].tolist()
        prompt = writer.loaded.prompt(ready.seen, ready.ask)
        assert float((prompt - torch.from_numpy(arrays["test_inputs_embeds"])).abs().max()) <= 1e-4
        greedy = writer.how.model_copy(update={"sample": False, "max_new_tokens": 48})
        (drafted,) = writer.loaded.write([prompt], greedy)
        ids = arrays["greedy_rp105_ids"].tolist()
        eos = writer.loaded.ends[0]
        assert drafted.ids == (ids[: ids.index(eos)] if eos in ids else ids)


def test_it_becomes_a_report(shared: Path, writer, hand) -> None:
    _, study, template = cases(shared)[0]
    ready = prepare(study, writer, template=template, record=hand.record(study, []))
    (drafted,) = write([ready], writer)
    report = finish(ready, drafted, writer)
    assert report.writer == "petrg3d:petrg3d-2025"
    assert report.provenance["domain"] == "patients"
    assert report.provenance["decoding"].startswith("sampled, max_new_tokens 1024, repetition_penalty 1.05, top_p 0.9")
    assert report.provenance["template"].startswith("sha256 ")
    assert Report.from_json(report.to_json()) == report
