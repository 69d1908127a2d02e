"""Lexica: the words of one language and what they mean to the reader, from TOML.

A lexicon holds no grammar beyond a few switches; a further language is a further file. Every entry
carries a test sentence with ``{}`` where its words go.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from petrg.anatomy import Region, Side
from petrg.errors import ReportError
from petrg.language.reading.concepts import CONCEPTS
from petrg.language.reading.plain import normalise
from petrg.report import Uptake

__all__ = ["Entry", "Kind", "Lexicon", "languages", "lexicon", "parse_lexicon", "read_lexicon"]


class Kind(StrEnum):
    """What a word does in a clause."""

    SITE = "site"  # names a place
    AREA = "area"  # names a larger area; called normal, its parts are
    REFERENCE = "reference"  # blood pool, background: a yardstick, never a subject
    SIDE = "side"
    BESIDE = "beside"  # after a site: the place next to it
    TOPIC = "topic"  # what is spoken of: uptake, density, size
    CHANGE = "change"  # increased, decreased: of the topic
    UPTAKE = "uptake"  # says an uptake class by itself
    STRUCTURE = "structure"  # names what CT shows
    SHAPE = "shape"  # nodular: a density of that shape is focal
    ABNORMAL = "abnormal"
    NORMAL = "normal"
    UNEVEN = "uneven"
    DEGREE = "degree"  # mild or marked
    NEGATION = "negation"  # denies what follows in the clause
    NEGATED = "negated"  # denies what came before in the clause
    BUT = "but"  # ends a negation and a clause
    VERB = "verb"  # seen, is, shows: parts a list from a sentence
    WITHIN = "within"  # in, at: what follows is a place of its own
    LIST = "list"
    ALTERNATIVE = "alternative"  # or, nor: a list that a negation covers
    ASIDE = "aside"  # adjacent to: the place that follows is not the subject
    COMPARISON = "comparison"  # higher than: the place that follows is a yardstick
    LIKENESS = "likeness"  # "with X alike": the place before is a yardstick
    LOCATION = "location"  # the largest in, involving: adds a place to the subject
    EXPLANATION = "explanation"  # considered, likely
    MALIGNANT = "malignant"
    PRIOR = "prior"  # of an earlier study: its numbers are not of this one
    HISTORY = "history"  # heads what is not a finding: history, technique; up to the next heading
    TOGETHER = "together"  # all, the above: said of the lesions before too
    REFER = "refer"  # the former, the latter of two places named
    REST = "rest"
    SUV = "suv"  # the name of an SUVmax; its numbers follow
    OTHER_NUMBER = "other-number"  # SUVmean and the like: consumed, not used
    DEAUVILLE = "deauville"
    SKIP = "skip"  # shields a word that contains another
    SENTENCE = "sentence"
    SEGMENT = "segment"
    CLAUSE = "clause"
    SIZE = "size"  # only made by the scanner


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a lexicon: some words of one meaning.

    ``regions`` are the places named; ``nodes`` the region meant with "lymph node", ``beside`` the one meant
    with "next to", ``bones`` the one meant beside a bone; ``implies`` the parts that are normal when this is.
    ``value`` is the sense of a grammar word (up, mild ...), ``concept`` what CT shows, ``part`` a word such
    as "neck" that is a part of the organ just named.
    """

    kind: Kind
    words: tuple[str, ...]
    test: str = ""
    regions: tuple[Region, ...] = ()
    implies: tuple[Region, ...] = ()
    nodes: Region | None = None
    beside: Region | None = None
    bones: Region | None = None
    group: str | None = None
    side: Side | None = None
    uptake: Uptake | None = None
    concept: str | None = None
    value: str = ""
    part: bool = False
    expect: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True, eq=False)
class Lexicon:
    """The compiled words of one language.

    ``simple`` are the words that mean no more than their entry; ``pattern`` finds every word and every length in
    normalised text, the longest first, as its one group; ``stops`` the ends of sentences; ``numbers`` what follows
    the name of an SUV, ``change`` a number that became another.
    """

    language: str
    entries: tuple[Entry, ...]
    words: Mapping[str, Entry]
    simple: Mapping[str, Entry]
    pattern: re.Pattern[str]
    stops: re.Pattern[str]
    numbers: re.Pattern[str]
    change: re.Pattern[str]
    script: re.Pattern[str]
    inflected: bool
    letters_a_word: float = 1.0
    endings: tuple[str, ...] = ()
    respective: tuple[str, ...] = ()

    def entry(self, word: str) -> Entry | None:
        """The entry of a matched word, its plural included."""
        found = self.words.get(word)
        if found is not None or not self.inflected:
            return found
        plain = _SPACES.sub(" ", word)
        endings = ("", *self.endings)
        return next(
            (self.words[w] for e in endings if plain.endswith(e) and (w := plain.removesuffix(e)) in self.words), None
        )


