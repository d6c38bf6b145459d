"""The errors of `ras-sim check`: how often a good scenario fails and a bad one passes, over many seeds."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ras_sim.experiment.check import Subject, check
from ras_sim.experiment.rebase import new_baseline
from ras_sim.experiment.replicate import Simulate, measured
from ras_sim.ledger import JobRow, Ledger
from ras_sim.metrics.estimates import Estimate
from ras_sim.metrics.samples import Sample, unpaired_interval
from ras_sim.metrics.sequential import P_WRONG, looks, p_of_each, verdict_of
from ras_sim.scenario.load import load
from ras_sim.scenario.model import Scenario
from ras_sim.streams import stream
from tests.ledgers import empty

pytestmark = pytest.mark.slow  # many starts of the command, or many simulated checks

TINY = Path(__file__).parents[1] / "scenarios" / "tiny.yaml"
SD = 0.01


def scenario(margin: str, *overrides: str, more: str = "") -> Scenario:
    return load(TINY, [f"expect={{goodput: {{no_worse_than_baseline_by: {margin}}}{more}}}", *overrides])


def skewed(rng: np.random.Generator) -> float:
    """Mean 0, standard deviation 1, and the long tail of rare bad runs."""
    return 1.0 - float(rng.standard_exponential())


NOISES: dict[str, Callable[[np.random.Generator], float]] = {
    "normal": lambda rng: float(rng.standard_normal()),
    "skewed": skewed,
}


def made_up(noise: str, goodput: float) -> Simulate:
    """Replications with that goodput and a standard deviation of a point."""

    def simulate(_: Scenario, *, seed: int, replication: int) -> Ledger:
        kept = goodput + SD * NOISES[noise](stream(seed, replication, "synthetic"))
        ledger = empty(100.0, replication, seed)
        ledger.job = [
            JobRow(0, 100, "productive", 100 * kept, -1),
            JobRow(0, 100, "repair", 100 * (1 - kept), -1),
        ]
        return ledger

    return simulate


def verdicts(
    noise: str, margin: str, loss: float, trials: int, more: str = "", limit: int = 640
) -> Counter[str]:
    """Verdicts of checks, each with a baseline of its own, on other seeds than the baseline's."""
    one, found = scenario(margin, more=more), Counter[str]()
    for k in range(trials):
        stored = new_baseline(one, seed=2 * k, simulate=made_up(noise, 0.9), workers=1)
        subject = Subject(one, None, stored)
        simulate = made_up(noise, 0.9 - loss)
        done = check(subject, seed=2 * k + 1, max_replications=limit, simulate=simulate, workers=1)
        assert done.judged[0].method == "unpaired"
        found[done.verdict] += 1
    return found


@pytest.mark.parametrize("noise", NOISES)
def test_a_true_baseline_fails_in_less_than_1_of_100_runs(noise: str) -> None:
    trials = 300
    assert verdicts(noise, "1 %", 0.0, trials)["pass"] > 0.99 * trials


@pytest.mark.parametrize("noise", NOISES)
def test_the_loss_of_a_point_is_caught_in_more_than_99_of_100_runs(noise: str) -> None:
    """Where just a point may be lost, the truth is at the bound: the hardest case, which must not pass."""
    trials = 150
    assert verdicts(noise, "1 %", 0.01, trials, limit=160)["pass"] < 0.01 * trials


@pytest.mark.parametrize("noise", NOISES)
def test_twice_the_loss_allowed_fails_and_is_not_merely_undecided(noise: str) -> None:
    trials = 150
    assert verdicts(noise, "0.5 %", 0.01, trials)["fail"] > 0.99 * trials


def test_more_expectations_do_not_make_more_false_alarms() -> None:
    trials = 200
    more = ", ettr: {at_least: 88 %}, cluster_goodput: {at_least: 70 %}, mtti_h: {at_least: 1 h}"
    assert verdicts("normal", "1 %", 0.0, trials, more)["pass"] > 0.99 * trials


@pytest.mark.slow
@pytest.mark.parametrize("noise", NOISES)
def test_errors_over_very_many_seeds(noise: str) -> None:
    assert verdicts(noise, "1 %", 0.0, 1000)["pass"] > 0.99 * 1000
    assert verdicts(noise, "1 %", 0.01, 400)["pass"] < 0.01 * 400
    assert verdicts(noise, "0.5 %", 0.01, 400)["fail"] > 0.99 * 400


def decided(rng: np.random.Generator, truth: float, strict: bool) -> str:
    """The verdict on `mean >= 0` of normal values, from looks that share an error of P_WRONG or have it each."""
    values = truth + rng.standard_normal(320)
    schedule = looks(320)
    p = p_of_each(len(schedule), 1) if strict else P_WRONG
    for n in schedule:
        verdict = verdict_of(*Sample(values[:n].tolist()).interval(p), 0.0)
        if verdict != "undecided":
            return verdict
    return "undecided"


