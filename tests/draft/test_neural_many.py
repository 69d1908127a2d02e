"""A study through tiny weights: alone, in company, with a server; many of them while the next is read."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from embeds_server import embeds_server
from tiny_weights import recipe_for_bytes, write_weights

from petrg.anatomy import Region, Side
from petrg.draft import neural, neural_many
from petrg.draft.mismatch import Mismatch
from petrg.draft.neural import draft_neural, finish, open_writer, prepare, write
from petrg.draft.neural_many import draft_many
from petrg.errors import ModelError, PetrgError, StudyError
from petrg.imaging import Context, Sex
from petrg.imaging.phantom_mark import PHANTOM_MAKER
from petrg.model.generate import case_seed
from petrg.remote.client import server
from petrg.report import Report


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_weights(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def writer(weights: Path) -> Any:
    return open_writer(weights)


@pytest.fixture(scope="module")
def cases(hand):
    """Three studies made by hand that prove themselves phantoms, of unlike size, and their records."""
    made = []
    for k, region in enumerate((Region.NECK_NODES, Region.LUNG_PLEURA, Region.LIVER)):
        study = hand.study(id=f"study-{k}", context={"sex": (Sex.F, Sex.M, None)[k]})
        marked = {
            part: replace(getattr(study, part), manufacturer=PHANTOM_MAKER) for part in ("ct_series", "pet_series")
        }
        study = replace(study, **marked)
        record = hand.record(study, [hand.lesion("L1", region, 8.0 + k, Side.LEFT)])
        made.append((study, record))
    return made


def reports(cases, writer, **how: Any) -> list[Any]:
    """By `draft_many`, each study with its own record."""
    records = {study.id: record for study, record in cases}
    plain = neural_many.prepare

    def with_record(study: Any, writer: Any, **given: Any) -> Any:
        return plain(study, writer, record=records[study.id], **given)

    neural_many.prepare = with_record
    try:
        return list(draft_many([study for study, _ in cases], writer, **how))
    finally:
        neural_many.prepare = plain


def test_a_report_does_not_depend_on_its_batch_or_order(cases, writer) -> None:
    alone = [draft_neural(study, writer, record=record, template=False) for study, record in cases]
    assert reports(cases, writer, template=False) == alone
    assert reports(cases, writer, batch=3, template=False) == alone
    assert reports(cases[::-1], writer, batch=2, template=False) == alone[::-1]
    texts = {report.provenance["text_sha256"] for report in alone}
    assert len(texts) > 1, "the test would prove nothing if all were the same"


def test_what_is_written_depends_on_the_image(cases, writer) -> None:
    """Images swapped, texts swapped: the words of the prompt are the same."""
    study, record = cases[0]
    case = prepare(study, writer, record=record, template=False)
    assert case.seen.pet is not None
    hotter = case._replace(seen=case.seen._replace(pet=3 * case.seen.pet))
    one, two = write([case, hotter], writer)
    assert one.ids != two.ids
    assert write([hotter, case], writer) == [two, one]


def test_sampling_has_a_seed_of_its_own_for_each_study(cases, weights: Path) -> None:
    one, other = (open_writer(weights, sample=True, seed=seed) for seed in (1, 2))
    first = reports(cases, one)
    assert reports(cases[::-1], one, batch=2) == first[::-1]
    assert [r.provenance["text_sha256"] for r in reports(cases, other)] != [r.provenance["text_sha256"] for r in first]
    assert "seed 1" in first[0].provenance["decoding"]


def test_the_error_of_one_study_stands_in_its_place_and_stops_no_other(cases, writer) -> None:
    first, second = cases[0][0], cases[1][0]
    patient = replace(second, pet_series=replace(second.pet_series, manufacturer="SIEMENS"))

    def unreadable() -> Any:
        raise StudyError("no CT", "one", "give it")

    got = list(draft_many([unreadable, patient, first, unreadable], writer, batch=2))
    assert [type(g) for g in got] == [StudyError, ModelError, Report, StudyError]
    with pytest.raises(ZeroDivisionError):
        list(draft_many([first, lambda: 1 // 0], writer))  # type: ignore[list-item,return-value]


def test_the_next_study_is_read_while_the_network_writes(cases, writer, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the first is written, the second and third are read by another thread; never more are held."""
    events: list[str] = []
    second_read = threading.Event()

    def read(k: int) -> Any:
        events.append(f"read {k}")
        if k == 1:
            second_read.set()
        return cases[k % 3][0]

    def prepared(study: Any, writer: Any) -> Any:
        return prepare(study, writer, record={s.id: r for s, r in cases}[study.id], template=False)

    def written(group: Any, writer: Any) -> Any:
        assert second_read.wait(5), "nothing was read ahead"
        time.sleep(0.2)
        events.append("written")
        return write(group, writer)

    monkeypatch.setattr(neural_many, "prepare", prepared)
    monkeypatch.setattr(neural_many, "write", written)
    made = list(draft_many([partial(read, k) for k in range(6)], writer, ahead=1))
    assert [r.study_id for r in made] == [f"study-{k % 3}" for k in range(6)]
    first = events.index("written")
    assert "read 1" in events[:first]
    assert "read 4" not in events[:first], "one ahead, one in the making, no more"


