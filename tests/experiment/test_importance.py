"""Goodput importance: gains by hand, exact scaling of hazards, and which changes are offered."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ras_sim.distributions import KINDS
from ras_sim.engine import simulate
from ras_sim.errors import InputError
from ras_sim.experiment.counterfactuals import CHANGES, FEWER, SCALED, counterfactual, parse_what
from ras_sim.experiment.importance import Gain, Importance, importance
from ras_sim.report.importance import CHANGE_LABELS, importance_markdown, importance_page, remarks, verdict
from ras_sim.scenario.load import load
from ras_sim.scenario.model import Scenario
from tests.small import SOURCE, exponential, fixed, h, ladder, mode, per_h, rung, small, tier

FULL = load(Path(__file__).parents[1] / "scenarios" / "full.yaml")
QUICKSTART = load(Path(__file__).parents[2] / "scenarios" / "quickstart.yaml")
RATE, NODES, HORIZON = 0.001, 10, 40_000.0
LIFETIMES: dict[str, dict[str, Any]] = {
    "exponential": exponential(900.0),
    "weibull": {"kind": "weibull", "shape": 1.7, "mean": h(900.0)},
    "bathtub": {
        "kind": "bathtub",
        "infant_shape": 0.5,
        "infant_scale": h(4000.0),
        "rate": per_h(1e-4),
        "wear_shape": 3.0,
        "wear_scale": h(2000.0),
    },
    "piecewise_constant": {
        "kind": "piecewise_constant",
        "edges": [h(0.0), h(100.0)],
        "rates": [per_h(0.01), per_h(0.001)],
    },
    "lognormal": {"kind": "lognormal", "median": h(500.0), "sigma": 1.0},
    "gamma": {"kind": "gamma", "shape": 2.0, "mean": h(900.0)},
    "loglogistic": {"kind": "loglogistic", "shape": 2.5, "median": h(500.0)},
    "empirical": {"kind": "empirical", "values": [h(100.0), h(3000.0)]},
    "deterministic": fixed(1e9),
    "uniform": {"kind": "uniform", "low": h(1.0), "high": h(1e9)},
}


def crashing(**changes: Any) -> Scenario:
    """A pool whose one mode crashes the job: 2 h to detect, 1 h on the rung that fixes it, a checkpoint every 20 h."""
    settings = {
        "failures": {"node": {"crash": mode(rate=per_h(RATE), clock="in_job", clears_at={"slow_fix": 1.0})}},
        "repair": ladder({"fix": rung(h(0.5)), "slow_fix": rung(h(1.0))}, start="slow_fix"),
        "detection__crash": h(2.0),
        "job__checkpoints": {"remote": tier(20.0, survives="slow_fix")},
    }
    return small(HORIZON, NODES, NODES, **(settings | changes))


def goodput_by_hand(rate_per_h: float, down_h: float, interval_h: float = 20.0) -> float:
    """Renewal: a cycle is an exponential time of work and `down_h`; the work since the last checkpoint is lost."""
    kept_h = interval_h / math.expm1(rate_per_h * interval_h)
    return kept_h / (1.0 / rate_per_h + down_h)


BY_HAND = {
    "never": 1.0,
    "fewer": goodput_by_hand(FEWER * RATE * NODES, 3.0),
    "found": goodput_by_hand(RATE * NODES, 1.0),
    "lower": goodput_by_hand(RATE * NODES, 2.5),
}


@pytest.fixture(scope="module")
def crash() -> Importance:
    return importance(crashing(), replications=24, workers=1)


def gain_of(found: Importance, what: str, target: str = "node.crash") -> Gain:
    return next(gain for gain in found.gains if (gain.target, gain.what) == (target, what))


@pytest.mark.parametrize("what", BY_HAND)
def test_a_gain_is_the_goodput_lost_by_hand(crash: Importance, what: str) -> None:
    found = gain_of(crash, what).goodput.estimate
    assert found.mean is not None
    assert found.sd is not None
    expected = BY_HAND[what] - goodput_by_hand(RATE * NODES, 3.0)
    assert abs(found.mean - expected) < 4 * found.sd / math.sqrt(found.n)
    assert abs(found.mean - expected) < 0.2 * expected  # and the interval is not so wide that all would pass


def test_never_gains_all_that_was_lost(crash: Importance) -> None:
    gain = gain_of(crash, "never")
    assert gain.goodput.other == pytest.approx(1.0)
    assert gain.lost_gpu_hours.estimate.mean == pytest.approx(-crash.lost_gpu_hours_by_mode["node.crash"])


def test_the_largest_gain_comes_first_and_what_is_not_offered_is_said(crash: Importance) -> None:
    means = [gain.goodput.estimate.mean or 0.0 for gain in crash.gains]
    assert means == sorted(means, reverse=True)
    assert list(crash.not_offered) == ["node.crash: contained"]
    assert not crash.interrupted


def test_modes_rank_as_their_lost_hours_and_a_class_counts_all_its_modes() -> None:
    rates = {"often": 4e-3, "seldom": 1e-3, "rare": 1e-9}
    modes = {name: mode(rate=per_h(rate), clock="in_job") for name, rate in rates.items()}
    scenario = small(
        20_000.0,
        failures={"node": modes},
        repair=ladder({"fix": rung(h(5.0))}),
        job__checkpoints={"remote": tier(5.0)},
    )
    found = importance(scenario, what=["never"], replications=6, workers=1)
    assert [gain.target for gain in found.gains] == ["node", "node.often", "node.seldom"]
    assert found.unseen == ("node.rare",)
    lost = found.lost_gpu_hours_by_mode
    assert lost["node.often"] > lost["node.seldom"] > 0
    assert all((gain.lost_gpu_hours.estimate.mean or 0.0) < 0 for gain in found.gains)


def test_other_faults_stay_where_they_were() -> None:
    modes = {name: mode(rate=per_h(1e-3)) for name in ("gone", "kept")}
    base = small(failures={"node": modes}, nodes=20, job_nodes=20)
    other = counterfactual(base, [("node", "gone")], "never")
    assert isinstance(other, Scenario)
    ours, theirs = (simulate(one, seed=3, replication=0).incidents for one in (base, other))
    kept = [(row.arrive_h, row.instance) for row in ours if row.mode == "kept"]
    assert kept == [(row.arrive_h, row.instance) for row in theirs]
    assert len(kept) < len(ours)


def test_every_kind_of_lifetime_is_tried() -> None:
    assert set(LIFETIMES) == set(KINDS)
    assert set(SCALED) < set(KINDS)


@pytest.mark.parametrize("kind", LIFETIMES)
def test_the_scaled_hazard_is_exact_or_not_offered(kind: str) -> None:
    base = small(failures={"node": {"crash": mode(lifetime=LIFETIMES[kind])}})
    changed = counterfactual(base, [("node", "crash")], "fewer")
    if kind not in SCALED:
        assert changed == f"no exact scaling of the hazard of a {kind} lifetime"
        return
    assert isinstance(changed, Scenario)
    ages_h = np.array([1.0, 99.0, 500.0, 5000.0])
    before, after = (
        one.failures["node"]["crash"].build_lifetime().cumulative_hazard(ages_h)  # type: ignore[union-attr]
        for one in (base, changed)
    )
    np.testing.assert_allclose(after, FEWER * before, rtol=1e-9)


def test_a_shock_is_part_of_the_mode_that_it_strikes() -> None:
    shock = {
        "every": exponential(100.0),
        "under": "machine",
        "strikes": "node.crash",
        "p_struck": 0.5,
        **SOURCE,
    }
    base = small(nodes=4, job_nodes=4, failures={"node": {"crash": mode()}}, shocks={"storm": shock})
    fewer, never = (counterfactual(base, [("node", "crash")], what) for what in ("fewer", "never"))
    assert isinstance(fewer, Scenario)
    assert isinstance(never, Scenario)
    assert fewer.shocks["storm"].p_struck == pytest.approx(0.45)
    assert simulate(base, seed=1, replication=0).incidents
    assert not simulate(never, seed=1, replication=0).incidents


def test_contained_faults_hit_their_own_part_alone() -> None:
    tree = FULL.resolved()
    tree["failures"]["gpu"]["xid"]["spreads"] = {"shares_memory": 1.0}
    base = Scenario.model_validate(tree)
    changed = counterfactual(base, [("gpu", "xid")], "contained")
    assert isinstance(changed, Scenario)
    sizes = [
        {row.n_gpus_hit for row in simulate(one, seed=1, replication=0).incidents if row.mode == "xid"}
        for one in (base, changed)
    ]
    assert min(sizes[0]) > 1
    assert sizes[1] == {1}


def test_lower_shifts_need_and_start_over_rungs_that_apply() -> None:
    needs = QUICKSTART.failures["gpu"]["faulty"].clears_at
    assert list(needs) == ["gpu_reset", "node_reboot", "rma"]
    changed = counterfactual(QUICKSTART, [("gpu", "faulty")], "lower")
    assert isinstance(changed, Scenario)
    # Cleaning an optic and swapping a cable lie between, but do not apply to a GPU.
    lower = dict(zip(("process_restart", "gpu_reset", "node_reboot"), needs.values(), strict=True))
    assert changed.failures["gpu"]["faulty"].clears_at == lower
    assert changed.repair.policy.start["gpu.faulty"] == "process_restart"
    assert changed.failures["gpu"]["sram"] == QUICKSTART.failures["gpu"]["sram"]


def test_no_rung_is_lower_than_the_lowest_and_a_crash_cannot_be_caught() -> None:
    dependency = [("software", "dependency")]
    assert QUICKSTART.failures["software"]["dependency"].clears_at == {"process_restart": 1.0}
    assert next(iter(QUICKSTART.repair.ladder)) == "exception"
    assert counterfactual(QUICKSTART, dependency, "lower") == "needs the lowest rung already"


def test_found_at_once_is_not_offered_twice() -> None:
    changed = counterfactual(crashing(), [("node", "crash")], "found")
    assert isinstance(changed, Scenario)
    assert counterfactual(changed, [("node", "crash")], "found") == "is detected at once already"


def test_the_number_of_workers_changes_nothing() -> None:
    one, two = (importance(crashing(horizon=h(2000.0)), replications=3, workers=n).to_json() for n in (1, 2))
    assert {**one, "wall_s": 0} == {**two, "wall_s": 0}


def test_ctrl_c_leaves_what_was_finished() -> None:
    def stop(finished: int, _wanted: int) -> None:
        if finished == 2:
            raise KeyboardInterrupt

    found = importance(crashing(horizon=h(2000.0)), replications=2, workers=1, progress=stop)
    assert found.interrupted
    assert len(found.gains) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"replications": 0}, "replications: got 0"),
        ({"workers": 0}, "workers: got 0"),
        ({"what": ["contained"]}, "importance: got no failure that such a change would touch"),
    ],
)
def test_what_cannot_be_asked(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        importance(crashing(horizon=h(2000.0)), **{"workers": 1, **arguments})


def test_without_any_incident_more_histories_are_asked_for() -> None:
    with pytest.raises(InputError, match="no incident occurred"):
        importance(small(failures={"node": {"crash": mode(rate=per_h(1e-9))}}), workers=1)


def test_names_of_changes() -> None:
    assert parse_what("lower, never,lower") == ("lower", "never")
    with pytest.raises(InputError, match="did you mean 'never'"):
        parse_what("nevre")
    assert list(CHANGE_LABELS) == list(CHANGES)


def test_every_text_says_what_gains_most(crash: Importance, tmp_path: Path) -> None:
    page, text = importance_page(crash).replace("<wbr>", ""), importance_markdown(crash)
    line = next(line for line in verdict(crash) if line.startswith("Never fails"))
    assert "node.crash gains most" in line
    assert line in page
    assert all(gain.target in text for gain in crash.gains)
    assert remarks(crash) == ["Contained, not run (no `spreads` of its own): node.crash."]
    assert 'id="gain-never"' in page
    folder = crash.save(tmp_path / "out")
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"notes\.txt"):
        crash.save(folder)


def test_defects_at_the_start_are_part_of_their_mode() -> None:
    """All ten nodes have it: 0.9 of that with `fewer`, none with `never`; who finds it is not a matter of time."""
    defect = mode(symptoms={"silent": 1.0}, corrupts={"rate": "1 /h"}, present=1.0)
    scenario = small(100.0, nodes=10, job_nodes=10, failures={"node": {"sdc": defect}})
    name = [("node", "sdc")]
    fewer, never = (counterfactual(scenario, name, what) for what in ("fewer", "never"))
    assert isinstance(fewer, Scenario)
    assert isinstance(never, Scenario)
    assert fewer.failures["node"]["sdc"].present == 0.9
    assert simulate(never, seed=1, replication=0).incidents == []
    assert counterfactual(scenario, name, "found") == "is found by monitors and tests, not after a time"
