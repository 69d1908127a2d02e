"""A clause -> what it says: places, predicates with their negation, numbers."""

from __future__ import annotations

from collections.abc import Sequence

from petrg.anatomy import Region
from petrg.language.reading.concepts import CONCEPTS
from petrg.language.reading.lexicon import Kind
from petrg.language.reading.places import LIVER, POOL, TISSUE, PlaceReader
from petrg.language.reading.said import Place, Said, Statement
from petrg.language.reading.tokens import Token
from petrg.report import Structure, Uptake

__all__ = ["read_clause"]


def read_clause(tokens: Sequence[Token]) -> Statement:
    """What the clause of ``tokens`` says."""
    first = tokens[0]
    out = Statement(first.start, tokens[-1].end)
    out.heading = tokens[-1].kind is Kind.CLAUSE
    out.opens_list, out.opens_verb = first.kind is Kind.LIST, first.kind is Kind.VERB
    reader = _Reader(out)
    for token in tokens:
        if (act := _ACTS.get(token.kind)) is not None:
            act(reader, token)
    return reader.close()


_DIAGNOSES = frozenset({Structure.OTHER, Structure.LUNG_CHANGE})


class _Reader(PlaceReader):
    """One pass over a clause.

    What waits for a later word: ``topics`` (uptake, density) for what is said of them, ``change``,
    ``abnormal`` and ``normal`` for a topic, ``degree`` for an uptake. ``nodes`` says that a node is shown,
    ``near_nodes`` that one is spoken of; what was said before ``settled`` is denied already.
    """

    denied = False
    uptake_noun: Token | None = None
    ct_topic: Token | None = None
    change: Token | None = None
    abnormal: Token | None = None
    normal: Token | None = None
    uneven: Token | None = None
    degree = ""
    degree_at = -1
    nodular = False
    physiologic = False
    prior = False
    compared = -9
    nodes = False
    near_nodes = False
    settled = 0

    def __init__(self, out: Statement) -> None:
        super().__init__(out)
        self.topics: list[Token] = []

    def compare(self, token: Token) -> None:
        of_uptake = self.pet_topic or any(s.uptake is not None for s in self.out.said)
        if of_uptake or (self.ct_topic is None and token.entry.value not in ("above", "below")):
            self.comparison = token
        else:
            self.mode, self.captured = "aside", False

    def likeness(self, token: Token) -> None:
        yardsticks = self.beside_with()
        self.out.asides += yardsticks
        self.comparison = token
        if yardsticks:
            self.resolve_comparison(LIVER if Region.LIVER in yardsticks[0].entry.regions else TISSUE, token)

    def resolve_comparison(self, yardstick: str, token: Token) -> None:
        comparison, self.comparison = self.comparison, None
        assert comparison is not None
        if not self.pet_topic and (self.ct_topic is not None or yardstick == TISSUE):
            return  # a length above another, a density like another
        sense = comparison.entry.value
        if sense == "touch":
            return
        if sense == "up-mild":
            sense, self.degree = "up", "mild"
        elif sense == "above":
            sense = "up"
        if self.denied:
            uptake = Uptake.NORMAL
        elif sense == "up":
            low = yardstick == POOL or self.degree == "mild"
            uptake = Uptake.EQUIVOCAL if low else Uptake.HIGH
        elif sense == "same":
            uptake = Uptake.NORMAL if yardstick == TISSUE else Uptake.EQUIVOCAL
        else:
            uptake = Uptake.REDUCED if yardstick == TISSUE else Uptake.NORMAL
        self.pet(uptake, comparison, "uptake.comparison", end=token.end)

    def pet(self, uptake: Uptake, token: Token, rule: str, *, end: int = 0, denied: bool = False) -> None:
        marked = self.degree == "marked" and not denied
        start = min(token.start, self.degree_at) if self.degree_at >= 0 else token.start
        self.out.said.append(Said(rule, start, end or token.end, uptake, None, denied, marked=marked))
        self.uptake_noun = self.change = self.uneven = None
        self.topics = [t for t in self.topics if not t.entry.value.startswith("pet")]
        self.clear()

    def ct(
        self, concept: str, token: Token, rule: str, *, attribute: bool = False, regions: tuple[Region, ...] = ()
    ) -> None:
        last = self.out.said[-1] if self.out.said else None
        if last is not None and not regions and _one_thing(last, concept, token, self.denied):
            self.out.said[-1] = last._replace(end=token.end, concept=concept)
            return
        said = Said(
            rule,
            token.start,
            token.end,
            None,
            concept,
            self.denied,
            self.nodular,
            attribute=attribute or self.described,
            regions=regions,
        )
        self.out.said.append(said)
        self.out.describes |= said.attribute
        self.nodular = False
        self.ct_topic = None
        self.topics = [t for t in self.topics if t.entry.value.startswith("pet")]
        self.clear()

    def clear(self) -> None:
        self.degree, self.degree_at, self.side = "", -1, None
        if self.mode == "aside":
            self.mode = "subject"

    def rise(self, token: Token, rule: str = "uptake.high") -> None:
        if self.denied:
            self.pet(Uptake.HIGH, token, "uptake.denied", denied=True)
        elif self.physiologic:
            self.pet(Uptake.PHYSIOLOGIC, token, "uptake.physiologic")
        elif self.degree == "mild":
            self.pet(Uptake.EQUIVOCAL, token, "uptake.mild")
        else:
            self.pet(Uptake.HIGH, token, rule)

    def fall(self, token: Token) -> None:
        if self.denied:
            self.pet(Uptake.REDUCED, token, "uptake.denied", denied=True)
        else:
            self.pet(Uptake.REDUCED, token, "uptake.reduced")

    def topic(self, token: Token) -> None:
        value = token.entry.value
        if value.startswith("pet"):
            self.pet_topic = True
            if self.denied and (self.abnormal or value == "pet-uptake"):
                self.pet(Uptake.HIGH, token, "uptake.denied", denied=True)
            elif self.normal is not None:
                self.pet(Uptake.NORMAL, token, "uptake.normal")
            elif self.change is not None:
                self.turn(self.change, token)
            elif self.abnormal is not None:
                self.rise(token, "uptake.abnormal")
            else:
                self.topics.append(token)
                if value == "pet-uptake":
                    self.uptake_noun = token
            return
        if self.change is not None:
            change, self.change = self.change, None
            self.turn_ct(change, token)
        elif self.normal is not None or (self.denied and self.abnormal):
            self.structure_normal(token)
        else:
            self.topics.append(token)
            self.ct_topic = token

    def turn(self, change: Token, topic: Token) -> None:
        self.change = None
        if change.entry.value == "up-mild":
            self.degree = "mild"
        if change.entry.value.startswith("up"):
            self.rise(topic)
        else:
            self.fall(topic)

    def turn_ct(self, change: Token, topic: Token) -> None:
        up, size = change.entry.value.startswith("up"), topic.entry.value == "size"
        concept = ("enlargement" if up else "atrophy") if size else "density"  # of the whole organ, no focus
        last = topic if topic.end > change.end else change
        self.ct(concept, last, "structure." + concept, attribute=not size)

    def change_(self, token: Token) -> None:
        topics = list(self.topics)
        if not topics:
            if self.pet_topic and self.ct_topic is None and any(s.uptake is not None for s in self.out.said):
                self.turn(token, token)
            else:
                self.change = token
            return
        degree = self.degree
        for topic in topics if self.listed >= topics[0].end else topics[-1:]:
            self.degree = degree
            if topic.entry.value.startswith("pet"):
                self.turn(token, token)
            else:
                self.turn_ct(token, topic)

    def uptake(self, token: Token) -> None:
        cls = token.entry.uptake
        self.pet_topic = True
        if cls is Uptake.PHYSIOLOGIC:
            self.physiologic = True
            self.uptake_noun = self.change = None
            if not self.denied:
                self.pet(Uptake.PHYSIOLOGIC, token, "uptake.explained" if self.out.explained else "uptake.physiologic")
        elif cls is Uptake.REDUCED:
            self.fall(token)
        elif cls is Uptake.HIGH:
            if token.entry.value == "marked" and not self.degree:
                self.degree = "marked"
            self.rise(token)
        elif self.denied and cls is Uptake.EQUIVOCAL:
            self.pet(Uptake.HIGH, token, "uptake.denied", denied=True)
        else:
            assert cls is not None
            self.pet(cls, token, "uptake.stated")

    def deauville(self, token: Token) -> None:
        grade = int(token.numbers[0])
        cls = Uptake.NORMAL if grade <= 2 else Uptake.EQUIVOCAL if grade == 3 else Uptake.HIGH
        self.pet(cls, token, f"uptake.deauville-{grade}")

    def structure(self, token: Token) -> None:
        entry = token.entry
        assert entry.concept is not None
        self.change = None
        if entry.concept == "node":
            self.near_nodes = True
            self.nodes |= not self.denied
        elif entry.concept == "enlargement" and self.denied:
            self.deny_nodes()
        if self.out.explained and CONCEPTS[entry.concept] in _DIAGNOSES:
            return  # "likely thyroiditis" explains an uptake and shows nothing on CT
        regions = () if self.out.explained else entry.regions  # a diagnosis is of the subject
        if regions and self.out.brought is None:
            self.out.brought = Place(entry, self.side, token.start, token.end)
        self.ct(entry.concept, token, "structure." + entry.concept, attribute=self.out.explained, regions=regions)

    def deny_nodes(self) -> None:
        """Nodes "are not enlarged": the node was a subject, not a finding."""
        if self.nodes:
            self.nodes = False
            self.out.said = [
                Said(s.rule, s.start, s.end, None, s.concept, True) if s.concept == "node" else s for s in self.out.said
            ]

    def structure_normal(self, token: Token) -> None:
        self.out.said.append(Said("structure.normal", token.start, token.end, None, "", True))
        self.topics = [t for t in self.topics if t.entry.value.startswith("pet")]
        self.ct_topic = None

    def abnormal_(self, token: Token) -> None:
        if self.denied:
            self.normal_(token)
            self.abnormal = token
        elif self.topics:
            topics, self.topics = self.topics, []
            for topic in topics:
                if topic.entry.value.startswith("pet"):
                    self.rise(token, "uptake.abnormal")
                else:
                    self.ct("other", token, "structure.abnormal")
        else:
            self.abnormal = token

    def normal_(self, token: Token) -> None:
        value = token.entry.value
        if token.entry.kind is Kind.NORMAL:
            if self.denied and value != "always":
                return
            if value == "ct":
                self.deny_nodes()
                self.structure_normal(token)
                return
            if value == "pet":
                self.pet(Uptake.NORMAL, token, "uptake.normal")
                return
        said = self.out.said
        if said and said[-1].uptake is Uptake.HIGH and not said[-1].denied:
            said[-1] = Said("uptake.normal", said[-1].start, token.end, Uptake.NORMAL)
        elif not self.topics:
            self.normal = token
            return
        topics, self.topics = self.topics, []
        for topic in topics:
            if topic.entry.value.startswith("pet"):
                self.pet(Uptake.NORMAL, token, "uptake.normal")
            else:
                self.structure_normal(token)
        self.normal = None

    def uneven_(self, token: Token) -> None:
        self.uneven = token

    def degree_(self, token: Token) -> None:
        said = self.out.said
        if token.entry.value == "mild" and said and _just_before(said[-1], token):
            said[-1] = Said("uptake.mild", said[-1].start, token.end, Uptake.EQUIVOCAL)
            return
        if not self.degree or token.entry.value == "mild":
            self.degree, self.degree_at = token.entry.value, token.start

    def negation(self, token: Token) -> None:
        self.denied = True
        self.change = self.abnormal = None
        if self.mode == "aside":
            self.mode = "subject"

    def negated(self, token: Token) -> None:
        """Uptake "not evident", ascites "negative": denies what the clause said so far."""
        if self.uptake_noun is not None:
            self.pet(Uptake.HIGH, token, "uptake.denied", denied=True)
        elif self.topics:
            self.normal_(token)
        said = self.out.said
        of_uptake = bool(said) and said[-1].uptake is not None
        for i in range(len(said) - 1, self.settled - 1, -1):
            s = said[i]
            if (s.uptake is not None) is not of_uptake and token.entry.value != "all":
                break  # "nodule, uptake not evident" leaves the nodule
            if s.uptake is not Uptake.PHYSIOLOGIC:
                said[i] = Said("negated", s.start, token.end, s.uptake, s.concept, True, regions=s.regions)
        self.settled = len(said)

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

    def together(self, token: Token) -> None:
        self.out.together = True

    def history(self, token: Token) -> None:
        self.out.history = True

    def rest(self, token: Token) -> None:
        self.out.rest = True

    def suv(self, token: Token) -> None:
        yardstick = self.out.asides[-1].end if self.out.asides else -9
        beside_yardstick = token.start - max(yardstick, self.yardstick_end) <= 3
        prior = self.prior or 0 <= token.start - self.compared <= 3
        if token.numbers and not prior and not self.out.yardstick and not beside_yardstick:
            self.out.suvs += token.numbers
            self.out.suv_at = (token.start, token.end)

    def size(self, token: Token) -> None:
        if not self.prior and not self.out.sizes:
            self.out.sizes = token.numbers

    def of_topic(self) -> None:
        """Read "with activity" and "activity marked": no more is said of the uptake than that it is there."""
        topic = next((t for t in self.topics if t.entry.value.startswith("pet")), None)
        if topic is not None and not any(s.uptake is not None for s in self.out.said):
            self.rise(topic, "uptake.bare")

    def close(self) -> Statement:
        """Settle what waited for a word that did not come."""
        out = self.out
        out.physiologic = self.physiologic
        out.yardstick &= not out.places
        if self.near_nodes:
            for place in (*out.places, *out.extra):
                place.node = True
            if self.nodes:
                out.said = [s for s in out.said if s.concept != "enlargement" or s.denied]
        if self.spine:
            for place in out.places:
                place.bone = True
        if self.tumour is not None and (out.explained or out.places):
            out.said.append(Said("uptake.malignant", self.tumour.start, self.tumour.end, Uptake.HIGH))
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


def _just_before(said: Said, token: Token) -> bool:
    return said.uptake is Uptake.HIGH and not said.denied and token.start - said.end < 3


def _one_thing(last: Said, concept: str, token: Token, denied: bool) -> bool:
    """Whether two words name one thing, as in "lytic lesion"."""
    return (
        bool(last.concept)
        and last.denied is denied
        and token.start - last.end <= 1
        and CONCEPTS[last.concept or ""] is CONCEPTS[concept]
    )


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
    Kind.TOGETHER: _Reader.together,
    Kind.SUV: _Reader.suv,
    Kind.DEAUVILLE: _Reader.deauville,
    Kind.SIZE: _Reader.size,
}
