"""Training sets: digital patients, the PETRG layout, numbers as slots."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_train import toy

from petrg.anatomy import Region, Side
from petrg.draft.digits import numbers_in
from petrg.errors import InputError, ModelError
from petrg.evaluate.benchmark.words import words
from petrg.evaluate.cases.tables import read_rows
from petrg.imaging import Quantity, Volume
from petrg.imaging.nifti_file import write_nifti
from petrg.model.inputs import study_input
from petrg.model.processor import PETRG3DProcessor
from petrg.model.prompt import Encoded
from petrg.model.recipe import Recipe
from petrg.phantom import LowRes, low_res
from petrg.phantom.anatomy import LABELS
from petrg.report import Structure, Uptake
from petrg.train import run
from petrg.train.as_slots import MARKERS, as_slots
from petrg.train.batch import Collate
from petrg.train.cases import REGIONS, Targets, TrainCase, expect_apart, of_split
from petrg.train.config import Directory, Phantoms
from petrg.train.directory import directory_cases
from petrg.train.examples import Example, Examples, Shown, ask_of
from petrg.train.images import NO_REGION, UNKNOWN, patch_lesions, patch_regions, prepare
from petrg.train.phantoms import PhantomSource, phantom_cases, phantom_seeds
from petrg.train.scratch import new_tokenizer

OURS, RELEASED = Recipe.of("petrg-1"), Recipe.of("petrg3d-2025")
FEW = Phantoms(train=3, validation=2)


@pytest.fixture(scope="module")
def few() -> list[TrainCase]:
    return phantom_cases(FEW, OURS)


def test_splits_of_digital_patients_never_meet() -> None:
    many = Phantoms(train=100_000, validation=100_000)
    assert not set(phantom_seeds(many, "train")) & set(phantom_seeds(many, "validation"))
    assert phantom_seeds(FEW, "train") != phantom_seeds(FEW.model_copy(update={"seed": 1}), "train")
    assert min(phantom_seeds(FEW, "train")) % 24 == 0


def test_digital_patients_are_worded_from_their_truth(few: list[TrainCase]) -> None:
    assert [c.split for c in few] == ["train"] * 3 + ["validation"] * 2
    expect_apart(few)
    for case in few:
        assert case.sex in ("F", "M")
        assert case.template
        assert not re.search(r"\d+\.\d", case.answer)  # no measured number is left
        truth = low_res(int(case.id.rpartition("-")[2])).truth
        sides = {Side.LEFT: "左侧", Side.RIGHT: "右侧"}
        for lesion in truth.lesions:
            assert words("zh").sites[lesion.site].replace("{side}", sides.get(lesion.side, "")) in case.answer


def test_the_released_recipe_keeps_numbers() -> None:
    case = phantom_cases(FEW.model_copy(update={"train": 1, "validation": 0}), RELEASED)[0]
    assert not any(marker in case.answer for marker in MARKERS)


def test_painting_again_gives_the_same_voxels(few: list[TrainCase]) -> None:
    source = few[0].source
    assert isinstance(source, PhantomSource)
    a, b = source.read(stored=False).study, source.read(stored=False).study
    assert a is not None
    assert b is not None
    assert np.array_equal(a.suv().array, b.suv().array)
    others = {c.source.digest() for c in few if c.source is not None}
    assert len(others) == len(few)


@pytest.mark.parametrize("spacing", [16.0, 32.0])
def test_targets_lie_where_the_truth_says(few: list[TrainCase], spacing: float) -> None:
    recipe = toy(recipe_changes={"name": "x", "input": {"spacing_mm": [spacing] * 3}}).typed_recipe
    case = next(c for c in few if "SUVmax" in c.answer)
    assert case.source is not None
    raw = case.source.read(stored=False)
    patch = (2, 2, 2)
    images = prepare(raw, recipe, patch)
    assert images["ct"].shape[1:] == images["pet"].shape[1:] == images["regions"].shape
    regions = patch_regions(images["regions"], patch)
    assert regions.shape == images["wanted"].shape
    assert {REGIONS.index(Region.LUNG_PLEURA), REGIONS.index(Region.LIVER), NO_REGION} <= set(regions.tolist())
    assert raw.targets is not None
    lesions = patch_lesions(images["lesions"], len(raw.targets.lesion_regions), patch)
    assert bool(lesions.any(dim=1).all())  # even one smaller than a voxel has a patch
    hot = images["pet"][0].unfold(0, 2, 2).unfold(1, 2, 2).unfold(2, 2, 2).amax(dim=(3, 4, 5)).flatten()
    for row in lesions:
        assert float(hot[row].max()) > 1.5 * float(hot[images["wanted"]].median())


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("SUVmax约8.1", "SUVmax约<suvmax>"),
        ("SUVmax：12", "SUVmax：<suvmax>"),
        ("SUVmax 3.2–5.6", "SUVmax <suvmax>"),
        ("SUVmax分别约为8.1、7.2及5.5", "SUVmax分别约为<suvmax>、<suvmax>及<suvmax>"),
        ("SUVmean 2.0, SUVpeak 3.1", "SUVmean <suvmean>, SUVpeak <suvpeak>"),
        ("大小约2.3cm×1.5cm×1.2cm", "大小约<size>"),
        ("2.3 x 1.5 cm", "<size>"),
        ("较大者短径约12mm", "较大者短径约<short>"),
        ("a node of 12 mm in short axis, SUVmax of 8.1", "a node of <short> in short axis, SUVmax of <suvmax>"),
        ("short-axis diameter 12 mm", "short-axis diameter <short>"),
        ("大小分别为2.3、1.5cm", "大小分别为<long>、<long>"),
        ("3枚结节，余10余枚", "<count>枚结节，余<count>枚"),
        ("3 enlarged nodes, 2–3 foci", "<count> enlarged nodes, <count> foci"),
        ("CT值约-12HU，CT值约35", "CT值约<hu>，CT值约<hu>"),
        ("mean attenuation 45 HU", "mean attenuation <hu>"),
        ("MTV 12.5 ml, TLG 45.2 g", "MTV <volume>, TLG <tlg>"),
        ("平均SUV约2.1，峰值SUV约3.0", "平均SUV约<suvmean>，峰值SUV约<suvpeak>"),
        ("maximum standardised uptake value of 8.1", "maximum standardised uptake value of <suvmax>"),
        ("S1骶骨、S8段、颈部2、3区、第3、4后肋、L4/5、1/3段", "S1骶骨、S8段、颈部2、3区、第3、4后肋、L4/5、1/3段"),
        ("18F-FDG, F-18, levels 2 and 3, segment 4a", "18F-FDG, F-18, levels 2 and 3, segment 4a"),
        ("1. 肝脏：未见异常。\n2. 脾脏", "1. 肝脏：未见异常。\n2. 脾脏"),
        # what no slot says goes with its clause, its bracket or, in the first clause, its sentence
        ("肝右叶结节，密度减低30%，SUVmax约8.1。", "肝右叶结节，SUVmax约<suvmax>。"),
        ("肝右叶结节，SUVmax约8.1（PET第45层）。", "肝右叶结节，SUVmax约<suvmax>。"),
        ("肝右叶结节，较前缩小1.2cm，现大小约2.3cm。", "肝右叶结节，现大小约<long>。"),
        ("双肺气肿占30%，边界清。脾脏如常。", "脾脏如常。"),
        ("Nodule in the lung, grown by 30 %, SUVmax 4.5.", "Nodule in the lung, SUVmax <suvmax>."),
        ("Emphysema of 30 %, diffuse. Spleen normal.", "Spleen normal."),
        ("volume of 12.5 ml", "volume of <volume>"),
        ("L3椎体、颈部II区、第5肋、T12", "L3椎体、颈部II区、第5肋、T12"),
        ("Deauville 4分", "Deauville 4分"),
        (
            "肝右叶结节（IMG248），脾内（164）摄取增高（img201，患者呼吸伪影）",
            "肝右叶结节，脾内摄取增高（患者呼吸伪影）",
        ),
        ("右侧第2后肋（右侧第2后肋为著）", "右侧第2后肋（右侧第2后肋为著）"),
    ],
)
def test_numbers_become_slots(text: str, wanted: str) -> None:
    assert as_slots(text) == wanted
    assert as_slots(wanted) == wanted
    assert list(numbers_in(wanted)) == []  # so a draft keeps every word of it


@pytest.mark.parametrize(
    "said", ["对比2024-03-05片", "对比2024年3月片", "compared with 12 March 2024", "3月5日", "5/3/2024", "2024.3.5"]
)
def test_a_date_is_refused_by_its_row(home: Path, said: str) -> None:
    (home / "reports" / "AP_2.txt").write_text(f"双肺未见异常，{said}。")
    with pytest.raises(ModelError, match=r"^row 2 of the manifest: a report with a date in it") as error:
        cases_of(home)
    assert said not in str(error.value)
    assert len(cases_of(home, RELEASED)) == 2  # it teaches the text as it stands


@pytest.mark.reference
def test_reports_of_a_hospital_keep_every_word(shared: Path) -> None:
    """Development reports: no measured digit is left, and nothing but numbers and their units has gone."""
    path = shared / "data" / "autopet_rg_lym" / "reports.csv"
    reports = [row["GT_report"] for row in read_rows(path)[1][:25]]
    for text in map(str, reports):
        slotted = as_slots(text)
        assert re.findall(r"\d", slotted) in ([], ["2"])  # the second rib
        assert list(numbers_in(slotted)) == []
        number = r"\d+(?:\.\d+)?"
        size = rf"{number}(?:cm)?(?:[×*xX]{number}(?:cm)?)+"
        assert slotted.count("<size>") == len(re.findall(size, text))
        assert set(re.findall("<[a-z]+>", slotted)) <= {"<size>", "<suvmax>"}
        plain = re.sub(r"[（(](?:IMG)?\d+(?:[、,，~-]\d+)*[）)]|(?<=（)IMG\d+，", "", text, flags=re.I)
        plain = re.sub(rf"{size}|(?<!第){number}", "@", plain)
        assert re.sub("<[a-z]+>", "@", slotted) == plain


# the PETRG layout


MANIFEST = "id,patient,split,sex,hospital\nAP_1,p1,train,F,AP\nAP_2,p2,validation,男,AP\n"


@pytest.fixture(scope="module")
def painted_images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The images of two digital patients, painted once."""
    folder = tmp_path_factory.mktemp("painted")
    for number, key in enumerate(("AP_1", "AP_2")):
        study = PhantomSource(number, None, 1, True, "").read(stored=False).study
        assert study is not None
        assert study.ct is not None
        write_nifti(study.ct, folder / f"{key}_0000.nii.gz")
        write_nifti(study.suv(), folder / f"{key}_0001.nii.gz")
    return folder


