"""Decoding: a row of a batch is what it is alone, the end is kept, and the text is judged."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from tiny_weights import FAMILIES, recipe_for_bytes, tiny_lm, write_weights
from transformers import GenerationConfig, LogitsProcessorList, RepetitionPenaltyLogitsProcessor

from petrg.errors import ModelError
from petrg.model import PETRG3D, PETRG3DProcessor
from petrg.model.generate import RepetitionPenalty, case_seed, cut_text, drafted, drawing, generate, is_looping
from petrg.model.prompt import Ask
from petrg.model.recipe import Generation, Recipe
from petrg.model.released_weights import load_released
from petrg.model.weights import generation_config

GREEDY = Generation(max_new_tokens=40, repetition_penalty=1.3)
LENGTHS = (5, 23, 11)


def prompts(lm: Any, lengths: tuple[int, ...] = LENGTHS, seed: int = 1) -> list[torch.Tensor]:
    torch.manual_seed(seed)
    return [torch.randn(n, lm.config.hidden_size) for n in lengths]


def held(family: str, seed: int = 0) -> tuple[Any, Any]:
    lm, tokenizer = tiny_lm(family, seed)
    return SimpleNamespace(language_model=lm), tokenizer


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_row_of_a_batch_is_what_it_is_alone(family: str) -> None:
    model, tokenizer = held(family)
    rows = prompts(model.language_model)
    together = generate(model, rows, tokenizer, GREEDY)
    alone = [generate(model, [row], tokenizer, GREEDY)[0] for row in rows]
    assert [d.ids for d in together] == [d.ids for d in alone]
    assert len({tuple(d.ids) for d in alone}) == len(rows), "the test would prove nothing if all wrote the same"
    assert sum(len(d.ids) for d in alone) > GREEDY.max_new_tokens, "nor if they wrote next to nothing"


def test_scores_that_are_no_numbers_are_no_text() -> None:
    model, tokenizer = held("qwen3")
    rows = prompts(model.language_model)
    rows[1][3] = torch.nan
    with pytest.raises(ModelError, match="scores are no numbers — expected numbers"):
        generate(model, rows, tokenizer, GREEDY)


def test_the_order_of_a_batch_changes_nothing() -> None:
    model, tokenizer = held("qwen3", 3)
    rows = prompts(model.language_model)
    forth, back = (generate(model, order, tokenizer, GREEDY) for order in (rows, rows[::-1]))
    assert forth == back[::-1]


def _theirs(model: Any, rows: list[torch.Tensor], tokenizer: Any, penalty: float) -> list[list[int]]:
    """The same decoding with transformers' own penalty, padded on the left."""
    longest = max(map(len, rows))
    embeds = torch.stack([torch.cat((torch.zeros(longest - len(r), r.shape[1]), r)) for r in rows])
    mask = torch.stack([(torch.arange(longest) >= longest - len(r)).long() for r in rows])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that prompts count for nothing, as they do not for us
        made = model.language_model.generate(
            inputs_embeds=embeds,
            attention_mask=mask,
            do_sample=False,
            max_new_tokens=40,
            repetition_penalty=penalty,
            eos_token_id=None,
            pad_token_id=tokenizer.pad_token_id,
        )
    return [row.tolist() for row in made]


def test_the_library_s_own_penalty_lets_the_first_tokens_of_a_padded_row_escape() -> None:
    """Why there is a penalty of our own: with it, a row with 18 places of padding changes in company."""
    model, tokenizer = held("qwen3")
    short, long = prompts(model.language_model, (5, 23))
    assert _theirs(model, [short], tokenizer, 1.3)[0] != _theirs(model, [short, long], tokenizer, 1.3)[0]
    assert _theirs(model, [short], tokenizer, 1.0)[0] == _theirs(model, [short, long], tokenizer, 1.0)[0]
    assert _theirs(model, [long], tokenizer, 1.3)[0] == _theirs(model, [short, long], tokenizer, 1.3)[1]


def test_our_penalty_is_the_library_s_where_nothing_is_padded() -> None:
    torch.manual_seed(0)
    ids, scores = torch.randint(0, 50, (3, 7)), torch.randn(3, 50)
    assert torch.equal(RepetitionPenalty(1.3)(ids, scores), RepetitionPenaltyLogitsProcessor(1.3)(ids, scores.clone()))
    kept = LogitsProcessorList([RepetitionPenalty(1.0)])(ids, scores)
    assert torch.equal(kept, scores)


