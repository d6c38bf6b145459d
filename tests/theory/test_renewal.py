"""Expected renewal counts of every kind of lifetime against the renewal equation.

A part that is replaced at each failure by a new one fails M(t) = F(t) + ∫ M(t - s) dF(s) times by t on
average. Shape 1 alone would not notice a life that is redrawn, an age that is lost or a quantile that is
wrong, so every kind is here with several shapes, from new and from an age.

Source: Cox, "Renewal Theory" (1962), sections 4.1 and 4.2; the solver is the one of Xie, "On the solution of
renewal-type integral equations", Commun. Stat. Simul. Comput. 18 (1989), with the mean of both ends for the
midpoint.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

from ras_sim import distributions as d
from ras_sim.distributions import Array, Distribution
from ras_sim.streams import base_key, child_key, uniform

pytestmark = pytest.mark.slow  # statistics over many lives

N_PARTS = 3000
LAWS: list[Distribution] = [
    *(d.Weibull(shape, 100.0) for shape in (0.5, 0.7, 1.5, 2.0, 3.0)),
    d.Exponential(0.01),
    d.Lognormal(4.0, 0.4),
    d.Lognormal(4.0, 1.5),
    d.Gamma(0.5, 200.0),
    d.Gamma(4.0, 25.0),
    d.LogLogistic(1.5, 60.0),
    d.LogLogistic(4.0, 90.0),
    d.Bathtub(0.5, 400.0, 0.002, 4.0, 200.0),
    d.PiecewiseConstant((0.0, 20.0, 80.0), (0.02, 0.002, 0.03)),
    d.Empirical((30.0, 50.0, 90.0, 90.0, 200.0, 260.0)),
    d.Uniform(40.0, 160.0),
    d.Gamma(4.0, 25.0).scaled(3.0),
]
every = pytest.mark.parametrize("law", LAWS, ids=repr)


@cache
def renewal_function(law: Distribution, horizon_h: float, n_steps: int, age_h: float = 0.0) -> Array:
    """Solve the renewal equation on a grid.

    Args:
        law: lifetime of every new part.
        horizon_h: end of the grid.
        n_steps: number of equal steps.
        age_h: age of the first part at time 0.

    Returns:
        expected failures up to each grid point, (n_steps + 1,).
    """
    grid = np.linspace(0.0, horizon_h, n_steps + 1)
    new = -np.expm1(-law.cumulative_hazard(grid))
    count = _solve(new, new)
    if age_h == 0.0:
        return count
    first = -np.expm1(-(law.cumulative_hazard(age_h + grid) - law.cumulative_hazard(np.array([age_h]))))
    middles, rises = 0.5 * (count[1:] + count[:-1]), np.diff(first)
    return first + np.array([middles[:i][::-1] @ rises[:i] for i in range(n_steps + 1)])


def _solve(source: Array, new: Array) -> Array:
    rises = np.diff(new)
    count = np.zeros_like(source)
    middles = np.zeros(len(rises))
    for i in range(1, len(source)):
        older = middles[: i - 1][::-1] @ rises[1:i]
        count[i] = (source[i] + older + 0.5 * count[i - 1] * rises[0]) / (1.0 - 0.5 * rises[0])
        middles[i - 1] = 0.5 * (count[i] + count[i - 1])
    return count


def simulated_counts(law: Distribution, times_h: tuple[float, ...], age_h: float = 0.0) -> Array:
    """Count failures of N_PARTS parts, each replaced at once by a new one, by each of the given times.

    Returns:
        counts, (N_PARTS, len(times_h)).
    """
    key = base_key(20, 0, "tests/renewal", repr(law))
    counts = np.zeros((N_PARTS, len(times_h)))
    for part in range(N_PARTS):
        clock, life = 0.0, 0
        while clock <= times_h[-1]:
            u = uniform(child_key(key, part, life))
            clock += law.residual_h(age_h, -math.log1p(-u)) if life == 0 and age_h > 0.0 else law.quantile(u)
            counts[part] += clock <= np.array(times_h)
            life += 1
    return counts


def z_scores(counts: Array, expected: Array) -> Array:
    return np.asarray((counts.mean(axis=0) - expected) / (counts.std(axis=0) / math.sqrt(len(counts))))


@every
@pytest.mark.parametrize("age_h", [0.0, 45.0, 130.0])
def test_renewal_counts_meet_the_renewal_equation(law: Distribution, age_h: float) -> None:
    horizon_h, n_steps = 600.0, 1200
    times = (30.0, 60.0, 150.0, 300.0, 600.0)
    points = [round(time / horizon_h * n_steps) for time in times]
    coarse = renewal_function(law, horizon_h, n_steps // 2, age_h)[[point // 2 for point in points]]
    expected = renewal_function(law, horizon_h, n_steps, age_h)[points]
    counts = simulated_counts(law, times, age_h)
    seen = counts.std(axis=0) > 0.0  # no failure can happen before the shortest life
    assert counts.mean(axis=0)[~seen] == pytest.approx(expected[~seen], abs=1e-12)
    error = counts.std(axis=0)[seen] / math.sqrt(N_PARTS)
    assert np.all(np.abs(expected - coarse)[seen] < 0.5 * error)  # the solver is finer than what it judges
    assert np.all(np.abs(z_scores(counts[:, seen], expected[seen])) < 4.0)


def test_a_fixed_life_is_renewed_at_its_multiples() -> None:
    counts = simulated_counts(d.Deterministic(40.0), (39.0, 41.0, 150.0, 399.0))
    assert np.all(counts == [0, 1, 3, 9])
    assert np.all(simulated_counts(d.Deterministic(40.0), (9.0, 11.0, 51.0), age_h=30.0) == [0, 1, 2])


def test_the_solver_meets_closed_forms() -> None:
    t = np.linspace(0.0, 10.0, 2001)
    assert renewal_function(d.Exponential(0.7), 10.0, 2000) == pytest.approx(0.7 * t, rel=1e-5)
    erlang = t / 2 - (1 - np.exp(-2 * t)) / 4  # two stages of rate 1 each
    assert renewal_function(d.Gamma(2.0, 1.0), 10.0, 2000) == pytest.approx(erlang, abs=1e-5)
    below_one = t[t <= 1.0]
    uniform_count = renewal_function(d.Uniform(0.0, 1.0), 10.0, 2000)[: len(below_one)]
    assert uniform_count == pytest.approx(np.expm1(below_one), abs=1e-5)


@pytest.mark.parametrize("law", [d.Weibull(2.0, 100.0), d.Weibull(0.5, 100.0)], ids=repr)
def test_the_comparison_has_the_power_to_find_a_lost_age(law: Distribution) -> None:
    aged = simulated_counts(law, (60.0,), age_h=130.0)
    assert abs(z_scores(aged, renewal_function(law, 60.0, 600)[[-1]])[0]) > 8.0


@pytest.mark.parametrize("law", [law for law in LAWS if law.variance_h2 < math.inf], ids=repr)
def test_renewals_settle_at_one_per_mean_life(law: Distribution) -> None:
    n_lives = 40
    key = base_key(21, 0, "tests/renewal", repr(law))
    spans = np.array(
        [sum(law.quantile(uniform(child_key(key, i), k)) for k in range(n_lives)) for i in range(500)]
    )
    error = math.sqrt(law.variance_h2 / n_lives / len(spans))
    assert abs(spans.mean() / n_lives - law.mean_h) / error < 4.0
