"""All faults of one text."""

from __future__ import annotations

from collections.abc import Collection

from petrg.evaluate.cases.case import Sex
from petrg.evaluate.faults.contradictions import contradictions
from petrg.evaluate.faults.ends import cut_off, empty, run_on
from petrg.evaluate.faults.fault import Fault
from petrg.evaluate.faults.hidden import hidden_characters
from petrg.evaluate.faults.lexicon import words
from petrg.evaluate.faults.measures import impossible_measures, small_organs
from petrg.evaluate.faults.modalities import not_scanned
from petrg.evaluate.faults.pieces import Pieces
from petrg.evaluate.faults.placeholders import placeholders
from petrg.evaluate.faults.repetition import repetitions
from petrg.evaluate.faults.sexes import other_sex
from petrg.language.reading import Reading, read

__all__ = ["find_faults"]


def find_faults(
    text: str,
    reading: Reading | None = None,
    *,
    sex: Sex | None = None,
    modalities: Collection[str] = ("PT", "CT"),
) -> tuple[Fault, ...]:
    """Find what is wrong with a report by itself, without a reference.

    Parameters
    ----------
    text : str
    reading : Reading, optional
        Of ``text``, where it was read already.
    sex : {"F", "M"}, optional
        Of the patient; unknown, only organs of both sexes in one text are a fault.
    modalities : collection of str
        What was scanned, in DICOM's names; ``CT-plain`` says of the CT that no contrast medium was given.

    Returns
    -------
    tuple of Fault
        By kind, then in the order of the text.

    Examples
    --------
    >>> fault, = find_faults("右肺上叶见结节，摄取增高。双肺未见异常密度影或异常放射性浓聚灶。")
    >>> fault.kind.value, fault.what
    ('contradiction', 'lungs and pleura: nodule, uptake denied and affirmed')
    >>> find_faults("The prostate is normal.", sex="F")[0].what
    'prostate named in the report of a woman'
    """
    pieces, lexicon = Pieces(text), words()
    if nothing := tuple(empty(pieces)):
        return (*nothing, *repetitions(pieces), *hidden_characters(pieces))
    grounded = (read(text) if reading is None else reading).grounded
    return (
        *contradictions(pieces, lexicon, grounded),
        *other_sex(pieces, lexicon, sex),
        *not_scanned(pieces, lexicon, modalities),
        *impossible_measures(pieces, lexicon),
        *small_organs(pieces, lexicon, grounded),
        *repetitions(pieces),
        *cut_off(pieces, lexicon),
        *run_on(pieces, lexicon),
        *placeholders(pieces, lexicon),
        *hidden_characters(pieces),
    )
