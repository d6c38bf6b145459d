"""Prices in a scenario: how they are written, what is wrong with them at its place, and what they are for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ras_sim.errors import InputError
from ras_sim.scenario.load import LIBRARY, load, loads
from ras_sim.scenario.tariff import build_tariff
from tests.alive.bases import bases
from tests.alive.perturb import leaves, perturbed
from tests.alive.test_every_field import SEED, exempt, value_of

FULL = Path(__file__).parents[1] / "scenarios" / "full.yaml"
PRICES = """
cost:
  currency: EUR
  job_gpu: 17,532 per 2 years
  technicians: {price: 85 per hour, paid: worked, source: assumed}
  parts: {gpu: "25,000"}
  energy: {price: 80 per MWh, running: 1.2 kW, idle: 400 W, overhead: 1.3, source: assumed}
  source: assumed
"""


def problems(prices: str, *overrides: str) -> list[str]:
    """What is wrong with the full scenario with these prices."""
    with pytest.raises(InputError) as caught:
        loads(FULL.read_text() + prices, "mine.yaml", overrides)
    return [str(one) for one in caught.value.problems]


def test_prices_are_read_in_units_of_people() -> None:
    cost = loads(FULL.read_text() + PRICES).cost
    assert cost is not None
    assert cost.energy is not None
    assert (cost.job_gpu, cost.parts, cost.spare_gpu) == (1.0, {"gpu": 25000.0}, None)
    assert (cost.energy.price, cost.energy.running, cost.energy.idle) == (0.08, 1200.0, 400.0)


def test_resolved_prices_are_read_again_to_the_last_bit() -> None:
    scenario = loads(FULL.read_text() + PRICES, "mine.yaml", ["cost.carrying=17.3 %/year"])
    again = loads(scenario.resolved_text)
    assert again.cost == scenario.cost
    assert build_tariff(again, 8) == build_tariff(scenario, 8)


@pytest.mark.parametrize(
    ("setting", "wanted"),
    [
        ("cost.parts={gpu: 1, gpuu: 2}", "cost.parts.gpuu: got 'gpuu', want a component class"),
        ("cost.parts={gpu: 100, rack: 5}", "cost.parts.rack: got a price that is never charged, want a class that"),
        ("cost.job_gpu=2", "cost.job_gpu: got 2, want money per time, e.g. '2.50 per GPU-hour'"),
        ("cost.job_gpu=2 EUR per hour", "cost.job_gpu: got '2 EUR per hour', want money per time"),
        ("cost.job_gpu=2 % per hour", "cost.job_gpu: got '2 % per hour', want money per time"),
        ("cost.spare_gpu=-1 per hour", "cost.spare_gpu: got '-1 per hour', want >= 0"),
        ("cost.parts.gpu=25 kEUR", "cost.parts.gpu: got '25 kEUR', want a number of money"),
        ("cost.energy.price=0.08", "cost.energy.price: got 0.08, want money per energy"),
        ("cost.energy.running=700", "cost.energy.running: got 700, want a power with its unit"),
        ("cost.energy.overhead=0.9", "cost.energy.overhead: got 0.9, want >= 1"),
        ("cost.currency=10 EUR", "cost.currency: got '10 EUR'"),
        ("cost.technicians.paid=daily", "cost.technicians.paid: got 'daily', want"),
        ("cost={currency: EUR, source: assumed}", "cost: got no price, want one: job_gpu"),
    ],
)
def test_a_wrong_price_is_reported_at_its_place(setting: str, wanted: str) -> None:
    (found,) = problems(PRICES, setting)
    assert wanted in found


def test_a_head_count_needs_a_crew_and_stock_a_shelf_all_at_once() -> None:
    found = problems(
        PRICES,
        "repair.technicians=null",
        "repair.parts=null",
        "cost.technicians.paid=on_duty",
        "cost.carrying=20 %/year",
        "cost.parts={optik: 1}",
        "horizon=-1",
    )
    text = "\n".join(found)
    assert len(found) == 4, text
    assert "horizon: got -1" in text
    assert "cost.technicians.paid: got 'on_duty', want worked, or a crew in repair.technicians" in text
    assert "cost.carrying: got '20 %/year', want a price in cost.parts for a class that has a shelf" in text
    assert "cost.parts.optik: got 'optik'" in text


def test_expectations_of_cost_want_prices() -> None:
    expect = "expect={cost: {at_most: 5e6}, cost_by_item.energy: {at_most: 1000}}"
    assert len(problems("", expect)) == 2
    loads(FULL.read_text() + PRICES, "mine.yaml", [expect])
    (found,) = problems(PRICES, "expect={cost_by_item.stock.gpu: {at_most: 1000}}")
    assert "expect.cost_by_item.stock.gpu" in found
    # Where the prices are wrong themselves, nothing is said of their names.
    assert all("cost_by_item" not in one for one in problems(PRICES, expect, "cost.energy.price=x"))


def cost_leaves() -> list[Any]:
    return [leaf for leaf in leaves(bases()["full"]) if leaf.path[0] == "cost" and not exempt(leaf.key)]


@pytest.mark.parametrize("leaf", cost_leaves(), ids=lambda leaf: ".".join(leaf.path))
def test_every_price_moves_the_cost(leaf: Any) -> None:
    """Each key of the prices changes the bill of a replication, not only the rows that it is made of."""
    from ras_sim.engine import simulate
    from ras_sim.metrics import measure

    base = bases()["full"]
    member = {"worked": "on_duty", "on_duty": "worked"}.get(str(value_of(base, leaf)))
    before = measure(simulate(base, seed=SEED, replication=0))
    changed = [measure(simulate(one, seed=SEED, replication=0)) for one in perturbed(base, leaf, member)]
    if leaf.path[-1] == "currency":  # amounts stay, their name changes
        assert all(one.charges == before.charges for one in changed)
        return
    assert any(one.cost != before.cost for one in changed), leaf


def test_the_catalogue_of_prices_goes_with_the_catalogue_of_its_machine() -> None:
    quickstart = load(Path(__file__).parents[2] / "scenarios" / "quickstart.yaml")
    assert quickstart.cost is not None
    assert (LIBRARY / "prices_h100.yaml").exists()
    assert quickstart.cost.source.startswith("assumed")
