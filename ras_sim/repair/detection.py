"""Who notices that a fault shows, and how well it is located: watchdogs, and the errors of diagnosis."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Protocol

from ras_sim.distributions import Distribution

Verdict = Literal["right", "wrong", "group"]


class Latency(Protocol):
    """How long a watchdog takes to notice what it covers."""

    def hours(self, speed: float, u: float) -> float | None:
        """Hours from the onset; None: never.

        Args:
            speed: relative speed that the fault leaves the job.
            u: the draw, 0 < u < 1.
        """


@dataclass(frozen=True, slots=True)
class Timers:
    """Timers that start together, e.g. the timeout of a collective on each rank; the first to ring decides.

    P(T > t) = (1 - F(t)) ** n: the minimum of n is the quantile of one at 1 - (1 - u) ** (1 / n), one draw.

    Args:
        each: time of one timer, F.
        n: number of timers, >= 1.
    """

    each: Distribution
    n: int

    def hours(self, speed: float, u: float) -> float | None:
        return self.each.quantile(u if self.n == 1 else -math.expm1(math.log1p(-u) / self.n))


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A beat every so often; so many in a row must be missed. The fault falls anywhere between two beats.

    T = (misses - 1 + U) * every.
    """

    every_h: float
    misses: int

    def hours(self, speed: float, u: float) -> float | None:
        return (self.misses - 1 + u) * self.every_h


@dataclass(frozen=True, slots=True)
class PaceWatch:
    """The mean pace over the last `window_h` falls short of the usual one by more than `threshold`.

    With a fault that leaves speed s, t hours after its onset the mean has fallen by (1 - s) * t / window; so
    T = window * threshold / (1 - s) where 1 - s > threshold, and never where it is not.
    """

    threshold: float
    window_h: float

    def hours(self, speed: float, u: float) -> float | None:
        shortfall = 1.0 - speed
        return self.window_h * self.threshold / shortfall if shortfall > self.threshold else None


@dataclass(frozen=True, slots=True)
class Watchdog:
    """Something that notices faults of some kinds.

    Args:
        name: e.g. "heartbeat".
        symptoms: that it looks for.
        of: modes ("gpu.xid") and classes ("gpu") that it knows, None for all.
        p_covers: probability to notice a fault of these kinds, once for each time that it shows.
        latency: how long it takes then.
        false_per_h: false alarms in an hour in which the job computes.
        branch: of a root cause's key, from which its draws descend: it has the same ones whoever else watches.
    """

    name: str
    symptoms: frozenset[str]
    of: frozenset[str] | None
    p_covers: float
    latency: Latency
    false_per_h: float
    branch: int

    def watches(self, component_class: str, mode_key: str, symptom: str) -> bool:
        """Whether it looks for faults of that kind."""
        known = self.of is None or component_class in self.of or mode_key in self.of
        return known and symptom in self.symptoms


@dataclass(frozen=True, slots=True)
class LocationRule:
    """What diagnosis says: the right node, with 1 - p_wrong - p_group; another one; or a group of nodes with it.

    Args:
        p_wrong: probability that an innocent node is repaired instead.
        p_group: probability that all nodes of a group are taken out of the job.
        group_nodes: nodes of a group, by their place in the job.
    """

    p_wrong: float
    p_group: float
    group_nodes: int

    def verdict(self, u: float) -> Verdict:
        """What is found; u in (0, 1)."""
        if u < self.p_wrong:
            return "wrong"
        return "group" if u < self.p_wrong + self.p_group else "right"
