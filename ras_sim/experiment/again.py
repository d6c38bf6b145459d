"""One replication of a run, alone: the same history, number for number, as in a run of many."""

from __future__ import annotations

import time

from ras_sim.errors import InputError, Problem
from ras_sim.experiment.result import Result
from ras_sim.metrics import aggregate, check_conservation, measure
from ras_sim.scenario.model import Scenario

MAX_REPLICATION = 2**31 - 1


def run_again(scenario: Scenario, *, seed: int, replication: int) -> Result:
    """Run exactly one replication of a scenario, by its number.

    Args:
        scenario: what to run.
        seed: of the run in which it was, or would be.
        replication: its number there, 0..2**31 - 1.

    Returns:
        a result of that one replication, its ledger kept.

    Raises:
        InputError: the number is out of range.
        ModelError: the ledger does not add up.
    """
    from ras_sim.engine import simulate

    if not 0 <= replication <= MAX_REPLICATION:
        wanted = f"a number from 0 to {MAX_REPLICATION}"
        raise InputError([Problem("", None, None, "replication", str(replication), wanted)])
    began_s = time.perf_counter()
    ledger = simulate(scenario, seed=seed, replication=replication)
    check_conservation(ledger)
    measures = (measure(ledger),)
    wall_s = time.perf_counter() - began_s
    return Result(scenario, seed, 1, measures, (ledger,), aggregate(measures), wall_s)
