"""Fabrics: one builder per kind of machine, and `FABRICS`, the dict of them.

Each builder takes plain numbers and returns a `Blueprint`. Counts that have no public source are
marked *assumed*; all are arguments, so a scenario can state its own.

Class names are the same everywhere: ``node`` (a machine or compute tray), ``gpu`` (any accelerator),
``hbm``, ``nvlink``, ``nvswitch``, ``domain``, ``nic``, ``optic``, ``link``, ``leaf``, ``spine``, ``uplink``,
``uplink_optic``, ``cpu``, ``dimm``, ``ssd``, ``board``, ``psu``, ``fan``, ``rack``, ``power_domain``, ``cooling_loop`` (or
``cdu``).

The scale-out network of `hgx` and `nvl72` is a rail-optimised fat tree: one NIC per GPU, and NIC r
of every node of a pod on leaf r of that pod (with ``homing=2`` on two leafs, one in each of two
planes, either of which is enough). Each access link and each uplink has two optics. A leaf with some
uplinks lost runs on with the rest; with none left it is down. Spines above the pods are one layer
(*assumed*: a large fabric has two; a spine here stands for the slice of both that one uplink plane uses).
A lost NIC stops its GPU's rank (``nic_loss="rank"``) or its traffic detours over the node's other rails
(``"slow"``): no GPU stops, all of the node's share the remaining NICs.

Ports are isolated unless a failure mode's ``spreads`` says otherwise, over ``same_nic`` (the other port of a dual-homed
NIC), ``lane_group`` (the ports of one cage of the leaf, ``ports_per_lane_group`` of them; 2 is *assumed* after twin-port
modules) or ``same_switch`` (all access ports of the leaf). Trouble that has crossed goes on: from a neighbour to the
other port of that neighbour's NIC, if both are allowed. A scale-up ``domain`` goes down as one, by ``fails_with``.
"""

from __future__ import annotations

from collections.abc import Callable

from ras_sim.topology.assembly import (
    Assembly,
    NicLoss,
    add_accelerators,
    add_domains,
    add_fat_tree,
    add_host,
    add_port_groups,
    at_least,
)
from ras_sim.topology.blueprint import Blueprint
from ras_sim.topology.index import Blocks, Rails

# Argument lists are kept several to a line, by theme: they are read as a table.
# fmt: off


def pool(nodes: int, *, gpus_per_node: int = 8) -> Blueprint:
    """A pool of equal nodes and nothing else: class ``node``, no edge.

    Models fleets for which only a rate per node is published (failures per 1,000 node-days).

    Args:
        nodes: number of nodes, >= 1.
        gpus_per_node: only to count GPUs, >= 1.
    Raises:
        ValueError: an argument out of range.
    """
    gpus = at_least("gpus per node", gpus_per_node, 1)
    return Assembly("pool", at_least("nodes", nodes, 1)).finish(unmodelled_gpus=gpus)


