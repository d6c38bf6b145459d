"""What holds in every bill: its items sum to the cost, nothing is negative, and the cost is linear in the prices."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ras_sim.engine import simulate
from ras_sim.ledger import ROW_TYPES, Ledger
from ras_sim.metrics import measure
from tests.prices import prices
from tests.small import SOURCE, exponential, h, ladder, mode, rung, small, tier

money = st.floats(0.0, 1e4)


@st.composite
def bills(draw: st.DrawFn) -> dict[str, Any]:
    """Prices for what a pool has; some are left out."""
    chosen: dict[str, Any] = {
        "job_gpu": f"{draw(money)!r} per hour",
        "spare_gpu": f"{draw(money)!r} per hour",
        "parts": {"node": draw(money)},
        "carrying": f"{draw(st.floats(0.0, 300.0))!r} %/year",
    }
    gone = draw(st.sets(st.sampled_from(["job_gpu", "spare_gpu", "technicians", "energy"]), max_size=3))
    return prices(**{**chosen, **dict.fromkeys(gone)})


@st.composite
def histories(draw: st.DrawFn) -> dict[str, Any]:
    """A small pool that fails, is repaired with or without limits, and has spares or none."""
    rma = rung(
        h(draw(st.floats(0.1, 60.0))),
        takes_down="unit",
        meanwhile=draw(st.sampled_from(["wait", "swap"])),
        technician=draw(st.booleans()),
        part=True,
    )
    limits: dict[str, Any] = {
        "parts": {"node": {"stock": draw(st.integers(0, 3)), "lead_time": "50 h", **SOURCE}}
    }
    if draw(st.booleans()):
        limits["technicians"] = {"count": draw(st.integers(1, 2)), "travel": "2 h", **SOURCE}
    clears = {"clears_at": {"rma": 1}}
    return {
        "horizon_h": 300.0,
        "nodes": 6,
        "job_nodes": draw(st.integers(1, 4)),
        "job__spares__nodes": draw(st.integers(0, 2)),
        "failures": {"node": {"crash": mode(lifetime=exponential(draw(st.floats(20.0, 500.0))), **clears)}},
        "job__checkpoints": {"disk": tier(1.0, survives="rma")},
        "repair": ladder({"rma": rma}, **limits),
    }


def ledger(history: dict[str, Any], cost: dict[str, Any] | None) -> Ledger:
    return simulate(small(**history, cost=cost), seed=1, replication=0)


@settings(max_examples=40, deadline=None)
@given(histories(), bills())
def test_items_sum_to_the_cost_and_none_is_negative(history: dict[str, Any], cost: dict[str, Any]) -> None:
    found = measure(ledger(history, cost))
    assert found.cost == pytest.approx(sum(found.cost_by_item.values()))
    for item, charge in found.charges.items():
        assert charge.quantity >= -1e-9
        # A part-year costs a share of the price of the part: one rounding more, in the last digits.
        product = charge.quantity * charge.price
        assert charge.amount == (pytest.approx(product, rel=1e-14) if item.startswith("stock.") else product)


@settings(max_examples=20, deadline=None)
@given(histories(), bills())
def test_a_price_changes_no_other_table(history: dict[str, Any], cost: dict[str, Any]) -> None:
    priced, free = ledger(history, cost), ledger(history, None)
    for table in set(ROW_TYPES) - {"tariff"}:
        assert repr(getattr(priced, table)) == repr(getattr(free, table))
    assert priced.tariff
    assert not free.tariff


@settings(max_examples=40, deadline=None)
@given(histories(), bills(), st.floats(0.1, 10.0))
def test_cost_is_linear_in_the_prices(history: dict[str, Any], cost: dict[str, Any], factor: float) -> None:
    once = ledger(history, cost)
    dearer = ledger(history, cost)
    dearer.tariff = [row._replace(unit_price=factor * row.unit_price) for row in dearer.tariff]
    assert measure(dearer).cost == pytest.approx(factor * (measure(once).cost or 0.0))
