"""The page of the design reviews: tables, and answers in words that are computed from the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from ras_sim.experiment.compare import Comparison
from ras_sim.metrics.paired import Difference, paired
from ras_sim.report.compare_views import NOTHING, factor, is_rounding, level, probability, spread
from ras_sim.report.text import md, md_table
from ras_sim.scenario.model import Scenario
from ras_sim.units import HOURS_PER_YEAR

if TYPE_CHECKING:
    from docs.reviews import Review

INTRO = """# Design reviews

Questions that a design review asks, each answered by playing the designs on the same failures. Written by `make reviews`
from [the list](../docs/reviews.py) and the scenarios that it names; nothing here is typed in by hand but the questions
and the notes.

* **Difference**: goodput less that of the first design of the table, in points, with its 95% interval over pairs of
  histories; **P(better)** is the probability that it is above 0. Each interval is for one difference, not for all at once.
* **Pairing**: as many times more histories it would take without common failures.
* **Idle GPU-hours**: thousands a year that are paid for and do not train, (GPUs of the job and of its spares) x 8,766 h
  less the productive ones. So spares are charged; people, parts and energy are not.
* Rates come from publications, repair times and many probabilities are assumed (`ras-sim run` lists each with its
  source). Read which design is better and by about how much, not the third digit.
"""

HEADS = (
    "design",
    "goodput",
    "difference",
    "95% interval",
    "P(better)",
    "pairing",
    "idle GPU-hours, 1,000 a year",
    "difference",
    "95% interval",
)


class Found(NamedTuple):
    """What one design gave.

    Args:
        name: of the design.
        goodput: one per replication.
        idle_gpu_h: GPU-hours a year that are paid for and do not train, one per replication.
        n_spares: spare nodes.
    """

    name: str
    goodput: list[float]
    idle_gpu_h: list[float]
    n_spares: int


def page(answered: Sequence[tuple[Review, Comparison]]) -> str:
    """The whole page, one section per question."""
    return "\n".join([INTRO, *(section(review, comparison) for review, comparison in answered)])


def section(review: Review, comparison: Comparison) -> str:
    """One question: the answer, the table, what it rests on."""
    designs = found(comparison)
    scenario = comparison.designs[0].scenario
    days, n_gpus = scenario.horizon_h / 24, scenario.job.gpus
    head = (
        f"{n_gpus:,} GPUs, {days:.0f} days, {comparison.n_finished} pairs of histories; base: `{review.file}`"
    )
    common = f", with `{'`, `'.join(review.common)}`" if review.common else ""
    parts = [
        f"## {review.question}",
        " ".join(answer(designs)),
        md_table(HEADS, [row(designs[0], one) for one in designs]),
        f"{head}{common}. {review.note}".strip(),
        _changes(review),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def found(comparison: Comparison) -> list[Found]:
    """Goodput and cost of each design, replication by replication."""
    rows = []
    for design, measures in zip(comparison.designs, comparison.measures, strict=True):
        goodput = [one.goodput for one in measures]
        n_spares = design.scenario.job.spares.nodes
        rows.append(Found(design.name, goodput, idle_gpu_h_per_year(design.scenario, goodput), n_spares))
    return rows


def idle_gpu_h_per_year(scenario: Scenario, goodput: Sequence[float]) -> list[float]:
    """((job + spare GPUs) - goodput x job GPUs) x 8,766 h: what a year pays for that does not train.

    Args:
        goodput: productive share of the time of the job, 0..1, one per replication.
    """
    n_spare_gpus = scenario.job.spares.nodes * scenario.machine.build().gpus_per_node
    return [(scenario.job.gpus * (1.0 - one) + n_spare_gpus) * HOURS_PER_YEAR for one in goodput]


def row(base: Found, one: Found) -> tuple[str, ...]:
    """A line of the table."""
    goodput = paired(base.goodput, one.goodput)
    idle = paired(base.idle_gpu_h, one.idle_gpu_h)
    name, good, cost = one.name, level(goodput.other, "percent"), f"{(idle.other or 0.0) / 1000:,.0f}"
    if one is base:
        return (name, good, "base", *[NOTHING] * 3, cost, "base", NOTHING)
    p = NOTHING if is_rounding(goodput) else probability(goodput.p_greater)
    return (name, good, *spread(goodput, "percent"), p, factor(goodput), cost, *_thousands(base, one))


def answer(designs: Sequence[Found]) -> list[str]:
    """The answer in sentences: who is best, who cannot be told from it, who is worst; and what it costs."""
    ranked = sorted(designs, key=lambda one: -sum(one.goodput))
    best, last = ranked[0], ranked[-1]
    ties = [one for one in ranked[1:] if not _is_clear(paired(one.goodput, best.goodput))]
    whole = paired(last.goodput, best.goodput)
    if len(ties) == len(designs) - 1:
        words = [f"**Undecided**: with {len(best.goodput)} pairs goodput does not tell the designs apart."]
    else:
        amount, interval = spread(whole, "percent")
        words = [
            f"**{md(best.name)}** has the highest goodput, {level(whole.other, 'percent')}, "
            f"{amount.removeprefix('+')} above {md(last.name)} ({interval})."
        ]
        if ties:
            words.append(f"Too close to it to tell: {_names(ties)}.")
    return [*words, *_cost(designs)]


def _cost(designs: Sequence[Found]) -> list[str]:
    """What the choice costs; which design is cheapest is said only where spares, which are charged, differ."""
    ranked = sorted(designs, key=lambda one: sum(one.idle_gpu_h))
    cheapest, dearest = ranked[0], ranked[-1]
    if not _is_clear(paired(cheapest.idle_gpu_h, dearest.idle_gpu_h)):
        return []
    amount, interval = _thousands(cheapest, dearest)
    between = f"{amount.removeprefix('+')} thousand GPU-hours a year ({interval})"
    if len({one.n_spares for one in designs}) == 1:
        return [f"From the worst to the best {between} are gained."]
    ties = [one for one in ranked[1:] if not _is_clear(paired(cheapest.idle_gpu_h, one.idle_gpu_h))]
    words = [
        f"Spares charged, **{md(cheapest.name)}** is cheapest, {between} below the dearest, {md(dearest.name)}."
    ]
    return [*words, f"Too close to it to tell: {_names(ties)}."] if ties else words


def _changes(review: Review) -> str:
    """How each design differs from the file of the review, for those who want to run it again."""
    lines = []
    for one in review.designs:
        sets = " ".join(f"--set '{value}'" for value in review.sets(one))
        if sets or one.file:
            command = f"ras-sim run scenarios/{one.file or review.file} {sets}".strip()
            lines.append(f"* {md(one.name)}: `{command}`")
    return "<details><summary>The designs as commands</summary>\n\n" + "\n".join(lines) + "\n\n</details>"


def _is_clear(difference: Difference) -> bool:
    return difference.is_clear and not is_rounding(difference)


def _names(designs: Sequence[Found]) -> str:
    return ", ".join(md(one.name) for one in designs)


def _thousands(base: Found, other: Found) -> tuple[str, str]:
    """The difference in idle GPU-hours a year and its interval, in thousands, as text."""
    a, b = ([value / 1000 for value in one.idle_gpu_h] for one in (base, other))
    return spread(paired(a, b), "number")