def hgx(
    nodes: int, *,
    gpus_per_node: int = 8, hbm_per_gpu: int = 5, gpus_per_reset_domain: int = 8,
    nvlinks_per_gpu: int = 18, nvlinks_needed: int | None = None,
    nvswitches_per_node: int = 4, nvswitches_needed: int | None = None,
    cpus_per_node: int = 2, dimms_per_node: int = 32, ssds_per_node: int = 8, boards_per_node: int = 1,
    psus_per_node: int = 6, psus_needed: int = 4, fans_per_node: int = 6, fans_needed: int = 5,
    nodes_per_rack: int = 4, racks_per_power_domain: int = 8,
    nodes_per_pod: int = 32, spines: int = 16, oversubscription: float = 2.0,
    homing: int = 1, nic_loss: NicLoss = "rank", ports_per_lane_group: int = 2,
    racks_per_cooling_loop: int | None = None,
) -> Blueprint:
    """Air-cooled nodes of eight GPUs behind NVSwitches, on a rail-optimised fat tree.

    Models a cluster of DGX H100 or like nodes. As NVIDIA describes them (DGX H100 user guide, H100 data
    sheet; second-hand): 8 GPUs, 4 NVSwitches, 2 CPUs, 32 DIMMs, 8 data drives, 6 power supplies of which
    4 carry the load; per GPU 5 HBM stacks and 18 NVLinks. *Assumed*: fans, one main board, racks, power
    domains, pods, spines, oversubscription, and that the eight GPUs of a baseboard reset together.

    An NVSwitch takes its node's eight GPUs down unless ``nvswitches_needed`` lets them run on fewer;
    an NVLink takes its GPU down unless ``nvlinks_needed`` does. GPUs of a node are one coherent domain
    (``gpu_shares_memory_gpu``, probability 0: containment is perfect unless a failure mode says otherwise). They
    are one ``domain`` too, which a mode may take down as one (``gpu_fails_with_domain``, ``nvswitch_fails_with_domain``).

    Args:
        nodes: number of nodes, >= 1; the other counts are per holder, as named, >= 1 (parts: >= 0).
        oversubscription: access bandwidth over uplink bandwidth of a leaf, > 0.
        homing: links per NIC, 1 or 2.
        nic_loss: ``"rank"`` or ``"slow"``; see the module's docstring.
        racks_per_cooling_loop: racks that one chilled-water loop or row of air handlers (``cooling_loop``) cools; None:
            the machine has no such class.
    Raises:
        ValueError: an argument out of range.
    """
    machine = Assembly("hgx", nodes)
    machine.group("rack", "contains", "node", nodes_per_rack)
    machine.group("power_domain", "feeds", "rack", racks_per_power_domain)
    add_accelerators(machine, gpus_per_node, hbm_per_gpu, gpus_per_reset_domain)
    machine.put_vital("nvlink", nvlinks_per_gpu, "gpu", "connects", nvlinks_needed)
    machine.peers("shares_memory", gpus_per_node)
    if machine.put("nvswitch", nvswitches_per_node, "node"):
        index = Blocks(nvswitches_per_node, gpus_per_node, machine.counts["nvswitch"], machine.counts["gpu"])
        machine.join("nvswitch", "connects", "gpu", index, nvswitches_needed)
    add_host(machine, cpus_per_node, dimms_per_node, ssds_per_node, boards_per_node)
    machine.put_vital("psu", psus_per_node, "node", "feeds", psus_needed)
    machine.put_vital("fan", fans_per_node, "node", "cools", fans_needed)
    add_fat_tree(
        machine, nodes_per_pod=nodes_per_pod, spines=spines, oversubscription=oversubscription,
        homing=homing, nic_loss=nic_loss,
    )
    add_domains(machine, gpus_per_node, nvswitches_per_node)
    add_port_groups(
        machine, nodes_per_pod=nodes_per_pod, homing=homing, ports_per_lane_group=ports_per_lane_group,
    )
    if racks_per_cooling_loop is not None:
        machine.group("cooling_loop", "cools", "rack", racks_per_cooling_loop)
    return machine.finish()


