"""What the report of a comparison says, free of any markup: terminal, Markdown and page say the same."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ras_sim.experiment.compare_json import direction, metric_direction, p_better
from ras_sim.report.aimed import aim_phrase
from ras_sim.report.bill import item_label, unit_of
from ras_sim.report.style import EFFECT_LABELS, OUTCOME_LABELS, count, label_of, money, number, percent, span
from ras_sim.report.timeline import clock

if TYPE_CHECKING:
    from ras_sim.experiment.compare import Against, Comparison
    from ras_sim.experiment.matching import Fault, Parting
    from ras_sim.ledger import IncidentRow
    from ras_sim.metrics.breakeven import BreakEven
    from ras_sim.metrics.paired import Difference

MAX_RETURNS = 4
_WORTH_SAYING = 1.2
_MUCH = 10.0
NOTHING = "–"

LABELS: Mapping[str, tuple[str, str]] = {
    "goodput": ("Goodput", "percent"),
    "clean_goodput": ("Clean goodput", "percent"),
    "ettr": ("ETTR", "percent"),
    "cluster_goodput": ("Cluster goodput", "percent"),
    "gpu_availability": ("GPU availability", "percent"),
    "mtti_h": ("MTTI", "span"),
    "interruptions": ("Interruptions", "count"),
    "planned_interruptions": ("Planned stops", "count"),
    "lost_gpu_hours": ("Lost GPU-hours", "number"),
    "spares_taken": ("Spares taken", "count"),
    "technician_h": ("Technician-hours", "number"),
    "cost_per_effective_gpu_hour": ("Cost per effective GPU-h", "number"),
    "cost": ("Cost, thousands", "thousands"),
    "horizon_h": ("Time to finish", "span"),
}
"""Name and kind of each metric that is compared."""


class Line(NamedTuple):
    """One row of a table of differences, as text."""

    label: str
    base: str
    other: str
    difference: str
    interval: str
    p_better: str
    factor: str


def subtitle(comparison: Comparison) -> list[str]:
    """Designs, replications, seed: one short phrase each."""
    n = comparison.n_finished
    parts = [
        f"{len(comparison.designs)} designs {histories_of(comparison)}",
        *_sizes(comparison),
        f"base: {comparison.designs[0].name}",
        f"{n:,} replication{'s' if n != 1 else ''} of each",
        f"seed {comparison.seed}",
    ]
    if comparison.aim is not None:
        parts.append(aim_phrase(comparison.aim))
    if comparison.interrupted:
        parts.append("stopped early: only what every design has finished is counted")
    return parts


def histories_of(comparison: Comparison) -> str:
    """On whose failures the designs meet: "on the same failures" only where each shares every mode with the base."""
    every = [one.shared for one in comparison.against]
    if not any(one.different for one in every):
        return "on the same failures"
    lead = "that are the same in part" if any(one.same for one in every) else "of their own"
    found = dict.fromkeys((len(one.same), len(one.same) + len(one.different)) for one in every)
    listed = ", ".join(f"{n:,} of {total:,}" for n, total in sorted(found))
    return f"on failures {lead} ({listed} failure modes and shocks shared)"


def _sizes(comparison: Comparison) -> list[str]:
    """GPUs of the job of each design, where they differ: GPU-hours and counts are of jobs of different sizes."""
    sizes = [design.scenario.job.gpus for design in comparison.designs]
    if len(set(sizes)) == 1:
        return []
    return [f"jobs of {' and '.join(f'{size:,}' for size in dict.fromkeys(sizes))} GPUs"]


def verdict(one: Against) -> str:
    """Which of two designs is better, by how much, how sure."""
    goodput, name = one.metrics["goodput"], one.design.label
    if goodput.estimate.n == 0:
        return f"{name}: no replication was finished."
    if goodput.is_zero:
        return f"{name}: goodput is the same in every replication."
    amount, interval = spread(goodput, "percent")
    if goodput.estimate.ci95 is None:
        return f"{name}: goodput {amount} in one history; run more replications for an interval."
    word = "better" if (goodput.estimate.mean or 0.0) > 0 else "worse"
    lead = f"{name} is {word}" if goodput.is_clear else f"{name}: no clear difference"
    sure = f"probability to be better {probability(p_better(goodput, 1))}"
    return f"{lead}: goodput {amount} (95% interval {interval}), {sure}.{_worth(goodput)}{_adjusted(one)}"


def _adjusted(one: Against) -> str:
    """The difference with control variates, and what pairing and they are worth, in words; "" where there is none. It is
    said whether it is narrower or not: to show the better of two intervals would be to choose by the result."""
    found = one.adjusted
    if found is None or not found.variance_factor:
        return ""
    amount, interval = spread(found, "percent")
    worth = number(found.variance_factor, 2)
    return (
        f" Adjusted for the faults that these histories happened to bring: {amount} (95% interval {interval}), "
        f"for which unpaired runs would need {worth} times as many."
    )


def _worth(one: Difference) -> str:
    """What pairing was worth, in words, and why not more."""
    factor, most = one.variance_factor, _most(one)
    if factor is None:
        return ""
    if factor < _WORTH_SAYING:
        said = " Common failures do not narrow this interval: the two designs hardly vary together"
    else:
        said = f" Unpaired runs would need {number(factor, 2)} times as many replications for the same interval"
    why = f"; one varies so much more than the other that no pairing is worth more than {most} times" if most else ""
    return f"{said}{why}."


def _most(one: Difference) -> str:
    """The most that pairing could be worth, as text; "" where that is much."""
    most = one.most_by_pairing
    return number(most, 2) if most is not None and most < _MUCH else ""


def metric_lines(one: Against) -> list[Line]:
    """Every metric; those that are 0 in both designs are left out."""
    return [
        _line(label_in(name, one.design.scenario.currency), difference, LABELS[name][1], metric_direction(name))
        for name, difference in one.metrics.items()
        if difference.base or difference.other or difference.estimate.mean is None
    ]


def label_in(name: str, currency: str | None) -> str:
    """Name of a metric, of a cost with its currency."""
    if name == "cost_per_effective_gpu_hour":
        return f"{currency}/effective GPU-h"
    return f"Cost, 1,000 {currency}" if name == "cost" else LABELS[name][0]


def bill_lines(one: Against) -> list[Line]:
    """Items of the bill that at least one of the designs is charged for, in their order, and their total."""
    rows = one.cost_by_item.items()
    lines = [_line(item_label(item), row, "number", -1) for item, row in rows if row.base or row.other]
    return [*lines, _line("total", one.metrics["cost"], "number", -1)] if lines else []


def break_even(one: Against) -> list[str]:
    """At which prices both designs cost the same, a sentence each; none where no price does, or it cannot be told."""
    name, currency = one.design.label, one.design.scenario.currency
    return [_break_even(name, str(currency), price) for price in one.break_evens]


def _break_even(name: str, currency: str, one: BreakEven) -> str:
    """One price in a sentence."""
    kind, _, cls = one.key.partition(".")
    unit = f"{unit_of(kind)} of class {label_of(cls)}" if cls else unit_of(kind)
    low, high = one.ci95
    at, ends = f"{money(one.at)} {currency} per {unit}", f"(95%: {money(low)} to {money(high)})"
    where = f"up to {at} {ends}" if one.other_uses_more else f"from {at} on {ends}"
    return f"{name} pays for itself {where}; {_at_present(one)}."


def _at_present(one: BreakEven) -> str:
    """What today's price says."""
    if one.price is None:
        return "the designs are charged different prices"
    low, high = one.ci95
    is_low, is_high = one.price < low, one.price > high
    if not (is_low or is_high):
        return f"at the price of {money(one.price)} it cannot be told"
    pays = is_low if one.other_uses_more else is_high
    return f"the price is {money(one.price)}, so it {'does' if pays else 'does not'}"


