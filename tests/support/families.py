"""The six backbone families, tiny and random, each with its family's special tokens, chat template and end tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

from petrg.model.config import LoraSpec, Network, ResamplerConfig, VisionConfig

_CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_THINK = "{% if add_generation_prompt and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}"
_GLM = (
    "[gMASK]<sop>{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
_GEMMA = (
    "{{ bos_token }}"
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for m in messages %}<start_of_turn>{{ 'model' if m['role'] == 'assistant' else m['role'] }}\n"
    "{{ m['content'] | trim }}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
_MISTRAL = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'system' %}{{ m['content'] + '\n\n' }}"
    "{% elif m['role'] == 'user' %}[INST] {{ m['content'] }} [/INST]"
    "{% else %}{{ ' ' + m['content'] + eos_token }}{% endif %}{% endfor %}"
)


@dataclass(frozen=True)
class Family:
    """What sets one family apart from the others."""

    specials: tuple[str, ...]
    eos: str
    template: str | None
    stops: tuple[str, ...]  # what its published generation config stops at
    adapted: tuple[str, ...]  # layers that get an adapter
    bos: str | None = None
    pad: str | None = None
    inside: bool = False  # whether its special tokens have the vocabulary's first ids, or such as follow it
    after: str = ""  # what its chat template puts after an answer
    extra: dict[str, Any] = field(default_factory=dict)


_QWEN = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
FAMILIES = {
    "qwen3": Family(
        (*_QWEN, "<think>", "</think>"),
        "<|im_end|>",
        _CHATML + _THINK,
        ("<|im_end|>", "<|endoftext|>"),
        ("q_proj", "v_proj"),
        pad="<|endoftext|>",
        after="<|im_end|>\n",
    ),
    "qwen2": Family(
        _QWEN,
        "<|im_end|>",
        _CHATML,
        ("<|im_end|>", "<|endoftext|>"),
        ("q_proj", "v_proj"),
        pad="<|endoftext|>",
        after="<|im_end|>\n",
    ),
    "glm4": Family(
        ("<|endoftext|>", "[gMASK]", "<sop>", "<|system|>", "<|user|>", "<|assistant|>", "<|observation|>"),
        "<|endoftext|>",
        _GLM,
        ("<|endoftext|>", "<|user|>", "<|observation|>"),
        ("q_proj", "k_proj", "v_proj", "o_proj"),
        pad="<|endoftext|>",
        extra={"partial_rotary_factor": 0.5},
    ),
    "gemma2": Family(
        ("<pad>", "<eos>", "<bos>", "<start_of_turn>", "<end_of_turn>"),
        "<eos>",
        _GEMMA,
        ("<eos>",),
        ("q_proj", "v_proj"),
        bos="<bos>",
        pad="<pad>",
        inside=True,
        after="<end_of_turn>\n",
        extra={"query_pre_attn_scalar": 8, "sliding_window": 64, "final_logit_softcapping": 3.0},
    ),
    "mistral": Family(
        ("<unk>", "<s>", "</s>", "[INST]", "[/INST]"),
        "</s>",
        _MISTRAL,
        ("</s>",),
        ("q_proj", "v_proj"),
        bos="<s>",
        inside=True,
        after="</s>",
    ),
    "llama": Family(("<unk>", "<s>", "</s>"), "</s>", None, ("</s>",), ("q_proj", "v_proj"), bos="<s>", inside=True),
}
TIED = ("gemma2",)
ROWS_MORE = 7  # rows that the published table has beyond its tokenizer
SMALL = Network(
    vision=VisionConfig(
        patch=(4, 4, 4),
        dim=12,
        depth=1,
        heads=1,
        head_dim=8,
        mlp_dim=16,
        position="mm",
        position_tables=(4, 4, 4),
        normalise_patches=False,
    ),
    resampler=ResamplerConfig(latents=3, depth=1, heads=1, head_dim=8, mlp_ratio=1),
    lora=LoraSpec(rank=2, alpha=4),
)
AS_RELEASED = SMALL.model_copy(
    update={"vision": SMALL.vision.model_copy(update={"position": "stretched", "normalise_patches": True})}
)


def tokenizer_of(name: str) -> PreTrainedTokenizerFast:
    """A tokenizer of bytes with the family's special tokens where it has them.

    Qwen and GLM have theirs after the vocabulary that ``vocab_size`` counts, Gemma, Mistral and Llama within it.
    """
    family = FAMILIES[name]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = [*(family.specials if family.inside else ()), *letters]
    inner = Tokenizer(models.BPE(vocab={word: k for k, word in enumerate(words)}, merges=[]))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    inner.add_special_tokens([AddedToken(text, special=True) for text in family.specials])
    named = {"eos_token": family.eos, "bos_token": family.bos, "pad_token": family.pad}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, **{role: text for role, text in named.items() if text is not None}
    )
    tokenizer.chat_template = family.template
    return tokenizer


def family_lm(name: str, seed: int = 0, *, rows_more: int = ROWS_MORE, **sizes: Any) -> Any:
    """A random language model of the family; ``sizes`` in the place of those given here."""
    family, tokenizer = FAMILIES[name], tokenizer_of(name)
    small = {"hidden_size": 16, "intermediate_size": 24, "initializer_range": 0.3}
    config = AutoConfig.for_model(
        name,
        vocab_size=len(tokenizer) + rows_more,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        max_position_embeddings=8192,
        tie_word_embeddings=name in TIED,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        **{**small, **family.extra, **sizes},
    )
    torch.manual_seed(seed)
    lm: Any = AutoModelForCausalLM.from_config(config)
    lm.generation_config.eos_token_id = tokenizer.convert_tokens_to_ids(list(family.stops))
    return lm.eval()


def write_family(name: str, folder: Path, seed: int = 0, **sizes: Any) -> Path:
    """A base language model as it would be published: folder of weights, generation config, tokenizer."""
    family_lm(name, seed, **sizes).save_pretrained(folder)
    tokenizer_of(name).save_pretrained(folder)
    return folder
