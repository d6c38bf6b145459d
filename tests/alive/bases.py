"""Small scenarios in which everything that may be stated makes a difference."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from ras_sim.scenario.load import load
from ras_sim.scenario.machine import MACHINES
from ras_sim.scenario.model import Scenario

SOURCE = {"source": "assumed"}
HORIZON_H = 240.0
FAULTS_PER_CLASS = 8.0

SMALL_MACHINES: dict[str, dict[str, Any]] = {
    "hgx": {
        "nodes": 16, "gpus_per_node": 4, "gpus_per_reset_domain": 4, "nvlinks_per_gpu": 4, "nvlinks_needed": 3,
        "nvswitches_needed": 3, "nodes_per_rack": 2, "racks_per_power_domain": 2, "nodes_per_pod": 8, "spines": 2,
        "psus_per_node": 3, "psus_needed": 2, "fans_per_node": 3, "fans_needed": 2, "homing": 2,
        "racks_per_cooling_loop": 4,
    },
    "nvl72": {
        "racks": 4, "trays_per_rack": 4, "nvlinks_per_gpu": 4, "nvlinks_needed": 3, "gpus_per_reset_domain": 2,
        "nvswitch_trays_per_rack": 2, "nvswitches_needed": 3, "fans_per_tray": 3, "fans_needed": 2,
        "shelves_per_rack": 3, "shelves_needed": 3, "psus_per_shelf": 3, "psus_needed": 2, "racks_per_cdu": 2,
        "racks_per_power_domain": 2, "trays_per_pod": 8, "spines": 2,
    },
    "torus": {
        "nodes": 32, "gpus_per_reset_domain": 2, "nodes_per_cube": 4, "cubes_per_pod": 2, "links_per_cube": 12,
        "ocs_per_pod": 6, "psus_per_node": 3, "psus_needed": 2, "cubes_per_power_domain": 2,
    },
    "pool": {"nodes": 16, "gpus_per_node": 4},
}  # fmt: skip
"""A small machine of every kind; every optional part of it is there."""


_ELASTIC: dict[str, Any] = {"min_replicas": 2, "reconfigure": "10 min", "grow": "at_once", **SOURCE}
_NARROW: dict[str, Any] = {"tensor": 2, "pipeline": 1, "exposed": {"tensor": 0.2, "data": 0.2}, **SOURCE}
JOBS: dict[str, dict[str, Any]] = {
    "hgx": {"elastic": _ELASTIC, "spares": {"nodes": 1, "swap": "10 min", **SOURCE}},
    "nvl72": {
        "elastic": {**_ELASTIC, "in_step": {"drop": "5 min", "rejoin": "20 min", **SOURCE}},
        "spares": {"nodes": 2, "swap": "10 min", **SOURCE},
    },
    "torus": {
        "spares": {"nodes": 8, "within": "cube", "swap": "10 min", **SOURCE},
        "checkpoints": {
            "near": {
                "interval": "20 min", "blocking": "10 s", "valid_after": 0, "restore": "1 min", "survives": "reset",
                "peers": {"copies": 1, "placement": "ring", "apart": "cube", **SOURCE}, **SOURCE,
            },
        },
    },
    "pool": {
        "spares": {"nodes": 1, "swap": "10 min", "warm": {"nodes": 3, "provision": "2 h", **SOURCE}, **SOURCE}
    },
}
"""What the job of each of them has on top: other widths, groups of spares, warm nodes."""


def _failing(n_parts: int, spreads: dict[str, float]) -> dict[str, Any]:
    """A mode that strikes a few of that many parts within the run."""
    return {
        "clock": "powered",
        "rate": f"{FAULTS_PER_CLASS / (n_parts * HORIZON_H)!r} /h",
        "symptoms": {"crash": 1},
        "clears_at": {"reset": 0.5, "swap": 0.5},
        "spreads": spreads,
        **SOURCE,
    }


def _machine_scenario(kind: str) -> Scenario:
    """A machine of that kind on which every class of parts fails."""
    machine = {"kind": kind, **SMALL_MACHINES[kind]}
    blueprint = MACHINES[kind].model_validate(machine).build()
    relations = {edge.relation for edge in blueprint.edges}
    crossing = {
        "gpu": {name: 0.3 for name in ("resets_with", "shares_memory", "fails_with") if name in relations},
        "nvswitch": {name: 0.3 for name in ("fails_with",) if name in relations},
        "link": {name: 0.2 for name in ("same_nic", "lane_group", "same_switch") if name in relations},
    }
    failures = {cls: {"fails": _failing(n, crossing.get(cls, {}))} for cls, n in blueprint.counts.items()}
    if kind == "torus":
        failures["gpu"]["fails"]["burst"] = {"extra": 1.0, "gap": "5 h"}
    return Scenario.model_validate(
        {
            "name": f"alive_{kind}",
            "horizon": f"{HORIZON_H} h",
            "machine": machine,
            "job": {
                "gpus": 32,
                "parallel": {"tensor": 4, "pipeline": 1, "exposed": {"tensor": 0.2, "data": 0.2}, **SOURCE},
                "state": "1 TB",
                "initialise": {"base": "5 min", "at_1000_gpus": 0, "exponent": 0.0, **SOURCE},
                "checkpoints": {
                    "remote": {
                        "interval": "1 h", "blocking": "1 min", "valid_after": 0, "restore": "2 min",
                        "survives": "swap", **SOURCE,
                    }
                },
                "spares": {"nodes": 4, "swap": "10 min", **SOURCE},
                **JOBS[kind],
                "planned": {"release": {"every": "50 h", "duration": "1 h", **SOURCE}},
            },
            "detection": {
                "exception": "1 s", "crash": "1 min", "hang": "10 min", "slow": "1 h", "silent": "1 d",
                "diagnose": "5 min", **SOURCE,
            },
            "failures": failures,
            "repair": {
                "ladder": {
                    "reset": {
                        "takes_down": "reset_domain", "duration": "5 min", "meanwhile": "wait", "powers_off": True,
                        **SOURCE,
                    },
                    "swap": {"takes_down": "unit", "duration": "3 h", "meanwhile": "swap", **SOURCE},
                },
                "policy": {
                    "start": {"default": "reset"},
                    "degraded": {"defer_from": 0.5, "until": "planned_stop", **SOURCE},
                },
                "comes_back": "1 h",
                **SOURCE,
            },
        }
    )  # fmt: skip


@lru_cache(maxsize=1)
def bases() -> dict[str, Scenario]:
    """Every base by its name, the one with every block of a scenario first."""
    full, watched, guarded = (
        load(Path(__file__).with_name(f"{name}.yaml"), allow_code=True) for name in ("hgx", "watched", "guarded")
    )
    named = {"full": full, "watched": watched, "guarded": guarded}
    return named | {kind: _machine_scenario(kind) for kind in SMALL_MACHINES}
