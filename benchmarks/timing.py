"""Timing on a noisy machine: CPU time, interleaved rounds, the best of several, and the spread beside it."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Sample:
    """Repeated measurements of one thing, in the order in which they were taken.

    Args:
        values: seconds, bytes or a ratio, at least one.
    """

    values: tuple[float, ...]

    @property
    def best(self) -> float:
        """The smallest: what the code costs when nothing else disturbs it."""
        return min(self.values)

    def spread(self, form: Callable[[float], str]) -> str:
        """How often it was measured, and min/median/max."""
        low, middle, high = min(self.values), median(self.values), max(self.values)
        return f"{len(self.values)} x: {form(low)} / {form(middle)} / {form(high)}"

    def over(self, other: Sample) -> Sample:
        """The ratio in each round: both were measured right after one another."""
        return Sample(tuple(a / b for a, b in zip(self.values, other.values, strict=True)))

    def plus(self, other: Sample) -> Sample:
        """The sum in each round."""
        return Sample(tuple(a + b for a, b in zip(self.values, other.values, strict=True)))


def cpu_s(work: Callable[[], object]) -> float:
    """CPU seconds of this process for one call; other programs on the machine are not counted."""
    gc.collect()
    began = time.process_time()
    work()
    return time.process_time() - began


def wall_s(work: Callable[[], object]) -> float:
    """Wall seconds of one call, for what runs in several processes."""
    gc.collect()
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def interleaved(
    rounds: int,
    works: Mapping[str, Callable[[], object]],
    clock: Callable[[Callable[[], object]], float] = cpu_s,
) -> dict[str, Sample]:
    """Time several things in turn, so that a slow minute of the machine hits all of them.

    Args:
        rounds: how often, >= 1.
        works: what to time, by name.
        clock: `cpu_s` or `wall_s`.
    """
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            taken[name].append(clock(work))
    return {name: Sample(tuple(values)) for name, values in taken.items()}
