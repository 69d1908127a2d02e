"""Hospital styles: the healthy report of a hospital as claims, and its way of wording findings.

A style is a TOML file. Its healthy sentences are split into claims, each of which says which kinds of
finding it denies, so that a draft can write the ones that were searched and leave the others out.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from petrg.anatomy import Region
from petrg.errors import StyleError, first_fault
from petrg.language.phrases import Phrases, fields_of
from petrg.language.words import Language, words_of
from petrg.report import FindingKind, Modality

__all__ = ["DEFAULT_STYLES", "Claim", "Layout", "Style", "StyleSex", "load_style", "style_names"]

StyleSex = Literal["F", "M"]

DEFAULT_STYLES: dict[str, str] = {"zh": "zh-prose", "en": "en-prose"}
"""The style used where none is named."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _ClaimRow(_Strict):
    kinds: Annotated[tuple[FindingKind, ...], Field(min_length=1)]
    text: Annotated[str, Field(min_length=1)]
    sex: StyleSex | None = None


class Claim(_ClaimRow):
    """One healthy statement on one region in one modality, and the kinds of finding it denies.

    ``text`` has no full stop. A claim that denies focal uptake holds the field ``{above}``, which is
    empty in the template and names the detection limit in a report.
    """

    region: Region

    @property
    def modality(self) -> Modality:
        """The modality all of its kinds are seen in."""
        return self.kinds[0].modality

    def bounded(self, above: str) -> str:
        """The text with ``above`` at its place."""
        return self.text.replace("{above}", above)


class Layout(_Strict):
    """How the healthy template is laid out: regions of each paragraph, and the heading before each region."""

    paragraphs: tuple[tuple[Region, ...], ...]
    paragraph_headings: tuple[str, ...] = ()
    region_heading: Annotated[str, Field(description="'{title}' and '{number}' are filled")] = ""
    between_claims: str = ""
    between_regions: str = ""


class _StyleFile(_Strict):
    language: Language
    hospital: str
    manner: Annotated[str, Field(description="one sentence on how this hospital writes")]
    end: Annotated[str, Field(description="full stop after a sentence")]
    layout: Layout
    phrases: Phrases
    claims: dict[Region, tuple[_ClaimRow, ...]]


class Style(_Strict):
    """A hospital's way of writing, read from TOML and checked.

    Examples
    --------
    >>> style = load_style("en-prose")
    >>> style.language, style.claims_of(Region.SPLEEN, None)[0].modality.value
    ('en', 'PT')
    """

    name: str
    sha256: str
    language: Language
    hospital: str
    manner: str
    end: str
    layout: Layout
    phrases: Phrases
    claims: tuple[Claim, ...]

    def claims_of(self, region: Region, sex: StyleSex | None) -> tuple[Claim, ...]:
        """The claims on ``region`` for ``sex``; without a sex only those that fit both."""
        return tuple(c for c in self.claims if c.region is region and c.sex in (None, sex))

    def template(self, sex: str | None) -> str:
        """The healthy report of this hospital for ``sex`` (``"F"`` or ``"M"``), word for word.

        Without a sex it holds the sentences that fit both.

        Raises
        ------
        StyleError
            If ``sex`` is something else.
        """
        if sex not in ("F", "M", None):
            raise StyleError(f"sex {sex!r}", "F or M", "healthy templates exist for these two")
        known: StyleSex | None = "F" if sex == "F" else "M" if sex == "M" else None
        number = 0
        paragraphs = []
        headings = self.layout.paragraph_headings or ("",) * len(self.layout.paragraphs)
        for heading, regions in zip(headings, self.layout.paragraphs, strict=True):
            blocks = []
            for region in regions:
                number += 1
                blocks.append(self._region(region, known, number))
            paragraphs.append(heading + self.layout.between_regions.join(blocks))
        return "\n".join(paragraphs)

    def _region(self, region: Region, sex: StyleSex | None, number: int) -> str:
        title = words_of(self.language).title(region)
        heading = self.layout.region_heading.format(title=title[:1].upper() + title[1:], number=number)
        texts = [self.sentence(claim.bounded("")) for claim in self.claims_of(region, sex)]
        return heading + self.layout.between_claims.join(texts)

    def sentence(self, text: str) -> str:
        """``text`` as a sentence: first letter large, a full stop at its end.

        >>> load_style("en-prose").sentence("the liver is unremarkable")
        'The liver is unremarkable.'
        """
        return text[:1].upper() + text[1:] + self.end


def style_names(language: str | None = None) -> tuple[str, ...]:
    """Names of the styles that come with petrg, in order; of one language where given.

    >>> [name for name in style_names("en")]
    ['en-prose', 'en-structured']
    """
    shelf = files("petrg.language.styles")
    names = sorted(item.name.removesuffix(".toml") for item in shelf.iterdir() if item.name.endswith(".toml"))
    return tuple(n for n in names if language is None or n.startswith(f"{language}-"))


def load_style(name: str | Path) -> Style:
    """Read a style by its name, or from a TOML file.

    Raises
    ------
    StyleError
        If there is no such style, or it breaks the schema: an unknown key, a missing region, a sex
        without sentences, an abnormal phrase in a healthy sentence, a healthy word or a digit in a phrase.
    """
    if isinstance(name, str) and name in style_names():
        return _shipped(name)
    path = Path(name)
    if path.suffix != ".toml":
        raise StyleError(
            f"no style {path.name!r}", f"one of {', '.join(style_names())}", "name one or give a .toml file"
        )
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise StyleError(
            f"style {path.name!r} cannot be read ({type(error).__name__})", "a TOML file", "check the path"
        ) from error
    return _parse(path.stem, raw)


