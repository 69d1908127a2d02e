"""The whole healthy patient as one painted scene, in the order that lets the later lie on the earlier."""

from __future__ import annotations

from collections.abc import Sequence

from petrg.anatomy import body_part_names
from petrg.phantom import abdomen, body, chest, head, pelvis, skeleton
from petrg.phantom.frame import Frame
from petrg.phantom.scene import Item
from petrg.phantom.shapes import Stack
from petrg.phantom.spec import Spec

__all__ = ["LABELS", "couch", "healthy"]

LABELS: dict[str, int] = {name: code for code, name in enumerate(body_part_names(), 1)}
"""Codes of the label map by class name of TotalSegmentator's task "total"."""


def healthy(spec: Spec, frame: Frame, in_chest: Sequence[Item] = (), in_belly: Sequence[Item] = ()) -> list[Item]:
    """Every solid of the patient.

    ``in_chest`` is painted over the lungs and under all else of the chest, ``in_belly`` over the abdominal
    fat and under the organs: so fluid fills what is free.
    """
    return [
        *body.outline(spec, frame),
        *pelvis.muscles(spec, frame),
        *chest.lungs(spec, frame),
        *in_chest,
        *abdomen.cavity(spec, frame),
        *in_belly,
        *chest.breasts(spec, frame),
        *skeleton.thorax_bones(spec, frame),
        *skeleton.shoulder_girdle(spec, frame),
        *skeleton.pelvis_bones(spec, frame),
        *skeleton.limb_bones(spec, frame),
        *head.neck(spec, frame),
        *chest.heart(spec, frame),
        *chest.airways_and_vessels(spec, frame),
        *skeleton.spine(spec, frame),
        *abdomen.liver_and_spleen(spec, frame),
        *abdomen.kidneys(spec, frame),
        *abdomen.vessels(spec, frame),
        *abdomen.bowel(spec, frame),
        *abdomen.stomach_and_pancreas(spec, frame),
        *pelvis.organs(spec, frame),
        *skeleton.skull(spec, frame),
        *head.brain(spec, frame),
        *head.face(spec, frame),
    ]


def couch(frame: Frame) -> list[Item]:
    """The table under the patient, a foam-filled shell; on CT only."""
    centre = body.back_mm(frame) + 26.0

    def board(thinner: float) -> Stack:
        half = (205.0 - thinner,) * 2, (22.0 - thinner,) * 2
        return Stack((-1200.0, 1200.0), (0.0, 0.0), (centre, centre), *half, power=4.0)

    return [Item(board(0.0), hu=-80.0), Item(board(3.0), hu=-930.0)]
