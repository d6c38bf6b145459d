"""First failures within the horizon, for all parts of a class at once; the cost grows with the faults, not the parts.

The ordered first failures of n independent parts are drawn directly (Renyi 1953): with E_1, E_2, ... unit exponentials,

    S_k = E_1/n + E_2/(n-1) + ... + E_k/(n-k+1),      T_(k) = M^-1(M(a) + S_k) - a,

M the (marginal) cumulative hazard, a the age at the start; which part is k-th is a uniform draw without replacement.
The draws of one failure mode come from one keyed stream, in this order, so a higher rate keeps every fault, moves it
earlier, and adds new ones at the end: histories are nested in the rate, which is what pairing over designs needs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ras_sim.distributions import Array
from ras_sim.faults.modes import FailureMode
from ras_sim.streams import stream

if TYPE_CHECKING:
    from ras_sim.distributions import Distribution
    from ras_sim.faults.frailty import Frailty


@dataclass(frozen=True, slots=True)
class Ageing:
    """A lifetime seen from a start age, with the parts' frailty integrated out.

    Args:
        lifetime: of an average part, from new.
        start_age_h: age at time 0, >= 0.
        frailty: how parts differ, or None.
    """

    lifetime: Distribution
    start_age_h: float
    frailty: Frailty | None

    def marginal(self, age_h: Array) -> Array:
        """Cumulative hazard M(age) of a part drawn at random, (n,), >= 0."""
        cumulative = self.lifetime.cumulative_hazard(age_h)
        return cumulative if self.frailty is None else self.frailty.marginal(cumulative)

    def exposure(self, horizon_h: float) -> float:
        """M(a + horizon) - M(a): minus the logarithm of the probability to survive the horizon."""
        ages = np.array([self.start_age_h, self.start_age_h + horizon_h])
        before, after = self.marginal(ages)
        return float(after - before)

    def times(self, sums: Array) -> Array:
        """Hours from the start until the marginal hazard has grown by `sums`, (n,), >= 0."""
        level = self.marginal(np.array([self.start_age_h]))[0] + sums
        if self.frailty is not None:
            level = self.frailty.inverse_marginal(level)
        return np.maximum(self.lifetime.inverse_hazard(level) - self.start_age_h, 0.0)


def ordered_sums(rng: np.random.Generator, n: int, limit: float) -> Array:
    """S_1 < S_2 < ... as far as they stay below `limit`.

    Args:
        rng: a fresh generator of the failure mode.
        n: number of parts, >= 0.
        limit: exposure over the horizon, >= 0, may be inf (then all n parts fail).

    Returns:
        (k,), k <= n.
    """
    expected = n * -math.expm1(-limit)
    block = min(n, int(expected + 6.0 * math.sqrt(expected) + 16.0))
    sums: Array = np.empty(0)
    while len(sums) < n:
        position = np.arange(len(sums), min(n, len(sums) + block))
        steps = rng.standard_exponential(len(position)) / (n - position)
        sums = np.concatenate([sums, (sums[-1] if len(sums) else 0.0) + np.cumsum(steps)])
        if sums[-1] > limit:
            break
    return sums[: np.searchsorted(sums, limit, side="right")]


def distinct_instances(rng: np.random.Generator, n: int, k: int) -> NDArray[np.int64]:
    """k different ids out of range(n), uniformly, in drawn order; a larger k only adds ids at the end."""
    ids = np.empty(0, dtype=np.int64)
    first = ids
    while len(first) < k:
        # One uniform each, whatever the block: a larger block continues the same sequence. Blocks grow with what was
        # drawn before, because the last few of n parts are rare among the draws.
        more = (rng.random(max(16, 2 * (k - len(first)), len(ids))) * n).astype(np.int64)
        ids = np.concatenate([ids, more])
        first = np.sort(np.unique(ids, return_index=True)[1])
    return ids[first[:k]]


def n_benign(
    mode: FailureMode, n: int, hours: float, seed: int, replication: int, more_part_hours: float = 0.0
) -> int:
    """How many faults without effect a memoryless mode had: a Poisson number, no fault is simulated for it.

    Args:
        mode: the failure mode.
        n: number of parts of its class.
        hours: that the mode's clock ran.
        seed, replication: the random history.
        more_part_hours: by how much the parts have aged more, all together, than n x hours.
    """
    if mode.benign_per_h == 0.0:
        return 0
    rng = stream(seed, replication, "benign", mode.component_class, mode.name)
    return int(rng.poisson(mode.benign_per_h * n * hours + mode.benign_per_h * more_part_hours))


class Firsts:
    """The first failures of some parts of one class by one mode, on the mode's own clock: what all histories have in common.

    Args:
        mode: the failure mode.
        n: number of parts.
        horizon_h: hours on the mode's clock.
        ageing: of these parts; None: as all of the class age, and never where the mode has no lifetime.
        batch: the name of the draws of these parts, where they are not all of the class.

    Attributes:
        ageing: of these parts; None: they never fail.
        limit: marginal hazard that they gather within the horizon.
    """

    __slots__ = ("_batch", "_mode", "_n", "ageing", "limit")

    def __init__(
        self, mode: FailureMode, n: int, horizon_h: float, ageing: Ageing | None = None, batch: str = ""
    ) -> None:
        if ageing is None and mode.lifetime is not None:
            ageing = Ageing(mode.lifetime, mode.start_age_h, mode.frailty)
        self._mode, self._n, self._batch = mode, n, f".{batch}" if batch else ""
        self.ageing = ageing if n else None
        self.limit = 0.0 if self.ageing is None else self.ageing.exposure(horizon_h)

    def in_order(self, seed: int, replication: int) -> tuple[Array, NDArray[np.int64]]:
        """Those of one history: marginal hazards (k,) at which they fail, rising; which (k,), all different."""
        if self.ageing is None:
            return np.empty(0), np.empty(0, dtype=np.int64)
        names = self._mode.component_class, self._mode.name
        return _ordered(seed, replication, *names, self._batch, self._n, self.limit)

    def draw(self, seed: int, replication: int) -> tuple[Array, NDArray[np.int64]]:
        """Those of one history: times_h (k,) rising, 0 <= t <= horizon; which (k,), all different."""
        sums, instances = self.in_order(seed, replication)
        return (self.ageing.times(sums) if self.ageing is not None and len(sums) else sums), instances


@lru_cache(maxsize=160)
def _ordered(
    seed: int, replication: int, component_class: str, name: str, of_batch: str, n: int, limit: float
) -> tuple[Array, NDArray[np.int64]]:
    """Sums and instances of `Firsts`. Designs that are compared share them, and draw them once: as many are kept as one
    history of thirty modes in five batches has."""
    names = (component_class, name)
    sums = ordered_sums(stream(seed, replication, f"first_failure{of_batch}", *names), n, limit)
    places = stream(seed, replication, f"first_instance{of_batch}", *names)
    instances = distinct_instances(places, n, len(sums))
    for array in (sums, instances):
        array.flags.writeable = False
    return sums, instances


def defective_parts(mode: FailureMode, n: int, seed: int, replication: int) -> list[int]:
    """The parts that have a fault at the start: each independently with the mode's probability; nested in it.

    A part is defective if its unit exponential is below -ln(1 - p): the k-th smallest of n is drawn as in `Firsts`.
    """
    limit = math.inf if mode.p_present >= 1.0 else -math.log1p(-mode.p_present)
    names = (mode.component_class, mode.name)
    k = len(ordered_sums(stream(seed, replication, "present", *names), n, limit))
    found: list[int] = distinct_instances(stream(seed, replication, "present_instance", *names), n, k).tolist()
    return found