def nvl72(
    racks: int, *,
    trays_per_rack: int = 18, gpus_per_tray: int = 4, hbm_per_gpu: int = 8,
    nvlinks_per_gpu: int = 18, nvlinks_needed: int | None = None, gpus_per_reset_domain: int = 1,
    nvswitch_trays_per_rack: int = 9, nvswitches_per_tray: int = 2, nvswitches_needed: int | None = None,
    cpus_per_tray: int = 2, dimms_per_tray: int = 16, ssds_per_tray: int = 4, boards_per_tray: int = 2,
    fans_per_tray: int = 8, fans_needed: int = 7,
    shelves_per_rack: int = 8, shelves_needed: int = 6, psus_per_shelf: int = 6, psus_needed: int = 5,
    racks_per_cdu: int = 8, racks_per_power_domain: int = 8,
    trays_per_pod: int = 72, spines: int = 18, oversubscription: float = 2.0,
    homing: int = 1, nic_loss: NicLoss = "rank", ports_per_lane_group: int = 2,
    racks_per_domain: int = 1,
) -> Blueprint:
    """Liquid-cooled racks of 72 GPUs in one NVLink domain; a compute tray is a ``node``.

    Models a GB200 NVL72 cluster. 9 switch trays per rack and 8 power shelves of 6 supplies: NVIDIA Mission
    Control manual, docs.nvidia.com/base-command-manager/product-manuals/nvidia-mission-control, pages
    nvlink and powershelf. As NVIDIA describes the rack (second-hand): 18 compute trays of 4 GPUs and 2
    CPUs, 2 NVSwitches per switch tray, per GPU 18 NVLinks (one to each NVSwitch) and 8 HBM stacks.
    *Assumed*: memory modules (soldered on), drives, boards, fans, how many supplies and shelves are spare,
    one coolant unit (``cdu``) per row of racks, pods, spines, oversubscription, and that a GPU resets alone.

    An NVSwitch stops all 72 GPUs unless ``nvswitches_needed`` (of the rack's 18) lets them run on fewer, when
    their scale-up bandwidth falls by the share lost. A ``switch_tray`` takes its NVSwitches with it. The 72
    GPUs are one coherent domain and one ``domain`` (probabilities 0, as in `hgx`); with ``racks_per_domain``
    those of several racks are: 8 racks for 576 GPUs. Switches between racks are not parts of the machine.
    Supplies feed a ``power_shelf`` and shelves the rack, each k of n.

    Args:
        racks: number of racks, >= 1; the other counts are per holder, as named, >= 1 (parts: >= 0).
        oversubscription: access bandwidth over uplink bandwidth of a leaf, > 0.
        homing: links per NIC, 1 or 2.
        nic_loss: ``"rank"`` or ``"slow"``; see the module's docstring.
    Raises:
        ValueError: an argument out of range.
    """
    n_trays = at_least("racks", racks, 1) * at_least("trays per rack", trays_per_rack, 1)
    machine = Assembly("nvl72", n_trays)
    machine.group("rack", "contains", "node", trays_per_rack)
    machine.group("power_domain", "feeds", "rack", racks_per_power_domain)
    machine.group("cdu", "cools", "rack", racks_per_cdu)
    machine.put_vital("power_shelf", shelves_per_rack, "rack", "feeds", shelves_needed)
    machine.put_vital("psu", psus_per_shelf, "power_shelf", "feeds", psus_needed)
    add_accelerators(machine, gpus_per_tray, hbm_per_gpu, gpus_per_reset_domain)
    machine.put_vital("nvlink", nvlinks_per_gpu, "gpu", "connects", nvlinks_needed)
    n_rack = trays_per_rack * gpus_per_tray
    n_domain = n_rack * at_least("racks per domain", racks_per_domain, 1)
    machine.peers("shares_memory", n_domain)
    machine.put("switch_tray", at_least("nvswitch trays per rack", nvswitch_trays_per_rack, 1), "rack")
    machine.put("nvswitch", at_least("nvswitches per tray", nvswitches_per_tray, 1), "switch_tray")
    n_switches = nvswitch_trays_per_rack * nvswitches_per_tray
    index = Blocks(n_switches, n_rack, machine.counts["nvswitch"], machine.counts["gpu"])
    machine.join("nvswitch", "connects", "gpu", index, nvswitches_needed)
    add_host(machine, cpus_per_tray, dimms_per_tray, ssds_per_tray, boards_per_tray)
    machine.put_vital("fan", fans_per_tray, "node", "cools", fans_needed)
    add_fat_tree(
        machine, nodes_per_pod=trays_per_pod, spines=spines, oversubscription=oversubscription,
        homing=homing, nic_loss=nic_loss,
    )
    add_domains(machine, n_domain, n_switches * racks_per_domain)
    add_port_groups(
        machine, nodes_per_pod=trays_per_pod, homing=homing, ports_per_lane_group=ports_per_lane_group,
    )
    return machine.finish()


