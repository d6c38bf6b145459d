"""Metrics of ledgers made by hand against arithmetic by hand, and intervals against their promise."""

from __future__ import annotations

import math
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ras_sim.errors import ModelError
from ras_sim.ledger import CATEGORIES, JobRow, Ledger, ResourceRow
from ras_sim.metrics import (
    Measures,
    RungCount,
    aggregate,
    check_conservation,
    estimate,
    estimate_ratio,
    measure,
)
from ras_sim.metrics.estimates import estimates
from tests.ledgers import FakeScenario, by_hand, empty, incident, simulate


@pytest.fixture
def hand() -> Measures:
    return measure(by_hand())


def only_productive(hours: float = 100.0) -> Ledger:
    ledger = empty(hours)
    ledger.job = [JobRow(0, hours, "productive", hours, -1)]
    return ledger


def test_headline_numbers(hand: Measures) -> None:
    assert hand.goodput == pytest.approx(0.83)
    assert hand.ettr == pytest.approx((83 + 1) / (100 - 4))
    assert hand.cluster_goodput == pytest.approx(0.83 * 8 / 10)
    assert (hand.interruptions, hand.planned_interruptions) == (2, 1)
    # productive 83, degraded 1, lost work 3, checkpoints 2, throttled 1
    assert hand.running_h == pytest.approx(90)
    assert hand.mtti_h == pytest.approx(45)


def test_hours_of_every_category(hand: Measures) -> None:
    want = dict.fromkeys(CATEGORIES, 0.0) | {
        "productive": 83.0,
        "degraded": 1.0,
        "lost_work": 3.0,
        "checkpoint_save": 2.0,
        "detect": 0.5,
        "repair": 2.5,
        "initialise": 2.0,
        "restore": 1.0,
        "planned": 4.0,
        "power_throttle": 1.0,
    }
    assert hand.time_h == pytest.approx(want)
    assert list(hand.time_h) == list(CATEGORIES)


def test_a_return_is_blamed_on_its_root(hand: Measures) -> None:
    assert hand.interruptions_by_mode == {"hbm.due": 2}
    assert hand.interruptions_by_class == {"hbm": 2}
    lost = {
        "hbm.due": 8 * (4.5 + 3.5),
        "optic.flap": 8 * 1.0,
        "planned.upgrade": 8 * 4.0,
        "checkpoint": 8 * 2.0,
        "power": 8 * 1.0,
        "start": 8 * 1.0,
    }
    assert hand.lost_gpu_hours_by_mode == pytest.approx(lost)
    assert hand.lost_gpu_hours_by_class == pytest.approx(
        {key.partition(".")[0]: value for key, value in lost.items()}
    )


def test_faults_rungs_and_stages(hand: Measures) -> None:
    assert hand.faults_by_mode == {"gpu.hang": 0, "hbm.due": 1, "optic.flap": 5}
    assert hand.rungs == {"gpu_reset": RungCount(2, 0), "rma": RungCount(1, 1)}
    stages = {name: (ratio.total, ratio.count) for name, ratio in hand.mttr_h.items()}
    assert stages == {
        "detect": (0.5, 2),
        "locate": (0.25, 1),
        "repair": (23.25, 1),
        "total": (30.5, 2),
        "wait": (1.0, 2),
    }
    assert hand.mttr_h["total"].value == 15.25


def test_availability_counts_overlap_on_a_node_once(hand: Measures) -> None:
    # node 3: one GPU from 41, four GPUs from 63.5 to 70; the tolerated and the planned incident take nothing.
    assert hand.gpu_availability == pytest.approx(1 - (22.5 * 1 + 6.5 * 4) / (10 * 100))


