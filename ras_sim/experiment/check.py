"""Does a scenario keep what it expects? A verdict that knows its own sampling error.

    pass        every expectation holds
    fail        one of them does not
    undecided   the replications allowed were too few to tell

Replications are added until everything is decided or one expectation has failed, at looks fixed beforehand; see
`ras_sim.metrics.sequential` and docs/model.md, "Regression gate".
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ras_sim.errors import InputError, Problem, nearest
from ras_sim.experiment import baseline as baselines
from ras_sim.experiment.arguments import wrong_argument
from ras_sim.experiment.baseline import Baseline
from ras_sim.experiment.claims import Claim, Judged, claims_of, judge
from ras_sim.experiment.executors import Workers
from ras_sim.experiment.replicate import Progress, Simulate, measured
from ras_sim.metrics import Measures
from ras_sim.metrics.sequential import Verdict, looks, p_of_each
from ras_sim.scenario.checks.expect import expect_findings
from ras_sim.scenario.expect import Expectation
from ras_sim.scenario.load import load
from ras_sim.scenario.model import Scenario

MAX_REPLICATIONS = 640
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Subject:
    """What is checked.

    Args:
        scenario: with at least one expectation.
        path: the file that it was read from, if any.
        baseline: if an expectation is about it.
    """

    scenario: Scenario
    path: Path | None = None
    baseline: Baseline | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A finished check.

    Args:
        subject: what was checked.
        seed: the user's seed, or that of the baseline.
        limit: replications that were allowed.
        replications: how many it took.
        judged: every claim, in the order of the scenario.
        unpaired_because: why the baseline could not be compared replication by replication; "" if it could, or if
            there is none.
        wall_s: seconds that it took; the only field that is not reproducible.
    """

    subject: Subject
    seed: int
    limit: int
    replications: int
    judged: tuple[Judged, ...]
    unpaired_because: str
    wall_s: float

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of any claim."""
        found = {one.verdict for one in self.judged}
        return "fail" if "fail" in found else "undecided" if "undecided" in found else "pass"

    def is_followed(self, one: Judged) -> bool:
        """Whether a claim was followed until it was decided or nothing was left to try.

        Another one that failed ends the check: the verdict can no longer change.
        """
        return one.is_final or self.replications >= self.limit

    @property
    def is_changed(self) -> bool:
        """True if the scenario says something else than when its baseline was made."""
        stored = self.subject.baseline
        return stored is not None and stored.scenario_hash != baselines.scenario_hash(self.subject.scenario)

    def to_json(self) -> dict[str, Any]:
        """The check as one JSON object."""
        from ras_sim import __version__

        return {
            "schema": SCHEMA,
            "scenario": self.subject.scenario.name,
            "path": None if self.subject.path is None else str(self.subject.path),
            "version": __version__,
            "verdict": self.verdict,
            "seed": self.seed,
            "replications": self.replications,
            "max_replications": self.limit,
            "changed_since_baseline": self.is_changed,
            "expectations": [one.to_json() | {"followed": self.is_followed(one)} for one in self.judged],
            "wall_s": self.wall_s,
        }


def subject_of(
    what: Scenario | str | Path,
    *,
    overrides: Sequence[str] = (),
    expect: Mapping[str, Any] | None = None,
    baseline: str | Path | None = None,
    allow_code: bool = False,
) -> Subject:
    """Read everything that a check needs.

    Args:
        what: a scenario, or its file.
        overrides: `key.path=value`, set in the file.
        expect: expectations in place of those of the scenario, written as in a file.
        baseline: file of the baseline; None is where it belongs beside the scenario.
        allow_code: see `ras_sim.load`.

    Raises:
        InputError: whatever is wrong with the scenario, the expectations or the baseline.
    """
    path = None if isinstance(what, Scenario) else Path(what)
    scenario = what if isinstance(what, Scenario) else load(what, overrides, allow_code=allow_code)
    if expect is not None:
        scenario = _expecting(scenario, expect)
    if not scenario.expect:
        problem = Problem(str(path or ""), None, None, "expect", "nothing", "something to check", _EXAMPLE)
        raise InputError([problem])
    about_it = [claim for claim in claims_of(scenario) if claim.on_baseline]
    if not about_it:
        return Subject(scenario, path)
    file = baselines.path_of(path) if baseline is None and path is not None else baseline
    if file is None:
        raise wrong_argument("baseline", "none", f"the file that {about_it[0].metric} is compared with")
    stored = baselines.read(Path(file), scenario)
    _check_metrics(Path(file), stored, about_it)
    return Subject(scenario, path, stored)


_EXAMPLE = "e.g. `expect: {goodput: {at_least: 90 %}}`"


def check(
    what: Subject | Scenario | str | Path,
    *,
    seed: int | None = None,
    max_replications: int = MAX_REPLICATIONS,
    workers: Workers = None,
    progress: Progress | None = None,
    simulate: Simulate | None = None,
) -> Check:
    """Run a scenario until its expectations are decided, or one of them has failed. The result does not depend on `workers`.

    Args:
        what: see `subject_of`, which also takes other expectations and another baseline.
        seed: any integer; None takes that of the baseline, else 1.
        max_replications: where to stop undecided, >= 2.
        workers: who does it, see `ras_sim.experiment.executors.Workers`.
        progress: called with (finished, wanted for the next look) after each replication.
        simulate: what makes a ledger; None is `ras_sim.engine.simulate`. Picklable if workers > 1.

    Raises:
        InputError: see `subject_of`, or a number is out of range.
        ModelError: a ledger does not add up.
    """
    subject = what if isinstance(what, Subject) else subject_of(what)
    check_limit(max_replications)
    began_s = time.perf_counter()
    stored = subject.baseline
    used = seed if seed is not None else 1 if stored is None else stored.seed
    because = "" if stored is None else _why_unpaired(stored, subject.scenario, used)
    gate = _Gate(subject, not because, looks(max_replications))
    measures: list[Measures] = []
    for n in gate.looks:
        done = len(measures)
        measures += measured(
            subject.scenario,
            used,
            range(done, n),
            workers=workers,
            progress=None if progress is None else _after(progress, done, n),
            simulate=simulate,
        )
        if gate.look(measures):
            break
    wall_s = time.perf_counter() - began_s
    return Check(subject, used, max_replications, len(measures), gate.judged, because, wall_s)


def check_limit(max_replications: int) -> None:
    """Raise InputError for a number of replications without a spread."""
    if max_replications < 2:
        raise wrong_argument(
            "--max-replications", str(max_replications), ">= 2, or there is no spread to see"
        )


class _Gate:
    """The claims of a scenario while replications come in: what is decided stays decided.

    Args:
        subject: what is checked.
        same_faults: whether the baseline met the same faults.
        looks: numbers of replications at which it looks.
    """

    def __init__(self, subject: Subject, same_faults: bool, looks: Sequence[int]) -> None:
        self.looks = looks
        self._baseline = subject.baseline
        self._same_faults = same_faults
        self._claims = claims_of(subject.scenario)
        self._p_beyond = p_of_each(len(looks), len(self._claims))
        self._known: dict[Claim, Judged] = {}

    @property
    def judged(self) -> tuple[Judged, ...]:
        """The last word on each claim."""
        return tuple(self._known[claim] for claim in self._claims)

    def look(self, measures: Sequence[Measures]) -> bool:
        """Judge what is not decided yet; True if more replications cannot change the verdict of the scenario.

        What is decided stays decided, so one that fails settles it: going on would end with the same verdict, and the
        probabilities of error are those of looking to the end.
        """
        for claim in self._claims:
            if claim not in self._known or not self._known[claim].is_final:
                self._known[claim] = judge(
                    claim,
                    measures,
                    self._baseline,
                    same_faults=self._same_faults,
                    p_beyond=self._p_beyond,
                )
        known = self._known.values()
        return any(one.verdict == "fail" for one in known) or all(one.is_final for one in known)


def _after(progress: Progress, done: int, wanted: int) -> Progress:
    """Progress of one step as progress of the whole."""
    return lambda finished, _wanted: progress(done + finished, wanted)


def _why_unpaired(stored: Baseline, scenario: Scenario, seed: int) -> str:
    """Why the replications of the baseline met other faults, "" if they met the same."""
    if seed != stored.seed:
        return f"the baseline has seed {stored.seed}"
    if baselines.history_hash(scenario) != stored.history_hash:
        return "the baseline had another machine, other failures or another horizon"
    return ""


def _expecting(scenario: Scenario, expect: Mapping[str, Any]) -> Scenario:
    """The scenario with other expectations.

    Raises: InputError if they mean nothing.
    """
    try:
        parsed = TypeAdapter(dict[str, Expectation]).validate_python(dict(expect))
    except ValidationError as error:
        problems = [
            _of_argument(("expect", *map(str, one["loc"])), repr(one["input"]), one["msg"])
            for one in error.errors()
        ]
        raise InputError(problems) from None
    expecting = scenario.model_copy(update={"expect": parsed})
    found = list(expect_findings(expecting))
    if found:
        raise InputError(
            replace(_of_argument(one.path, one.got or repr(_at(expect, one.path)), one.wanted), hint=one.hint)
            for one in found
        )
    return expecting


def _at(expect: Mapping[str, Any], path: Sequence[str]) -> Any:
    """The value that a finding is about."""
    value: Any = expect
    for key in path[1:]:
        value = value[key]
    return value


def _of_argument(path: Sequence[str], got: str, wanted: str) -> Problem:
    return Problem("", None, None, ".".join(path), got, wanted.removeprefix("Value error, "))


def _check_metrics(file: Path, stored: Baseline, claims: Sequence[Claim]) -> None:
    """Raise InputError if the baseline lacks a metric that is claimed about."""
    lacking = [claim.metric for claim in claims if claim.metric not in stored.metrics]
    if lacking:
        raise InputError(
            Problem(
                str(file), None, None, f"metrics.{name}", "nothing", "this metric",
                nearest(name, stored.metrics) or baselines.UPDATE,
            )
            for name in lacking
        )  # fmt: skip
