"""A pool fitted to the public StepFun trace: what independent nodes reproduce of a real fleet, and what they miss."""

from __future__ import annotations

import pytest

from docs.stepfun import TRACE, Shape, one_run, read_trace, shape_of, simulated

pytestmark = pytest.mark.skipif(not TRACE.exists(), reason="the StepFun trace is not beside the project")

N_RUNS = 40


@pytest.fixture(scope="module")
def trace() -> Shape:
    return shape_of(read_trace())


@pytest.fixture(scope="module")
def runs() -> dict[str, list[Shape]]:
    faults = read_trace()
    return {repair: simulated(faults, repair, N_RUNS) for repair in ("empirical", "lognormal")}


def test_the_trace_is_read_as_published(trace: Shape) -> None:
    assert trace.per_1000_node_days == pytest.approx(4.48, abs=0.01)
    assert trace.down_mean == pytest.approx(0.029, abs=0.0015)
    assert trace.node_spread == pytest.approx(2.4, abs=0.05)
    assert trace.day_spread == pytest.approx(4.7, abs=0.1)


@pytest.mark.parametrize("name", ["per_1000_node_days", "down_mean", "node_spread"])
def test_what_matches(trace: Shape, runs: dict[str, list[Shape]], name: str) -> None:
    low, high = one_run(runs["empirical"], name)
    assert low <= getattr(trace, name) <= high


def test_what_misses_bursts(trace: Shape, runs: dict[str, list[Shape]]) -> None:
    """Days with many faults: nodes that fail independently do not have them."""
    low, high = one_run(runs["empirical"], "day_spread")
    assert low <= 1.0 <= high < trace.day_spread


def test_what_misses_the_worst_days(trace: Shape, runs: dict[str, list[Shape]]) -> None:
    """The mean share of nodes that are down fits, its upper tail does not: bursts take many at once."""
    for repair in ("empirical", "lognormal"):
        assert one_run(runs[repair], "down_p90")[1] < trace.down_p90
