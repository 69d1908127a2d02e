"""Whole runs: on a published language model, under the released recipe, on texts alone, from the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import typer
from tiny_train import tensors_of, toy
from typer.testing import CliRunner

from petrg.cli.flatten import spread
from petrg.cli.guard import guard
from petrg.cli.verbs.train import train as verb
from petrg.errors import ModelError
from petrg.evaluate.kinds import Readings
from petrg.imaging import Quantity, Volume
from petrg.imaging.nifti_file import write_nifti
from petrg.model import PETRG3D
from petrg.model.recipe import Recipe
from petrg.train.cases import TrainCase
from petrg.train.config import Phantoms, TinyLM
from petrg.train.estimate import Estimate
from petrg.train.phantoms import PhantomSource, phantom_cases
from petrg.train.run import train
from petrg.train.scratch import new_language_model, new_tokenizer
from petrg.train.validate import OTHERS, TEMPLATE, rows_of, score

ADAPT: dict[str, Any] = {
    "parts": ["lora", "resamplers", "projections", "token_rows"],
    "batches__epochs": 1,
    "model__scratch": None,
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A language model in a folder, as from the hub."""
    folder = tmp_path_factory.mktemp("base") / "lm"
    words = new_tokenizer(["肝脏未见异常。双肺未见结节，SUVmax约<suvmax>。"] * 4, 400)
    torch.manual_seed(1)
    lm = new_language_model(TinyLM(hidden=32, layers=2, heads=2, mlp=48), words)
    words.save_pretrained(folder)
    lm.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def adapted(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a run on it that taught the encoder too."""
    out = tmp_path_factory.mktemp("adapted") / "run"
    seeing = {**ADAPT, "parts": [*ADAPT["parts"], "vision"], "vision": "trained"}
    return train(toy(**seeing, model__base=str(base), checkpointing=True), out).weights


def test_a_language_model_is_adapted_and_not_copied(base: Path, adapted: Path) -> None:
    tensors = tensors_of(adapted)
    assert not any("embed_tokens" in name for name in tensors)
    moved = [t for name, t in tensors.items() if "lora_B" in name]
    assert moved
    assert all(bool(t.any()) for t in moved)  # they begin at 0
    network = PETRG3D.from_pretrained(adapted)
    plain = tensors_of(base)
    table = network.get_input_embeddings().weight
    assert any(torch.equal(table, t) for name, t in plain.items() if "embed_tokens" in name)
    assert network.config.domain == "phantoms"


def test_texts_alone_leave_the_encoder_and_its_domain(base: Path, adapted: Path, tmp_path: Path) -> None:
    config = toy(
        parts=["lora", "token_rows"],
        text_only=True,
        dropout={},
        batches__epochs=1,
        model={"weights": str(adapted)},
        validation={"score": "loss", "write": False},
        data__validation=1,
    )
    after = train(config, tmp_path / "run").weights
    a, b = tensors_of(adapted), tensors_of(after)
    assert a.keys() == b.keys()
    changed = {name for name in a if not torch.equal(a[name], b[name])}
    assert changed
    assert all(".lora_" in name or "token_rows" in name for name in changed)
    assert PETRG3D.from_pretrained(after).config.domain == "phantoms"
    assert not (tmp_path / "run" / "cache").exists()
    new = toy(**{**config.model_dump(), "model": {"base": str(base)}})
    untouched = train(new, tmp_path / "new").weights
    assert PETRG3D.from_pretrained(untouched).config.domain == "untrained"


def test_weights_of_another_recipe_are_refused(adapted: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="recipe petrg-1 1 asked of weights of toy 1"):
        train(toy(recipe_changes={}, model={"weights": str(adapted)}), tmp_path / "run")


def test_an_encoder_of_other_weights_is_taken_over(base: Path, adapted: Path, tmp_path: Path) -> None:
    config = toy(**ADAPT, model__base=str(base), model__vision=str(adapted), seed=7)
    weights = train(config, tmp_path / "run").weights
    assert PETRG3D.from_pretrained(weights).config.domain == "phantoms"
    after, before = tensors_of(weights), tensors_of(adapted)
    for name, tensor in before.items():
        if ":vision." in name:
            assert torch.equal(after[name], tensor)
        if "resampler" in name:
            assert not torch.equal(after[name], tensor)
    with pytest.raises(ModelError, match="image encoder of another shape"):
        train(
            toy(**ADAPT, model__base=str(base), model__vision=str(adapted), model__network__vision__depth=2),
            tmp_path / "other",
        )


def test_the_released_recipe_learns_from_a_folder(base: Path, tmp_path: Path) -> None:
    home = tmp_path / "data"
    for part in ("images", "reports"):
        (home / part).mkdir(parents=True)
    rows = ["id,patient,split,sex,hospital"]
    for number, (key, sex) in enumerate((("AP_1", "F"), ("AP_2", "M"))):
        study = PhantomSource(number, sex, 1, True, "").read(stored=False).study  # type: ignore[arg-type]
        assert study is not None
        assert study.ct is not None
        write_nifti(study.ct, home / "images" / f"{key}_0000.nii.gz")
        write_nifti(study.suv(), home / "images" / f"{key}_0001.nii.gz")
        (home / "reports" / f"{key}.txt").write_text("肝右叶结节，SUVmax约8.1。")
        rows.append(f"{key},{key},train,{sex},AP")
    (home / "manifest.csv").write_text("\n".join(rows))
    (home / "template.json").write_text(json.dumps({"AP": {"F": "双肺未见异常。", "M": "双肺未见异常。"}}))
    config = toy(
        **{**ADAPT, "parts": ["resamplers", "projections", "token_rows", "lora"]},
        recipe="petrg3d-2025",
        recipe_changes={},
        data={"kind": "directory", "path": str(home)},
        model={
            "base": str(base),
            "vision": "random",
            "network": {
                "vision": {"dim": 24, "depth": 1, "heads": 2, "head_dim": 8, "mlp_dim": 32},
                "resampler": {"latents": 4, "depth": 1, "heads": 2, "head_dim": 8, "mlp_ratio": 1},
            },
        },
    )
    network = PETRG3D.from_pretrained(train(config, tmp_path / "run").weights)
    assert network.config.typed_recipe == Recipe.of("petrg3d-2025")
    assert network.config.domain == "untrained"  # a random encoder that stayed frozen has seen nobody
    assert len(list((tmp_path / "run" / "cache").rglob("*.safetensors"))) == 2


# validation


@pytest.fixture(scope="module")
def eight() -> list[TrainCase]:
    return phantom_cases(Phantoms(train=8, validation=0, lesions=2), Recipe.of("petrg-1"))


def test_right_reports_beat_every_control(eight: list[TrainCase]) -> None:
    found = score(eight, [c.answer for c in eight], 50, 0, Readings("zh"))
    assert found["Lesion-F1"] == 1.0
    rows = {row.name: row for row in rows_of(found)}
    for name in ("Lesion-F1", "PET-All", "CT-All"):
        value, controls = rows[name].value, rows[name].controls
        assert value is not None
        assert set(controls) == {OTHERS, TEMPLATE}
        assert all(worth is not None and worth < 0.7 * value for worth in controls.values())
    assert rows["Lesion-F1"].interval == (1.0, 1.0)  # every draw of patients is right


def test_the_template_control_is_the_score_of_the_template(eight: list[TrainCase]) -> None:
    templates = [c.template for c in eight]
    found = score(eight, [c.answer for c in eight], 50, 0, Readings("zh"))
    own = score(eight, templates, 50, 0, Readings("zh"))
    for name in ("Lesion-F1", "PET-All", "CT-All"):
        assert found[f"{name} of {TEMPLATE}"] == own[name]
    none = [replace(c, template=None) for c in eight]
    assert score(none, templates, 50, 0, Readings("zh"))[f"PET-All of {TEMPLATE}"] is None


def test_an_interval_is_that_of_draws_of_patients(eight: list[TrainCase]) -> None:
    """Half of the reports right, half of them none: a draw's recall is its share of right ones, weighted by lesions."""
    texts = [c.answer if k % 2 else None for k, c in enumerate(eight)]
    row = next(r for r in rows_of(score(eight, texts, 2000, 0, Readings("zh"))) if r.name == "Lesion-Recall")
    lesions = np.array([len(Readings("zh")(c.answer).lesions) for c in eight])
    drawn = np.random.default_rng(5).integers(0, 8, (20000, 8))
    shares = (lesions * np.array([t is not None for t in texts]))[drawn].sum(axis=1) / lesions[drawn].sum(axis=1)
    assert row.interval is not None
    assert np.allclose(row.interval, np.percentile(shares, (2.5, 97.5)), atol=0.06)
    one = score(eight[:1], texts[1:2], 50, 0, Readings("zh"))
    assert next(r for r in rows_of(one) if r.name == "Lesion-Recall").interval is None


def test_reports_of_nobody_are_worth_nothing(eight: list[TrainCase]) -> None:
    template = score(eight, [c.template for c in eight], 50, 0, Readings("zh"))
    assert template["Lesion-Recall"] == template[f"Lesion-Recall of {OTHERS}"] == 0.0
    missing = score(eight, [None] * 8, 50, 0, Readings("zh"))
    assert missing["PET-All"] == 0.0
    alone = score(eight[:1], [eight[0].answer], 50, 0, Readings("zh"))
    assert alone[f"Lesion-F1 of {OTHERS}"] is None


def test_patience_without_anything_to_wait_for_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"stop.patience = 2 but nothing is validated — expected cases"):
        train(toy(data__validation=0, stop__patience=2), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_each_validation_is_kept_and_patience_ends_the_run(tmp_path: Path) -> None:
    config = toy(
        data__validation=2,
        batches__epochs=5,
        optimiser__lr=1e-12,  # nothing gets better
        stop__patience=1,
        validation={"max_new_tokens": 8},
        dropout={},
    )
    heard: list[int] = []
    done = train(config, tmp_path / "run", said=lambda step, found: heard.append(step))
    assert len(heard) < 5
    assert done.best.stopped
    kept = json.loads((tmp_path / "run" / "validation.json").read_text())
    assert [row["step"] for row in kept] == heard
    assert all("loss" in row and "Lesion-F1" in row for row in kept)
    assert all(f"PET-All of {control}" in row for row in kept for control in (OTHERS, TEMPLATE))
    card = (done.weights / "README.md").read_text()
    assert f"| {OTHERS} | {TEMPLATE} |" in card
    for limit in ("chosen by these scores", "0% of the validation drafts ended", "has seen no patient"):
        assert limit in card
    row = next(r for r in rows_of(kept[0]) if r.name == "PET-All")
    assert row.interval is not None
    cells = [row.value, *row.controls.values()]
    assert all(f"| {value:.4g} |" in card for value in cells if value is not None)
    assert f"{row.interval[0]:.4g} to {row.interval[1]:.4g}" in card
    assert (tmp_path / "run" / "checkpoints" / f"checkpoint-{done.best.step:08d}").is_dir()
    again = train(config, tmp_path / "run", resume=True)
    assert again.best.step == done.best.step
    assert again.best.stopped
    assert done.best.step is not None
    assert again.steps == done.steps > done.best.step
    whole = again.weights / "model.safetensors"
    kept_bytes = whole.read_bytes()
    best = tmp_path / "run" / "checkpoints" / f"checkpoint-{done.best.step:08d}" / "trained.safetensors"
    best.write_bytes(best.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelError, match=f"the checkpoint of step {done.best.step} is not there whole"):
        train(config, tmp_path / "run", resume=True)
    assert whole.read_bytes() == kept_bytes


def test_curves_are_drawn(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(toy(batches__epochs=2), tmp_path / "run")
    curves = EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    curves.Reload()
    assert {"loss/text", "gradient norm"} <= set(curves.Tags()["scalars"])
    assert [e.step for e in curves.Scalars("loss/text")] == [1, 2, 3, 4]


def test_what_a_run_needs_is_told_before_it_starts(tmp_path: Path) -> None:
    """Before the first image is encoded, with what that will take."""
    told: list[Estimate] = []

    def heard(found: Estimate) -> None:
        assert not (tmp_path / "run" / "cache").exists()
        told.append(found)

    train(toy(batches__epochs=1), tmp_path / "run", told=heard)
    found = told[0]
    assert found.steps == 2
    assert 0 < found.trained < found.parameters
    assert found.weights_bytes == 4 * found.parameters
    assert found.optimiser_bytes == 12 * found.trained
    assert found.seconds > 0
    assert found.images_s > 0
    assert any("GB" in line for line in found.lines())
    assert any("for images that are not cached yet" in line for line in found.lines())
    kept = sum(p.stat().st_size for p in (tmp_path / "run" / "cache").rglob("*.safetensors"))
    assert found.disk_bytes / 2 < kept < 2 * found.disk_bytes + 4 * 4096  # a header a file


GROWTH = """
import json, sys
from pathlib import Path
from petrg.train import TrainConfig
from petrg.train.run import train

def pages():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

told = []
train(TrainConfig.model_validate_json(Path(sys.argv[1]).read_bytes()), Path(sys.argv[2]),
      told=lambda found: told.append((pages(), found.optimiser_bytes + found.activations_bytes)))
peak = int(next(l for l in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in l).split()[1]) * 1024
print(json.dumps([peak - told[0][0], told[0][1]]))
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_the_estimate_of_memory_is_within_a_factor_of_two(tmp_path: Path) -> None:
    """What a step adds to the weights, measured from outside: gradients, optimiser, activations."""
    config = toy(
        text_only=True,
        parts=["token_rows", "language_model"],
        dropout={},
        data__text="report",
        model__scratch={"hidden": 192, "layers": 4, "heads": 4, "mlp": 768, "vocabulary": 1200},
        model__vision=None,
        batches={"cases": 4, "accumulation": 1, "epochs": 1},
        validation={"score": "loss", "write": False},
    )
    path = tmp_path / "config.json"
    path.write_text(config.model_dump_json())
    code = [sys.executable, "-c", GROWTH, str(path), str(tmp_path / "run")]
    found = subprocess.run(code, capture_output=True, text=True, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    grown, estimated = json.loads(found.stdout.splitlines()[-1])
    assert estimated > 100e6  # far more than an interpreter's own ups and downs
    assert estimated / 2 < grown < 2 * estimated


# losses without targets


@pytest.mark.parametrize("given", ["nothing", "labels", "empty masks"])
def test_attention_without_a_lesion_is_refused_before_anything_is_encoded(tmp_path: Path, given: str) -> None:
    home = tmp_path / "data"
    for part in ("images", "reports", "labels", "masks"):
        (home / part).mkdir(parents=True)
    study = PhantomSource(0, "F", 1, True, "").read(stored=False).study
    assert study is not None
    assert study.ct is not None
    pet = study.suv()
    write_nifti(study.ct, home / "images" / "AP_1_0000.nii.gz")
    write_nifti(pet, home / "images" / "AP_1_0001.nii.gz")
    empty = Volume(np.zeros(pet.array.shape, np.uint8), pet.grid, Quantity.LABEL)
    if given != "nothing":
        write_nifti(empty, home / {"labels": "labels", "empty masks": "masks"}[given] / "AP_1.nii.gz")
    if given == "labels":
        (home / "labels" / "labels.json").write_text(json.dumps({"1": "liver"}))
    (home / "reports" / "AP_1.txt").write_text("肝右叶结节，SUVmax约8.1。")
    (home / "manifest.csv").write_text("id,patient,split,sex,hospital\nAP_1,AP_1,train,F,AP\n")
    config = toy(data={"kind": "directory", "path": str(home)}, losses__attention=1.0)
    with pytest.raises(ModelError, match=r"losses\.attention is 1 but no case has its targets — expected lesions in"):
        train(config, tmp_path / "run")
    assert not (tmp_path / "run" / "cache").exists()


# the command line


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    made.command()(guard(spread(verb)))
    return made


def test_from_the_command_line(app: typer.Typer, tmp_path: Path) -> None:
    sets = {
        "data.train": "2",
        "data.validation": "2",
        "batches.epochs": "1",
        "validation.max_new_tokens": "4",
        "recipe_changes.input.spacing_mm": "[32.0, 32.0, 32.0]",
        "model.scratch.vocabulary": "400",
    }
    call = ["tiny", "-o", str(tmp_path / "run"), *(f"--set={k}={v}" for k, v in sets.items())]
    first = CliRunner().invoke(app, call)
    assert first.exit_code == 0, first.output
    assert "parameters" in first.stdout
    assert "step 1: loss" in first.stdout
    assert (tmp_path / "run" / "weights" / "config.json").is_file()
    second = CliRunner().invoke(app, call)
    assert second.exit_code == 2
    assert "the output folder holds a run" in second.output
    third = CliRunner().invoke(app, [*call, "--resume", "--log-json"])
    assert third.exit_code == 0, third.output
    assert any('"event": "trained"' in line for line in third.output.splitlines())


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--set", "optimiser.lr=fast"], "petrg: --set optimiser.lr: key 'optimiser.lr': "),
        (["--set", "data.trian=3"], "petrg: --set data.trian: key 'data.trian': unknown key"),
        (["--set", "parallel=ddp"], "petrg: parallel = 'ddp' in one process"),
    ],
)
def test_a_wrong_call_ends_in_one_line(app: typer.Typer, tmp_path: Path, more: list[str], said: str) -> None:
    found: Any = CliRunner().invoke(app, ["tiny", "-o", str(tmp_path / "run"), *more])
    assert found.exit_code == 2
    assert found.output.startswith(said)
    assert found.output.count("\n") == 1
    assert not (tmp_path / "run").exists()
