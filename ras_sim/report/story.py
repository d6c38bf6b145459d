"""The story of an incident in words and as JSON: part, reach, ladder as walked, lost work."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ras_sim.errors import InputError
from ras_sim.experiment.story import Moment, Story
from ras_sim.report.compare_views import aspects
from ras_sim.report.style import OUTCOME_LABELS, count, label_of, resource_label, span
from ras_sim.report.timeline import clock

MAX_MOMENTS = 60
SCHEMA = 1

_CLOSED = {
    "fixed": "closed: fixed",
    "comes_back": "closed, but not fixed: it comes back",
    "tolerated": "tolerated: the job goes on with it",
    "sat_out": "over by itself: nothing was repaired",
    "open": "closed",
    "dismissed": "alarm dismissed",
    "acquitted": "acquitted: nothing was found in the node",
    "convicted": "convicted",
    "in_vain": "replaced in vain: the part was good",
    "restarted": "restarted",
}

_STRIKES = {
    "alarm": "alarm: something seems to be wrong",
    "healthy": "a good part is convicted",
    "restart": "another layer restarts the job",
    "stalled": "the job makes no progress, and waits for a person",
}


def story_lines(story: Story, reach: Iterable[str] = ()) -> Iterator[str]:
    """A story as lines of plain text.

    Args:
        story: what happened.
        reach: what is certain to go down with the part, see `certain_reach`.
    """
    first = story.fault.first
    yield (
        f"{first.component_class}.{first.mode} #{first.instance}: incident {first.incident_id}, "
        f"replication {story.replication}"
    )
    facts = aspects(story.fault)
    facts["truly needs"] = label_of(first.needs_rung) if first.needs_rung else "nothing"
    facts["goes down"] = "; ".join(reach) or f"{first.n_nodes_hit:,} nodes, {first.n_gpus_hit:,} GPUs"
    facts["ranks"] = ranks(story)
    facts["at hand"] = ", ".join(f"{resource_label(k)} {n:,}" for k, n in story.levels.items())
    order = ("struck", "truly needs", "showed as", "goes down", "job", "ranks", "at hand")
    for label in (*order, "rungs walked", "job's hours", "lost GPU-hours"):
        if facts[label]:
            yield f"  {label:<16}{facts[label]}"
    yield ""
    for moment in story.moments[:MAX_MOMENTS]:
        after = f"+{span(moment.at_h - first.arrive_h)}"
        yield f"  {clock(moment.at_h):<16}{after:>10}  {_said(moment, first.incident_id)}"
    if len(story.moments) > MAX_MOMENTS:
        yield f"  and {len(story.moments) - MAX_MOMENTS} moments more (--json tells all)"


def ranks(story: Story) -> str:
    """What the fault meant for the ranks of a synchronous job."""
    first, n = story.fault.first, story.n_job_gpus
    if first.job_effect == "slowed":
        return f"all {n:,} run at {100 * first.speed:.3g}% of full speed: each step waits for the slowest"
    if first.job_effect == "none":
        return f"none of {n:,} stops"
    if first.job_effect == "extended":
        return f"all {n:,} were standing still already"
    return f"all {n:,} stand still: a synchronous step needs every one of them"


def _said(moment: Moment, first_id: int) -> str:
    """One moment in words."""
    text = _TELL[moment.kind](moment)
    if moment.incident_id == first_id:
        return text
    return f"{text.replace('strikes', 'strikes again', 1)} [incident {moment.incident_id}]"


def _waiting(moment: Moment) -> str:
    """A wait for a technician or a part."""
    if math.isnan(moment.end_h):
        return f"{label_of(moment.name)}: asked for, not begun when the run ended"
    return f"{label_of(moment.name)}: waits {span(moment.hours)} for a technician or a part"


def _rung(moment: Moment) -> str:
    """A try of a rung, told where it begins: so when it ends, before how."""
    how = OUTCOME_LABELS.get(moment.outcome, moment.outcome)
    if not moment.end_h > moment.at_h:  # at once, or it never ended
        return f"{label_of(moment.name)}: {how}"
    return f"{label_of(moment.name)}: begins, takes {span(moment.hours)}; {clock(moment.end_h)}: {how}"


_TELL: Mapping[str, Callable[[Moment], str]] = {
    "strikes": lambda one: _STRIKES.get(one.name, f"strikes: {label_of(one.name)}"),
    "tainted": lambda one: f"job: {span(one.hours)} of work are corrupt at the end, and nobody knows",
    "lost_work": lambda one: f"job: {span(one.hours)} of work since the last good checkpoint are lost",
    "detected": lambda _: "detected",
    "located": lambda _: "located",
    "waits": _waiting,
    "rung": _rung,
    "closed": lambda one: _CLOSED.get(one.outcome, f"closed: {label_of(one.outcome)}"),
    "job": lambda one: f"job: {label_of(one.name)} {span(one.hours)}",
}
"""How each kind of moment is told."""


def certain_reach(resolved_text: str, story: Story) -> list[str]:
    """What is certain to go down with the part, step by step: "node -> 8 gpu, 4 nvswitch".

    Args:
        resolved_text: the scenario as the run's manifest keeps it.
        story: which part.

    Returns:
        one text for each class that takes others down; empty for what is no part of the machine, or if this version
        cannot read the scenario any more.
    """
    from ras_sim.scenario.load import loads
    from ras_sim.topology import BlastWalk

    first = story.fault.first
    try:
        scenario = loads(resolved_text, overrides=["repair.policy.function=null"])  # nothing of it is run
    except InputError:
        return []
    machine = scenario.machine.build()
    cls, instance = first.component_class, first.instance
    if not 0 <= instance < machine.counts.get(cls, 0):
        return []
    mode = scenario.failures.get(cls, {}).get(first.mode)
    spreads: Mapping[str, float] = mode.spreads if mode is not None else {}
    # Uniforms of 1 cross the certain edges only.
    walked = BlastWalk(machine).walk(cls, instance, spreads, lambda _: 1.0, explain=True)
    targets: dict[str, Counter[str]] = {}
    for source, _, _, target, _ in walked.why:
        targets.setdefault(source, Counter())[target] += 1
    return [
        f"{source} -> " + ", ".join(f"{n:,} {target}" for target, n in found.items())
        for source, found in targets.items()
    ]


def story_json(story: Story) -> dict[str, Any]:
    """A story as plain values; what never came is null."""
    fault, first = story.fault, story.fault.first
    return {
        "replication": story.replication,
        "incident": first.incident_id,
        "lost_gpu_h": fault.lost_gpu_h,
        "lost_h": fault.lost_h,
        "n_job_gpus": story.n_job_gpus,
        "levels": story.levels,
        "incidents": [_plain(row._asdict()) for row in fault.incidents],
        "attempts": [_plain(row._asdict()) for row in fault.attempts],
        "moments": [_plain({name: getattr(one, name) for name in Moment.__slots__}) for one in story.moments],
    }


def _plain(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record without NaN, which JSON has no word for."""
    return {key: None if value != value else value for key, value in record.items()}


def headline(stories: Iterable[Story]) -> str:
    """How many stories follow and what they cost together."""
    found = list(stories)
    total = math.fsum(one.fault.lost_gpu_h for one in found)
    if len(found) < 2:
        return f"{len(found) or 'no'} root cause{'' if found else 's'}, {count(total)} lost GPU-hours"
    return f"{len(found)} root causes, {count(total)} lost GPU-hours together, the worst first"
