"""Faults of a report by itself, and how often a system makes them."""

from petrg.evaluate.faults.family import METRICS, FaultFamily
from petrg.evaluate.faults.fault import Fault, FaultKind
from petrg.evaluate.faults.find import find_faults
from petrg.evaluate.faults.modalities import scanned
from petrg.evaluate.faults.repetition import seq_rep

__all__ = ["METRICS", "Fault", "FaultFamily", "FaultKind", "find_faults", "scanned", "seq_rep"]
