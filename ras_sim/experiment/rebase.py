"""A new baseline, measured finely enough to be held against, and what it changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ras_sim import __version__
from ras_sim.errors import InputError
from ras_sim.experiment import baseline as baselines
from ras_sim.experiment.baseline import Baseline, Stored
from ras_sim.experiment.check import MAX_REPLICATIONS, check_limit
from ras_sim.experiment.claims import Claim, claims_of
from ras_sim.experiment.executors import Workers
from ras_sim.experiment.replicate import Progress, Simulate, measured
from ras_sim.experiment.result import REPORTED
from ras_sim.metrics import Measures
from ras_sim.metrics.precision import needed_by
from ras_sim.metrics.samples import Sample, sample
from ras_sim.metrics.sequential import FIRST_LOOK
from ras_sim.scenario.amounts import Margin
from ras_sim.scenario.model import Scenario

FINER = 4.0
"""The 95% interval of a stored mean reaches no farther than the allowed loss divided by this, to either side."""


@dataclass(frozen=True, slots=True)
class Moved:
    """One metric in the old and in the new baseline; None where one of them lacks it."""

    metric: str
    old: Stored | None
    new: Stored | None


def new_baseline(
    scenario: Scenario,
    *,
    seed: int = 1,
    max_replications: int = MAX_REPLICATIONS,
    workers: Workers = None,
    progress: Progress | None = None,
    simulate: Simulate | None = None,
) -> Baseline:
    """Run a scenario as often as its expectations need.

    From the first replications follows how many there are in all (Stein's rule, `ras_sim.metrics.precision`): so many
    that the mean of each metric that is compared with the baseline is known `FINER` times as well as the loss allowed.

    Raises:
        InputError: a number is out of range.
        ModelError: a ledger does not add up.
    """
    check_limit(max_replications)
    claims = [claim for claim in claims_of(scenario) if claim.on_baseline]
    numbers = range(min(FIRST_LOOK, max_replications))
    measures = measured(scenario, seed, numbers, workers=workers, progress=progress, simulate=simulate)
    needed = max([_needed(claim, measures) for claim in claims], default=len(measures))
    more = range(len(measures), min(needed, max_replications))
    measures += measured(scenario, seed, more, workers=workers, progress=progress, simulate=simulate)
    compared = {claim.metric for claim in claims}
    return Baseline(
        scenario=scenario.name,
        version=__version__,
        scenario_hash=baselines.scenario_hash(scenario),
        history_hash=baselines.history_hash(scenario),
        seed=seed,
        metrics={
            name: _stored(sample(measures, name), name in compared)
            for name in dict.fromkeys((*REPORTED, *sorted(compared)))
        },
    )


def earlier(path: Path, scenario: Scenario) -> tuple[Baseline | None, str]:
    """The baseline that a new one replaces, or None and why it cannot be compared with."""
    if not path.exists():
        return None, "new"
    try:
        return baselines.read(path, scenario), ""
    except InputError as error:
        return None, f"replaces one that could not be used: {error.problems[0]}"


def moved(old: Baseline | None, new: Baseline) -> list[Moved]:
    """Every metric of either baseline whose mean is not the same in both, those of the new one first."""
    before = {} if old is None else old.metrics
    names: Iterable[str] = dict.fromkeys((*new.metrics, *before))
    pairs = [Moved(name, before.get(name), new.metrics.get(name)) for name in names]
    return [one for one in pairs if one.old is None or one.new is None or one.old.mean != one.new.mean]


def _needed(claim: Claim, measures: list[Measures]) -> int:
    """Replications for a stored mean that is fine enough for a claim."""
    first = sample(measures, claim.metric).estimate
    if not isinstance(claim.limit, Margin) or not first.mean:
        return first.n
    return needed_by(first, claim.limit.of(first.mean) / FINER)


def _stored(values: Sample, is_compared: bool) -> Stored:
    found = values.estimate
    if not is_compared:
        return Stored(mean=found.mean, sd=found.sd, n=found.n)
    per = None if values.per is None else tuple(values.per)
    return Stored(mean=found.mean, sd=found.sd, n=found.n, values=tuple(values.values), per=per)
