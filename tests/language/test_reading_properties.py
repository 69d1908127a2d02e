"""What holds for any text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from petrg.language.reading import labels, languages, lexicon, read

WORDS = sorted({w for code in languages() for e in lexicon(code).entries for w in e.words})
texts = st.lists(
    st.one_of(st.sampled_from(WORDS), st.text(max_size=8), st.sampled_from("，。；：、 ,.;\n")), max_size=60
).map("".join)


@given(texts, st.sampled_from(["auto", *languages()]))
def test_spans_lie_in_the_text_and_hold_what_was_read(text: str, language: str) -> None:
    reading = read(text, language)
    for grounded in reading.grounded:
        assert grounded.finding.spans
        for span in grounded.finding.spans:
            assert 0 <= span.start < span.end <= len(text)
        place = grounded.finding.spans[0]
        if grounded.finding.site is not None:
            assert text[place.start : place.end] == grounded.finding.site


@given(texts, st.sampled_from(["", " ", "\n", "  \n\n ", "\t"]))
def test_white_space_at_the_end_changes_nothing(text: str, space: str) -> None:
    assert read(text, "zh").findings == read(text + space, "zh").findings


@given(texts)
def test_every_label_is_grounded_or_silent(text: str) -> None:
    for row in labels(read(text)).values():
        for value, evidence in ((row.label.pet, row.pet), (row.label.ct, row.ct), (row.label.suv_max, row.suv)):
            if value is None:
                assert evidence is None or evidence.basis == "silent"
            else:
                assert evidence is not None
                assert evidence.rule
                assert evidence.spans


@given(texts)
def test_reading_twice_gives_the_same(text: str) -> None:
    assert read(text) == read(text)
