"""What a network's text becomes: a whole report, its faults on its face, its numbers checked."""

from __future__ import annotations

import pytest
from written import codes, network_statements, report_of, writer

from petrg.anatomy import Region, Side
from petrg.draft.check_study import facts_for
from petrg.draft.check_text import check_text
from petrg.draft.neural import prepare
from petrg.errors import ModelError
from petrg.export.html import render_html
from petrg.export.text import render_text
from petrg.report import LesionStatus, Report, StatementKind


@pytest.fixture(scope="module")
def ill(hand):
    study = hand.study()
    lesions = [
        hand.lesion("L1", Region.NECK_NODES, 12.34, Side.LEFT, axes_mm=(33.2, 20.1)),
        hand.lesion("L2", Region.LUNG_PLEURA, 5.57, Side.RIGHT),
    ]
    return study, hand.record(study, lesions, references=hand.references())


def mismatches(report: Report, ill) -> list[tuple[str, str]]:
    return [(m.code, m.at) for m in check_text(report, facts_for(report, ill[0]))]


GOOD = (
    "左颈部见肿大淋巴结，放射性摄取增高，SUVmax约<suvmax>。右肺见结节，放射性摄取增高，SUVmax约<suvmax>。肝脏未见异常。"
)


def test_it_is_a_whole_report_that_says_who_wrote_it(ill) -> None:
    report = report_of(GOOD, *ill)
    assert report.writer == "petrg3d:petrg-1"
    assert [section.region for section in report.findings] == list(Region)
    assert report.record == ill[1]
    assert {"recipe", "weights", "domain", "decoding", "text_sha256"} <= report.provenance.keys()
    assert codes(report) == {"worded-by-network"}
    assert mismatches(report, ill) == []
    assert Report.from_json(report.to_json()) == report
    assert report.impression, "the impression is the record's own"


def test_a_language_that_the_prompt_does_not_ask_for_is_refused(ill) -> None:
    study, record = ill
    with pytest.raises(ModelError, match="petrg3d-2025 is asked to write 'en' — expected 'zh'"):
        prepare(study, writer("petrg3d-2025"), language="en", record=record)


def test_what_the_text_leaves_out_is_said(ill) -> None:
    told = network_statements(report_of("肝脏、脾脏未见异常。", *ill))
    assert [s.text for s in told["spleen"]] == ["本区的描述见“肝脏”。"]
    assert [s.text for s in told["brain"]] == ["网络文本未描述本区。"]
    assert told["brain"][0].kind is StatementKind.NOT_ASSESSED


def test_a_focus_that_the_text_leaves_out_is_told_from_the_record(ill) -> None:
    report = report_of("肝脏未见异常。", *ill)
    (said,) = report[Region.NECK_NODES].statements
    assert said.text.startswith("图像测得而网络文本未述：左颈部")
    assert said.lesion_ids == ("L1",)
    assert "foci-untold" in codes(report)
    assert mismatches(report, ill) == []


def test_sentences_without_a_region_stay_in_their_place_and_are_counted(ill) -> None:
    report = report_of("显像清晰。" + GOOD + "其余部位未见异常。", *ill)
    assert report[Region.NECK_NODES].statements[0].text == "显像清晰。"
    assert report[Region.LIVER].statements[-1].text == "其余部位未见异常。"
    assert report[Region.BRAIN].statements[0].text == "本区的描述见“肝脏”。"
    assert "sentences-unplaced" in codes(report)


def test_a_text_that_is_cut_off_or_loops_says_so_in_the_text_and_on_the_page(ill) -> None:
    cut = report_of(GOOD + "脾脏未见", *ill, ended=False)
    assert "〔网络文本在此中断〕" in "".join(
        s.text for s in cut[Region.LIVER].statements + cut[Region.SPLEEN].statements
    )
    looping = report_of(GOOD + "脾脏未见异常。" * 5, *ill, ended=False)
    assert {"text-cut", "text-looping"} <= codes(looping)
    for report in (cut, looping):
        page, plain = render_html(report, ill[0]), render_text(report)
        for text in (page, plain):
            assert "cut off at its longest length" in text
            assert "〔网络文本在此中断〕" in text
    assert not {"text-cut", "text-looping"} & codes(report_of(GOOD, *ill))


@pytest.mark.parametrize("text", ["", " ", "\n", "�", "哈哈", "<ct></ct>"])
def test_any_text_makes_a_report(ill, text: str) -> None:
    report = report_of(text, *ill, ended=False)
    assert mismatches(report, ill) == []
    assert "text-cut" in codes(report)


def test_uptake_that_was_not_measured_disagrees(ill) -> None:
    report = report_of(GOOD + "脾脏放射性摄取弥漫性增高。", *ill)
    assert mismatches(report, ill) == [("claim", "findings.spleen[0]")]
    assert "text-disagrees" in codes(report)


def test_a_healthy_sentence_where_a_focus_was_measured_disagrees(ill) -> None:
    report = report_of("双侧颈部未见异常放射性浓聚。", *ill)
    assert ("claim", "findings.neck-nodes[0]") in mismatches(report, ill)


@pytest.mark.parametrize("doubt", ["status", "place"])
def test_a_focus_in_doubt_contradicts_no_healthy_sentence(ill, hand, doubt: str) -> None:
    study, record = ill
    how = {"status": LesionStatus.INDETERMINATE} if doubt == "status" else {"p": 0.5, "rival": Region.THYROID_SALIVARY}
    record = record.model_copy(update={"lesions": (hand.lesion("L1", Region.NECK_NODES, 5.0, Side.LEFT, **how),)})
    report = report_of("颈部未见异常放射性浓聚。", study, record)
    assert mismatches(report, ill) == []
    assert "foci-untold" in codes(report)


