"""The processor: round trips without an image library, batches, reading answers back, and whom it belongs to."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from families import SMALL, tokenizer_of, write_family
from transformers import AutoProcessor

from petrg.errors import ModelError
from petrg.model import PETRG3D, PETRG3DProcessor
from petrg.model.prompt import IGNORED, Ask
from petrg.model.recipe import Recipe
from petrg.model.start import start
from petrg.model.tokens import MARKS

FRESH = """
import sys
sys.modules["torchvision"] = None
import petrg.model
from transformers import AutoProcessor
from petrg.model.prompt import Ask
made = AutoProcessor.from_pretrained(sys.argv[1])
print(type(made).__name__, made.typed_recipe.input.suv_ceiling, made.prompt(Ask(sex="M")))
"""


@pytest.fixture
def processor() -> PETRG3DProcessor:
    return PETRG3DProcessor(tokenizer_of("qwen3"), "petrg-1", 3)


def test_it_round_trips_in_a_fresh_process_without_torchvision(tmp_path: Path) -> None:
    values = Recipe.of("petrg-1").model_dump(mode="json")
    values["input"]["suv_ceiling"] = 42.5  # a recipe of one's own comes back value for value
    model, processor = start(write_family("qwen3", tmp_path / "base"), network=SMALL, recipe=values)
    model.save_pretrained(tmp_path / "w", processor=processor)
    run = subprocess.run(
        [sys.executable, "-c", FRESH, str(tmp_path / "w")],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    assert run.stdout.strip() == f"PETRG3DProcessor 42.5 {processor.prompt(Ask(sex='M'))}"
    saved = json.loads((tmp_path / "w" / "processor_config.json").read_text(encoding="utf-8"))
    assert saved["recipe"] == values


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("tokenizer.json", None),
        ("tokenizer.json", "{"),
        ("tokenizer_config.json", "{"),
        ("processor_config.json", "[]"),
    ],
)
def test_a_damaged_tokenizer_is_said(tmp_path: Path, name: str, text: str | None) -> None:
    model, processor = start(write_family("qwen3", tmp_path / "base"), network=SMALL)
    model.save_pretrained(tmp_path / "w", processor=processor)
    (tmp_path / "w" / name).unlink()
    if text is not None:
        (tmp_path / "w" / name).write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match="saved with the weights cannot be read") as refused:
        PETRG3DProcessor.from_pretrained(tmp_path / "w")
    assert str(tmp_path) not in str(refused.value)


def test_it_round_trips_by_itself_and_keeps_its_layout(tmp_path: Path) -> None:
    model, processor = start(write_family("llama", tmp_path / "base"), network=SMALL)
    model.save_pretrained(tmp_path / "w", processor=processor)
    again = AutoProcessor.from_pretrained(tmp_path / "w")
    assert (again.plain, again.latents, again.recipe) == (True, 3, processor.recipe)
    assert again.prompt(Ask()) == processor.prompt(Ask())
    again.save_pretrained(tmp_path / "again")
    twice = PETRG3DProcessor.from_args_and_dict(
        [again.tokenizer], json.loads((tmp_path / "again/processor_config.json").read_text())
    )
    assert twice.prompt(Ask()) == processor.prompt(Ask())


def test_our_tokens_come_after_the_backbones_own(processor: PETRG3DProcessor) -> None:
    tokenizer = processor.tokenizer
    ids = tokenizer.convert_tokens_to_ids([*MARKS, "<image_ct0>", "<image_ct2>", "<image_pet0>", "<image_pet2>"])
    first = len(tokenizer_of("qwen3"))
    assert ids == [*range(first, first + 8), first + 8, first + 10, first + 11, first + 13]
    assert processor.span.end == len(tokenizer)
    assert PETRG3DProcessor(tokenizer, "petrg-1", 3).span == processor.span  # twice is no change
    with pytest.raises(ModelError, match="not its last ones in order"):
        PETRG3DProcessor(tokenizer, "petrg-1", 5)


def test_batches_are_filled_left_to_write_and_right_to_learn(processor: PETRG3DProcessor) -> None:
    asks = [Ask(sex="F"), Ask(template="甲状腺未见异常。" * 3, hospital="AP", sex="M")]
    written = processor(asks)
    prompts = [processor.prompt(ask) for ask in asks]
    short, long = map(len, prompts)
    assert written["input_ids"].shape == (2, long)
    assert written["attention_mask"].sum(dim=1).tolist() == [short, long]
    assert written["input_ids"][0, -short:].tolist() == prompts[0]
    assert written["input_ids"][0, : long - short].unique().tolist() == [processor.pad_id]
    assert "labels" not in written
    learnt = processor(asks, ["好。", "未见异常。"])
    rows = [processor.answer(ask, text) for ask, text in zip(asks, ["好。", "未见异常。"], strict=True)]
    for k, row in enumerate(rows):
        assert learnt["input_ids"][k, : len(row.ids)].tolist() == row.ids
        assert learnt["labels"][k, : len(row.ids)].tolist() == row.labels
        assert (learnt["labels"][k, len(row.ids) :] == IGNORED).all()
    assert learnt["attention_mask"].sum(dim=1).tolist() == [len(row.ids) for row in rows]
    assert processor(asks[0])["input_ids"].shape == (1, short)


def test_a_tokenizer_without_a_pad_token_fills_with_its_end_token() -> None:
    made = PETRG3DProcessor(tokenizer_of("mistral"), "petrg-1", 3)
    assert made.pad_id == made.tokenizer.eos_token_id
    batch = made([Ask(), Ask(template="无。")])
    assert not batch["attention_mask"][0, 0]


def test_what_was_written_is_read_back(processor: PETRG3DProcessor) -> None:
    text = "肝右叶 SUVmax <suvmax>，大小 <size> cm。"
    row = processor.answer(Ask(), text)
    taught = torch.tensor([label for label in row.labels if label != IGNORED])
    assert processor.decode(taught) == text
    released = PETRG3DProcessor(tokenizer_of("qwen3"), "petrg3d-2025", 3)
    ids = released.tokenizer(text + " 【报告结束】 之后的字")["input_ids"]
    assert released.decode(ids) == text
    assert released.batch_decode([ids, ids[:12]]) == [text, text[:6]]


def test_it_belongs_to_one_network(tmp_path: Path, processor: PETRG3DProcessor) -> None:
    model, own = start(write_family("qwen3", tmp_path / "base"), network=SMALL)
    own.check(model.config)
    others: dict[str, Any] = {
        "recipe petrg3d-2025": PETRG3DProcessor(tokenizer_of("qwen3"), "petrg3d-2025", 3),
        "start at": PETRG3DProcessor(tokenizer_of("glm4"), "petrg-1", 3),
        "end at": PETRG3DProcessor(tokenizer_of("qwen3"), "petrg-1", 4),
    }
    for said, other in others.items():
        with pytest.raises(ModelError, match=said):
            other.check(model.config)
        with pytest.raises(ModelError, match=said):
            model.save_pretrained(tmp_path / "w", processor=other)
    assert not (tmp_path / "w").exists()


def test_a_prompt_that_ends_inside_a_token_is_followed_by_its_answer() -> None:
    """English after the plain layout: " T" may be one token, but the prompt's own space was one by itself."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {letter: k for k, letter in enumerate([*letters, "ĠT"])}
    inner = Tokenizer(models.BPE(vocab=vocab, merges=[("Ġ", "T")]))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    inner.decoder = decoders.ByteLevel()
    inner.add_special_tokens([AddedToken("</s>", special=True)])
    made = PETRG3DProcessor(PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="</s>"), "petrg-1", 2, True)
    row = made.answer(Ask(language="en"), "The liver.")
    prompt = made.prompt(Ask(language="en"))
    assert row.ids[: len(prompt)] == prompt
    assert made.tokenizer.decode(row.ids[len(prompt) :]) == "The liver.</s>"
    assert row.labels == [IGNORED] * len(prompt) + row.ids[len(prompt) :]