@pytest.fixture
def home(painted_images: Path, tmp_path: Path) -> Path:
    shutil.copytree(painted_images, tmp_path / "images")
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "AP_1.json").write_text(json.dumps({"检查所见": "肝右叶结节，SUVmax约8.1。"}))
    (tmp_path / "reports" / "AP_2.txt").write_text("双肺未见异常。")
    (tmp_path / "template.json").write_text(json.dumps({"AP": {"F": "女性模板", "M": "男性模板"}}))
    (tmp_path / "manifest.csv").write_text(MANIFEST)
    return tmp_path


def cases_of(home: Path, recipe: Recipe = OURS, **more: bool) -> list[TrainCase]:
    return directory_cases(Directory(path=str(home)), recipe, **more)


def test_a_folder_is_read(home: Path) -> None:
    first, second = cases_of(home)
    assert (first.answer, first.sex, first.hospital, first.template) == (
        "肝右叶结节，SUVmax约<suvmax>。",
        "F",
        "AP",
        "女性模板",
    )
    assert (second.split, second.sex, second.template) == ("validation", "M", "男性模板")
    assert cases_of(home, RELEASED)[0].answer == "肝右叶结节，SUVmax约8.1。"
    assert first.source is not None
    raw = first.source.read(stored=False)
    assert raw.study is not None
    painted = PhantomSource(0, None, 1, True, "").read(stored=False).study
    assert painted is not None
    assert np.allclose(raw.study.suv().array, painted.suv().array, atol=1e-3)
    ct, pet = first.source.read(stored=True).stored or (None, None)
    assert ct is not None
    assert pet is not None
    assert ct.shape == pet.shape == painted.suv().array.shape[::-1]


