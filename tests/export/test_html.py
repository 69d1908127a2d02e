"""The page: well formed, self-contained, every number leads to its evidence, sides as the patient's."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

import petrg
from petrg.anatomy import Region
from petrg.export.html import render_html
from petrg.export.links import MOST_SHOWN
from petrg.imaging import Study
from petrg.report import WATERMARK, FindingKind, Report

VOID = {"meta", "link", "br", "hr", "img", "input"}


@dataclass
class Page(HTMLParser):
    """What a page holds, and whether its tags nest."""

    text: str = ""
    hrefs: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    numbers: list[tuple[str, str]] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        if given.get("id"):
            self.ids.append(str(given["id"]))
        if tag == "a":
            self.hrefs.append(str(given["href"]))
            if given.get("class") == "number":
                self.numbers.append((str(given["href"]), str(given["title"])))
        if tag == "image":
            self.images.append(str(given["href"]))
        if tag == "svg":
            self.labels.append(str(given["aria-label"]))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another"

    def handle_data(self, data: str) -> None:
        self.text += data


def parse(html: str) -> Page:
    page = Page()
    page.feed(html)
    page.close()
    assert page.open == []
    return page


def pixels(uri: str) -> np.ndarray:
    kind, data = uri.split(",", 1)
    assert kind == "data:image/webp;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")).astype(int)


@pytest.fixture(scope="module")
def html(report: Report, study: Study) -> str:
    return render_html(report, study)


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return parse(html)


def test_the_watermark_comes_first_and_last(page: Page, report: Report) -> None:
    after_style = page.text.split("}\n")[-1]
    assert after_style.strip().startswith(WATERMARK["en"])
    assert after_style.strip().endswith(WATERMARK["en"])


def test_identity_stands_as_in_the_header_and_is_escaped(html: str, page: Page) -> None:
    for known in ("Wáng^Lì <script>alert('x')</script>", "ID-77", "1960-02-03", "ACC9"):
        assert known in page.text
    assert "script" not in page.tags
    assert "3.1 cm <b>, above" in page.text
    assert "b" not in page.tags


def test_nothing_is_fetched(html: str) -> None:
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert f'<meta http-equiv="Content-Security-Policy" content="{policy}' in html
    without_pictures = re.sub(r"data:image/webp;base64,[A-Za-z0-9+/=]+", "", html)
    assert not re.search(r"https?:|//[a-z]|@import|url\(|\ssrc=|<link|<script|<iframe|\son\w+=", without_pictures)
    assert len(html) < 6e6


def test_every_link_lands_and_no_anchor_is_doubled(page: Page) -> None:
    assert len(page.ids) == len(set(page.ids))
    missing = {h for h in page.hrefs if not h.startswith("#") or h[1:] not in page.ids}
    assert missing == set()


def test_every_number_of_the_text_is_a_link_to_its_evidence(page: Page, report: Report) -> None:
    numbers = [n for s in report.statements() for n in s.numbers]
    assert len(page.numbers) == len(numbers)
    assert page.numbers[numbers.index(next(n for n in numbers if n.source == "L1"))] == (
        "#finding-1",
        "L1 SUVmax 9 g/ml, PET slice 48",
    )
    ways = {href for href, _ in page.numbers}
    assert {"#finding-1", "#finding-2", "#focus-3", "#reference-liver", "#totals", "#assessed-spine"} <= ways
    assert ("#acquisition", "Injected dose 370.1 MBq") in page.numbers
    assert ("#assessed", "Detection limit, SUV 3.1 g/ml") in page.numbers
    assert ("#finding-1", "Lesions 2") in page.numbers


def test_evidence_leads_back_to_the_sentence(html: str, report: Report) -> None:
    card = html[html.index('id="finding-1"') :]
    back = re.search(r'class="back" href="#(text-\d+)"', card)
    assert back is not None
    sentence = html[html.index(f'id="{back.group(1)}"') :][:400]
    assert "Avid mass" in sentence


def test_every_picture_says_what_it_shows(page: Page) -> None:
    assert len(page.images) == len(page.labels) == 2 + 2 * 3
    assert all(page.labels)
    assert page.labels[0] == "coronal PET maximum intensity projection with 2 numbered findings, SUV 0–10"
    assert "CT, axial plane through the hottest voxel of L1, W400 L40" in page.labels


@pytest.mark.parametrize(("card", "right_half"), [(0, True), (1, False)])
def test_the_patients_left_is_on_the_right_of_the_picture(page: Page, card: int, right_half: bool) -> None:
    """L1 lies 100 mm to the patient's left, L2 60 mm to the right; read from the pixels of the page."""
    fused, pet, ct = (pixels(uri) for uri in page.images[2 + 3 * card :][:3])
    _, columns = np.nonzero(pet[..., 0] < 40)  # inverse grey: hot is dark
    assert bool(columns.mean() > pet.shape[1] / 2) is right_half
    _, columns = np.nonzero(fused[..., 0] - fused[..., 2] > 90)  # hot metal over grey
    assert bool(columns.mean() > fused.shape[1] / 2) is right_half
    rows, _ = np.nonzero(ct[..., 0] > 240)  # the spine, 90 mm to the back, is below
    assert rows.mean() > 0.6 * ct.shape[0]


