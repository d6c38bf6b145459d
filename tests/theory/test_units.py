"""What is new when a unit is replaced: the unit and what it contains, not what only goes down with it."""

from __future__ import annotations

from typing import Any

import pytest

from ras_sim.engine import simulate
from tests.small import fixed, h, ladder, mode, rung, small

LIFE_H, REPLACED_H, REPAIR_H = 100.0, 40.0, 1.0
RUNGS = ladder({"fix": rung(h(REPAIR_H), takes_down="unit", replaces=True)})
MACHINE = {"kind": "hgx", "nodes": 2, "psus_per_node": 1, "psus_needed": 1, "nodes_per_rack": 2}


def strikes_h(failing: str, ageing: str, **changes: Any) -> list[float]:
    """When the parts of one class fail that live exactly so long, where each of another class is replaced once before that.

    Parts of the first class fail at that hour and, new ones being as long-lived, not again within the horizon.
    """
    failures: dict[str, Any] = {
        failing: {"fails": mode(lifetime=fixed(1000.0), start_age=h(1000.0 - REPLACED_H))},
    }
    failures.setdefault(ageing, {})["wears_out"] = mode(lifetime=fixed(LIFE_H))
    scenario = small(150.0, machine=MACHINE, job__gpus=8, failures=failures, repair=RUNGS, **changes)
    rows = simulate(scenario, seed=1, replication=0).incidents
    assert any(row.component_class == failing and row.mode == "fails" for row in rows)
    return [row.arrive_h for row in rows if row.mode == "wears_out"]


@pytest.mark.parametrize(
    ("failing", "ageing"),
    [("ssd", "gpu"), ("ssd", "node"), ("dimm", "hbm"), ("psu", "node"), ("psu", "fan"), ("board", "gpu"),
     ("cpu", "hbm"), ("nic", "gpu"), ("leaf", "gpu"), ("leaf", "optic"), ("hbm", "gpu"), ("gpu", "node"),
     ("nic", "optic"), ("link", "optic")],
)  # fmt: skip
def test_what_only_goes_down_with_the_unit_keeps_its_age(failing: str, ageing: str) -> None:
    found = strikes_h(failing, ageing)
    assert found
    assert set(found) == {LIFE_H}


@pytest.mark.parametrize(
    ("failing", "ageing"), [("gpu", "hbm"), ("gpu", "nvlink"), ("node", "gpu"), ("node", "hbm"), ("node", "psu"),
     ("rack", "gpu"), ("rack", "link"), ("rack", "nic")],
)
def test_what_the_unit_contains_is_new(failing: str, ageing: str) -> None:
    found = strikes_h(failing, ageing)
    assert found
    assert found == pytest.approx([REPLACED_H + REPAIR_H + LIFE_H] * len(found))


def test_an_optic_at_the_far_end_of_a_link_stays_in_its_switch() -> None:
    """Half of the optics are in the nodes that are replaced."""
    found = strikes_h("node", "optic")
    n = len(found) // 2
    assert sorted(found) == pytest.approx([LIFE_H] * n + [REPLACED_H + REPAIR_H + LIFE_H] * n)