def test_templates_are_left_out_only_where_none_are_asked_for(home: Path) -> None:
    (home / "template.json").rename(home / "templates.json")
    named = Directory(path=str(home), template="templates.json")
    assert [case.template for case in directory_cases(named, OURS)] == ["女性模板", "男性模板"]
    assert [case.template for case in cases_of(home)] == [None, None]
    with pytest.raises(ModelError, match=r"no template file 'template\.jsn' — expected one in data\.path — correct"):
        directory_cases(Directory(path=str(home), template="template.jsn"), OURS)


def test_masks_and_label_maps_become_targets(home: Path) -> None:
    masked(home, "masks", "labels")
    first, second = cases_of(home)
    assert first.source is not None
    assert second.source is not None
    targets, painted = (s.read(stored=False).targets for s in (first.source, PhantomSource(0, None, 1, True, "")))
    assert targets is not None
    assert painted is not None
    assert targets.regions is not None
    assert np.array_equal(targets.regions, painted.regions)
    assert np.array_equal(targets.lesions, painted.lesions)
    assert second.source.read(stored=False).targets is None


@cache
def one_lesion() -> LowRes:
    """The patient that `home` holds first."""
    return low_res(0, lesions=1)


def masked(home: Path, *parts: str) -> Path:
    """The folder with the painted lesions, label map, or both, of its first study."""
    truth = one_lesion()
    for part in parts:
        (home / part).mkdir()
        array = truth.lesions if part == "masks" else truth.labels
        write_nifti(Volume(array, truth.grid, Quantity.LABEL), home / part / "AP_1.nii.gz")
    if "labels" in parts:
        (home / "labels" / "AP_1.json").write_text(json.dumps({str(code): name for name, code in LABELS.items()}))
    return home