def test_penalty_changes_what_is_written() -> None:
    model, tokenizer = held("qwen3")
    rows = prompts(model.language_model)
    plain = generate(model, rows, tokenizer, GREEDY.model_copy(update={"repetition_penalty": 1.0}))
    assert [d.ids for d in plain] != [d.ids for d in generate(model, rows, tokenizer, GREEDY)]


def _always(lm: Any, token: int) -> None:
    """Let ``lm`` write ``token`` next, whatever it was asked."""
    head = lm.lm_head

    def forced(module: Any, args: Any, out: torch.Tensor) -> torch.Tensor:
        out = out.clone()
        out[..., token] = out.max() + 10
        return out

    head.register_forward_hook(forced)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_family_stops_at_its_end_token(family: str) -> None:
    model, tokenizer = held(family)
    _always(model.language_model, tokenizer.eos_token_id)
    (row,) = generate(model, prompts(model.language_model, (4,)), tokenizer, GREEDY)
    assert row == ([], "", True, False)


def test_a_row_that_ends_early_is_not_filled_up_by_the_others() -> None:
    model, tokenizer = held("qwen3")
    rows = prompts(model.language_model)
    first = generate(model, rows, tokenizer, GREEDY)
    stops = [first[0].ids[6]]  # let what the first row writes as its seventh token end an answer
    again = generate(model, rows, tokenizer, GREEDY, ends=stops)
    cut = [d.ids[: d.ids.index(stops[0])] if stops[0] in d.ids else d.ids for d in first]
    assert [d.ids for d in again] == cut
    assert [d.ended for d in again] == [stops[0] in d.ids for d in first]
    assert again[0].ended


def test_a_text_that_does_not_end_is_said_to_be_cut() -> None:
    model, tokenizer = held("qwen3")
    (row,) = generate(model, prompts(model.language_model, (4,)), tokenizer, GREEDY, ends=[tokenizer.eos_token_id])
    assert (row.ended, len(row.ids)) == (False, 40)


def test_the_end_marker_stops_and_is_cut_off() -> None:
    model, tokenizer = held("qwen3")
    free = generate(model, prompts(model.language_model, (4,)), tokenizer, GREEDY)[0]
    marker = free.text[6:8]
    told: list[str] = []
    how = GREEDY.model_copy(update={"cut_at": marker})
    (row,) = generate(model, prompts(model.language_model, (4,)), tokenizer, how, write=told.append)
    assert row.ended
    assert row.text == cut_text(free.text, marker)
    assert len(row.ids) < len(free.ids), "nothing is decoded after the marker"
    assert "".join(told).strip() == row.text


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        (["肝脏。", "【报告", "结束】", "后文"], "肝脏。"),
        (["肝脏。【", "报告结束", "】后文"], "肝脏。"),
        (["肝脏。【报告结束】后文"], "肝脏。"),
        (["肝脏。【报告", "书】", "脾脏。"], "肝脏。【报告书】脾脏。"),
        (["肝脏。【【报告结", "束】"], "肝脏。【"),
        (["肝脏。【报告"], "肝脏。【报告"),
    ],
)
def test_no_part_of_the_marker_and_nothing_after_it_is_streamed(pieces: list[str], shown: str) -> None:
    from petrg.model.generate import _Stream

    told: list[str] = []
    stream = _Stream(held("qwen3")[1], told.append, "【报告结束】")
    for k, piece in enumerate(pieces):
        stream.on_finalized_text(piece, stream_end=k == len(pieces) - 1)
    assert "".join(told) == shown


@pytest.mark.parametrize(("own", "wanted"), [(20, 20), (None, 50), (0, 0)])
def test_top_k_is_the_language_model_s_own_where_a_word_is_drawn(own: int | None, wanted: int) -> None:
    model, tokenizer = held("qwen3")
    lm = model.language_model
    lm.generation_config.top_k = own
    how = Generation(sample=True, top_p=0.9, temperature=0.7)
    assert drawing(lm.generation_config, how) == {"top_p": 0.9, "temperature": 0.7, "top_k": wanted}
    assert drawing(lm.generation_config, GREEDY) == {}
    lm.generation_config.top_k = 1  # the likeliest word is all that may be drawn
    row = prompts(lm, (4,))
    (drawn,) = generate(model, row, tokenizer, GREEDY.model_copy(update={"sample": True}), seeds=[3])
    assert drawn == generate(model, row, tokenizer, GREEDY)[0]


