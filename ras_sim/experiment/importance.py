"""Goodput importance: what goodput would be gained if a failure mode were rarer, gone, contained, found at once, or
repaired one rung lower; each as a paired difference on the same histories."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ras_sim.errors import InputError, Problem
from ras_sim.experiment.arguments import check_arguments
from ras_sim.experiment.counterfactuals import CHANGES, counterfactual
from ras_sim.experiment.executors import Workers, spread
from ras_sim.experiment.files import LOCK, file_problem, locked, put_together, readable_errors
from ras_sim.experiment.histories import history
from ras_sim.experiment.replicate import Progress, Simulate
from ras_sim.metrics import measure
from ras_sim.metrics.estimates import Estimate, estimate
from ras_sim.metrics.paired import Difference, paired
from ras_sim.scenario.model import Scenario

SCHEMA = 1
RESULT = "importance.json"
REPORTS = ("importance.html", "summary.md")


@dataclass(frozen=True, slots=True)
class Gain:
    """What one change of one target is worth.

    Args:
        target: "class.mode", or "class" for all modes of a class together.
        what: the change, a name of `ras_sim.experiment.counterfactuals.CHANGES`.
        goodput: with the change less without, paired by replication.
        lost_gpu_hours: likewise, of the hours of the job that were not productive x its GPUs.
    """

    target: str
    what: str
    goodput: Difference
    lost_gpu_hours: Difference


@dataclass(frozen=True, slots=True)
class Importance:
    """The gains of a scenario, ranked.

    Args:
        scenario: as it is.
        seed: the user's seed, the same for every change.
        replications: histories that every change met.
        goodput: of the scenario as it is.
        lost_gpu_hours_by_mode: of the scenario as it is, mean by root cause "class.mode".
        gains: the largest first.
        unseen: modes of which no incident occurred in these histories: no change of them changes anything.
        not_offered: "target: change" -> why it was not run.
        n_wanted: changes to run; there are fewer gains if the user stopped it.
        wall_s: seconds that it took; the only field that is not reproducible.
    """

    scenario: Scenario
    seed: int
    replications: int
    goodput: Estimate
    lost_gpu_hours_by_mode: dict[str, float]
    gains: tuple[Gain, ...]
    unseen: tuple[str, ...]
    not_offered: dict[str, str]
    n_wanted: int
    wall_s: float

    @property
    def interrupted(self) -> bool:
        """The user stopped it before the last change was run."""
        return len(self.gains) < self.n_wanted

    def to_json(self) -> dict[str, Any]:
        """The result as one JSON object; null for what is undefined."""
        from ras_sim import __version__

        return {
            "schema": SCHEMA,
            "scenario": self.scenario.name,
            "content_hash": self.scenario.content_hash,
            "version": __version__,
            "seed": self.seed,
            "replications": self.replications,
            "goodput": self.goodput.to_json(),
            "lost_gpu_hours_by_mode": self.lost_gpu_hours_by_mode,
            "gains": [_gain_json(gain) for gain in self.gains],
            "unseen": list(self.unseen),
            "not_offered": self.not_offered,
            "interrupted": self.interrupted,
            "wall_s": self.wall_s,
        }

    def save(self, directory: str | Path) -> Path:
        """Write importance.json.

        Raises: InputError if the folder cannot or must not be written.
        """
        folder = check_target(directory)
        with locked(folder), readable_errors(folder):
            text = json.dumps(self.to_json(), indent=2, allow_nan=False) + "\n"
            put_together(folder, {RESULT: lambda file: file.write(text.encode())}, REPORTS)
        return folder


def _gain_json(gain: Gain) -> dict[str, Any]:
    return {
        "target": gain.target,
        "what": gain.what,
        "goodput": gain.goodput.other,
        "gain": gain.goodput.estimate.to_json(),
        "p_better": gain.goodput.p_greater,
        "lost_gpu_hours": gain.lost_gpu_hours.estimate.to_json(),
    }


def check_target(directory: str | Path) -> Path:
    """Check that a result may be written to a directory; worth calling before the runs, not only after them.

    Raises: InputError if it is a file, or holds other things.
    """
    folder = Path(directory)
    with readable_errors(folder):
        if folder.exists() and not folder.is_dir():
            raise file_problem(folder, "a file", "a folder")
        ours = {RESULT, *REPORTS, LOCK}
        other = sorted(p.name for p in folder.iterdir()) if folder.exists() else []
        other = [name for name in other if name.removesuffix(".part") not in ours]
        if other:
            raise file_problem(folder, f"a folder with {other[0]}", "a new folder, or one of an importance")
    return folder


class _Run(NamedTuple):
    """What a worker sends back: of each replication goodput, lost GPU-hours by root cause, and the modes that struck."""

    number: int
    replications: tuple[int, ...]
    goodput: tuple[float, ...]
    lost: tuple[dict[str, float], ...]
    seen: tuple[frozenset[str], ...]

    @property
    def lost_gpu_h(self) -> list[float]:
        """All causes together, of each replication."""
        return [math.fsum(one.values()) for one in self.lost]


class _Plan(NamedTuple):
    """One change of one target, as the scenario to run."""

    target: str
    what: str
    scenario: Scenario


def importance(
    scenario: Scenario,
    *,
    what: Sequence[str] = tuple(CHANGES),
    seed: int = 1,
    replications: int = 8,
    workers: Workers = None,
    progress: Progress | None = None,
    simulate: Simulate | None = None,
) -> Importance:
    """Run a scenario as it is and with each change of each failure mode, on the same histories.

    Only modes are changed of which an incident occurred; a class with several such modes is also changed as a whole.
    The result does not depend on `workers`. Ctrl-C leaves the changes that were finished.

    Args:
        scenario: what is asked about.
        what: names of `CHANGES`.
        seed: any integer.
        replications: histories that every change meets, >= 1; an interval needs at least 2.
        workers: who does it, see `ras_sim.experiment.executors.Workers`.
        progress: called with (finished, wanted) after each change.
        simulate: what makes a ledger; None is `ras_sim.engine.simulate`. Picklable if workers > 1.

    Raises:
        InputError: nothing to change, or a number is out of range.
        ModelError: a ledger does not add up.
    """
    check_arguments(replications, workers)
    began_s = time.perf_counter()
    tasks = [(k, scenario, seed, (k,), simulate) for k in range(replications)]
    with closing(spread(_one, tasks, workers)) as outcomes:
        base = _joined(sorted(outcomes, key=lambda run: run.number))
    seen = frozenset[str]().union(*base.seen)
    plans, not_offered = _plans(scenario, what, seen)
    gains = _gains(base, plans, (seed, simulate), workers, progress)
    lost = {name: math.fsum(one.get(name, 0.0) for one in base.lost) / replications for name in sorted(seen)}
    every = [f"{cls}.{name}" for cls, modes in scenario.failures.items() for name in modes]
    return Importance(
        scenario=scenario,
        seed=seed,
        replications=replications,
        goodput=estimate(base.goodput),
        lost_gpu_hours_by_mode=lost,
        gains=gains,
        unseen=tuple(name for name in every if name not in seen),
        not_offered=not_offered,
        n_wanted=len(plans),
        wall_s=time.perf_counter() - began_s,
    )


def _one(
    number: int, scenario: Scenario, seed: int, replications: tuple[int, ...], simulate: Simulate | None
) -> _Run:
    """Some replications of one scenario: what a worker does."""
    goodput, lost, seen = [], [], []
    for replication in replications:
        ledger = history(scenario, simulate, seed=seed, replication=replication)
        found = measure(ledger)
        goodput.append(found.goodput)
        lost.append(dict(found.lost_gpu_hours_by_mode))
        struck = {f"{row.component_class}.{row.mode}" for row in ledger.incidents if row.symptom != "benign"}
        seen.append(frozenset(struck))
    return _Run(number, replications, tuple(goodput), tuple(lost), tuple(seen))


def _joined(runs: Sequence[_Run]) -> _Run:
    """Runs of one replication each as one."""
    return _Run(
        0,
        tuple(k for run in runs for k in run.replications),
        tuple(x for run in runs for x in run.goodput),
        tuple(x for run in runs for x in run.lost),
        tuple(x for run in runs for x in run.seen),
    )


def _plans(
    scenario: Scenario, what: Sequence[str], seen: frozenset[str]
) -> tuple[list[_Plan], dict[str, str]]:
    """What to run, and what is not offered and why."""
    plans: list[_Plan] = []
    refused: dict[str, str] = {}
    for target, modes in _targets(scenario, seen).items():
        for change in what:
            found = counterfactual(scenario, modes, change)
            if isinstance(found, str):
                refused[f"{target}: {change}"] = found
            else:
                plans.append(_Plan(target, change, found))
    if not plans:
        got = "no failure that such a change would touch"
        hint = "" if seen else "no incident occurred: more replications, or a longer horizon"
        raise InputError([Problem("", None, None, "importance", got, "at least one", hint)])
    return plans, refused


def _targets(scenario: Scenario, seen: frozenset[str]) -> dict[str, list[tuple[str, str]]]:
    """Modes that are changed together, by name: each mode, and each class of which more than one struck."""
    targets: dict[str, list[tuple[str, str]]] = {}
    for cls, modes in scenario.failures.items():
        struck = [(cls, name) for name in modes if f"{cls}.{name}" in seen]
        if len(struck) > 1:
            targets[cls] = struck
        targets |= {f"{cls}.{name}": [(cls, name)] for _, name in struck}
    return targets


def _gains(
    base: _Run,
    plans: Sequence[_Plan],
    same: tuple[int, Simulate | None],
    workers: Workers,
    progress: Progress | None,
) -> tuple[Gain, ...]:
    """Of each change what it is worth, the largest gain first; Ctrl-C leaves those that were finished."""
    seed, simulate = same
    tasks = [(i, plan.scenario, seed, base.replications, simulate) for i, plan in enumerate(plans)]
    runs: list[_Run] = []
    outcomes = spread(_one, tasks, workers)
    try:
        with closing(outcomes):
            for run in outcomes:
                runs.append(run)
                if progress is not None:
                    progress(len(runs), len(plans))
    except KeyboardInterrupt:
        pass  # fewer gains than plans say so
    runs.sort(key=lambda run: run.number)
    gains = [
        Gain(
            plans[run.number].target,
            plans[run.number].what,
            paired(base.goodput, run.goodput),
            paired(base.lost_gpu_h, run.lost_gpu_h),
        )
        for run in runs
    ]
    return tuple(sorted(gains, key=lambda gain: -(gain.goodput.estimate.mean or 0.0)))
