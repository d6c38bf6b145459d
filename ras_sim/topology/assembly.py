"""Assembly: puts a blueprint together, part by part; the pieces that several fabrics share."""

from __future__ import annotations

from typing import Literal

from ras_sim.topology.blueprint import Blueprint, Edge, Home, Relation
from ras_sim.topology.index import Blocks, IndexMap, Peers, RailPeers, Rails

NicLoss = Literal["rank", "slow"]


class Assembly:
    """Collects classes, edges and homes while a builder runs; `finish` gives the blueprint.

    Args:
        kind: name of the builder.
        n_nodes: machines (class ``node``), >= 1.
    """

    def __init__(self, kind: str, n_nodes: int) -> None:
        self.kind = kind
        self.counts: dict[str, int] = {}
        self.edges: list[Edge] = []
        self.homes: dict[str, Home] = {}
        self.add("node", n_nodes, Home(1))

    def add(self, cls: str, count: int, home: Home | None = None) -> None:
        """A class of ``count`` instances; ``home`` says which node each sits in, if any does."""
        self.counts[cls] = at_least(f"number of {cls}", count, 1)
        if home is not None:
            self.homes[cls] = home

    def join(
        self,
        source: str,
        relation: Relation,
        target: str,
        index: IndexMap,
        needs: int | None = None,
        p_cross: float = 1.0,
    ) -> None:
        """An edge named ``source_relation_target``."""
        name = f"{source}_{relation}_{target}"
        self.edges.append(Edge(name, source, target, relation, index, needs, p_cross))

    def put(self, part: str, per_holder: int, holder: str) -> bool:
        """``per_holder`` parts in every holder, which takes them out of service with it; 0: no such class.

        Returns:
            Whether the class exists.
        """
        if at_least(f"{part}s per {holder}", per_holder, 0) == 0:
            return False
        home = self.homes.get(holder)
        inside = None if home is None else Home(home.per_node * per_holder)
        self.add(part, self.counts[holder] * per_holder, inside)
        self.join(holder, "contains", part, Blocks(1, per_holder, self.counts[holder], self.counts[part]))
        return True

    def put_vital(
        self, part: str, per_holder: int, holder: str, relation: Relation = "feeds", needs: int | None = None
    ) -> None:
        """Parts in every holder without ``needs`` of which (None: all) the holder is down."""
        if self.put(part, per_holder, holder):
            index = Blocks(per_holder, 1, self.counts[part], self.counts[holder])
            self.join(part, relation, holder, index, needs)

    def group(self, whole: str, relation: Relation, member: str, members_each: int) -> None:
        """A class above ``member``: instance j has its members j*k..j*k+k-1; the last may have fewer."""
        at_least(f"{member}s per {whole}", members_each, 1)
        n_members = self.counts[member]
        self.add(whole, -(-n_members // members_each))
        self.join(whole, relation, member, Blocks(1, members_each, self.counts[whole], n_members))

    def peers(self, relation: Relation, n_block: int) -> None:
        """GPUs in blocks that may pass trouble to each other; they do not unless a failure mode says so."""
        at_least(f"gpus that {relation}", n_block, 1)
        if n_block > 1:
            self.join("gpu", relation, "gpu", Peers(n_block, self.counts["gpu"]), p_cross=0.0)

    def finish(self, unmodelled_gpus: int = 1) -> Blueprint:
        """The blueprint of all that was added."""
        return Blueprint(self.kind, self.counts, tuple(self.edges), self.homes, unmodelled_gpus)


def at_least(name: str, value: object, least: int) -> int:
    """``value`` if it is a whole number >= ``least``.

    Raises:
        ValueError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{name}: got {value!r}, want a whole number >= {least}")
    return value


def add_accelerators(machine: Assembly, gpus_per_node: int, hbm_per_gpu: int, gpus_per_reset: int) -> None:
    """GPUs and their memory stacks, each of which takes its GPU down; GPUs of a node reset in blocks."""
    at_least("gpus per node", gpus_per_node, 1)
    if gpus_per_node % at_least("gpus per reset domain", gpus_per_reset, 1):
        raise ValueError(f"gpus per reset domain: got {gpus_per_reset}, want a divisor of {gpus_per_node}")
    machine.put("gpu", gpus_per_node, "node")
    machine.put_vital("hbm", hbm_per_gpu, "gpu")
    machine.peers("resets_with", gpus_per_reset)


def add_domains(machine: Assembly, gpus_per_domain: int, switches_per_domain: int) -> None:
    """The scale-up domains as a class: trouble of a GPU or an NVSwitch takes its whole domain, or does not.

    Both edges have probability 0; a failure mode says otherwise (``fails_with``), with one draw for the whole domain,
    where ``shares_memory`` draws for each of its GPUs. What takes a domain down takes its GPUs.
    """
    n_gpus = machine.counts["gpu"]
    n_domains = -(-n_gpus // gpus_per_domain)
    per_node = machine.homes["gpu"].per_node
    machine.add("domain", n_domains, Home(1) if gpus_per_domain == per_node else None)
    machine.join("domain", "contains", "gpu", Blocks(1, gpus_per_domain, n_domains, n_gpus))
    parts = {"gpu": gpus_per_domain, "nvswitch": switches_per_domain}
    for part, n_each in parts.items():
        if part in machine.counts:
            index = Blocks(n_each, 1, machine.counts[part], n_domains)
            machine.join(part, "fails_with", "domain", index, p_cross=0.0)


def add_port_groups(machine: Assembly, *, nodes_per_pod: int, homing: int, ports_per_lane_group: int) -> None:
    """Which access links share a NIC, a cage and a switch; trouble passes where a failure mode says so.

    Link (node, rail, plane) is port ``node % nodes_per_pod`` of its leaf; ports side by side share a cage, that is the
    lanes of one twin- or quad-port module. A cage does not reach beyond its leaf.
    """
    at_least("ports per lane group", ports_per_lane_group, 1)
    n_links, width = machine.counts["link"], machine.homes["link"].per_node
    if homing > 1:
        machine.join("link", "same_nic", "link", Peers(homing, n_links), p_cross=0.0)
    groups: dict[Relation, int] = {"lane_group": ports_per_lane_group, "same_switch": nodes_per_pod}
    for relation, n_group in groups.items():
        if n_group > 1:
            index = RailPeers(width, nodes_per_pod, n_group, n_links)
            machine.join("link", relation, "link", index, p_cross=0.0)


def add_host(machine: Assembly, cpus: int, dimms: int, ssds: int, boards: int) -> None:
    """The parts of a node that each take the node down; its software stack counts as one of them."""
    for part, per_node in (("cpu", cpus), ("dimm", dimms), ("ssd", ssds), ("board", boards), ("software", 1)):
        machine.put_vital(part, per_node, "node")


def add_fat_tree(
    machine: Assembly,
    *,
    nodes_per_pod: int,
    spines: int,
    oversubscription: float,
    homing: int,
    nic_loss: NicLoss,
) -> None:
    """The rail-optimised fat tree of `fabrics`: one NIC per GPU, rail r of pod p on leaf (p, r).

    Ids: nic = gpu; link = nic*homing + plane; leaf = (pod*rails + rail)*homing + plane;
    uplink = leaf*n_up + u, on spine ``uplink % spines``; optics 2*i (lower end) and 2*i + 1 (upper end).
    """
    at_least("nodes per pod", nodes_per_pod, 1)
    if homing not in (1, 2):
        raise ValueError(f"homing: got {homing!r}, want 1 or 2 links per NIC")
    rails = machine.homes["gpu"].per_node
    _add_access(machine, rails, nodes_per_pod, homing)
    _add_nic_loss(machine, rails, nic_loss)
    _add_spine(machine, nodes_per_pod, spines, oversubscription)


def _add_access(machine: Assembly, rails: int, nodes_per_pod: int, homing: int) -> None:
    machine.put("nic", rails, "node")
    n_nics, width = machine.counts["nic"], rails * homing
    n_links = n_nics * homing
    n_pods = -(-machine.counts["node"] // nodes_per_pod)
    machine.add("link", n_links, Home(width))
    machine.add("optic", 2 * n_links, Home(2 * width, every=2))
    machine.add("leaf", n_pods * width)
    machine.join("optic", "connects", "link", Blocks(2, 1, 2 * n_links, n_links))
    machine.join("leaf", "connects", "link", Rails(width, nodes_per_pod, n_pods * width, n_links))
    machine.join("link", "connects", "nic", Blocks(homing, 1, n_links, n_nics), 1 if homing == 2 else None)


def _add_nic_loss(machine: Assembly, rails: int, nic_loss: NicLoss) -> None:
    n_gpus = machine.counts["gpu"]
    if nic_loss == "rank":
        machine.join("nic", "connects", "gpu", Blocks(1, 1, n_gpus, n_gpus))
    elif nic_loss == "slow":
        # Traffic of the lost rail goes over the node's other NICs: all GPUs of the node share what is left.
        machine.join("nic", "connects", "gpu", Blocks(rails, rails, n_gpus, n_gpus), needs=1)
    else:
        raise ValueError(f"nic_loss: got {nic_loss!r}, want 'rank' or 'slow'")


def _add_spine(machine: Assembly, nodes_per_pod: int, spines: int, oversubscription: float) -> None:
    if not 0.0 < oversubscription <= nodes_per_pod:
        raise ValueError(f"oversubscription: got {oversubscription!r}, want > 0 and <= {nodes_per_pod}")
    n_up = round(nodes_per_pod / oversubscription)
    if not 1 <= at_least("spines", spines, 1) <= n_up:
        raise ValueError(f"spines: got {spines}, want 1..{n_up}: one uplink of each leaf at least to each")
    n_leafs = machine.counts["leaf"]
    n_uplinks = n_leafs * n_up
    machine.add("uplink", n_uplinks)
    machine.add("uplink_optic", 2 * n_uplinks)
    machine.add("spine", spines)
    machine.join("uplink_optic", "connects", "uplink", Blocks(2, 1, 2 * n_uplinks, n_uplinks))
    machine.join("spine", "connects", "uplink", Rails(spines, -(-n_uplinks // spines), spines, n_uplinks))
    machine.join("uplink", "connects", "leaf", Blocks(n_up, 1, n_uplinks, n_leafs), needs=1)
