"""What the tests of checks and of baselines share: small scenarios with expectations, and results made up for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ras_sim.ledger import JobRow, Ledger
from ras_sim.scenario.load import loads
from ras_sim.scenario.model import Scenario
from tests.ledgers import empty

ROOT = Path(__file__).parents[2]
TINY = ROOT / "tests" / "scenarios" / "tiny.yaml"
MARGIN = "goodput: {no_worse_than_baseline_by: 1 %}"


def text(expect: str) -> str:
    return TINY.read_text() + f"expect: {{{expect}}}\n"


def scenario(expect: str, *overrides: str) -> Scenario:
    return loads(text(expect), "here.yaml", overrides)


def steady(goodput: float) -> Callable[..., Ledger]:
    """Replications that are all alike."""

    def simulate(_: Scenario, *, seed: int, replication: int) -> Ledger:
        ledger = empty(100.0, replication, seed)
        ledger.job = [
            JobRow(0, 1, "productive", 100 * goodput, -1),
            JobRow(0, 1, "repair", 100 * (1 - goodput), -1),
        ]
        return ledger

    return simulate
