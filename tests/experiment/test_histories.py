"""What a worker is sent of a scenario makes the same history as the scenario itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ras_sim.engine import simulate
from ras_sim.errors import ModelError
from ras_sim.experiment.compare import compare
from ras_sim.experiment.histories import history, sent
from ras_sim.ledger import Ledger
from ras_sim.scenario.load import load
from ras_sim.scenario.model import Scenario
from ras_sim.scenario.setup import Setup

TINY = Path(__file__).parents[1] / "scenarios" / "tiny.yaml"


def noting(seen: list[object]) -> Callable[..., Ledger]:
    """The engine in the place of a stand-in, and what it was given."""

    def engine(scenario: Scenario, *, seed: int, replication: int) -> Ledger:
        seen.append(scenario)
        return simulate(scenario, seed=seed, replication=replication)

    return engine


def test_the_engine_is_sent_a_setup_and_a_stand_in_the_scenario() -> None:
    scenario, seen = load(TINY), list[object]()
    setup, same = sent(scenario, None), sent(scenario, noting(seen))
    assert isinstance(setup, Setup)
    assert same is scenario
    ours = history(setup, None, seed=2, replication=3)
    assert repr(ours) == repr(history(same, noting(seen), seed=2, replication=3))
    assert ours.incidents
    assert seen == [scenario]


def test_a_ledger_that_does_not_add_up_is_refused() -> None:
    def short(scenario: Scenario, *, seed: int, replication: int) -> Ledger:
        ledger = simulate(scenario, seed=seed, replication=replication)
        ledger.job.pop()
        return ledger

    with pytest.raises(ModelError):
        history(load(TINY), short, seed=1, replication=0)


def test_a_comparison_by_a_stand_in_that_is_the_engine_is_the_same_but_for_its_controls() -> None:
    designs, seen = (load(TINY), load(TINY, ["repair.policy.start.default=rma"])), list[object]()
    ours = compare(*designs, replications=4, workers=1)
    theirs = compare(*designs, replications=4, workers=1, simulate=noting(seen))
    assert {id(one) for one in seen} == {id(one) for one in designs}, "a stand-in is promised scenarios"
    assert ours.measures == theirs.measures
    assert ours.usage == theirs.usage
    assert ours.against[0].partings == theirs.against[0].partings
