"""Prices for tests, and ledgers that are charged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ras_sim.ledger import JobRow, Ledger, TariffRow
from ras_sim.metrics import Measures, measure
from tests.ledgers import empty
from tests.small import SOURCE

PAY: dict[str, Any] = {"price": "50 per hour", "paid": "worked", **SOURCE}
ENERGY: dict[str, Any] = {
    "price": "0.1 per kWh", "running": "1 kW", "idle": "250 W", "overhead": 1.2, **SOURCE,
}  # fmt: skip


def prices(**changes: Any) -> dict[str, Any]:
    """A `cost` block with a price for everything that a pool of one-GPU nodes has, and the keys of `changes` set."""
    block = {
        "currency": "EUR", "job_gpu": "2 per GPU-hour", "spare_gpu": "1.5 per GPU-hour", "technicians": PAY,
        "parts": {"node": 1000}, "energy": ENERGY, **SOURCE,
    }  # fmt: skip
    return {key: value for key, value in {**block, **changes}.items() if value is not None}


def charged(productive_h: float, tariff: Sequence[tuple[str, float, float, str]], **known: Any) -> Ledger:
    """100 hours of a job of 8 GPUs, so many of them productive, and what is charged for them."""
    ledger = empty(**known)
    rest_h = ledger.horizon_h - productive_h
    ledger.job = [
        JobRow(0.0, productive_h, "productive", productive_h, -1),
        JobRow(productive_h, ledger.horizon_h, "restore", rest_h, -1),
    ]
    ledger.tariff = [TariffRow(*row, "EUR") for row in tariff]
    return ledger


def measured(productive_h: Sequence[float], *tariff: tuple[str, float, float, str]) -> list[Measures]:
    """The measures of one such ledger for each number of productive hours."""
    return [measure(charged(hours, tariff, replication=k)) for k, hours in enumerate(productive_h)]
