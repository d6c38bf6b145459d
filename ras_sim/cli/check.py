"""`ras-sim check`: scenarios that say what they expect, held to it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ras_sim.cli.guard import FAILED, GOOD, printable
from ras_sim.cli.progress import Progress
from ras_sim.errors import InputError, Problem
from ras_sim.experiment import baseline as baselines
from ras_sim.experiment.check import SCHEMA, Check, Subject, check, check_limit, subject_of
from ras_sim.experiment.claims import claims_of
from ras_sim.experiment.collect import collect
from ras_sim.experiment.executors import Workers
from ras_sim.experiment.rebase import earlier, moved, new_baseline
from ras_sim.report.check_text import WORDS, baseline_lines, check_lines
from ras_sim.scenario.load import load
from ras_sim.scenario.model import Scenario


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """What was asked for on the command line; see `ras_sim.cli.app.check`."""

    paths: Sequence[Path]
    overrides: Sequence[str]
    seed: int | None
    max_replications: int
    workers: Workers
    update: bool
    as_json: bool
    quiet: bool
    allow_code: bool


def check_scenarios(options: CheckOptions) -> int:
    """Check every scenario, or rewrite its baseline; returns the exit code."""
    check_limit(options.max_replications)
    if options.update:
        return _update(options)
    checks = []
    # Everything is read before anything runs: a mistake in the last file must not cost the time of the others.
    for subject in _subjects(options):
        with Progress(quiet=options.quiet) as progress:
            found = check(
                subject,
                seed=options.seed,
                max_replications=options.max_replications,
                workers=options.workers,
                progress=progress,
            )
        checks.append(found)
        if not options.as_json and not options.quiet:
            print(printable("\n".join(check_lines(found))), flush=True)
    worst = GOOD if all(one.verdict == "pass" for one in checks) else FAILED
    if options.as_json:
        verdict = "pass" if worst == GOOD else "fail"
        print(json.dumps({"schema": SCHEMA, "verdict": verdict, "checks": [one.to_json() for one in checks]}))
    elif not options.quiet and len(checks) > 1:
        print(_total(checks))
    return worst


def _subjects(options: CheckOptions) -> list[Subject]:
    """Every scenario with its baseline.

    Raises: InputError with everything that is wrong with any of them.
    """
    found: list[Subject] = []
    problems: list[Problem] = []
    for path in collect(options.paths):
        try:
            found.append(subject_of(path, overrides=options.overrides, allow_code=options.allow_code))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return found


def _total(checks: Sequence[Check]) -> str:
    """How many ended how."""
    counts: Counter[str] = Counter(one.verdict for one in checks)
    parts = [f"{counts[verdict]} {WORDS[verdict]}" for verdict in WORDS if counts[verdict]]
    return f"{len(checks)} scenarios: {', '.join(parts)}"


def _update(options: CheckOptions) -> int:
    """Rewrite the baselines of all scenarios that are compared with one."""
    if options.overrides or options.as_json:
        option = "--set" if options.overrides else "--json"
        raise InputError(
            [Problem("", None, None, option, "--update beside it", "the one or the other", _WHY[option])]
        )
    paths = collect(options.paths)
    scenarios = [(path, load(path, allow_code=options.allow_code)) for path in paths]
    compared = [(path, one) for path, one in scenarios if any(claim.on_baseline for claim in claims_of(one))]
    if not compared:
        named = ", ".join(str(path) for path in options.paths)
        wanted = "an expectation `no_worse_than_baseline_by`"
        raise InputError([Problem(named, None, None, "expect", "nothing to keep a baseline for", wanted)])
    for path, scenario in compared:
        _update_one(path, scenario, options)
    return GOOD


_WHY = {
    "--set": "a baseline is of the scenario as its file says it",
    "--json": "the baselines are JSON themselves",
}


def _update_one(path: Path, scenario: Scenario, options: CheckOptions) -> None:
    """Write one baseline and show what moved."""
    file = baselines.path_of(path)
    old, note = earlier(file, scenario)
    seed = options.seed if options.seed is not None else 1 if old is None else old.seed
    with Progress(quiet=options.quiet) as progress:
        new = new_baseline(
            scenario,
            seed=seed,
            max_replications=options.max_replications,
            workers=options.workers,
            progress=progress,
        )
    baselines.write(file, new)
    if not options.quiet:
        print(printable("\n".join(baseline_lines(str(file), new, moved(old, new), note))), flush=True)