def test_the_projection_has_right_on_the_left_and_head_on_top(page: Page) -> None:
    mip = pixels(page.images[0])
    dark = mip[..., 0] < 60
    _, columns = np.nonzero(dark)
    assert columns.min() > mip.shape[1] * 0.25
    hottest_rows, hottest_columns = np.nonzero(mip[..., 0] < 40)  # L1: SUV 9, 80 mm up of 320, left
    assert hottest_columns.mean() > mip.shape[1] * 0.6
    assert hottest_rows.mean() > mip.shape[0] * 0.6


def test_letters_scale_and_windows_are_printed(html: str) -> None:
    first = html[html.index("<svg") : html.index("</svg>")]
    letters = re.findall(r'<text class="letter" x="([\d.-]+)" y="([\d.-]+)"[^>]*>(\w)<', first)
    at = {letter: (float(x), float(y)) for x, y, letter in letters}
    assert at["R"][0] < at["L"][0]
    assert at["H"][1] < at["F"][1]
    assert "SUV 0–10" in first
    bar = re.search(r'class="bar" d="M([\d.]+) [\d.]+V[\d.]+H([\d.]+)V', first)
    mm = re.search(r">(\d+) mm<", first)
    box = re.search(r'<image width="([\d.]+)" height="([\d.]+)"', first)
    assert bar is not None
    assert mm is not None
    assert box is not None
    mm_per_pixel = int(mm.group(1)) / (float(bar.group(2)) - float(bar.group(1)))
    assert mm_per_pixel * float(box.group(2)) == pytest.approx(64 * 5.0, rel=0.01)  # the height of the scan
    assert "SUV 0–7" in html
    assert "W400 L40" in html


def test_what_was_not_assessed_is_shown(html: str, page: Page) -> None:
    kinds = len(FindingKind)
    assert html.count('class="searched"') == len(Region)
    assert html.count('class="not-searched"') == len(Region) * (kinds - 2)  # the record is silent on one kind
    assert "○ not searched" in page.text
    spine = html[html.index('id="assessed-spine"') :].split("</tr>")[0]
    assert "region located with 50%" in spine
    assert ">~</abbr>" in spine
    assert html.count(">~</abbr>") == 1


def test_facts_problems_and_provenance_stand_on_the_page(page: Page) -> None:
    for shown in ("370.125 MBq", "not known", "user-entered", "dose given in MBq & read as such", "abababab"):
        assert shown in page.text


def test_a_pet_without_ct_is_shown_in_three_planes(pet_only: Study, make: Callable[..., Report]) -> None:
    html = render_html(make(pet_only), pet_only)
    page = parse(html)
    assert "PET coronal, coronal plane through the hottest voxel of L1, SUV 0–7" in page.labels
    assert "No CT: PET in three planes." in page.text


def test_a_ct_that_the_report_set_aside_is_not_shown(
    study: Study, pet_only: Study, make: Callable[..., Report]
) -> None:
    alone = make(pet_only)
    assert render_html(alone, study) == render_html(alone, pet_only)


def test_more_findings_than_pictures_are_listed(study: Study, make: Callable[..., Report]) -> None:
    report = make(study, extra=MOST_SHOWN + 3)
    html = render_html(report, study)
    page = parse(html)
    assert html.count('<article class="card"') == MOST_SHOWN
    assert "5 further foci have no picture" in page.text
    assert 'id="finding-2"' in html  # only indeterminate, but its number stands in the text
    assert all(h[1:] in page.ids for h in page.hrefs)
    assert len(html) < 6e6


def test_no_identity_on_a_deidentified_page(study: Study, make: Callable[..., Report]) -> None:
    """The study still holds the identity; the page takes it from the report alone."""
    html = render_html(make(study, deidentified=True), study)
    for known in ("Wáng", "ID-77", "1960", "ACC9", "alert"):
        assert known not in html
    assert "De-identified" in parse(html).text


def test_chinese_pages_speak_chinese(study: Study, make: Callable[..., Report]) -> None:
    html = render_html(make(study, "zh"), study)
    page = parse(html)
    assert '<html lang="zh-Hans">' in html
    assert page.text.strip().endswith(WATERMARK["zh"])
    for word in ("检查所见", "肝脏", "已评估与未评估的内容", "放射学惯例", "女"):
        assert word in html
    assert "Findings" not in page.text


def test_the_page_names_the_version(page: Page) -> None:
    assert f"Rendered by petrg {petrg.__version__}" in page.text