@pytest.mark.parametrize(("own", "wanted"), [(20, 20), (None, 50)])
def test_saved_weights_draw_as_a_draft_does(own: int | None, wanted: int, tmp_path: Path) -> None:
    """Whoever reads the folder's generation_config.json alone draws from as many words."""
    model = PETRG3D.from_pretrained(write_weights(tmp_path, recipe=recipe_for_bytes("petrg3d-2025")))
    model.language_model.generation_config.top_k = own
    model.save_pretrained(tmp_path / "again")
    saved, how = GenerationConfig.from_pretrained(tmp_path / "again"), model.config.typed_recipe.generation
    drawn = drawing(model.language_model.generation_config, how)
    assert {name: getattr(saved, name) for name in drawn} == drawn
    assert saved.top_k == wanted
    greedy = generation_config(Recipe.of("petrg-1"), [2], None, model.language_model.generation_config)
    assert not greedy.do_sample
    assert "top_k" not in generation_config(Recipe.of("petrg3d-2025"), [2], None, None).to_diff_dict(), "not known here"


def test_sampling_depends_on_the_case_s_seed_alone() -> None:
    model, tokenizer = held("qwen3")
    rows = prompts(model.language_model)
    how = Generation(sample=True, top_p=0.9, temperature=0.7, repetition_penalty=1.05, max_new_tokens=20)
    seeds = [case_seed(7, name) for name in ("a", "b", "c")]
    before = torch.random.get_rng_state()
    together = generate(model, rows, tokenizer, how, seeds=seeds)
    assert torch.equal(torch.random.get_rng_state(), before), "the caller's random numbers are left alone"
    turned = generate(model, rows[::-1], tokenizer, how, seeds=seeds[::-1])
    assert together == turned[::-1]
    other = generate(model, rows, tokenizer, how, seeds=[case_seed(8, name) for name in ("a", "b", "c")])
    assert [d.ids for d in other] != [d.ids for d in together]
    with pytest.raises(ValueError, match="seed"):
        generate(model, rows, tokenizer, how)


def test_what_is_streamed_is_what_is_written(caplog: pytest.LogCaptureFixture) -> None:
    model, tokenizer = held("qwen3")
    told: list[str] = []
    with caplog.at_level(logging.WARNING):
        (row,) = generate(model, prompts(model.language_model, (4,)), tokenizer, GREEDY, write=told.append)
    assert "".join(told).strip() == row.text
    assert not caplog.records
    with pytest.raises(ValueError, match="one prompt"):
        generate(model, prompts(model.language_model), tokenizer, GREEDY, write=told.append)


def test_a_base_that_wants_to_sample_is_read_greedily_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    """As the generation config of Qwen3, which sets do_sample, top_k 20 and a temperature."""
    model, tokenizer = held("qwen3")
    plain = generate(model, prompts(model.language_model), tokenizer, GREEDY)
    lm = model.language_model
    lm.generation_config.update(do_sample=True, top_k=20, top_p=0.95, temperature=0.6, repetition_penalty=1.05)
    with caplog.at_level(logging.WARNING):
        assert generate(model, prompts(lm), tokenizer, GREEDY) == plain
    assert not caplog.records


def test_the_network_s_own_generate_writes_what_a_draft_is(tmp_path: Path) -> None:
    """Hugging Face's way in: padded ids and latents, the saved config, and a base that would rather sample."""
    weights = write_weights(tmp_path)
    model, processor = PETRG3D.from_pretrained(weights), PETRG3DProcessor.from_pretrained(weights)
    model.language_model.generation_config.update(do_sample=True, top_k=20, temperature=0.6)
    asks = [Ask(template="肝脏未见异常。" * 9), Ask()]
    latents = torch.randn(2, 2 * model.span.latents, 32, generator=torch.Generator().manual_seed(2))
    batch = processor(asks)
    assert bool((batch["attention_mask"] == 0).any()), "the prompts are of unequal length"
    embeds = [model.embed(torch.tensor([processor.prompt(ask)]), latents[k : k + 1])[0] for k, ask in enumerate(asks)]
    how = processor.typed_recipe.generation.model_copy(update={"repetition_penalty": 1.3})
    wanted = [d.ids for d in generate(model, embeds, processor.tokenizer, how)]
    made = model.generate(**batch, latents=latents, repetition_penalty=1.3)
    assert [row[: len(ids)].tolist() for row, ids in zip(made, wanted, strict=True)] == wanted
    assert made.shape[1] == max(map(len, wanted)) == how.max_new_tokens
    alone = model.generate(**processor(asks[1:]), latents=latents[1:], repetition_penalty=1.3)
    assert torch.equal(alone[0], made[1])
    short = model.generate(**batch, latents=latents, max_new_tokens=3, do_sample=True, top_p=0.9)
    assert short.shape == (2, 3)
    features = (torch.randn(1, 5, 24), torch.randn(1, 5, 24))
    one = processor(asks[:1])
    seen = model.generate(**one, features=features, max_new_tokens=4)
    assert torch.equal(seen, model.generate(**one, latents=model.condense(*features), max_new_tokens=4))
    with pytest.raises(ValueError, match="input_ids or inputs_embeds"):
        model.generate(latents=latents)