def test_a_folder_of_another_recipe_is_refused(tmp_path: Path) -> None:
    model, processor = start(write_family("qwen3", tmp_path / "base"), network=SMALL)
    model.save_pretrained(tmp_path / "w", processor=processor)
    swapped = json.loads((tmp_path / "w" / "processor_config.json").read_text(encoding="utf-8"))
    swapped["recipe"]["input"]["suv_ceiling"] = 20.0
    (tmp_path / "w" / "processor_config.json").write_text(json.dumps(swapped))
    with pytest.raises(ModelError, match="recipe"):
        PETRG3DProcessor.from_pretrained(tmp_path / "w")
    assert PETRG3D.from_pretrained(tmp_path / "w")


@pytest.mark.parametrize("plain", [False, True])
def test_image_tokens_that_are_not_announced_are_refused(plain: bool) -> None:
    """A recipe's words may hold anything: each latent shown stands once, and no other at all."""
    values = Recipe.of("petrg-1").model_dump(mode="json")
    values["prompt"]["with_template"] += "<image_ct1>"
    wrong = PETRG3DProcessor(tokenizer_of("qwen3"), {**values, "name": "own"}, 3, plain)
    ask = Ask(template="肝脏未见异常。")
    for modalities in (("pet",), ()):
        with pytest.raises(ModelError, match="holds tokens of CT, which is not shown"):
            wrong.prompt(ask._replace(modalities=modalities))
    with pytest.raises(ModelError, match="the 3 tokens of CT once and in order"):
        wrong.prompt(ask)
    made = PETRG3DProcessor(tokenizer_of("qwen3"), "petrg-1", 3, plain)
    assert made.prompt(ask._replace(modalities=("pet",)))
    made.prompt(Ask(template="肝脏未见异常。", modalities=()))


