"""Cost against closed forms: replacements that are Poisson, a machine of two states, and the price that breaks even."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from ras_sim.experiment.compare import Against, compare
from ras_sim.metrics import Measures, estimate_ratio, measure
from ras_sim.metrics.breakeven import BreakEven, break_evens, root_interval
from ras_sim.metrics.paired import pseudo_values
from ras_sim.metrics.samples import paired_difference, sample
from ras_sim.scenario.model import Scenario
from tests.prices import measured, prices
from tests.small import SOURCE, ladder, mode, per_h, rung, runs, small, tier, z_mean
from tests.theory.test_pairing import z_share

REPLICATIONS = 200


@pytest.mark.parametrize(("nodes", "rate"), [(1, 0.004), (20, 0.001), (5, 0.02)])
def test_replacements_are_poisson_and_cost_their_price(nodes: int, rate: float) -> None:
    """n parts that fail at the rate l are replaced n l T times, at once: mean and variance n l T times price (squared)."""
    horizon_h, price = 500.0, 700.0
    scenario = small(
        horizon_h,
        nodes=nodes,
        failures={"node": {"crash": mode(rate=per_h(rate), clears_at={"rma": 1})}},
        repair=ladder({"rma": rung(takes_down="unit", part=True, replaces=True)}),
        cost={"currency": "EUR", "parts": {"node": price}, **SOURCE},
    )
    costs = np.array([measure(ledger).cost for ledger in runs(scenario, REPLICATIONS)], dtype=float)
    expected = nodes * rate * horizon_h
    assert abs(z_mean(costs, price * expected)) < 4
    # The variance of a sample of Poisson counts has variance close to (2 m^2 + m) / n.
    z = (costs.var(ddof=1) / price**2 - expected) / math.sqrt((2 * expected**2 + expected) / REPLICATIONS)
    assert abs(z) < 4


@pytest.mark.parametrize(("rate", "repair_h"), [(0.02, 5.0), (0.01, 1.0), (0.05, 10.0)])
def test_an_effective_hour_costs_the_price_of_an_hour_over_the_availability(
    rate: float, repair_h: float
) -> None:
    """One GPU that works 1/l hours and is mended for d, in turn: price (1 + l d), and a technician for d in 1/l + d."""
    price, wage = 3.0, 40.0
    scenario = small(
        20_000.0,
        failures={"node": {"crash": mode(rate=per_h(rate), clock="in_job")}},
        repair=ladder({"fix": rung(f"{repair_h} h", technician=True)}),
        job__checkpoints={"always": tier(1.0)},
        cost=prices(
            job_gpu=f"{price} per hour", technicians={"price": f"{wage} per hour", "paid": "worked", **SOURCE},
            parts=None, energy=None,
        ),
    )  # fmt: skip
    found = [measure(ledger) for ledger in runs(scenario, 60)]
    # Per hour that passes: the price and the wage for the share d / (1/l + d); per hour that runs 1 + l d times as much.
    cost_per_running_h = [one.cost / one.running_h for one in found if one.cost]
    assert len(cost_per_running_h) == 60
    assert abs(z_mean(cost_per_running_h, price * (1 + rate * repair_h) + wage * rate * repair_h)) < 4


Row = tuple[str, float, float, str]


def spares(n_gpus: float, price: float) -> Row:
    return ("spare_gpus", price, n_gpus, "elapsed_h")


def only(found: Sequence[BreakEven]) -> BreakEven:
    (one,) = found
    return one


@pytest.mark.parametrize(("before_h", "after_h", "n_gpus"), [(80.0, 90.0, 2.0), (50.0, 51.0, 4.0), (90.0, 95.0, 1.0)])
def test_the_break_even_of_spares_is_what_they_gain(before_h: float, after_h: float, n_gpus: float) -> None:
    """G job GPUs at c an hour, S spare GPUs at p: c G / g_a = (c G + p S) / g_b, so p* = c G / S (g_b / g_a - 1)."""
    job: Row = ("gpus", 3.0, 8.0, "elapsed_h")
    base = measured([before_h] * 3, job, spares(0.0, 1.0))
    other = measured([after_h] * 3, job, spares(n_gpus, 1.0))
    expected = 3.0 * 8 / n_gpus * (after_h / before_h - 1)
    found = only(break_evens(base, other))
    assert found == BreakEven(
        "spare_gpus", 1.0, pytest.approx(expected), (pytest.approx(expected),) * 2, True
    )
    back = only(break_evens(other, base))
    assert (back.at, back.other_uses_more) == (pytest.approx(expected), False)


def test_a_part_and_its_stock_break_even_together() -> None:
    """Ten parts less, and stock that cost 3 % of a price: 10.03 prices against what the loss of work is worth."""
    job: Row = ("gpus", 3.0, 8.0, "elapsed_h")
    base = measured(
        [80.0] * 2, job, ("parts.gpu", 9.0, 0.1, "elapsed_h"), ("stock.gpu", 9.0, 0.0003, "elapsed_h")
    )
    other = measured(
        [76.0] * 2, job, ("parts.gpu", 9.0, 0.0, "elapsed_h"), ("stock.gpu", 9.0, 0.0, "elapsed_h")
    )
    found = only(break_evens(base, other))
    assert found.key == "parts.gpu"
    assert found.at == pytest.approx(2400 * (80 / 76 - 1) / 10.03)


def test_nothing_is_said_where_no_price_breaks_even_or_it_cannot_be_told() -> None:
    job: Row = ("gpus", 3.0, 8.0, "elapsed_h")
    few, many = spares(0.0, 1.0), spares(2.0, 1.0)
    assert break_evens(measured([90.0] * 3, job, few), measured([80.0] * 3, job, many)) == []  # worse and dearer
    assert break_evens(measured([80.0] * 3, job, few), measured([90.0] * 3, job, few)) == []  # as many of each
    assert break_evens(measured([80.0], job, few), measured([90.0], job, many)) == []  # one pair has no interval
    assert break_evens(measured([0.0] * 3, job, few), measured([90.0] * 3, job, many)) == []  # nothing effective
    # As many parts on average, now more and now fewer: the replications cannot tell which design uses more.
    noisy = [measured([80.0], job, ("parts.gpu", 5.0, k, "elapsed_h"))[0] for k in (1.0, 2.0, 3.0, 4.0)]
    assert break_evens(noisy, [noisy[i] for i in (3, 0, 1, 2)]) == []


def random_pairs(rng: np.random.Generator, n: int) -> tuple[list[Measures], list[Measures]]:
    """Pairs of designs whose productive hours share much of their chance; the other one has spares and uses parts."""
    common = rng.normal(0.0, 3.0, n)
    hours = 85.0 + common + rng.normal(0.0, 1.0, n), 88.0 + common + rng.normal(0.0, 1.0, n)
    parts = rng.poisson(3.0, n), rng.poisson(6.0, n)
    designs, spare_price = [], float(rng.uniform(0.0, 1.0))
    for productive, used, n_spares in zip(hours, parts, (0.0, 2.0), strict=True):
        rows = [
            (("gpus", 3.0, 8.0, "elapsed_h"), spares(n_spares, spare_price), ("parts.gpu", 9.0, k / 100, "elapsed_h"))
            for k in used
        ]
        designs.append([measured([h], *row)[0] for h, row in zip(productive, rows, strict=True)])
    return designs[0], designs[1]


@pytest.mark.parametrize("n", [2, 5, 20])
def test_todays_price_breaks_even_exactly_where_the_difference_is_not_clear(n: int) -> None:
    rng = np.random.default_rng(n)
    inside, outside = 0, 0
    for _ in range(60):
        base, other = random_pairs(rng, n)
        metric = "cost_per_effective_gpu_hour"
        is_clear = paired_difference(sample(base, metric), sample(other, metric)).is_clear
        for one in break_evens(base, other):
            assert one.price is not None
            assert (one.ci95[0] <= one.price <= one.ci95[1]) is not is_clear
            inside, outside = inside + (not is_clear), outside + is_clear
    assert inside > 0
    assert outside > 0


@pytest.mark.parametrize("n", [8, 20, 60])
@pytest.mark.parametrize("gain", [1.0, 4.0])
def test_the_interval_covers_the_true_break_even(n: int, gain: float) -> None:
    """Of n pairs: gamma times of effective work that vary together, Poisson parts, spares that are fixed."""
    trials, job, spare_gpu_h, part = 2000, 2400.0, 200.0, 9.0
    rng = np.random.default_rng([n, int(gain)])
    shared = rng.gamma(40.0, 640 / 40, (trials, n))
    y_a = shared + rng.gamma(9.0, 20 / 9, (trials, n))
    y_b = shared + rng.gamma(9.0, (20 + 8 * gain) / 9, (trials, n))
    rest_a, rest_b = job + part * rng.poisson(3.0, (trials, n)), job + part * rng.poisson(6.0, (trials, n))
    mean_a, mean_b = 640 + 20.0, 640 + 20 + 8 * gain
    truth = -((job + 6 * part) / mean_b - (job + 3 * part) / mean_a) / (spare_gpu_h / mean_b)
    covered = 0
    for k in range(trials):
        a = pseudo_values(rest_b[k], y_b[k]) - pseudo_values(rest_a[k], y_a[k])
        b = pseudo_values(np.full(n, spare_gpu_h), y_b[k])
        gap = rest_b[k].sum() / y_b[k].sum() - rest_a[k].sum() / y_a[k].sum()
        interval = root_interval(gap, n * spare_gpu_h / y_b[k].sum(), np.cov(a, b) / n, n - 1)
        assert interval is not None
        covered += interval[0] <= truth <= interval[1]
    assert abs(z_share(covered, trials, 0.95)) < 4


def with_spares(n_spares: int, spare_price: float) -> Scenario:
    """Three nodes of a job that fail and take long to repair, and so many spares."""
    return small(
        2000.0,
        nodes=8,
        job_nodes=3,
        job__spares__nodes=n_spares,
        failures={"node": {"crash": mode(rate=per_h(0.004), clears_at={"rma": 1})}},
        repair=ladder({"rma": rung("20 h", takes_down="unit", meanwhile="swap", part=True)}),
        job__checkpoints={"always": tier(1.0, survives="rma")},
        cost=prices(spare_gpu=f"{spare_price!r} per hour"),
    )


def against(spare_price: float, **known: Any) -> Against:
    designs = [with_spares(n, spare_price) for n in (0, 1)]
    return compare(*designs, replications=12, workers=1, **known).against[0]


def test_at_the_break_even_price_both_designs_cost_the_same() -> None:
    dear = against(50.0)
    found = next(one for one in dear.break_evens if one.key == "spare_gpus")
    assert found.price == 50.0
    assert found.other_uses_more
    assert 0.0 < found.ci95[0] < found.at < found.ci95[1]
    assert dear.metrics["goodput"].is_clear
    at = against(found.at)
    same = at.metrics["cost_per_effective_gpu_hour"]
    assert same.estimate.mean == pytest.approx(0.0, abs=1e-12 * (same.base or 0.0) + 1e-12)
    again = next(one for one in at.break_evens if one.key == "spare_gpus")
    assert (again.at, again.ci95) == (pytest.approx(found.at), pytest.approx(found.ci95))
    # A little below it the other one is cheaper, a little above dearer.
    for price, sign in ((0.9 * found.at, -1), (1.1 * found.at, 1)):
        mean = against(price).metrics["cost_per_effective_gpu_hour"].estimate.mean
        assert mean is not None
        assert mean * sign > 0


def test_the_ratio_is_that_of_the_estimate() -> None:
    base, _ = random_pairs(np.random.default_rng(1), 6)
    costs, hours = [one.cost or 0.0 for one in base], [one.effective_gpu_h for one in base]
    assert sample(base, "cost_per_effective_gpu_hour").estimate == estimate_ratio(costs, hours)
