"""Words to findings: a clause grammar over lexica, with the characters each finding was read from.

Text -> tokens (known words) -> clauses -> statements (what each clause says) -> lesions (the statements of one
subject) -> findings -> evidence (labels).
"""

from petrg.language.reading.evidence import Basis, Evidence, LabelEvidence, labels
from petrg.language.reading.grounded import Grounded
from petrg.language.reading.lexicon import Lexicon, languages, lexicon, read_lexicon
from petrg.language.reading.reader import Reading, detect, read
from petrg.language.reading.version import version

__all__ = [
    "Basis",
    "Evidence",
    "Grounded",
    "LabelEvidence",
    "Lexicon",
    "Reading",
    "detect",
    "labels",
    "languages",
    "lexicon",
    "read",
    "read_lexicon",
    "version",
]
