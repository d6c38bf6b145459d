"""How far a fault spreads over the machine, and what a rung takes down with it."""

from __future__ import annotations

from collections.abc import Mapping

from ras_sim.faults.modes import FailureMode
from ras_sim.job.parallelism import Traffic
from ras_sim.repair.incident import Incident
from ras_sim.repair.ladder import Rung
from ras_sim.scenario.setup import Setup
from ras_sim.streams import child_key, uniform
from ras_sim.topology import BlastWalk
from ras_sim.topology.parts import container_of, contents_of, holder, parts_below

_BLAST = 22  # branch of a fault's key from which the draws of its spread descend
TRAFFIC: Mapping[str, Traffic] = {
    "nvlink": "scale_up",
    "nvswitch": "scale_up",
    "switch_tray": "scale_up",
    "dimm": "memory",
}
"""What a class carries, where it is not traffic between NVLink domains."""


Reach = tuple[tuple[int, ...], tuple[int, ...], int, float]
"""What one fault takes down, and what it only slows: nodes with a GPU that is down or down themselves, nodes with less
bandwidth, number of GPUs that are down, relative speed of a job that uses the narrowest place."""


class Spread:
    """The blast radius of faults and the scope of repairs, for one replication.

    Args:
        setup: the scenario.
        walk: the machine's topology.
    """

    def __init__(self, setup: Setup, walk: BlastWalk) -> None:
        self._setup = setup
        self._walk = walk
        self._gpus_per_node = setup.gpus_per_node
        self._gpus_are_parts = setup.blueprint.n_gpus > 0
        self._redundant = {edge.source for edge in setup.blueprint.edges if edge.needs is not None}
        self._lost: dict[str, set[int]] = {}  # redundant parts that are down now
        self._units: dict[tuple[str, int], tuple[str, int]] = {}  # a part that failed -> the unit that holds it

    def home(self, mode: FailureMode, instance: int) -> int | None:
        """The node that holds the part."""
        return self._walk.home_node(mode.component_class, instance)

    def part_in(self, node: int, component_class: str) -> int:
        """The first part of a class in a node."""
        return int(parts_below(self._walk, "node", component_class)(node)[0])

    def reach(self, mode: FailureMode, instance: int, key: int) -> Reach:
        """Who is hit by a fault; `key` is the fault's, its draws are the same under every policy."""
        cls = mode.component_class
        if mode.spreads or (self._lost and cls in self._redundant):
            return self._drawn_reach(mode, instance, child_key(key, _BLAST))
        nodes, n_gpus, capacity, slowed = self._walk.effects(cls, instance)
        if not self._gpus_are_parts:
            n_gpus = len(nodes) * self._gpus_per_node
        return nodes, slowed, n_gpus, 1.0 if capacity == 1.0 else self._speed(cls, capacity)

    def _drawn_reach(self, mode: FailureMode, instance: int, key: int) -> Reach:
        """With what is down already, and with trouble that crosses some edges by chance."""
        walk, cls = self._walk, mode.component_class
        blast = walk.walk(cls, instance, mode.spreads, lambda ordinal: uniform(key, ordinal), self._lost)
        capacity = min((left for ids in blast.capacity.values() for left in ids.values()), default=1.0)
        nodes = walk.nodes_in(blast)
        n_gpus = len(blast.down.get("gpu", ())) if self._gpus_are_parts else len(nodes) * self._gpus_per_node
        return nodes, walk.nodes_slowed_in(blast), n_gpus, self._speed(cls, capacity)

    def _speed(self, cls: str, capacity: float) -> float:
        return 1.0 if capacity == 1.0 else self._setup.layout.speed(capacity, TRAFFIC.get(cls, "fabric"))

    def n_in_node(self, cls: str) -> int:
        """Parts of a class in each node; 0 for one that is not in nodes."""
        home = self._setup.blueprint.homes.get(cls)
        return 0 if home is None else home.per_node // home.every

    def speed_without(self, cls: str, n_disabled: int) -> float:
        """Relative speed of a job with a node in which so many parts of a class are out of use."""
        n = self.n_in_node(cls)
        return self._speed(cls, (n - n_disabled) / n)

    def lost(self, incident: Incident) -> None:
        """A part is down: if it was one of several, the next one counts for more."""
        if incident.component_class in self._redundant:
            self._lost.setdefault(incident.component_class, set()).add(incident.instance)

    def regained(self, incident: Incident) -> None:
        """The part is up again."""
        lost = self._lost.get(incident.component_class)
        if lost is not None:
            lost.discard(incident.instance)
            if not lost:
                del self._lost[incident.component_class]

    def unit_class(self, incident: Incident) -> str:
        """The class that is replaced when this part fails: what is taken from the shelf."""
        return self._setup.units.get(incident.component_class, incident.component_class)

    def unit(self, incident: Incident) -> tuple[str, int]:
        """The replaceable unit that holds the part: (class, id)."""
        part, unit = (incident.component_class, incident.instance), self.unit_class(incident)
        if unit == incident.component_class:
            return part
        found = self._units.get(part)
        if found is None:
            held_by = container_of(self._walk, *part, unit)
            found = self._units[part] = part if held_by is None else (unit, held_by)
        return found

    def holds(self, unit: str, unit_id: int, component_class: str, instance: int) -> bool:
        """Whether a part is in an instance of a replaceable unit."""
        return container_of(self._walk, component_class, instance, unit) == unit_id

    def alike(self, incident: Incident, by: str) -> int | str | None:
        """What two incidents have in common that one way serves both: the class of the part, or what holds it."""
        if by == "class":
            return incident.component_class
        return holder(self._walk, incident.component_class, incident.instance, by) if by else None

    def parts_in(self, unit: str, unit_id: int, component_class: str) -> list[int]:
        """Ids of the parts of a class that a replaceable unit brings with it."""
        return contents_of(self._walk, unit, unit_id, component_class)

    def scope(self, incident: Incident, rung: Rung) -> list[int]:
        """The nodes that a rung takes down."""
        takes_down = rung.takes_down
        if takes_down == "node":
            return self._home_nodes(incident)
        if takes_down == "unit":
            unit, unit_id = self.unit(incident)
            return list(self._walk.nodes_hit(unit, unit_id))
        if takes_down == "reset_domain":
            gpus = self._walk.reset_domain(incident.component_class, incident.instance)
            nodes = {gpu // self._gpus_per_node for gpu in gpus}
            return sorted(nodes) or self._home_nodes(incident)
        return []  # the failing operation, or the job's processes

    @staticmethod
    def _home_nodes(incident: Incident) -> list[int]:
        return [] if incident.node is None else [incident.node]
