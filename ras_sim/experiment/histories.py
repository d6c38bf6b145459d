"""One history of a scenario: what a worker makes of what it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ras_sim.ledger import Ledger
from ras_sim.metrics import check_conservation

if TYPE_CHECKING:
    from ras_sim.experiment.replicate import Simulate
    from ras_sim.scenario.model import Scenario
    from ras_sim.scenario.setup import Setup


def sent(scenario: Scenario, simulate: Simulate | None) -> Scenario | Setup:
    """What a worker needs of a scenario: its setup, for which it loads nothing that reads and checks scenarios.

    Args:
        simulate: what makes the ledgers; None is our engine, anything else is promised a scenario.
    """
    if simulate is not None:
        return scenario
    from ras_sim.scenario.build import setup_of

    return setup_of(scenario)


def history(given: Scenario | Setup, simulate: Simulate | None, *, seed: int, replication: int) -> Ledger:
    """The ledger of one replication.

    Args:
        given: a scenario, or what `sent` made of it for the same `simulate`.
        simulate: what makes the ledger; None is our engine.
        seed: any integer.
        replication: number of the history, >= 0.

    Raises: ModelError if the ledger does not add up.
    """
    if simulate is None:
        from ras_sim.engine import simulate as engine

        ledger = engine(given, seed=seed, replication=replication)
    else:
        ledger = simulate(cast("Scenario", given), seed=seed, replication=replication)
    check_conservation(ledger)
    return ledger
