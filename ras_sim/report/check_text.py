"""A check in a few lines: for the terminal, and for the report of pytest."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ras_sim.metrics.estimates import Estimate
from ras_sim.metrics.paired import Difference
from ras_sim.report.compare_views import spread
from ras_sim.report.published import metric_label
from ras_sim.report.views import shown
from ras_sim.scenario.amounts import Margin, kind_of

if TYPE_CHECKING:
    from ras_sim.experiment.baseline import Baseline
    from ras_sim.experiment.check import Check
    from ras_sim.experiment.claims import Claim, Judged
    from ras_sim.experiment.rebase import Moved

WORDS = {"pass": "pass", "fail": "FAIL", "undecided": "NOT DECIDED"}
"""A verdict as a person reads it."""

_KINDS = {"share": "percent", "time": "span", "count": "number"}


def check_lines(check: Check) -> list[str]:
    """The verdict, every expectation, and what to do where none could be reached."""
    where = check.subject.path or check.subject.scenario.name
    size = f"{check.replications} replications, seed {check.seed}"
    lines = [f"{where}: {WORDS[check.verdict]} ({size})"]
    for one in check.judged:
        line = f"  {WORDS[one.verdict]:<11}  {_claimed(one.claim)}: {_found(one)}"
        lines.append(f"{line}{_early(one, check)}")
    if check.unpaired_because:
        lines.append(f"  compared without pairs: {check.unpaired_because}")
    if any(one.difference for one in check.judged):
        since = "has changed" if check.is_changed else "has not changed, so the program has,"
        lines.append(f"  the scenario {since} since its baseline")
    return lines + [f"  {text}" for text in _advice(check)]


def baseline_lines(where: str, new: Baseline, moved: list[Moved], note: str) -> list[str]:
    """What a new baseline changes."""
    n = max(one.n for one in new.metrics.values())
    state = note or ("changed" if moved else "unchanged")
    lines = [f"{where}: {state} ({n} replications, seed {new.seed})"]
    return lines + [f"  {metric_label(one.metric)}: {_moved(one)}" for one in moved]


def _claimed(claim: Claim) -> str:
    """The claim in words.

    >>> from ras_sim.experiment.claims import Claim
    >>> _claimed(Claim("mtti_h", 1, 2.5)), _claimed(Claim("goodput", 1, Margin(0.01, False)))
    ('MTTI at least 2.5 h', 'Goodput no worse than the baseline by more than 1 point')
    """
    label = metric_label(claim.metric)
    if isinstance(claim.limit, Margin):
        return f"{label} no worse than the baseline by more than {_allowed(claim.metric, claim.limit)}"
    return f"{label} {'at least' if claim.sign > 0 else 'at most'} {_level(claim.metric, claim.limit)}"


def _early(one: Judged, check: Check) -> str:
    """Where a claim was left: how many replications stand behind it if the check went on for others, or why it did not."""
    n = one.estimate.n
    if n != check.replications:
        return f", after {n} replications"
    return "" if check.is_followed(one) else "; not followed further, as the scenario fails anyway"


def _allowed(metric: str, limit: Margin) -> str:
    if limit.relative:
        return f"{100 * limit.amount:.4g}%"
    if kind_of(metric) == "share":
        points = f"{100 * limit.amount:.4g}"
        return f"{points} point" if points == "1" else f"{points} points"
    return _level(metric, limit.amount)


def _level(metric: str, value: float) -> str:
    """A stated value, without decimals that nobody stated."""
    kind = kind_of(metric)
    return f"{100 * value:.4g}%" if kind == "share" else shown(value, _KINDS[kind])


def _found(one: Judged) -> str:
    """What the replications say."""
    kind = _KINDS[kind_of(one.claim.metric)]
    value = "none seen" if one.estimate.mean is None else shown(one.estimate.mean, kind)
    low, high = one.interval
    known = math.isfinite(low) and math.isfinite(high)
    if one.baseline is None:
        if kind == "percent":
            low, high = max(low, 0.0), min(high, 1.0)  # Student's t knows nothing of the ends of the scale
        return f"{value} ({shown(low, kind)} to {shown(high, kind)})" if known else value
    estimate = Estimate(one.difference, (low, high) if known else None, None, one.n)
    amount, ends = spread(Difference(one.baseline.mean, one.estimate.mean, estimate, None, None), kind)
    pairs = f", {one.n} pairs" if one.method == "paired" else ""
    return f"{amount}{pairs}" if amount == "no difference" else f"{amount} ({ends}){pairs}"


def _advice(check: Check) -> list[str]:
    """What may help where a check could not decide."""
    undecided = [one for one in check.judged if one.verdict == "undecided" and check.is_followed(one)]
    lines = []
    if any(not one.is_final for one in undecided):
        lines.append(
            f"{check.limit} replications cannot tell: allow more with --max-replications, or a wider bound"
        )
    if any(one.is_final for one in undecided):
        lines.append(
            "the baseline is too coarse: `ras-sim check --update` measures it as finely as is needed"
        )
    return lines


def _moved(one: Moved) -> str:
    """Both means, and how far they lie apart."""
    kind = _KINDS[kind_of(one.metric)]
    old, new = (None if stored is None else stored.mean for stored in (one.old, one.new))
    if one.new is None:
        return "no longer kept"
    if one.old is None:
        return "none seen" if new is None else shown(new, kind)
    if old is None or new is None:
        return f"{shown(old, kind)} -> {shown(new, kind)}"
    apart, _ = spread(Difference(old, new, Estimate(new - old, None, None, one.new.n), None, None), kind)
    return f"{shown(old, kind)} -> {shown(new, kind)} ({apart})"
