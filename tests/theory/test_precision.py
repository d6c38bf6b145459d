"""A comparison to a precision: its intervals are as narrow as wanted, and cover as often as they say."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from ras_sim.errors import InputError
from ras_sim.experiment.compare import Comparison, compare
from ras_sim.experiment.designs import load_designs
from ras_sim.ledger import JobRow, Ledger
from ras_sim.metrics.estimates import estimate, t_quantile
from ras_sim.metrics.paired import paired
from ras_sim.metrics.precision import needed_by, paired_reach, paired_to
from ras_sim.metrics.samples import Sample
from ras_sim.scenario.model import Scenario
from ras_sim.streams import stream
from tests.ledgers import empty
from tests.small import small

pytestmark = pytest.mark.slow  # statistics over many lives

TINY = Path(__file__).parents[1] / "scenarios" / "tiny.yaml"


def z_share(n_hits: int, n: int, expected: float) -> float:
    """Standard errors between a share of n trials and what it should be."""
    return (n_hits / n - expected) / math.sqrt(expected * (1 - expected) / n)


@pytest.mark.parametrize("n_first", [10, 20])
@pytest.mark.parametrize("half_width", [0.2, 0.5])
def test_the_interval_is_narrow_enough_and_covers(n_first: int, half_width: float) -> None:
    rng = np.random.default_rng([n_first, round(10 * half_width)])
    trials, covered, more = 3000, 0, 0
    for _ in range(trials):
        other, n = rng.standard_normal(n_first) + 1.0, n_first
        while True:
            base = Sample([0.0] * len(other))
            reach = paired_reach(base, Sample(other.tolist()), n_first)
            assert reach is not None
            n = reach.n_needed(half_width)
            if n == len(other):
                break
            other = np.concatenate([other, rng.standard_normal(n - len(other)) + 1.0])
        ci95 = paired_to(base, Sample(other.tolist()), n_first).estimate.ci95
        assert ci95 is not None
        assert (ci95[1] - ci95[0]) / 2 <= half_width * (1 + 1e-12)
        covered += ci95[0] <= 1.0 <= ci95[1]
        more += n > n_first
    assert more > trials / 4, "the second stage must matter"
    assert z_share(covered, trials, 0.95) > -4


def test_stein_from_the_first_stage_alone_covers_exactly() -> None:
    # The bound below which no interval falls: with it any number of looks covers at least as often.
    rng, trials, covered = np.random.default_rng(8), 4000, 0
    for _ in range(trials):
        first = rng.standard_normal(10)
        n = needed_by(estimate(first.tolist()), 0.3)
        mean = np.concatenate([first, rng.standard_normal(n - 10)]).mean()
        covered += abs(mean) <= t_quantile(9) * first.std(ddof=1) / math.sqrt(n)
    assert abs(z_share(covered, trials, 0.95)) < 4


def test_peeking_after_every_replication_would_cheat() -> None:
    # What the rule is there for: stop as soon as the ordinary interval is narrow enough, and it covers too seldom.
    rng = np.random.default_rng(2)
    trials, covered = 1500, 0
    quantiles = [t_quantile(n - 1) for n in range(2, 400)]
    for _ in range(trials):
        values = rng.standard_normal(400)
        for n in range(5, 400):
            half = quantiles[n - 2] * values[:n].std(ddof=1) / math.sqrt(n)
            if half <= 0.5:
                break
        covered += abs(values[:n].mean()) <= half
    assert z_share(covered, trials, 0.95) < -4


def test_one_stage_is_the_ordinary_interval() -> None:
    base, other = [1.0, 2.0, 4.0, 8.0], [2.0, 2.5, 6.0, 9.5]
    assert paired_to(Sample(base), Sample(other), 4) == paired(base, other)


def toy(scenario: Scenario, *, seed: int, replication: int) -> Ledger:
    """Twenty of 100 hours are lost, give or take; the design called better saves one, give or take."""
    rng = stream(seed, replication, "toy")
    lost_h = 20.0 + rng.standard_normal()
    if scenario.name == "better":
        lost_h -= 1.0 + 0.5 * rng.standard_normal()
    ledger = empty(100.0, replication, seed)
    ledger.job = [
        JobRow(0.0, 100.0, "productive", 100.0 - lost_h, -1),
        JobRow(0.0, 100.0, "restore", lost_h, -1),
    ]
    return ledger


def compare_toy(seed: int, **arguments: object) -> Comparison:
    designs = small(name="base"), small(name="better")
    keys = {"seed": seed, "replications": 10, "workers": 1, "precision": 0.002, "simulate": toy} | arguments
    return compare(*designs, **keys)  # type: ignore[arg-type]


@pytest.mark.slow  # a few hundred studies, each with its interval
def test_a_comparison_to_a_precision_covers_the_known_difference() -> None:
    trials, covered, counts = 300, 0, []
    for seed in range(trials):
        found = compare_toy(seed)
        ci95 = found.against[0].metrics["goodput"].estimate.ci95
        assert ci95 is not None
        assert found.is_precise
        assert (ci95[1] - ci95[0]) / 2 <= 0.002
        covered += ci95[0] <= 0.01 <= ci95[1]
        counts.append(found.n_finished)
    assert z_share(covered, trials, 0.95) > -4
    # At least as many as Stein's rule takes, (t s / h)^2 = (2.262 * 0.005 / 0.002)^2 on average, and not many more.
    steins = (t_quantile(9) * 2.5) ** 2
    assert 0.9 * steins < np.mean(counts) < 1.25 * steins


def test_the_ceiling_is_kept_and_said() -> None:
    found = compare_toy(1, max_replications=12)
    assert (found.n_finished, found.is_precise) == (12, False)
    made = found.to_json()["precision"]
    assert (made["n_first"], made["max_replications"], made["reached"]) == (10, 12, False)
    assert made["n_needed"] > 12


@pytest.mark.parametrize("workers", [1, 2])
def test_a_real_comparison_goes_on_until_it_is_precise(workers: int) -> None:
    designs = load_designs([TINY], [], {"--set-a": ["job.initialise.base=10 min"]})
    found = compare(*designs, replications=10, precision=0.001, workers=workers)
    ci95 = found.against[0].metrics["goodput"].estimate.ci95
    assert ci95 is not None
    assert (ci95[1] - ci95[0]) / 2 <= 0.001
    assert found.aim is not None
    assert found.aim.n_needed is not None
    assert found.n_finished == found.aim.n_needed > 10
    assert [one.replication for one in found.measures[0]] == list(range(found.n_finished))


@pytest.mark.parametrize(
    ("metric", "precision"), [("mtti_h", "3 h"), ("interruptions", 2.0), ("ettr", "0.1%")]
)
def test_a_precision_may_be_about_another_metric(metric: str, precision: float | str) -> None:
    designs = load_designs([TINY], [], {"--set-a": ["job.initialise.base=30 min", "job.spares.swap=20 min"]})
    found = compare(*designs, replications=10, precision=precision, metric=metric, workers=1)
    assert found.aim is not None
    assert found.is_precise
    ci95 = found.against[0].metrics[metric].estimate.ci95
    assert ci95 is not None
    assert (ci95[1] - ci95[0]) / 2 <= found.aim.wish.half_width
    assert found.to_json()["precision"]["metric"] == metric


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"precision": 0.0}, "precision: got 0.0"),
        ({"precision": "5 %", "metric": "mtti_h"}, "a difference may be 0, and has no shares"),
        ({"metric": "time_h.restore"}, "metric: got 'time_h.restore', want goodput, ettr"),
        ({"precision": 1.5}, "precision: got 1.5"),
        ({"replications": 9}, "replications: got 9, want >= 10 to begin with"),
        ({"max_replications": 9}, "max-replications: got 9, want >= 10"),
    ],
)
def test_bad_arguments(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        compare_toy(1, **arguments)
