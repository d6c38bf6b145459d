"""Who repairs what, how, and with whose help, in the words of a scenario."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from ras_sim.scenario.diagnostics import AccusationSpec, Names, TestSpec, ValidationSpec
from ras_sim.scenario.failures import Name
from ras_sim.scenario.fields import Duration, Fraction, Hours, Source, Strict
from ras_sim.scenario.function import FunctionSpec, or_its_name
from ras_sim.scenario.habits import DoubleSpec
from ras_sim.scenario.technicians import TechnicianSpec

Scope = Literal["operation", "job", "reset_domain", "node", "unit"]
"""What a rung takes down: the failing operation, the job's processes, GPUs that reset together, the node, or
the replaceable unit that holds the part."""

class RungSpec(Strict):
    """One rung of the ladder; the order of the ladder is the order in the file."""

    takes_down: Scope = Field(description="What is out of service while it is tried.")
    duration: Duration = Field(description="Of one attempt.")
    meanwhile: Literal["wait", "swap"] = Field(
        description="What the job does while the rung is tried: wait for the part, or swap in a spare node."
    )
    tries: int = Field(1, ge=1, le=100, description="Attempts for one root cause before climbing.")
    works: Fraction = Field(1.0, description="Probability that an attempt that is strong enough succeeds.")
    seen: Fraction = Field(
        1.0, description="Probability that an attempt that did not fix is seen to have failed."
    )
    age_kept: Fraction = Field(
        1.0, description="Virtual age after a fix, as a fraction of age; 0 is as good as new."
    )
    technician: bool = Field(False, description="Needs somebody at the machine.")
    part: bool = Field(False, description="Takes a replaceable unit of the failed part from the shelf.")
    replaces: bool = Field(False, description="The whole replaceable unit is new afterwards.")
    powers_off: bool = Field(False, description="Nodes taken down do not age on the powered clock.")
    disables: bool = Field(
        False,
        description="Takes the part out of use instead of mending it: the node runs on with less, and the repair waits "
        "as `policy.degraded` says.",
    )
    at_most: int | None = Field(
        None,
        ge=1,
        le=100_000,
        description="Disabled parts of one class in one node; beyond that the next rung is tried.",
    )
    applies_to: Names | None = Field(None, min_length=1, description="Component classes; all if left out.")
    cool_down: Hours | None = Field(
        None, description="From the end of a try to the next one on the same root cause; none if left out."
    )
    drains: bool | None = Field(
        None,
        description="A job that stands still for a caught exception saves its work before this rung takes it down; it does "
        "not if left out.",
    )
    source: Source

    @model_validator(mode="after")
    def _disabled_is_not_new(self) -> RungSpec:
        if self.disables and (self.replaces or self.part):
            raise ValueError("disables: got it beside `replaces` or `part`, want the one or the other")
        if self.at_most is not None and not self.disables:
            raise ValueError("at_most: got it on a rung that disables nothing, want it left out")
        return self

    @model_validator(mode="after")
    def _new_is_new(self) -> RungSpec:
        if self.replaces and 0.0 < self.age_kept < 1.0:
            raise ValueError(f"age_kept: got {self.age_kept:g}, want it left out: a replaced unit is new")
        return self


class LemonSpec(Strict):
    """A node that keeps failing goes straight to a high rung."""

    incidents: int = Field(ge=2, description="Incidents on one node ...")
    window: Hours = Field(description="... within this time ...")
    rung: Name = Field(description="... start at this rung.")


class EscalateSpec(Strict):
    """What takes long goes to a high rung, whatever tries are left."""

    after: Hours = Field(gt=0.0, description="Time from detection after which the next try ...")
    rung: Name = Field(description="... is on this rung at least.")


class ProbationSpec(Strict):
    """A node that comes back from repair is trusted again only after a while."""

    after: Names = Field(min_length=1, description="Rungs after which a node is on probation.")
    time: Hours = Field(gt=0.0, description="For so long it is the last choice among the spares.")


class DegradedSpec(Strict):
    """What to do with a part that slows the job and does not stop it: act at once, or let its repair wait."""

    drain_below: Fraction = Field(
        0.0,
        description="Nodes whose bandwidth a fault has narrowed are drained at once if the job runs slower than this on "
        "them, and there are spares enough.",
    )
    defer_from: Fraction = Field(
        1.0, description="The repair of a part that leaves the job at least this speed waits for a stop."
    )
    until: Literal["next_stop", "planned_stop", "replaced"] = Field(
        "next_stop",
        description="What it waits for: any stop that takes the job's processes down, a planned one, or neither: it is done "
        "when the unit is replaced for another reason.",
    )
    at_most: Hours | None = Field(None, description="Longest wait; without end if left out.")
    source: Source


class HoldDownSpec(Strict):
    """Flap damping: a part that flapped is kept out for a while, for longer after each time within the window."""

    first: Hours = Field(gt=0.0, description="After the first fault.")
    factor: float = Field(1.0, ge=1.0, le=1000.0, description="By how much longer after each further one.")
    most: Hours = Field(gt=0.0, description="The longest.")

    @model_validator(mode="after")
    def _grows(self) -> HoldDownSpec:
        if self.most < self.first:
            raise ValueError("most: got less than `first`, want as long at least")
        return self


class ToleranceSpec(Strict):
    """A fault that goes away by itself is sat out; one more within the window is repaired."""

    times: int = Field(1, ge=1, le=1000, description="Faults of one part that are sat out ...")
    within: Hours = Field(gt=0.0, description="... within this time; one more is repaired.")
    outage: Duration = Field(description="How long a fault lasts that is sat out; the job waits and loses nothing.")
    hold_down: HoldDownSpec | None = Field(None, description="What damping adds to the outage.")
    heals: Name = Field(description="A fault that needs no more than this rung is over then; any other comes back.")
    source: Source


class PolicySpec(Strict):
    """Where to start on the ladder, and when to act."""

    start: dict[str, Name] = Field(
        description="First rung by failure mode (hbm.due), class (hbm), symptom (hang) or `default`: the "
        "first match, in this order; the next rung above where that one does not apply to the class."
    )
    tries_window: Hours = Field(24.0, description="Tries of a rung are forgotten after this time.")
    lemon: LemonSpec | None = Field(None, description="Rule for nodes that keep failing.")
    tolerate_speed: Fraction = Field(
        1.0, description="A slow part that leaves the job at least this relative speed is left in it."
    )
    degraded: DegradedSpec | None = Field(
        None,
        description="Parts that slow the job; repaired at once, in a job that runs on where it can, if left out.",
    )
    escalate: EscalateSpec | None = Field(None, description="Escalation by time, beside that by the tries of each rung.")
    probation: ProbationSpec | None = Field(None, description="Nodes that come back; they serve as others do if left out.")
    merge: Literal["part", "node"] | None = Field(
        None,
        description="Faults that are treated as one: those of one part and mode (the same as left out), or with `node` also "
        "incidents on one node: while it is down for one, the others wait, and what covers them mends them, too.",
    )
    tolerate: dict[str, ToleranceSpec] = Field(
        default_factory=dict,
        description="Faults that are sat out, not repaired, by failure mode (link.flap) or class (link).",
    )
    function: FunctionSpec | None = Field(
        None,
        description="A Python function that is asked for each rung and may choose another one than the rest of the policy: "
        "`my_module:my_function`. Such a scenario is loaded only with `--allow-code`.",
        json_schema_extra=or_its_name,
    )


class ReturnsSpec(Strict):
    """Units that were taken out are sent to the manufacturer; one without a fault is found to have none."""

    turn_round: Duration = Field(description="Until a unit in which no fault was found is back on the shelf.")
    no_fault_found: Fraction = Field(
        description="Probability that a true fault is not found: the unit comes back with it, and fails whoever "
        "takes it next."
    )


class PartSpec(Strict):
    """Spare parts of one component class on the shelf."""

    stock: int = Field(ge=0, le=1_000_000, description="Parts on the shelf at the start.")
    lead_time: Duration = Field(description="From an order to its arrival.")
    reorder_point: int | None = Field(
        None,
        ge=0,
        le=1_000_000,
        description="More is ordered when what is on the shelf and on order is no more than this. Left out: each part "
        "that is taken is ordered at once.",
    )
    order_quantity: int | None = Field(
        None, ge=1, le=1_000_000, description="Parts of one order; wanted with `reorder_point`."
    )
    doa: Fraction = Field(0.0, description="Probability that a new part is dead on arrival.")
    returns: ReturnsSpec | None = Field(
        None, description="What was taken out comes back; scrapped if left out."
    )
    source: Source


class RepairSpec(Strict):
    """The ladder, the policy that walks it, and its means."""

    ladder: dict[Name, RungSpec] = Field(min_length=1, description="The rungs by name, lowest first.")
    policy: PolicySpec = Field(description="Where to start, and when to climb.")
    comes_back: Duration = Field(description="Time until a fault returns that only seemed to be fixed.")
    units: dict[Name, Name] = Field(
        default_factory=dict,
        description="Replaceable unit of a class, where it is wider than the part: gpu: node.",
    )
    validation: ValidationSpec | None = Field(None, description="Test before return to service.")
    tests: dict[Name, TestSpec] | None = Field(None, description="Tests that look for hidden faults, by name.")
    accusation: AccusationSpec | None = Field(None, description="What follows when a monitor or a test suspects a node.")
    double_handling: DoubleSpec | None = Field(
        None, description="Layers that restart the job twice for one fault; none if left out."
    )
    technicians: TechnicianSpec | None = Field(None, description="Unlimited if left out.")
    parts: dict[Name, PartSpec] = Field(default_factory=dict, description="Unlimited for classes left out.")
    source: Source
