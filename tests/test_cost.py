"""The bill of a replication: by hand, item by item, and nothing but what the ledger says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ras_sim.engine import simulate
from ras_sim.errors import ModelError
from ras_sim.experiment import rundir
from ras_sim.experiment.flat import replication_frame
from ras_sim.experiment.replicate import run
from ras_sim.ledger import ROW_TYPES, PartRow, ResourceRow, TariffRow, VisitRow
from ras_sim.metrics import aggregate, measure
from ras_sim.metrics.cost import Charge, overtime_h, technician_h, units_taken
from ras_sim.report.bill import bill_rows
from tests.ledgers import NAN, by_hand
from tests.prices import ENERGY, PAY, charged, measured, prices
from tests.small import SOURCE, exponential, ladder, mode, rung, small

TARIFF = (
    ("gpus", 2.0, 8.0, "elapsed_h"),
    ("spare_gpus", 1.5, 2.0, "elapsed_h"),
    ("technicians", 50.0, 1.0, "technician_h"),
    ("parts.gpu", 1000.0, 1.0, "units.gpu"),
    ("parts.leaf", 300.0, 1.0, "units.leaf"),
    ("stock.gpu", 1000.0, 0.0001, "stock_h.gpu"),
    ("energy", 0.1, 8.0, "running_h"),
    ("energy", 0.1, 2.0, "held_h"),
    ("energy", 0.1, 0.5, "elapsed_h"),
)
"""Item, unit price, factor, basis."""


def charged_by_hand() -> Any:
    """The ledger by hand, which ran 91.5 of 100 hours, with two shelves, supplies and a tariff."""
    ledger = by_hand()
    ledger.resources += [
        ResourceRow(0.0, "parts.gpu", 2),
        ResourceRow(64.0, "parts.gpu", -1),
        ResourceRow(90.0, "parts.gpu", 1),
        ResourceRow(0.0, "parts_queue.gpu", 1),  # who waits is no stock
    ]
    ledger.parts = [
        PartRow(2, "rma", "gpu", 63.0, 64.0),
        PartRow(2, "rma", "optic", 70.0, 70.0),
        PartRow(2, "rma", "gpu", 98.0, 98.0),
        PartRow(2, "rma", "gpu", 99.0, NAN),  # asked for in vain
    ]
    ledger.visits = [
        VisitRow(2, "rma", 64.0, 65.0, 66.0, 70.0, 69.5),
        VisitRow(2, "rma", 98.0, 98.0, 99.0, NAN, NAN),  # still at work at the end
        VisitRow(2, "rma", 99.0, NAN, NAN, NAN, NAN),  # called in vain
    ]
    ledger.tariff = [TariffRow(*row, "EUR") for row in TARIFF]
    return ledger


def test_the_bill_is_that_by_hand() -> None:
    found = measure(charged_by_hand())
    running_h = 40 + 20 + 14 + 16  # but for the stops from 41 to 43.5, 63.5 to 66 and 80 to 84, and the first hour
    assert found.charges == {
        "gpus": Charge(800.0, 2.0, 1600.0),
        "spare_gpus": Charge(200.0, 1.5, 300.0),
        "technicians": Charge(5 + 2.0, 50.0, 350.0),  # from 65 to 70, and from 98 to the end
        "parts.gpu": Charge(2.0, 1000.0, 2000.0),
        "parts.leaf": Charge(0.0, 300.0, 0.0),
        # 2 x 100 - 26 part-hours, at 0.0001 of 1,000 for each
        "stock.gpu": Charge(pytest.approx(174 / 8766), pytest.approx(876.6), pytest.approx(17.4), pytest.approx(0.8766)),
        "energy": Charge(
            pytest.approx(8 * running_h + 2 * (100 - running_h) + 50), 0.1, pytest.approx(79.0)
        ),
    }
    assert found.cost == pytest.approx(1600 + 300 + 350 + 2000 + 17.4 + 79)
    assert found.units_taken == {"gpu": 2, "optic": 1}
    assert found.effective_gpu_h == (38 - 2 + 19 - 1 + 14 + 15) * 8
    assert sum(found.cost_by_item.values()) == pytest.approx(found.cost)


def test_without_a_tariff_there_is_no_bill() -> None:
    found = measure(replace(charged_by_hand(), tariff=[]))
    assert (found.cost, found.charges, found.cost_by_item) == (None, {}, {})
    assert not {"cost", "cost_per_effective_gpu_hour"} & set(aggregate([found]).metrics)


def test_cost_per_effective_gpu_hour_is_a_ratio_of_totals() -> None:
    total = aggregate(measured([50.0, 100.0], ("gpus", 3.0, 8.0, "elapsed_h")))
    assert total.metrics["cost"].mean == 2400.0
    assert total.metrics["cost_per_effective_gpu_hour"].mean == pytest.approx(4800 / (8 * 150))
    assert {part: one.mean for part, one in total.charges["gpus"].items()} == {
        "quantity": 800.0,
        "price": 3.0,
        "amount": 2400.0,
    }


@pytest.mark.parametrize(
    "row",
    [
        TariffRow("gpus", 3.0, 1.0, "elapsed_h", "EUR"),  # another price for the same item
        TariffRow("energy", 0.1, 1.0, "elapsed_h", "USD"),
        TariffRow("energy", 0.1, 1.0, "elapsed", "EUR"),
        TariffRow("energy", 0.1, 1.0, "units.", "EUR"),
    ],
)
def test_a_tariff_that_means_nothing_is_refused(row: TariffRow) -> None:
    ledger = charged(90.0, [("gpus", 2.0, 8.0, "elapsed_h")])
    ledger.tariff.append(row)
    with pytest.raises(ModelError):
        measure(ledger)


def test_overtime_is_work_after_the_end_of_a_shift() -> None:
    ledger = charged_by_hand()
    assert overtime_h(ledger) == 0.5
    ledger.visits.append(VisitRow(2, "rma", 90.0, 90.0, 90.5, NAN, 96.0))  # until the end, at 100
    ledger.visits.append(VisitRow(2, "rma", 90.0, 90.0, 90.5, 92.0, 96.0))
    assert overtime_h(ledger) == 4.5
    assert technician_h(ledger) == 5 + 2 + 10 + 2


FAILING = {"node": {"crash": mode(lifetime=exponential(150.0), clears_at={"rma": 1})}}
REPLACE = ladder({"rma": rung("3 h", takes_down="unit", technician=True, part=True, replaces=True)})


def priced(**changes: Any) -> Any:
    """Four nodes that fail now and then and are replaced, all of it charged."""
    settings: dict[str, Any] = {"failures": FAILING, "repair": REPLACE, "cost": prices(), **changes}
    return small(1000.0, nodes=4, job_nodes=3, job__spares__nodes=1, **settings)


def test_every_unit_and_every_hour_of_work_is_charged_with_or_without_limits() -> None:
    free = measure(simulate(priced(), seed=1, replication=0))
    crew = {"technicians": {"count": 9, "travel": 0, **SOURCE}}
    shelf = {"parts": {"node": {"stock": 99, "lead_time": 0, **SOURCE}}}
    limited = measure(simulate(priced(repair={**REPLACE, **crew, **shelf}), seed=1, replication=0))
    assert free.charges["parts.node"].quantity == free.rungs["rma"].attempts > 10
    assert free.charges["technicians"].quantity == pytest.approx(3.0 * free.rungs["rma"].attempts)
    for item, charge in free.charges.items():
        assert limited.charges[item].amount == pytest.approx(charge.amount), item


def test_what_a_repair_took_that_is_still_under_way_is_there() -> None:
    """Attempts are written when they end; what they took is written when it is taken."""
    slow = ladder({"rma": rung("400 h", takes_down="unit", technician=True, part=True)})
    ledger = simulate(priced(repair=slow), seed=1, replication=0)
    n_open = sum(row.outcome == "open" for row in ledger.incidents)
    assert n_open > 0
    assert len(ledger.attempts) == len(ledger.incidents) - n_open
    assert units_taken(ledger) == {"node": len(ledger.incidents)}
    hours = sum(min(400.0, ledger.horizon_h - row.arrive_h) for row in ledger.incidents)
    assert technician_h(ledger) == pytest.approx(hours)


def test_a_crew_on_duty_is_paid_by_head_and_hour() -> None:
    pay = {**PAY, "paid": "on_duty"}
    crew = {"technicians": {"count": 5, "travel": "1 h", **SOURCE}}
    found = measure(
        simulate(
            priced(repair={**REPLACE, **crew}, cost=prices(technicians=pay)), seed=1, replication=0
        )
    )
    assert found.charges["technicians"] == Charge(5000.0, 50.0, 250_000.0)


def test_a_crew_in_shifts_is_paid_for_its_hours_and_for_overtime() -> None:
    pay = {**PAY, "paid": "on_duty"}
    day = {"days": "mon-fri", "begins": "08:00", "ends": "18:00", "count": 3}
    crew = {
        "count": 1, "travel": "1 h", "shifts": {"day": day}, "run_begins": "mon 00:00", "at_shift_end": "finish", **SOURCE,
    }  # fmt: skip
    scenario = priced(repair={**REPLACE, "technicians": crew}, cost=prices(technicians=pay))
    ledger = simulate(scenario, seed=1, replication=0)
    # 1000 h are five weeks and 160 h, which lack 8 h of a Sunday night.
    hours = 6 * (3 * 50 + 1 * 118) - 8 * 1 + overtime_h(ledger)
    assert overtime_h(ledger) > 0
    assert measure(ledger).charges["technicians"].quantity == pytest.approx(hours)


def test_stock_is_carried_for_classes_with_a_shelf_and_a_price() -> None:
    shelf = {"parts": {"node": {"stock": 2, "lead_time": 0, **SOURCE}}}
    scenario = priced(repair={**REPLACE, **shelf}, cost=prices(carrying="20 %/year"))
    found = measure(simulate(scenario, seed=1, replication=0))
    assert found.charges["stock.node"].amount == pytest.approx(1000 * 0.2 * 2 * 1000 / 8766)
    without = measure(simulate(priced(cost=prices(carrying="20 %/year")), seed=1, replication=0))
    assert "stock.node" not in without.charges


def test_energy_is_drawn_by_the_job_as_it_runs_and_by_idle_spares() -> None:
    found = measure(simulate(priced(), seed=1, replication=0))
    assert 0.0 < found.running_h < 1000.0
    kwh = 1.2 * (3 * 1.0 * found.running_h + 3 * 0.25 * (1000 - found.running_h) + 1 * 0.25 * 1000)
    assert found.charges["energy"].quantity == pytest.approx(kwh)


def test_prices_change_nothing_but_the_tariff() -> None:
    dear = prices(job_gpu="9 per GPU-hour", parts={"node": 7}, energy={**ENERGY, "idle": "1 W"})
    ledgers = [simulate(priced(cost=cost), seed=1, replication=0) for cost in (prices(), dear, None)]
    for table in set(ROW_TYPES) - {"tariff"}:
        first, *others = (repr(getattr(ledger, table)) for ledger in ledgers)
        assert all(other == first for other in others), table
    assert ledgers[0].parts
    assert [len(ledger.tariff) for ledger in ledgers] == [7, 7, 0]


def test_a_saved_run_is_charged_as_before(tmp_path: Path) -> None:
    result = run(priced(), replications=3, workers=1)
    read = rundir.read(result.save(tmp_path)).ledgers()
    assert tuple(map(measure, read)) == result.measures
    assert [ledger.tariff for ledger in read] == [ledger.tariff for ledger in result.ledgers]
    assert result.measures[0].cost


def test_the_bill_does_not_depend_on_the_number_of_workers() -> None:
    alone, two = (run(priced(), replications=4, workers=n) for n in (1, 2))
    assert [one.charges for one in alone.measures] == [one.charges for one in two.measures]
    assert alone.aggregate.charges == two.aggregate.charges


def test_the_result_has_the_bill_and_what_is_not_on_it() -> None:
    partly = {"currency": "EUR", "job_gpu": "2 per GPU-hour", **SOURCE}
    found = run(priced(cost=partly), replications=2, workers=1).to_json()
    assert found["metrics"]["cost"]["mean"] == 2 * 3 * 1000
    assert found["cost"] == {
        "currency": "EUR",
        "bill": {"gpus": {"quantity": 3000.0, "price": 2.0, "amount": 6000.0}},
        "not_charged": ["spare_gpus", "technicians", "parts.node", "energy"],
    }
    assert run(priced(cost=None), replications=1, workers=1).to_json()["cost"] is None


def test_a_bill_counts_stock_in_part_years_wherever_it_is_told() -> None:
    """The table of replications, the JSON and the page tell one number; break-evens still know how many prices."""
    shelf = {"parts": {"node": {"stock": 2, "lead_time": "50 h", **SOURCE}}}
    scenario = priced(repair={**REPLACE, **shelf}, cost=prices(parts={"node": 0}, carrying="20 %/year"))
    result = run(scenario, replications=2, workers=1)
    stocked = result.aggregate.resources["parts.node"]["mean"].mean * 1000 / 8766
    row = next(row for row in bill_rows(result) if row[0].startswith("stock"))
    assert result.aggregate.charges["stock.node"]["quantity"].mean == pytest.approx(stocked)
    assert float(row[1]) == pytest.approx(stocked, rel=0.01)
    frame = replication_frame(result.measures)
    assert frame["charges.stock.node.quantity"].mean() == pytest.approx(stocked)
    assert not [name for name in frame if name.endswith("of_price")]
    charge = result.measures[0].charges["stock.node"]
    assert charge.n_prices == pytest.approx(charge.quantity * 0.2)
