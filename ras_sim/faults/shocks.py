"""Common-cause shocks: one event (a rack loses power, a cooling loop stops) strikes many parts at one instant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ras_sim.distributions import Distribution
from ras_sim.faults.arrivals import Ageing, distinct_instances, ordered_sums
from ras_sim.streams import base_key, child_key, stream, uniform


@dataclass(frozen=True, slots=True)
class Shock:
    """A common cause.

    Args:
        name: its name in the scenario.
        interval: time between shocks on one instance of `strikes_under`.
        strikes_under: class whose instances each have such shocks (rack, leaf, machine ...).
        mode_id: the failure mode that the struck parts then suffer.
        p_struck: probability for each part below to be struck, independently.
    """

    name: str
    interval: Distribution
    strikes_under: str
    mode_id: int
    p_struck: float


def shock_times(
    shock: Shock, n: int, horizon_h: float, seed: int, replication: int
) -> Iterator[tuple[float, int]]:
    """(time_h, instance) of every shock within the horizon: a renewal process on each of the n instances."""
    ageing = Ageing(shock.interval, 0.0, None)
    sums = ordered_sums(stream(seed, replication, "first_shock", shock.name), n, ageing.exposure(horizon_h))
    instances = distinct_instances(stream(seed, replication, "shocked", shock.name), n, len(sums))
    root = base_key(seed, replication, "shock", shock.name)
    for first_h, instance in zip(ageing.times(sums).tolist(), instances.tolist(), strict=True):
        time_h, key, ordinal = first_h, child_key(root, instance), 0
        while time_h <= horizon_h:
            yield time_h, instance
            time_h += shock.interval.quantile(uniform(key, ordinal))
            ordinal += 1


def strikes(
    shock: Shock,
    n: int,
    parts_below: Callable[[int], NDArray[np.int64]],
    horizon_h: float,
    seed: int,
    replication: int,
) -> Iterator[tuple[float, int, int]]:
    """(time_h, struck part, key of the draws about this strike) of every strike of a shock.

    A strike keeps its key when the shocks come more often or strike more parts.

    Args:
        shock: the common cause.
        n: number of instances of `shock.strikes_under`.
        parts_below: instance -> ids of the parts of the mode's class that hang on it.
        horizon_h: hours.
        seed, replication: the random history.
    """
    seen: dict[int, int] = {}
    root = base_key(seed, replication, "strike", shock.name)
    for time_h, instance in shock_times(shock, n, horizon_h, seed, replication):
        ordinal = seen[instance] = seen.get(instance, 0) + 1
        ids = parts_below(instance)
        rng = stream(seed, replication, "shock_strike", shock.name, "", instance, ordinal)
        for part in ids[rng.random(len(ids)) < shock.p_struck]:
            yield time_h, int(part), child_key(root, instance, ordinal, int(part))
