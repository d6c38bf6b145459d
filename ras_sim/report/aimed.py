"""What a run was to find out, in words: the precision that was aimed at, and how far single replications lie apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ras_sim.report.published import kind_of, metric_label
from ras_sim.report.style import number, percent, span
from ras_sim.report.views import HEADLINE_LABELS, Headline, interval, shown, subtitle

if TYPE_CHECKING:
    from ras_sim.experiment.result import Result
    from ras_sim.metrics.precision import Aim


def facts(result: Result) -> list[str]:
    """What was run and to which precision: one short phrase each."""
    aimed = [] if result.aim is None else [aim_phrase(result.aim)]
    return [*subtitle(result), *aimed]


def aim_phrase(aim: Aim) -> str:
    """What was aimed at, and whether it was reached."""
    wish = aim.wish
    what = f"{name_of(wish.metric)} to {half_width_text(wish.metric, wish.half_width, wish.relative)}"
    if aim.is_reached:
        return f"{what}: reached"
    if aim.n_needed is None:
        return f"{what}: not known to be reached, the replications do not vary"
    return f"{what}: not reached, that takes {aim.n_needed:,} replications"


def half_width_text(metric: str, half_width: float, relative: bool = False) -> str:
    """Half of the width of an interval as text: in points of a share, in the unit of anything else.

    >>> half_width_text("goodput", 0.002), half_width_text("mtti_h", 0.05, True)
    ('±0.2 points', '±5%')
    """
    kind = kind_of(metric)
    if relative or kind == "percent":
        return f"±{100 * half_width:.3g}{'%' if relative else ' points'}"
    return f"±{span(half_width) if kind == 'span' else number(half_width)}"


def name_of(metric: str) -> str:
    """A metric in the middle of a sentence.

    >>> name_of("goodput"), name_of("mtti_h")
    ('goodput', 'MTTI')
    """
    label = metric_label(metric)
    return label[0].lower() + label[1:] if label[1:2].islower() else label


def aimed_headlines(result: Result) -> list[Headline]:
    """The metric that a precision was asked for, if it is none of the headline numbers anyway."""
    found = result.aimed
    if result.aim is None or found is None or result.aim.wish.metric in HEADLINE_LABELS:
        return []
    metric = result.aim.wish.metric
    kind = kind_of(metric)
    what = interval(found, kind)
    return [
        Headline(metric, metric_label(metric), shown(found.mean, kind), what, "the precision is about this")
    ]


def quantiles_line(result: Result) -> str:
    """How far single replications lie apart, "" where they are too few to say."""
    parts = []
    for name, one in result.aggregate.goodput_quantiles.items():
        if one is None:
            return ""
        low, high = one.ci95
        parts.append(f"{name.upper()} {percent(one.value)} (95%: {percent(low)} to {percent(high)})")
    return f"Goodput of single replications: {', '.join(parts)}"