@pytest.mark.parametrize(
    ("changes", "lost_gpu_h"),
    [
        ({"arrive_h": 90.0}, 10.0),  # open to the end of the run
        ({"arrive_h": 10.0, "detected_h": 30.0, "closed_h": 50.0, "symptom": "silent"}, 20.0),
        ({"arrive_h": 10.0, "detected_h": 30.0, "closed_h": 50.0, "symptom": "hang"}, 40.0),
        ({"arrive_h": 10.0, "closed_h": 50.0, "symptom": "silent"}, 0.0),  # never found
        ({"arrive_h": 10.0, "closed_h": 150.0}, 90.0),  # closed after the end
        ({"arrive_h": 10.0, "closed_h": 20.0, "n_nodes_hit": 4, "n_gpus_hit": 5, "node": -1}, 50.0),
        ({"arrive_h": 10.0, "closed_h": 20.0, "n_gpus_hit": 0}, 0.0),
        ({"arrive_h": 10.0, "closed_h": 20.0, "n_gpus_hit": 1, "n_gpus_out": 8}, 80.0),  # the whole node is out
    ],
)
def test_gpu_hours_out_of_service(changes: dict[str, object], lost_gpu_h: float) -> None:
    ledger = only_productive()
    ledger.incidents = [incident(0, "gpu", "due", **changes)]
    assert measure(ledger).gpu_availability == pytest.approx(1 - lost_gpu_h / 1000)


def test_use_of_resources(hand: Measures) -> None:
    spares = hand.resources["spare_nodes"]
    assert spares.mean == pytest.approx((2 * 41.5 + 1 * 22 + 0 * 2 + 1 * 24.5 + 2 * 10) / 100)
    assert (spares.low, spares.high) == (0, 2)
    assert spares.zero_frac == pytest.approx(0.02)
    busy = hand.resources["technicians_busy"]
    assert busy.mean == pytest.approx(0.05)
    assert busy.zero_frac == pytest.approx(0.95)


def test_a_level_that_lasts_no_time_is_no_state() -> None:
    ledger = only_productive()
    rows = [(0.0, 3), (10.0, -3), (10.0, 2), (120.0, -2)]  # the last one after the end
    ledger.resources = [ResourceRow(time_h, "spares", change) for time_h, change in rows]
    use = measure(ledger).resources["spares"]
    assert (use.low, use.high, use.zero_frac) == (2, 3, 0.0)
    assert use.mean == pytest.approx(2.1)


def test_a_queue_is_empty_until_somebody_stands_in_it() -> None:
    ledger = only_productive()
    ledger.resources = [ResourceRow(60.0, "queue", 1), ResourceRow(80.0, "queue", -1)]
    use = measure(ledger).resources["queue"]
    assert (use.low, use.high) == (0, 1)
    assert (use.mean, use.zero_frac) == pytest.approx((0.2, 0.8))


def test_without_interruptions_there_is_no_mtti() -> None:
    calm = measure(only_productive())
    assert calm.mtti_h is None
    assert calm.goodput == 1.0
    total = aggregate([calm, calm, calm])
    assert total.metrics["mtti_h"].mean is None
    assert total.metrics["interruptions"].mean == 0.0


def test_effects_that_are_no_interruption() -> None:
    ledger = only_productive()
    effects = ("none", "paused", "extended", "slowed", "drained", "interrupted")
    ledger.incidents = [incident(i, "gpu", "x", job_effect=effect) for i, effect in enumerate(effects)]
    planned = incident(9, "planned", "p", job_effect="extended", symptom="planned")
    ledger.incidents.append(planned)
    measures = measure(ledger)
    assert (measures.interruptions, measures.planned_interruptions) == (2, 0)


hours = st.floats(0.0, 1e4, allow_nan=False)
rows = st.lists(st.tuples(st.sampled_from(CATEGORIES), hours, st.integers(-1, 3)), max_size=30)


@given(rows)
def test_lost_gpu_hours_are_all_that_is_not_productive(made: list[tuple[str, float, int]]) -> None:
    made = [*made, ("productive", 1.0, -1)]
    ledger = empty(math.fsum(h for _, h, _ in made))
    ledger.job = [JobRow(0.0, 0.0, category, h, blamed) for category, h, blamed in made]
    ledger.incidents = [incident(i, "gpu", f"m{i % 2}", root_id=i % 3) for i in range(4)]
    check_conservation(ledger)
    measures = measure(ledger)
    lost = (measures.horizon_h - measures.time_h["productive"]) * 8
    for by_cause in (measures.lost_gpu_hours_by_class, measures.lost_gpu_hours_by_mode):
        assert math.fsum(by_cause.values()) == pytest.approx(lost, abs=1e-6)
    assert 0 <= measures.goodput <= 1 + 1e-12


