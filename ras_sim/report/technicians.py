"""What a technician-hour bought, by failure class: for the page, the terminal and the Markdown summary."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from ras_sim.metrics.technicians import TechnicianUse, technician_use, together
from ras_sim.report.markup import Column, Section, paragraph, table
from ras_sim.report.style import count_column, label_of, number, percent, span

if TYPE_CHECKING:
    from ras_sim.experiment.result import Result

TITLE = "What a technician-hour bought"
HEADS = (
    "class",
    "visits",
    "hours",
    "on the way",
    "overtime",
    "wait for one",
    "GPUs back per hour",
    "job's GPU-hours",
)
_NOTE = (
    "Per replication, by the class of the root cause. Hours are those of technicians on the way and at "
    "the machine; wait for one is from the call until somebody sets out, per visit. GPUs back: those of "
    "the nodes that were in service again after a visit whose repair fixed the fault, for each hour of "
    "technicians spent on the class, visits that did not help included. Job's GPU-hours: those of the "
    "whole job while it waited for these repairs; where they are 0, spares covered for them."
)


def use_by_class(result: Result) -> dict[str, TechnicianUse]:
    """Means of a replication by class, the most hours first; empty where nobody was called."""
    found: dict[str, list[TechnicianUse]] = defaultdict(list)
    for ledger in result.ledgers:
        for cls, use in technician_use(ledger).items():
            found[cls].append(use)
    means = {cls: together(uses, 1.0 / len(result.ledgers)) for cls, uses in found.items()}
    return dict(sorted(means.items(), key=lambda item: (-item[1].hours, item[0])))


def use_rows(found: dict[str, TechnicianUse]) -> list[tuple[str, ...]]:
    """One row for each class as text, under `HEADS`; and one of all together."""
    named = [*found.items()]
    if len(named) > 1:
        named.append(("all", together(found.values())))
    visits = count_column([use.n_visits for _, use in named])
    return [
        (
            label_of(name),
            n_visits,
            number(use.hours),
            percent(use.travel_h / use.hours, 0) if use.hours > 0 else "–",
            percent(use.overtime_h / use.hours, 0) if use.hours > 0 else "–",
            span(use.wait_h / use.n_visits) if use.n_visits > 0 else "–",
            number(use.gpus_per_h) if use.gpus_per_h is not None else "–",
            number(use.job_wait_gpu_h),
        )
        for (name, use), n_visits in zip(named, visits, strict=True)
    ]


def technicians(result: Result) -> Section | None:
    """Hours of technicians, and what they brought back."""
    found = use_by_class(result)
    if not found:
        return None
    columns = [Column(head, index > 0) for index, head in enumerate(HEADS)]
    hours = together(found.values()).hours
    caption = f"{number(hours)} technician-hours in a replication"
    return Section("technicians", TITLE, table(caption, columns, use_rows(found)) + paragraph(_NOTE, "note"))
