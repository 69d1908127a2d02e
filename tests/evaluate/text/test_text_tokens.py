"""Tokenizers: equal to their sources on any text; jieba's dictionary in our own cache, quietly."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

from petrg.errors import MissingExtra, ScoreError
from petrg.evaluate.text import dictionary, tokenizer
from petrg.evaluate.text.dictionary import BLOCK, load
from petrg.evaluate.text.words import Words

MARKS = [*"+#&._%-，。；、：（）()/*~ \t\r\n\u3000\x1c😀𠀀", "\r\n", "SUVmax", "4.5cm", "3.5%", "T2", "\ud812"]


def mixed(words: list[str]) -> st.SearchStrategy[str]:
    """Words of the dictionary, single Han characters (known and not), Latin, digits, marks, spaces, odd code points."""
    pieces = st.one_of(
        st.integers(0, len(words) - 1).map(words.__getitem__),
        st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF),
        st.text(alphabet="abcXYZ0123456789", min_size=1, max_size=4),
        st.sampled_from(MARKS),
        st.characters(),
    )
    return st.lists(pieces, max_size=30).map("".join)


def test_words_are_jiebas_on_any_text(plain_jieba: Any) -> None:
    @settings(max_examples=400)
    @given(mixed([word for word, count in plain_jieba.FREQ.items() if count]))
    def check(text: str) -> None:
        assert tokenizer("jieba")(text) == [word for word in plain_jieba.lcut(text) if word.strip()]

    check()


def test_words_are_jiebas_on_long_random_runs(plain_jieba: Any) -> None:
    """Runs without a mark between them, so that ways of hundreds of words are weighed, and ties met."""
    generator = np.random.default_rng(4)
    words = [word for word, count in plain_jieba.FREQ.items() if count]
    common = [word for word in words if plain_jieba.FREQ[word] > 500]
    for pool in (words, common, [word for word in common if len(word) == 1]):
        for _ in range(60):
            text = "".join(pool[i] for i in generator.integers(0, len(pool), 150))
            assert tokenizer("jieba")(text) == [word for word in plain_jieba.lcut(text) if word.strip()]


def test_the_trie_holds_exactly_jiebas_words_and_weights(plain_jieba: Any) -> None:
    import math

    words = Words(load())
    generator = np.random.default_rng(5)
    names = [word for word, count in plain_jieba.FREQ.items() if count]
    for i in generator.integers(0, len(names), 300):
        word = names[i]
        codes = np.minimum(np.array([ord(c) for c in word]), 65536)
        starts, lengths, weights = words._edges(codes)
        found = {int(n): float(w) for s, n, w in zip(starts, lengths, weights, strict=True) if s == 0}
        inside = all(dictionary.FIRST_HAN <= c <= dictionary.LAST_HAN for c in codes)
        if inside:
            assert found[len(word)] == math.log(plain_jieba.FREQ[word]) - math.log(plain_jieba.total)


def test_an_application_that_changes_jieba_does_not_change_us(plain_jieba: Any) -> None:
    import jieba

    before = tokenizer("jieba")("全身骨骼未见异常放射性浓聚")
    jieba.dt.tmp_dir = plain_jieba.tmp_dir
    jieba.add_word("骼未见异", freq=10**9)
    try:
        assert "骼未见异" in jieba.lcut("全身骨骼未见异常放射性浓聚")
        assert tokenizer("jieba")("全身骨骼未见异常放射性浓聚") == before
        assert Words(load()).cut("全身骨骼未见异常放射性浓聚") == before
    finally:
        jieba.del_word("骼未见异")


def test_labels_carry_name_and_version() -> None:
    assert [tokenizer(name).label for name in ("jieba", "char", "en")] == ["jieba 0.42.1", "char 1", "en mteval-13a"]


@given(st.text(max_size=60))
def test_characters_are_all_but_white_space(text: str) -> None:
    assert tokenizer("char")(text) == list("".join(text.split()))


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("aZ09.,-&;:/<>()' \n")), max_size=60))
def test_english_words_are_sacrebleus(text: str) -> None:
    assert tokenizer("en")(text) == Tokenizer13a()(text.lower().rstrip()).split()


def test_english_keeps_numbers_whole() -> None:
    assert tokenizer("en")("SUVmax 4.5, 1,200 ml; well-known.") == (
        ["suvmax", "4.5", ",", "1,200", "ml", ";", "well-known", "."]
    )


def test_an_unknown_tokenizer_is_refused() -> None:
    with pytest.raises(ScoreError, match="jieba, char, en"):
        tokenizer("words")


def test_without_jieba_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dictionary, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"Chinese word tokens needs jieba — run: pip install 'petrg\[score\]'"):
        tokenizer.__wrapped__("jieba")
    tokenizer.__wrapped__("char")
    tokenizer.__wrapped__("en")


def test_another_version_of_jieba_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dictionary, "version", lambda name: "0.39")
    with pytest.raises(MissingExtra, match=r"jieba==0\.42\.1"):
        tokenizer.__wrapped__("jieba")


CUT = "from petrg.evaluate.text import tokenizer; print(' '.join(tokenizer('jieba')('双侧颈部未见肿大淋巴结')))"
EXPECTED = "双侧 颈部 未见 肿大 淋巴结"


def run(env: dict[str, str]) -> subprocess.Popen[str]:
    whole = {**os.environ, "PYTHONIOENCODING": "utf-8", **env}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", CUT],
        env=whole,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def test_two_processes_make_one_cache_and_nothing_else(tmp_path: Path) -> None:
    """A cold start beside another: both right, both quiet, one file in our folder, none in the temporary one."""
    cache, temporary = tmp_path / "cache", tmp_path / "tmp"
    temporary.mkdir()
    both = [run({"XDG_CACHE_HOME": str(cache), "TMPDIR": str(temporary)}) for _ in range(2)]
    for process in both:
        out, err = process.communicate(timeout=60)
        assert (out.strip(), err) == (EXPECTED, "")
    assert [p.relative_to(cache).as_posix() for p in cache.rglob("*") if p.is_file()] == ["petrg/jieba-0.42.1.npz"]
    assert not list(temporary.iterdir())


def test_a_damaged_cache_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made = load()
    path = tmp_path / "petrg" / "jieba-0.42.1.npz"
    whole = path.read_bytes()
    path.write_bytes(whole[:500_000] + b"x" * 5000 + whole[505_000:])
    again = load()
    assert np.array_equal(again.keys, made.keys)
    assert path.read_bytes() == whole
    for damaged in (b"", b"nonsense", whole[: len(whole) // 2]):
        path.write_bytes(damaged)
        assert dictionary._cached(path, np.array([1, 2, 3])) is None


def test_another_dictionary_file_is_read_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    home = tmp_path / "jieba"
    home.mkdir()
    monkeypatch.setattr(dictionary, "_home", lambda: home)
    for words, beginnings in (("肝脏胆 9 n\n", 3), ("肝 9 n\n脏 9 n\n", 2)):
        (home / "dict.txt").write_text(words, encoding="utf-8")
        for _ in range(2):  # read, then from the cache
            assert len(load().keys) == beginnings


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no users here")
def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))  # a file, where a folder is needed
    assert Words(load()).cut("双侧颈部未见肿大淋巴结") == EXPECTED.split()
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_the_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/srv/someone")
    assert dictionary.cache_folder() == Path("/srv/someone/.cache/petrg")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # the XDG rule: relative paths are ignored
    assert dictionary.cache_folder() == Path("/srv/someone/.cache/petrg")


def test_blocks_are_jiebas(plain_jieba: Any) -> None:
    import re

    import jieba

    everything = "".join(map(chr, range(0x11000)))
    assert re.findall(f"[{BLOCK}]", everything) == list("".join(jieba.re_han_default.findall(everything)))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("keys", np.array(3)),
        ("keys", np.zeros((2, 2), dtype=np.int64)),
        ("keys", np.array([3, 2, 1])),
        ("letters", np.zeros(5, dtype=np.uint16)),
        ("weights", np.array(["a", "b"])),
        ("emission", np.zeros((4, 4))),
        ("start", np.zeros(3)),
        ("unknown", np.zeros(2)),
    ],
)
def test_a_cache_of_other_shapes_is_made_anew(name: str, value: np.ndarray, tmp_path: Path) -> None:
    """Whole as a file, and by its checksums, but no dictionary."""
    stamp = np.array([1, 2, 3])
    good = {
        "letters": np.zeros(65536, dtype=np.uint16),
        "keys": np.array([1, 2, 5]),
        "weights": np.zeros(4),
        "unknown": np.array(-1.0),
        "emission": np.zeros((20950, 4)),
        "start": np.zeros(4),
        "moves": np.zeros((4, 4)),
    }
    path = tmp_path / "cache.npz"
    np.savez(path, **good, stamp=stamp)  # type: ignore[arg-type]
    assert dictionary._cached(path, stamp) is not None
    np.savez(path, **{**good, name: value}, stamp=stamp)  # type: ignore[arg-type]
    assert dictionary._cached(path, stamp) is None
    with path.open("wb") as file:
        np.save(file, np.arange(4))
    assert dictionary._cached(path, stamp) is None