def targets_of(home: Path) -> Targets | None:
    source = cases_of(home)[0].source
    assert source is not None
    return source.read(stored=False).targets


def test_a_label_map_tells_nothing_of_lesions(home: Path, tmp_path: Path) -> None:
    masked(home, "labels")
    found = targets_of(home)
    assert found is not None
    assert found.lesions is None
    config = toy(
        data={"kind": "directory", "path": str(home)}, losses__attention=1.0, cache=str(tmp_path / "cache"), dropout={}
    )
    with pytest.raises(ModelError, match=r"losses\.attention is 1 but no case has its targets"):
        run.prepare(config, tmp_path / "out")


@pytest.mark.parametrize("label", [1, 256, 300, 65_535])
def test_a_lesion_of_any_label_is_the_first(home: Path, label: int) -> None:
    """256 of one byte would be no lesion, 300 the 44th."""
    masked(home, "masks", "labels")
    painted = targets_of(home)
    truth = one_lesion()
    array = truth.lesions.astype(np.uint16) * label
    write_nifti(Volume(array, truth.grid, Quantity.LABEL), home / "masks" / "AP_1.nii.gz")
    found = targets_of(home)
    assert found is not None
    assert painted is not None
    assert found.lesions is not None
    assert np.array_equal(found.lesions == 1, truth.lesions > 0)
    assert found.lesions.max() == 1
    assert found.lesion_regions == painted.lesion_regions


def test_more_lesions_than_a_patient_has_are_refused(home: Path) -> None:
    masked(home, "masks")
    grid = one_lesion().grid
    array = np.arange(np.prod(grid.shape)).reshape(grid.shape) % 3000
    write_nifti(Volume(array.astype(np.uint16), grid, Quantity.LABEL), home / "masks" / "AP_1.nii.gz")
    with pytest.raises(ModelError, match="a lesion mask of 2999 lesions"):
        targets_of(home)


def test_another_name_of_a_label_changes_the_digest(home: Path) -> None:
    masked(home, "labels")
    source = cases_of(home)[0].source
    assert source is not None
    before = source.digest()
    names = home / "labels" / "AP_1.json"
    names.write_text(names.read_text().replace("liver", "spleen", 1))
    assert source.digest() != before


