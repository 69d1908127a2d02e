"""The six families: where adapters go, how prompts are laid out, what scales a row, where an answer ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from families import AS_RELEASED, FAMILIES, ROWS_MORE, SMALL, TIED, tokenizer_of, write_family
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig

from petrg.errors import ModelError
from petrg.model.backbone import after_answer, lora_targets, row_scale, turn_end
from petrg.model.base import load_base
from petrg.model.config import PETRG3DConfig
from petrg.model.network import PETRG3D
from petrg.model.processor import PETRG3DProcessor
from petrg.model.prompt import IGNORED, Ask
from petrg.model.start import start

NAMES = tuple(FAMILIES)
ASK = Ask(template="肝脏未见异常。", hospital="AP", sex="F")


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    home = tmp_path_factory.mktemp("bases")
    return {name: write_family(name, home / name) for name in NAMES}


@pytest.fixture(scope="module")
def started(bases: dict[str, Path]) -> dict[str, tuple[PETRG3D, PETRG3DProcessor]]:
    torch.manual_seed(1)
    made = {name: start(folder, network=SMALL) for name, folder in bases.items()}
    for model, _ in made.values():
        model.eval()
    return made


@pytest.mark.parametrize("name", NAMES)
def test_adapters_stand_where_the_family_has_them(started: Any, name: str) -> None:
    model, _ = started[name]
    adapted = {n.rpartition(".lora_A")[0].rpartition(".")[2] for n, _ in model.named_parameters() if ".lora_A." in n}
    assert adapted == set(FAMILIES[name].adapted)
    layers = {n for n, _ in model.named_parameters() if ".lora_A." in n}
    assert len(layers) == 2 * len(FAMILIES[name].adapted)
    zero = [p for n, p in model.named_parameters() if ".lora_B." in n]
    assert not any(p.any() for p in zero)  # nothing redrew them: an untrained adapter changes nothing


@pytest.mark.parametrize("name", NAMES)
def test_the_table_is_cut_to_the_tokenizer(started: Any, bases: Any, name: str) -> None:
    model, processor = started[name]
    whole = AutoModelForCausalLM.from_pretrained(bases[name])
    table = whole.get_input_embeddings().weight
    own = model.get_input_embeddings().weight
    assert len(table) - len(own) == ROWS_MORE
    assert torch.equal(own, table[: len(own)])
    assert torch.equal(
        model.language_model.get_output_embeddings().weight, whole.get_output_embeddings().weight[: len(own)]
    )
    tied = model.language_model.get_output_embeddings().weight is own
    assert tied == (name in TIED)
    assert processor.span.first == len(own)


@pytest.mark.parametrize("name", NAMES)
def test_prompts_hold_each_latent_once_in_the_familys_layout(started: Any, name: str) -> None:
    _, processor = started[name]
    ids = processor.prompt(ASK)
    first = processor.tokenizer.bos_token_id
    if FAMILIES[name].bos is not None:
        assert ids[0] == first
        assert ids.count(first) == 1
    span = processor.span
    assert [k for k in ids if span.ct <= k < span.end] == sorted(
        range(span.ct, span.end), key=lambda k: ((k < span.pet) == (name == "llama"), k)
    )  # Llama's layout has PET first
    text = processor.text(ASK)
    assert processor.typed_recipe.prompt.system in text or name == "llama"
    if name == "llama":
        assert text.startswith("<s><pet><image_pet0>")
        assert text.endswith(" ")


@pytest.mark.parametrize("name", NAMES)
def test_words_go_in_as_the_language_model_reads_them(started: Any, name: str) -> None:
    model, processor = started[name]
    ids = torch.tensor([processor.tokenizer("SUV 3.1 在肝右叶")["input_ids"]])
    with torch.inference_mode():
        ours = model(input_ids=ids).logits
        own = model.language_model(input_ids=ids).logits
    assert torch.equal(ours, own)


@pytest.mark.parametrize("name", NAMES)
def test_our_rows_are_scaled_once_as_words_are(started: Any, name: str) -> None:
    model, _ = started[name]
    span, hidden = model.span, model.config.text_config.hidden_size
    latents = torch.randn(1, 2 * span.latents, hidden)
    ids = torch.tensor([[65, span.first, span.ct, span.pet + 1]])
    seen: list[torch.Tensor] = []
    layer = next(m for n, m in model.language_model.named_modules() if n.endswith("layers.0"))
    hook = layer.register_forward_pre_hook(
        lambda _, given, named: seen.append(given[0] if given else named["hidden_states"]), with_kwargs=True
    )
    with torch.inference_mode():
        model(input_ids=ids, latents=latents)
    hook.remove()
    scale = hidden**0.5 if name == "gemma2" else 1.0
    table = model.get_input_embeddings().weight
    rows = torch.stack([table[65], model.token_rows()[0], latents[0, 0], latents[0, span.latents + 1]])
    torch.testing.assert_close(seen[0][0], (rows * scale).detach(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_supervised_logits_are_those_of_the_whole_row(started: Any, name: str) -> None:
    model, processor = started[name]
    batch = processor([ASK], ["肝右叶见摄取增高灶，SUVmax <suvmax>。"])
    latents = torch.randn(1, 2 * model.span.latents, model.config.text_config.hidden_size)
    with torch.inference_mode():
        taught = model(input_ids=batch["input_ids"], latents=latents, labels=batch["labels"])
        whole = model(input_ids=batch["input_ids"], latents=latents).logits.float()
    labels = batch["labels"][0]
    at = (labels != IGNORED).nonzero()[:, 0]
    torch.testing.assert_close(taught.logits[0].float(), whole[0, at - 1], rtol=1e-4, atol=1e-5)
    wanted = torch.nn.functional.cross_entropy(whole[0, at - 1], labels[at])
    torch.testing.assert_close(taught.loss, wanted, rtol=1e-4, atol=1e-5)
    if name == "gemma2":  # the head's cap holds on the kept positions too
        assert float(taught.logits.abs().max()) <= 3.0


@pytest.mark.parametrize("name", NAMES)
def test_the_end_is_taught_and_the_answer_and_nothing_else(started: Any, name: str) -> None:
    _, processor = started[name]
    row = processor.answer(ASK, "未见异常。")
    taught = [label for label in row.labels if label != IGNORED]
    assert processor.tokenizer.decode(taught) == "未见异常。" + FAMILIES[name].eos
    assert row.ids[: len(processor.prompt(ASK))] == processor.prompt(ASK)
    assert row.labels[-len(taught) :] == taught  # one stretch, at the end


@pytest.mark.parametrize("name", NAMES)
def test_the_end_token_lies_where_the_family_has_it(name: str) -> None:
    """As published: Qwen's 151645 of 151643 and GLM-4's 151329 of 151329 beyond, 1, 2 and 2 of the others within."""
    tokenizer = tokenizer_of(name)
    assert (tokenizer.eos_token_id < tokenizer.vocab_size) is (name in ("gemma2", "mistral", "llama"))
    assert tokenizer.vocab_size < len(tokenizer) or FAMILIES[name].inside


@pytest.mark.parametrize("name", NAMES)
def test_the_released_recipe_teaches_what_lies_below_the_vocabulary_s_size(bases: Any, name: str) -> None:
    """After the answer comes what the family's chat template puts there, and a token beyond is masked."""
    _, processor = start(bases[name], network=AS_RELEASED, recipe="petrg3d-2025")
    tokenizer, family = processor.tokenizer, FAMILIES[name]
    row = processor.answer(ASK, "未见异常。")
    said = "未见异常。 【报告结束】"
    start_at = len(processor.prompt(ASK))
    assert tokenizer.decode(row.ids[start_at:]) == said + family.after
    taught = [label for label in row.labels if label != IGNORED]
    assert tokenizer.decode(taught) == said + (family.after if family.inside else family.after.replace(family.eos, ""))
    assert row.labels[:start_at] == [IGNORED] * start_at
    if not family.inside:
        assert tokenizer.eos_token_id not in taught


