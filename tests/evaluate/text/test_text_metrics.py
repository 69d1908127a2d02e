"""Each metric against an independent library on random token lists, and the fast path against the plain functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.stem.porter import PorterStemmer
from nltk.translate.bleu_score import sentence_bleu
from nltk.translate.meteor_score import single_meteor_score
from pycocoevalcap.cider.cider_scorer import CiderScorer
from rouge_score import rouge_scorer
from sacrebleu.metrics.bleu import BLEU

from petrg.evaluate.text.bleu import bleu, bleu_of_counts, brevity_penalty, corpus_bleu
from petrg.evaluate.text.cider import cider_d
from petrg.evaluate.text.document_frequency import DocumentFrequency, cider_of
from petrg.evaluate.text.lcs import Masks, lcs_length
from petrg.evaluate.text.meteor import align, count_chunks, meteor
from petrg.evaluate.text.porter import stem
from petrg.evaluate.text.profile import compare, profile
from petrg.evaluate.text.rouge import rouge_l, rouge_n
from petrg.evaluate.text.score import counts_of, counts_row, sample_scores, score_pairs
from petrg.evaluate.text.tokens import Tokenizer

TOLERANCE = 1e-9
WORDS = ("a", "b", "c", "d", "肝", "脏", "SUV", "suv", "node", "nodes", "Nodes", "enlarged", "enlarging", "4.5")
texts = st.lists(st.sampled_from(WORDS), max_size=40)
some = st.lists(st.sampled_from(WORDS), min_size=1, max_size=40)
SPLIT = Tokenizer("en", "test", str.split)


class NoWordNet:
    """WordNet without a word, which nltk's METEOR asks for in its third stage."""

    def synsets(self, word: str) -> list[Any]:
        return []


class AsGiven:
    """rouge-score's tokenizer for texts that are cut already."""

    def tokenize(self, text: str) -> list[str]:
        return text.split()


def fast(reference: list[str], prediction: list[str]) -> dict[str, float]:
    theirs, ours = profile(reference), profile(prediction)
    row = counts_row(compare(theirs, ours), ours, theirs)
    return {name: float(value) for name, value in sample_scores(counts_of(row)).items()}


@given(some, st.lists(st.sampled_from(WORDS), min_size=4, max_size=40))
def test_bleu_is_nltks_with_one_added_to_every_precision(reference: list[str], prediction: list[str]) -> None:
    def add_one(p_n: list[Any], **_: Any) -> list[float]:
        return [(p.numerator + 1) / (p.denominator + 1) for p in p_n]

    if not set(reference) & set(prediction):  # nltk gives up without a common word
        return
    weights = [tuple([1 / n] * n) for n in range(1, 5)]
    expected = sentence_bleu([reference], prediction, weights, smoothing_function=add_one)
    quick = fast(reference, prediction)
    for order in range(1, 5):
        assert math.isclose(bleu(reference, prediction, order), expected[order - 1], abs_tol=TOLERANCE)
        assert math.isclose(quick[f"BLEU-{order}"], expected[order - 1], abs_tol=TOLERANCE)


@given(cases=st.lists(st.tuples(some, some), min_size=1, max_size=6))
def test_pooled_bleu_is_sacrebleus_from_counts_with_one_added(cases: list[tuple[list[str], list[str]]]) -> None:
    """sacrebleu adds to orders from 2 on only, so the unigrams get theirs before."""
    references, predictions = [" ".join(r) for r, _ in cases], [" ".join(p) for _, p in cases]
    pooled = BLEU(tokenize="none", smooth_method="none", force=True).corpus_score(predictions, [references])
    correct, total = list(pooled.counts), list(pooled.totals)
    correct[0], total[0] = correct[0] + 1, total[0] + 1
    expected = BLEU.compute_bleu(correct, total, pooled.sys_len, pooled.ref_len, "add-k", 1).score / 100
    ours = score_pairs(references, predictions, SPLIT).corpus["BLEU-4"]
    assert math.isclose(ours, expected, abs_tol=TOLERANCE)
    assert math.isclose(ours, corpus_bleu([r for r, _ in cases], [p for _, p in cases]), abs_tol=TOLERANCE)


@given(texts, texts)
def test_rouge_is_rouge_scores(reference: list[str], prediction: list[str]) -> None:
    scorer = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL"], tokenizer=AsGiven())
    expected = scorer.score(" ".join(reference), " ".join(prediction))
    plain = {"ROUGE-1": rouge_n(reference, prediction, 1), "ROUGE-2": rouge_n(reference, prediction, 2)}
    plain["ROUGE-L"] = rouge_l(reference, prediction)
    quick = fast(reference, prediction)
    for name, theirs in zip(plain, ("rouge1", "rouge2", "rougeL"), strict=True):
        assert math.isclose(plain[name], expected[theirs].fmeasure, abs_tol=TOLERANCE)
        assert math.isclose(quick[name], expected[theirs].fmeasure, abs_tol=TOLERANCE)


@given(texts, texts)
def test_meteor_is_nltks_without_synonyms(reference: list[str], prediction: list[str]) -> None:
    expected = single_meteor_score(reference, prediction, wordnet=NoWordNet())
    assert math.isclose(meteor(reference, prediction), expected, abs_tol=TOLERANCE)
    assert math.isclose(fast(reference, prediction)["METEOR"], expected, abs_tol=TOLERANCE)


