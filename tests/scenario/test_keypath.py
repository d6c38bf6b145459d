"""Keys whose names hold dots themselves: set, varied, stated as uncertain and searched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ras_sim.experiment.factors import parse_factors
from ras_sim.experiment.optimizedir import overlay
from ras_sim.experiment.points import axes_of, points_of
from ras_sim.experiment.varied import search_space, uncertain_numbers
from ras_sim.scenario.keypath import split_key
from ras_sim.scenario.load import loads

FULL = (Path(__file__).parents[1] / "scenarios" / "full.yaml").read_text()
FLAP = "{within: 1 h, outage: 10 s, heals: process_restart, source: assumed}"
TOLERANT = f"repair.policy.tolerate={{link.flap: {FLAP}}}"
OUTAGE = "repair.policy.tolerate.link.flap.outage"


@pytest.mark.parametrize(
    ("key", "to_block", "path"),
    [
        ("repair.policy.start.gpu.xid", False, ("gpu.xid",)),  # there
        ("repair.policy.start.gpu.sdc", False, ("gpu.sdc",)),  # new
        ("repair.policy.start.link.flap", False, ("link.flap",)),  # new, where `link` holds a rung
        ("repair.policy.tolerate.link.flap.outage", False, ("link.flap", "outage")),
        ("repair.policy.tolerate.optic.flap", True, ("optic.flap",)),
    ],
)
def test_a_name_may_hold_a_dot(key: str, to_block: bool, path: tuple[str, ...]) -> None:
    tree = loads(FULL, overrides=[TOLERANT]).resolved()
    assert split_key(key, tree, to_block=to_block)[3:] == path


def test_a_key_that_holds_a_dot_is_set() -> None:
    setting = [TOLERANT, f"{OUTAGE}=25 s", "repair.policy.start.gpu.sdc=rma", "repair.policy.start.gpu.xid=null"]
    policy = loads(FULL, overrides=[*setting, f"repair.policy.tolerate.link={FLAP}"]).resolved()["repair"]["policy"]
    assert policy["start"]["gpu.sdc"] == "rma"
    assert "gpu.xid" not in policy["start"]
    assert policy["tolerate"]["link.flap"]["outage"] == f"{25 / 3600!r} h"
    assert list(policy["tolerate"]) == ["link.flap", "link"]


def test_a_key_that_holds_a_dot_is_varied_and_searched() -> None:
    scenario = loads(FULL, overrides=[TOLERANT])
    factors = parse_factors([f"{OUTAGE}=5..20 s", "repair.policy.start.gpu.sdc=rma,node_reboot"])
    (searched, _) = search_space(scenario, factors)
    assert searched.span is not None
    assert (searched.span.low, searched.span.high) == pytest.approx((5 / 3600, 20 / 3600))
    row: tuple[Any, ...] = ("20 s", "rma")
    written = overlay(scenario, factors, row)
    assert "gpu.sdc: rma" in written
    assert "link.flap:" in written
    axes = axes_of(factors, points_of(scenario, factors, [row, ("5 s", "rma")]))
    assert axes[0].levels == pytest.approx((20 / 3600, 5 / 3600))


def test_a_key_that_holds_a_dot_may_be_uncertain() -> None:
    stated = f"uncertain={{{OUTAGE}: {{low: 5 s, high: 20 s, source: assumed}}}}"
    (one,) = uncertain_numbers(loads(FULL, overrides=[TOLERANT, stated]))
    assert one.base == pytest.approx(10 / 3600)
