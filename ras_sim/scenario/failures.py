"""What goes wrong, in the words of a scenario: failure modes by component class, and common-cause shocks."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from ras_sim.distributions import Distribution, Exponential
from ras_sim.faults.frailty import Frailty, GammaFrailty, TwoPointFrailty
from ras_sim.faults.modes import Clock, Symptom
from ras_sim.faults.seasons import Season
from ras_sim.scenario.fields import Duration, Fraction, Hours, PositiveHours, RatePerHour, Source, Strict

_SUM_TOLERANCE = 1e-6

Shown = Literal["exception", "crash", "hang", "slow", "silent"]
SHOWN: tuple[Shown, ...] = get_args(Shown)
"""The symptoms that somebody may notice: all but benign."""

Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=64)]
"""A name that a person gives to a mode, a rung, a tier: letters, digits and underscores."""


def sums_to_one(what: str, weights: dict[str, float]) -> None:
    """Raise ValueError unless the probabilities sum to 1."""
    total = sum(weights.values())
    if abs(total - 1.0) > _SUM_TOLERANCE:
        raise ValueError(f"{what}: got probabilities that sum to {total:g}, want 1")


class GammaFrailtySpec(Strict):
    """Parts differ: hazards are multiplied by a gamma variable of mean 1."""

    kind: Literal["gamma"]
    variance: float = Field(gt=0.0, le=1e4)

    def build(self) -> Frailty:
        return GammaFrailty(self.variance)


class TwoPointFrailtySpec(Strict):
    """A fraction of the parts are lemons with `factor` times the hazard of the others."""

    kind: Literal["two_point"]
    fraction: float = Field(gt=0.0, lt=1.0)
    factor: float = Field(gt=0.0, le=1e6)

    def build(self) -> Frailty:
        return TwoPointFrailty(self.fraction, self.factor)


FrailtySpec = Annotated[GammaFrailtySpec | TwoPointFrailtySpec, Field(discriminator="kind")]


class BurstSpec(Strict):
    """Faults come in clusters: each draws a geometric number of followers on the same part."""

    extra: float = Field(gt=0.0, le=1000.0, description="Mean number of followers.")
    gap: Duration = Field(description="Time from one to the next.")


class WindowSpec(Strict):
    """A condition that holds for a while in each period, as heat does in the afternoon."""

    every: PositiveHours = Field(description="Length of a period.")
    lasts: PositiveHours = Field(description="How long the condition holds in each.")
    begins: Hours = Field(0.0, description="Hour of the run at which it first begins to hold.")

    @model_validator(mode="after")
    def _fits(self) -> WindowSpec:
        if self.lasts > self.every:
            raise ValueError(f"lasts: got {self.lasts:g} h, want at most `every`, {self.every:g} h")
        return self


class CorruptsSpec(Strict):
    """How a silent fault corrupts: by events, while its node computes for the job and the condition holds."""

    rate: RatePerHour = Field(gt=0.0, description="Corruption events of one defect.")
    during: WindowSpec | None = Field(None, description="Condition under which it corrupts; always if left out.")
    from_load: Fraction | None = Field(
        None,
        description="It corrupts only while its node computes at this share of full speed or more, where all wait for the "
        "slowest; at any load if left out.",
    )
    reproducible: Fraction = Field(
        1.0, description="Share of such defects that tests and replays can make show at all."
    )


class MonitorSpec(Strict):
    """Something that watches the training: the loss, the norm of gradients."""

    notices: Fraction = Field(description="Probability to notice a corruption event.")
    latency: Duration = Field(description="From the event to the alarm.")
    false_alarms: RatePerHour = Field(description="False alarms while the job computes.")
    source: Source


class BudgetSpec(Strict):
    """Spare rows, pages or lanes take in some faults of each part; after that it is due for replacement."""

    faults: int = Field(ge=0, le=1_000_000, description="Faults of one part, since it was new, that are taken in.")
    then: Name = Field(description="Every further fault of the part needs this rung at least.")
    shows: Shown | None = Field(
        None, description="How a further fault shows, where that is not as `symptoms` says."
    )
    source: Source

class SeasonSpec(Strict):
    """The hazard swings: times 1 + amplitude x cos(2 pi (t - peak) / period); the mean stays what it is."""

    amplitude: float = Field(gt=0.0, le=1.0, description="How far it swings, as a share of the mean.")
    period: PositiveHours = Field(24.0, description="From one peak to the next.")
    peak: Hours = Field(description="Hour of the run at which it is highest; a run begins when you say it does.")
    source: Source

    def build(self) -> Season:
        return Season(self.amplitude, self.period, self.peak)


class ModeSpec(Strict):
    """One way in which a class of parts fails: one of `rate` and `lifetime`, or neither for shocks and starts only."""

    rate: RatePerHour | None = Field(None, description="Constant hazard of one part.")
    lifetime: Duration | None = Field(None, description="Distribution of the life of one part.")
    p_start: Fraction | None = Field(
        None, description="Probability of each part of the job to fail when the job starts, in the swing of power and heat."
    )
    start_age: Hours = Field(0.0, description="Age of every part at the start of the run.")
    clock: Clock = Field("calendar", description="The time that parts age on.")
    frailty: FrailtySpec | None = Field(None, description="How parts of the class differ.")
    season: SeasonSpec | None = Field(None, description="How the hazard swings with the time of day.")
    symptoms: dict[Symptom, Fraction] = Field(description="How a fault shows: probabilities that sum to 1.")
    clears_at: dict[Name, Fraction] = Field(
        description="Probability of each rung to be the lowest one that truly fixes the fault."
    )
    speed: Fraction | None = Field(None, description="Relative speed of the job while a slow fault is in it.")
    spreads: dict[Name, Fraction] = Field(
        default_factory=dict, description="Probability to cross an edge or relation of the blueprint."
    )
    burst: BurstSpec | None = Field(None, description="Faults that come in clusters.")
    corrupts: CorruptsSpec | None = Field(
        None,
        description="How a silent fault corrupts, and that only monitors and tests can find it. Left out: it corrupts all "
        "the time, and is found after `detection.silent`.",
    )
    present: Fraction | None = Field(None, description="Share of the parts that have this fault at the start already.")
    incubates: Duration | None = Field(
        None, description="Time from the onset of a defect until it shows; tests can find it meanwhile. None if left out."
    )
    detection: dict[Shown, Duration] = Field(
        default_factory=dict, description="Time to detect, where this mode differs from `detection`."
    )
    absorbs: BudgetSpec | None = Field(None, description="How many faults of one part spares take in.")
    source: Source

    @model_validator(mode="after")
    def _consistent(self) -> ModeSpec:
        if self.rate is not None and self.lifetime is not None:
            raise ValueError("rate, lifetime: got both, want one of them")
        sums_to_one("symptoms", {str(k): v for k, v in self.symptoms.items()})
        if self.needs_repair or self.clears_at:
            sums_to_one("clears_at", dict(self.clears_at))
        if ("slow" in self.seen_as) != (self.speed is not None):
            raise ValueError("speed: want it exactly where the symptom slow has a probability")
        if self.speed is not None and not 0.0 < self.speed < 1.0:
            raise ValueError(f"speed: got {self.speed:g}, want 0 < speed < 1")
        if self.corrupts is not None and not self.symptoms.get("silent"):
            raise ValueError("corrupts: want it only where the symptom silent has a probability")
        if self.corrupts is not None and "silent" in self.detection:
            raise ValueError("detection: got silent beside `corrupts`, want one: events are found by monitors and tests")
        if self.rate == 0.0 and self.frailty is not None:
            raise ValueError("frailty: got one for a rate of 0, want a rate > 0")
        if self.absorbs is not None:
            self._consistent_budget(self.absorbs)
        if self.season is not None and self.rate is None and self.lifetime is None:
            raise ValueError("season: got one without `rate` or `lifetime`, want a hazard that can swing")
        unused = [symptom for symptom in self.detection if symptom not in self.seen_as]
        if unused:
            raise ValueError(f"detection: got {', '.join(unused)}, want only symptoms that this mode has")
        return self

    def _consistent_budget(self, budget: BudgetSpec) -> None:
        if not self.needs_repair:
            raise ValueError("absorbs: got one for faults that are all benign, want `shows` in it")

    @property
    def seen_as(self) -> set[str]:
        """Symptoms that this mode may have, but for benign."""
        later = {str(self.absorbs.shows)} if self.absorbs is not None and self.absorbs.shows else set()
        return later | {str(symptom) for symptom, p in self.symptoms.items() if p > 0} - {"benign"}

    @property
    def needs_repair(self) -> bool:
        """False if every fault is benign."""
        return bool(self.seen_as)

    def build_lifetime(self) -> Distribution | None:
        """The distribution of one part's life, or None if only shocks bring this fault."""
        if self.lifetime is not None:
            return self.lifetime.build()
        return Exponential(self.rate) if self.rate else None


class ShockSpec(Strict):
    """A common cause: every instance of `under` has such shocks; each strikes the parts that hang on it."""

    every: Duration = Field(description="Time between shocks on one instance of `under`.")
    under: Name = Field(description="A component class, or `machine` for the whole of it.")
    strikes: str = Field(description="The failure mode the struck parts suffer, as class.mode.")
    p_struck: Fraction = Field(description="Probability for each part below to be struck.")
    source: Source