def test_the_hub_s_arguments_reach_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from petrg.model import processor as module

    model, own = start(write_family("qwen3", tmp_path / "base"), network=SMALL)
    model.save_pretrained(tmp_path / "w")  # without its tokenizer, which then comes from the base
    asked: list[tuple[Any, dict[str, Any]]] = []

    def fetched(where: Any, revision: Any, **hub: Any) -> Path:
        asked.append((revision, hub))
        return tmp_path / "w"

    def tokenizer(where: Any, revision: Any, **hub: Any) -> Any:
        asked.append((revision, hub))
        return tokenizer_of("qwen3")

    monkeypatch.setattr(module, "fetch", fetched)
    monkeypatch.setattr(module, "base_tokenizer", tokenizer)
    hub = {"token": "t", "cache_dir": tmp_path, "local_files_only": True}
    made = PETRG3DProcessor.from_pretrained("org/weights", revision="r", **hub)
    assert asked == [("r", hub), (None, hub)], "the base has a revision of its own"
    assert made.prompt(Ask()) == own.prompt(Ask())


def test_an_answer_is_cut_where_a_draft_is(processor: PETRG3DProcessor) -> None:
    from petrg.model.generate import cut_text

    released = PETRG3DProcessor(tokenizer_of("qwen3"), "petrg3d-2025", 3)
    text = "肝脏未见异常。 【报告结束】 后文"
    ids = released.tokenizer(text)["input_ids"]
    assert released.decode(ids) == cut_text(text, "【报告结束】") == "肝脏未见异常。"
    assert processor.decode(ids) == text


@pytest.mark.parametrize("word", ["<ct>", "</template>", "<image_pet0>", "<|im_end|>"])
@pytest.mark.parametrize("where", ["hospital", "template"])
def test_a_token_of_the_language_model_in_what_is_asked_is_refused(
    processor: PETRG3DProcessor, where: str, word: str
) -> None:
    ask = Ask(sex="M")._replace(**{where: f"甲{word}乙"})
    with pytest.raises(ModelError, match=rf"the {where} holds {re.escape(repr(word))}"):
        processor.prompt(ask)
    assert processor.prompt(ask._replace(**{where: "甲<3乙"}))


def test_a_report_that_would_end_its_turn_early_is_refused(processor: PETRG3DProcessor) -> None:
    with pytest.raises(ModelError, match=re.escape("the report holds '<|im_end|>'")) as caught:
        processor.answer(Ask(sex="M"), "甲<|im_end|>乙")
    assert "甲" not in str(caught.value)
