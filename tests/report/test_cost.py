"""What reports say of money: the bill, what is not on it, and at which price a design pays for itself."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from ras_sim.experiment.compare import Comparison, compare
from ras_sim.experiment.designs import Design
from ras_sim.experiment.replicate import run
from ras_sim.experiment.result import Result
from ras_sim.metrics.breakeven import BreakEven
from ras_sim.report import compare_views as views
from ras_sim.report import summary, summary_markdown
from ras_sim.report.bill import bill_rows, costs, left_out
from ras_sim.report.compare_html import compare_page
from ras_sim.report.compare_text import compare_markdown, compare_summary
from ras_sim.report.html import page
from ras_sim.scenario.model import Scenario
from tests.prices import prices
from tests.small import SOURCE, ladder, mode, per_h, rung, small, tier


def pool(n_spares: int, **changes: object) -> Scenario:
    """Three nodes of a job that fail and take long to repair, so many spares, and prices."""
    repair = ladder({"rma": rung("20 h", takes_down="unit", meanwhile="swap", technician=True, part=True)})
    failures = {"node": {"crash": mode(rate=per_h(0.004), clears_at={"rma": 1})}}
    kept = {"always": tier(1.0, survives="rma")}
    known = {"failures": failures, "repair": repair, "job__checkpoints": kept, "cost": prices(), **changes}
    return small(2000.0, nodes=8, job_nodes=3, job__spares__nodes=n_spares, **known)


@pytest.fixture(scope="module")
def result() -> Result:
    return run(pool(1, cost=prices(energy=None)), replications=3, workers=1)


def two(*scenarios: Scenario) -> Comparison:
    return compare(*(Design(f"design {k}", one) for k, one in enumerate(scenarios)), replications=12, workers=1)


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return two(pool(0), pool(1))


def printed(what: object) -> str:
    console = Console(file=io.StringIO(), width=120)
    console.print(what)
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def money(text: str) -> float:
    return float(text.replace(",", ""))


def test_stock_is_counted_in_years_of_parts_on_the_shelf() -> None:
    """Two units on the shelf for 1,000 h, each at 20 % a year of 1,000: 0.228 part-years at 200."""
    shelf = {"parts": {"node": {"stock": 2, "lead_time": 0, **SOURCE}}}
    repair = ladder({"rma": rung(takes_down="unit", part=True)}, **shelf)
    scenario = small(1000.0, repair=repair, cost=prices(carrying="20 %/year"))
    (row,) = [row for row in bill_rows(run(scenario, replications=2, workers=1)) if row[0].startswith("stock")]
    assert row[:5] == ("stock on the shelf: node", "0.228", "part-year on the shelf", "200.00", "45.63")
    assert money(row[4]) == pytest.approx(2 * 1000 / 8766 * 200, abs=0.005)


def test_the_bill_adds_up_to_the_cost(result: Result) -> None:
    *items, total = bill_rows(result)
    assert [row[0] for row in items] == ["GPUs of the job", "GPUs of spare nodes", "technicians", "parts: node"]
    cost = result.aggregate.metrics["cost"].mean
    assert cost is not None
    assert money(total[4]) == pytest.approx(cost, abs=0.5)
    assert sum(money(row[4]) for row in items) == pytest.approx(cost, abs=2.5)  # each is rounded
    assert sum(float(row[5].rstrip("%")) for row in items) == pytest.approx(100, abs=0.3)
    per_hour = result.aggregate.metrics["cost_per_effective_gpu_hour"].mean
    assert money(total[6]) == pytest.approx(per_hour, abs=0.005)
    assert money(items[0][1]) * money(items[0][3]) == money(items[0][4]) == 3 * 2000 * 2


def test_what_is_not_charged_is_named(result: Result) -> None:
    assert left_out(result) == "Not charged: energy."
    assert left_out(run(pool(1), workers=1)) == "Everything that can have a price has one."
    partly = {"currency": "EUR", "job_gpu": "2 per hour", **SOURCE}
    assert left_out(run(pool(1, cost=partly), workers=1)) == (
        "Not charged: GPUs of spare nodes; technicians; parts (node); energy."
    )


def test_page_summary_and_terminal_have_the_bill(result: Result) -> None:
    section = costs(result)
    assert section is not None
    for text in (page(result), summary_markdown(result), printed(summary(result, width=120))):
        assert "What it costs" in text
        assert "parts: node" in text
        assert "Not charged: energy" in text
        assert "Cost per effective GPU-hour" in text
        assert re.search(r"2\.\d\d EUR", text)


def test_without_prices_nothing_is_said_of_money() -> None:
    free = run(pool(1, cost=None), replications=2, workers=1)
    assert costs(free) is None
    for text in (page(free), summary_markdown(free), printed(summary(free, width=80))):
        assert "What it costs" not in text
        assert "Cost per effective" not in text


def test_a_comparison_says_what_a_choice_costs(comparison: Comparison) -> None:
    one = comparison.against[0]
    (spare,) = (line for line in views.break_even(one) if "spare GPU-hour" in line)
    assert re.fullmatch(
        r"design 1 pays for itself up to [\d.]+ EUR per spare GPU-hour \(95%: [\d.]+ to [\d.]+\); "
        r"the price is 1\.50, so it does\.",
        spare,
    )
    for text in (compare_page(comparison), compare_markdown(comparison), printed(compare_summary(comparison))):
        flat = " ".join(text.split())
        assert "EUR/effective GPU-h" in flat
        assert "Cost, 1,000 EUR" in flat
        assert spare.partition(" (")[0] in flat
    made = comparison.to_json()["against"][0]
    found = next(price for price in made["break_even"] if price["key"] == "spare_gpus")
    assert set(found) == {"key", "price", "at", "ci95", "other_uses_more"}
    items = made["cost_by_item"]
    total = made["metrics"]["cost"]["difference"]["mean"]
    assert sum(row["difference"]["mean"] for row in items.values()) == pytest.approx(total)
    assert items["spare_gpus"]["difference"]["mean"] == pytest.approx(2000 * 1.5)


def test_bills_in_two_currencies_are_not_compared() -> None:
    for other, word in ((pool(1, cost=prices(currency="USD")), "USD"), (pool(1, cost=None), "no prices")):
        mixed = two(pool(0), other)
        one = mixed.against[0]
        assert not one.cost_by_item
        assert not one.break_evens
        assert "cost" not in one.metrics
        for text in (compare_page(mixed), compare_markdown(mixed), printed(compare_summary(mixed))):
            flat = " ".join(text.split())
            assert f"only between designs with prices in one currency (design 0: EUR, design 1: {word})" in flat
    free = two(pool(0, cost=None), pool(1, cost=None))
    assert "What it costs" not in compare_page(free)
    assert views.unpriced(free) == ""


@pytest.mark.parametrize(
    ("price", "more", "ending"),
    [
        (1.0, True, "so it does"),
        (2.0, True, "at the price of 2.00 it cannot be told"),
        (9.0, True, "so it does not"),
        (1.0, False, "so it does not"),
        (9.0, False, "so it does"),
        (None, True, "the designs are charged different prices"),
    ],
)
def test_a_break_even_says_what_todays_price_means(
    comparison: Comparison, price: float | None, more: bool, ending: str
) -> None:
    found = BreakEven("parts.gpu", price, 2.5, (1.75, 3.5), more)
    (line,) = views.break_even(replace(comparison.against[0], break_evens=[found]))
    where = "up to 2.50 EUR per part of class gpu" if more else "from 2.50 EUR per part of class gpu on"
    assert line.startswith(f"design 1 pays for itself {where} (95%: 1.75 to 3.50); ")
    assert line.endswith(f"{ending}.")
