"""Control variates: their expectation is 0, the adjusted difference is unbiased and covers, and it is worth something."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from ras_sim.engine import simulate
from ras_sim.engine.controls import EARLY_SHARE, controls, expectations
from ras_sim.experiment.compare import compare
from ras_sim.experiment.designs import load_designs
from ras_sim.metrics.controlled import N_FOR_CONTROLS, controlled
from ras_sim.metrics.paired import paired
from ras_sim.scenario.build import setup_of
from ras_sim.scenario.load import load
from tests.theory.test_precision import toy, z_share

ROOT = Path(__file__).parents[2]
TINY = ROOT / "tests" / "scenarios" / "tiny.yaml"
TECHNICIANS = "repair.technicians={count: 3, travel: {kind: lognormal, median: 4 h, sigma: 1.0}, source: assumed}"
LADDER = (
    "repair.ladder.rma={takes_down: unit, duration: {kind: gamma, mean: 6 h, shape: 2}, meanwhile: swap, replaces: true, "
    "technician: true, source: assumed}"
)
MODES = {
    "exponential": "rate: 0.02 per node-day",
    "weibull": "lifetime: {kind: weibull, mean: 100 d, shape: 2}, start_age: 60 d",
    "infant": "lifetime: {kind: weibull, mean: 100 d, shape: 0.5}",
    "frailty": "rate: 0.02 per node-day, frailty: {kind: gamma, variance: 2.0}",
    "in_job": "rate: 0.02 per node-day, clock: in_job",
}


def overrides(mode: str) -> list[str]:
    needs = "symptoms: {crash: 0.8, hang: 0.2}, clears_at: {process_restart: 0.3, rma: 0.7}, source: assumed"
    return [f"failures={{node: {{crash: {{{MODES[mode]}, {needs}}}}}}}", LADDER, TECHNICIANS]


@pytest.mark.parametrize("mode", MODES)
def test_the_expectation_of_each_control_is_zero(mode: str) -> None:
    scenario = load(TINY, overrides(mode))
    found = np.array([controls(scenario, seed=1, replication=k) for k in range(1500)])
    assert np.abs(found.mean(axis=0) / (found.std(axis=0) / math.sqrt(len(found)))).max() < 4
    assert found.std(axis=0).min() > 1, "each must vary"


def test_they_are_made_of_the_faults_and_repairs_that_a_simulation_meets() -> None:
    # Every fault needs an RMA and gets it at once, from as many technicians as there are nodes; none comes twice.
    scenario = load(
        TINY,
        [
            *overrides("exponential"),
            "failures.node.crash.rate=0.004 per node-day",
            "failures.node.crash.clears_at={rma: 1}",
            "repair.policy.start.default=rma",
            "repair.technicians.count=40",
            "horizon=40 d",
        ],
    )
    expected, compared = expectations(setup_of(scenario)), 0
    for k in range(40):
        ledger = simulate(scenario, seed=1, replication=k)
        parts = {row.instance for row in ledger.incidents}
        if len(parts) < len(ledger.incidents) or len(ledger.attempts) < len(ledger.incidents):
            continue  # a second life, or a repair that the horizon cuts off
        found = controls(scenario, seed=1, replication=k)
        assert found.faults + expected.faults == pytest.approx(len(parts))
        manned_h = math.fsum(row.end_h - row.asked_h for row in ledger.attempts)
        assert found.early_h + found.late_h + expected.early_h + expected.late_h == pytest.approx(manned_h)
        early_h = math.fsum(
            row.end_h - row.asked_h for row in ledger.attempts if row.asked_h < EARLY_SHARE * 40 * 24
        )
        assert found.early_h + expected.early_h == pytest.approx(early_h)
        compared += bool(parts)
    assert compared > 5


@pytest.mark.parametrize("n", [20, 60])
@pytest.mark.parametrize("weight", [0.0, 1.0, 3.0])
def test_the_adjusted_interval_covers_the_true_difference(n: int, weight: float) -> None:
    rng = np.random.default_rng([n, round(weight)])
    trials, covered, means, narrower = 3000, 0, [], 0
    for _ in range(trials):
        c = rng.standard_normal((n, 2))
        base = rng.standard_normal(n)
        other = base + 0.5 + weight * (c[:, 0] - c[:, 1]) + rng.standard_normal(n)
        found = controlled(base.tolist(), other.tolist(), c.tolist())
        assert found is not None
        ci95, mean, plain = found.estimate.ci95, found.estimate.mean, paired(base.tolist(), other.tolist())
        assert ci95 is not None
        assert mean is not None
        assert plain.estimate.ci95 is not None
        covered += ci95[0] <= 0.5 <= ci95[1]
        means.append(mean)
        narrower += ci95[1] - ci95[0] < plain.estimate.ci95[1] - plain.estimate.ci95[0]
    assert abs(z_share(covered, trials, 0.95)) < 4
    assert abs((np.mean(means) - 0.5) / (np.std(means) / math.sqrt(trials))) < 4
    # Of variance 1 + 2 weight^2 the 1 is left, times what beta costs.
    assert np.var(means) == pytest.approx((n - 2) / (n - 4) / n, rel=4 * math.sqrt(2 / trials))
    assert (narrower > 0.9 * trials) == (weight > 0)


def test_few_replications_and_controls_that_say_nothing_adjust_nothing() -> None:
    d = [float(i % 7) for i in range(N_FOR_CONTROLS)]
    zero, c = [0.0] * N_FOR_CONTROLS, [[float(i % 3)] for i in range(N_FOR_CONTROLS)]
    assert controlled(zero, d, c) is not None
    assert controlled(zero[1:], d[1:], c[1:]) is None
    assert controlled(zero, zero, c) is None
    assert controlled(zero, d, [[1.0]] * N_FOR_CONTROLS) is None
    assert controlled(zero, d, [()] * N_FOR_CONTROLS) is None


def test_a_comparison_states_what_pairing_and_controls_are_worth_together() -> None:
    base = load(TINY, [*overrides("exponential"), "horizon=30 d", "repair.technicians.count=2"])
    other = load(TINY, [*overrides("exponential"), "horizon=30 d", "repair.technicians.count=2", "job.spares.nodes=0"])
    found = compare(base, other, replications=80, workers=1).against[0]
    plain, adjusted = found.metrics["goodput"], found.adjusted
    assert adjusted is not None
    assert adjusted.variance_factor is not None
    assert plain.variance_factor is not None
    assert adjusted.variance_factor > 1.2 * plain.variance_factor
    # Both are estimates of one number.
    assert adjusted.estimate.mean == pytest.approx(plain.estimate.mean, abs=4 * (plain.estimate.sd or 0) / math.sqrt(80))


def test_what_the_controls_know_nothing_of_is_not_adjusted() -> None:
    designs = load_designs([TINY], [], {"--set-a": ["job.initialise.base=10 min"]})
    assert compare(*designs, replications=19, workers=1).against[0].adjusted is None
    assert compare(*designs, replications=20, workers=1).against[0].adjusted is not None
    assert compare(*designs, replications=20, workers=1, precision=0.5).against[0].adjusted is None
    assert compare(*designs, replications=20, workers=1, simulate=toy).against[0].adjusted is None
