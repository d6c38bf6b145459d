"""Replications until an interval is as narrow as wanted, by a rule whose intervals keep their promise.

Looking after every replication and stopping as soon as the interval is narrow enough cheats: it stops early when the
spread happens to look small, and its 95% intervals cover less. Stein's rule in two stages does not look twice. From the
first n0 values comes their standard deviation s0, and from that the number of values in all,

    N = max(n0, floor((t(n0-1) s0 / h)^2) + 1),      mean of all N values +- t(n0-1) s0 / sqrt(N),

which is at most h to either side, and covers the mean of normal values with exactly 95%: N depends on s0 alone, and the
mean of normal values does not depend on s0. A ceiling on N widens the interval and leaves that true.

Source: Stein, A Two-Sample Test for a Linear Hypothesis Whose Power Is Independent of the Variance, Annals of
Mathematical Statistics 16 (1945).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from ras_sim.metrics.estimates import Estimate, estimate, t_quantile
from ras_sim.metrics.paired import Difference, p_greater, paired

MIN_FIRST = 10
"""A standard deviation of fewer values is too poor a guide."""


def replications_needed(first: Sequence[float], half_width: float) -> int:
    """Replications in all, so that the interval is at most half_width to either side.

    Args:
        first: values of the first stage, n0 >= 2.
        half_width: > 0, in the unit of the values.

    >>> replications_needed([1.0, 2.0, 3.0], 1.0)
    19
    """
    return needed_by(estimate(first), half_width)


def needed_by(first: Estimate, half_width: float) -> int:
    """The same, from the estimate of the first stage.

    >>> needed_by(estimate([1.0, 2.0, 3.0]), 1.0)
    19
    """
    sd = first.sd or 0.0
    return max(first.n, math.floor((t_quantile(first.n - 1) * sd / half_width) ** 2) + 1)


def paired_in_two_stages(base: Sequence[float], other: Sequence[float], n_first: int) -> Difference:
    """As `paired`, with the interval and the probability of Stein's rule.

    Args:
        base, other: one value per replication, the first stage first.
        n_first: replications of the first stage, n0 >= 2.
    """
    whole = paired(base, other)
    first = estimate([b - a for a, b in zip(base[:n_first], other[:n_first], strict=True)])
    mean = whole.estimate.mean
    if first.sd is None or mean is None:
        return whole
    se = first.sd / math.sqrt(whole.estimate.n)
    half = t_quantile(first.n - 1) * se
    found = Estimate(mean, (mean - half, mean + half), whole.estimate.sd, whole.estimate.n)
    return replace(whole, estimate=found, p_greater=p_greater(mean, se, first.n - 1))