def test_what_follows_an_answer_is_read_off_the_chat_template() -> None:
    for name, family in FAMILIES.items():
        assert after_answer(tokenizer_of(name)) == family.after


@pytest.mark.parametrize("name", NAMES)
def test_generation_stops_at_each_of_the_familys_ends(started: Any, name: str, tmp_path: Path) -> None:
    model, processor = started[name]
    model.save_pretrained(tmp_path, processor=processor)
    how = GenerationConfig.from_pretrained(tmp_path)
    named = set(FAMILIES[name].stops) | ({"<end_of_turn>"} if name == "gemma2" else set())
    ends = set(processor.tokenizer.convert_tokens_to_ids(list(named)))
    assert set(how.eos_token_id) == ends
    assert how.eos_token_id[0] == processor.tokenizer.eos_token_id
    ids = torch.tensor([processor.prompt(ASK)])
    latents = torch.randn(1, 2 * model.span.latents, model.config.text_config.hidden_size)
    embeds = model.embed(ids, latents)
    for end in ends:
        made = _generate_forced(model.language_model, embeds, how, [66, 67, end, 68])
        assert made == [66, 67, end]
    assert len(_generate_forced(model.language_model, embeds, how, [66] * 9, new=9)) == 9  # nothing else stops it


def _generate_forced(lm: Any, embeds: torch.Tensor, how: GenerationConfig, wanted: list[int], new: int = 16) -> Any:
    """Generate with the head bent so that it writes ``wanted``, whatever it reads."""
    step = iter(wanted)

    def bend(_: nn.Module, __: Any, out: Any) -> Any:
        out.logits = torch.full_like(out.logits, -50.0)
        out.logits[..., next(step, 69)] = 50.0
        return out

    hook = lm.register_forward_hook(bend)
    try:
        made = lm.generate(
            inputs_embeds=embeds,
            attention_mask=torch.ones(embeds.shape[:2], dtype=torch.long),
            generation_config=how,
            max_new_tokens=new,
        )
    finally:
        hook.remove()
    return made[0].tolist()


