"""Every word of every lexicon is read in a sentence of its own."""

from __future__ import annotations

import pytest

from petrg.anatomy import Region
from petrg.errors import ReportError
from petrg.language.reading import labels, languages, lexicon, read
from petrg.language.reading.lexicon import Entry, Kind, parse_lexicon
from petrg.report import Structure, Uptake

ENTRIES = [(code, entry) for code in languages() for entry in lexicon(code).entries]


def _id(item: object) -> str:
    return f"{item.kind.value}-{item.words[0]}" if isinstance(item, Entry) else str(item)


def faults(code: str, entry: Entry, word: str) -> list[str]:
    """What the entry's test sentence with ``word`` in it does not give."""
    sentence = entry.test.replace("{}", word)
    reading = read(sentence, code)
    got = labels(reading)
    wrong = []
    if not entry.expect:
        for region in entry.regions:
            if got[region].label.pet is not Uptake.HIGH:
                wrong.append(f"{sentence!r}: {region.value} is {got[region].label.pet}")
        for region in entry.implies if entry.kind is Kind.AREA else ():
            if got[region].label.pet is not Uptake.NORMAL or got[region].label.ct is not Structure.NORMAL:
                wrong.append(f"{sentence!r}: {region.value} is {got[region].label}")
        return wrong
    label = got[Region(entry.expect["region"])].label
    if "pet" in entry.expect and (label.pet or Uptake.NORMAL) != entry.expect["pet"]:
        wrong.append(f"{sentence!r}: PET {label.pet!r}")
    if "ct" in entry.expect and (label.ct or Structure.NORMAL) != entry.expect["ct"]:
        wrong.append(f"{sentence!r}: CT {label.ct!r}")
    if "suv" in entry.expect and label.suv_max != entry.expect["suv"]:
        wrong.append(f"{sentence!r}: SUV {label.suv_max}")
    if "side" in entry.expect:
        sides = {f.side.value for f in reading.findings if f.side and f.region.value == entry.expect["region"]}
        if sides != {entry.expect["side"]}:
            wrong.append(f"{sentence!r}: sides {sides}")
    return wrong


@pytest.mark.parametrize(("code", "entry"), ENTRIES, ids=_id)
def test_every_word_is_read_as_its_entry_says(code: str, entry: Entry) -> None:
    assert entry.expect or entry.regions or entry.implies
    assert not [line for word in entry.words for line in faults(code, entry, word)]


@pytest.mark.parametrize("code", languages())
def test_a_lexicon_names_every_region(code: str) -> None:
    named = {r for entry in lexicon(code).entries if entry.kind is Kind.SITE for r in entry.regions}
    assert named == set(Region)


@pytest.mark.parametrize(
    ("row", "match"),
    [
        ({"words": ["x"], "test": "{}", "colour": "red"}, "unknown keys"),
        ({"words": ["x"], "test": "no braces"}, "no test sentence"),
        ({"words": ["x"], "test": "{}", "region": "elbow"}, "elbow"),
        ({"words": ["x"], "test": "{}", "concept": "ghost"}, "unknown concept"),
    ],
)
def test_a_faulty_entry_is_refused(row: dict[str, object], match: str) -> None:
    with pytest.raises(ReportError, match=match):
        parse_lexicon("xx", [{"site": [row]}])


def test_a_word_in_two_entries_is_refused() -> None:
    row = {"words": ["knie"], "test": "{}", "region": "liver"}
    with pytest.raises(ReportError, match="two entries"):
        parse_lexicon("xx", [{"site": [row, row]}])


def test_no_lexicon_of_a_language_is_refused() -> None:
    with pytest.raises(ReportError, match="no lexicon of language 'tlh'"):
        read("x", "tlh")