def unpriced(comparison: Comparison) -> str:
    """Why bills are not compared, "" where all are or where nothing has a price."""
    currencies = [design.scenario.currency for design in comparison.designs]
    if len(set(currencies)) == 1:
        return ""
    names = ", ".join(
        f"{d.label}: {c or 'no prices'}" for d, c in zip(comparison.designs, currencies, strict=True)
    )
    return f"Costs are compared only between designs with prices in one currency ({names})."


def table_lines(one: Against, table: str, limit: int, kind: str = "number") -> list[Line]:
    """Rows of a table of differences that are not 0, the largest first."""
    rows: dict[str, Difference] = getattr(one, table)
    found = [(name, row) for name, row in rows.items() if not row.is_zero]
    found.sort(key=lambda item: -abs(item[1].estimate.mean or 0.0))
    is_mode = table.endswith("by_mode")
    return [
        _line(name if is_mode else label_of(name), row, kind, direction(table, name))
        for name, row in found[:limit]
    ]


def _line(label: str, one: Difference, kind: str, better: int) -> Line:
    amount, interval = spread(one, kind)
    p = probability(p_better(one, better))
    return Line(label, level(one.base, kind), level(one.other, kind), amount, interval, p, factor(one))


def level(value: float | None, kind: str) -> str:
    """A value as text: `kind` is percent, span (hours), count, thousands or number."""
    if kind == "percent":
        return percent(value, 3)
    if kind == "thousands":
        return number(None if value is None else value / 1000, 4)
    if kind == "span":
        return "none seen" if value is None else span(value)
    return count(value) if kind == "count" else number(value, 4)


