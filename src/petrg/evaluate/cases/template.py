"""The healthy template: the report of a patient without findings, by hospital and sex."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from petrg.errors import ScoreError
from petrg.evaluate.cases.case import Case, Sex
from petrg.evaluate.cases.meta import parse_sex
from petrg.evaluate.labels.files import object_of

__all__ = ["Template", "read_template"]

_EXPECTED = "{hospital: {sex: text}}, {sex: text} or plain text"


@dataclass(frozen=True)
class Template:
    """Texts by (hospital, sex); None stands for any."""

    texts: Mapping[tuple[str | None, Sex | None], str]

    def of(self, case: Case) -> str | None:
        """The template of a case, word for word; None where its hospital or sex has none.

        A case of unknown hospital takes the template of the only hospital, where there is just one.

        >>> plain = Template({(None, "F"): "乳腺未见异常。"})
        >>> plain.of(Case(id="1", reference="", prediction=None, sex="F"))
        '乳腺未见异常。'
        >>> plain.of(Case(id="2", reference="", prediction=None)) is None
        True
        """
        hospitals = {hospital for hospital, _ in self.texts}
        hospital = case.hospital
        if None in hospitals or (hospital is None and len(hospitals) == 1):
            hospital = next(iter(hospitals))
        for sex in (case.sex, None):
            if (text := self.texts.get((hospital, sex))) is not None:
                return text
        return None


def read_template(path: Path) -> Template:
    """Read ``{hospital: {sex: text}}`` or ``{sex: text}`` from JSON, or one text for all from any other file.

    Raises
    ------
    ScoreError
        If the file cannot be read or holds something else, such as a key twice.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "no UTF-8"
        raise ScoreError(f"cannot read the template: {said}", _EXPECTED, "check the path") from error
    if path.suffix.casefold() != ".json":
        return _template({(None, None): text})
    try:
        data = json.loads(text, object_pairs_hook=object_of)
    except (ValueError, RecursionError) as error:
        raise ScoreError("the template is no JSON, or holds a key twice", _EXPECTED, "check the file") from error
    if not isinstance(data, dict):
        raise _other()
    if all(isinstance(value, str) for value in data.values()):
        return _template({(None, _sex(key)): value for key, value in data.items()})
    if not all(isinstance(value, dict) for value in data.values()):
        raise _other()
    return _template({(hospital, _sex(key)): text for hospital, by_sex in data.items() for key, text in by_sex.items()})


def _template(texts: dict[tuple[str | None, Sex | None], object]) -> Template:
    if not texts or not all(isinstance(text, str) and text.strip() for text in texts.values()):
        raise _other()
    return Template({key: str(text) for key, text in texts.items()})


def _sex(key: str) -> Sex:
    try:
        sex = parse_sex(key, 0)
    except ScoreError:
        sex = None
    if sex is None:
        raise _other()
    return sex


def _other() -> ScoreError:
    return ScoreError("the template holds something else", _EXPECTED + ", no text empty", "check the file")
