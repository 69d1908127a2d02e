"""Text that came from outside, made fit to stand in a page: what cannot be seen or would turn the line is shown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup, escape

__all__ = ["Mark", "language_of", "mark_text", "soften", "visible"]

_ASIDE = re.compile(r"(\([^()]*\)|\[[^\[\]]*\])")
_LOST = 0xFFFD
_KEPT = frozenset("\t\n")
_TURNS = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_SEEN: dict[int, int] = {
    **{code: 0x2400 + code for code in range(0x20) if chr(code) not in _KEPT},
    0x7F: 0x2421,
    **dict.fromkeys((*range(0x80, 0xA0), *_TURNS, *range(0xD800, 0xE000), 0xFEFF, 0xFFFE, 0xFFFF), _LOST),
}


def visible(text: str) -> str:
    r"""``text`` with controls, marks that turn the writing direction and lone surrogates drawn as signs.

    One character for one, so that positions stay; newline and tab stay.

    >>> visible("a\x00b\u202ec\ud800\n")
    'a␀b�c�\n'
    """
    return text if text.isprintable() else text.translate(_SEEN)


@dataclass(frozen=True, slots=True)
class Mark:
    """Characters ``start``:``end`` of a text, the class of their mark, a number behind them, and what it means."""

    start: int
    end: int
    kind: str
    number: str = ""
    title: str = ""


def mark_text(text: str, marks: Sequence[Mark], start: int = 0, end: int | None = None) -> Markup:
    """Characters ``start``:``end`` of ``text`` as markup, every run inside the marks that cover it.

    Marks may overlap and reach outside the part; positions are those of the whole text. A number stands once, behind
    the last of its marks.

    >>> str(mark_text("a<b>c", [Mark(1, 4, "only")]))
    'a<mark class="only">&lt;b&gt;</mark>c'
    >>> str(mark_text("abcd", [Mark(0, 3, "x"), Mark(2, 4, "y", "7")], 1, 4))
    '<mark class="x">b</mark><mark class="x y">c</mark><mark class="y">d</mark><sup>7</sup>'
    """
    stop = len(text) if end is None else end
    inside = [m for m in marks if m.start < stop and m.end > start and m.start < m.end]
    cuts = sorted({start, stop, *(max(m.start, start) for m in inside), *(min(m.end, stop) for m in inside)})
    ends = {m.number: max(n.end for n in inside if n.number == m.number) for m in inside}
    out = Markup()
    for low, high in pairwise(cuts):
        out += _run(visible(text[low:high]), [m for m in inside if m.start <= low and m.end >= high])
        if numbers := ",".join(number for number, last in ends.items() if number and min(last, stop) == high):
            out += Markup("<sup>{}</sup>").format(numbers)
    return out


def _run(text: str, over: Sequence[Mark]) -> Markup:
    if not over:
        return escape(text)
    kinds = " ".join(dict.fromkeys(m.kind for m in over))
    titles = "; ".join(dict.fromkeys(m.title for m in over if m.title))
    title = Markup(' title="{}"').format(visible(titles)) if titles else Markup()
    return Markup('<mark class="{}"{}>{}</mark>').format(kinds, title, text)


def soften(sentence: str) -> Markup:
    """A sentence of scores with its brackets in small type, so that the words can be read at a glance.

    >>> str(soften("A (0.3 [0.2, 0.4]) is < B."))
    'A <span class="aside">(0.3 [0.2, 0.4])</span> is &lt; B.'
    """
    parts = _ASIDE.split(visible(sentence))
    return Markup().join(
        Markup('<span class="aside">{}</span>').format(part) if k % 2 else escape(part) for k, part in enumerate(parts)
    )


def language_of(text: str) -> str:
    """The language tag of a report's text: "zh-Hans" where it has a Chinese character, else "en".

    >>> language_of("肝脏 SUVmax 4.5"), language_of("Liver: SUVmax 4.5")
    ('zh-Hans', 'en')
    """
    return "zh-Hans" if any("\u4e00" <= letter <= "\u9fff" for letter in text) else "en"
