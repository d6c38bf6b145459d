"""`ras-sim explain`: the story of one incident of a saved run, or of the worst ones."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ras_sim.cli.guard import GOOD, printable
from ras_sim.errors import InputError, Problem
from ras_sim.experiment import rundir
from ras_sim.experiment.story import Story, ledger_of, story, worst
from ras_sim.report.story import SCHEMA, certain_reach, headline, story_json, story_lines

N_WORST = 5


@dataclass(frozen=True, slots=True)
class ExplainOptions:
    """What was asked for on the command line; see `ras_sim.cli.inside.explain`."""

    directory: Path
    incident: int | None
    worst: int | None
    replication: int | None
    as_json: bool


def explain_run(options: ExplainOptions) -> int:
    """Find the stories and print them; returns the exit code."""
    if options.incident is not None and options.worst is not None:
        got = f"--incident {options.incident} and --worst {options.worst}"
        raise InputError([Problem("", None, None, "explain", got, "one of them")])
    saved = rundir.read(options.directory)
    stories = _stories(saved, options)
    if options.as_json:
        told = [story_json(one) for one in stories]
        print(
            json.dumps(
                {"schema": SCHEMA, "scenario": saved.manifest["scenario"], "stories": told}, allow_nan=False
            )
        )
        return GOOD
    if options.incident is None:
        print(headline(stories))
    for number, one in enumerate(stories):
        if number or options.incident is None:
            print()
        for line in story_lines(one, certain_reach(saved.manifest["resolved_text"], one)):
            print(printable(line))
    return GOOD


def _stories(saved: rundir.Run, options: ExplainOptions) -> list[Story]:
    """One story, or the worst of one replication or of all."""
    if options.incident is not None:
        return [story(ledger_of(saved, options.replication), options.incident)]
    one_only = options.replication is not None
    ledgers = [ledger_of(saved, options.replication)] if one_only else saved.ledgers()
    return worst(ledgers, N_WORST if options.worst is None else options.worst)
