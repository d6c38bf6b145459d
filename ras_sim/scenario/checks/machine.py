"""The machine can be built; and which class holds which."""

from __future__ import annotations

import re

from ras_sim.errors import nearest
from ras_sim.scenario.checks.finding import Finding
from ras_sim.scenario.machine import Machine
from ras_sim.topology import Blueprint

_REFUSAL = re.compile(r"(?P<what>[^:]+(: needs)?): got (?P<got>.*?), want (?P<wanted>.*)", re.DOTALL)


def built_machine(spec: Machine) -> tuple[Blueprint | None, list[Finding]]:
    """The blueprint, or None and why there is none."""
    try:
        return spec.build(), []
    except ValueError as error:
        return None, [_refused(spec, str(error))]


def _refused(spec: Machine, message: str) -> Finding:
    """What a builder refused, at the key that it means."""
    match = _REFUSAL.fullmatch(message)
    if match is None:
        return Finding(("machine",), message, "numbers that do not fit together")
    key = _meant_key(spec, match["what"], match["got"])
    # A number that stands in the file is shown as it stands there.
    got = None if key and key in spec.model_fields_set else match["got"]
    return Finding(("machine", key) if key else ("machine",), match["wanted"], got)


def _meant_key(spec: Machine, what: str, got: str) -> str:
    """The argument that a message is about, e.g. "gpus per reset domain", or "...: needs" with "7 of fan"."""
    keys = [key for key in type(spec).model_fields if key != "kind"]
    if what.endswith(": needs"):
        part = got.rpartition(" ")[2]
        needed = {key.removesuffix("_needed"): key for key in keys if key.endswith("_needed")}
        word = nearest(part + "s", needed) or nearest(part.rpartition("_")[2] + "s", needed)
        return needed.get(word.partition("'")[2].partition("'")[0], "")
    if what.startswith("number of "):
        what = what.removeprefix("number of ") + "s"
    key = what.replace(" ", "_").replace("nvswitchs", "nvswitches")
    return key if key in keys else ""


def is_held_by(blueprint: Blueprint, part: str, holder: str) -> bool:
    """Whether each part of a class sits in an instance of another class, which can be replaced as a whole."""
    if holder == "node" and part in blueprint.homes:
        return blueprint.homes[part].every == 1  # the far ends of the others sit in a switch
    seen, waiting = {holder}, [holder]
    while waiting:
        cls = waiting.pop()
        for edge in blueprint.edges:
            if edge.relation == "contains" and edge.source == cls and edge.target not in seen:
                seen.add(edge.target)
                waiting.append(edge.target)
    return part in seen


def hangs_on(blueprint: Blueprint, part: str, above: str) -> bool:
    """Whether trouble of a class is certain to reach a part of another, over any relation."""
    seen, waiting = {above}, [above]
    while waiting:
        cls = waiting.pop()
        for edge in blueprint.edges:
            if edge.source == cls and edge.p_cross > 0.0 and edge.target not in seen:
                seen.add(edge.target)
                waiting.append(edge.target)
    return part in seen