@torch.no_grad()
def test_bfloat16_is_near_and_no_more_is_claimed() -> None:
    """Batched and single logits agree within a tolerance; tokens may not."""
    model, _ = held("qwen3")
    lm = model.language_model.to(torch.bfloat16)
    short, long = (p.to(torch.bfloat16) for p in prompts(lm, (5, 23)))
    padded = torch.stack((torch.cat((torch.zeros(18, 32, dtype=torch.bfloat16), short)), long))
    mask = torch.stack(((torch.arange(23) >= 18).long(), torch.ones(23, dtype=torch.long)))
    places = (mask.cumsum(-1) - 1).clamp(min=0)
    together = lm(inputs_embeds=padded, attention_mask=mask, position_ids=places).logits[0, -1].float()
    alone = lm(inputs_embeds=short[None]).logits[0, -1].float()
    assert float((together - alone).abs().max()) <= 3e-2 * float(alone.abs().max())


@pytest.mark.parametrize(
    ("text", "looping"),
    [
        ("肝脏未见异常。双肾未见异常。脾脏未见异常。", False),
        ("双侧颈部见肿大淋巴结。" * 3, True),
        ("双侧颈部见肿大淋巴结。" * 3 + "双侧颈", True),
        ("左肺、右肺、左肺、右肺、", False),
        ("左肺、" * 4, True),
        ("The liver is normal. " * 2, False),
        ("。" * 30, True),
        ("-" * 10, False),
        ("", False),
        ("双侧颈部见肿大淋巴结。" * 3 + "肝脏未见异常，脾脏未见异常，胰腺未见异常。", False),
    ],
)
def test_looping(text: str, looping: bool) -> None:
    assert is_looping(text) is looping


def test_a_marker_ends_a_text_though_no_token_does() -> None:
    how = Generation(cut_at="【报告结束】")
    assert drafted([1], "肝脏未见异常。 【报告结束】 后文", how, ended=False) == ([1], "肝脏未见异常。", True, False)
    assert not drafted([1], "肝脏未见", how, ended=False).ended


def test_the_released_network_writes_what_the_released_code_wrote(shared: Path) -> None:
    """Greedy with penalty 1.05, alone and in a padded batch, token for token on every reference case."""
    home = shared / "data" / "petrg3d_parity"
    model, tokenizer = load_released(home / "model.safetensors", home / "llm")
    arrays = [np.load(case / "arrays.npz") for case in sorted((home / "cases").iterdir())]
    prompts = [torch.from_numpy(a["test_inputs_embeds"]) for a in arrays]
    how = Generation(max_new_tokens=48, repetition_penalty=1.05)
    short = prompts[0][-200:]
    for prompt, wanted in zip(prompts, arrays, strict=True):
        ids = wanted["greedy_rp105_ids"].tolist()
        (alone,) = generate(model, [prompt], tokenizer, how, ends=[tokenizer.eos_token_id])
        company = generate(model, [short, prompt], tokenizer, how, ends=[tokenizer.eos_token_id])[1]
        ends = ids.index(tokenizer.eos_token_id) if tokenizer.eos_token_id in ids else len(ids)
        assert alone.ids == company.ids == ids[:ends]


def test_a_row_that_ended_at_the_marker_keeps_no_padding() -> None:
    """Alone and beside a longer row the same tokens are counted."""
    from types import SimpleNamespace

    from petrg.model import generate as module

    tokenizer = SimpleNamespace(pad_token_id=0, decode=lambda ids, **_: "".join(map(chr, ids)))
    how = Generation(cut_at="END")
    alone, beside = [97, *b"END"], [97, *b"END", 0, 0, 0]
    assert module._row(alone, tokenizer, how, [2]) == module._row(beside, tokenizer, how, [2])
    assert module._row([97, 0, 98], tokenizer, how, [2]).ids == [97, 0, 98]  # a pad in the middle was written
