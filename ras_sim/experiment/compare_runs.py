"""One replication of every design of a comparison, all on the same history: what a worker does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from ras_sim.experiment.differences import Usage, usage_of
from ras_sim.experiment.histories import history
from ras_sim.experiment.matching import FaultTotals, Parting, losses_of, partings
from ras_sim.metrics import Measures, measure

if TYPE_CHECKING:
    from ras_sim.experiment.replicate import Simulate
    from ras_sim.scenario.model import Scenario
    from ras_sim.scenario.setup import Setup

N_PARTINGS = 10
"""Faults in which two designs parted most that are kept, of those handled in another way and of those handled alike."""


class Outcome(NamedTuple):
    """What a worker sends back of one replication: one item for each design, or for each but the base; and the controls of
    the history."""

    measures: tuple[Measures, ...]
    usage: tuple[Usage, ...]
    faults: tuple[FaultTotals, ...]
    partings: tuple[list[Parting], ...]
    controls: tuple[float, ...]


def one_of_each(
    designs: Sequence[Scenario | Setup],
    apart: Sequence[frozenset[str]],
    simulate: Simulate | None,
    seed: int,
    replication: int,
) -> Outcome:
    """One replication of every design. Only what the comparison needs is kept of the ledgers.

    Args:
        designs: the base first; what `ras_sim.experiment.histories.sent` made of each.
        apart: of each but the base, the failure modes whose faults are not the same in both.
        simulate: what makes the ledgers; None is our engine.
        seed: any integer.
        replication: number of the history, >= 0.
    """
    # It loads the engine: a comparison that is only read need not.
    from ras_sim.engine.controls import controls

    # Other histories than those of the engine have nothing to do with its draws.
    known = controls(designs[0], seed=seed, replication=replication) if simulate is None else ()
    base = history(designs[0], simulate, seed=seed, replication=replication)
    measures, usage, totals, parted = [measure(base)], [usage_of(base)], [], []
    ours = losses_of(base)
    for design, unmatched in zip(designs[1:], apart, strict=True):
        other = history(design, simulate, seed=seed, replication=replication)
        measures.append(measure(other))
        usage.append(usage_of(other))
        found, worst_ones = partings(ours, losses_of(other), N_PARTINGS, unmatched)
        totals.append(found)
        parted.append(worst_ones)
    return Outcome(tuple(measures), tuple(usage), tuple(totals), tuple(parted), known)