def test_repeated_looks_at_the_bound_err_as_often_as_allowed_and_naive_ones_more_often() -> None:
    """At the bound itself either verdict is an error, or next to one: each must be as rare as promised."""
    rng = np.random.default_rng(21)
    trials = 4000
    strict = Counter(decided(rng, 0.0, True) for _ in range(trials))
    naive = Counter(decided(rng, 0.0, False) for _ in range(trials))
    se = math.sqrt(P_WRONG * (1 - P_WRONG) / trials)
    assert strict["pass"] / trials < P_WRONG + 3 * se
    assert strict["fail"] / trials < P_WRONG + 3 * se
    assert naive["pass"] / trials > P_WRONG + 3 * se


def z_share(n_hits: int, n: int, expected: float) -> float:
    """Standard errors between a share of n trials and what it should be."""
    return (n_hits / n - expected) / math.sqrt(expected * (1 - expected) / n)


@pytest.mark.parametrize(("n", "p_beyond"), [(20, 0.025), (40, 0.005)])
def test_the_interval_of_a_ratio_errs_to_either_side_as_said(n: int, p_beyond: float) -> None:
    """Hours of running per interruption, both of which vary and go together."""
    rng = np.random.default_rng([n, round(1000 * p_beyond)])
    trials, below, above = 4000, 0, 0
    for _ in range(trials):
        counts = rng.poisson(40.0, n)
        hours = 2000.0 - 3.0 * counts + 5.0 * rng.standard_normal(n)
        low, high = Sample(hours.tolist(), counts.astype(float).tolist()).interval(p_beyond)
        truth = (2000.0 - 3.0 * 40.0) / 40.0
        below, above = below + (truth < low), above + (truth > high)
    # Counts of 40 are skewed by 0.16: not exact.
    assert abs(z_share(below, trials, p_beyond)) < 4
    assert abs(z_share(above, trials, p_beyond)) < 4


@pytest.mark.parametrize("mean", [0.02, 0.2])
def test_a_count_that_never_occurred_has_the_bound_of_poisson_counts(mean: float) -> None:
    rng = np.random.default_rng(5)
    trials, p_beyond, n = 4000, 0.01, 20
    beyond = 0
    for _ in range(trials):
        counts = rng.poisson(mean, n).astype(float)
        if not counts.any():
            beyond += mean > Sample(counts.tolist(), is_count=True).interval(p_beyond)[1]
    assert beyond <= p_beyond * trials + 4 * math.sqrt(p_beyond * trials)


@pytest.mark.parametrize(("n_a", "n_b", "sd_b"), [(20, 20, 1.0), (20, 80, 3.0), (50, 20, 0.3)])
def test_welchs_interval_covers(n_a: int, n_b: int, sd_b: float) -> None:
    rng = np.random.default_rng([n_a, n_b])
    trials, covered = 4000, 0
    for _ in range(trials):
        a, b = rng.standard_normal(n_a), 0.5 + sd_b * rng.standard_normal(n_b)
        estimates = [Estimate(float(one.mean()), None, float(one.std(ddof=1)), len(one)) for one in (a, b)]
        _, (low, high) = unpaired_interval(*estimates, p_beyond=0.025)
        covered += low <= 0.5 <= high
    assert abs(z_share(covered, trials, 0.95)) < 4


@pytest.mark.slow
def test_the_engine_itself_over_many_seeds() -> None:
    """A small cluster with failures: a true baseline on other seeds passes; a dearer checkpoint is caught either way.

    How much the change costs is measured first, so that the loss allowed is known to be half of it.
    """
    dearer = "job.checkpoints.remote.blocking=3 min"
    n, trials = 400, 200
    means = [
        float(np.mean([one.goodput for one in measured(scenario("1 %", *change), 10**6, range(n))]))
        for change in ((), (dearer,))
    ]
    loss = means[0] - means[1]
    assert loss > 0.01
    margin = f"{loss / 2:.4f}"
    good, bad = scenario(margin), scenario(margin, dearer)
    passed, failed = 0, Counter[str]()
    for k in range(trials):
        stored = new_baseline(good, seed=2 * k, workers=1)
        passed += check(Subject(good, None, stored), seed=2 * k + 1, workers=1).verdict == "pass"
        for seed in (2 * k, 2 * k + 1):
            found = check(Subject(bad, None, stored), seed=seed, workers=1)
            failed[found.judged[0].method] += found.verdict == "fail"
    assert passed > 0.99 * trials
    assert failed["paired"] > 0.99 * trials
    assert failed["unpaired"] > 0.99 * trials
