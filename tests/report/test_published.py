"""Verdicts on published figures, and that they are right as often as they claim."""

from __future__ import annotations

import random
from typing import Any, cast

import pytest

from ras_sim.metrics.estimates import Estimate, estimate
from ras_sim.report.published import UNDECIDED, bounds, comparisons, lookup, prediction
from ras_sim.scenario.model import Published
from tests.synthetic import FakeScenario, make_result


def verdict(key: str, figure: Published, replications: int = 10) -> str:
    result = make_result(replications, scenario=FakeScenario(published={key: figure}))
    (row,) = comparisons(result)
    return row.verdict


def test_the_range_of_one_run_holds_one_run_in_95_of_100() -> None:
    draw = random.Random(7)
    n, trials = 8, 4000
    hits = 0
    for _ in range(trials):
        known = [draw.gauss(100, 9) for _ in range(n)]
        low, high = cast(tuple[float, float], prediction(estimate(known)))
        hits += low <= draw.gauss(100, 9) <= high
    z = (hits / trials - 0.95) / (0.95 * 0.05 / trials) ** 0.5
    assert abs(z) < 4


def test_more_replications_do_not_exclude_a_fair_run() -> None:
    narrow = Estimate(100.0, (99.9, 100.1), 10.0, 40_000)
    assert prediction(narrow) == pytest.approx((80.4, 119.6), abs=0.05)


@pytest.mark.parametrize(
    ("figure", "wanted"),
    [
        (Published(at_least=0.5, source="x"), "within"),
        (Published(at_least=0.99, source="x"), "outside"),
        (Published(at_most=0.5, source="x"), "outside"),
        (Published(at_least=0.1, at_most=0.999, source="x"), "within"),
        (Published(value=0.2, source="x"), "outside"),
    ],
)
def test_verdict_on_goodput(figure: Published, wanted: str) -> None:
    assert verdict("goodput", figure) == wanted


def test_one_replication_judges_bounds_only() -> None:
    assert verdict("goodput", Published(at_least=0.99, source="x"), 1) == "outside"
    assert verdict("goodput", Published(value=0.99, source="x"), 1) == UNDECIDED


def test_lookup_finds_every_table() -> None:
    total = make_result(3).aggregate
    for key in (
        "mtti_h",
        "time_h.restore",
        "interruptions_by_mode.hbm.due",
        "rungs.rma.attempts",
        "mttr_h.total",
    ):
        found = lookup(total, key)
        assert found is not None, key
        assert cast(Any, found.mean) > 0, key
    assert lookup(total, "interruptions_by_class.never") == Estimate(0.0, (0.0, 0.0), 0.0, 3)
    assert lookup(total, "goodness") is None
    assert verdict("goodness", Published(value=1, source="x")) == "not simulated"


def test_bounds() -> None:
    assert bounds(Published(value=3, source="x")) == (3, 3)
    assert bounds(Published(at_least=3, source="x"))[1] == float("inf")
