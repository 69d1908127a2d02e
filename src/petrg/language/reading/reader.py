"""The one way in: text -> reading."""

from __future__ import annotations

from dataclasses import dataclass

from petrg.language.reading.grounded import Grounded, findings_of
from petrg.language.reading.lesions import gather
from petrg.language.reading.lexicon import Lexicon, languages, lexicon
from petrg.language.reading.plain import normalise
from petrg.language.reading.sentences import segments
from petrg.report import Finding

__all__ = ["Reading", "detect", "read"]

_SAMPLE = 160


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text says: its findings, each grounded in characters of ``text``."""

    text: str
    language: str
    grounded: tuple[Grounded, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings in reading order."""
        return tuple(g.finding for g in self.grounded)


def read(text: str, language: str | Lexicon = "auto") -> Reading:
    """Read a report.

    Parameters
    ----------
    text : str
        Any text; nothing in it stops the reader.
    language : str or Lexicon
        A code such as ``zh``, ``auto``, or a lexicon of one's own.

    Raises
    ------
    ReportError
        If there is no lexicon of that language.

    Examples
    --------
    >>> finding, = read("A 12 mm nodule in the left upper lobe, SUVmax 4.1.").findings
    >>> finding.region.value, finding.side.value, finding.size_mm, finding.suv_max
    ('lung-pleura', 'left', (12.0,), 4.1)
    """
    plain = normalise(text)
    words = language if isinstance(language, Lexicon) else lexicon(_detect(plain) if language == "auto" else language)
    return Reading(text, words.language, tuple(findings_of(gather(segments(plain, words)), text)))


def detect(text: str) -> str:
    """The language whose script and words cover most of the text's beginning; the first of equals.

    >>> detect("肝脏未见异常。FDG PET/CT"), detect("The liver is unremarkable.")
    ('zh', 'en')
    """
    return _detect(normalise(text[:_SAMPLE]))


def _detect(plain: str) -> str:
    sample, best, most = plain[:_SAMPLE], [""], -1.0
    for code in reversed(languages()):
        words = lexicon(code)
        share = len(words.script.findall(sample)) / words.letters_a_word
        if share >= most:
            best, most = [*best, code] if share == most else [code], share
    if len(best) == 1:
        return best[0]
    covered = {code: sum(len(m.group()) for m in lexicon(code).pattern.finditer(sample)) for code in best}
    return max(best, key=lambda code: covered[code])
