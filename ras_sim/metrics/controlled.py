"""A paired difference, adjusted for what the histories happened to bring: control variates.

With controls C of known expectation 0, the same for both designs of a pair, the difference D of a replication is regressed
on them,

    D = delta + beta C + e,      delta = mean of D at C = 0, by least squares from the same replications,

and t(n - k - 1) with the standard error of the regression gives the interval: exact for values that are jointly normal.
The variance falls by 1 - R^2 and rises by (n - 2) / (n - k - 2), since beta is estimated. Which controls there are and from
how many replications on they are used is fixed beforehand, never chosen by the result: see
docs/decisions/0024-control-variates.md.

Source: Lavenberg & Welch, A Perspective on the Use of Control Variables to Increase the Efficiency of Monte Carlo
Simulations, Management Science 27 (1981).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ras_sim.metrics.estimates import Estimate, t_quantile
from ras_sim.metrics.paired import Difference, p_greater

N_FOR_CONTROLS = 20
"""With fewer replications too much of them is spent on estimating beta."""


def controlled(
    base: Sequence[float], other: Sequence[float], controls: Sequence[Sequence[float]]
) -> Difference | None:
    """Difference other - base, adjusted.

    Args:
        base, other: one value per replication, in the same order, equally many.
        controls: of each replication, equally many numbers whose expectation is 0.

    Returns:
        None for fewer than `N_FOR_CONTROLS` replications, and where no control or no difference varies. `estimate.sd` is
        such that sd / sqrt(n) is the standard error; `variance_factor` is the worth of pairing and controls together.
    """
    a, b = np.asarray(base, dtype=np.float64), np.asarray(other, dtype=np.float64)
    d, n = b - a, len(a)
    c = np.asarray(controls, dtype=np.float64).reshape(n, -1)
    c = c[:, np.ptp(c, axis=0) > 0] if n else c
    if n < N_FOR_CONTROLS or c.shape[1] == 0 or np.ptp(d) == 0:
        return None
    design = np.column_stack([np.ones(n), c / c.std(axis=0)])
    beta, _, rank, _ = np.linalg.lstsq(design, d, rcond=None)
    df = n - int(rank)
    residual = d - design @ beta
    se = math.sqrt(float(residual @ residual) / df * float(np.linalg.pinv(design.T @ design)[0, 0]))
    mean, half = float(beta[0]), t_quantile(df) * se
    unpaired = float(a.var(ddof=1) + b.var(ddof=1)) / n
    return Difference(
        base=float(a.mean()),
        other=float(b.mean()),
        estimate=Estimate(mean, (mean - half, mean + half), se * math.sqrt(n), n),
        p_greater=p_greater(mean, se, df),
        variance_factor=unpaired / se**2 if se > 0 else None,
    )
