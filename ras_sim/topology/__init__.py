"""Topology: what the machine is made of, and what goes down with what.

A `Blueprint` is a small graph of component classes (`FABRICS` builds the known kinds); `BlastWalk` answers
what a fault takes down; `to_networkx` and `export_graph` turn a part of the machine into an instance graph
or a picture.
"""

from ras_sim.topology.blast import BlastWalk
from ras_sim.topology.blueprint import RELATIONS, Blueprint, Edge, Home, Relation
from ras_sim.topology.draw import export_graph
from ras_sim.topology.fabrics import FABRICS, hgx, nvl72, pool, torus
from ras_sim.topology.index import Blocks, Explicit, IndexMap, Peers, RailPeers, Rails, identity
from ras_sim.topology.instances import to_networkx
from ras_sim.topology.trouble import Blast

__all__ = [
    "FABRICS",
    "RELATIONS",
    "Blast",
    "BlastWalk",
    "Blocks",
    "Blueprint",
    "Edge",
    "Explicit",
    "Home",
    "IndexMap",
    "Peers",
    "RailPeers",
    "Rails",
    "Relation",
    "export_graph",
    "hgx",
    "identity",
    "nvl72",
    "pool",
    "to_networkx",
    "torus",
]
