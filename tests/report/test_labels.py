"""The projection of findings to labels, against PETRG-Score's rules."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from petrg.anatomy import Region
from petrg.report import Finding, Structure, Uptake, project, to_authors_json
from petrg.report.labels import STRUCTURE_PRIORITY, UPTAKE_PRIORITY, label_region

findings = st.builds(
    Finding,
    region=st.sampled_from(Region),
    uptake=st.none() | st.sampled_from(Uptake),
    structure=st.none() | st.sampled_from(Structure),
    suv_max=st.none() | st.floats(0.1, 60),
    negated=st.booleans(),
)


def test_each_class_has_one_place_in_the_priority_tables() -> None:
    assert sorted(UPTAKE_PRIORITY) == sorted(Uptake)
    assert sorted(STRUCTURE_PRIORITY) == sorted(Structure)
    assert UPTAKE_PRIORITY[-1] is Uptake.NORMAL
    assert STRUCTURE_PRIORITY[-1] is Structure.NORMAL


@given(st.lists(findings, max_size=8))
def test_order_of_findings_does_not_matter_but_for_the_description(group: list[Finding]) -> None:
    assert project(group) == project(group[::-1])


@given(st.lists(findings, max_size=6), findings)
def test_one_more_stated_finding_never_makes_a_label_less_marked(group: list[Finding], more: Finding) -> None:
    region = label_region(more)
    before, after = project(group)[region], project([*group, more])[region]
    if before.pet is not None:
        assert after.pet is not None
        assert UPTAKE_PRIORITY.index(after.pet) <= UPTAKE_PRIORITY.index(before.pet)
    if before.suv_max is not None:
        assert after.suv_max is not None
        assert after.suv_max >= before.suv_max


@given(findings)
def test_a_finding_changes_its_own_region_only(finding: Finding) -> None:
    silent = project([])
    assert all(label == silent[r] for r, label in project([finding]).items() if r is not label_region(finding))


def test_a_denial_is_normal_and_silence_is_not() -> None:
    label = project([Finding(region=Region.LIVER, uptake=Uptake.HIGH, suv_max=9.0, negated=True)])[Region.LIVER]
    assert (label.pet, label.suv_max) == (Uptake.NORMAL, None)
    assert project([])[Region.LIVER].pet is None


def test_the_highest_suv_is_named_whatever_its_class() -> None:
    group = [
        Finding(region=Region.SPLEEN, uptake=Uptake.EQUIVOCAL, suv_max=3.5),
        Finding(region=Region.SPLEEN, uptake=Uptake.HIGH, suv_max=7.0),
    ]
    label = project(group)[Region.SPLEEN]
    assert (label.pet, label.suv_max) == (Uptake.HIGH, 7.0)


def test_authors_file_has_strings_and_their_codes() -> None:
    row = to_authors_json(project([Finding(region=Region.SPINE, structure=Structure.BONE_LESION, suv_max=4.46)]))
    assert row["脊柱"] == {"pet_status": "5", "suv": "SUVmax: 4.46", "ct_status": "6", "ct_description": ""}
    assert len(row) == 24


def test_a_rib_counts_for_the_bones_whoever_tells_of_it() -> None:
    wall = Region.AXILLA_CHEST_WALL
    told = [
        Finding(region=wall, structure=Structure.BONE_LESION, uptake=Uptake.HIGH),
        Finding(region=wall, site="rib", uptake=Uptake.HIGH),
    ]
    for finding in told:
        labels = project([finding])
        assert labels[Region.PELVIS_LIMB_BONES].pet is Uptake.HIGH
        assert labels[wall].pet is None
    node = Finding(region=wall, structure=Structure.ENLARGED_NODES, uptake=Uptake.HIGH)
    assert project([node])[wall].pet is Uptake.HIGH
    denial = Finding(region=wall, structure=Structure.BONE_LESION, negated=True)
    assert project([denial])[wall].ct is Structure.NORMAL


def test_a_structure_with_uptake_goes_before_a_more_marked_one_without() -> None:
    quiet = Finding(region=Region.GI_TRACT, structure=Structure.FOCAL_LESION, uptake=Uptake.NORMAL)
    avid = Finding(region=Region.GI_TRACT, structure=Structure.THICKENING, uptake=Uptake.EQUIVOCAL)
    assert project([quiet, avid])[Region.GI_TRACT].ct is Structure.THICKENING
    assert project([quiet])[Region.GI_TRACT].ct is Structure.FOCAL_LESION


def test_in_the_lung_a_change_of_the_parenchyma_goes_before_nodules_of_its_kind() -> None:
    lung = Region.LUNG_PLEURA
    nodule = Finding(region=lung, structure=Structure.FOCAL_LESION)
    streaks = Finding(region=lung, structure=Structure.LUNG_CHANGE)
    hot = Finding(region=lung, structure=Structure.FOCAL_LESION, uptake=Uptake.HIGH)
    assert project([nodule, streaks])[lung].ct is Structure.LUNG_CHANGE
    assert project([hot, streaks])[lung].ct is Structure.FOCAL_LESION