@given(st.lists(st.tuples(some, texts), min_size=1, max_size=6))
def test_cider_is_pycocoevalcaps(cases: list[tuple[list[str], list[str]]]) -> None:
    scorer = CiderScorer(n=4, sigma=6.0)
    for reference, prediction in cases:
        scorer += (" ".join(prediction), [" ".join(reference)])
    expected = scorer.compute_score()[1]
    references, predictions = [r for r, _ in cases], [p for _, p in cases]
    assert np.allclose(cider_d(references, predictions), expected, rtol=0, atol=TOLERANCE)
    quick = score_pairs(map(" ".join, references), map(" ".join, predictions), SPLIT)
    found = quick.values["CIDEr-D"]  # NaN where no n-gram has a weight: pycocoevalcap's 0 says nothing there
    assert not np.isnan(found).any() or not any(expected)
    assert np.allclose(np.nan_to_num(found), expected, rtol=0, atol=TOLERANCE)


@given(st.lists(st.tuples(some, texts), min_size=1, max_size=5))
def test_cider_of_profiles_is_the_plain_function(cases: list[tuple[list[str], list[str]]]) -> None:
    frequency = DocumentFrequency()
    profiles = [(profile(r), profile(p)) for r, p in cases]
    for reference, _ in profiles:
        frequency.add(reference)
    plain = cider_d([r for r, _ in cases], [p for _, p in cases])
    assert np.allclose([cider_of(r, p, frequency) for r, p in profiles], plain, rtol=0, atol=TOLERANCE)


@given(texts, texts)
def test_alignment_of_profiles_is_the_plain_one(reference: list[str], prediction: list[str]) -> None:
    pairs = align([w.lower() for w in reference], [w.lower() for w in prediction], stem)
    overlap = compare(profile(reference), profile(prediction))
    assert (overlap.aligned, overlap.chunks) == (len(pairs), count_chunks(pairs))


@given(st.text(alphabet="abcde", max_size=30), st.text(alphabet="abcde", max_size=30))
def test_lcs_is_the_table_of_the_textbook(left: str, right: str) -> None:
    row = [0] * (len(right) + 1)
    for a in left:
        before = row[:]
        for j, b in enumerate(right, 1):
            row[j] = before[j - 1] + 1 if a == b else max(before[j], row[j - 1])
    assert lcs_length(left, right) == row[-1] == lcs_length(right, left)


def test_lcs_of_long_texts_has_a_known_length() -> None:
    """A text and its halves swapped share at least the longer half; digits of a counter make all tokens differ."""
    tokens = [str(n) for n in range(20_000)]
    assert lcs_length(tokens, tokens[12_000:] + tokens[:12_000]) == 12_000
    assert lcs_length(Masks(list("ab") * 6_000), list("ab") * 5_000) == 10_000


@pytest.mark.parametrize("count", [3, 7, 49, 1000])
def test_what_every_reference_says_weighs_exactly_nothing(count: int) -> None:
    """log(N) - log(N) is 0, not a rounding error that the norms would blow up to a score."""
    frequency, text = DocumentFrequency(), profile(list("abcd"))
    for _ in range(count):
        frequency.add(text)
    assert not frequency.tells
    assert cider_of(text, text, frequency) == 0.0
    assert np.isnan(score_pairs(["a b c d"] * count, ["a b c d"] * count, SPLIT).values["CIDEr-D"]).all()
    assert not any(cider_d(["abcd"] * count, ["abcd"] * count))


STEMS = st.text(alphabet="abcdeilnostuwxyz", max_size=7)
ENDINGS = (
    "s es ies sses ss ied eed ed ing ated bled izing y ational tional enci anci izer bli abli alli entli eli ousli "
    "ization ation ator alism iveness fulness ousness aliti iviti biliti fulli logi icate ative alize iciti ical ful "
    "ness al ance ence er ic able ible ant ement ment ent ion sion tion ou ism ate iti ous ive ize e ll lle 肺 肺s"
)


@given(STEMS, st.sampled_from(["", *ENDINGS.split()]), st.sampled_from(["", *ENDINGS.split()]))
def test_stems_are_nltks(root: str, ending: str, last: str) -> None:
    word = root + ending + last
    assert stem(word) == PorterStemmer().stem(word)


@pytest.mark.parametrize(
    "word", ["sky", "Skies", "dying", "news", "innings", "proceed", "flies", "died", "yyyyy", "a", ""]
)
def test_irregular_and_short_words_are_nltks(word: str) -> None:
    assert stem(word) == PorterStemmer().stem(word)


def test_a_prediction_without_tokens_scores_zero_and_its_penalty_is_zero() -> None:
    assert bleu(["a"], []) == 0
    assert fast(["a"], []) == dict.fromkeys(fast(["a"], ["a"]), 0.0)
    assert brevity_penalty(0, 3) == 0
    assert brevity_penalty(0, 0) == 1


def test_counts_may_have_any_leading_axes() -> None:
    matches, totals = np.array([3.0, 2, 1, 0]), np.array([4.0, 3, 2, 1])
    one = bleu_of_counts(matches, totals, np.array(4.0), np.array(5.0))
    many = bleu_of_counts(
        np.tile(matches, (2, 3, 1)), np.tile(totals, (2, 3, 1)), np.full((2, 3), 4.0), np.full((2, 3), 5.0)
    )
    assert many.shape == (2, 3, 4)
    assert np.array_equal(many, np.broadcast_to(one, (2, 3, 4)))


def test_equal_texts_score_one_but_for_meteor() -> None:
    tokens = ["a", "b", "c", "d", "e", "f"]
    scores = fast(tokens, tokens)
    assert scores.pop("METEOR") == 1 - 0.5 / 6**3
    assert set(scores.values()) == {1.0}