def test_conservation_holds_by_hand() -> None:
    check_conservation(by_hand())


@pytest.mark.parametrize("slip", [1e-6, -1e-6, 1.0, math.nan])
def test_conservation_finds_a_missing_or_an_extra_hour(slip: float) -> None:
    ledger = by_hand()
    ledger.job.append(JobRow(99, 100, "repair", slip, 2))
    with pytest.raises(ModelError, match="sum to"):
        check_conservation(ledger)


def test_conservation_finds_work_lost_twice() -> None:
    ledger = only_productive()
    ledger.job += [JobRow(100, 100, "productive", -101.0, 0), JobRow(100, 100, "lost_work", 101.0, 0)]
    with pytest.raises(ModelError, match=r"productive is -1\.0 h"):
        check_conservation(ledger)


def test_conservation_forgives_rounding() -> None:
    ledger = empty(300.0)
    ledger.job = [JobRow(0, 0, "productive", 0.1, -1)] * 3000
    check_conservation(ledger)


def test_impossible_rows_are_model_errors() -> None:
    ledger = only_productive()
    ledger.job.append(JobRow(0, 0, "lunch", 0.0, -1))
    with pytest.raises(ModelError, match="lunch"):
        measure(ledger)
    ledger.job[-1] = JobRow(0, 0, "repair", 0.0, 17)
    with pytest.raises(ModelError, match="incident 17 has no row"):
        measure(ledger)
    with pytest.raises(ModelError, match="horizon"):
        measure(empty(0.0))


@pytest.mark.parametrize("n", [2, 5, 30])
def test_the_t_interval_covers_95_percent(n: int) -> None:
    rng = np.random.default_rng(n)
    trials = 4000
    hits = 0
    for sample in rng.normal(3.0, 2.0, (trials, n)):
        interval = estimate(sample.tolist()).ci95
        assert interval is not None
        hits += interval[0] <= 3.0 <= interval[1]
    z = (hits - 0.95 * trials) / math.sqrt(trials * 0.95 * 0.05)
    assert abs(z) < 4


@pytest.mark.parametrize("rate", [4.0, 40.0])
@pytest.mark.parametrize("n", [5, 20])
def test_the_mtti_interval_covers(rate: float, n: int) -> None:
    """The jackknife is asymptotic: it may miss 95% by two points, beside the error of the trial."""
    rng = np.random.default_rng(7)
    trials = 2000
    hits = 0
    for counts in rng.poisson(rate, (trials, n)):
        interval = estimate_ratio((1000 - 3.0 * counts).tolist(), counts.tolist()).ci95
        assert interval is not None
        hits += interval[0] <= (1000 - 3 * rate) / rate <= interval[1]
    assert abs(hits / trials - 0.95) < 0.02 + 3 * math.sqrt(0.95 * 0.05 / trials)


def test_the_jackknife_against_brute_force() -> None:
    x, y = [90.0, 80.0, 95.0, 70.0], [2, 5, 1, 6]
    one_out = [(335 - x_i) / (14 - y_i) for x_i, y_i in zip(x, y, strict=True)]
    se = math.sqrt(3 / 4 * sum((r - sum(one_out) / 4) ** 2 for r in one_out))
    logs = [math.log(r) for r in one_out]
    log_se = math.sqrt(3 / 4 * sum((r - sum(logs) / 4) ** 2 for r in logs))
    got = estimate_ratio(x, y)
    ratio = 335 / 14
    assert got.mean == pytest.approx(ratio)
    assert got.sd == pytest.approx(se * math.sqrt(4))
    t3 = 3.182446305284263  # two-sided 95% quantile of Student's t with 3 degrees of freedom, from tables
    assert got.ci95 == pytest.approx((ratio * math.exp(-t3 * log_se), ratio * math.exp(t3 * log_se)))