def spread(one: Difference, kind: str) -> tuple[str, str]:
    """A difference and its 95% interval as text, in one unit, with as many decimals as the interval bears.

    Returns:
        (amount with its unit, interval without; "–" where there is none).
    """
    mean, ci95 = one.estimate.mean, one.estimate.ci95
    if mean is None:
        return "not defined", NOTHING
    if one.is_zero:
        return "no difference", NOTHING
    values = [mean, *(ci95 or ())]
    scale, unit = _unit(values, kind)
    scaled = [value * scale for value in values]
    width = (scaled[2] - scaled[1]) / 2 if ci95 else abs(scaled[0])
    if width < 1e-9 * abs(scaled[0]):  # every pair differs by as much: four figures, and none of the rounding
        width = abs(scaled[0]) / 100
    decimals = min(6, max(0, 1 - math.floor(math.log10(width)))) if width > 0 else 2
    mean_text, *ends = (f"{value:+,.{decimals}f}" for value in scaled)
    return f"{mean_text}{unit}", f"{ends[0]} to {ends[1]}" if ends else NOTHING


def _unit(values: Sequence[float], kind: str) -> tuple[float, str]:
    """Factor to and name of the unit that all values are shown in."""
    if kind == "percent":
        return 100.0, " points"
    if kind == "thousands":
        return 0.001, ""
    if kind != "span":
        return 1.0, ""
    largest = max(map(abs, values))
    for size_h, unit in ((72.0, " d"), (1.0, " h"), (1 / 60, " min")):
        if largest >= size_h:
            return (1 / 24 if unit == " d" else 1 / size_h), unit
    return 3600.0, " s"


def probability(value: float | None) -> str:
    """A probability as text; nothing is ever called certain.

    >>> probability(0.99999), probability(0.5), probability(None)
    ('>99.9%', '50.0%', '–')
    """
    if value is None:
        return NOTHING
    if value > 0.9995:
        return ">99.9%"
    return "<0.1%" if value < 0.0005 else percent(value, 1)


def factor(one: Difference) -> str:
    """The variance factor of pairing as text, with the most that it could be where that is little."""
    if one.variance_factor is None:
        return NOTHING
    if one.variance_factor > 10_000:
        return ">10,000x"
    most = _most(one)
    return f"{number(one.variance_factor, 2)}x{f' of {most}x' if most else ''}"


def attribution(one: Against) -> str:
    """From which faults the difference in lost GPU-hours comes."""
    n = max(len(one.faults), 1)
    unlike, alike, unmatched, unblamed = (
        math.fsum(getattr(total, name) for total in one.faults) / n
        for name in ("unlike_gpu_h", "alike_gpu_h", "unmatched_gpu_h", "unblamed_gpu_h")
    )
    return (
        f"{_signed(unlike + alike + unmatched + unblamed)} lost GPU-hours per replication: {_signed(unlike)} in faults "
        f"that were handled in another way, {_signed(alike)} in faults that were handled alike but cost more or less, "
        f"{_signed(unmatched)} in faults that only one design met, {_signed(unblamed)} without a fault to blame "
        "(checkpoints, the first start, planned stops)."
    )


def _signed(value: float) -> str:
    return f"{'+' if value > 0 else ''}{number(value)}"


