"""What goes down with one part, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ras_sim.errors import InputError, Problem, nearest
from ras_sim.formats import format_percent
from ras_sim.scenario.model import Scenario
from ras_sim.topology import BlastWalk, Blueprint
from ras_sim.topology.trouble import Cause

_MANY = 8
_MANY_SOURCES = 8
_NO_SPREADS: Mapping[str, float] = {}


@dataclass(frozen=True, slots=True)
class Part:
    """One instance, and the failure mode that it suffers (None: it is simply gone)."""

    component_class: str
    instance: int
    mode: str | None


def parse_part(text: str, scenario: Scenario, machine: Blueprint) -> Part:
    """Read CLASS:ID[:MODE].

    Raises:
        InputError: no such class, instance or mode.
    """
    cls, _, rest = text.partition(":")
    number, _, mode = rest.partition(":")
    if cls not in machine.counts:
        raise _wrong(repr(text), f"a class of {', '.join(machine.counts)}", nearest(cls, machine.counts))
    n_parts = machine.counts[cls]
    if not (number.isascii() and number.isdigit() and len(number) < 20 and int(number) < n_parts):
        raise _wrong(repr(text), f"{cls}:ID with an id from 0 to {n_parts - 1:,}")
    modes = scenario.failures.get(cls, {})
    if mode and mode not in modes:
        wanted = f"a mode of {cls}: {', '.join(modes)}" if modes else f"no mode: {cls} has none"
        raise _wrong(repr(text), wanted, nearest(mode, modes))
    return Part(cls, int(number), mode or None)


def _wrong(got: str, wanted: str, hint: str = "") -> InputError:
    return InputError([Problem("--blast", None, None, "", got, wanted, hint)])


def blast_lines(scenario: Scenario, machine: Blueprint, part: Part) -> Iterator[str]:
    """The certain effects and why; then what else may go down with the mode's probabilities."""
    walk = BlastWalk(machine)
    cls, instance = part.component_class, part.instance
    spreads = scenario.failures[cls][part.mode].spreads if part.mode else _NO_SPREADS
    # Uniforms of 1 cross the certain edges only, uniforms of 0 every edge that can be crossed.
    certain = walk.walk(cls, instance, spreads, lambda _: 1.0, explain=True)
    worst = walk.walk(cls, instance, spreads, lambda _: 0.0, explain=True)
    home = walk.home_node(cls, instance) if cls != "node" else None
    suffered, where = (
        (f" ({part.mode})" if part.mode else ""),
        (f" in node:{home}" if home is not None else ""),
    )
    yield f"{cls}:{instance}{suffered}{where}"
    yield ""
    yield "certainly down:"
    yield from _down(certain.down, machine)
    yield f"  nodes hit: {_ids(walk.nodes_in(certain))}"
    for name, left in certain.capacity.items():
        least = format_percent(min(left.values()))
        yield f"running on with less: {len(left):,} {name}, at worst with {least} of the bandwidth"
    extra = {name: sorted({*ids}.difference(certain.down.get(name, ()))) for name, ids in worst.down.items()}
    if any(extra.values()):
        yield "down too, each with the probability of the edges on its way:"
        yield from _down({name: ids for name, ids in extra.items() if ids}, machine)
    yield "why:"
    yield from _reasons(worst.why, machine, spreads)


def _reasons(why: Sequence[Cause], machine: Blueprint, spreads: Mapping[str, float]) -> Iterator[str]:
    """Who took whom down over which edge: the targets of each source, or of all together if sources are many."""
    reasons: dict[tuple[str, str, str], dict[int, list[int]]] = {}
    for source, source_id, edge, cls, instance in why:
        reasons.setdefault((source, edge, cls), {}).setdefault(source_id, []).append(instance)
    for (source, edge, cls), targets in reasons.items():
        p_cross = _p_cross(machine, spreads, edge)
        over = f"({edge})" if p_cross >= 1.0 else f"({edge}, with probability {p_cross:g})"
        if len(targets) > _MANY_SOURCES:
            together = sorted(one for ids in targets.values() for one in ids)
            yield f"  {source}: {_ids(sorted(targets))} -> {cls}: {_ids(together)}  {over}"
            continue
        for source_id, ids in targets.items():
            yield f"  {source}:{source_id} -> {cls}: {_ids(sorted(ids))}  {over}"
    if not reasons:
        yield "  nothing else hangs on it"


def _p_cross(machine: Blueprint, spreads: Mapping[str, float], name: str) -> float:
    edge = machine.edge(name)
    return spreads.get(name, spreads.get(edge.relation, edge.p_cross))


def _down(down: Mapping[str, Sequence[int]], machine: Blueprint) -> Iterator[str]:
    for cls, ids in down.items():
        yield f"  {cls}: {_ids(ids)} ({len(ids):,} of {machine.counts[cls]:,})"


def _ids(ids: Sequence[int]) -> str:
    """Ids, runs of them as a range, not too many."""
    if not ids:
        return "none"
    runs: list[list[int]] = []
    for one in ids:
        if runs and one == runs[-1][1] + 1:
            runs[-1][1] = one
        else:
            runs.append([one, one])
    shown = [f"{first:,}" if first == last else f"{first:,}..{last:,}" for first, last in runs[:_MANY]]
    if len(runs) > _MANY:
        rest = sum(last - first + 1 for first, last in runs[_MANY:])
        shown.append(f"... and {rest:,} more")
    return ", ".join(shown)
