"""Styles: every shipped one is whole and healthy; a broken one is refused in one line."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest

from petrg.anatomy import Region
from petrg.errors import StyleError
from petrg.language.style import DEFAULT_STYLES, load_style, style_names
from petrg.language.words import words_of
from petrg.report import FindingKind, Modality

ALL = style_names()


def text_of(name: str) -> str:
    return files("petrg.language.styles").joinpath(f"{name}.toml").read_text(encoding="utf-8")


@pytest.fixture
def broken(tmp_path: Path):
    """Write a shipped style with one change and return its path."""

    def write(old: str, new: str, name: str = "zh-prose") -> Path:
        text = text_of(name)
        assert old in text
        path = tmp_path / "house.toml"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return path

    return write


def test_there_are_three_chinese_and_two_english_styles_and_a_default_of_each() -> None:
    assert len(style_names("zh")) >= 3
    assert len(style_names("en")) >= 2
    for language, name in DEFAULT_STYLES.items():
        assert load_style(name).language == language


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("sex", ["F", "M"])
def test_a_template_holds_every_claim_word_for_word_in_order(name: str, sex: str) -> None:
    style = load_style(name)
    template, at = style.template(sex), 0
    for claim in [c for r in Region for c in style.claims_of(r, sex)]:
        said = style.sentence(claim.bounded(""))
        at = template.index(said, at) + len(said)
    assert "{" not in template
    assert re.findall(r"\d", re.sub(r"(?m)^\d+\. ", "", template)) == []


@pytest.mark.parametrize("name", ALL)
def test_templates_of_both_sexes_differ_in_the_pelvis_only_where_they_must(name: str) -> None:
    style = load_style(name)
    male, female = style.template("M"), style.template("F")
    womb, prostate = ("子宫", "前列腺") if style.language == "zh" else ("uter", "prostate")
    assert womb in female
    assert womb not in male
    assert prostate in male
    assert prostate not in female
    neutral = " ".join(c.text for r in Region for c in style.claims_of(r, None))
    assert womb not in neutral
    assert prostate not in neutral


@pytest.mark.parametrize("name", ALL)
def test_every_region_has_claims_of_both_modalities_and_focal_ones_leave_room_for_the_limit(name: str) -> None:
    style = load_style(name)
    for region in Region:
        claims = style.claims_of(region, None)
        assert {c.modality for c in claims} == {Modality.PET, Modality.CT}
        assert any(FindingKind.FOCAL_UPTAKE in c.kinds for c in claims)
        for claim in claims:
            assert ("{above}" in claim.text) == (FindingKind.FOCAL_UPTAKE in claim.kinds)
            assert {kind.modality for kind in claim.kinds} == {claim.modality}


def test_styles_differ_in_manner_not_in_a_word_here_and_there() -> None:
    """No two styles of a language share more than a few of their healthy sentences."""
    for language in ("zh", "en"):
        said = [{c.text for c in load_style(n).claims} for n in style_names(language)]
        for i, one in enumerate(said):
            for other in said[i + 1 :]:
                assert len(one & other) <= 0.05 * min(len(one), len(other))


@pytest.mark.reference
def test_no_sentence_is_copied_from_the_released_reports(shared: Path) -> None:
    folder = shared / "data" / "autopet_rg_lym"
    theirs = re.sub(r"\s", "", (folder / "template.json").read_text() + (folder / "reports.csv").read_text())
    for name in style_names("zh"):
        style = load_style(name)
        for claim in style.claims:
            sentence = claim.bounded("") + "。"
            assert len(sentence) < 9 or sentence not in theirs, (name, sentence)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('end = "。"', 'end = "。"\ncolour = "blue"', "key 'colour'"),
        ('size = "', 'sise = "', "key 'phrases.sise'"),
        ("心包腔无积液", "心包腔积液", "on heart says '积液' without denying it"),
        ('text = "脾脏大小正常，密度均匀，未见占位"', 'text = "脾脏大小正常，见占位"', "on spleen says '占位'"),
        ("spleen = [", "splen = [", "key 'claims.splen.[key]'"),
        ('sex = "F", kinds = ["morphology"', 'sex = "X", kinds = ["morphology"', "claims.pelvic-organs"),
        ('["effusion", "thickening"], text = "胸膜', '["effusion"], text = "胸膜', "speaks of thickening"),
        ("肝实质未见{above}局灶性", "肝实质未见局灶性", "of liver has the fields []"),
        ("SUVmax约{suv_max}{details}", "SUVmax约7.9{details}", "holds a digit"),
        ('focus = "{site}', 'focus = "', "lacks the field {site}"),
        ('above = "SUV高于{limit}', 'above = "SUV高于{limits}', "lacks the field {limit}"),
        ('["spine", "pelvis-limb-bones"', '["pelvis-limb-bones", "spine"', "layout.paragraphs"),
        ('language = "zh"', 'language = "de"', "key 'language'"),
        ('end = "。"', 'end = "，肝脏正常。"', "end is '，肝脏正常。'"),
        ("[layout]\n", '[layout]\nregion_heading = "{ward}"\n', "region_heading has the field {ward}"),
        ("[layout]\n", '[layout]\nregion_heading = "{title"\n', "layout.region_heading: "),
        ("[layout]\n", '[layout]\nregion_heading = "病变{title}"\n', "a heading of the layout says '病变'"),
        ("CT形态未评估", "CT形态正常", "the phrase 'ct_not_assessed' says '正常'"),
        ('pet_hidden = "', 'pet_hidden = "未见其他病灶，', "the phrase 'pet_hidden' says '病灶'"),
    ],
)
def test_a_broken_style_is_refused_in_one_line(broken, old: str, new: str, message: str) -> None:
    with pytest.raises(StyleError, match=re.escape(message)) as caught:
        load_style(broken(old, new))
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith("style 'house'")
    assert line.count(" — ") == 2


def test_a_region_without_sentences_is_refused(broken) -> None:
    text = text_of("zh-prose")
    start = text.index("heart = [")
    whole = text[start : text.index("]\n", text.index("心包腔无积液")) + 2]
    with pytest.raises(StyleError, match="no PET sentence on heart"):
        load_style(broken(whole, ""))


def test_a_sex_without_sentences_is_refused(tmp_path: Path) -> None:
    lines = [line for line in text_of("en-prose").splitlines() if 'sex = "M"' not in line]
    path = tmp_path / "house.toml"
    path.write_text("\n".join(lines))
    with pytest.raises(StyleError, match="no sentence on pelvic-organs for sex M — expected one for each sex"):
        load_style(path)


def test_a_style_from_a_file_is_the_shipped_one_under_its_own_name(tmp_path: Path) -> None:
    path = tmp_path / "ward-three.toml"
    path.write_text(text_of("en-structured"), encoding="utf-8")
    mine, theirs = load_style(path), load_style("en-structured")
    assert mine.name == "ward-three"
    assert mine.sha256 == theirs.sha256
    assert mine.template("F") == theirs.template("F")


def test_unknown_names_missing_files_and_files_that_are_not_toml_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StyleError, match="no style 'nowhere' — expected one of en-prose, "):
        load_style("nowhere")
    with pytest.raises(StyleError, match=r"'away\.toml' cannot be read"):
        load_style(tmp_path / "away.toml")
    (tmp_path / "odd.toml").write_bytes(b"\xff\xfe = 3")
    with pytest.raises(StyleError, match="is not TOML"):
        load_style(tmp_path / "odd.toml")


def test_a_template_of_another_sex_is_refused() -> None:
    with pytest.raises(StyleError, match="sex 'O' — expected F or M"):
        load_style("zh-prose").template("O")


@pytest.mark.parametrize(
    ("language", "text", "phrase"),
    [
        ("zh", "心包腔积液", "积液"),
        ("zh", "未见结节，胸腔积液", "积液"),
        ("zh", "未见结节、肿块及积液", None),
        ("zh", "膀胱见生理性放射性浓聚", None),
        ("zh", "腹水征阴性", None),
        ("zh", "肝内低密度灶", "低密度"),
        ("en", "no nodule, mass or effusion", None),
        ("en", "small pericardial effusion", "effusion"),
        ("en", "no nodule is seen, mild thickening", "thickening"),
        ("en", "no mass. A cyst of the kidney", "cyst"),
        ("en", "physiologic increased uptake", None),
        ("en", "normal size, northern contour", None),
    ],
)
def test_what_counts_as_an_abnormal_phrase(language, text: str, phrase: str | None) -> None:
    assert words_of(language).denial.affirmed(text) == phrase


@pytest.mark.parametrize(
    ("language", "text", "phrase"),
    [
        ("en", "CT is unremarkable", "unremarkable"),
        ("en", "no further nodule", "nodule"),
        ("en", "PET uptake not assessed, foci may be hidden", None),
        ("en", "normal PET uptake cannot be stated", None),
        ("en", "abnormality", None),
        ("zh", "其余未见结节", "结节"),
        ("zh", "局灶病变可被生理性摄取遮蔽，余PET未评估", None),
        ("zh", "不能判为正常", None),
    ],
)
def test_what_counts_as_a_reassurance(language, text: str, phrase: str | None) -> None:
    assert words_of(language).denial.reassures(text) == phrase


@pytest.mark.reference
def test_the_released_healthy_template_would_be_refused(shared: Path) -> None:
    """It says 心包腔积液 (pericardial effusion) of a healthy patient: the mistake the lexicon is for."""
    text = (shared / "data" / "autopet_rg_lym" / "template.json").read_text(encoding="utf-8")
    assert "心包腔积液" in text
    assert words_of("zh").denial.affirmed("心包腔积液。") == "积液"
