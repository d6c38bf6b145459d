"""The keynote's pairs on containment: they differ in one property, and the failures that both meet are the same."""

from __future__ import annotations

import pytest

from docs.keynote import designs_of, run
from docs.keynote_points import POINTS, Pair, Point
from ras_sim.experiment.compare import Comparison
from ras_sim.experiment.designs import changes_between, shared_histories

CONTAINMENT = [point for point in POINTS if point.key in ("S5", "S6", "S7")]
PAIRS = [(point, pair) for point in CONTAINMENT for pair in point.pairs]

ALLOWED = {
    "s05_write": ("failures.nvlink.error.", "repair.policy.start.nvlink"),
    "s06_port": ("failures.link.flap.spreads.",),
    "s06_tolerate": ("repair.policy.tolerate.link.flap.",),
    "s07_domain": ("failures.hbm.due.spreads.",),
    "s07_rows": ("failures.hbm.due.absorbs.faults",),
    "s07_poison": ("failures.hbm.due.symptoms.",),
    "s07_nvswitch": ("machine.nvswitches_needed",),
}
"""Settings in which a pair may differ, by the name of its files: those of one property."""


def name_of(value: object) -> str:
    return value.with_.removesuffix(".yaml") if isinstance(value, Pair) else ""


@pytest.mark.parametrize(("point", "pair"), PAIRS, ids=name_of)
def test_a_pair_differs_in_one_property(point: Point, pair: Pair) -> None:
    without, with_ = designs_of(pair)
    allowed = ALLOWED["_".join(pair.with_.split("_")[:2])]
    changes = [
        one.key for one in changes_between(without.scenario, with_.scenario)
        if one.key != "name" and not one.key.endswith("source")
    ]  # fmt: skip
    assert changes
    assert all(key.startswith(allowed) for key in changes), changes
    # All other modes strike the same parts at the same hours.
    for mode in shared_histories(without.scenario, with_.scenario).different:
        assert any(key.startswith(f"failures.{mode}.") for key in changes), mode


def test_every_file_of_a_pair_is_there_once() -> None:
    files = [file for _, pair in PAIRS for file in (pair.without, pair.with_)]
    assert len(files) == len(set(files))


@pytest.fixture(scope="module")
def compared() -> dict[str, Comparison]:
    return {pair.with_.removesuffix(".yaml"): run(pair) for _, pair in PAIRS}


@pytest.mark.slow
@pytest.mark.parametrize("name", [name_of(pair) for _, pair in PAIRS if "domain" not in pair.with_])
def test_the_property_gains_goodput(compared: dict[str, Comparison], name: str) -> None:
    goodput = compared[name].against[0].metrics["goodput"]
    assert goodput.is_clear
    assert (goodput.estimate.mean or 0.0) > 0


@pytest.mark.slow
def test_containment_is_worth_more_the_wider_the_domain(compared: dict[str, Comparison]) -> None:
    """8 is a node, which is repaired as a whole; 72 costs spare trays; 576 has more trays than there are spares."""
    eight, rack, eight_racks = (compared[f"s07_domain_{name}"].against[0] for name in ("hgx", "nvl72", "nvl576"))
    assert all(one.is_zero for one in (eight.metrics["goodput"], eight.metrics["spares_taken"]))
    assert rack.metrics["spares_taken"].is_clear
    assert (rack.metrics["spares_taken"].estimate.mean or 0.0) < 0
    assert eight_racks.metrics["goodput"].is_clear
    gains = [one.metrics["goodput"].estimate.mean or 0.0 for one in (rack, eight_racks)]
    assert gains[1] > gains[0]
