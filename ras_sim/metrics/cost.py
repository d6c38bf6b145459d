"""What a replication costs: the tariff of its ledger times what the ledger says was used (docs/model.md, "Cost").

amount of an item = sum over its tariff rows of  unit price x factor x basis,      cost = sum of the amounts.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ras_sim.errors import ModelError
from ras_sim.ledger import Ledger, VisitRow
from ras_sim.units import HOURS_PER_YEAR

ITEMS: Mapping[str, tuple[str, str]] = {
    "gpus": ("GPUs of the job", "GPU-hour"),
    "spare_gpus": ("GPUs of spare nodes", "spare GPU-hour"),
    "technicians": ("technicians", "technician-hour"),
    "parts": ("parts", "part"),
    "stock": ("stock on the shelf", "part-year on the shelf"),
    "energy": ("energy", "kWh"),
}
"""Kinds of item in the order of a bill: name, and the unit that a bill counts in."""

ASIDE = {"aside": True}
"""Metadata of a field that is for other metrics to read, and no column of a table."""


@dataclass(frozen=True, slots=True)
class Charge:
    """One item of a bill: `quantity` units at `price` each; the amount is the sum over its rows of the tariff.

    Args:
        quantity: in the unit that `ITEMS` states, of stock part-years on the shelf.
        price: of one unit.
        amount: of both; to rounding their product.
        of_price: `price` as a share of the price in the scenario (`price_key`): 1, but of stock `carrying` per year.
    """

    quantity: float
    price: float
    amount: float
    of_price: float = field(default=1.0, metadata=ASIDE)

    @property
    def n_prices(self) -> float:
        """How many of the prices in the scenario are charged."""
        return self.quantity * self.of_price


def charges(ledger: Ledger, running_h: float) -> dict[str, Charge]:
    """The bill of one replication by item, in the order of its tariff; empty without a tariff.

    Args:
        running_h: hours in which the job ran (`Measures.running_h`).

    Raises:
        ModelError: the tariff names a basis that does not exist, or several currencies or prices for one item.
    """
    if not ledger.tariff:
        return {}
    bases = _Bases(ledger, running_h)
    quantities: dict[str, list[tuple[float, float]]] = defaultdict(list)  # factor, basis
    prices: dict[str, float] = {}
    currency = ledger.tariff[0].currency
    for row in ledger.tariff:
        if row.currency != currency or prices.setdefault(row.item, row.unit_price) != row.unit_price:
            raise ModelError(f"{row.item} has two prices or another currency", 0.0, "ledger.tariff")
        quantities[row.item].append((row.factor, bases.quantity(row.basis)))
    return {item: _charge(item, parts, prices[item]) for item, parts in quantities.items()}


def _charge(item: str, parts: Sequence[tuple[float, float]], price: float) -> Charge:
    """One item from its unit price and the factor and the basis of each of its rows."""
    n_prices = math.fsum(factor * basis for factor, basis in parts)
    if not item.startswith("stock."):
        return Charge(n_prices, price, n_prices * price)
    part_years = math.fsum(basis for _, basis in parts) / HOURS_PER_YEAR
    of_price = n_prices / part_years if part_years > 0.0 else parts[0][0] * HOURS_PER_YEAR
    return Charge(part_years, of_price * price, n_prices * price, of_price)


def not_charged(bill: Iterable[str], taken: Iterable[str], resources: Iterable[str]) -> tuple[str, ...]:
    """What is not on a bill though it was there: items without a price.

    Args:
        bill: its items.
        taken: classes of units that repairs took.
        resources: limited resources; `parts.CLASS` is a shelf.

    >>> not_charged(["gpus", "parts.gpu"], ["gpu", "optic"], ["spare_nodes", "parts.optic"])
    ('spare_gpus', 'technicians', 'parts.optic', 'stock.optic', 'energy')
    """
    shelves = [name.removeprefix("parts.") for name in resources if name.startswith("parts.")]
    there = {"parts": [f"parts.{cls}" for cls in taken], "stock": [f"stock.{cls}" for cls in shelves]}
    charged = set(bill)
    return tuple(item for kind in ITEMS for item in there.get(kind, [kind]) if item not in charged)


def price_key(item: str) -> str:
    """Which price an item is charged at: stock at the price of the part.

    >>> price_key("stock.gpu"), price_key("energy")
    ('parts.gpu', 'energy')
    """
    return item.replace("stock.", "parts.", 1)


class _Bases:
    """Quantities of a ledger that a tariff may charge; each is worked out when asked for.

    elapsed_h     length of the run
    running_h     hours in which the job ran, at whatever speed
    held_h        the other hours
    technician_h  hours of technicians at work, travel included, summed over technicians
    overtime_h    those of them after the end of a shift
    units.CLASS   replaceable units taken
    stock_h.CLASS units on the shelf, integrated over time
    """

    def __init__(self, ledger: Ledger, running_h: float) -> None:
        self._ledger = ledger
        horizon_h = ledger.horizon_h
        self._plain: Mapping[str, Callable[[], float]] = {
            "elapsed_h": lambda: horizon_h,
            "running_h": lambda: running_h,
            "held_h": lambda: horizon_h - running_h,
            "technician_h": lambda: technician_h(ledger),
            "overtime_h": lambda: overtime_h(ledger),
        }

    def quantity(self, basis: str) -> float:
        """The quantity of that name."""
        if basis in self._plain:
            return self._plain[basis]()
        kind, _, cls = basis.partition(".")
        if kind == "units" and cls:
            return float(units_taken(self._ledger).get(cls, 0))
        if kind == "stock_h" and cls:
            return level_h(self._ledger, f"parts.{cls}")
        raise ModelError(f"the basis {basis!r} does not exist", 0.0, "ledger.tariff")


NEW = ("sound", "dead")
"""Conditions of units that were bought: others came back from the manufacturer and have been paid for."""


def units_taken(ledger: Ledger) -> dict[str, int]:
    """New replaceable units that repairs took, by class, sorted."""
    taken = Counter(
        row.component_class for row in ledger.parts if not math.isnan(row.taken_h) and row.condition in NEW
    )
    return dict(sorted(taken.items()))


def technician_h(ledger: Ledger) -> float:
    """Hours of technicians at work, travel included: from when each was sent until they left or the run ended."""
    return math.fsum(_left_h(row, ledger) - row.sent_h for row in ledger.visits if not math.isnan(row.sent_h))


def overtime_h(ledger: Ledger) -> float:
    """Hours of technicians at work after the end of their shift."""
    begun = (row for row in ledger.visits if not math.isnan(row.off_duty_h))
    return math.fsum(max(0.0, _left_h(row, ledger) - row.off_duty_h) for row in begun)


def _left_h(row: VisitRow, ledger: Ledger) -> float:
    return ledger.horizon_h if math.isnan(row.left_h) else row.left_h


def level_h(ledger: Ledger, resource: str) -> float:
    """Level of a resource integrated over the run, in hours; 0 if it has no rows."""
    rows = [(row.time_h, row.change) for row in ledger.resources if row.resource == resource]
    return _integral(rows, ledger.horizon_h)


def _integral(changes: list[tuple[float, int]], horizon_h: float) -> float:
    """Of a step function, by its changes: each step lasts from its time to the end."""
    return math.fsum(change * max(0.0, horizon_h - time_h) for time_h, change in changes)
