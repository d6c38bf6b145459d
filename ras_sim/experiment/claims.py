"""What a scenario claims of its results, and what a number of replications says of each claim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from ras_sim.experiment.baseline import Baseline
from ras_sim.metrics import Measures
from ras_sim.metrics.estimates import Estimate
from ras_sim.metrics.samples import Interval, paired_interval, sample, unpaired_interval
from ras_sim.metrics.sequential import Verdict, verdict_of
from ras_sim.scenario.amounts import Margin, better, bound, margin
from ras_sim.scenario.model import Scenario

Method: TypeAlias = Literal["bound", "paired", "unpaired"]
"""How a claim is decided: against a fixed bound; against the baseline on the same failures, or on others."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One bound on one metric.

    Args:
        metric: its name in the JSON result.
        sign: 1 if the truth must not be lower than the bound, -1 if not higher.
        limit: the bound in the unit of the metric, or how much worse than the baseline is good enough.
    """

    metric: str
    sign: int
    limit: float | Margin

    @property
    def on_baseline(self) -> bool:
        """True if the bound is a baseline."""
        return isinstance(self.limit, Margin)


@dataclass(frozen=True, slots=True)
class Judged:
    """A claim and what is known of it.

    Args:
        claim: what was claimed.
        verdict: pass, fail or undecided.
        method: how it was decided.
        estimate: of the metric, with its ordinary 95% interval.
        interval: what the verdict rests on, strict enough for all looks: of the metric, or against a baseline of the
            difference from it. Infinite where nothing is known.
        difference: metric less baseline; None without a baseline.
        bound: what the interval is held against: the limit, or the largest loss allowed with its sign.
        n: replications that were used, each of which has its pair if they are paired.
        baseline: of the stored mean; None without a baseline.
    """

    claim: Claim
    verdict: Verdict
    method: Method
    estimate: Estimate
    interval: Interval
    difference: float | None
    bound: float
    n: int
    baseline: Estimate | None = None

    @property
    def is_final(self) -> bool:
        """True if more replications change nothing: it is decided, or every pair that the baseline has is used."""
        used_up = self.method == "paired" and self.baseline is not None and self.n >= self.baseline.n
        return self.verdict != "undecided" or used_up

    def to_json(self) -> dict[str, Any]:
        """Plain values; null for what is infinite or undefined."""
        low, high = (None if abs(end) == float("inf") else end for end in self.interval)
        words: dict[str, Any] = {"metric": self.claim.metric, "verdict": self.verdict, "method": self.method}
        if self.baseline is not None:
            words |= {"difference": self.difference, "baseline": self.baseline.mean}
        side = "at_least" if self.claim.sign > 0 else "at_most"
        sizes = {"n": self.n, "replications": self.estimate.n}
        return words | {side: self.bound, "interval": [low, high], **sizes, **self.estimate.to_json()}


def claims_of(scenario: Scenario) -> tuple[Claim, ...]:
    """Every claim of a checked scenario, in its order."""
    claims: list[Claim] = []
    for name, one in scenario.expect.items():
        for sign, amount in ((1, one.at_least), (-1, one.at_most)):
            if amount is not None:
                claims.append(Claim(name, sign, bound(name, amount)))
        if one.no_worse_than_baseline_by is not None:
            claims.append(Claim(name, better(name), margin(name, one.no_worse_than_baseline_by)))
    return tuple(claims)


def judge(
    claim: Claim,
    measures: Sequence[Measures],
    baseline: Baseline | None,
    *,
    same_faults: bool,
    p_beyond: float,
) -> Judged:
    """What the replications so far say of a claim.

    Args:
        measures: of the replications 0, 1, ...
        baseline: holds the metric, if the claim is about it.
        same_faults: replication k of the baseline met the faults of replication k.
        p_beyond: probability of error allowed to either side.
    """
    new = sample(measures, claim.metric)
    if not isinstance(claim.limit, Margin):
        interval = new.interval(p_beyond)
        verdict = _verdict(claim.sign, interval, claim.limit)
        return Judged(claim, verdict, "bound", new.estimate, interval, None, claim.limit, len(measures))
    if baseline is None:
        raise ValueError(f"{claim.metric}: a claim about a baseline, and no baseline")
    stored = baseline.metrics[claim.metric]
    old = stored.sample(new) if same_faults else None
    if old is None:
        method: Method = "unpaired"
        n = len(measures)
        difference, interval = unpaired_interval(stored.estimate, new.estimate, p_beyond)
    else:
        method = "paired"
        n = min(len(measures), stored.n)
        difference, interval = paired_interval(old.first(n), new.first(n), p_beyond)
    limit = -claim.sign * claim.limit.of(stored.mean or 0.0)
    verdict = _verdict(claim.sign, interval, limit)
    return Judged(claim, verdict, method, new.estimate, interval, difference, limit, n, stored.estimate)


def _verdict(sign: int, interval: Interval, limit: float) -> Verdict:
    """What an interval says of a bound from below (sign 1) or from above (-1)."""
    low, high = interval
    return verdict_of(low, high, limit) if sign > 0 else verdict_of(-high, -low, -limit)
