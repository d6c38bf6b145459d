"""Experiments whose points are policies: which functions are best, what a change is worth under one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ras_sim.errors import InputError
from ras_sim.experiment.counterfactuals import counterfactual
from ras_sim.experiment.optimize import optimize
from ras_sim.experiment.replicate import run
from ras_sim.experiment.sweep import sweep
from ras_sim.scenario.load import load
from ras_sim.scenario.model import Scenario

TINY = Path(__file__).parents[1] / "scenarios" / "tiny.yaml"
VARY = "repair.policy.function=mine:patient,mine:eager"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(TINY, tmp_path / "tiny.yaml")
    text = "def patient(case):\n    return None\n\ndef eager(case):\n    return 'rma'\n"
    (tmp_path / "mine.py").write_text(text, encoding="utf-8")
    return tmp_path / "tiny.yaml"


def goodputs(base: Scenario | Path, *, allow_code: bool = False) -> list[float]:
    found = sweep(base, [VARY], replications=2, workers=1, allow_code=allow_code)
    return [one.mean for one in found.estimates()]


def test_functions_are_points_of_a_sweep(folder: Path) -> None:
    """From the file or from a scenario that was loaded with leave; not from one that was loaded without."""
    alone = [
        run(load(folder, sets, allow_code=True), replications=2, workers=1).aggregate.metrics["goodput"].mean
        for sets in ([], ["repair.policy.function=mine:eager"])
    ]
    assert alone[0] != alone[1]
    assert goodputs(folder, allow_code=True) == alone
    assert goodputs(load(folder, allow_code=True)) == alone
    for refused in (folder, load(folder)):
        with pytest.raises(InputError, match="want leave to run it"):
            goodputs(refused)


def test_a_search_among_functions(folder: Path) -> None:
    found = optimize(load(folder, allow_code=True), [VARY], trials=6, replications=2, fresh=2, workers=1)
    assert {trial.point.values for trial in found.trials} == {("mine:patient",), ("mine:eager",)}


def test_what_starts_lower_is_not_said_of_a_function(folder: Path) -> None:
    """The function chooses the rung: moving the key `start` would do nothing, and look like a gain of nothing."""
    asked = load(folder, ["repair.policy.function=mine:eager"], allow_code=True)
    cls, modes = next(iter(asked.failures.items()))
    mode = next(iter(modes))
    assert "policy function" in str(counterfactual(asked, [(cls, mode)], "lower"))
    fewer = counterfactual(asked, [(cls, mode)], "fewer")
    assert isinstance(fewer, Scenario)
    assert fewer.repair.policy.function == asked.repair.policy.function
