"""Sensitivity: indices against closed forms, swings against direct comparisons, and what cannot be asked."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ras_sim
from ras_sim.errors import InputError
from ras_sim.experiment.screening import luck_share
from ras_sim.experiment.sensitivity import METHODS, Sensitivity, sensitivity
from ras_sim.experiment.varied import uncertain_numbers
from ras_sim.metrics.estimates import t_quantile
from ras_sim.metrics.paired import paired
from ras_sim.report.sensitivity import (
    remarks,
    sensitivity_markdown,
    sensitivity_page,
    sensitivity_summary,
    verdict,
)
from ras_sim.report.sensitivity_figures import _placed, plane
from ras_sim.report.sensitivity_words import EXPLAINED
from ras_sim.scenario.load import load
from tests.responses import (
    KEYS,
    SLOPES,
    Response,
    ishigami,
    ishigami_indices,
    linear,
    linear_with_luck,
    ranges,
    slope_luck,
    valley,
)
from tests.small import small

TINY = Path(__file__).parents[1] / "scenarios" / "tiny.yaml"
CRASH, INTERVAL = "detection.crash", "job.checkpoints.remote.interval"
VARY = [f"{CRASH}=30 s..1 h", f"{INTERVAL}=10 min..2 h"]
HALF_TO_SE = 1.0 / 1.96


def screened(function: Any, n: int, **arguments: Any) -> Sensitivity:
    """A study of a known function."""
    settings = {"replications": 2, "workers": 1, **arguments}
    return sensitivity(small(), ranges(n), simulate=Response(function, n), **settings)


# ---------------------------------------------------------------------- closed forms


@pytest.fixture(scope="module")
def sobol_of_ishigami() -> Sensitivity:
    return screened(ishigami, 3, method="sobol", samples=128, replications=1)


@pytest.mark.parametrize("name", ["S1", "ST"])
def test_sobol_finds_the_indices_of_ishigami(sobol_of_ishigami: Sensitivity, name: str) -> None:
    assert sobol_of_ishigami.screening is not None
    for found, true in zip(sobol_of_ishigami.screening.indices[name], ishigami_indices()[name], strict=True):
        assert found.value is not None
        assert found.sampling is not None
        assert abs(found.value - true) < 4 * HALF_TO_SE * found.sampling
        assert found.sampling < 0.35  # and the interval is not so wide that all would pass


def test_sobol_ranks_ishigami_by_what_is_left_if_the_others_are_known(sobol_of_ishigami: Sensitivity) -> None:
    assert sobol_of_ishigami.ranked() == [0, 1, 2]


def test_sobol_of_a_plane_is_its_slopes_squared() -> None:
    found = screened(linear, 3, method="sobol", samples=64).screening
    assert found is not None
    total = sum(slope**2 for slope in SLOPES[:3])
    for name in ("S1", "ST"):
        for one, slope in zip(found.indices[name], SLOPES, strict=False):
            assert one.sampling is not None
            assert abs((one.value or 0.0) - slope**2 / total) < 4 * HALF_TO_SE * one.sampling + 1e-9


def test_morris_of_a_plane_is_its_slopes() -> None:
    study = screened(linear, 4, method="morris", trajectories=6)
    assert study.screening is not None
    indices = study.screening.indices
    # Values are written with six figures.
    np.testing.assert_allclose([one.value for one in indices["mu"]], SLOPES, atol=2e-5)
    np.testing.assert_allclose([one.value for one in indices["mu_star"]], np.abs(SLOPES), atol=2e-5)
    np.testing.assert_allclose([one.value for one in indices["sigma"]], 0.0, atol=2e-5)
    assert study.ranked() == [1, 2, 0, 3]


def test_morris_tells_a_bend_from_a_slope() -> None:
    found = screened(ishigami, 3, method="morris", trajectories=20).screening
    assert found is not None
    for star, sigma in zip(found.indices["mu_star"], found.indices["sigma"], strict=True):
        assert (sigma.value or 0.0) > 0.5 * (star.value or 0.0) > 0.0


# ---------------------------------------------------------------------- luck


N = 9


def test_what_all_points_share_of_a_history_moves_no_index_and_the_rest_is_told() -> None:
    study = screened(linear_with_luck, 2, method="morris", trajectories=6, replications=N)
    assert study.screening is not None
    mu = study.screening.indices["mu"]
    slopes = [SLOPES[0] + 0.01 * slope_luck(k) for k in range(N)]
    assert mu[0].value == pytest.approx(np.mean(slopes), abs=2e-5)
    half = t_quantile(N - 1) * np.std(slopes, ddof=1) / math.sqrt(N)
    assert mu[0].histories == pytest.approx(half, rel=1e-3)
    assert mu[1].value == pytest.approx(SLOPES[1], abs=2e-5)
    assert mu[1].histories == pytest.approx(0.0, abs=1e-6)


def test_the_share_of_luck_is_the_variance_that_other_histories_draw_anew() -> None:
    draws = np.random.default_rng(7)
    own, luck = draws.normal(0.0, 1.0, 4000), draws.normal(0.0, 2.0, (4000, 5))
    common = draws.normal(0.0, 50.0, 5)
    found = luck_share(own[:, None] + luck + common)
    assert found is not None
    expected = (4.0 / 5.0) / (1.0 + 4.0 / 5.0)
    assert abs(found - expected) < 0.03
    assert luck_share(own[:, None] + common) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_where_nothing_moves_nothing_is_found(method: str) -> None:
    n = {"sobol": {"samples": 8}}.get(method, {})
    found = screened(lambda _u, _k: 0.7, 2, method=method, **n)
    assert "None of the numbers moves it." in verdict(found)
    assert sensitivity_page(found)
    assert found.to_json()["response"] == [0.7, 0.7]


# ---------------------------------------------------------------------- the tornado


@pytest.fixture(scope="module")
def tornado() -> Sensitivity:
    return sensitivity(TINY, VARY, replications=6, workers=1)


def goodputs(*sets: str) -> list[float]:
    return [one.goodput for one in ras_sim.run(load(TINY, sets), replications=6, workers=1).measures]


def test_a_tornado_is_what_direct_comparisons_say(tornado: Sensitivity) -> None:
    base = goodputs()
    for place, (key, low, high) in enumerate([(CRASH, "30 s", "1 h"), (INTERVAL, "10 min", "2 h")]):
        ends = [goodputs(f"{key}={end}") for end in (low, high)]
        swing = tornado.swings[place]
        assert swing.at_low.estimate.mean == pytest.approx(paired(base, ends[0]).estimate.mean)
        assert swing.at_high.estimate.ci95 == pytest.approx(paired(base, ends[1]).estimate.ci95)
        means = [np.mean(one) for one in (base, *ends)]
        assert swing.swing.mean == pytest.approx(max(means) - min(means))


def test_an_optimum_inside_the_range_is_a_swing_too() -> None:
    study = sensitivity(
        small(detection__exception="1.5 h"),
        ranges(1),
        replications=3,
        workers=1,
        simulate=Response(valley, 1),
    )
    assert study.swings[0].swing.mean == pytest.approx(0.1)
    assert study.swings[0].at_low.estimate.mean == pytest.approx(-0.1)


def test_the_interval_of_a_swing_allows_for_the_choice_of_two_of_three(tornado: Sensitivity) -> None:
    for one in tornado.swings:
        swing = one.swing
        assert swing.ci95 is not None
        assert swing.sd is not None
        half = t_quantile(swing.n - 1, 1.0 - 0.05 / 3) * swing.sd / math.sqrt(swing.n)
        assert (swing.ci95[1] - swing.ci95[0]) / 2 == pytest.approx(half)


def test_the_largest_swing_comes_first(tornado: Sensitivity) -> None:
    means = [tornado.swings[place].swing.mean or 0.0 for place in tornado.ranked()]
    assert means == sorted(means, reverse=True)
    assert means[0] > 0


def test_a_ratio_of_totals_has_a_swing_and_indices() -> None:
    for method in ("tornado", "morris"):
        arguments = {"trajectories": 4} if method == "morris" else {}
        found = sensitivity(
            TINY, VARY, metric="mtti_h", method=method, replications=4, workers=1, **arguments
        )
        assert found.base is not None
        assert "MTTI" in verdict(found)[0]
        assert sensitivity_markdown(found)


# ---------------------------------------------------------------------- what is stated and how it is run


STATED = """\
extends: tiny.yaml
uncertain:
  detection.crash: {low: 30 s, high: 1 h, law: log_uniform, source: a guess}
  job.spares.nodes: {low: 2, high: 8, source: a guess}
  failures.node.crash.rate: {factor: 2, source: a guess}
