"""The projection of findings to labels, against PETRG-Score's rules."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from petrg.anatomy import Region
from petrg.report import Finding, Structure, Uptake, project, to_authors_json
from petrg.report.labels import STRUCTURE_PRIORITY, UPTAKE_PRIORITY

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
    before, after = project(group)[more.region], project([*group, more])[more.region]
    if before.pet is not None:
        assert after.pet is not None
        assert UPTAKE_PRIORITY.index(after.pet) <= UPTAKE_PRIORITY.index(before.pet)
    if before.suv_max is not None:
        assert after.suv_max is not None
        assert after.suv_max >= before.suv_max


@given(findings)
def test_a_finding_changes_its_own_region_only(finding: Finding) -> None:
    silent = project([])
    assert all(label == silent[r] for r, label in project([finding]).items() if r is not finding.region)


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
    assert row["脊柱"] == {"pet_status": "5", "suv": "SUVmax: 4.5", "ct_status": "6", "ct_description": ""}
    assert len(row) == 24
