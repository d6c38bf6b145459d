"""What a run costs: the bill of a mean replication, and what is not on it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ras_sim.metrics.cost import ITEMS, not_charged
from ras_sim.report.markup import Column, Section, paragraph, table
from ras_sim.report.style import label_of, money, number, percent

if TYPE_CHECKING:
    from ras_sim.experiment.result import Result

HEADS = ("item", "quantity", "unit", "price", "amount", "share", "per effective GPU-hour")

_ALSO_FREE = "Nodes that are neither job nor spares, storage and staff off site are on no bill."


def item_label(item: str) -> str:
    """An item of a bill as a person reads it.

    >>> item_label("spare_gpus"), item_label("parts.gpu"), item_label("stock.leaf")
    ('GPUs of spare nodes', 'parts: gpu', 'stock on the shelf: leaf')
    """
    kind, _, cls = item.partition(".")
    name = ITEMS[kind][0]
    return f"{name}: {label_of(cls)}" if cls else name


def unit_of(item: str) -> str:
    """What the price of an item is for.

    >>> unit_of("spare_gpus"), unit_of("parts.gpu"), unit_of("stock.gpu")
    ('spare GPU-hour', 'part', 'part-year on the shelf')
    """
    return ITEMS[item.partition(".")[0]][1]


def bill_rows(result: Result) -> list[tuple[str, ...]]:
    """One row for each item, as `HEADS`, and the total; none without prices."""
    bill = result.aggregate.charges
    if not bill:
        return []
    effective = math.fsum(one.effective_gpu_h for one in result.measures) / len(result.measures)
    total = math.fsum(charge["amount"].mean or 0.0 for charge in bill.values())
    rows = []
    for item, charge in bill.items():
        amount = charge["amount"].mean or 0.0
        quantity, price = charge["quantity"].mean or 0.0, charge["price"].mean or 0.0
        cells = (item_label(item), number(quantity), unit_of(item), money(price))
        rows.append((*cells, *_shares(amount, total, effective)))
    return [*rows, ("total", "", "", "", *_shares(total, total, effective))]


def _shares(amount: float, total: float, effective_gpu_h: float) -> tuple[str, str, str]:
    """An amount, its share of the total, and what it adds to an effective GPU-hour."""
    share = percent(amount / total, 1) if total > 0.0 else "–"
    return money(amount), share, money(amount / effective_gpu_h) if effective_gpu_h > 0.0 else "not defined"


def left_out(result: Result) -> str:
    """What is not charged, in words."""
    total = result.aggregate
    found = not_charged(total.charges, total.units_taken, total.resources)
    return f"Not charged: {_listed(found)}." if found else "Everything that can have a price has one."


def _listed(items: Sequence[str]) -> str:
    """Names of items, those of several classes as one."""
    classes: dict[str, list[str]] = {}
    for item in items:
        kind, _, cls = item.partition(".")
        classes.setdefault(kind, []).extend([label_of(cls)] if cls else [])
    return "; ".join(
        ITEMS[kind][0] + (f" ({', '.join(names)})" if names else "") for kind, names in classes.items()
    )


def costs(result: Result) -> Section | None:
    """The bill."""
    rows = bill_rows(result)
    if not rows:
        return None
    columns = tuple(Column(head, head not in ("item", "unit")) for head in HEADS)
    caption = f"Mean of a replication, amounts in {result.scenario.currency}; {_finding(result)}"
    notes = paragraph(f"{left_out(result)} {_ALSO_FREE}", "note")
    return Section("cost", "What it costs", table(caption, columns, rows) + notes)


def _finding(result: Result) -> str:
    """The largest item, in words."""
    bill = {item: charge["amount"].mean or 0.0 for item, charge in result.aggregate.charges.items()}
    largest, total = max(bill, key=bill.__getitem__), math.fsum(bill.values())
    return f"{percent(bill[largest] / total, 1)} are {item_label(largest)}" if total > 0.0 else "all are 0"
