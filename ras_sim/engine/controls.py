"""What a history happened to bring, against what it brings on average: numbers whose expectation is exactly 0.

They are made of the first failures of all parts within the horizon, drawn at their addresses without simulating anything.
Of n parts each fails within the horizon with a known probability, the rung that truly fixes it has known probabilities,
and the durations of that rung and of a technician's way to it have known means, all independent. No policy, no repair and
no other design changes them. A count from a ledger would not do: how often a part fails again depends on how long its
repair took, and its expectation is known to nobody.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ras_sim.engine.attempts import first_try_h
from ras_sim.engine.strikes import needs_of
from ras_sim.faults.arrivals import Firsts
from ras_sim.faults.lives import Lives
from ras_sim.faults.modes import FailureMode
from ras_sim.scenario.setup import Setup, as_setup
from ras_sim.streams import base_key

if TYPE_CHECKING:
    from ras_sim.scenario.model import Scenario


EARLY_SHARE = 2.0 / 3.0
"""Of the horizon: parts that age while the job runs meet the failures of their late hours only if it runs nearly always."""


class Controls(NamedTuple):
    """Of one history.

    Args:
        faults: first failures within the horizon, less their expectation.
        early_h: hours of technicians that those of the first `EARLY_SHARE` of the horizon bring, way included, if each is
            repaired at once on the rung that truly fixes it; less their expectation.
        late_h: the same of those after that.
    """

    faults: float
    early_h: float
    late_h: float


def controls(scenario: Scenario | Setup, *, seed: int, replication: int) -> Controls:
    """The controls of a history: a pure function of its arguments, without a simulation.

    Args:
        scenario: from `ras_sim.load`, or its setup.
        seed: any integer.
        replication: number of the history, >= 0.
    """
    setup = as_setup(scenario)
    n_faults, hours = 0, (list[float](), list[float]())
    for firsts, early_limit, mode, manned in _sources(setup):
        sums, instances = firsts.in_order(seed, replication)
        n_faults += len(instances)
        if len(instances) and any(manned.values()):
            lives = Lives(mode, base_key(seed, replication, "life", mode.component_class, mode.name))
            n_early = int(np.searchsorted(sums, early_limit, side="right"))
            for place, instance in enumerate(instances.tolist()):
                key = lives.first_key(instance)
                level = needs_of(mode, key)
                if manned[level]:
                    hours[place >= n_early].append(first_try_h(setup, setup.ladder[level], key))
    expected, (early, late) = expectations(setup), hours
    return Controls(n_faults - expected.faults, math.fsum(early) - expected.early_h, math.fsum(late) - expected.late_h)


@lru_cache(maxsize=16)
def expectations(setup: Setup) -> Controls:
    """What is taken off: the expected number of first failures, and of the hours that they bring."""
    faults, early_h, late_h = [], [], []
    for firsts, early_limit, mode, manned in _sources(setup):
        n = setup.blueprint.counts[mode.component_class]
        early, failing = (n * -math.expm1(-limit) for limit in (early_limit, firsts.limit))
        faults.append(failing)
        shares = [b - a for a, b in pairwise((0.0, *mode.needs.cumulative, 1.0))]
        mean_h = math.fsum(p * manned[level] for level, p in zip(mode.needs.values, shares, strict=True))
        early_h.append(early * mean_h)
        late_h.append((failing - early) * mean_h)
    return Controls(math.fsum(faults), math.fsum(early_h), math.fsum(late_h))


@lru_cache(maxsize=16)
def _sources(setup: Setup) -> tuple[tuple[Firsts, float, FailureMode, dict[int, float]], ...]:
    """Where faults come from: of each failure mode with a lifetime the first failures, the marginal hazard of its parts at
    `EARLY_SHARE` of the horizon, itself, and its mean hours of a technician by rung."""
    found = []
    for mode, manned in zip(setup.modes, _manned_h(setup), strict=True):
        firsts = Firsts(mode, setup.blueprint.counts[mode.component_class], setup.horizon_h)
        if firsts.ageing is not None:
            found.append((firsts, firsts.ageing.exposure(EARLY_SHARE * setup.horizon_h), mode, manned))
    return tuple(found)


def _manned_h(setup: Setup) -> tuple[dict[int, float], ...]:
    """For each failure mode, the mean hours of a technician, way included, for each rung that may be the one; 0 where none
    is needed, or where the hours have no finite variance."""
    travel = () if setup.technicians is None else (setup.technicians.travel,)
    rung_h = []
    for rung in setup.ladder:
        parts = (rung.duration, *travel)
        known = rung.technician and all(math.isfinite(part.variance_h2) for part in parts)
        rung_h.append(math.fsum(part.mean_h for part in parts) if known else 0.0)
    return tuple({level: rung_h[level] for level in mode.needs.values} for mode in setup.modes)
