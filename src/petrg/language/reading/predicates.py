"""The predicates of a clause: what is said of uptake and of structure, where a word may wait for a later one."""

from __future__ import annotations

from dataclasses import dataclass

from petrg.anatomy import Region
from petrg.language.reading.concepts import CONCEPTS
from petrg.language.reading.lexicon import Kind
from petrg.language.reading.places import LIVER, POOL, TISSUE, PlaceReader
from petrg.language.reading.said import Place, Said
from petrg.language.reading.tokens import Token
from petrg.report import Structure, Uptake

__all__ = ["PredicateReader"]

_DIAGNOSES = frozenset({Structure.OTHER, Structure.LUNG_CHANGE})


@dataclass(slots=True, eq=False)
class PredicateReader(PlaceReader):
    """One pass over a clause, as far as predicates go.

    What waits for a later word: ``topics`` (uptake, density) for what is said of them, ``change``,
    ``abnormal`` and ``normal`` for a topic, ``degree`` for an uptake. ``nodes`` says that a node is shown,
    ``near_nodes`` that one is spoken of, ``then`` that what follows was so at an earlier time.
    """

    denied: bool = False
    uptake_noun: Token | None = None
    ct_topic: Token | None = None
    change: Token | None = None
    abnormal: Token | None = None
    normal: Token | None = None
    uneven: Token | None = None
    topics: tuple[Token, ...] = ()
    degree: str = ""
    noun_degree: str = ""
    degree_at: int = -1
    nodular: bool = False
    physiologic: bool = False
    nodes: bool = False
    near_nodes: bool = False
    then: bool = False

    def compare(self, token: Token) -> None:
        """A comparison waits for its yardstick; one of size makes what follows a neighbour."""
        of_uptake = self.pet_topic or any(s.uptake is not None for s in self.out.said)
        if of_uptake or (self.ct_topic is None and token.entry.value not in ("above", "below")):
            self.comparison = token
        else:
            self.mode, self.captured = "aside", False

    def likeness(self, token: Token) -> None:
        """The place before "alike" is a yardstick."""
        yardsticks = self.beside_with()
        self.out.asides += tuple(yardsticks)
        self.comparison = token
        reference = self.yardstick
        if reference is not None and reference.start > self.with_at >= 0:
            self.out.yardstick = False  # "alike with the background": said of the subject
            self.resolve_comparison(reference.entry.value or POOL, reference)
        elif yardsticks:
            self.resolve_comparison(LIVER if Region.LIVER in yardsticks[0].entry.regions else TISSUE, token)

    def resolve_comparison(self, yardstick: str, token: Token) -> None:
        """Say what a comparison with ``yardstick`` means for the uptake."""
        comparison, self.comparison = self.comparison, None
        assert comparison is not None
        background = token.entry.kind is Kind.REFERENCE
        if not self.pet_topic and (self.ct_topic is not None or (yardstick == TISSUE and not background)):
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
            uptake = Uptake.EQUIVOCAL if yardstick == LIVER else Uptake.NORMAL
            if background and yardstick == TISSUE:
                uptake = Uptake.PHYSIOLOGIC  # "background", stated so
        else:
            uptake = Uptake.REDUCED if yardstick == TISSUE else Uptake.NORMAL
        self.pet(uptake, comparison, "uptake.comparison", end=token.end)

    def pet(self, uptake: Uptake, token: Token, rule: str, *, end: int = 0, denied: bool = False) -> None:
        """Say an uptake class; its topic is used up."""
        if self.then:
            return
        marked = self.degree == "marked" and not denied
        start = min(token.start, self.degree_at) if self.degree_at >= 0 else token.start
        self.out.said.append(Said(rule, start, end or token.end, uptake, None, denied, marked=marked))
        self.uptake_noun = self.change = self.uneven = None
        if self.topics:
            self.topics = tuple(t for t in self.topics if not t.entry.value.startswith("pet"))
        self.clear()

    def ct(
        self, concept: str, token: Token, rule: str, *, attribute: bool = False, regions: tuple[Region, ...] = ()
    ) -> None:
        """Say a concept of CT; its topic is used up."""
        if self.noun_degree and self.uptake_noun is not None and not self.denied:
            self.degree = self.noun_degree  # "mild uptake in the thickened wall"
            self.rise(self.uptake_noun, "uptake.bare")
        said = self.out.said
        if said and not regions and _one_thing(said[-1], concept, token, self.denied):
            said[-1].end, said[-1].concept = token.end, concept
            return
        attribute = attribute or self.described
        said.append(
            Said(rule, token.start, token.end, None, concept, self.denied, self.nodular, False, attribute, regions)
        )
        if attribute:
            self.out.describes = True
        self.nodular = False
        self.ct_topic = None
        if self.topics:
            self.topics = tuple(t for t in self.topics if t.entry.value.startswith("pet"))
        self.clear()

    def clear(self) -> None:
        """Forget the degree and the side, and end an aside."""
        self.degree, self.degree_at, self.side = "", -1, None
        if self.mode == "aside":
            self.mode = "subject"

    def rise(self, token: Token, rule: str = "uptake.high") -> None:
        """An uptake: denied, physiologic, mild or high."""
        if self.denied:
            self.pet(Uptake.HIGH, token, "uptake.denied", denied=True)
        elif self.physiologic:
            self.pet(Uptake.PHYSIOLOGIC, token, "uptake.physiologic")
        elif self.degree == "mild":
            self.pet(Uptake.EQUIVOCAL, token, "uptake.mild")
        else:
            self.pet(Uptake.HIGH, token, rule)

    def fall(self, token: Token) -> None:
        """A reduced uptake, or its denial."""
        if self.denied:
            self.pet(Uptake.REDUCED, token, "uptake.denied", denied=True)
        elif self.than_liver:
            self.pet(Uptake.NORMAL, token, "uptake.comparison")
        else:
            self.pet(Uptake.REDUCED, token, "uptake.reduced")

    def topic(self, token: Token) -> None:
        """A topic takes what waited for it, or waits for what is said of it."""
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
                self.topics += (token,)
                if value == "pet-uptake":
                    self.uptake_noun, self.noun_degree = token, self.degree
            return
        if self.change is not None:
            change, self.change = self.change, None
            self.turn_ct(change, token)
        elif self.normal is not None or (self.denied and self.abnormal):
            self.structure_normal(token)
        else:
            self.topics += (token,)
            self.ct_topic = token

    def turn(self, change: Token, topic: Token) -> None:
        """A change of an uptake."""
        self.change = None
        if change.entry.value == "up-mild":
            self.degree = "mild"
        if change.entry.value.startswith("up"):
            self.rise(topic)
        else:
            self.fall(topic)

    def turn_ct(self, change: Token, topic: Token) -> None:
        """A change of a size or a density."""
        up, size = change.entry.value.startswith("up"), topic.entry.value == "size"
        concept = ("enlargement" if up else "atrophy") if size else "density"  # of the whole organ, no focus
        last = topic if topic.end > change.end else change
        self.ct(concept, last, "structure." + concept, attribute=not size)

    def change_(self, token: Token) -> None:
        """A change is of the topics before it, or waits for one."""
        topics = self.topics
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
        """A word that says an uptake class by itself."""
        cls = token.entry.uptake
        self.pet_topic = True
        if cls is Uptake.PHYSIOLOGIC:
            self.physiologic = True
            self.uptake_noun = self.change = None
            if token.entry.regions and not self.denied:
                self.out.brought = Place(token.entry, None, token.start, token.end)
                said = Said("uptake.physiologic", token.start, token.end, cls, regions=token.entry.regions)
                self.out.said.append(said)
            elif not self.denied:
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

    def structure(self, token: Token) -> None:
        """A word for what CT shows."""
        entry = token.entry
        assert entry.concept is not None
        self.change = None
        if self.then:
            return
        if entry.concept == "node":
            self.near_nodes = True
            said = self.out.said
            if said and said[-1].concept == "calcification" and not said[-1].denied and entry.words[0].isascii():
                return  # "calcified hilar nodes"
            if self.denied:
                self.deny_nodes()
            else:
                self.nodes = True
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

    def structure_normal(self, token: Token, rule: str = "structure.normal") -> None:
        """Nothing is abnormal on CT."""
        self.out.said.append(Said(rule, token.start, token.end, None, "", True))
        if self.topics:
            self.topics = tuple(t for t in self.topics if t.entry.value.startswith("pet"))
        self.ct_topic = None

    def abnormal_(self, token: Token) -> None:
        """Take "abnormal" as of the topics before it, or waits for one."""
        if self.denied:
            self.normal_(token)
            self.abnormal = token
        elif self.topics:
            topics, self.topics = self.topics, ()
            for topic in topics:
                if topic.entry.value.startswith("pet"):
                    self.rise(token, "uptake.abnormal")
                else:
                    self.ct("other", token, "structure.abnormal")
        else:
            self.abnormal = token

    def normal_(self, token: Token) -> None:
        """Take "normal" as of the topics before it, or waits for one."""
        value = token.entry.value
        if token.entry.kind is Kind.NORMAL:
            if self.denied and value != "always":
                return
            if value == "ct" or value == "size":
                self.deny_nodes()
                self.structure_normal(token, "structure.normal-size" if value == "size" else "structure.normal")
                return
            if value == "pet":
                if self.degree != "mild" or self.denied:  # "mild symmetric uptake" is mild
                    self.pet(Uptake.NORMAL, token, "uptake.normal")
                return
        said = self.out.said
        if said and said[-1].uptake is Uptake.HIGH and not said[-1].denied:
            said[-1] = Said("uptake.normal", said[-1].start, token.end, Uptake.NORMAL)
        elif not self.topics:
            self.normal = token
            return
        topics, self.topics = self.topics, ()
        for topic in topics:
            if topic.entry.value.startswith("pet"):
                self.pet(Uptake.NORMAL, token, "uptake.normal")
            else:
                self.structure_normal(token)
        self.normal = None

    def degree_(self, token: Token) -> None:
        """Take "mild" after an uptake as of it, else a degree waits for one."""
        said = self.out.said
        if token.entry.value == "mild" and said and _just_before(said[-1], token):
            said[-1] = Said("uptake.mild", said[-1].start, token.end, Uptake.EQUIVOCAL)
            return
        if not self.degree or token.entry.value == "mild":
            self.degree, self.degree_at = token.entry.value, token.start

    def of_topic(self) -> None:
        """Read "with activity" and "activity marked": no more is said of the uptake than that it is there."""
        topic = next((t for t in self.topics if t.entry.value.startswith("pet")), None)
        if topic is not None and not any(s.uptake is not None for s in self.out.said):
            self.rise(topic, "uptake.bare")


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
