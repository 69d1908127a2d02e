"""The body as facts: regions, sides, nodal groups, names of body parts. Data and look-ups, no images."""

from petrg.anatomy.nodes import NodalGroup
from petrg.anatomy.parts import BodyPart, body_part, body_part_names
from petrg.anatomy.region import Region
from petrg.anatomy.side import Side

__all__ = ["BodyPart", "NodalGroup", "Region", "Side", "body_part", "body_part_names"]
