"""A clause -> what it says: places, predicates with their negation, numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from petrg.language.reading.lexicon import Kind
from petrg.language.reading.places import TISSUE
from petrg.language.reading.predicates import PredicateReader
from petrg.language.reading.said import Said, Statement
from petrg.language.reading.tokens import Token
from petrg.report import Uptake

__all__ = ["read_clause"]


def read_clause(tokens: Sequence[Token]) -> Statement:
    """What the clause of ``tokens`` says."""
    first, last = tokens[0], tokens[-1]
    out = Statement(first.start, last.end)
    if first[0] is Kind.CLAUSE and first is not last:
        out.refers = "aside"
    if last[0] is Kind.CLAUSE or (first is last and first[0] is Kind.HISTORY):
        out.heading = True
    if first[0] is Kind.LIST:
        out.opens_list = True
    elif first[0] is Kind.VERB:
        out.opens_verb = True
    if out.heading and first[0] is Kind.EXPLANATION and len(tokens) == 2:
        out.history = "summary"  # "considered:"
    reader = _Reader(out, first=first)
    for token in tokens:
        if (act := _act(token[0])) is not None:
            act(reader, token)
    return reader.close()


@dataclass(slots=True, eq=False)
class _Reader(PredicateReader):
    """One pass over a clause: scopes, explanations, numbers, and what is settled at its end.

    ``measured`` holds each SUV with the number of places before it; what was said before ``settled`` is denied
    already; ``compared`` is where "than before" stood, ``prior_end`` where an earlier size did.
    """

    first: Token | None = None
    measured: tuple[tuple[int, float], ...] = ()
    prior: bool = False
    prior_end: int = -1
    compared: int = -9
    settled: int = 0

    def uneven_(self, token: Token) -> None:
        self.uneven = token

    def deauville(self, token: Token) -> None:
        grade = int(token.numbers[0])
        cls = Uptake.NORMAL if grade <= 2 else Uptake.EQUIVOCAL if grade == 3 else Uptake.HIGH
        self.pet(cls, token, f"uptake.deauville-{grade}")

    def negation(self, token: Token) -> None:
        noun = self.uptake_noun
        if noun is not None and not self.denied and (self.listed >= noun.end or self.noun_degree):
            self.degree = self.degree or self.noun_degree
            self.rise(noun, "uptake.bare")  # "with uptake and without a mass", "mild uptake without a nodule"
        self.denied = True
        self.change = self.abnormal = None
        if self.mode == "aside":
            self.mode = "subject"

    def negated(self, token: Token) -> None:
        """Uptake "not evident", ascites "negative": denies what the clause said so far."""
        if token.entry.value == "all" and not (self.out.said or self.topics or self.uptake_noun or self.out.places):
            if token is self.first:
                self.negation(token)  # "resolved adenopathy"
            self.out.gone = True
            return
        if self.uptake_noun is not None:
            self.pet(Uptake.HIGH, token, "uptake.denied", denied=True)
        elif self.topics:
            self.normal_(token)
        elif token.entry.value == "absent" and self.out.places and not self.out.said:
            self.ct("surgery", token, "structure.surgery")  # "the uterus is absent"
            return
        said = self.out.said
        of_uptake = bool(said) and said[-1].uptake is not None
        for i in range(len(said) - 1, self.settled - 1, -1):
            s = said[i]
            if (s.uptake is not None) is not of_uptake and token.entry.value != "all":
                break  # "nodule, uptake not evident" leaves the nodule
            if s.uptake is not Uptake.PHYSIOLOGIC:
                said[i] = Said("negated", s.start, token.end, s.uptake, s.concept, True, regions=s.regions)
        self.settled = len(said)
        self.tumour = None

    def shape(self, token: Token) -> None:
        self.nodular = True

    def explanation(self, token: Token) -> None:
        self.out.explained = True

    def malignant(self, token: Token) -> None:
        if not self.denied:
            self.tumour = token

    def prior_(self, token: Token) -> None:
        if token.entry.value == "next":
            self.compared = token.end
        else:
            self.prior = True
            self.then |= token.entry.value == "then"

    def together(self, token: Token) -> None:
        self.out.together = True

    def history(self, token: Token) -> None:
        self.out.history = token.entry.value or "section"

    def refer(self, token: Token) -> None:
        self.out.refers = token.entry.value

    def rest(self, token: Token) -> None:
        self.out.rest = True

    def suv(self, token: Token) -> None:
        yardstick = self.out.asides[-1].end if self.out.asides else -9
        beside_yardstick = token.start - max(yardstick, self.yardstick_end) <= 3
        prior = self.prior or 0 <= token.start - self.compared <= 3
        if token.numbers and not prior and not self.out.yardstick and not beside_yardstick:
            self.out.suvs += token.numbers
            self.out.suv_at = (token.start, token.end)
            self.measured += ((len(self.out.places), max(token.numbers)),)

    def size(self, token: Token) -> None:
        if self.prior:
            self.prior_end = token.end
        elif not self.out.sizes:
            self.out.sizes = token.numbers

    def list_(self, token: Token) -> None:
        """Take "with" after an earlier size as the end of what was earlier."""
        PredicateReader.list_(self, token)
        if token.entry.value == "with":
            self.end_prior(token)

    def verb(self, token: Token) -> None:
        """Take a verb after an earlier size as the end of what was earlier."""
        PredicateReader.verb(self, token)
        self.then = False
        self.end_prior(token)

    def end_prior(self, token: Token) -> None:
        """Read "(before 1.3 cm) with SUVmax 9.9" as of now from "with" on, but not "formerly 1.3 cm with"."""
        if self.prior_end >= 0 and token.start - self.prior_end != 1:
            self.prior = False

    def share_numbers(self) -> None:
        """Give numbers to the places before them: "in the spine (9.5) and the ilium (7.4)"."""
        begin = 0
        if self.measured[0][0] and all(a[0] < b[0] for a, b in pairwise(self.measured)):
            for end, suv in self.measured:
                for place in self.out.places[begin:end]:
                    place.suv = suv
                begin = end

    def mark_places(self) -> None:
        """Nodes and bones spoken of are those of all places of the clause."""
        out = self.out
        if self.near_nodes:
            for place in (*out.places, *out.extra):
                place.node = True
            if self.nodes:
                out.said = [s for s in out.said if s.concept != "enlargement" or s.denied]
        if self.spine:
            for place in out.places:
                place.bone = True

    def increase(self, change: Token) -> None:
        """Keep "markedly increased" on its own for an uptake named before."""
        if change.entry.value.startswith("up"):
            mild = self.degree == "mild" or change.entry.value == "up-mild"
            uptake, rule = (Uptake.EQUIVOCAL, "uptake.mild") if mild else (Uptake.HIGH, "uptake.high")
            self.out.raised = Said(rule, change.start, change.end, uptake, marked=self.degree == "marked")

    def diagnose(self, tumour: Token) -> None:
        """Take a tumour as uptake, unless it was operated on."""
        if not any(s.concept == "surgery" and not s.denied for s in self.out.said):
            self.out.said.append(Said("uptake.malignant", tumour.start, tumour.end, Uptake.HIGH))

    def close(self) -> Statement:
        """Settle what waited for a word that did not come."""
        out = self.out
        out.physiologic = self.physiologic
        if out.yardstick and out.places:
            out.yardstick = False
        if self.near_nodes or self.spine:
            self.mark_places()
        if out.gone and (out.said or out.places or self.topics or out.suvs or self.out.together):
            out.gone = False
        if self.measured and len(self.measured) > 1:
            self.share_numbers()
            if not self.measured[0][0] and out.only_of_liver:  # "SUVmax 7.1 (liver SUVmax 3.2)"
                out.asides, out.places, out.suvs = tuple(out.places), [], (self.measured[0][1],)
        if out.heading and out.places and all(s.uptake is None or s.denied for s in out.said):
            out.said = [s for s in out.said if s.concept != "node"]  # "neck nodes:" shows none yet
        if self.prior and self.prior_end >= 0:
            out.earlier = True  # "previously 3.4 cm", and then perhaps its SUV
        if out.around:
            out.around = self.nodes and not out.places
        if self.change is not None and self.change.entry.value == "absent" and not (out.said or self.topics):
            self.ct("surgery", self.change, "structure.surgery")  # "uterus: absent"
        if self.change is not None and not (out.said or out.places or self.topics or self.denied):
            self.increase(self.change)
        elif self.degree == "mild" and not (out.said or out.places or self.topics or out.suvs or out.sizes):
            out.mild = (self.degree_at, out.end)
        if self.tumour is not None and (out.explained or out.places):
            self.diagnose(self.tumour)
        if self.comparison is not None:
            self.resolve_comparison(TISSUE, self.comparison)
        if self.normal is not None and not any(
            s.start >= self.normal.start and (s.denied or s.uptake is Uptake.NORMAL) for s in out.said
        ):
            self.deny_nodes()
            out.said.append(Said("normal.bare", self.normal.start, self.normal.end, Uptake.NORMAL))
            out.said.append(Said("normal.bare", self.normal.start, self.normal.end, None, "", True))
        elif self.uptake_noun is not None and not any(s.uptake is not None for s in out.said):
            self.rise(self.uptake_noun, "uptake.bare")
        elif self.topics and not self.denied and (self.accompanied or self.degree) and self.uneven is None:
            self.of_topic()
        if self.uneven is not None and not self.denied and not any(s.uptake is not None for s in out.said):
            if self.pet_topic:
                self.pet(Uptake.EQUIVOCAL, self.uneven, "uptake.uneven")
            elif self.ct_topic is not None:
                self.ct("other", self.uneven, "structure.uneven")
        return out


_ACTS = {
    Kind.SITE: _Reader.site,
    Kind.AREA: _Reader.site,
    Kind.REFERENCE: _Reader.reference,
    Kind.SIDE: _Reader.side_,
    Kind.BESIDE: _Reader.beside,
    Kind.TOPIC: _Reader.topic,
    Kind.CHANGE: _Reader.change_,
    Kind.UPTAKE: _Reader.uptake,
    Kind.STRUCTURE: _Reader.structure,
    Kind.SHAPE: _Reader.shape,
    Kind.ABNORMAL: _Reader.abnormal_,
    Kind.NORMAL: _Reader.normal_,
    Kind.UNEVEN: _Reader.uneven_,
    Kind.DEGREE: _Reader.degree_,
    Kind.NEGATION: _Reader.negation,
    Kind.NEGATED: _Reader.negated,
    Kind.VERB: _Reader.verb,
    Kind.WITHIN: _Reader.within,
    Kind.LIST: _Reader.list_,
    Kind.ALTERNATIVE: _Reader.list_,
    Kind.ASIDE: _Reader.aside,
    Kind.COMPARISON: _Reader.compare,
    Kind.LIKENESS: _Reader.likeness,
    Kind.LOCATION: _Reader.location,
    Kind.EXPLANATION: _Reader.explanation,
    Kind.MALIGNANT: _Reader.malignant,
    Kind.PRIOR: _Reader.prior_,
    Kind.REST: _Reader.rest,
    Kind.HISTORY: _Reader.history,
    Kind.REFER: _Reader.refer,
    Kind.TOGETHER: _Reader.together,
    Kind.SUV: _Reader.suv,
    Kind.DEAUVILLE: _Reader.deauville,
    Kind.SIZE: _Reader.size,
}
_act = _ACTS.get
