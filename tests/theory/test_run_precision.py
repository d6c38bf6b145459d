"""A run to a precision: its interval is as narrow as wanted, is the one that is reported, and covers as it says."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from ras_sim.errors import InputError
from ras_sim.experiment.replicate import run
from ras_sim.experiment.result import Result
from ras_sim.ledger import IncidentRow, JobRow, Ledger
from ras_sim.metrics.estimates import estimate, t_quantile
from ras_sim.metrics.paired import pseudo_values
from ras_sim.metrics.precision import Aim, Wish, aim_of, estimate_to, half_width_so_far
from ras_sim.metrics.samples import Sample
from ras_sim.scenario.model import Scenario
from ras_sim.streams import stream
from tests.ledgers import empty
from tests.small import small

Draw = Callable[[np.random.Generator, int], Sample]


def joined(a: Sample, b: Sample) -> Sample:
    per = None if a.per is None or b.per is None else [*a.per, *b.per]
    return Sample([*a.values, *b.values], per)


def run_to(draw: Draw, rng: np.random.Generator, n_first: int, wish: Wish) -> tuple[Sample, Aim]:
    """What `run` does, with values in place of replications."""
    values = draw(rng, n_first)
    aim = aim_of(values, n_first, wish)
    while len(values.values) < aim.n_wanted:
        values = joined(values, draw(rng, aim.n_wanted - len(values.values)))
        aim = aim_of(values, n_first, wish)
    return values, aim


def covered(draw: Draw, truth: float, n_first: int, wish: Wish, trials: int) -> float:
    """Standard errors by which the share of intervals that cover is above 95%."""
    rng, hits = np.random.default_rng([n_first, round(1e4 * wish.half_width)]), 0
    for _ in range(trials):
        values, aim = run_to(draw, rng, n_first, wish)
        ci95 = estimate_to(values, aim).ci95
        assert ci95 is not None
        if aim.is_reached:
            wide = ci95[1] / ci95[0] <= (1 + wish.half_width) ** 2 * (1 + 1e-9) if wish.relative else None
            assert wide or (ci95[1] - ci95[0]) / 2 <= wish.half_width * (1 + 1e-9)
        hits += ci95[0] <= truth <= ci95[1]
    return (hits / trials - 0.95) / math.sqrt(0.95 * 0.05 / trials)


def normal(rng: np.random.Generator, n: int) -> Sample:
    return Sample((3.0 + rng.standard_normal(n)).tolist())


@pytest.mark.parametrize("n_first", [10, 40])
@pytest.mark.parametrize("half_width", [0.2, 0.5])
def test_of_normal_values_it_covers_at_least_95_percent(n_first: int, half_width: float) -> None:
    assert covered(normal, 3.0, n_first, Wish("goodput", half_width, False, 10_000), 2000) > -4


def test_a_ceiling_leaves_the_coverage_and_is_said() -> None:
    wish = Wish("goodput", 0.2, False, 30)
    assert covered(normal, 3.0, 10, wish, 3000) > -4
    values, aim = run_to(normal, np.random.default_rng(1), 10, wish)
    assert (len(values.values), aim.is_reached) == (30, False)
    assert aim.n_needed is not None
    assert aim.n_needed > 30


def test_looking_at_the_ordinary_interval_at_the_same_moments_would_cheat() -> None:
    # Without the first stage's bound the same looks stop too early: a first stage of five, looked at one by one.
    rng, trials, hits = np.random.default_rng(3), 3000, 0
    quantiles = [t_quantile(df) for df in range(1, 500)]
    for _ in range(trials):
        values, n = rng.standard_normal(500), 5
        while quantiles[n - 2] * values[:n].std(ddof=1) / math.sqrt(n) > 0.5:
            n += 1
        hits += abs(values[:n].mean()) <= quantiles[n - 2] * values[:n].std(ddof=1) / math.sqrt(n)
    assert (hits / trials - 0.95) / math.sqrt(0.95 * 0.05 / trials) < -4


def mtti(mean: float, shape: float | None) -> tuple[Draw, float]:
    """Interruptions, Poisson or more scattered, each of which costs two of 2,000 hours; and the true MTTI."""

    def draw(rng: np.random.Generator, n: int) -> Sample:
        counts = rng.poisson(mean if shape is None else rng.gamma(shape, mean / shape, n), n)
        return Sample(
            (2000.0 - 2.0 * counts - rng.exponential(20.0, n)).tolist(), counts.astype(float).tolist()
        )

    return draw, (1980.0 - 2.0 * mean) / mean


@pytest.mark.parametrize("relative", [True, False])
@pytest.mark.parametrize(("mean", "shape"), [(40.0, None), (40.0, 8.0), (5.0, None)])
def test_of_an_mtti_it_covers_95_percent(relative: bool, mean: float, shape: float | None) -> None:
    draw, truth = mtti(mean, shape)
    wish = Wish("mtti_h", 0.1 if relative else 0.1 * truth, relative, 10_000)
    assert covered(draw, truth, 20, wish, 1500) > -4


def outages(rng: np.random.Generator, n: int) -> Sample:
    """Goodput around 97%, and one replication in five with an outage of 5% on average."""
    hit = np.where(rng.random(n) < 0.2, rng.exponential(0.05, n), 0.0)
    return Sample((0.97 + 0.005 * rng.standard_normal(n) - hit).tolist())


def test_of_rare_long_outages_it_covers_less_and_more_with_a_longer_first_stage() -> None:
    # What the page 0023 says: no interval knows of what it has not seen. The longer the first stage, the better.
    wish, trials = Wish("goodput", 0.0125, False, 10_000), 1500
    short, long = (covered(outages, 0.96, n, wish, trials) for n in (10, 160))
    assert short < -4
    assert long > short + 10


def test_a_relative_precision_is_one_of_the_logarithm() -> None:
    values = [30.0, 40.0, 50.0, 44.0, 36.0]
    logs = [5 * math.log(40.0) - 4 * math.log((200.0 - x) / 4) for x in values]
    half = half_width_so_far(Sample(values), 5, Wish("interruptions", 0.1, True, 100))
    assert half == pytest.approx(math.expm1(t_quantile(4) * np.std(logs, ddof=1) / math.sqrt(5)))
    assert pseudo_values(values, [1.0] * 5, log=True).tolist() == pytest.approx(logs)


def test_without_a_second_stage_it_is_the_ordinary_interval() -> None:
    values = Sample([1.0, 2.0, 4.0, 8.0])
    assert estimate_to(values, aim_of(values, 4, Wish("goodput", 100.0, False, 9))) == estimate(values.values)


def test_values_that_are_all_alike_say_nothing_of_their_spread() -> None:
    alike = Sample([1.0] * 10)
    aim = aim_of(alike, 10, Wish("goodput", 0.1, False, 1000))
    assert (aim.n_needed, aim.n_wanted, aim.is_reached) == (None, 20, False)


# ---------------------------------------------------------------------- of a whole run


def toy(scenario: Scenario, *, seed: int, replication: int) -> Ledger:
    """Twenty of 100 hours are lost, give or take one; four interruptions, give or take."""
    rng = stream(seed, replication, "toy")
    lost_h = 20.0 + rng.standard_normal()
    ledger = empty(100.0, replication, seed)
    ledger.job = [
        JobRow(0.0, 100.0, "productive", 100.0 - lost_h, -1),
        JobRow(0.0, 100.0, "restore", lost_h, -1),
    ]
    row = IncidentRow(
        0, 0, "gpu", "faulty", 0, 0, "crash", 1.0, 1.0, 1.0, 2.0, "reset", "reset", 1, "fixed", "interrupted",
        1, 1, 1.0, 1,
    )  # fmt: skip
    ledger.incidents = [row._replace(incident_id=i, root_id=i) for i in range(int(rng.poisson(4.0)))]
    return ledger


def run_toy(**arguments: object) -> Result:
    keys = {"replications": 10, "workers": 1, "precision": 0.002, "simulate": toy} | arguments
    return run(small(), **keys)  # type: ignore[arg-type]


@pytest.mark.slow  # a few hundred studies, each with its interval
def test_a_run_to_a_precision_covers_the_known_goodput() -> None:
    trials, hits = 300, 0
    for seed in range(trials):
        found = run_toy(seed=seed)
        ci95 = found.aggregate.metrics["goodput"].ci95
        assert ci95 is not None
        assert found.is_precise
        assert (ci95[1] - ci95[0]) / 2 <= 0.002
        hits += ci95[0] <= 0.8 <= ci95[1]
    assert (hits / trials - 0.95) / math.sqrt(0.95 * 0.05 / trials) > -4


@pytest.mark.parametrize(
    ("metric", "precision"),
    [
        ("goodput", 0.002),
        ("mtti_h", "5 %"),
        ("mtti_h", "60 min"),
        ("time_h.restore", "15 min"),
        ("interruptions", 0.4),
    ],
)
def test_the_interval_of_the_rule_is_the_one_that_is_reported(metric: str, precision: float | str) -> None:
    found = run_toy(seed=4, metric=metric, precision=precision)
    assert found.aim is not None
    assert found.is_precise
    assert found.replications == len(found.measures) == found.aim.n_needed > 10
    made = found.to_json()["precision"]
    assert (made["metric"], made["reached"], made["n_first"]) == (metric, True, 10)
    table, _, key = metric.partition(".")
    total = found.aggregate
    reported = getattr(total, table)[key] if key else total.metrics[metric]
    assert reported == found.aimed
    assert made["ci95"] == list(reported.ci95)
    again = run_toy(seed=4, replications=len(found.measures), precision=None).aggregate
    ordinary = getattr(again, table)[key] if key else again.metrics[metric]
    assert reported.mean == ordinary.mean
    assert reported.ci95 != ordinary.ci95


def test_what_was_finished_before_is_not_run_again_and_decides_the_same() -> None:
    whole = run_toy(seed=2)
    kept = [one for one in whole.ledgers if one.replication % 3]  # of an interrupted run with many workers
    calls: list[int] = []

    def counted(scenario: Scenario, *, seed: int, replication: int) -> Ledger:
        calls.append(replication)
        return toy(scenario, seed=seed, replication=replication)

    resumed = run_toy(seed=2, done=kept, simulate=counted)
    assert resumed.measures == whole.measures
    assert resumed.aim == whole.aim
    assert calls == [one.replication for one in whole.measures if one.replication % 3 == 0]


@pytest.mark.parametrize("stop_at", [5, 30])
def test_an_interrupted_run_knows_what_it_was_aiming_at(stop_at: int) -> None:
    def stopped(scenario: Scenario, *, seed: int, replication: int) -> Ledger:
        if replication == stop_at:
            raise KeyboardInterrupt
        return toy(scenario, seed=seed, replication=replication)

    found = run_toy(simulate=stopped)
    assert (found.interrupted, len(found.measures), found.is_precise) == (True, stop_at, False)
    assert (found.aim is not None) == (stop_at == 30)


def test_who_watches_sees_the_interval_close_and_changes_nothing() -> None:
    seen: list[float | None] = []
    watched = run_toy(seed=3, closing_in=lambda half, _wish: seen.append(half))
    assert replace(watched, wall_s=0.0) == replace(run_toy(seed=3), wall_s=0.0)
    known = [half for half in seen if half is not None]
    assert seen[0] is None
    assert known[-1] < 0.0022 < known[0]
    assert len(known) > 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"precision": 0.0}, "precision: got 0.0, want points"),
        ({"precision": "100%"}, "precision: got '100%'"),
        ({"precision": "5 min"}, "precision: got '5 min', want points"),
        ({"precision": "5", "metric": "mtti_h"}, "precision: got '5', want more than 0, as a time"),
        ({"precision": "0,2%"}, r"precision: got '0,2%', want points .*write '0\.2%' with a point"),
        ({"metric": "goodputt"}, "did you mean 'goodput'"),
        ({"replications": 9}, "replications: got 9, want >= 10 to begin with"),
        ({"max_replications": 9}, "max-replications: got 9, want >= 10"),
        ({"precision": None, "metric": "mtti_h"}, "metric: got 'mtti_h', want a precision with it"),
    ],
)
def test_bad_arguments(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        run_toy(**arguments)


def test_of_a_metric_that_does_not_exist_no_precision_is_judged() -> None:
    """1 h is no share, and a good precision of the metric that was meant."""
    with pytest.raises(InputError) as caught:
        run_toy(metric="mttih", precision="1 h")
    assert [problem.where for problem in caught.value.problems] == ["--metric"]
