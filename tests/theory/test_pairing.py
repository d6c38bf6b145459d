"""Paired differences against what is known of them: coverage, the jackknife, and what common failures are worth."""

from __future__ import annotations

import math
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from ras_sim.experiment.compare import compare
from ras_sim.experiment.designs import load_designs
from ras_sim.ledger import JobRow, Ledger
from ras_sim.metrics.paired import Difference, paired, paired_each, paired_ratio, pseudo_values
from ras_sim.scenario.model import Scenario
from ras_sim.streams import base_key, uniform
from tests.ledgers import empty
from tests.small import small

ROOT = Path(__file__).parents[2]
TINY = ROOT / "tests" / "scenarios" / "tiny.yaml"
QUICKSTART = ROOT / "scenarios" / "quickstart.yaml"


def z_share(n_hits: int, n: int, expected: float) -> float:
    """Standard errors between a share of n trials and what it should be."""
    return (n_hits / n - expected) / math.sqrt(expected * (1 - expected) / n)


@pytest.mark.parametrize("n", [1, 2, 8, 130])
def test_a_table_of_rows_differs_as_its_rows_do(n: int) -> None:
    rng = np.random.default_rng(n)
    base = [*rng.standard_normal((3, n)).tolist(), [0.1] * n, [0.1] * n, list(range(n))]
    other = [*rng.standard_normal((3, n)).tolist(), [0.3] * n, [0.1] * n, [k + 1 for k in range(n)]]
    found = paired_each(base, other)
    assert found == [paired(a, b) for a, b in zip(base, other, strict=True)]
    if n > 1:
        for a, b, one in zip(base[:3], other[:3], found, strict=False):
            gaps = np.subtract(b, a)
            factor = (np.var(a, ddof=1) + np.var(b, ddof=1)) / np.var(gaps, ddof=1)
            assert (one.estimate.mean, one.estimate.sd, one.variance_factor) == (gaps.mean(), gaps.std(ddof=1), factor)
    assert [one.is_zero for one in found] == [False] * 4 + [True, False]
    assert paired_each([], []) == []


def test_numbers_without_a_counterpart_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"\(1, 1\) values against \(1, 3\)"):
        paired([1.0], [1.0, 2.0, 3.0])


@pytest.mark.parametrize("n", [3, 10, 40])
@pytest.mark.parametrize("shift", [0.0, 0.7])
def test_the_interval_covers_the_true_difference(n: int, shift: float) -> None:
    rng = np.random.default_rng(n)
    trials = 4000
    common = 3.0 * rng.standard_normal((trials, n))
    base = common + rng.standard_normal((trials, n))
    other = common + shift + rng.standard_normal((trials, n))
    covered = 0
    for a, b in zip(base.tolist(), other.tolist(), strict=True):
        ci95 = paired(a, b).estimate.ci95
        assert ci95 is not None
        covered += ci95[0] <= shift <= ci95[1]
    assert abs(z_share(covered, trials, 0.95)) < 4


def test_p_greater_is_uniform_where_there_is_no_difference() -> None:
    rng = np.random.default_rng(7)
    values = [
        paired(a, b).p_greater for a, b in zip(*rng.standard_normal((2, 3000, 6)).tolist(), strict=True)
    ]
    assert stats.kstest([p for p in values if p is not None], "uniform").pvalue > 1e-4


@pytest.mark.parametrize("common_sd", [0.0, 2.0, 5.0])
def test_the_variance_factor_is_that_of_the_model(common_sd: float) -> None:
    rng = np.random.default_rng(11)
    common = common_sd * rng.standard_normal(20_000)
    found = paired(common + rng.standard_normal(20_000), common + rng.standard_normal(20_000)).variance_factor
    expected = 2 * (common_sd**2 + 1) / 2
    assert found is not None
    # Relative error of a ratio of variances of n normal values: at most 2 / sqrt(n).
    assert abs(found / expected - 1) < 4 * 2 / math.sqrt(20_000)


@pytest.mark.parametrize("seed", range(6))
def test_no_order_of_histories_is_worth_more_than_the_bound(seed: int) -> None:
    rng = np.random.default_rng(seed)
    base, other = rng.standard_normal(6), (1 + seed) * rng.exponential(size=6) + seed % 2
    unpaired = base.var(ddof=1) + other.var(ddof=1)
    best = max(unpaired / (other[list(order)] - base).var(ddof=1) for order in permutations(range(6)))
    found = paired(base.tolist(), other.tolist())
    assert found.most_by_pairing is not None
    assert found.variance_factor is not None
    assert found.variance_factor <= best <= found.most_by_pairing


@pytest.mark.parametrize("spread", [0.2, 0.5, 3.0])
def test_numbers_that_go_together_reach_the_bound(spread: float) -> None:
    base = np.random.default_rng(12).exponential(size=9)
    found = paired(base.tolist(), (spread * base + 4.0).tolist())
    assert found.variance_factor == pytest.approx((1 + spread**2) / (1 - spread) ** 2)
    assert found.most_by_pairing == pytest.approx(found.variance_factor)


def test_the_bound_of_a_ratio_is_that_of_its_pseudo_values() -> None:
    rng = np.random.default_rng(4)
    x, y = rng.uniform(50, 100, 12), rng.poisson(5, 12) + 1.0
    u, v = rng.uniform(50, 300, 12), rng.poisson(9, 12) + 1.0
    found = paired_ratio((x.tolist(), y.tolist()), (u.tolist(), v.tolist()))
    ours, theirs = pseudo_values(x, y).std(ddof=1), pseudo_values(u, v).std(ddof=1)
    assert found.most_by_pairing == pytest.approx((ours**2 + theirs**2) / (theirs - ours) ** 2)