def test_a_focus_that_may_lie_there_bears_out_increased_uptake(ill, hand) -> None:
    study, record = ill
    sure = hand.lesion("L1", Region.LIVER, 5.0)
    unsure = hand.lesion("L1", Region.LIVER, 5.0, p=0.7, rival=Region.SPLEEN)
    for lesion, wanted in ((sure, [("claim", "findings.spleen[0]")]), (unsure, [])):
        report = report_of("脾脏放射性摄取增高。", study, record.model_copy(update={"lesions": (lesion,)}))
        assert mismatches(report, ill) == wanted


@pytest.mark.parametrize("said", ["右颈部未见异常放射性浓聚。", "颈部其余部位未见异常放射性浓聚。"])
def test_a_healthy_sentence_beside_a_focus_that_is_told_does_not(ill, said: str) -> None:
    assert mismatches(report_of(GOOD + said, *ill), ill) == []


def test_a_side_in_the_wrong_place_disagrees(ill) -> None:
    report = report_of(GOOD, *ill)
    neck = report[Region.NECK_NODES].statements[0]
    moved = neck.model_copy(update={"text": neck.text.replace("左", "右")})
    findings = tuple(
        s.model_copy(update={"statements": (moved, *s.statements[1:])}) if s.region is Region.NECK_NODES else s
        for s in report.findings
    )
    assert ("side", "findings.neck-nodes[0]") in mismatches(report.model_copy(update={"findings": findings}), ill)


def test_a_number_slipped_in_disagrees(ill) -> None:
    report = report_of(GOOD, *ill)
    liver = report[Region.LIVER].statements[0]
    slipped = liver.model_copy(update={"text": "肝脏未见异常，SUVmax 3.1。"})
    findings = tuple(
        s.model_copy(update={"statements": (slipped,)}) if s.region is Region.LIVER else s for s in report.findings
    )
    assert ("text", "findings.liver[0]") in mismatches(report.model_copy(update={"findings": findings}), ill)


def test_a_lesion_of_another_region_disagrees_unless_the_sentence_names_it(ill) -> None:
    both = report_of("左颈部、右肺见结节，放射性摄取增高，SUVmax约<suvmax>。", *ill)
    assert mismatches(both, ill) == []
    report = report_of(GOOD, *ill)
    lung = report[Region.LUNG_PLEURA].statements[0]
    moved = {Region.LUNG_PLEURA: report[Region.SPLEEN].statements, Region.SPLEEN: (lung,)}
    findings = tuple(s.model_copy(update={"statements": moved.get(s.region, s.statements)}) for s in report.findings)
    assert ("region", "findings.spleen[0]") in mismatches(report.model_copy(update={"findings": findings}), ill)


class TestTheReleasedRecipe:
    """Its numbers are its own: those that the record has are linked to it, the others are marked."""

    def test_a_number_of_a_lesion_there_is_linked(self, ill) -> None:
        text = "左颈部见肿大淋巴结，大小约3.3×2.0cm，SUVmax约12.3。右肺见结节，SUVmax 5.57。肝脏SUVmax 2.9。"
        report = report_of(text, *ill, recipe="petrg3d-2025")
        numbers = [(n.source, n.quantity.value, n.decimals) for section in report.findings for s in section.statements
                   for n in s.numbers]  # fmt: skip
        assert numbers == [
            ("L1", "long_axis_cm", 1),
            ("L1", "short_axis_cm", 1),
            ("L1", "suv_max", 1),
            ("L2", "suv_max", 2),
            ("liver", "suv_max", 1),
        ]
        assert "numbers-unverified" not in codes(report)
        assert mismatches(report, ill) == []

    @pytest.mark.parametrize(
        "text",
        [
            "左颈部见肿大淋巴结，SUVmax约12.4。",  # no lesion has it
            "右颈部见肿大淋巴结，SUVmax约12.3。",  # a lesion of the other side has it
            "左颈部见肿大淋巴结，SUVmean约12.3。",  # it is the SUVmax
            "肝脏见结节，放射性摄取增高，SUVmax约12.3。",  # a lesion of another region has it
            "左颈部见肿大淋巴结，大小约3.3×2.9cm。",
            "左颈部见肿大淋巴结，大小约33mm。",  # no number of ours stands in mm
            "左颈部见肿大淋巴结，较前（2.1cm）增大。",
        ],
    )
    def test_any_other_is_marked_and_counted(self, ill, text: str) -> None:
        report = report_of(text, *ill, recipe="petrg3d-2025")
        first = next(s for section in report.findings for s in section.statements if "〔未核实〕" in s.text)
        assert first.numbers == ()
        assert "numbers-unverified" in codes(report)
        assert ("text", "findings.neck-nodes[0]") not in mismatches(report, ill)

    def test_names_with_a_digit_are_not_marked(self, ill) -> None:
        report = report_of("T12椎体形态正常。", *ill, recipe="petrg3d-2025")
        assert report[Region.SPINE].statements[0].text == "T12椎体形态正常。"


def test_markup_that_a_network_writes_is_text_on_the_page(ill) -> None:
    report = report_of("肝脏<script>alert(1)</script>未见异常。<img src=x onerror=y>", *ill)
    page = render_html(report, ill[0])
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert" in page


def test_deidentified(ill) -> None:
    report = report_of(GOOD, *ill, deidentify=True, salt="salt")
    assert report.deidentified
    assert "Doe" not in report.to_json()
    assert report.writer == "petrg3d:petrg-1"
    assert report[Region.NECK_NODES].statements[0].numbers[0].source == "L1"