def test_a_ratio_that_one_replication_decides_has_no_interval() -> None:
    assert estimate_ratio([100.0, 90.0], [0, 2]) == estimate_ratio([90.0, 100.0], [2, 0])
    assert estimate_ratio([100.0, 90.0], [0, 2]).ci95 is None
    assert estimate_ratio([100.0, 90.0], [0, 2]).mean == 95.0
    assert estimate_ratio([90.0], [2]).ci95 is None


def test_estimates_by_hand() -> None:
    got = estimate([1.0, 2.0, 6.0])
    assert (got.mean, got.n) == (3.0, 3)
    assert got.sd == pytest.approx(math.sqrt(7))
    half = 4.302652729911275 * math.sqrt(7 / 3)
    assert got.ci95 == pytest.approx((3 - half, 3 + half))
    same = estimate([0.1] * 7)
    assert (same.mean, same.sd, same.ci95) == (0.1, 0.0, (0.1, 0.1))
    assert estimate([]).mean is None


@pytest.mark.parametrize("n", [1, 2, 7, 8, 9, 130, 1001])
def test_a_table_of_rows_is_estimated_as_its_rows_are(n: int) -> None:
    rng = np.random.default_rng(n)
    rows = [*rng.standard_normal((5, n)).tolist(), [0.1] * n, rng.poisson(0.3, n).tolist()]
    for row, found in zip(rows, estimates(rows), strict=True):
        assert found == estimate(row)
        if n > 1 and min(row) < max(row):
            assert (found.mean, found.sd) == (np.mean(row), np.std(row, ddof=1)), "to the last bit"
    assert estimates([]) == []
    assert estimates([[], []]) == [estimate([])] * 2


def test_aggregate_pools_what_some_replications_lack() -> None:
    calm = measure(only_productive())
    total = aggregate([measure(by_hand()), calm])
    assert total.n == 2
    assert total.interruptions_by_mode["hbm.due"].mean == 1.0
    assert total.rungs["rma"]["attempts"].mean == 0.5
    assert total.rungs["rma"]["fixed"].mean == 0.5
    assert total.time_h["productive"].mean == pytest.approx(91.5)
    assert total.metrics["mtti_h"].mean == pytest.approx((90 + 100) / 2)
    assert total.mttr_h["total"].mean == 15.25
    # A resource without a row is at level 0.
    assert total.resources["spare_nodes"]["mean"].mean == pytest.approx(1.495 / 2)
    assert total.resources["spare_nodes"]["zero_frac"].mean == pytest.approx(1.02 / 2)


def test_every_metric_is_aggregated() -> None:
    total = aggregate([measure(by_hand(i)) for i in range(3)])
    covered = {*total.metrics, *(field.name for field in fields(total))}
    about_the_run = {"replication", "horizon_h", "n_job_gpus", "n_installed_gpus", "completed", "running_h"}
    assert {field.name for field in fields(Measures)} - about_the_run <= covered
    assert "mtti_h" in covered


def test_quantiles_come_with_as_many_replications_as_their_intervals_take() -> None:
    measures = [measure(simulate(FakeScenario(), seed=1, replication=i)) for i in range(72)]
    few = aggregate(measures[:71]).goodput_quantiles
    assert (few["p5"], few["p95"]) == (None, None)
    assert few["p50"] is not None
    assert aggregate(measures[:5]).goodput_quantiles == {"p5": None, "p50": None, "p95": None}
    ordered = sorted(one.goodput for one in measures)
    low, high = (aggregate(measures).goodput_quantiles[name] for name in ("p5", "p95"))
    assert low is not None
    assert high is not None
    assert low.value == pytest.approx(0.45 * ordered[3] + 0.55 * ordered[4])
    # P(B < 1) = 2.49%, P(B >= 9) = 0.96% and P(B >= 8) = 2.72% for B binomial(72, 5%).
    assert low.ci95 == (ordered[0], ordered[8])
    assert high.ci95 == (ordered[-9], ordered[-1])
