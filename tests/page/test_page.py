"""Pixels, marks and the shell, each from values worked out by hand."""

from __future__ import annotations

import base64
import io
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from petrg.page import Figure, Mark, data_uri, fuse, grey, hot, render_figure, render_page


def test_grey_is_linear_and_clips() -> None:
    values = np.array([[-5.0, 0.0, 2.5, 10.0, 99.0]])
    assert grey(values, 0, 10)[0, :, 0].tolist() == [0, 0, 64, 255, 255]
    assert grey(values, 0, 10, inverse=True)[0, :, 2].tolist() == [255, 255, 191, 0, 0]


def test_hot_metal_runs_from_black_over_red_and_yellow_to_white() -> None:
    black, red, yellow, white = hot(np.array([[0.0, 0.35, 0.7, 1.0]]), 0, 1)[0].tolist()
    assert black == [0, 0, 0]
    assert red[0] > 150 > 60 > red[2]
    assert min(yellow[:2]) > 150 > yellow[2]
    assert min(white) > 200


def test_fusion_keeps_the_ground_where_nothing_is_taken_up() -> None:
    ground = np.full((1, 2, 3), 90, np.uint8)
    fused = fuse(ground, np.array([[0.0, 7.0]]), 0, 7)
    assert fused[0, 0].tolist() == [90, 90, 90]
    assert fused[0, 1, 0] > 200


def test_a_data_uri_holds_the_picture() -> None:
    pixels = np.zeros((20, 30, 3), np.uint8)
    pixels[:, 15:] = 255
    head, data = data_uri(pixels).split(",")
    assert head == "data:image/webp;base64"
    back = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("L"))
    assert back.shape == (20, 30)
    assert back[:, 0].max() < 20
    assert back[:, 29].min() > 235


def figure(**changes: object) -> Figure:
    given = {
        "pixels": np.zeros((200, 100, 3), np.uint8),
        "mm_per_pixel": 2.0,
        "letters": ("R", "L", "H", "F"),
        "window": "SUV 0–10",
        "alt": 'a <picture> "quoted"',
    }
    return Figure(**{**given, **changes})  # type: ignore[arg-type]


def test_a_figure_is_wellformed_and_escaped() -> None:
    svg = ET.fromstring(render_figure(figure(marks=(Mark(10, 20, "<L1>", "#f&1"),), style="labels"), xmlns=True))
    assert svg.attrib["aria-label"] == 'a <picture> "quoted"'
    link = svg.find("{http://www.w3.org/2000/svg}a")
    assert link is not None
    assert link.attrib["href"] == "#f&1"
    assert "".join(link.itertext()) == "<L1>"


def test_a_ring_is_round_its_mark() -> None:
    drawn = render_figure(figure(marks=(Mark(33.0, 44.0, "L1"),)))
    assert set(re.findall(r'<circle class="\w+" cx="([\d.]+)" cy="([\d.]+)"', drawn)) == {("33.0", "44.0")}


def test_labels_do_not_lie_on_each_other_and_stand_on_the_nearer_side() -> None:
    marks = tuple(Mark(80.0 if k % 2 else 20.0, 100.0 + k, f"L{k}") for k in range(8))
    drawn = render_figure(figure(marks=marks, style="labels"))
    labels = re.findall(r'<text class="label" x="([\d.-]+)" y="([\d.-]+)"[^>]*>L(\d)<', drawn)
    assert len(labels) == 8
    for side in (0, 1):
        rows = sorted(float(y) for _, y, k in labels if int(k) % 2 == side)
        assert np.diff(rows).min() >= 15
    assert all((float(x) > 50) == bool(int(k) % 2) for x, _, k in labels)


def test_more_labels_than_fit_share_the_height() -> None:
    marks = tuple(Mark(20.0, 100.0, f"L{k}") for k in range(24))
    drawn = render_figure(figure(marks=marks, style="labels"))
    rows = sorted(float(y) for y in re.findall(r'<text class="label" x="[\d.-]+" y="([\d.-]+)"', drawn))
    assert 0 < rows[0] < rows[-1] <= 200
    assert np.diff(rows) == pytest.approx(np.full(23, (rows[-1] - rows[0]) / 23), abs=0.11)


def test_the_shell_escapes_and_forbids_the_network() -> None:
    page = render_page(title="<t>", language="zh", banner="<b>", body="<p>x</p>")  # type: ignore[arg-type]
    assert "<title>&lt;t&gt;</title>" in page
    assert page.count("&lt;b&gt;") == 2
    assert "default-src 'none'" in page
    assert '<html lang="zh-Hans">' in page
    assert "<p>x</p>" in page


def test_every_printed_sheet_carries_the_banner() -> None:
    page = render_page(title="t", language="en", banner='a"}</style>', body="")  # type: ignore[arg-type]
    rule = re.search(r'@bottom-center \{ content: "([^"]*)"', page)
    assert rule is not None
    assert bytes.fromhex(rule.group(1).replace("\\", "")).decode("utf-8", "strict").replace("\0", "") == 'a"}</style>'
    assert page.count("</style>") == 1
