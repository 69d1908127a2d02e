"""Lesions by site: hand-made reports, a search of all pairings, and negatives."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrg.anatomy import NodalGroup, Region, Side
from petrg.errors import ScoreError
from petrg.evaluate.findings.lesions import METRICS, LesionFamily
from petrg.evaluate.findings.sites import Site, avid_sites, ct_only_sites, lesions_of, meet
from petrg.language.reading import read
from petrg.report import Finding, Structure, Uptake

LUNG, NECK, AXILLA = Region.LUNG_PLEURA, Region.NECK_NODES, Region.AXILLA_CHEST_WALL
LEFT, RIGHT = Side.LEFT, Side.RIGHT


def hot(region: Region, side: Side | None = None, group: NodalGroup | None = None, **more: object) -> Finding:
    return Finding(region=region, side=side, nodal_group=group, **{"uptake": Uptake.HIGH, **more})


def family_of(
    references: Sequence[Sequence[Finding]], predictions: Sequence[Sequence[Finding] | None], ids: Sequence[str]
) -> LesionFamily:
    said = [None if one is None else lesions_of(one) for one in predictions]
    return LesionFamily([lesions_of(one) for one in references], said, ids)


def values(family: LesionFamily) -> dict[str, float]:
    return {key: s.value() for key, s in family.statistics().items()}


def score(reference: Sequence[Finding], prediction: Sequence[Finding] | None) -> dict[str, float]:
    return values(family_of([reference], [prediction], ["a"]))


# ------------------------------------------------------------------------------------------------- sites
@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        ([hot(LUNG), hot(LUNG)], [Site(LUNG)]),
        ([hot(LUNG), hot(LUNG, LEFT)], [Site(LUNG, LEFT)]),
        ([hot(LUNG, LEFT), hot(LUNG, RIGHT), hot(LUNG)], [Site(LUNG, LEFT), Site(LUNG, RIGHT)]),
        ([hot(LUNG, Side.BILATERAL)], [Site(LUNG, LEFT), Site(LUNG, RIGHT)]),
        ([hot(LUNG, Side.MIDLINE)], [Site(LUNG)]),
        ([hot(NECK, None, NodalGroup.NECK_LEFT)], [Site(NECK, LEFT, "neck")]),
        ([hot(NECK, LEFT), hot(NECK, LEFT, NodalGroup.NECK_LEFT)], [Site(NECK, LEFT, "neck")]),
        ([hot(LUNG, uptake=Uptake.EQUIVOCAL)], [Site(LUNG)]),
        ([hot(LUNG, uptake=Uptake.PHYSIOLOGIC), hot(LUNG, negated=True), hot(LUNG, uptake=None)], []),
        ([], []),
    ],
)
def test_sites(findings: list[Finding], expected: list[Site]) -> None:
    assert list(avid_sites(findings)) == expected
    assert avid_sites(findings[::-1]) == avid_sites(findings)


def test_sites_of_ct_alone_leave_out_what_has_uptake() -> None:
    nodule = Finding(region=LUNG, structure=Structure.FOCAL_LESION)
    assert ct_only_sites([nodule]) == (Site(LUNG),)
    assert ct_only_sites([nodule, hot(LUNG)]) == ()
    assert ct_only_sites([nodule, hot(Region.SPINE)]) == (Site(LUNG),)
    assert ct_only_sites([nodule.model_copy(update={"negated": True})]) == ()
    assert ct_only_sites([nodule.model_copy(update={"structure": Structure.CALCIFICATION})]) == ()
    assert ct_only_sites([hot(LUNG, structure=Structure.FOCAL_LESION)]) == ()


# ----------------------------------------------------------------------------------------------- meeting
@pytest.mark.parametrize(
    ("reference", "prediction", "expected"),
    [
        ([Site(LUNG, LEFT)], [Site(LUNG, LEFT)], (1, 0)),
        ([Site(LUNG, LEFT)], [Site(LUNG)], (1, 0)),
        ([Site(LUNG)], [Site(LUNG, LEFT)], (1, 0)),
        ([Site(LUNG, LEFT)], [Site(LUNG, RIGHT)], (0, 1)),
        ([Site(LUNG, LEFT)], [Site(NECK, LEFT)], (0, 0)),
        ([Site(LUNG, LEFT), Site(LUNG, RIGHT)], [Site(LUNG, LEFT)], (1, 0)),
        ([Site(LUNG, LEFT)], [Site(LUNG, LEFT), Site(LUNG, RIGHT)], (1, 0)),
        ([Site(NECK, LEFT, "neck")], [Site(NECK, RIGHT, "neck")], (0, 1)),
        ([Site(AXILLA, LEFT, "axilla")], [Site(AXILLA, RIGHT, "infraclavicular")], (0, 0)),
        ([Site(AXILLA, LEFT, "axilla")], [Site(AXILLA, LEFT, "infraclavicular")], (0, 0)),
        ([Site(AXILLA, LEFT, "axilla")], [Site(AXILLA, LEFT)], (1, 0)),
        # the vague one must leave the exact one to its own
        ([Site(LUNG), Site(LUNG, LEFT)], [Site(LUNG, LEFT), Site(LUNG, RIGHT)], (2, 0)),
        ([], [Site(LUNG)], (0, 0)),
        ([Site(LUNG)], [], (0, 0)),
    ],
)
def test_meeting(reference: list[Site], prediction: list[Site], expected: tuple[int, int]) -> None:
    assert meet(reference, prediction) == expected
    assert meet(prediction, reference) == expected


SITES = st.lists(
    st.builds(
        Site,
        st.sampled_from([LUNG, AXILLA]),
        st.sampled_from([None, LEFT, RIGHT]),
        st.sampled_from([None, "axilla", "infraclavicular"]),
    ),
    max_size=5,
    unique=True,
)


def by_search(reference: list[Site], prediction: list[Site]) -> int:
    """The most pairs of any assignment: every order of the longer list is tried."""
    short, long = sorted((reference, prediction), key=len)

    def fits(a: Site, b: Site) -> bool:
        return a.region == b.region and all(x is None or y is None or x == y for x, y in zip(a[1:], b[1:], strict=True))

    return max(sum(map(fits, short, order)) for order in permutations(long, len(short)))


@given(reference=SITES, prediction=SITES)
def test_as_many_pairs_as_any_assignment_gives(reference: list[Site], prediction: list[Site]) -> None:
    met = meet(reference, prediction)
    assert met.found == by_search(reference, prediction)
    assert met == meet(reference[::-1], prediction[::-1])
    assert met.found + met.other_side <= min(len(reference), len(prediction))


# ------------------------------------------------------------------------------------------------ scores
def test_by_hand() -> None:
    """Reference: left lung, left neck, spine. Prediction: left lung, right neck, liver, pancreas."""
    reference = [hot(LUNG, LEFT), hot(NECK, LEFT), hot(Region.SPINE)]
    prediction = [hot(LUNG, LEFT), hot(NECK, RIGHT), hot(Region.LIVER), hot(Region.PANCREAS)]
    found = score(reference, prediction)
    assert found["Lesion-Recall"] == pytest.approx(1 / 3)
    assert found["Lesion-Precision"] == pytest.approx(1 / 4)
    assert found["Lesion-F1"] == pytest.approx(2 / 7)
    assert found["False-Findings"] == 3.0
    assert found["Side-Errors"] == pytest.approx(1 / 2)
    family = family_of([reference], [prediction], ["a"])
    counts = {c.key: (c.value, c.of) for c in family.counts()}
    assert counts["lesions-found"] == (1, 3)
    assert counts["lesions-false"] == (3, 4)
    assert counts["lesions-other-side"] == (1, 3)
    columns = family.case_columns()
    assert [columns[k] for k in ("Lesions", "Lesions-Found", "False-Findings", "Other-Side")] == [[3], [1], [3], [1]]


def test_the_wrong_way_round_swaps_recall_and_precision() -> None:
    reference = [hot(LUNG, LEFT), hot(Region.SPINE)]
    prediction = [hot(LUNG, LEFT), hot(Region.LIVER), hot(Region.SPLEEN)]
    there, back = score(reference, prediction), score(prediction, reference)
    assert there["Lesion-Recall"] == back["Lesion-Precision"] != there["Lesion-Precision"]
    assert there["False-Findings"] == 2.0
    assert back["False-Findings"] == 1.0


def test_a_looping_text_gains_and_loses_nothing() -> None:
    reference = [hot(LUNG, LEFT), hot(Region.SPINE)]
    prediction = [hot(LUNG, LEFT), hot(Region.LIVER)]
    assert score(reference, prediction * 9) == pytest.approx(score(reference, prediction), nan_ok=True)


def test_a_missing_prediction_finds_nothing() -> None:
    found = score([hot(LUNG)], None)
    assert found["Lesion-Recall"] == found["Lesion-F1"] == 0.0
    assert np.isnan(found["Lesion-Precision"])
    assert np.isnan(found["Side-Errors"])


def test_lesions_on_ct_alone_are_counted_apart() -> None:
    nodule = Finding(region=LUNG, side=LEFT, structure=Structure.FOCAL_LESION)
    found = score([nodule, hot(Region.SPINE)], [nodule])
    assert found["Lesion-Recall"] == 0.0
    assert found["CT-Lesion-Recall"] == 1.0
    assert found["CT-False-Findings"] == 0.0
    mirrored = score([nodule], [nodule.model_copy(update={"side": RIGHT})])
    assert mirrored["CT-Side-Errors"] == 1.0


@pytest.mark.parametrize(
    ("text", "swapped"),
    [
        (
            "A hypermetabolic nodule in the left upper lobe, SUVmax 8.1.",
            "A hypermetabolic nodule in the right upper lobe, SUVmax 8.1.",
        ),
        ("左侧颈部见肿大淋巴结,放射性摄取增高,SUVmax:8.1。", "右侧颈部见肿大淋巴结,放射性摄取增高,SUVmax:8.1。"),
    ],
)
def test_a_swapped_side_in_the_text_is_a_side_error(text: str, swapped: str) -> None:
    reference = read(text).findings
    assert score(reference, reference)["Lesion-Recall"] == 1.0
    found = score(reference, read(swapped).findings)
    assert found["Lesion-Recall"] == 0.0
    assert found["Side-Errors"] == 1.0


def random_findings(rng: np.random.Generator) -> list[Finding]:
    regions = rng.choice(list(Region), size=rng.integers(0, 9))
    sides = [None, LEFT, RIGHT, Side.BILATERAL]
    groups = [None, None, *NodalGroup]
    return [
        hot(
            Region(r),
            sides[rng.integers(4)],
            groups[rng.integers(len(groups))],
            uptake=Uptake(int(rng.integers(1, 6))),
            structure=Structure(int(rng.integers(1, 9))),
        )
        for r in regions
    ]


def test_permuted_and_drawn_scores_equal_scoring_them_anew() -> None:
    rng = np.random.default_rng(0)
    references, predictions = ([random_findings(rng) for _ in range(6)] for _ in range(2))
    predictions[2] = None  # type: ignore[call-overload]
    ids = [f"c{i}" for i in range(6)]
    family = family_of(references, predictions, ids)
    orders = np.array([rng.permutation(6) for _ in range(5)] + [np.arange(6)])
    found = family.permuted(orders)
    assert found.keys() == family.statistics().keys()
    for k, order in enumerate(orders):
        expected = values(family_of(references, [predictions[j] for j in order], ids))
        assert {key: v[k] for key, v in found.items()} == pytest.approx(expected, nan_ok=True)
    drawn = {key: s(orders[:1] * 0 + 3) for key, s in family.statistics().items()}
    assert {key: v[0] for key, v in drawn.items()} == pytest.approx(
        values(family_of(references[3:4], predictions[3:4], ids[3:4])), nan_ok=True
    )


def test_shuffled_cases_find_less() -> None:
    rng = np.random.default_rng(1)
    references = [random_findings(rng) for _ in range(40)]
    family = family_of(references, references, [str(i) for i in range(40)])
    own, moved = values(family), family.permuted(np.roll(np.arange(40), 1)[None])
    assert own["Lesion-Recall"] == own["Lesion-Precision"] == own["CT-Lesion-Recall"] == 1.0
    assert own["False-Findings"] == own["Side-Errors"] == 0.0
    assert moved["Lesion-Recall"][0] < 0.5
    assert moved["False-Findings"][0] > 1.0


def test_a_thousand_permutations_of_135_cases_take_under_half_a_second() -> None:
    rng = np.random.default_rng(2)
    references, predictions = ([random_findings(rng) for _ in range(135)] for _ in range(2))
    family = family_of(references, predictions, [str(i) for i in range(135)])
    family.statistics()
    orders = np.array([rng.permutation(135) for _ in range(1000)])
    start = time.process_time()
    family.permuted(orders)
    assert time.process_time() - start < 0.6


def test_one_prediction_for_each_reference() -> None:
    with pytest.raises(ScoreError, match="2 references, 1 predictions"):
        family_of([[], []], [[]], ["a", "b"])


def test_metrics_define_every_statistic() -> None:
    assert [m.key for m in METRICS] == list(family_of([[]], [[]], ["a"]).statistics())
    assert [m.key for m in METRICS if m.headline] == ["Lesion-Recall", "False-Findings"]