def torus(
    nodes: int, *,
    gpus_per_node: int = 4, hbm_per_gpu: int = 4, gpus_per_reset_domain: int = 4,
    nodes_per_cube: int = 16, cubes_per_pod: int = 64, links_per_cube: int = 96, ocs_per_pod: int = 48,
    fault_tolerant_routing: bool = True,
    cpus_per_node: int = 2, dimms_per_node: int = 16, ssds_per_node: int = 1, boards_per_node: int = 1,
    psus_per_node: int = 2, psus_needed: int = 1, cubes_per_power_domain: int = 8,
) -> Blueprint:
    """A 3-D torus of cubes joined by optical circuit switches (OCS).

    Models a TPU v4 pod after Zu et al., NSDI 2024 (https://www.usenix.org/conference/nsdi24/presentation/zu)
    and Jouppi et al., arXiv 2304.01433: cubes of 64 chips on 16 machines of 4, 96 optical inter-chip links
    per cube, 64 cubes and 48 OCS per pod. Link k of a cube is on OCS ``k % 48``: opposite faces of a
    dimension meet in the same switches. The chip is class ``gpu``. *Assumed*: 4 memory stacks per chip, host
    parts, power supplies, power domains, that the chips of a machine reset together. Left out: the copper
    links inside a cube and the data-centre network between pods.

    With ``fault_tolerant_routing`` a lost link, optic or OCS costs the cube its share of optical bandwidth
    (an OCS: 2 of 96 links; measured job slow-downs are 0.5-8.6%, Table 3); without it the cube is down.

    Args:
        nodes: machines, a multiple of ``nodes_per_cube``; the other counts as named, >= 1 (parts: >= 0).
        fault_tolerant_routing: whether traffic finds its way round a lost optical link.
    Raises:
        ValueError: an argument out of range, or links that do not divide among the switches.
    """
    if at_least("nodes", nodes, 1) % at_least("nodes per cube", nodes_per_cube, 1):
        raise ValueError(f"nodes: got {nodes}, want a multiple of {nodes_per_cube} (whole cubes)")
    if at_least("links per cube", links_per_cube, 1) % at_least("ocs per pod", ocs_per_pod, 1):
        raise ValueError(f"links per cube: got {links_per_cube}, want a multiple of the {ocs_per_pod} ocs")
    machine = Assembly("torus", nodes)
    machine.group("cube", "contains", "node", nodes_per_cube)
    machine.group("power_domain", "feeds", "cube", cubes_per_power_domain)
    add_accelerators(machine, gpus_per_node, hbm_per_gpu, gpus_per_reset_domain)
    add_host(machine, cpus_per_node, dimms_per_node, ssds_per_node, boards_per_node)
    machine.put_vital("psu", psus_per_node, "node", "feeds", psus_needed)
    machine.put_vital("link", links_per_cube, "cube", "connects", 1 if fault_tolerant_routing else None)
    machine.put_vital("optic", 1, "link", "connects")
    n_deep = links_per_cube // ocs_per_pod * at_least("cubes per pod", cubes_per_pod, 1)
    n_ocs = -(-machine.counts["cube"] // cubes_per_pod) * ocs_per_pod
    machine.add("ocs", n_ocs)
    machine.join("ocs", "connects", "link", Rails(ocs_per_pod, n_deep, n_ocs, machine.counts["link"]))
    return machine.finish()


# fmt: on

FABRICS: dict[str, Callable[..., Blueprint]] = {"pool": pool, "hgx": hgx, "nvl72": nvl72, "torus": torus}
"""Every kind of machine by the name that a scenario uses."""
