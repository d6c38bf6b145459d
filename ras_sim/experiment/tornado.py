"""A tornado: each uncertain number at the ends of its range, the others as they are, on the same histories."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from ras_sim.experiment.pointruns import difference_of
from ras_sim.metrics.estimates import CONFIDENCE, Estimate, t_quantile
from ras_sim.metrics.paired import Difference

if TYPE_CHECKING:
    import pandas as pd

_N_PAIRS = 3


@dataclass(frozen=True, slots=True)
class Swing:
    """What one number does to the metric on its way through its range.

    Args:
        at_low, at_high: with the number at that end less the scenario as it is, paired by history.
        swing: largest less smallest of the three means: low end, as it is, high end. Its interval holds for whichever
            two of the three these are (three pairs, an error of 5% divided among them).
    """

    at_low: Difference
    at_high: Difference
    swing: Estimate

    @property
    def is_clear(self) -> bool:
        """Whether it is more than luck: the interval does not hold 0."""
        return self.swing.ci95 is not None and self.swing.ci95[0] > 0

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "at_low": self.at_low.estimate.to_json(),
            "at_high": self.at_high.estimate.to_json(),
            "swing": self.swing.to_json(),
            "is_clear": self.is_clear,
        }


def swing_of(base: pd.DataFrame, low: pd.DataFrame, high: pd.DataFrame, metric: str) -> Swing:
    """The swing of one number.

    Args:
        base, low, high: one row of metrics per history, in the same order.
        metric: one of `ras_sim.experiment.sweep.METRICS`.
    """
    pairs = [difference_of(a, b, metric) for a, b in combinations((base, low, high), 2)]
    widest = max(pairs, key=lambda one: abs(one.estimate.mean or 0.0)).estimate
    return Swing(pairs[0], pairs[1], _size(widest, pairs[0].base or 0.0))


def _size(widest: Estimate, level: float) -> Estimate:
    """The largest of the differences as a size, with an interval that allows for having chosen it.

    Args:
        widest: the difference.
        level: the metric as the scenario is: less than 1e-9 of it is the rounding of sums, and no swing.
    """
    if max(map(abs, (widest.mean or 0.0, *(widest.ci95 or ())))) < 1e-9 * abs(level):
        return Estimate(
            0.0, None if widest.sd is None else (0.0, 0.0), None if widest.sd is None else 0.0, widest.n
        )
    if widest.mean is None or widest.sd is None:
        return Estimate(None if widest.mean is None else abs(widest.mean), None, None, widest.n)
    quantile = t_quantile(widest.n - 1, 1.0 - (1.0 - CONFIDENCE) / _N_PAIRS)
    half = quantile * widest.sd / math.sqrt(widest.n)
    size = abs(widest.mean)
    return Estimate(size, (size - half, size + half), widest.sd, widest.n)


def ranked(swings: Sequence[Swing]) -> list[int]:
    """Places of the numbers, the largest swing first."""
    return sorted(range(len(swings)), key=lambda place: -(swings[place].swing.mean or 0.0))
