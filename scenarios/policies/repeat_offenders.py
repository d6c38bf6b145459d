"""A policy that data cannot say: a node that fails again within a week is rebooted at once, the others are reset first."""

from ras_sim.repair.case import Case

WEEK_H = 7 * 24.0


def reboot_again(case: Case) -> str | None:
    """At least a reboot for the second incident of a node within a week; whatever the scenario says for all others."""
    if case.incidents_within(WEEK_H) >= 2:
        return at_least(case, "node_reboot")
    return None


def at_least(case: Case, rung: str) -> str | None:
    """The rung, or the proposal where that is higher or the rung does not apply to the class."""
    names = [step.name for step in case.ladder]
    return max(case.proposal, rung, key=names.index) if rung in names else None