"""


@pytest.fixture
def stated(tmp_path: Path) -> Path:
    (tmp_path / "tiny.yaml").write_text(TINY.read_text())
    path = tmp_path / "stated.yaml"
    path.write_text(STATED)
    return path


def test_ranges_are_read_from_the_scenario_in_its_units(stated: Path) -> None:
    crash, spares, rate = uncertain_numbers(load(stated))
    assert (crash.span.low, crash.span.high, crash.span.unit, crash.span.is_log) == (
        30 / 3600,
        1.0,
        "h",
        True,
    )
    assert [spares.span.at(u) for u in (0.0, 0.5, 1.0)] == ["2", "5", "8"]
    assert rate.base is not None
    assert (rate.span.low, rate.span.high) == pytest.approx((rate.base / 2, rate.base * 2))
    assert rate.span.is_log
    assert not spares.span.is_log
    assert crash.source == "a guess"


def test_the_command_line_replaces_a_range_and_adds_one(stated: Path) -> None:
    found = uncertain_numbers(load(stated), ["detection.crash=1..2 min", "detection.hang=5 min..1 h"])
    assert [one.key for one in found] == [
        "job.spares.nodes",
        "failures.node.crash.rate",
        "detection.crash",
        "detection.hang",
    ]
    assert found[2].span.high == pytest.approx(2 / 60)


def test_ranges_are_not_taken_over_by_a_file_that_extends(stated: Path) -> None:
    over = stated.with_name("over.yaml")
    over.write_text("extends: stated.yaml\n")
    assert not load(over).uncertain


def test_a_value_outside_of_its_range_is_told() -> None:
    found = sensitivity(TINY, [f"{CRASH}=2..5 min"], replications=2, workers=1)
    assert remarks(found) == [f"{CRASH}: the scenario has 1 min, outside of the range 2 min to 5 min."]


@pytest.mark.parametrize("method", METHODS)
def test_the_number_of_workers_changes_nothing(method: str) -> None:
    n = {"morris": {"trajectories": 4}, "sobol": {"samples": 8}}.get(method, {})
    one, two = (
        sensitivity(TINY, VARY, method=method, replications=2, workers=workers, **n).to_json()
        for workers in (1, 2)
    )
    assert {**one, "wall_s": 0} == {**two, "wall_s": 0}


def test_another_seed_is_another_study() -> None:
    one, two = (
        sensitivity(
            TINY, VARY, method="morris", trajectories=4, replications=2, workers=1, seed=seed
        ).to_json()
        for seed in (1, 2)
    )
    assert one["numbers"] != two["numbers"]


def test_a_study_that_was_stopped_goes_on(tmp_path: Path) -> None:
    def stop(finished: int, _wanted: int) -> None:
        if finished == 7:
            raise KeyboardInterrupt

    out = tmp_path / "out"
    whole = sensitivity(TINY, VARY, replications=2, workers=1)
    first = sensitivity(TINY, VARY, replications=2, workers=1, out=out, progress=stop)
    assert first.interrupted
    assert (first.n_finished, first.swings) == (3, ())
    again = sensitivity(TINY, VARY, replications=2, workers=1, out=out)
    assert again.n_reused == 3
    assert {**again.to_json(), "wall_s": 0} == {**whole.to_json(), "wall_s": 0}
    again.save(out)
    (out / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match=r"mine\.txt"):
        again.save(out)


@pytest.mark.parametrize("method", METHODS)
def test_every_text_says_what_matters_most(method: str) -> None:
    n = {"morris": {"trajectories": 4}, "sobol": {"samples": 16}}.get(method, {})
    found = sensitivity(TINY, VARY, method=method, replications=3, workers=1, **n)
    first = found.numbers[found.ranked()[0]].key
    assert f"It depends most on {first}" in verdict(found)[1]
    for text in (sensitivity_page(found), sensitivity_markdown(found)):
        assert all(key in text for key in (CRASH, INTERVAL))
        assert EXPLAINED[method][0][7:40] in text
    assert sensitivity_summary(found)
    assert found.to_json()["numbers"][0]["key"] == first


# ---------------------------------------------------------------------- what cannot be asked


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"vary": ()}, "tiny: got no uncertain number, want a block `uncertain` in the scenario, or --vary"),
        ({"vary": ["detection.crsh=1..2 min"]}, "the unknown key 'crsh'.*did you mean 'crash'"),
        ({"vary": [f"{CRASH}=5..1 min"]}, "got the range '5..1 min', want low < high"),
        ({"vary": [f"{CRASH}=1 min,2 min"]}, "got the values 1 min, 2 min, want a range low..high"),
        ({"vary": ["job.spares.nodes=0..9"]}, "job.spares.nodes: got 9, want at most 8"),
        (
            {"method": "moris"},
            "--method: got 'moris', want one of tornado, morris, sobol .did you mean 'morris'",
        ),
        ({"samples": 8}, "--samples: got 8, want no number: it is for --method sobol"),
        ({"method": "sobol", "samples": 100}, "--samples: got 100, want a power of 2 from 8 on"),
        ({"method": "sobol", "samples": 4096}, "16,384 points, want at most 10,000"),
        ({"method": "morris", "trajectories": 2}, "--trajectories: got 2, want a number from 4 on"),
        ({"metric": "goodputt"}, "--metric: got 'goodputt'.*did you mean 'goodput'"),
        ({"replications": 0}, "replications: got 0"),
    ],
)
def test_what_cannot_be_asked(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        sensitivity(TINY, **{"vary": VARY, "workers": 1, **arguments})


def test_without_salib_a_tornado_works_and_the_others_say_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [one for one in sys.modules if one.split(".")[0] == "SALib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "SALib", None)
    assert screened(linear, 2).swings
    for method in ("morris", "sobol"):
        with pytest.raises(InputError, match=r"no SALib.*pip install 'ras-sim\[sensitivity\]'"):
            screened(linear, 2, method=method)


def test_keys_of_the_stand_ins_are_there() -> None:
    assert [one.key for one in uncertain_numbers(small(), ranges(4))] == list(KEYS)


# ---------------------------------------------------------------------- a winner that may be luck


@pytest.mark.parametrize(("method", "n"), [("morris", "trajectories"), ("sobol", "samples")])
def test_a_winner_within_its_luck_is_not_named_without_saying_so(method: str, n: str) -> None:
    """Every history brings its own slope of the first number: with slopes of either sign the mean slope is luck."""

    def tossed(u: Any, k: int) -> float:
        return 0.5 + (0.1 if k % 2 else -0.11) * float(u[0]) + 1e-4 * float(u[1])

    study = screened(tossed, 2, method=method, **{n: 8}, replications=4)
    assert study.screening is not None
    assert study.ranked()[0] == 0
    assert study.screening.may_be_luck(0)
    said = " ".join(verdict(study))
    assert "That may be luck" in said
    assert f"The index may be luck alone, with these replications: {study.numbers[0].key}" in said
    assert "which may be luck" in sensitivity_page(study)
    plain = screened(linear, 2, method=method, **{n: 8}, replications=4)
    assert "may be luck" not in " ".join(verdict(plain))


def test_sizes_have_no_interval_below_zero_and_labels_do_not_meet() -> None:
    spread = screened(linear_with_luck, 2, method="morris", trajectories=6, replications=N)
    dots = json.loads(plane(spread).specs[0])["data"][1]
    assert all(at - less >= 0 for at, less in zip(dots["x"], dots["error_x"]["arrayminus"], strict=True))
    placed = _placed([1.0, 1.0, 1.0, 1.0, 1.0, 0.2], [1.0, 1.0, 1.0, 1.0, 1.0, 0.2], ["a name"] * 6)
    kept = [(place, text) for text, place in placed[:5] if text]
    assert len(kept) == len(set(kept))  # the same dot: one label on each side at most
    assert placed[5][0] == "a name"