def matching(one: Against) -> str:
    """How many faults are the same in both designs."""
    n = max(len(one.faults), 1)
    both, same, alike, ours, theirs = (
        sum(getattr(total, name) for total in one.faults) / n
        for name in ("n_matched", "n_same_hour", "n_alike", "n_only_base", "n_only_other")
    )
    text = (
        f"{count(both)} faults per replication are the same in both designs: {count(same)} of them strike at the same "
        f"hour, {count(alike)} are handled alike"
    )
    if ours or theirs:
        text += f"; {count(ours)} struck in the base only, {count(theirs)} in the other only"
    return f"{text}."


def shared_histories(one: Against) -> str:
    """What of the fault histories is the same."""
    same, different = one.shared.same, one.shared.different
    if not different:
        return f"All {len(same)} failure modes and shocks strike the same parts by the same law."
    listed = "; ".join(f"{name}: {reason}" for name, reason in list(different.items())[:12])
    more = f"; and {len(different) - 12} more" if len(different) > 12 else ""
    return (
        f"{len(same)} of {len(same) + len(different)} failure modes and shocks strike the same parts by the same law. "
        f"Not shared: {listed}{more}."
    )


def name_of(parting: Parting) -> str:
    """The fault: "hbm.due #17, replication 3"."""
    first = parting.base.first
    return f"{first.component_class}.{first.mode} #{first.instance}, replication {parting.replication}"


def extra(parting: Parting) -> str:
    """What it costs more or less in the other design."""
    return f"{_signed(parting.extra_gpu_h)} GPU-h" + (", handled alike" if parting.is_alike else "")


def story(parting: Parting) -> list[tuple[str, str, str]]:
    """A fault in both designs, aspect by aspect: (aspect, base, other)."""
    ours, theirs = aspects(parting.base), aspects(parting.other)
    return [(aspect, ours[aspect], theirs[aspect]) for aspect in ours]


def aspects(fault: Fault) -> dict[str, str]:
    """What happened, in words."""
    first = fault.first
    lost = sorted(fault.lost_h.items(), key=lambda item: -item[1])
    return {
        "struck": clock(first.arrive_h) + (f", node {first.node}" if first.node >= 0 else ""),
        "showed as": f"{label_of(first.symptom)}, {first.n_gpus_hit:,} GPU{'s' if first.n_gpus_hit != 1 else ''} hit",
        "job": "; ".join(_each(fault, lambda row: EFFECT_LABELS.get(row.job_effect, row.job_effect))),
        "rungs walked": "; came back: ".join(
            _each(fault, lambda row: walked(fault, row), lambda row: row.symptom != "alarm")
        ),
        "stages": "; ".join(_each(fault, _stages)),
        "job's hours": ", ".join(f"{label_of(name)} {span(hours)}" for name, hours in lost) or "none",
        "lost GPU-hours": number(fault.lost_gpu_h),
    }


def _each(
    fault: Fault, tell: Callable[[IncidentRow], str], which: Callable[[IncidentRow], bool] = lambda _: True
) -> list[str]:
    """A text for the fault and for each of its returns that is asked for, not too many."""
    rows = [row for number, row in enumerate(fault.incidents) if not number or which(row)]
    told = [tell(row) for row in rows[: MAX_RETURNS + 1]]
    left = len(rows) - len(told)
    return [*told, f"{left} more returns"] if left else told


def walked(fault: Fault, incident: IncidentRow) -> str:
    """The rungs that were tried on an incident, and how each try ended."""
    tries = [
        f"{label_of(one.rung)} ({OUTCOME_LABELS.get(one.outcome, one.outcome)})"
        for one in fault.attempts
        if one.incident_id == incident.incident_id
    ]
    return " → ".join(tries) or "none"


def _stages(row: IncidentRow) -> str:
    """How long after its arrival an incident was detected, located, closed."""
    stages = (("detected", row.detected_h), ("located", row.located_h), ("closed", row.closed_h))
    reached = [f"{name} +{span(at_h - row.arrive_h)}" for name, at_h in stages if not math.isnan(at_h)]
    return ", ".join(reached) or "never noticed"


def shares(comparison: Comparison, index: int) -> dict[str, tuple[float, float]]:
    """Mean share of the job's time in each category: in the base, and in the design at `index`."""
    ours, theirs = comparison.measures[0], comparison.measures[index]
    n = max(len(ours), 1)
    names = list(ours[0].time_h) if ours else []
    return {
        name: (
            math.fsum(one.time_h[name] / one.horizon_h for one in ours) / n,
            math.fsum(one.time_h[name] / one.horizon_h for one in theirs) / n,
        )
        for name in names
    }