def test_targets_of_one_case_are_learned_beside_a_case_without(home: Path) -> None:
    masked(home, "masks", "labels")
    recipe = toy(recipe_changes={"name": "x", "input": {"spacing_mm": [32.0] * 3}}).typed_recipe
    patch = (2, 2, 2)
    images = [prepare(c.source.read(stored=False), recipe, patch) for c in cases_of(home) if c.source is not None]
    assert ["lesions" in i for i in images] == [True, False]
    rows = [
        Example(row=Encoded([1, 2], [-100, 2]), seed=0, modalities=("ct", "pet"), images=i, classes=None)
        for i in images
    ]
    both = Collate(0, patch)(rows)
    assert both["lesions"].any(dim=2).tolist() == [[True], [False]]
    assert both["lesion_regions"].tolist()[0][0] >= 0 > -1 > both["lesion_regions"].tolist()[1][0]
    assert (both["patch_regions"][0] != UNKNOWN).any()
    assert (both["patch_regions"][1] == UNKNOWN).all()
    assert "lesions" not in Collate(0, patch)(rows[1:])


@pytest.mark.parametrize("room", [0, 3])
def test_a_prompt_that_leaves_nothing_to_learn_is_refused(home: Path, room: int) -> None:
    cases = cases_of(home, RELEASED, images=False)
    tokenizer = new_tokenizer([c.answer for c in cases], 400)
    ask = ask_of(cases[0], Shown(True, ()))
    prompt = len(PETRG3DProcessor(tokenizer, RELEASED, 4).prompt(ask))
    supervision = RELEASED.supervision.model_copy(update={"max_length": prompt + room})
    short = RELEASED.model_copy(update={"name": "short", "supervision": supervision})
    examples = Examples(cases[:1], PETRG3DProcessor(tokenizer, short, 4), toy(), None)
    if room:
        assert examples.lengths() == [prompt + room]
        return
    with pytest.raises(ModelError) as error:
        examples.lengths()
    assert str(error.value).startswith(
        f"case 1 of train: a prompt of {prompt} tokens leaves nothing of its report to learn — expected fewer than"
    )


def test_classes_of_the_regions_are_read_from_the_report(home: Path) -> None:
    first, second = cases_of(home)
    assert first.classes is not None
    assert second.classes is not None
    assert first.classes[Region.LIVER] == (Uptake.HIGH, Structure.FOCAL_LESION)
    assert second.classes[Region.LIVER] == (Uptake.NORMAL, Structure.NORMAL)


def test_a_loss_without_targets_is_refused(home: Path, tmp_path: Path) -> None:
    config = toy(data={"kind": "directory", "path": str(home)}, losses__attention=1.0, cache=str(tmp_path / "cache"))
    with pytest.raises(ModelError, match=r"losses\.attention is 1 but no case has its targets"):
        run.prepare(config, tmp_path / "out")


def test_a_changed_byte_changes_the_digest(home: Path) -> None:
    source = cases_of(home)[0].source
    assert source is not None
    before = source.digest()
    path = home / "images" / "AP_1_0001.nii.gz"
    raw = bytearray(path.read_bytes())
    raw[-20] ^= 1
    path.write_bytes(raw)
    assert source.digest() != before


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        (MANIFEST.replace("p2,validation", "p1,validation"), "row 2 of the manifest is in validation, the same pat"),
        (MANIFEST.replace("AP_2", "AP_1"), "row 2 of the manifest has the id of row 1"),
        (MANIFEST.replace("sex,", "seks,"), "the manifest lacks the columns sex"),
        (MANIFEST.replace(",hospital", ",site"), "the manifest lacks the columns hospital"),
        (MANIFEST.replace("validation", "val"), "row 2 of the manifest has no known split"),
        (MANIFEST.replace("AP_2", "AP_3"), "row 2 of the manifest has no report"),
        (MANIFEST.replace("p1", ""), "row 1 of the manifest has no id or no patient"),
        (MANIFEST.replace("男", "1"), "row 2 of the table of patients has a sex that cannot be read"),
    ],
)
def test_a_wrong_manifest_is_refused_by_row(home: Path, manifest: str, said: str) -> None:
    (home / "manifest.csv").write_text(manifest)
    with pytest.raises(InputError) as error:
        expect_apart(cases_of(home))
    assert str(error.value).startswith(said)
    assert "AP_" not in str(error.value)
    assert "p1" not in str(error.value)


