"""Order-statistic intervals of quantiles: they cover as often as they say, whatever the distribution."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from ras_sim.metrics.quantiles import LEVELS, quantile, values_for

Quantiles = Callable[[float], float]

LAWS: dict[str, tuple[Callable[[np.random.Generator, int], NDArray[np.float64]], Quantiles]] = {
    "normal": (lambda rng, n: rng.standard_normal(n), lambda p: float(stats.norm.ppf(p))),
    "lognormal": (lambda rng, n: rng.lognormal(0.0, 1.5, n), lambda p: float(stats.lognorm.ppf(p, 1.5))),
    # Goodput with rare long outages: most values in a narrow band, a few of them far below.
    "outages": (
        lambda rng, n: 1.0 - rng.random(n) * np.where(rng.random(n) < 0.1, 0.5, 0.01),
        lambda p: 1.0 - _outage_quantile(1.0 - p),
    ),
}


def _outage_quantile(p: float) -> float:
    """Of the loss: uniform up to 1% with 90%, uniform up to 50% with 10%."""
    kink = 0.9 + 0.1 * 0.02  # share of losses below 1%
    return p / (0.9 / 0.01 + 0.1 / 0.5) if p < kink else (p - 0.9) * 0.5 / 0.1


def exact_coverage(n: int, level: float) -> float:
    """P(r <= B < s) by brute force over all pairs of tails of 2.5%."""
    law = stats.binom(n, level)
    r = max(k for k in range(1, n + 1) if law.cdf(k - 1) <= 0.025)
    s = min(k for k in range(1, n + 1) if law.sf(k - 1) <= 0.025)
    return float(law.cdf(s - 1) - law.cdf(r - 1))


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("name", LEVELS)
@pytest.mark.parametrize("n", [72, 200])
def test_the_interval_covers_exactly_as_often_as_the_binomial_says(law: str, name: str, n: int) -> None:
    draw, truth = LAWS[law]
    level = LEVELS[name]
    true, rng = truth(level), np.random.default_rng([n, round(100 * level), len(law)])
    trials, covered = 2000, 0
    for _ in range(trials):
        found = quantile(draw(rng, n).tolist(), level)
        assert found is not None
        assert found.ci95[0] <= found.value <= found.ci95[1]
        covered += found.ci95[0] <= true <= found.ci95[1]
    expected = exact_coverage(n, level)
    assert expected >= 0.95
    assert abs(covered / trials - expected) / math.sqrt(expected * (1 - expected) / trials) < 4


@pytest.mark.parametrize("name", LEVELS)
def test_fewer_values_have_no_interval_at_all(name: str) -> None:
    level = LEVELS[name]
    n = values_for(level)
    assert max(level, 1 - level) ** n <= 0.025 < max(level, 1 - level) ** (n - 1)
    assert quantile([float(i) for i in range(n - 1)], level) is None
    assert quantile([float(i) for i in range(n)], level) is not None


def test_values_that_are_equal_only_add_to_the_coverage() -> None:
    found = quantile([1.0] * 100, 0.05)
    assert found is not None
    assert (found.value, found.ci95) == (1.0, (1.0, 1.0))
