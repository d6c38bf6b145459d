"""The keynote's pairs: each point on both machines, one property apart, on the same failures, worth what is said of it."""

from __future__ import annotations

from functools import cache

import pytest
import yaml

from docs.keynote import SCENARIOS, designs_at, designs_of, run
from docs.keynote_pairs import Pair, Point, Range
from docs.keynote_points import POINTS
from ras_sim.experiment.compare import Comparison
from ras_sim.experiment.designs import Design, changes_between, shared_histories
from ras_sim.experiment.differences import BETTER
from ras_sim.metrics.paired import Difference
from ras_sim.scenario.load import load

PAIRS = [(point, pair) for point in POINTS for pair in point.pairs]
RANGES = [(point, one) for point in POINTS for one in point.ranges]
KEYS = ("S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8", "S9", "S12", "S13")
"""S10 (power) is not simulated, S11 (predictable scaling) is no property of a machine."""

ONE_PROPERTY = {
    "s01_optics": ("failures.optic.dead.rate",),
    "s02_tests": ("repair.tests.ripple", "repair.tests.fleet"),
    "s02_keep": ("job.checkpoints.remote.keep",),
    "s02_replay": ("repair.accusation.replay",),
    "s02_check": ("repair.tests.deep",),
    "s03_blast": (
        "machine.homing",
        "machine.nodes_per_pod",
        "machine.trays_per_pod",
        "machine.oversubscription",
        "repair.policy.degraded",
    ),
    "s04_ladder": ("repair.policy.start.",),
    "s04_swap": ("repair.ladder.gpu_reset.meanwhile", "repair.policy.start."),
    "s04_location": ("detection.location",),
    "s04_watchdogs": ("detection.watchdogs",),
    "s05_write": ("failures.nvlink.error.", "repair.policy.start.nvlink"),
    "s06_port": ("failures.link.flap.spreads.",),
    "s06_tolerate": ("repair.policy.tolerate",),
    "s07_domain": ("failures.hbm.due.spreads.",),
    "s07_rows": ("failures.hbm.due.absorbs.faults",),
    "s07_poison": ("failures.hbm.due.symptoms.",),
    "s07_nvswitch": ("machine.nvswitches_needed",),
    "s08_rail": ("machine.nic_loss", "repair.policy.degraded"),
    "s08_memory": ("repair.ladder.bank_disable", "repair.policy.degraded"),
    "s09_field": ("repair.tests", "repair.accusation"),
    "s12_burnin": ("fleet.batches.new.start_age",),
    "s12_defect": ("fleet.batches.bad.defect.factor",),
    "s12_rollout": ("fleet.batches.second.", "fleet.batches.third."),
    "s12_firmware": ("fleet.waves.firmware.sizes", "fleet.waves.firmware.gap"),
    "s12_correlated": ("failures.cooling_loop.warm.", "failures.cdu.warm.", "shocks.rack_feed.every.", "services"),
    "s13_parallel": ("job.parallel.tensor", "job.parallel.pipeline", "job.parallel.expert"),
    "s13_width": ("job.elastic",),
    "s13_step": ("job.elastic",),
}
"""Settings in which the two scenarios of a pair may differ, by the name of its files."""

OTHER_FAILURES = {
    "s03_blast": ("optic.dead", "link.", "leaf.", "uplink."),
    "s12_correlated": ("shock rack_feed",),
}
"""What strikes otherwise though no setting of its own differs: the fabric has other links; feeds are lost less often."""

FLEET = ("s12_burnin", "s12_defect", "s12_rollout", "s12_firmware")
"""Topics in which the ages of nodes differ, and with them all that strikes nodes."""


def name_of(value: object) -> str:
    if isinstance(value, Pair):
        return f"{value.without.removesuffix('.yaml')}-{value.with_.removesuffix('.yaml')}"
    return value.key if isinstance(value, Range) else ""


@cache
def kind_of(pair: Pair) -> str:
    return str(load(SCENARIOS / pair.with_).machine.kind)