@pytest.mark.parametrize(("n", "shift"), [(1, 0.0), (5, 0.0), (5, 1.0)])
def test_where_nothing_varies_pairing_has_no_worth(n: int, shift: float) -> None:
    values = np.random.default_rng(1).standard_normal(n)
    found = paired(values.tolist(), (values + shift).tolist())
    assert (found.variance_factor, found.most_by_pairing) == (None, None)


def test_the_jackknife_of_a_difference_of_ratios_is_that_of_the_textbook() -> None:
    rng = np.random.default_rng(3)
    n = 12
    x, y = rng.uniform(50, 100, n), rng.poisson(5, n).astype(float) + 1
    u, v = rng.uniform(50, 100, n), rng.poisson(9, n).astype(float) + 1
    left = [(u.sum() - u[i]) / (v.sum() - v[i]) - (x.sum() - x[i]) / (y.sum() - y[i]) for i in range(n)]
    se = math.sqrt((n - 1) / n * sum((one - np.mean(left)) ** 2 for one in left))
    found = paired_ratio((x.tolist(), y.tolist()), (u.tolist(), v.tolist())).estimate
    assert found.mean == pytest.approx(u.sum() / v.sum() - x.sum() / y.sum())
    assert found.sd == pytest.approx(se * math.sqrt(n))
    assert found.ci95 is not None
    assert (found.ci95[1] - found.ci95[0]) / 2 == pytest.approx(stats.t.ppf(0.975, n - 1) * se)


def test_the_interval_of_a_difference_of_mttis_covers_it() -> None:
    rng = np.random.default_rng(5)
    trials, n, covered = 2000, 30, 0
    hours = [1000.0] * n
    for _ in range(trials):
        base = rng.poisson(20, n)
        other = base + rng.poisson(5, n)  # the same interruptions and some more
        ci95 = paired_ratio((hours, base.tolist()), (hours, other.tolist())).estimate.ci95
        assert ci95 is not None
        covered += ci95[0] <= 1000 / 25 - 1000 / 20 <= ci95[1]
    assert abs(z_share(covered, trials, 0.95)) < 4


def toy(scenario: Scenario, *, seed: int, replication: int) -> Ledger:
    """A run that loses 0 to 40 of 100 hours, the same in every design; the other design saves half an hour to 1.5 h."""
    key = base_key(seed, replication, "toy")
    lost_h = 5.0 + 35.0 * uniform(key)
    if scenario.name == "better":
        lost_h -= 0.5 + uniform(key, 1)
    ledger = empty(100.0, replication, seed)
    ledger.job = [
        JobRow(0.0, 100.0, "productive", 100.0 - lost_h, -1),
        JobRow(0.0, 100.0, "restore", lost_h, -1),
    ]
    return ledger


@pytest.mark.slow  # a few hundred studies, each with its interval
def test_a_comparison_covers_the_known_difference_of_its_designs() -> None:
    designs = small(name="base"), small(name="better")
    trials, covered = 500, 0
    for seed in range(trials):
        found = compare(*designs, seed=seed, replications=8, workers=1, simulate=toy)
        ci95 = found.against[0].metrics["goodput"].estimate.ci95
        assert ci95 is not None
        covered += ci95[0] <= 0.01 <= ci95[1]
    assert abs(z_share(covered, trials, 0.95)) < 4


def pairing_of(path: Path, change: str, replications: int) -> Difference:
    """The difference in goodput that a change makes."""
    designs = load_designs([path], [], {"--set-a": [change]})
    return compare(*designs, replications=replications).against[0].metrics["goodput"]


@pytest.mark.parametrize("change", ["job.checkpoints.remote.interval=30 min", "job.initialise.base=10 min"])
def test_common_failures_are_worth_five_times_the_replications(change: str) -> None:
    found = pairing_of(TINY, change, 100)
    assert found.variance_factor is not None
    assert found.variance_factor >= 5


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        "job.checkpoints.remote.interval=15 min",
        "job.checkpoints.remote.interval=5 min",
        "repair.policy.start.default=node_reboot",
        "job.initialise.base=5 min",
    ],
)
def test_common_failures_are_worth_five_times_the_replications_of_a_shipped_scenario(change: str) -> None:
    found = pairing_of(QUICKSTART, change, 60)
    assert found.variance_factor is not None
    assert found.variance_factor >= 5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("review", "change"),
    [
        ("checkpoint", "job.checkpoints.remote.interval=15 min"),
        ("checkpoint", "job.checkpoints.remote.interval=5 min"),
        ("start_rung", "repair.policy.start.default=node_reboot"),
        ("start_rung", "job.initialise.base=5 min"),
        ("technicians", "repair.technicians.count=4"),
        ("technicians", "repair.technicians.count=2"),
        ("technicians", "repair.technicians.travel.median=2 h"),
        ("technicians", "repair.technicians.travel.median=24 h"),
    ],
)
def test_designs_go_together_even_where_no_pairing_is_worth_five(review: str, change: str) -> None:
    """var(b - a) = var(a) + var(b) - 2 r sd(a) sd(b), so that r = (1 - 1 / factor) / (1 - 1 / most); 0 without pairing."""
    found = pairing_of(ROOT / "scenarios" / f"review_{review}.yaml", change, 100)
    assert found.variance_factor is not None
    assert found.most_by_pairing is not None
    correlation = (1.0 - 1.0 / found.variance_factor) / (1.0 - 1.0 / found.most_by_pairing)
    assert found.variance_factor >= 5.0 or correlation >= 0.5
