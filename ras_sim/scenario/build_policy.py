"""The policy, from what a person wrote to what the engine computes with."""

from __future__ import annotations

from collections.abc import Mapping

from ras_sim.repair.ladder import Ladder
from ras_sim.repair.policy import DegradedRule, EscalationRule, LemonRule, Policy, ProbationRule
from ras_sim.repair.tolerance import HoldDown, ToleranceRule
from ras_sim.scenario.repair import ProbationSpec, RepairSpec, ToleranceSpec


def build_policy(repair: RepairSpec, ladder: Ladder, levels: Mapping[str, int]) -> Policy:
    """Where to start and when to climb."""
    policy = repair.policy
    lemon, degraded = policy.lemon, policy.degraded
    return Policy(
        ladder=ladder,
        start={key: levels[rung] for key, rung in policy.start.items()},
        tries_window_h=policy.tries_window,
        lemon=LemonRule(lemon.incidents, lemon.window, levels[lemon.rung]) if lemon else None,
        tolerate_speed=policy.tolerate_speed,
        degraded=None
        if degraded is None
        else DegradedRule(degraded.drain_below, degraded.defer_from, degraded.until, degraded.at_most),
        tolerate={key: build_tolerance(spec, levels) for key, spec in policy.tolerate.items()},
        escalate=EscalationRule(policy.escalate.after, levels[policy.escalate.rung]) if policy.escalate else None,
        probation=build_probation(policy.probation, levels),
        merges=policy.merge == "node",
        function=policy.function.build() if policy.function else None,
    )


def build_tolerance(spec: ToleranceSpec, levels: Mapping[str, int]) -> ToleranceRule:
    """Which faults are sat out."""
    damping = spec.hold_down
    return ToleranceRule(
        times=spec.times,
        window_h=spec.within,
        outage=spec.outage.build(),
        hold_down=HoldDown(damping.first, damping.factor, damping.most) if damping else None,
        heals=levels[spec.heals],
    )


def build_probation(spec: ProbationSpec | None, levels: Mapping[str, int]) -> ProbationRule | None:
    """Which nodes serve last for a while."""
    return None if spec is None else ProbationRule(frozenset(levels[name] for name in spec.after), spec.time)
