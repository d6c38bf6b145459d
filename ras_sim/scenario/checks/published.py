"""Published figures name metrics that a run gives."""

from __future__ import annotations

from collections.abc import Iterator

from ras_sim.ledger import CATEGORIES
from ras_sim.scenario.checks.finding import MODE_NAMES, PRICE_NAMES, RUNG_NAMES, Finding, unknown_name
from ras_sim.scenario.model import Scenario
from ras_sim.scenario.tariff import build_tariff

_SCALARS = (
    "goodput",
    "clean_goodput",
    "ettr",
    "cluster_goodput",
    "mtti_h",
    "interruptions",
    "planned_interruptions",
    "gpu_availability",
)


def metric_names(scenario: Scenario) -> list[str]:
    """Every metric that a published figure may name, as its path in the JSON result."""
    classes = list(scenario.failures)
    modes = [f"{cls}.{mode}" for cls, named in scenario.failures.items() for mode in named]
    return [
        *_SCALARS,
        *(f"time_h.{category}" for category in CATEGORIES),
        *(f"interruptions_by_class.{cls}" for cls in classes),
        *(f"{table}.{mode}" for table in ("interruptions_by_mode", "faults_by_mode") for mode in modes),
        *(f"rungs.{rung}.{count}" for rung in scenario.repair.ladder for count in ("attempts", "fixed")),
        *_cost_names(scenario),
    ]


def _cost_names(scenario: Scenario) -> list[str]:
    """Cost and its items, where there are prices."""
    if scenario.cost is None:
        return []
    items = dict.fromkeys(row.item for row in build_tariff(scenario, gpus_per_node=1))
    return ["cost", "cost_per_effective_gpu_hour", *(f"cost_by_item.{item}" for item in items)]


def published_findings(scenario: Scenario) -> Iterator[Finding]:
    """Figures of metrics that do not exist."""
    known = metric_names(scenario) if scenario.published else []
    for name in scenario.published:
        if name not in known:
            what = "a metric of the result, e.g. goodput, time_h.restore, interruptions_by_mode.CLASS.MODE"
            names = (*MODE_NAMES, *RUNG_NAMES, *PRICE_NAMES)
            yield unknown_name(("published", name), name, known, what, at_key=True, among=names)
