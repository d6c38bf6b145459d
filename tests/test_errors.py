"""Errors say where, what was got and what was wanted."""

from __future__ import annotations

import copy
import pickle

import pytest

from ras_sim.errors import InputError, ModelError, Problem, RasSimError, nearest

FULL = Problem("llama3.yaml", 31, 9, "failures.hbm.due.rate", "-1", "> 0", "did you mean 1?")


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (FULL, "llama3.yaml:31:9: failures.hbm.due.rate: got -1, want > 0 (did you mean 1?)"),
        (Problem("a.yaml", 31, None, "x.y", "-1", "> 0"), "a.yaml:31: x.y: got -1, want > 0"),
        (Problem("a.yaml", None, None, "x.y", "-1", "> 0"), "a.yaml: x.y: got -1, want > 0"),
        (Problem("a.yaml", None, 9, "", "-1", "> 0"), "a.yaml: got -1, want > 0"),
        (Problem("", None, None, "x.y", "-1", "> 0"), "x.y: got -1, want > 0"),
        (Problem("", None, None, "", "", "a file"), "want a file"),
        (Problem("", None, None, "x", "z", "", "unknown key"), "x: got z (unknown key)"),
        (Problem("a.yaml", 0, 0, "", "b", "c"), "a.yaml:0:0: got b, want c"),
    ],
)
def test_a_problem_leaves_out_what_is_not_known(problem: Problem, text: str) -> None:
    assert str(problem) == text


def test_an_input_error_shows_every_problem_on_its_own_line() -> None:
    error = InputError([FULL, Problem("", None, None, "b", "1", "2")])
    assert isinstance(error, RasSimError)
    assert str(error).splitlines() == [str(FULL), "b: got 1, want 2"]
    assert error.problems[0] is FULL


def test_a_model_error_says_when_and_where() -> None:
    error = ModelError("failed twice", 12.5, "gpu:17")
    assert isinstance(error, RasSimError)
    assert not isinstance(error, InputError)
    assert str(error) == "failed twice (at 12.5 h, gpu:17)"
    assert error.args == ("failed twice", 12.5, "gpu:17")


@pytest.mark.parametrize("error", [InputError((FULL,)), ModelError("failed twice", 12.5, "gpu:17")])
def test_errors_travel_between_processes(error: RasSimError) -> None:
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is type(error)
        assert str(twin) == str(error)
        assert vars(twin) == vars(error)


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("wiebull", "did you mean 'weibull'?"),
        ("Gpu_Reset", "did you mean 'gpu_reset'?"),
        ("RMA", "did you mean 'rma'?"),
        ("zebra", ""),
        ("", ""),
    ],
)
def test_nearest_names_what_was_probably_meant(word: str, hint: str) -> None:
    assert nearest(word, ["weibull", "gpu_reset", "rma"]) == hint


def test_nearest_of_nothing_is_no_hint() -> None:
    assert nearest("x", []) == ""