def test_leaving_early_stops_the_reader(cases, writer) -> None:
    before = threading.active_count()
    many = draft_many((cases[0][0] for _ in range(100)), writer)
    next(many)
    many.close()
    deadline = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert threading.active_count() <= before


def test_sex_and_hospital_are_said(cases, writer) -> None:
    (woman, record), _, (unknown, other) = cases
    text = writer.loaded.processor.text
    said = text(prepare(woman, writer, record=record, hospital="仁济").ask)
    assert "性别：F" in said
    assert "医院：仁济" in said
    assert "子宫" in said
    said = text(prepare(unknown, writer, record=other, template=False).ask)
    assert "性别：未提供；医院：未提供" in said
    assert "<template>" not in said
    said = text(prepare(unknown, writer, record=other).ask)
    assert "子宫" not in said
    assert "前列腺" not in said
    assert "脾脏未见" in said, "without a sex the template has what fits both"
    english = text(prepare(woman, writer, record=record, style="en-prose").ask)
    assert "en-prose" in english
    assert "uterus" in english


def test_the_released_recipe_needs_a_sex(cases, tmp_path: Path) -> None:
    released = write_weights(tmp_path, recipe=recipe_for_bytes("petrg3d-2025"))
    _, _, (unknown, record) = cases
    with pytest.raises(ModelError, match="none is given — expected F or M — give --sex"):
        prepare(unknown, open_writer(released), record=record)


def test_pet_alone(cases, writer) -> None:
    study, record = cases[0]
    case = prepare(study, writer, record=record, pet_only=True, template=False)
    assert case.seen.ct is None
    assert "<ct>" not in writer.loaded.processor.text(case.ask)
    (drafted,) = write([case], writer)
    (both,) = write([prepare(study, writer, record=record, template=False)], writer)
    assert drafted.ids != both.ids


@pytest.mark.parametrize("shown", [("ct",), ("pet",), (), ("pet", "ct")])
def test_the_network_is_shown_what_is_asked_and_all_is_measured(cases, writer, shown) -> None:
    study, record = cases[0]
    case = prepare(study, writer, record=record, show=shown, template=False)
    asked = writer.loaded.processor.text(case.ask)
    for name in ("ct", "pet"):
        assert (getattr(case.seen, name) is not None) is (name in shown)
        assert (f"<{name}>" in asked) is (name in shown)
    assert case.measured.record == record
    report = finish(case, *write([case], writer), writer)
    told = {note.code: note.text for note in report.problems}
    assert ("shown-in-part" in told) is (set(shown) != {"ct", "pet"})
    wanted = {("ct",): "CT", ("pet",): "PET", (): "no image"}.get(shown, "CT and PET")
    assert report.provenance["shown"] == wanted
    assert report.provenance["template"] == "none"


def test_what_is_not_shown_changes_nothing(cases, writer) -> None:
    """Another PET moves the words where the PET is shown, and not where it is not."""
    study, record = cases[0]
    hot = replace(study.pet, array=study.pet.array * 4)
    for shown, same in (((), True), (("ct",), True), (("pet",), False), (("ct", "pet"), False)):
        ready = [
            prepare(each, writer, record=record, show=shown, template=False)
            for each in (study, replace(study, pet=hot))
        ]
        one, other = (writer.loaded.prompt(case.seen, case.ask) for case in ready)
        assert torch.equal(one, other) is same


