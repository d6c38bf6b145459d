"""A failure mode: how a class of parts fails, how it shows, what truly fixes it, how far it spreads."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from ras_sim.distributions import Distribution
from ras_sim.faults.budget import Budget
from ras_sim.faults.corruption import Corruption
from ras_sim.faults.frailty import Frailty
from ras_sim.faults.seasons import Season
from ras_sim.streams import uniform

T = TypeVar("T", bound=object)

Symptom = Literal["exception", "crash", "hang", "slow", "silent", "benign"]
SYMPTOMS: tuple[Symptom, ...] = ("exception", "crash", "hang", "slow", "silent", "benign")
"""How a fault shows: catchable, fatal at once, found by a timeout, fail-slow, corrupting, or without effect."""

STOPPING = frozenset({"exception", "crash", "hang"})
"""Symptoms that stop the job at once."""

Clock = Literal["calendar", "powered", "in_job"]
CLOCKS: tuple[Clock, ...] = ("calendar", "powered", "in_job")
"""The time a part ages on: always, while its node has power, or while its node computes for the job."""


@dataclass(frozen=True, slots=True)
class Mixture(Generic[T]):
    """A choice among values with given probabilities, made with one uniform number.

    Args:
        values: the possible outcomes, in a fixed order.
        cumulative: running sums of their probabilities, all but the last.
    """

    values: tuple[T, ...]
    cumulative: tuple[float, ...]

    @classmethod
    def of(cls, weights: Mapping[T, float]) -> Mixture[T]:
        """Build from {value: probability}; zero weights are left out, and the weights are normalised."""
        kept = {value: weight for value, weight in weights.items() if weight > 0}
        total, running, sums = sum(kept.values()), 0.0, []
        for weight in kept.values():
            running += weight / total
            sums.append(running)
        return cls(tuple(kept), tuple(sums[:-1]))

    def pick(self, u: float) -> T:
        """The value that u in (0, 1) falls on."""
        return self.values[bisect_right(self.cumulative, u)]

    def draw(self, key: int, ordinal: int) -> T:
        """The value that belongs to one keyed draw; nothing is drawn where there is no choice."""
        if not self.cumulative:
            return self.values[0]
        return self.values[bisect_right(self.cumulative, uniform(key, ordinal))]


@dataclass(frozen=True, slots=True)
class Burst:
    """Faults that cluster: each one is followed by further ones on the same part (flapping links).

    Args:
        extra: mean number of followers, > 0 (geometric).
        gap: time from one to the next.
    """

    extra: float
    gap: Distribution

    def n_followers(self, u: float) -> int:
        """u-quantile of the geometric number of followers: P(N >= k) = (extra / (1 + extra))**k."""
        return int(math.log(u) / math.log(self.extra / (1.0 + self.extra)))


@dataclass(frozen=True, slots=True)
class FailureMode:
    """How one class of parts fails in one way. Built from the scenario; the engine only reads it.

    Args:
        mode_id: position among all modes of the scenario.
        component_class, name: e.g. "hbm", "due".
        lifetime: time from new to failure of an average part; None if only common-cause shocks bring this fault.
            Of a memoryless mode without bursts only the faults with an effect: the benign ones are thinned out, exactly.
        start_age_h: age of every part at the start of the run.
        clock: what time the part ages on.
        frailty: how parts differ, or None.
        symptoms: how a fault that ends a life shows.
        extra_symptoms: how a strike of a shock, a follower in a burst or a fault at a start shows.
        benign_per_h: rate of the benign faults that were thinned out, per part.
        needs: the lowest rung (its position on the ladder) that truly fixes it.
        speed: relative speed of the job while a fault with symptom slow is in it.
        spreads: crossing probabilities of this mode, by edge or relation name of the blueprint.
        burst: followers, or None.
        detection: time from onset to detection by symptom.
        absorbs: how many faults of one part spare rows, pages or lanes take in, or None.
        p_start: probability of each part in the job to fail when the job starts.
        season: how the hazard swings with the time of day, or None.
        alike: False where a batch of nodes has this mode as its defect, so that a new part differs from an old one.
        corruption: how a silent fault corrupts; None: all the time.
        p_present: probability of a part to have the fault at the start.
        incubates: time from onset until the fault shows, or None.
    """

    mode_id: int
    component_class: str
    name: str
    lifetime: Distribution | None
    start_age_h: float
    clock: Clock
    frailty: Frailty | None
    symptoms: Mixture[Symptom]
    extra_symptoms: Mixture[Symptom]
    benign_per_h: float
    needs: Mixture[int]
    speed: float
    spreads: Mapping[str, float] = field(default_factory=dict)
    burst: Burst | None = None
    detection: Mapping[str, Distribution] = field(default_factory=dict)
    absorbs: Budget | None = None
    p_start: float = 0.0
    season: Season | None = None
    alike: bool = True
    corruption: Corruption | None = None
    p_present: float = 0.0
    incubates: Distribution | None = None

    @property
    def key(self) -> str:
        """The mode's name in metrics: "hbm.due"."""
        return f"{self.component_class}.{self.name}"

    def passed_h(self, now_h: float) -> float:
        """How much a part would have aged from the start to now, if its clock ran all the time."""
        return now_h if self.season is None else self.season.passed_h(now_h)

    @property
    def rate_per_h(self) -> float:
        """Faults per hour and part of a mode of constant rate, benign ones included."""
        return self.benign_per_h + (1.0 / self.lifetime.mean_h if self.lifetime is not None else 0.0)

    @property
    def memoryless(self) -> bool:
        """True if a new part has the same future as an old one: renewing it then changes nothing."""
        return self.is_constant and self.alike

    @property
    def is_constant(self) -> bool:
        """True if the hazard of a part does not change with its age, nor differ from part to part but by batch."""
        return self.lifetime is not None and self.lifetime.memoryless and self.frailty is None
