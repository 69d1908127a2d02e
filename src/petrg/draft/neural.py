"""The network as a writer: a study and weights to a report whose numbers are measured.

Nothing here imports torch; `petrg.model` does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from petrg.draft.check_neural import NETWORK
from petrg.draft.check_study import facts_for
from petrg.draft.check_text import check_text
from petrg.draft.deidentify import deidentified
from petrg.draft.domain import expect_domain
from petrg.draft.neural_body import find_body
from petrg.draft.neural_findings import tell
from petrg.draft.pet_alone import record_without_ct, without_ct
from petrg.draft.pipeline import draft
from petrg.errors import ModelError
from petrg.imaging import Sex, Study
from petrg.language.style import Style
from petrg.progress import Progress, silent
from petrg.report import Note, Record, Report

if TYPE_CHECKING:
    from petrg.imaging.masks import LabelMap, Mask
    from petrg.model.generate import Drafted
    from petrg.model.infer import Loaded
    from petrg.model.inputs import Seen
    from petrg.model.prompt import Ask
    from petrg.model.recipe import Generation
    from petrg.remote.client import Server

__all__ = ["NeuralWriter", "Prepared", "draft_neural", "finish", "open_writer", "prepare", "write"]

_MISMATCHES = 12
"""So many disagreements of the text with the record are named; of more, only their number."""


@dataclass(frozen=True, kw_only=True, eq=False)
class NeuralWriter:
    """Weights, how they write, and on what.

    Parameters
    ----------
    loaded : petrg.model.infer.Loaded
    how : petrg.model.recipe.Generation
    seed : int
        Of the run; each case has its own, from it and the study's id.
    server : Server, optional
        Where the language model runs; else here.
    allow_untrained : bool
        For tests: weights whose encoder has its initial values may write.
    """

    loaded: Loaded
    how: Generation
    seed: int = 0
    server: Server | None = None
    allow_untrained: bool = False

    @property
    def name(self) -> str:
        """As reports carry it."""
        return f"{NETWORK}{self.loaded.recipe.name}"


class Prepared(NamedTuple):
    """A study that is ready to be written: all that needs no network has been done."""

    study: Study
    measured: Report
    style: Style
    ask: Ask
    seen: Seen


def open_writer(
    weights: str | Path,
    *,
    device: str = "auto",
    dtype: str = "auto",
    base: str | Path | None = None,
    sample: bool | None = None,
    seed: int = 0,
    server: Server | None = None,
    allow_untrained: bool = False,
    study: Study | None = None,
) -> NeuralWriter:
    """Load weights as a writer.

    Parameters
    ----------
    weights : folder or hub id
    device, dtype : str
        See `petrg.model.device.choose_place`.
    base : folder or hub id, optional
        The language model, where it lies elsewhere than the weights say.
    sample : bool, optional
        Draw tokens instead of taking the likeliest; as the recipe says where not given.
    server : Server, optional
        One that takes prompt embeddings and runs the exported language model; of it only the table of words is loaded
        here, and ``base`` may name the exported folder.
    study : Study, optional
        One it is meant for: refused before anything large is read, where `prepare` would refuse it.

    Raises
    ------
    ModelError
        If the weights cannot be had whole, the device is not there, or they may not be shown ``study``.
    """
    from petrg.model.infer import load_weights
    from petrg.model.weights import fetch, read_config

    folder = fetch(weights)
    if study is not None:
        expect_domain(study, read_config(folder).domain, allow_untrained=allow_untrained)
    loaded = load_weights(folder, device=device, dtype=dtype, base=base, layers=server is None)
    how = loaded.recipe.generation
    if sample is not None:
        how = how.model_copy(update={"sample": sample})
    return NeuralWriter(loaded=loaded, how=how, seed=seed, server=server, allow_untrained=allow_untrained)


def prepare(
    study: Study,
    writer: NeuralWriter,
    *,
    style: str | Path | Style | None = None,
    language: Literal["zh", "en"] = "zh",
    hospital: str | None = None,
    template: bool | str = True,
    record: Record | None = None,
    masks: Sequence[Mask] | None = None,
    label_map: LabelMap | None = None,
    pet_only: bool = False,
    show: Sequence[str] | None = None,
    progress: Progress = silent,
) -> Prepared:
    """Measure a study, word its question and bring its images onto the recipe's grid.

    Parameters
    ----------
    style : str, Path or Style, optional
        A hospital's style; its healthy report for the patient's sex is the network's template.
    hospital : str, optional
        The hospital by name, as the weights know it; the style's name where not given, since template and hospital
        go together.
    template : bool or str
        The healthy report itself, where it is not the style's; False asks without one.
    record, masks, label_map, pet_only
        As `petrg.draft.pipeline.draft`.
    show : sequence of "ct", "pet", optional
        What the network is shown; all that is reported on where not given. The record is measured all the same.

    Raises
    ------
    ModelError
        If the weights may not be shown this study, or the recipe needs a sex that is not known, writes another
        language, or shows both images and is asked to show fewer.
    StudyError, UnitError, StyleError, ReportError
        As `petrg.draft.pipeline.draft`.
    """
    if pet_only:
        study = without_ct(study)
        record = None if record is None else record_without_ct(record)
    expect_domain(study, writer.loaded.domain, allow_untrained=writer.allow_untrained)
    chosen = _style(style, language)
    _expect_language(writer, chosen)
    use = _use(writer, pet_only=pet_only, show=show)
    ask = _ask(study, writer, chosen, hospital, template=template, use=use)
    measured = draft(
        study,
        style=chosen,
        record=record,
        masks=masks,
        label_map=label_map,
        pet_only=pet_only,
        progress=progress,
    )
    progress("preparing the images", 0, 1)
    seen = _seen(study, writer, use)
    progress("preparing the images", 1, 1)
    return Prepared(study, measured, chosen, ask, seen)


def write(
    cases: Sequence[Prepared], writer: NeuralWriter, stream: Callable[[str], None] | None = None
) -> list[Drafted]:
    """What the network writes on each case; several are decoded side by side.

    Parameters
    ----------
    stream : callable, optional
        Takes each piece of text as it comes; for a single case.
    """
    from petrg.model.generate import case_seed

    loaded = writer.loaded
    prompts = [loaded.prompt(case.seen, case.ask) for case in cases]
    seeds = [case_seed(writer.seed, case.study.id) for case in cases]
    if writer.server is not None:
        from petrg.draft.neural_remote import write_there

        return [write_there(writer.server, loaded, p, writer.how, s) for p, s in zip(prompts, seeds, strict=True)]
    return loaded.write(prompts, writer.how, seeds, stream)


def finish(
    case: Prepared, drafted: Drafted, writer: NeuralWriter, *, deidentify: bool = False, salt: str | None = None
) -> Report:
    """The report: the network's text split into regions and filled from the record, all else as measured."""
    measured, record = case.measured, case.measured.record
    told = tell(
        drafted.text,
        record,
        case.style,
        slots=writer.loaded.recipe.slots,
        interpreted=case.study.context.is_fdg,
        ended=drafted.ended,
        looping=drafted.looping,
    )
    report = measured.model_copy(
        update={
            "writer": writer.name,
            "findings": told.findings,
            "problems": (*measured.problems, *_about(writer, case), *told.notes),
            "provenance": measured.provenance | _provenance(writer, case, drafted),
        }
    )
    report = report.model_copy(update={"problems": (*report.problems, *_disagreements(report, case.study))})
    return deidentified(report, case.study, salt) if deidentify else report