def test_what_cannot_be_shown_is_refused(cases, writer, tmp_path: Path) -> None:
    study, record = cases[0]
    with pytest.raises(ModelError, match="asked to be shown ct and pet — expected pet"):
        prepare(study, writer, record=record, pet_only=True, show=("ct", "pet"))
    with pytest.raises(ModelError, match="asked to be shown xray"):
        prepare(study, writer, record=record, show=("xray",))
    released = open_writer(write_weights(tmp_path, recipe=recipe_for_bytes("petrg3d-2025")))
    for how in ({"show": ("pet",)}, {"show": ()}, {"pet_only": True}):
        with pytest.raises(ModelError, match="petrg3d-2025 is asked to write without CT or PET"):
            prepare(study, released, record=record, **how)
    unknown, other = cases[2]
    asked = prepare(unknown, released, record=other, template=False).ask
    assert asked.template is None, "without a template no sex is needed"


def test_weights_are_refused_before_they_are_read(cases, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from petrg.model import infer

    def never(*args: Any, **how: Any) -> Any:
        raise AssertionError("read")

    monkeypatch.setattr(infer, "load_weights", never)
    study = cases[0][0]
    patient = replace(study, ct_series=replace(study.ct_series, manufacturer="GE"))
    with pytest.raises(ModelError, match="does not prove"):
        open_writer(weights, study=patient)
    with pytest.raises(AssertionError, match="read"):
        open_writer(weights, study=study)


def test_a_server_writes_from_the_prompt_that_is_made_here(cases, writer, weights: Path) -> None:
    study, record = cases[0]
    with embeds_server(32, "左颈部见肿大淋巴结，放射性摄取增高，SUVmax约<suvmax>。") as there:
        remote = replace(writer, server=server(there.url))
        report = draft_neural(study, remote, record=record)
    case = prepare(study, writer, record=record)
    assert torch.equal(there.prompts[0], writer.loaded.prompt(case.seen, case.ask))
    assert there.bodies[0]["model"] == "petrg-lm"
    assert there.bodies[0]["stop_token_ids"] == writer.loaded.ends
    assert report[Region.NECK_NODES].statements[0].text.endswith("SUVmax约8.0。")
    assert report.provenance["language_model_runs"] == "on a server"


def test_with_a_server_no_layer_is_loaded_and_a_draw_is_told_whole(cases, weights: Path) -> None:
    study, record = cases[0]
    with embeds_server(32, "肝脏未见异常。") as there:
        writer = open_writer(weights, server=server(there.url), sample=True, seed=3)
        writer.loaded.model.language_model.generation_config.update(do_sample=True, top_k=20)
        draft_neural(study, writer, record=record)
        plain = replace(writer, how=writer.how.model_copy(update={"sample": False}))
        draft_neural(study, plain, record=record)
    parts = writer.loaded.model.language_model.named_parameters()
    assert [n for n, p in parts if not p.is_meta and ".lora_" not in n] == ["model.embed_tokens.weight"]
    names = ("temperature", "top_p", "top_k", "repetition_penalty", "max_tokens")
    assert [[body[name] for name in names] for body in there.bodies] == [
        [1.0, 1.0, 20, 1.0, 48],
        [0.0, 1.0, -1, 1.0, 48],
    ]
    assert there.bodies[0]["seed"] == case_seed(3, study.id) % 2**31


def test_what_a_reader_must_know_is_told(cases, writer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another type than asked for; of many disagreements twelve, and how many more there are."""
    study, record = cases[0]
    place = writer.loaded.place._replace(note="this processor has no bfloat16 instructions: float32 is used")
    told = replace(writer, loaded=replace(writer.loaded, place=place))
    found = [Mismatch("claim", f"sentence {k}", "one thing", "another") for k in range(15)]
    monkeypatch.setattr(neural, "check_text", lambda *_: [*found, found[0]])
    notes = draft_neural(study, told, record=record).problems
    assert [n.text for n in notes if n.code == "other-type"] == [place.note]
    said = [n.text for n in notes if n.code == "text-disagrees"]
    assert said == [*map(str, found[:12]), "3 more statements disagree with the record"]
    assert "other-type" not in {n.code for n in draft_neural(study, writer, record=record).problems}


def test_one_that_fails_on_the_server_stops_no_other(cases, writer) -> None:
    with embeds_server(31) as there:
        remote = replace(writer, server=server(there.url))
        got = reports(cases, remote, batch=2)
    assert len(got) == 3
    assert all(isinstance(g, PetrgError) for g in got)


def test_context_of_no_fdg_measures_and_does_not_name(hand, writer, cases) -> None:
    study, record = cases[0]
    psma = replace(study, context=Context(tracer="PSMA-11", sex=Sex.M))
    report = draft_neural(psma, writer, record=record.model_copy(update={"tracer": "PSMA-11"}))
    assert report[Region.NECK_NODES].statements