_SHORT = 30  # a word of one character is met as often as so many longer ones
_BIN = 64  # first characters tried together
_SPECIAL = frozenset({Kind.SUV, Kind.OTHER_NUMBER, Kind.DEAUVILLE, Kind.SKIP})
_SPACES = re.compile(r"[\s-]+")
_LENGTH = r"[0-9]{1,4}(?:\.[0-9]{1,3})?"


@cache
def languages() -> tuple[str, ...]:
    """Codes of the lexica that come with petrg."""
    found = files("petrg.language").joinpath("lexica").iterdir()
    return tuple(sorted({f.name.split(".")[0] for f in found if f.name.endswith(".toml")}))


@cache
def lexicon(language: str) -> Lexicon:
    """The lexicon of a language; a language may be split over files ``zh.toml``, ``zh.sites.toml`` ...

    Raises
    ------
    ReportError
        If there is none.
    """
    folder = files("petrg.language").joinpath("lexica")
    parts = sorted(f.name for f in folder.iterdir() if f.name.split(".")[0] == language and f.name.endswith(".toml"))
    if not parts:
        raise ReportError(
            f"no lexicon of language {language!r}", "one of " + ", ".join(languages()), "name one of them"
        )
    return parse_lexicon(language, [tomllib.loads(folder.joinpath(p).read_text(encoding="utf-8")) for p in parts])


def read_lexicon(*paths: Path) -> Lexicon:
    """A lexicon from files of one's own; the language is the first name's stem.

    Raises
    ------
    ReportError
        If a file is missing or breaks the format.
    """
    try:
        tables = [tomllib.loads(path.read_text(encoding="utf-8")) for path in paths]
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ReportError(f"a lexicon cannot be read: {error}", "TOML files", "check the path and the file") from error
    return parse_lexicon(paths[0].name.split(".")[0], tables)


def parse_lexicon(language: str, tables: Iterable[Mapping[str, Any]]) -> Lexicon:
    """Check and compile the tables of a language.

    Raises
    ------
    ReportError
        If an entry names an unknown key, region, concept or class, or a word stands in two entries.
    """
    grammar: dict[str, Any] = {}
    entries: list[Entry] = []
    for table in tables:
        for name, rows in table.items():
            if name == "grammar":
                grammar |= rows
            else:
                entries += [_entry(language, name, row) for row in rows]
    words: dict[str, Entry] = {}
    for entry in entries:
        for word in entry.words:
            if word in words:
                raise _fault(language, f"word {word!r} stands in two entries", "each word once")
            words[word] = entry
    inflected = bool(grammar.get("word_boundary", False))
    endings = tuple(grammar.get("plural", ()))
    units = "|".join(map(re.escape, sorted(grammar.get("units", ("cm", "mm")), key=len, reverse=True)))
    filler = "|".join(map(re.escape, sorted(grammar.get("number_filler", ()), key=len, reverse=True))) or "约"
    between = "|".join(map(re.escape, sorted(grammar.get("number_and", ()), key=len, reverse=True))) or ","
    changes = "|".join(grammar.get("number_change", ())).replace("{n}", _LENGTH) or "(?!)"
    upto = rf"(?:\s*(?:-|~|至|到|to)\s*{_LENGTH})?"
    alone = rf"(?!\s*(?:{units}|[*x]|%)|[0-9])"
    note = r"(?:\s*\([^()0-9]{1,6}\))?"  # "4.5 (left), 5.1 (right)"
    span, further = rf"{_LENGTH}{upto}", rf"[0-9]{{1,3}}\.[0-9]{{1,3}}{upto}"
    return Lexicon(
        language=language,
        entries=tuple(entries),
        words=words,
        simple={w: e for w, e in words.items() if e.kind not in _SPECIAL},
        pattern=_compile(words, units, endings if inflected else None),
        stops=_stops(words, grammar.get("sentence_patterns", ())),
        numbers=re.compile(
            rf"(?>[\s:=≈<>(\[)]|{filler})*+"  # possessive: words that hold others would be split in all ways
            rf"({span}(?![0-9]|\.[0-9])(?:{note}(?:\s*(?:{between})\s*)+(?>{filler})*+{further}{alone})*)"
        ),
        change=re.compile(rf"[^0-9.。;,]{{0,24}}?(?:{changes})(?![0-9]|\.[0-9])"),
        respective=tuple(grammar.get("respective", ())),
        script=re.compile(grammar.get("script", "[a-z]")),
        inflected=inflected,
        letters_a_word=float(grammar.get("letters_a_word", 1.0)),
        endings=endings,
    )


_KEYS = {
    "words",
    "test",
    "region",
    "implies",
    "nodes",
    "beside",
    "bones",
    "group",
    "side",
    "class",
    "concept",
    "value",
    "part",
}