def draft_neural(
    study: Study,
    writer: NeuralWriter,
    *,
    deidentify: bool = False,
    salt: str | None = None,
    stream: Callable[[str], None] | None = None,
    **how: Any,
) -> Report:
    """A report of ``study`` in the network's words and the record's numbers.

    ``how`` goes to `prepare`; errors as there.
    """
    case = prepare(study, writer, **how)
    (drafted,) = write([case], writer, stream)
    return finish(case, drafted, writer, deidentify=deidentify, salt=salt)


def _use(writer: NeuralWriter, *, pet_only: bool, show: Sequence[str] | None) -> tuple[str, ...]:
    """The modalities that the network is shown, CT first."""
    there = ("pet",) if pet_only else ("ct", "pet")
    asked = there if show is None else tuple(show)
    if not set(asked) <= set(there):
        do = "show the PET or nothing, or leave --pet-only out" if pet_only else "name what there is"
        raise ModelError(f"the network is asked to be shown {' and '.join(asked)}", " or ".join(there), do)
    recipe = writer.loaded.recipe
    if recipe.input.kind == "stored" and set(asked) != {"ct", "pet"}:
        raise ModelError(
            f"recipe {recipe.name} is asked to write without CT or PET",
            "both, as it was trained",
            "show both, or take weights of petrg-1",
        )
    return tuple(name for name in there if name in asked)


def _style(style: str | Path | Style | None, language: Literal["zh", "en"]) -> Style:
    from petrg.language.style import DEFAULT_STYLES, load_style

    if isinstance(style, Style):
        return style
    return load_style(DEFAULT_STYLES[language] if style is None else style)


