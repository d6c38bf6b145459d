"""The published 54 days of Llama 3 405B: rates are calibrated from counts, everything else has to come out."""

from __future__ import annotations

import pytest

from docs.llama3 import CHANGES, SCENARIO, TABLE_5, Cause, causes, change_of_ettr, elapsed_ettr, simulated
from ras_sim import load
from ras_sim.experiment.result import Result
from ras_sim.report.published import prediction

N_RUNS = 24
N_UNEXPECTED = 419


@pytest.fixture(scope="module")
def result() -> Result:
    return simulated(N_RUNS)


@pytest.fixture(scope="module")
def rows(result: Result) -> list[Cause]:
    return causes(result)


def test_table_5_is_whole_and_every_mode_is_in_one_row() -> None:
    assert sum(count for count, _ in TABLE_5.values()) == N_UNEXPECTED
    modes = [mode for _, names in TABLE_5.values() for mode in names]
    failures = load(SCENARIO).failures
    assert sorted(modes) == sorted(f"{cls}.{name}" for cls, named in failures.items() for name in named)


def test_expected_faults_in_54_days_are_the_counts() -> None:
    """Rates x parts of the job x 54 days, no simulation: each row within rounding of its stated rates."""
    scenario = load(SCENARIO)
    per_node = {cls: n / 2080 for cls, n in scenario.machine.build().counts.items()}
    per_node["leaf"] = 512 / 2048  # of the job's 64 pods
    for name, (count, modes) in TABLE_5.items():
        expected = 0.0
        for mode in modes:
            cls, _, key = mode.partition(".")
            spec = scenario.failures[cls][key]
            if cls in ("psu", "fan", "uplink"):
                continue  # redundant: stops no job
            assert spec.rate is not None
            expected += 2048 * per_node[cls] * spec.rate * (1 - spec.symptoms.get("benign", 0)) * 54 * 24
        assert expected == pytest.approx(count, rel=5e-3), name


def test_interruptions_and_planned_stops_are_in_the_range_of_one_run(result: Result) -> None:
    metrics = result.aggregate.metrics
    for name, published in (("interruptions", N_UNEXPECTED), ("planned_interruptions", 47)):
        low, high = prediction(metrics[name]) or (0.0, 0.0)
        assert low <= published <= high, name


def test_the_split_by_cause(rows: list[Cause]) -> None:
    """At most one of 18 rows outside its 95% range: two or more have probability 0.22 by chance, less when calibrated."""
    assert sum(not row.inside for row in rows) <= 1
    assert max(abs(row.z) for row in rows) < 3


def test_fewer_interruptions_than_published_by_the_time_down(result: Result) -> None:
    """Faults that meet a job that is down interrupt nothing, faults that come back interrupt again: 85-105%."""
    mean = result.aggregate.metrics["interruptions"].mean
    assert mean is not None
    assert 0.85 * N_UNEXPECTED < mean < 1.05 * N_UNEXPECTED


def test_effective_training_time(result: Result) -> None:
    """Published: above 90%. Met by the mean without planned stops, by the range of one run with them."""
    mean = result.aggregate.metrics["ettr"].mean
    assert mean is not None
    assert mean > 0.9
    within = prediction(elapsed_ettr(result))
    assert within is not None
    assert within[1] > 0.9


@pytest.mark.parametrize("name", list(CHANGES))
def test_every_change_of_the_sensitivity_table_can_be_made(name: str) -> None:
    assert load(SCENARIO, CHANGES[name]) != load(SCENARIO)


def test_hourly_checkpoints_could_not_have_reached_the_published_ettr(result: Result) -> None:
    hourly = simulated(N_RUNS, CHANGES["checkpoint every 60 min"])
    difference = change_of_ettr(result, hourly)
    assert difference.ci95 is not None
    assert difference.ci95[1] < -0.1
    assert (prediction(hourly.aggregate.metrics["ettr"]) or (0.0, 1.0))[1] < 0.9
