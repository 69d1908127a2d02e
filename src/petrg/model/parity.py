"""Every stage of one case as arrays, to be held against the released code's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import torch
from nibabel.filebasedimages import ImageFileError
from numpy.typing import NDArray
from torch import Tensor

from petrg.errors import ModelError
from petrg.model.network import PETRG3D
from petrg.model.prompt import Ask, encode_answer, encode_prompt
from petrg.model.recipe import Recipe, StoredInput
from petrg.model.released_weights import load_released
from petrg.model.stored_input import stored_volumes

__all__ = ["released_case", "trace"]

Arrays = dict[str, NDArray[Any]]
_TRAIN_LENGTH = 1408  # what the reference rows are cut and padded to
_NEW_TOKENS = 48
_SEX = {"男": "M", "女": "F"}


def released_case(case: Path, templates: dict[str, dict[str, str]]) -> tuple[NDArray[Any], NDArray[Any], Ask, str]:
    """CT and PET as stored, what is asked, and the findings text of a case in the released layout.

    Raises
    ------
    ModelError
        If a file, the sex or the findings are missing, or the hospital has no template.
    """
    try:
        ct, pet = (
            np.asarray(nibabel.load(case / f"{case.name}_{k}.nii.gz").dataobj, dtype=np.float32)
            for k in ("0000", "0001")
        )
        report = json.loads((case / "report.json").read_text(encoding="utf-8"))
        sex = _SEX[report.get("病人信息", {}).get("性别") or report["性别"]]
        hospital, findings = case.name[:2], report["检查所见"].strip()
        return ct, pet, Ask(template=templates[hospital][sex], hospital=hospital, sex=sex), findings
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ImageFileError) as error:
        raise ModelError(
            f"the case cannot be read as a released one ({type(error).__name__})",
            "two NIfTI files and report.json with sex and findings, of a hospital with a template",
            "check its files",
        ) from error


@torch.inference_mode()
def trace(checkpoint_dir: Path | str, case_dir: Path | str) -> Arrays:
    """All arrays of a case under the names of the reference's ``arrays.npz``.

    Parameters
    ----------
    checkpoint_dir : folder
        The weights (released layout, as `petrg.model.tensors.open_tensors` opens them), ``llm/`` (backbone and
        tokenizer), ``template.json``.
    case_dir : folder
        ``<id>_0000.nii.gz``, ``<id>_0001.nii.gz``, ``report.json``; named as its id.

    Raises
    ------
    ModelError
        As `petrg.model.released_weights.load_released` and `released_case`.
    """
    home, case = Path(checkpoint_dir), Path(case_dir)
    model, tokenizer = load_released(home, home / "llm")
    templates = json.loads((home / "template.json").read_text(encoding="utf-8"))
    ct_hu, pet_suv, ask, findings = released_case(case, templates)
    recipe = model.config.typed_recipe
    seen, latents = _images(model, recipe, ct_hu, pet_suv)
    return {**seen, **_words(model, recipe, ask, findings, tokenizer, latents)}


def _images(model: PETRG3D, recipe: Recipe, ct_hu: NDArray[Any], pet_suv: NDArray[Any]) -> tuple[Arrays, Tensor]:
    vision = model.config.parts.vision
    assert isinstance(recipe.input, StoredInput)
    ct, pet = stored_volumes(ct_hu, pet_suv, recipe.input, vision.patch)
    volumes = torch.from_numpy(np.stack([ct, pet]))[:, None]
    grid = tuple(n // p for n, p in zip(ct.shape, vision.patch, strict=True))
    embedded = model.vision.stem(volumes)
    seen = model.vision(volumes)
    resampled = [r(x[None])[0] for r, x in zip((model.ct_resampler, model.pet_resampler), seen, strict=True)]
    latents = model.condense(seen[:1], seen[1:])
    out: Arrays = {
        "ct_norm": ct,
        "pet_norm": pet,
        "preproc_shape": np.array([1, vision.channels, *ct.shape]),
        "pos_embedding": model.vision.positions(grid).numpy(),
    }
    for k, name in enumerate(("ct", "pet")):
        out |= {
            f"{name}_patch_embed": embedded[k].numpy(),
            f"{name}_vit_out": seen[k].numpy(),
            f"{name}_perceiver_out": resampled[k].numpy(),
            f"{name}_projected": latents[0].chunk(2)[k].numpy(),
        }
    return out, latents


def _words(model: PETRG3D, recipe: Recipe, ask: Ask, findings: str, tokenizer: Any, latents: Tensor) -> Arrays:
    size = model.span.latents
    short = recipe.supervision.model_copy(update={"max_length": _TRAIN_LENGTH})
    row = encode_answer(recipe.model_copy(update={"supervision": short}), ask, findings, tokenizer, size)
    ids = torch.tensor([encode_prompt(recipe, ask, tokenizer, size)])
    plain = encode_prompt(recipe, ask._replace(template=None), tokenizer, size)
    embeds = model.embed(ids, latents)
    logits = model(inputs_embeds=embeds).logits[0].float()
    pad = _TRAIN_LENGTH - len(row.ids)
    train_ids = np.array(row.ids + [tokenizer.pad_token_id] * pad)
    real = torch.tensor([row.ids])
    taught = model(input_ids=real, latents=latents, labels=torch.tensor([row.labels])).loss
    train_logits = model(input_ids=real, latents=latents).logits[0].float()
    return {
        "test_input_ids": ids[0].numpy(),
        "test_input_ids_no_template": np.array(plain),
        "test_inputs_embeds": embeds[0].numpy(),
        "test_logits_last8": logits[-8:].numpy(),
        "test_logits_argmax": logits.argmax(-1).numpy(),
        "test_logits_logsumexp": logits.logsumexp(-1).numpy(),
        "test_logits_every32": logits[::32].numpy(),
        "train_n_real": np.array(len(row.ids)),
        "train_input_ids": train_ids,
        "train_attention_mask": np.array([1] * len(row.ids) + [0] * pad),
        "train_label": np.array(row.labels + [-100] * pad),
        "train_loss": np.array(float(taught)),
        "train_logits_every32": train_logits[::32].numpy(),
        "train_logits_logsumexp": train_logits.logsumexp(-1).numpy(),
        "greedy_rp105_ids": _greedy(model, embeds, 1.05),
        "greedy_ids": _greedy(model, embeds, 1.0),
    }


def _greedy(model: PETRG3D, embeds: Tensor, penalty: float) -> NDArray[Any]:
    lm: Any = model.language_model
    made = lm.generate(
        inputs_embeds=embeds,
        attention_mask=torch.ones(embeds.shape[:2], dtype=torch.long),
        do_sample=False,
        max_new_tokens=_NEW_TOKENS,
        repetition_penalty=penalty,
        pad_token_id=model.config.text_config.pad_token_id or 0,
    )
    return np.asarray(made[0].numpy())
