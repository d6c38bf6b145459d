"""How faults are noticed and located, in the words of a scenario."""

from __future__ import annotations

from pydantic import Field, model_validator

from ras_sim.distributions import Distribution
from ras_sim.scenario.changes import ModeNames
from ras_sim.scenario.failures import MonitorSpec, Name, Shown
from ras_sim.scenario.fields import Duration, Fraction, PositiveHours, RatePerHour, Source, Strict


class WatchdogSpec(Strict):
    """Something that notices faults sooner than `detection` says: it has one of `latency`, `every`, `window`."""

    symptoms: ModeNames = Field(
        min_length=1, description="What it looks for: exception, crash, hang, slow, silent."
    )
    of: ModeNames | None = Field(
        None,
        min_length=1,
        description="Failure modes (gpu.xid) and classes (gpu) that it knows; all if left out.",
    )
    coverage: Fraction = Field(
        1.0, description="Probability to notice such a fault, each time that it shows."
    )
    latency: Duration | None = Field(
        None, description="From the onset until it notices: a timer, a look at the logs."
    )
    per_rank: bool = Field(
        False,
        description="Every GPU of the job has a timer of its own, as for a collective; the first to ring decides.",
    )
    every: PositiveHours | None = Field(None, description="A heartbeat: time between two beats ...")
    misses: int = Field(1, ge=1, le=1000, description="... of which so many in a row must be missed.")
    window: PositiveHours | None = Field(
        None, description="Step times: the mean pace over this time, for slow faults ..."
    )
    threshold: Fraction | None = Field(
        None,
        gt=0.0,
        lt=1.0,
        description="... is noticed when it falls short of the usual one by more than this.",
    )
    false_alarms: RatePerHour = Field(
        0.0, description="While the job computes; a healthy node is accused and taken out of the job."
    )
    source: Source

    @model_validator(mode="after")
    def _one_kind(self) -> WatchdogSpec:
        kinds = [key for key in ("latency", "every", "window") if getattr(self, key) is not None]
        if len(kinds) != 1:
            raise ValueError(f"latency, every, window: got {', '.join(kinds) or 'none'}, want one of them")
        if (self.window is None) != (self.threshold is None):
            raise ValueError("window, threshold: got one of them, want both or none")
        if self.window is not None and self.symptoms != ("slow",):
            raise ValueError(f"symptoms: got {', '.join(self.symptoms)} beside `window`, want slow alone")
        for key, beside in (("per_rank", "latency"), ("misses", "every")):
            if key in self.model_fields_set and getattr(self, beside) is None:
                default = type(self).model_fields[key].default
                if getattr(self, key) != default:
                    raise ValueError(f"{key}: got it without `{beside}`, want it left out")
        return self


class LocationSpec(Strict):
    """What diagnosis gets wrong: with the rest of the probability it finds the right node."""

    wrong: Fraction = Field(
        0.0,
        description="Probability that an innocent node of the job is repaired instead; the fault stays, and strikes again "
        "after `repair.comes_back`.",
    )
    group: Fraction = Field(
        0.0,
        description="Probability that all nodes of a group leave the job; the innocent ones are tested and return.",
    )
    group_nodes: int | None = Field(
        None,
        ge=2,
        le=100_000,
        description="Nodes of a group: a block of neighbours among the ranks of the job.",
    )
    source: Source

    @model_validator(mode="after")
    def _adds_up(self) -> LocationSpec:
        if self.wrong + self.group > 1.0:
            raise ValueError(f"wrong, group: got {self.wrong:g} + {self.group:g}, want at most 1 in all")
        if (self.group > 0.0) != (self.group_nodes is not None):
            raise ValueError("group, group_nodes: got one of them, want both or none")
        return self


class DetectionSpec(Strict):
    """Time from onset to detection by symptom, and from detection to the decision what to repair."""

    exception: Duration = Field(description="Until a failed operation raises its exception.")
    crash: Duration = Field(description="Until a crash is noticed.")
    hang: Duration = Field(description="Until a timeout or a watchdog fires.")
    slow: Duration = Field(description="Until a slow rank is noticed.")
    silent: Duration = Field(description="Until corruption is noticed.")
    diagnose: Duration = Field(description="From detection to the decision what to repair.")
    monitors: dict[Name, MonitorSpec] | None = Field(
        None, description="What watches the training for corruption, by name; the first that notices an event reports it."
    )
    watchdogs: dict[Name, WatchdogSpec] | None = Field(
        None,
        description="What may notice a fault sooner, by name; the first decides, the times above at the latest.",
    )
    location: LocationSpec | None = Field(
        None, description="Errors of diagnosis; it is always right if left out."
    )
    source: Source

    def of(self, symptom: Shown) -> Distribution:
        """The detection time of one symptom."""
        spec = getattr(self, symptom)
        built: Distribution = spec.build()
        return built