def test_ends_of_turn_are_read_off_the_chat_template() -> None:
    found = {}
    for name in NAMES:
        tokenizer = tokenizer_of(name)
        end = turn_end(tokenizer)
        found[name] = None if end is None else tokenizer.convert_ids_to_tokens(end)
    assert found == {
        "qwen3": "<|im_end|>",
        "qwen2": "<|im_end|>",
        "glm4": None,
        "gemma2": "<end_of_turn>",
        "mistral": "</s>",
        "llama": None,
    }


def test_a_backbone_without_a_chat_template_is_refused_unless_it_is_a_llama() -> None:
    for name in ("qwen3", "mistral"):
        tokenizer = tokenizer_of(name)
        tokenizer.chat_template = None
        with pytest.raises(ModelError, match="no chat template"):
            PETRG3DProcessor(tokenizer, "petrg-1", 3)
    assert PETRG3DProcessor(tokenizer_of("llama"), "petrg-1", 3, True).prompt(ASK)


def test_a_backbone_without_an_end_token_is_refused() -> None:
    tokenizer = tokenizer_of("qwen3")
    tokenizer.eos_token = None
    with pytest.raises(ModelError, match="no end token"):
        PETRG3DProcessor(tokenizer, "petrg-1", 3)


@pytest.mark.parametrize(
    ("kind", "shape", "adapted"),
    [
        (
            "gpt_neox",
            {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 16},
            {"attention.query_key_value", "attention.dense"},
        ),
        ("gpt2", {"n_embd": 16, "n_head": 2, "n_positions": 4096}, {"attn.c_attn", "attn.c_proj"}),
        (
            "phi3",
            {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 16},
            {"self_attn.qkv_proj", "self_attn.o_proj"},
        ),
    ],
)
def test_any_other_causal_model_gets_adapters_inside_its_attention(
    kind: str, shape: dict[str, int], adapted: set[str], tmp_path: Path
) -> None:
    tokenizer = tokenizer_of("qwen2")
    more = {"num_hidden_layers": 2, "vocab_size": len(tokenizer), "eos_token_id": tokenizer.eos_token_id}
    lm = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **more, **shape, pad_token_id=0, bos_token_id=0))
    assert set(lora_targets(lm)) == adapted
    lm.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    model, processor = start(tmp_path, network=SMALL)
    batch = processor([ASK], ["好"])
    latents = torch.randn(1, 6, 16)
    assert model(input_ids=batch["input_ids"], latents=latents, labels=batch["labels"]).loss.item() > 0


def test_a_tokenizer_longer_than_the_table_is_refused(tmp_path: Path) -> None:
    folder = write_family("qwen3", tmp_path)
    tokenizer = tokenizer_of("qwen3")
    tokenizer.add_tokens([f"<more{k}>" for k in range(ROWS_MORE + 1)])
    tokenizer.save_pretrained(folder)
    with pytest.raises(ModelError, match=r"269 tokens, the language model 268 rows"):
        start(folder, network=SMALL)


def test_scale_of_a_plain_table_is_one() -> None:
    assert row_scale(nn.Embedding(2, 4)) == 1.0


def test_a_published_language_model_is_noted_with_its_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was fetched as the newest is later fetched at that commit."""
    folder = write_family("qwen3", tmp_path)
    lm = load_base(folder, size=len(tokenizer_of("qwen3")))
    lm.config._commit_hash = "b968826d9c46dd6066d109eabc6255188de91218"
    monkeypatch.setattr("petrg.model.start.load_base", lambda *_, **__: lm)
    monkeypatch.setattr("petrg.model.start.base_tokenizer", lambda *_, **__: tokenizer_of("qwen3"))
    model, processor = start("org/lm", network=SMALL)
    model.save_pretrained(tmp_path / "weights", processor=processor)
    saved = PETRG3DConfig.from_pretrained(tmp_path / "weights")
    assert (saved.base_model, saved.base_revision) == ("org/lm", "b968826d9c46dd6066d109eabc6255188de91218")
    assert not saved.embeds_base
    assert not (tmp_path / "weights" / "language_model").exists()
