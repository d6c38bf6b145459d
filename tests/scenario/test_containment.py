"""Budgets and tolerance: what may be written, and what is refused with a reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ras_sim.errors import InputError
from ras_sim.scenario.build import setup_of
from ras_sim.scenario.load import load

ALIVE = Path(__file__).parents[1] / "alive" / "hgx.yaml"
ROWS = "failures.hbm.rows."


@pytest.mark.parametrize(
    ("override", "said"),
    [
        (ROWS + "absorbs.then=rmaa", r"failures\.hbm\.rows\.absorbs\.then: got 'rmaa'.*did you mean 'rma'"),
        (ROWS + "absorbs.then=reseat", r"absorbs\.then: got 'reseat', want a rung that applies to hbm"),
        (ROWS + "absorbs.faults=-1", r"absorbs\.faults: got -1, want >= 0"),
        (ROWS + "absorbs.shows=benign", r"absorbs\.shows: got 'benign'"),
        (
            "failures.hbm.corrected.absorbs={faults: 1, then: rma, source: assumed}",
            "got one for faults that are all benign, want `shows` in it",
        ),
        (
            "failures.hbm.corrected.absorbs={faults: 1, then: rma, shows: slow, source: assumed}",
            "clears_at: got probabilities that sum to 0, want 1",
        ),
        (
            "repair.policy.tolerate={software.blink: {within: 1 d, outage: 1 min, heals: rma, source: assumed}}",
            "got 'software.blink', want a failure mode, or a class, with faults that stop the job.*"
            "did you mean 'software.blinks'",
        ),
        (
            "repair.policy.tolerate={hbm.corrected: {within: 1 d, outage: 1 min, heals: rma, source: assumed}}",
            "got 'hbm.corrected', want a failure mode, or a class, with faults that stop the job",
        ),
        (
            "repair.policy.tolerate={software: {within: 1 d, outage: 1 min, heals: rmaa, source: assumed}}",
            r"repair\.policy\.tolerate\.software\.heals: got 'rmaa'.*did you mean 'rma'",
        ),
        (
            "repair.policy.tolerate={software: {within: 0, outage: 1 min, heals: rma, source: assumed}}",
            r"tolerate\.software\.within: got 0.*want > 0",
        ),
        (
            "repair.policy.tolerate={software: {within: 1 d, outage: 0, heals: rma, source: assumed, "
            "hold_down: {first: 5 min, most: 1 min}}}",
            "most: got less than `first`",
        ),
    ],
)  # fmt: skip
def test_what_means_nothing_is_refused_with_a_reason(override: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        load(ALIVE, [override])
    assert re.search(said, str(refused.value).replace("\n", " ")), str(refused.value)


def test_a_rule_for_a_mode_goes_before_that_of_its_class() -> None:
    rule = "{within: 1 d, outage: 1 min, heals: rma, source: assumed}"
    policy = setup_of(load(ALIVE, [f"repair.policy.tolerate.software={rule}"])).policy
    of_mode, of_class = policy.tolerance("software", "software.blinks"), policy.tolerance("software", "software.other")
    assert of_mode is not None
    assert of_class is not None
    assert (of_mode.times, of_class.times) == (2, 1)
    assert policy.tolerance("link", "link.flap") is None


def test_benign_faults_are_simulated_where_they_use_up_a_budget() -> None:
    modes = {mode.key: mode for mode in setup_of(load(ALIVE)).modes}
    assert modes["hbm.rows"].benign_per_h == 0.0
    assert modes["hbm.corrected"].benign_per_h > 0.0
