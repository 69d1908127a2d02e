"""Errors are one line of three parts, typed, with the exit code of the command line."""

from __future__ import annotations

import pickle

import pytest

from petrg import errors


def every_input_error() -> list[type[errors.InputError]]:
    todo, seen = [errors.InputError], []
    while todo:
        kind = todo.pop()
        seen.append(kind)
        todo += kind.__subclasses__()
    return seen


@pytest.mark.parametrize("kind", every_input_error())
def test_an_input_error_is_one_line_and_survives_a_worker_process(kind: type[errors.InputError]) -> None:
    error = kind("two\nlines", "one   line", "join\tthem")
    assert str(error) == "two lines — expected one line — join them"
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert (again.found, str(again)) == ("two lines", str(error))
    assert error.exit_code == 2


def test_a_missing_extra_says_what_to_install_and_is_ours() -> None:
    error = pickle.loads(pickle.dumps(errors.MissingExtra("scoring", "jieba", "score")))
    assert str(error) == "scoring needs jieba — run: pip install 'petrg[score]'"
    assert error.exit_code == 1
    assert not isinstance(error, errors.InputError)


def test_the_tree_drawn_on_top_names_every_class() -> None:
    for kind in (*every_input_error(), errors.MissingExtra, errors.PetrgError):
        assert kind.__name__ in (errors.__doc__ or "")
        assert kind.__name__ in errors.__all__