def _entry(language: str, kind: str, row: Mapping[str, Any]) -> Entry:
    label = f"[[{kind}]] {row.get('words', ['?'])[0]!r}"
    if unknown := row.keys() - _KEYS - {"expect"}:
        raise _fault(language, f"{label} has unknown keys {sorted(unknown)}", "keys of the format")
    if "{}" not in row.get("test", "") or not row.get("words"):
        raise _fault(language, f"{label} has no words or no test sentence with {{}}", "both")
    regions = row.get("region", ())
    try:
        entry = Entry(
            kind=Kind(kind),
            words=tuple(dict.fromkeys(normalise(w) for w in row["words"])),
            test=row["test"],
            regions=tuple(Region(r) for r in ([regions] if isinstance(regions, str) else regions)),
            implies=tuple(Region) if row.get("implies") == "all" else tuple(Region(r) for r in row.get("implies", ())),
            nodes=Region(row["nodes"]) if "nodes" in row else None,
            beside=Region(row["beside"]) if "beside" in row else None,
            bones=Region(row["bones"]) if "bones" in row else None,
            group=row.get("group"),
            side=Side(row["side"]) if "side" in row else None,
            uptake=Uptake[row["class"].upper()] if "class" in row else None,
            concept=row.get("concept"),
            value=row.get("value", ""),
            part=row.get("part", False),
            expect=row.get("expect", {}),
        )
    except (KeyError, ValueError) as error:
        raise _fault(language, f"{label}: {error}", "a known kind, region, side or class") from error
    if entry.concept is not None and entry.concept not in CONCEPTS:
        raise _fault(language, f"{label}: unknown concept {entry.concept!r}", "a concept of concepts.py")
    return entry


def _fault(language: str, found: str, expected: str) -> ReportError:
    return ReportError(f"lexicon {language!r}: {found}", expected, "mend the lexicon's TOML")


def _stops(words: Mapping[str, Entry], patterns: Iterable[str]) -> re.Pattern[str]:
    """Where sentences end; a word that holds a full stop shields it."""
    ends = [re.escape(word) for word, entry in words.items() if entry.kind is Kind.SENTENCE]
    shields = sorted((word for word, entry in words.items() if "." in word[:-1]), key=len, reverse=True)
    shield = "|".join(rf"(?<![a-z]){re.escape(word)}" for word in shields)
    return re.compile((shield + "|" if shield else "") + f"(?P<stop>{'|'.join([*ends, *patterns]) or '(?!)'})")


def _compile(words: Mapping[str, Entry], units: str, endings: tuple[str, ...] | None) -> re.Pattern[str]:
    words = {word: entry for word, entry in words.items() if entry.kind is not Kind.SENTENCE}
    first = "".join(sorted({re.escape(w[0]) for w in words}))
    if endings is not None:
        ending = rf"(?:{'|'.join(map(re.escape, endings))})?" if endings else ""
        marks = _binned(w for w in words if not w[0].isalnum())
        names = _binned((w for w in words if w[0].isalnum()), spaced=True)
        terms = rf"(?<![a-z0-9])(?:{names}){ending}(?![a-z0-9])" + (f"|{marks}" if marks else "")
    else:
        terms = _binned(words)
    length = r"[0-9](?<![0-9.][0-9])[0-9]{0,3}(?:\.[0-9]{1,3})?"  # a charset first: passed over at once elsewhere
    number = rf"{length}(?:\s*(?:{units})?\s*[*x\-~–]\s*{_LENGTH}){{0,3}}\s*(?:{units})(?![a-z])"
    return re.compile(rf"(?=[{first}0-9])({number}|{terms})")


def _binned(words: Iterable[str], *, spaced: bool = False) -> str:
    """A pattern of ``words``, the longest first.

    The engine tries alternatives in turn, and hundreds of them where words begin with Chinese characters: a look at
    the first character leaves out whole bins of them.
    """
    words = list(words)
    met = Counter(w[0] for w in words)  # those of many words, or of a word of their own, are met most often: first
    met.update({w: _SHORT for w in words if len(w) == 1})
    tree = sorted(_tree(words).items(), key=lambda branch: -met[branch[0]])
    bins = [dict(tree[i : i + _BIN]) for i in range(0, len(tree), _BIN)]
    if len(bins) == 1:
        return _trie(bins[0], spaced)
    return "|".join(rf"(?=[{''.join(map(re.escape, b))}]){_trie(b, spaced)}" for b in bins)


def _tree(words: Iterable[str]) -> dict[str, Any]:
    root: dict[str, Any] = {}
    for word in words:
        node = root
        for char in word:
            node = node.setdefault(char, {})
        node[""] = {}
    return root


def _trie(node: Mapping[str, Any], spaced: bool) -> str:
    """A pattern of all words below ``node``, the longest first.

    >>> _trie({"a": {"": {}, "b": {"": {}}}}, False)
    'a(?:b)?'
    """
    options = []
    for char, below in node.items():
        if char:
            # a space in a word stands for any space or hyphen
            literal = r"[\s-]+" if spaced and char == " " else re.escape(char)
            options.append(literal + _trie(below, spaced))
    if not options:
        return ""
    body = options[0] if len(options) == 1 and "" not in node else "(?:" + "|".join(options) + ")"
    return body + "?" if "" in node else body