def _expect_language(writer: NeuralWriter, style: Style) -> None:
    """Refuse a language that the prompt does not ask for: the text would be read by another's words."""
    recipe = writer.loaded.recipe
    asked = recipe.prompt.system + recipe.prompt.without_template
    own = "zh" if any("\u4e00" <= letter <= "\u9fff" for letter in asked) else "en"
    if "{language}" not in asked and style.language != own:
        raise ModelError(
            f"recipe {recipe.name} is asked to write {style.language!r}",
            f"{own!r}, the language of its prompt",
            f"give --language {own} and a style of it",
        )


def _ask(
    study: Study,
    writer: NeuralWriter,
    style: Style,
    hospital: str | None,
    *,
    template: bool | str,
    use: tuple[str, ...],
) -> Ask:
    from petrg.model.prompt import Ask

    sex = study.context.sex
    known = sex if sex in (Sex.F, Sex.M) else None
    if known is None and template is True and not writer.loaded.recipe.slots:
        raise ModelError(
            f"recipe {writer.loaded.recipe.name} chooses its template by sex, and none is given",
            "F or M",
            "give --sex, or leave --weights out",
        )
    healthy = template or None if isinstance(template, str) else None
    if template is True:
        healthy = style.template(None if known is None else known.value)
    return Ask(
        template=healthy,
        hospital=hospital or (style.name if template is True else None),
        sex=None if known is None else known.value,
        language=style.language,
        modalities=use,
    )


def _seen(study: Study, writer: NeuralWriter, use: tuple[str, ...]) -> Seen:
    from petrg.model.inputs import needs_body, study_input

    recipe = writer.loaded.recipe
    body = find_body(study) if needs_body(study, recipe) else None
    return study_input(study, recipe, writer.loaded.patch, use=use, body=body)


def _about(writer: NeuralWriter, case: Prepared) -> tuple[Note, ...]:
    numbers = "filled from the record" if writer.loaded.recipe.slots else "its own, held against the record"
    rows = [
        ("worded-by-network", f"the findings are worded by a network ({writer.name}); numbers in them are {numbers}")
    ]
    if writer.loaded.domain == "untrained":
        rows.append(("untrained", "the network's image encoder is untrained: what it says of the image means nothing"))
    if set(case.ask.modalities) != {"ct", "pet"}:
        shown = " and ".join(m.upper() for m in case.ask.modalities) or "no image"
        rows.append(("shown-in-part", f"the network was shown {shown}: what it says of anything else means nothing"))
    if writer.loaded.place.note:
        rows.append(("other-type", writer.loaded.place.note))
    return tuple(Note(code=code, text=text) for code, text in rows)


def _provenance(writer: NeuralWriter, case: Prepared, drafted: Drafted) -> dict[str, str]:
    from petrg.model.generate import case_seed

    config, how, recipe = writer.loaded.model.config, writer.how, writer.loaded.recipe
    decoding = {"max_new_tokens": how.max_new_tokens, "repetition_penalty": how.repetition_penalty}
    if how.sample:
        decoding |= {"top_p": how.top_p, "temperature": how.temperature}
        decoding |= {"seed": writer.seed, "case_seed": case_seed(writer.seed, case.study.id)}
    return {
        "writer": writer.name,
        "weights": writer.loaded.identity,
        "recipe": f"{recipe.name} {recipe.version}",
        "domain": config.domain,
        "language_model": config.base_fingerprint or "",
        "language_model_runs": "here" if writer.server is None else "on a server",
        "decoding": ("sampled, " if how.sample else "greedy, ") + ", ".join(f"{k} {v:g}" for k, v in decoding.items()),
        "shown": " and ".join(m.upper() for m in case.ask.modalities) or "no image",
        "template": _named_template(case),
        "hospital": case.ask.hospital or "not given",
        "text_sha256": hashlib.sha256(drafted.text.encode()).hexdigest(),
        "text_tokens": str(len(drafted.ids)),
    }


def _named_template(case: Prepared) -> str:
    """Which healthy report the network was given: the style's, by name, or another, by its hash."""
    given, sex = case.ask.template, case.ask.sex
    if given is None:
        return "none"
    if given == case.style.template(sex):
        return f"{case.style.name} {sex or 'of both sexes'}"
    return f"sha256 {hashlib.sha256(given.encode()).hexdigest()}"


def _disagreements(report: Report, study: Study) -> tuple[Note, ...]:
    """What of the text disagrees with the record, as `petrg check` will say."""
    found = tuple(dict.fromkeys(check_text(report, facts_for(report, study))))
    notes = [Note(code="text-disagrees", text=str(mismatch)) for mismatch in found[:_MISMATCHES]]
    if len(found) > _MISMATCHES:
        more = len(found) - _MISMATCHES
        notes.append(Note(code="text-disagrees", text=f"{more} more statements disagree with the record"))
    return tuple(notes)
