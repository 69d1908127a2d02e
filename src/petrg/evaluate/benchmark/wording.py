"""The truth of a digital patient as a physician would dictate it: the reference, never a system's report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile

from petrg.anatomy import Region, Side
from petrg.evaluate.benchmark.words import Words, words
from petrg.language import Claim, Style
from petrg.language.words import words_of
from petrg.phantom import TrueIncidental, TrueLesion, Truth
from petrg.report import FindingKind, Modality, Structure, Uptake

__all__ = ["reference_report"]

_KINDS = {
    Structure.ENLARGED_NODES: FindingKind.ENLARGED_NODES,
    Structure.FOCAL_LESION: FindingKind.FOCAL_LESION,
    Structure.BONE_LESION: FindingKind.BONE_LESION,
}
_SHAPE = {FindingKind.FOCAL_LESION, FindingKind.ENLARGED_NODES}
"""An organ with one of these is not said to be of normal shape, nor to be free of the other."""


def reference_report(truth: Truth, style: Style) -> str:
    """The findings of ``truth`` in the manner of ``style``, region by region, in its layout.

    Every lesion and every finding of CT is named, with its place, side, diameter and SUVmax as they are in the truth;
    physiologic uptake is called so; of the healthy sentences of the style those are written that the truth bears out.
    Nothing else is said, so that a reader of the text can know all labels of the truth and nothing beyond them.

    Returns
    -------
    str
        Numbers to one decimal: SUV, and sizes in cm.
    """
    dictation = _Dictation(truth, style, words(style.language))
    number, paragraphs = 0, []
    headings = style.layout.paragraph_headings or ("",) * len(style.layout.paragraphs)
    for heading, regions in zip(headings, style.layout.paragraphs, strict=True):
        blocks = []
        for region in regions:
            number += 1
            title = words_of(style.language).title(region)
            head = style.layout.region_heading.format(title=title[:1].upper() + title[1:], number=number)
            said = [style.sentence(text) for text in dictation.region(region)]
            blocks.append(head + style.layout.between_claims.join(said))
        paragraphs.append(heading + style.layout.between_regions.join(blocks))
    return "\n".join(paragraphs)


@dataclass(frozen=True)
class _Dictation:
    truth: Truth
    style: Style
    say: Words

    def region(self, region: Region) -> list[str]:
        """Sentences on one region, without full stops: PET with what is seen on both, then CT."""
        lesions = sorted((f for f in self.truth.lesions if f.region is region), key=lambda f: -f.suv_max)
        others = [f for f in self.truth.ct_only if f.region is region]
        return [*self._lesions(lesions), *self._pet(region, lesions, others), *self._ct(region, lesions, others)]

    def _lesions(self, lesions: Iterable[TrueLesion]) -> Iterator[str]:
        """A sentence a lesion; styles that keep PET and CT apart have two."""
        pet, ct = self._prefix(Modality.PET), self._prefix(Modality.CT)
        for one in lesions:
            site = self._sided(self.say.sites[one.site], one.side)
            high = one.uptake is Uptake.HIGH
            given = {"site": site, "suv": f"{one.suv_max:.1f}", "size": f"{one.radius_mm / 5.0:.1f}"}
            if one.structure is not None:
                given["look"] = self.say.looks[one.look]
                if not pet:
                    yield (self.say.lesion.high if high else self.say.lesion.equivocal).format(**given)
                    continue
            if high:
                yield self.style.phrases.focus.format(
                    site=self._article(site), suv_max=given["suv"], details=self.say.lesion.above_liver
                )
            else:
                yield pet + self.say.lesion.equivocal_focus.format(**given)
            if one.structure is not None:
                yield ct + self.say.lesion.ct.format(**given)

    def _pet(self, region: Region, lesions: list[TrueLesion], others: list[TrueIncidental]) -> Iterator[str]:
        """Physiologic uptake, and the healthy sentences where no uptake is abnormal."""
        if lesions or any(f.uptake is not None for f in others):
            return
        normal = next((f for f in self.truth.findings if f.region is region and not f.lesion_ids), None)
        if normal is not None and normal.uptake is Uptake.PHYSIOLOGIC:
            yield self._prefix(Modality.PET) + self.say.physiologic[region]
        yield from (claim.bounded("") for claim in self._claims(region, Modality.PET))

    def _ct(self, region: Region, lesions: list[TrueLesion], others: list[TrueIncidental]) -> Iterator[str]:
        """What CT alone shows, and the healthy sentences on every other kind."""
        for one in others:
            text = self._sided(self.say.ct[one.name], one.side).format(size=f"{one.size_mm / 10.0:.1f}")
            yield self._prefix(Modality.CT) + text
        found = {_KINDS[f.structure] for f in lesions if f.structure is not None} | {f.kind for f in others}
        denied = found | _SHAPE | {FindingKind.MORPHOLOGY} if found & _SHAPE else found
        yield from (c.text for c in self._claims(region, Modality.CT) if not denied & set(c.kinds))

    def _claims(self, region: Region, modality: Modality) -> list[Claim]:
        return [c for c in self.style.claims_of(region, self.truth.spec.sex) if c.modality is modality]

    def _prefix(self, modality: Modality) -> str:
        """How the style marks a sentence of this modality, ``PET：`` say; empty where it does not."""
        texts = [claim.text for claim in self.style.claims if claim.modality is modality]
        mark = "".join(letters[0] for letters in takewhile(lambda row: len(set(row)) == 1, zip(*texts, strict=False)))
        return mark if mark.strip().endswith((":", "：")) else ""

    def _sided(self, text: str, side: Side) -> str:
        sides = self.say.sides
        word = {Side.LEFT: sides.left, Side.RIGHT: sides.right}.get(side, sides.none)
        return text.replace("{side}", word)

    def _article(self, site: str) -> str:
        return f"the {site}" if self.style.language == "en" else site