def test_unknown_sex_and_hospital_are_left_unknown(home: Path) -> None:
    (home / "manifest.csv").write_text(MANIFEST.replace("F,AP", ","))
    first = cases_of(home)[0]
    assert (first.sex, first.hospital, first.template) == (None, None, None)


def test_a_missing_image_is_said_unless_only_text_is_used(home: Path) -> None:
    (home / "images" / "AP_2_0000.nii.gz").unlink()
    with pytest.raises(ModelError, match=r"row 2 of the manifest has no CT \(ID_0000"):
        cases_of(home)
    assert [c.source for c in cases_of(home, images=False)] == [None, None]


def test_a_patient_in_two_splits_is_refused(few: list[TrainCase]) -> None:
    moved = replace(few[0], id="x", split="validation")
    with pytest.raises(ModelError, match="each patient in one split"):
        expect_apart([*few, moved])
    assert len(of_split(few, "train")) == 3


# PET alone


@pytest.mark.parametrize("vision", ["trained", "frozen-cached"])
def test_a_dropped_ct_leaves_what_a_study_without_ct_is_drafted_from(vision: str, tmp_path: Path) -> None:
    """The PET alone finds another body than the CT does; training looks where drafting will."""
    more: dict[str, Any] = {"parts": ["vision"]} if vision == "trained" else {}
    config = toy(
        vision=vision,
        recipe_changes={"name": "toy", "input": {"spacing_mm": [16.0] * 3, "margin_mm": 0.0}},
        model__network__vision__patch=[2, 2, 2],
        data={"kind": "phantoms", "train": 1, "validation": 0, "text": "abnormal"},
        **more,
    )
    ready = run.prepare(config, tmp_path / "out")
    (case,) = ready.cases
    assert case.source is not None
    study = case.source.read(stored=False).study
    assert study is not None
    patch = ready.network.config.parts.vision.patch
    whole, alone = (study_input(study, config.typed_recipe, patch, use=use) for use in (("ct", "pet"), ("pet",)))
    assert not np.array_equal(whole.wanted, alone.wanted), "else nothing is shown here"
    ready.learner.eval()
    for seen, use in ((whole, ("ct", "pet")), (alone, ("pet",))):
        volumes = [None if v is None else torch.from_numpy(v)[None] for v in (seen.ct, seen.pet)]
        kept = seen.kept(torch.device("cpu"))
        drafted = ready.network.see(*volumes, kept)
        batch = ready.collate([ready.examples.example(case, Shown(True, use))])
        learned = ready.learner._tokens(batch.get("ct"), batch.get("pet"), batch.get("at"), batch.get("there"))
        for one, other in zip(learned, drafted, strict=True):
            assert (one is None) == (other is None)
            if one is not None:
                assert one.shape == other.shape
                assert torch.equal(one, other)
        if vision == "trained":
            assert torch.equal(batch["at"], kept.at)


def test_rows_with_and_without_ct_stand_side_by_side(tmp_path: Path) -> None:
    config = toy(
        recipe_changes={"name": "toy", "input": {"spacing_mm": [16.0] * 3}}, model__network__vision__patch=[2, 2, 2]
    )
    ready = run.prepare(config, tmp_path / "out")
    shown = [Shown(True, ("ct", "pet")), Shown(True, ("pet",))]
    rows = [ready.examples.example(case, what) for case, what in zip(ready.cases, shown, strict=False)]
    batch, single = ready.collate(rows), [ready.collate([row]) for row in rows]
    assert batch["ct"].shape == batch["pet"].shape
    count = [one["pet"].shape[1] for one in single]
    assert batch["there"].sum(dim=1).tolist() == count
    for row, one in enumerate(single):
        assert torch.equal(batch["pet"][row, : count[row]], one["pet"][0])
        lesions = one["lesions"][0]
        assert torch.equal(batch["lesions"][row, : len(lesions), : count[row]], lesions)
