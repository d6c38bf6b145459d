"""Optimise: the front, fresh histories, determinism, what is kept on the disk, and what cannot be asked."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ras_sim
from ras_sim.errors import InputError
from ras_sim.experiment.factors import Span
from ras_sim.experiment.optimize import Optimum, optimize
from ras_sim.experiment.optimizedir import for_people, overlay, overlay_names
from ras_sim.experiment.pareto import dominates, front
from ras_sim.experiment.points import points_of
from ras_sim.experiment.search import BATCH
from ras_sim.metrics.paired import paired
from ras_sim.report import optimize_figures as figures
from ras_sim.report.optimize import (
    heads,
    optimize_markdown,
    optimize_page,
    optimize_summary,
    settings,
    trial_rows,
    verdict,
)
from ras_sim.scenario.load import load
from ras_sim.units import parse_duration_h
from tests.prices import prices
from tests.responses import KEYS, Response, ranges
from tests.small import small

TINY = Path(__file__).parents[1] / "scenarios" / "tiny.yaml"
INTERVAL, SPARES, RUNG = "job.checkpoints.remote.interval", "job.spares.nodes", "repair.policy.start.default"
VARY = [f"{INTERVAL}=5 min..4 h", f"{SPARES}=0..6", f"{RUNG}=process_restart,rma"]
REMARKS = ("expect", "uncertain")


def made(**arguments: Any) -> Optimum:
    settings = {"trials": 10, "replications": 2, "fresh": 3, "workers": 1, **arguments}
    return optimize(TINY, settings.pop("vary", VARY), **settings)


@pytest.fixture(scope="module")
def one() -> Optimum:
    return made(trials=14, fresh=5)


@pytest.fixture(scope="module")
def two() -> Optimum:
    return made(objective=["goodput", "time_h.checkpoint_save"], trials=16)


# ---------------------------------------------------------------------- the front


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=30),
    st.tuples(*[st.sampled_from([1, -1])] * 3),
)
def test_a_front_is_all_that_nothing_dominates(outcomes: list[tuple[int, ...]], signs: Sequence[int]) -> None:
    kept = [outcomes[place] for place in front(outcomes, signs)]
    good = [tuple(sign * value for sign, value in zip(signs, one, strict=True)) for one in outcomes]
    free = {
        outcomes[i]
        for i, one in enumerate(good)
        if not any(other != one and all(a >= b for a, b in zip(other, one, strict=True)) for other in good)
    }
    assert len(kept) == len(set(kept))
    assert set(kept) == free


def test_no_trial_dominates_a_finalist_and_each_other_trial_is_dominated(two: Optimum) -> None:
    worth = two.worth()
    best = {one.trial.number for one in two.finalists}
    outcomes = {one.number: one.outcome or () for one in worth}
    assert len(best) > 1
    for number, outcome in outcomes.items():
        rivals = [other for other in outcomes.values() if dominates(other, outcome, two.signs)]
        same = [k for k in best if outcomes[k] == outcome]
        assert not rivals if number in best else rivals or same
    assert two.signs == (1, -1)


def test_the_winner_is_the_best_trial(one: Optimum) -> None:
    best = max(one.worth(), key=lambda trial: (trial.outcome or (0.0,))[0])
    assert one.finalists[0].trial.outcome == best.outcome


# ---------------------------------------------------------------------- histories


def test_the_first_trial_is_the_scenario_as_it_is(one: Optimum) -> None:
    assert one.starts_as_it_is
    assert one.trials[0].outcome == (one.base[0].mean,)
    assert one.trials[0].values[1:] == ("4", "process_restart")


def test_winners_meet_histories_that_the_search_has_not_seen(one: Optimum) -> None:
    found = one.finalists[0]
    assert found.trial.point is not None
    numbers = range(one.replications, one.replications + one.fresh)
    runs = [
        [ras_sim.metrics.measure(ras_sim.simulate(scenario, seed=1, replication=k)).goodput for k in numbers]
        for scenario in (one.scenario, found.trial.point.scenario)
    ]
    assert found.fresh[0].estimate == paired(*runs).estimate
    assert found.level[0].mean == pytest.approx(np.mean(runs[1]))


def test_choosing_the_best_of_many_is_optimistic_and_fresh_histories_are_not() -> None:
    """Settings that change nothing but luck: the search sees a gain, the fresh histories see none."""

    def luck(u: np.ndarray, history: int) -> float:
        draws = np.random.default_rng([history, *(np.round(u * 1e5).astype(int) % 9973)])
        return 0.5 + 0.05 * float(draws.standard_normal())

    base = small(detection__exception="1.5 h", detection__crash="1.5 h")
    found = optimize(
        base, ranges(2), trials=40, replications=4, fresh=60, workers=1, simulate=Response(luck, 2)
    )
    winner = found.finalists[0]
    seen = (winner.trial.outcome or (0.0,))[0] - (found.base[0].mean or 0.0)
    fresh = winner.fresh[0].estimate
    assert fresh.mean is not None
    assert fresh.sd is not None
    assert seen > 0.04
    assert abs(fresh.mean) < 4 * fresh.sd / 60**0.5


# ---------------------------------------------------------------------- determinism, the disk


def same(one: Optimum) -> dict[str, Any]:
    return {**one.to_json(), "wall_s": 0}


def test_the_number_of_workers_changes_nothing() -> None:
    arguments = {"trials": BATCH + 2, "objective": ["goodput", "interruptions"]}
    assert same(made(**arguments)) == same(made(workers=2, **arguments))


def test_another_seed_is_another_search(one: Optimum) -> None:
    assert [trial.values for trial in made(trials=14, fresh=5, seed=2).trials] != [
        t.values for t in one.trials
    ]


@pytest.mark.parametrize("after", [BATCH, 2 * BATCH])
def test_a_search_that_was_stopped_goes_on_to_the_same_bytes(tmp_path: Path, after: int) -> None:
    def stop(finished: int, _wanted: int) -> None:
        if finished == after:
            raise RuntimeError("killed")

    out = tmp_path / "out"
    with pytest.raises(RuntimeError, match="killed"):
        made(out=out, progress=stop)
    kept = len(list((out / "points").iterdir()))
    assert kept >= after - 2
    again = made(out=out)
    assert again.n_reused == kept
    assert same(again) == same(made())
    again.save(out)
    read = json.loads((out / "optimize.json").read_text())
    assert read["trials"] == json.loads(json.dumps(again.to_json()["trials"]))
    (out / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match=r"mine\.txt"):
        made(out=out)


def test_ctrl_c_leaves_what_was_finished(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from ras_sim.experiment import pointruns

    calls = []
    original = pointruns._one

    def interrupting(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 7:
            raise KeyboardInterrupt
        return original(*arguments)

    monkeypatch.setattr(pointruns, "_one", interrupting)
    found = made(out=tmp_path / "out")
    assert found.interrupted
    assert len(list((tmp_path / "out" / "points").iterdir())) == 3


def plain(scenario: ras_sim.Scenario) -> dict[str, Any]:
    return {key: value for key, value in scenario.resolved().items() if key not in REMARKS}


def test_a_winner_is_a_file_that_loads(one: Optimum, two: Optimum, tmp_path: Path) -> None:
    for found, names in (
        (one, ["best.yaml"]),
        (two, [f"front_{i + 1}.yaml" for i in range(len(two.finalists))]),
    ):
        folder = found.save(tmp_path / names[0].removesuffix(".yaml"))
        for name, finalist in zip(names, found.finalists, strict=True):
            assert finalist.trial.point is not None
            assert plain(load(folder / name)) == plain(finalist.trial.point.scenario)
    fewer = made(objective=["goodput"], trials=1)
    assert not list(fewer.save(tmp_path / "front_1").glob("front_*.yaml"))


def test_an_overlay_leaves_nothing_of_a_block_that_it_replaces(tmp_path: Path) -> None:
    base = load(TINY, ["repair.comes_back={kind: lognormal, median: 2 h, sigma: 1.0}"])
    (tmp_path / "scenario.yaml").write_text(base.resolved_text)
    factors = made(vary=["repair.comes_back={kind: exponential, mean: 3 h},5 h"], trials=1).factors
    for values in (("{kind: exponential, mean: 3 h}",), ("5 h",)):
        (tmp_path / "best.yaml").write_text(overlay(base, factors, values))
        assert load(tmp_path / "best.yaml") == points_of(base, factors, [values])[0].scenario


# ---------------------------------------------------------------------- words


def test_every_text_says_what_was_gained_and_on_which_histories(one: Optimum) -> None:
    first = verdict(one)[0]
    assert "instead of 1 h" in first
    assert "on 5 histories that the search has not seen" in first
    for text in (optimize_page(one), optimize_markdown(one)):
        assert "histories that the search has not seen" in text
    assert optimize_summary(one)
    assert (
        settings(one, one.trials[0]) == "remote.interval 1 h, spares.nodes 4, start.default process_restart"
    )
    assert len(trial_rows(one)) == 14


def test_the_front_is_told_and_drawn(two: Optimum) -> None:
    assert "trade-offs between Goodput and Hours of checkpoint save" in verdict(two)[0]
    assert 'id="front"' in optimize_page(two)
    assert optimize_markdown(two).count("\n") > 16
    assert optimize_summary(two)


def test_a_cost_is_named_and_drawn_as_its_table_says() -> None:
    """Axis, ticks and table: thousands of the currency."""
    cost = f"cost={json.dumps(prices(parts=None))}"
    found = made(vary=[f"{SPARES}=0..4"], objective=["cost", "goodput"], trials=4, overrides=[cost])
    assert "Cost, 1,000 EUR" in heads(found)
    spec = json.loads(figures.front(found).specs[0])
    assert spec["layout"]["xaxis"]["title"]["text"] == "Cost, 1,000 EUR"
    told = {trial.number: trial.outcome[0] / 1000 for trial in found.worth() if trial.outcome}
    assert sorted(spec["data"][0]["x"]) == pytest.approx(sorted(told.values()))
    assert overlay_names(found).startswith("front_1.yaml")


@given(st.floats(1e-6, 1e5), st.integers(1, 6))
def test_times_for_people_mean_the_same_to_the_last_bit(hours: float, figures: int) -> None:
    text = Span(0.0, 1e6, "h", False).exactly(float(f"{hours:.{figures}g}"))
    assert parse_duration_h(for_people(text)) == parse_duration_h(text)


def test_settings_that_are_no_scenario_together_are_counted_not_hidden() -> None:
    found = made(vary=[f"{SPARES}=0..8", "machine.nodes=33..40"], trials=12)
    failed = [trial for trial in found.trials if trial.outcome is None]
    assert failed
    assert any(
        f"{len(failed)} of 12 trials gave no result" in line and "the machine has" in line
        for line in verdict(found)
    )
    assert optimize_page(found)


def test_a_start_outside_of_what_is_varied_is_told() -> None:
    found = made(vary=[f"{INTERVAL}=2..4 h"], trials=2)
    assert not found.starts_as_it_is
    assert any("lies outside of what is varied" in line for line in verdict(found))


def test_nothing_better_is_told() -> None:
    base = small(detection__exception="1.5 h")
    at_best = Response(lambda u, _k: 0.9 - float((u[0] - 0.5) ** 2), 1)
    found = optimize(base, ranges(1), trials=6, replications=2, fresh=2, workers=1, simulate=at_best)
    assert verdict(found) == ["No trial is better in Goodput than the scenario as it is."]


def test_a_winner_at_the_end_of_its_range_is_told() -> None:
    base = small(detection__exception="1.5 h")
    rising = Response(lambda u, _k: 0.5 + 0.3 * float(u[0]), 1)
    found = optimize(base, ranges(1), trials=40, replications=2, fresh=2, workers=1, simulate=rising)
    assert any("is at an end of its range" in line for line in verdict(found))


# ---------------------------------------------------------------------- what cannot be asked


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"vary": []}, "--vary: got nothing to vary"),
        ({"vary": ["job.spares.nods=0..4"]}, "the unknown key 'nods'.*did you mean 'nodes'"),
        ({"vary": [f"{SPARES}=0.5..4.5"]}, f"--vary {SPARES}: {SPARES}: got 0.5, want"),
        ({"vary": [f"{RUNG}=rma,rmaa"]}, "rmaa.*did you mean 'rma'"),
        ({"vary": [f"{INTERVAL}=4..1 h"]}, "got the range '4..1 h', want low < high"),
        ({"vary": [f"{INTERVAL}=1..2 GB"]}, f"--vary {INTERVAL}: {INTERVAL}: got 1 GB, want a time"),
        ({"objective": ["goodputt"]}, "--objective: got 'goodputt'.*did you mean 'goodput'"),
        ({"objective": []}, "--objective: got nothing, want a metric"),
        ({"trials": 0}, "--trials: got 0"),
        ({"fresh": 1}, "--fresh: got 1, want at least 2"),
        ({"replications": 0}, "replications: got 0"),
    ],
)
def test_what_cannot_be_asked(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        made(**arguments)


def test_two_mistakes_are_told_together() -> None:
    with pytest.raises(InputError) as caught:
        made(vary=["job.spares.nods=0..4", f"{RUNG}=rma,rmaa"])
    assert len(caught.value.problems) == 2


def test_without_optuna_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(InputError, match=r"no Optuna.*pip install 'ras-sim\[optimize\]'"):
        made()


def test_no_trial_with_a_result_is_an_error_that_says_why() -> None:
    with pytest.raises(InputError, match=r"got no trial with a result.*an objective is not defined"):
        made(
            vary=[f"{INTERVAL}=1..2 h"],
            objective="mtti_h",
            overrides=["failures.node.crash.rate=0 /h"],
            trials=2,
        )


def test_keys_of_the_stand_ins() -> None:
    assert [text.partition("=")[0] for text in ranges(4)] == list(KEYS)