@cache
def _shipped(name: str) -> Style:
    return _parse(name, files("petrg.language.styles").joinpath(f"{name}.toml").read_bytes())


def _parse(name: str, raw: bytes) -> Style:
    try:
        data = tomllib.loads(raw.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StyleError(f"style {name!r} is not TOML ({type(error).__name__})", "TOML in UTF-8", "see docs") from error
    try:
        file = _StyleFile.model_validate(data)
    except ValidationError as error:
        key, fault = first_fault(error.errors(include_input=False, include_url=False))
        raise StyleError(
            f"style {name!r}, key {key!r}: {fault}", "the keys and values of the style schema", "correct the key"
        ) from error
    claims = tuple(Claim(region=region, **row.model_dump()) for region in Region for row in file.claims.get(region, ()))
    style = Style(
        name=name,
        sha256=hashlib.sha256(raw).hexdigest(),
        **{key: getattr(file, key) for key in ("language", "hospital", "manner", "end", "layout", "phrases")},
        claims=claims,
    )
    for refuse in (_refuse_claims, _refuse_gaps, _refuse_layout, _refuse_abnormal, _refuse_reassurance):
        refuse(style)
    return style


def _refuse(style: Style, found: str, expected: str, do: str) -> NoReturn:
    raise StyleError(f"style {style.name!r}: {found}", expected, do)


def _refuse_claims(style: Style) -> None:
    for claim in style.claims:
        at = f"claim {claim.text[:24]!r} of {claim.region.value}"
        if len({kind.modality for kind in claim.kinds}) > 1:
            _refuse(style, f"{at} denies kinds of PET and CT at once", "one modality a claim", "split it")
        if re.search(r"\d", claim.text):
            _refuse(style, f"{at} holds a digit", "no numbers in healthy sentences", "remove it")
        try:
            fields = fields_of(claim.text)
        except ValueError as error:
            raise StyleError(
                f"style {style.name!r}: {at}: {error}", "the field {above} at most", "remove it"
            ) from error
        if unlisted := words_of(style.language).kinds_in(claim.text) - set(claim.kinds):
            names = ", ".join(sorted(kind.value for kind in unlisted))
            _refuse(style, f"{at} speaks of {names}", "every kind it denies among its kinds", "list them or split it")
        focal = FindingKind.FOCAL_UPTAKE in claim.kinds
        if fields != ({"above"} if focal else set()):
            expected = "{above} once, where the detection limit goes" if focal else "no field"
            _refuse(style, f"{at} has the fields {sorted(fields)}", expected, "correct its text")


def _refuse_gaps(style: Style) -> None:
    for region in Region:
        for modality in Modality:
            if not any(claim.modality is modality for claim in style.claims_of(region, None)):
                name = "CT" if modality is Modality.CT else "PET"
                expected = "a PET and a CT claim on every region that fits both sexes"
                _refuse(style, f"no {name} sentence on {region.value}", expected, "add a claim without sex")
    for sex in ("F", "M"):
        if not any(claim.sex == sex for claim in style.claims_of(Region.PELVIC_ORGANS, sex)):
            _refuse(style, f"no sentence on {Region.PELVIC_ORGANS.value} for sex {sex}", "one for each sex", "add it")


def _refuse_layout(style: Style) -> None:
    got = [region for paragraph in style.layout.paragraphs for region in paragraph]
    if got != list(Region):
        _refuse(
            style, "layout.paragraphs does not list the regions", "the 24 regions once each, in order", "correct it"
        )
    headings = style.layout.paragraph_headings
    if headings and len(headings) != len(style.layout.paragraphs):
        _refuse(style, f"{len(headings)} paragraph headings", "one a paragraph or none", "correct layout")
    try:
        fields = fields_of(style.layout.region_heading)
    except ValueError as error:
        raise StyleError(
            f"style {style.name!r}: layout.region_heading: {error}", "{title} and {number} at most", "correct it"
        ) from error
    if unknown := sorted(fields - {"title", "number"}):
        found = f"layout.region_heading has the field {{{unknown[0]}}}"
        _refuse(style, found, "{title} and {number} at most", "correct it")
    if re.search(r"\w", style.end):
        _refuse(style, f"end is {style.end!r}", "a full stop, no word", "correct it")


def _refuse_abnormal(style: Style) -> None:
    denial = words_of(style.language).denial
    for at, text in _healthy_texts(style):
        if (phrase := denial.affirmed(text)) is not None:
            _refuse(
                style,
                f"{at} says {phrase!r} without denying it",
                "a sentence that a healthy patient's report may hold",
                "deny it or remove it",
            )


def _healthy_texts(style: Style) -> Iterator[tuple[str, str]]:
    """Every text of the healthy template, and what it is."""
    for claim in style.claims:
        yield f"the healthy sentence on {claim.region.value}", claim.bounded("")
    for heading in (*style.layout.paragraph_headings, style.layout.region_heading):
        yield "a heading of the layout", heading


def _refuse_reassurance(style: Style) -> None:
    """What is printed beside findings, or where nothing was assessed, may call nothing healthy."""
    denial = words_of(style.language).denial
    for key, text in style.phrases:
        if text is not None and (said := denial.reassures(text)) is not None:
            _refuse(
                style,
                f"the phrase {key!r} says {said!r}, which calls something healthy or denies it",
                "such words in claims only, where what was searched bounds them",
                "reword the phrase",
            )
