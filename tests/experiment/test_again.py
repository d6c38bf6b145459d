"""One replication alone is the one of a run of many."""

from __future__ import annotations

from pathlib import Path

import pytest

import ras_sim
from ras_sim.errors import InputError
from ras_sim.experiment.again import run_again

FULL = Path(__file__).parents[1] / "scenarios" / "full.yaml"


def test_the_ledger_is_the_same_as_in_a_run_of_many() -> None:
    scenario = ras_sim.load(FULL)
    many = ras_sim.run(scenario, seed=5, replications=3, workers=1)
    for number in (2, 0):
        alone = run_again(scenario, seed=5, replication=number)
        # By text, since NaN is not equal to itself.
        assert repr(alone.ledgers[0]) == repr(many.ledgers[number])
        assert alone.measures[0] == many.measures[number]
        assert alone.manifest()["finished"] == [number]


@pytest.mark.parametrize("number", [-1, 2**31])
def test_a_number_out_of_range_is_refused(number: int) -> None:
    with pytest.raises(InputError, match=f"replication: got {number}, want a number from 0 to 2147483647"):
        run_again(ras_sim.load(FULL), seed=1, replication=number)