def test_every_point_of_the_keynote_that_is_simulated_is_there() -> None:
    assert tuple(dict.fromkeys(point.key for point in POINTS)) == KEYS
    assert len({point.prop for point in POINTS}) == len(POINTS)  # the anchors of the page


@pytest.mark.parametrize("point", POINTS, ids=lambda point: f"{point.key}-{point.prop}")
def test_a_point_has_pairs_on_both_machines_and_ranges_or_says_why_not(point: Point) -> None:
    assert ({kind_of(pair) for pair in point.pairs} == {"hgx", "nvl72"}) != bool(point.one_machine)
    assert bool(point.ranges) != bool(point.no_ranges)


@pytest.mark.parametrize("key", KEYS)
def test_every_point_is_priced_on_both_machines(key: str) -> None:
    assert {kind_of(pair) for point, pair in PAIRS if point.key == key} == {"hgx", "nvl72"}


@pytest.mark.parametrize(("point", "pair"), PAIRS, ids=name_of)
def test_a_pair_differs_in_one_property(point: Point, pair: Pair) -> None:
    without, with_ = designs_of(pair)
    topic = "_".join(pair.with_.split("_")[:2])
    changes = [
        one.key for one in changes_between(without.scenario, with_.scenario)
        if one.key != "name" and not one.key.endswith("source")
    ]  # fmt: skip
    assert changes
    assert all(key.startswith(ONE_PROPERTY[topic]) for key in changes), changes
    # All other modes strike the same parts at the same hours.
    for mode in () if topic in FLEET else shared_histories(without.scenario, with_.scenario).different:
        own = any(key.startswith(f"failures.{mode}.") for key in changes)
        assert own or mode.startswith(OTHER_FAILURES.get(topic, ("-",))), mode


@pytest.mark.parametrize(("point", "one"), RANGES, ids=name_of)
def test_a_range_holds_the_number_that_is_shipped_and_others(point: Point, one: Range) -> None:
    found = {text_of(designs_at(point, one, value)) for value in one.values}
    assert text_of(designs_of(point.pairs[one.pair])) in found
    assert len(found) == len(one.values) > 1


def text_of(designs: tuple[Design, ...]) -> str:
    return "\n".join(design.scenario.model_dump_json() for design in designs)


def test_every_file_is_of_a_pair_or_extended_by_one() -> None:
    texts = {path.name: yaml.safe_load(path.read_text(encoding="utf-8")) for path in SCENARIOS.glob("*.yaml")}
    used = {file for _, pair in PAIRS for file in (pair.without, pair.with_)}
    for text in texts.values():
        below = text.get("extends", [])
        used.update([below] if isinstance(below, str) else below)
    assert used >= set(texts)


@cache
def compared(pair: Pair) -> Comparison:
    """With as few histories as keep the interval clear of zero."""
    return run(pair, pair.n_sign)


def of(pair: Pair, metric: str) -> Difference:
    return compared(pair).against[0].metrics[metric]


@pytest.mark.slow
@pytest.mark.parametrize(("point", "pair"), PAIRS, ids=name_of)
def test_the_property_keeps_its_sign(point: Point, pair: Pair) -> None:
    metrics = compared(pair).against[0].metrics
    if pair.is_zero:
        assert all(one.is_zero or one.estimate.mean is None for one in metrics.values())
        return
    found = metrics[pair.metric]
    assert found.is_clear
    assert BETTER[pair.metric] * (found.estimate.mean or 0.0) > 0


@pytest.mark.slow
def test_containment_is_worth_more_the_wider_the_domain() -> None:
    """8 is a node, which is repaired as a whole; 72 costs spare trays; 576 has more trays than there are spares."""
    eight, rack, eight_racks = (pair for _, pair in PAIRS if pair.with_.startswith("s07_domain"))
    gains = [of(pair, "goodput").estimate.mean or 0.0 for pair in (eight, rack, eight_racks)]
    assert gains[0] == 0 < gains[2]
    assert gains[1] < gains[2]
