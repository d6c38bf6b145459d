"""What the pages of the design reviews say, free of any markup: tables, and answers computed from the numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ras_sim.experiment.compare import Against, Comparison
from ras_sim.metrics.paired import Difference, paired
from ras_sim.metrics.samples import Sample, paired_difference, sample
from ras_sim.report.compare_views import (
    NOTHING,
    break_even,
    factor,
    level,
    probability,
    spread,
)
from ras_sim.scenario.model import Scenario
from ras_sim.units import HOURS_PER_YEAR

if TYPE_CHECKING:
    from docs.reviews import Review

TITLE = "Design reviews"

INTRO = (
    "Questions that a design review asks, each answered by playing the designs on the same failures. Nothing here is "
    "typed in by hand but the questions and the notes."
)

TERMS = (
    (
        "Difference",
        "goodput less that of the first design of the table, in points, with its 95% interval over pairs of histories; "
        "P(better) is the probability that it is above 0. Each interval is for one difference, not for all at once.",
    ),
    (
        "Pairing",
        "as many times more histories it would take without common failures. “1.8x of 3x”: one design varies so much more "
        "than the other that no pairing could be worth more than 3, since no two numbers correlate by more than 1.",
    ),
    (
        "Per effective GPU-hour",
        "everything that has a price (GPUs of the job and of its spares, technicians, parts, energy), divided by "
        "productive hours x GPUs of the job. Prices are those of library:prices_h100, most of them assumed. A design "
        "pays for itself up to the price at which it costs as much per effective GPU-hour as the first design of the table.",
    ),
    (
        "Idle GPU-hours",
        "where a scenario has no prices: thousands a year that are paid for and do not train, (GPUs of the job and of its "
        "spares) x 8,766 h less the productive ones. So spares are charged; people, parts and energy are not.",
    ),
)

TRUST = (
    "Rates come from publications, repair times and many probabilities are assumed (`ras-sim run` lists each with its "
    "source). Read which design is better and by about how much, not the third digit."
)

GOODPUT_HEADS = ("design", "goodput", "difference", "95% interval", "P(better)", "pairing")
"""Columns of the table of a question that `row` fills, before those of `cost_heads`. All but the first hold numbers."""

_DECIDED = ("spare_gpus", "technicians")
"""Prices of what a design decides to have; of other things it uses more or less as a consequence."""


class Found(NamedTuple):
    """What one design gave.

    Args:
        name: of the design.
        goodput: one per replication.
        idle_gpu_h: GPU-hours a year that are paid for and do not train, one per replication.
        n_spares: spare nodes.
        currency: of its prices; None without.
        cost: cost and effective GPU-hours of each replication; None without prices.
        pays: at which prices of what was decided it pays for itself against the base, in sentences.
    """

    name: str
    goodput: list[float]
    idle_gpu_h: list[float]
    n_spares: int
    currency: str | None = None
    cost: Sample | None = None
    pays: tuple[str, ...] = ()


def found(comparison: Comparison) -> list[Found]:
    """Goodput and cost of each design, replication by replication."""
    rows = []
    pays = [(), *map(_pays, comparison.against)]
    for design, measures, words in zip(comparison.designs, comparison.measures, pays, strict=True):
        goodput, scenario = [one.goodput for one in measures], design.scenario
        idle, n_spares = idle_gpu_h_per_year(scenario, goodput), scenario.job.spares.nodes
        cost = None if scenario.currency is None else sample(measures, "cost_per_effective_gpu_hour")
        rows.append(Found(design.name, goodput, idle, n_spares, scenario.currency, cost, words))
    return rows


def _pays(one: Against) -> tuple[str, ...]:
    """At which prices of what was decided a design pays for itself."""
    decided = [price for price in one.break_evens if price.key in _DECIDED]
    return tuple(break_even(replace(one, break_evens=decided)))


def is_priced(designs: Sequence[Found]) -> bool:
    """Whether all designs have prices in one currency."""
    return designs[0].cost is not None and len({one.currency for one in designs}) == 1


def cost_heads(designs: Sequence[Found]) -> tuple[str, str, str]:
    """Columns of cost: money where every design has prices, else idle GPU-hours."""
    money = f"{designs[0].currency} per effective GPU-hour"
    return money if is_priced(designs) else "idle GPU-hours, 1,000 a year", "difference", "95% interval"


def idle_gpu_h_per_year(scenario: Scenario, goodput: Sequence[float]) -> list[float]:
    """((job + spare GPUs) - goodput x job GPUs) x 8,766 h: what a year pays for that does not train.

    Args:
        goodput: productive share of the time of the job, 0..1, one per replication.
    """
    n_spare_gpus = scenario.job.spares.nodes * scenario.machine.build().gpus_per_node
    return [(scenario.job.gpus * (1.0 - one) + n_spare_gpus) * HOURS_PER_YEAR for one in goodput]


def rows(designs: Sequence[Found]) -> list[tuple[str, ...]]:
    """The table of a question, the base first."""
    return [row(designs[0], one, is_priced(designs)) for one in designs]


def row(base: Found, one: Found, priced: bool) -> tuple[str, ...]:
    """A line of the table."""
    goodput, money = paired(base.goodput, one.goodput), _money(base, one) if priced else None
    name, good = one.name, level(goodput.other, "percent")
    if money is None:
        cost, differs = f"{(paired(base.idle_gpu_h, one.idle_gpu_h).other or 0.0) / 1000:,.0f}", _thousands(base, one)
    else:
        cost, differs = level(money.other, "number"), spread(money, "number")
    if one is base:
        return (name, good, "base", *[NOTHING] * 3, cost, "base", NOTHING)
    p = NOTHING if goodput.is_zero else probability(goodput.p_greater)
    return (name, good, *spread(goodput, "percent"), p, factor(goodput), cost, *differs)


def _money(base: Found, one: Found) -> Difference | None:
    """Difference in cost per effective GPU-hour; None without prices."""
    if base.cost is None or one.cost is None:
        return None
    return paired_difference(base.cost, one.cost)


def answer(designs: Sequence[Found]) -> list[str]:
    """The answer in sentences: who is best, who cannot be told from it, who is worst; and what it costs."""
    ranked = sorted(designs, key=lambda one: -sum(one.goodput))
    best, last = ranked[0], ranked[-1]
    ties = [one for one in ranked[1:] if not paired(one.goodput, best.goodput).is_clear]
    whole = paired(last.goodput, best.goodput)
    if len(ties) == len(designs) - 1:
        words = [f"Undecided: with {len(best.goodput)} pairs goodput does not tell the designs apart."]
    else:
        amount, interval = spread(whole, "percent")
        words = [
            f"{_quoted(best)} has the highest goodput, {level(whole.other, 'percent')}, "
            f"{amount.removeprefix('+')} above {_quoted(last)} ({interval})."
        ]
        if ties:
            words.append(f"Too close to it to tell: {_names(ties)}.")
    if is_priced(designs):
        return [*words, *_cost_in_money(designs), *(line for one in designs for line in one.pays)]
    return [*words, *_cost(designs)]


def _cost_in_money(designs: Sequence[Found]) -> list[str]:
    """The cheapest design per effective GPU-hour, and who cannot be told from it."""
    ranked = sorted(designs, key=lambda one: (one.cost.estimate.mean if one.cost else None) or math.inf)
    cheapest, dearest = ranked[0], ranked[-1]
    whole = _money(cheapest, dearest)
    if whole is None or not whole.is_clear:
        return ["What they cost per effective GPU-hour does not tell them apart."]
    amount, interval = spread(whole, "number")
    words = [
        f"{_quoted(cheapest)} is cheapest, {level(whole.base, 'number')} {cheapest.currency} per effective GPU-hour, "
        f"{amount.removeprefix('+')} below the dearest, {_quoted(dearest)} ({interval})."
    ]
    gaps = [(one, _money(cheapest, one)) for one in ranked[1:]]
    ties = [one for one, gap in gaps if gap is not None and not gap.is_clear]
    return [*words, f"Too close to it to tell: {_names(ties)}."] if ties else words


def _cost(designs: Sequence[Found]) -> list[str]:
    """What the choice costs; which design is cheapest is said only where spares, which are charged, differ."""
    ranked = sorted(designs, key=lambda one: sum(one.idle_gpu_h))
    cheapest, dearest = ranked[0], ranked[-1]
    if not paired(cheapest.idle_gpu_h, dearest.idle_gpu_h).is_clear:
        return []
    amount, interval = _thousands(cheapest, dearest)
    between = f"{amount.removeprefix('+')} thousand GPU-hours a year ({interval})"
    if len({one.n_spares for one in designs}) == 1:
        return [f"From the worst to the best {between} are gained."]
    ties = [one for one in ranked[1:] if not paired(cheapest.idle_gpu_h, one.idle_gpu_h).is_clear]
    words = [
        f"Spares charged, {_quoted(cheapest)} is cheapest, {between} below the dearest, {_quoted(dearest)}."
    ]
    return [*words, f"Too close to it to tell: {_names(ties)}."] if ties else words


def setting(review: Review, comparison: Comparison) -> str:
    """What the answer rests on."""
    scenario = comparison.designs[0].scenario
    days, n_gpus = scenario.horizon_h / 24, scenario.job.gpus
    common = f", with {', '.join(review.common)}" if review.common else ""
    return (
        f"{n_gpus:,} GPUs, {days:.0f} days, {comparison.n_finished} pairs of histories; base: {review.file}{common}. "
        f"{review.note}"
    ).strip()


def commands(review: Review) -> list[tuple[str, str]]:
    """How each design is run again, for all that are more than a file: (design, command)."""
    lines = []
    for one in review.designs:
        sets = " ".join(f"--set '{value}'" for value in review.sets(one))
        if sets or one.file:
            lines.append((one.name, f"ras-sim run scenarios/{one.file or review.file} {sets}".strip()))
    return lines


def _quoted(design: Found) -> str:
    return f"“{design.name}”"


def _names(designs: Sequence[Found]) -> str:
    return ", ".join(map(_quoted, designs))


def _thousands(base: Found, other: Found) -> tuple[str, str]:
    """The difference in idle GPU-hours a year and its interval, in thousands, as text."""
    a, b = ([value / 1000 for value in one.idle_gpu_h] for one in (base, other))
    return spread(paired(a, b), "number")
