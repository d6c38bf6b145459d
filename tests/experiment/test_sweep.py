"""Sweeps: which points there are, that they share their histories, and that what is finished is kept."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import ras_sim
from ras_sim.errors import InputError
from ras_sim.experiment import sweepdir
from ras_sim.experiment.factors import DESIGNS, Span, parse_factors, rows_of
from ras_sim.experiment.points import points_of
from ras_sim.experiment.pointstore import PointStore
from ras_sim.experiment.sweep import METRICS, Sweep, sweep
from ras_sim.metrics.aggregate import COSTS
from ras_sim.report.sweep_figures import charts
from ras_sim.report.sweep_html import sweep_page
from ras_sim.report.sweep_text import sweep_markdown
from ras_sim.report.sweep_views import verdict
from tests.small import h, ladder, mode, per_h, rung, small, tier

TINY = Path(__file__).parents[1] / "scenarios" / "tiny.yaml"
INTERVAL, SPARES, CRASH = "job.checkpoints.remote.interval", "job.spares.nodes", "detection.crash"


def rows(
    vary: Sequence[str], design: str = "grid", n: int | None = None, seed: int = 1
) -> list[tuple[str, ...]]:
    return rows_of(parse_factors(vary), design, n, seed)


def test_a_grid_is_each_with_each() -> None:
    assert rows(["a=1, 2", "b.c=5 min,1 h"]) == [("1", "5 min"), ("1", "1 h"), ("2", "5 min"), ("2", "1 h")]


def test_zip_is_first_with_first() -> None:
    assert rows(["a=1,2", "b={x: 1, y: 2},'p,q'"], "zip") == [("1", "{x: 1, y: 2}"), ("2", "'p,q'")]


@pytest.mark.parametrize("n", [1, 7, 40])
def test_a_latin_hypercube_has_one_point_in_every_slice(n: int) -> None:
    found = rows(["a=0.0..1.0", "b=30 min..2 h"], "lhs", n)
    for column, low, high in ((0, 0.0, 1.0), (1, 0.5, 2.0)):
        values = [float(row[column].removesuffix(" h")) for row in found]
        slices = [min(n - 1, math.floor((value - low) / (high - low) * n)) for value in values]
        # Values are written with six figures, which may move one at the very edge of its slice.
        assert len(set(slices)) >= n - 1
        assert all(low <= value <= high for value in values)


def test_a_latin_hypercube_of_a_factor_does_not_depend_on_the_others() -> None:
    alone = [row[0] for row in rows(["a=0.0..1.0"], "lhs", 20)]
    second = [row[1] for row in rows(["b=1..3", "a=0.0..1.0"], "lhs", 20)]
    assert alone == second
    assert alone != [row[0] for row in rows(["a=0.0..1.0"], "lhs", 20, seed=2)]


def test_values_from_python_are_written_as_on_the_command_line() -> None:
    values = {
        "a": np.array([1, 2]),
        "b": [0.5, True, None],
        "c": "x,y",
        "d": ["p, q", "r"],
        "e": (np.float64(2),),
    }
    assert [one.values for one in parse_factors(values)] == [
        ("1", "2"),
        ("0.5", "true", "null"),
        ("x", "y"),
        ('"p, q"', "r"),
        ("2.0",),
    ]
    assert parse_factors("a=1,2") == parse_factors(["a=1,2"])


@pytest.mark.parametrize("values", [3, [{1, 2}]])
def test_values_that_are_none_are_refused(values: object) -> None:
    with pytest.raises(InputError, match="vary: got"):
        parse_factors({"a": values})


def test_whole_ends_give_whole_numbers_equally_often() -> None:
    found = [int(row[0]) for row in rows(["a=0..4"], "lhs", 500)]
    assert np.bincount(found).tolist() == [100] * 5
    assert [row[0] for row in rows(["a=x,y"], "lhs", 10)].count("x") == 5


def test_a_value_of_a_range_never_leaves_it() -> None:
    span = Span(1.0, 1.0 + 1e-9, "h", False)
    assert all(1.0 <= float(span.at(u).removesuffix(" h")) <= 1.0 + 1e-9 for u in (0.0, 0.5, 0.999))


@pytest.mark.parametrize(
    ("vary", "design", "n", "message"),
    [
        ([], "grid", None, "--vary: got nothing to vary"),
        (["a"], "grid", None, "--vary 'a': got no key.path=values"),
        (["=1"], "grid", None, "--vary '=1': got no key.path=values"),
        (["a="], "grid", None, "--vary 'a=': got no values"),
        (["a=1,,2"], "grid", None, "--vary 'a=1,,2': got an empty value"),
        (["a=1", "a=2"], "grid", None, "a second time, want each key once"),
        (["a=2,3,2"], "grid", None, "got 2 a second time, want each value once"),
        (["a=1..x"], "lhs", 5, "got the range '1..x', want low..high with a number at both ends"),
        (["a=5..1"], "lhs", 5, "want low < high"),
        (["a=1..1e999"], "lhs", 5, "want low < high, both finite"),
        (["a=1 GB..2 h"], "lhs", 5, "got 'GB' and 'h', want one unit at both ends"),
        (["a=1..5"], "grid", None, "--vary a: got a range, want values between commas"),
        (["a=1,2", "b=1"], "zip", None, "--vary: got a with 2, b with 1, want equally many"),
        (["a=1"], "lhs", None, "--points: got nothing, want 1 to 10,000"),
        (["a=1"], "lhs", 0, "--points: got 0"),
        (["a=1"], "grid", 3, "--points: got 3, want no number: it is for --design lhs"),
        (["a=1"], "gird", None, "--design: got 'gird', want one of grid, zip, lhs (did you mean 'grid'?)"),
        ([f"k{i}={','.join('0123456789')}" for i in range(5)], "grid", None, "got 100,000 points"),
    ],
)
def test_what_cannot_be_swept_is_said_with_its_option(
    vary: list[str], design: str, n: int | None, message: str
) -> None:
    with pytest.raises(InputError) as caught:
        rows(vary, design, n)
    assert message in str(caught.value)


def test_a_wrong_key_is_reported_once_with_the_nearest_one() -> None:
    with pytest.raises(InputError) as caught:
        sweep(TINY, ["job.spares.node=1,2,3"])
    (problem,) = caught.value.problems
    assert problem.file == "--vary job.spares.node"
    assert problem.hint == "did you mean 'nodes'?"


def test_a_point_that_is_wrong_as_a_whole_is_named() -> None:
    with pytest.raises(InputError) as caught:
        sweep(TINY, ["machine.nodes=40,10"])
    assert "--vary machine.nodes" in str(caught.value)


@pytest.mark.parametrize(
    "arguments", [{"metric": "godput"}, {"replications": 0}, {"workers": 0}, {"overrides": ["job.gpsu=3"]}]
)
def test_arguments_out_of_range(arguments: Mapping[str, object]) -> None:
    with pytest.raises(InputError):
        sweep(TINY, [f"{SPARES}=1"], **arguments)  # type: ignore[arg-type]


def made(n_workers: int | None = 1, **changes: object) -> Sweep:
    settings: dict[str, object] = {
        "replications": 3,
        "workers": n_workers,
        "overrides": ["horizon=5 d"],
        **changes,
    }
    vary = settings.pop("vary", [f"{INTERVAL}=15 min,1 h", f"{SPARES}=2,4"])
    return sweep(TINY, vary, **settings)  # type: ignore[arg-type]


def test_a_point_is_the_run_of_its_scenario() -> None:
    found = made()
    last = found.finished[-1]
    alone = ras_sim.run(
        ras_sim.load(TINY, ["horizon=5 d", f"{INTERVAL}=1 h", f"{SPARES}=4"]), replications=3, workers=1
    )
    pd.testing.assert_frame_equal(last.rows, alone.frame("replications"))
    assert last.metrics["mtti_h"] == alone.aggregate.metrics["mtti_h"]
    assert last.metrics["goodput"] == alone.aggregate.metrics["goodput"]


def test_every_point_meets_the_same_faults() -> None:
    faults = (
        made().frame().pivot_table(index="replication", columns="point", values="faults_by_mode.node.crash")
    )
    assert (faults.nunique(axis=1) == 1).all()
    assert faults.iloc[:, 0].nunique() > 1, "another replication is another history"


def test_the_order_of_values_and_factors_changes_no_point() -> None:
    def by_values(found: Sweep) -> dict[frozenset[str], list[float]]:
        return {frozenset(one.point.values): list(one.rows["goodput"]) for one in found.finished}

    turned = made(vary=[f"{SPARES}=4,2", f"{INTERVAL}=1 h,15 min"])
    assert by_values(turned) == by_values(made())


def test_a_scenario_that_was_read_before_gives_the_same() -> None:
    read = sweep(ras_sim.load(TINY, ["horizon=5 d"]), {SPARES: [2, 4]}, replications=3, workers=1)
    again = made(vary=[f"{SPARES}=2,4"])
    assert {**read.to_json(), "wall_s": 0} == {**again.to_json(), "wall_s": 0}


def test_the_best_point_and_the_others_against_it() -> None:
    found = made(metric="time_h.lost_work")
    means = [one.mean for one in found.estimates() if one.mean is not None]
    assert found.best is not None
    assert means[found.best] == min(means)
    for one, mean in zip(found.finished, means, strict=True):
        if one.from_best is not None:
            assert one.from_best.estimate.mean == pytest.approx(mean - min(means))


def test_axes_are_in_the_unit_of_the_resolved_scenario() -> None:
    found = made(vary=[f"{INTERVAL}=15 min,2 h", "repair.policy.start.default=process_restart,rma"])
    first, second = found.axes
    assert (first.unit, first.levels) == ("h", (0.25, 0.25, 2.0, 2.0))
    assert second.unit is None
    assert second.levels[:2] == ("process_restart", "rma")


def files_of(folder: Path) -> dict[str, bytes]:
    paths = [*folder.glob("points/*.parquet"), folder / "replications.parquet"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_the_same_bytes_from_one_and_two_processes(tmp_path: Path) -> None:
    for n in (1, 2):
        made(n, out=tmp_path / str(n)).save(tmp_path / str(n))
    assert files_of(tmp_path / "1") == files_of(tmp_path / "2")
    read = [{**sweepdir.read_json(tmp_path / n), "wall_s": 0} for n in ("1", "2")]
    assert read[0] == read[1]


def test_what_is_finished_is_not_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = made(out=tmp_path)
    kept = sorted(tmp_path.glob("points/*.parquet"))
    assert len(kept) == 4
    kept[1].unlink()
    kept[2].write_bytes(kept[2].read_bytes()[:100])
    calls: list[tuple[int, int]] = []
    again = made(out=tmp_path, progress=lambda *at: calls.append(at))
    assert again.n_reused == 2
    assert calls == [(n, 12) for n in range(7, 13)]
    pd.testing.assert_frame_equal(again.frame(), whole.frame())
    monkeypatch.setattr("ras_sim.engine.simulate", None)
    assert made(out=tmp_path).n_reused == 4, "nothing is simulated"


def test_another_seed_or_number_of_replications_is_another_point(tmp_path: Path) -> None:
    made(out=tmp_path)
    assert made(out=tmp_path, seed=2).n_reused == 0
    assert made(out=tmp_path, replications=2).n_reused == 0
    assert made(out=tmp_path, vary=[f"{INTERVAL}=1 h,2 h", f"{SPARES}=4"]).n_reused == 1


def test_points_have_the_same_hash_where_their_scenarios_have() -> None:
    vary = parse_factors(["job.checkpoints.remote.interval=1 h,60 min,2 h"])
    points = points_of(TINY, vary, rows_of(vary, "grid", None, 1))
    for one in points:
        for other in points:
            same = one.scenario.content_hash == other.scenario.content_hash
            assert (one.resolved_hash == other.resolved_hash) == same
            assert (one.key(1, range(2)) == other.key(1, range(2))) == same
    histories = ((1, range(2)), (2, range(1)), (1, range(3)), (1, range(2, 4)))
    assert len({points[0].key(*at) for at in histories}) == 4


def test_equal_points_are_run_once() -> None:
    calls: list[tuple[int, int]] = []
    found = made(vary=[f"{INTERVAL}=1 h,60 min"], progress=lambda *at: calls.append(at))
    assert calls[-1] == (3, 3)
    assert len(found.finished) == 2
    assert verdict(found)[0].startswith("Goodput is the same at every point")


def test_ctrl_c_leaves_the_finished_points() -> None:
    def stop(finished: int, _wanted: int) -> None:
        if finished == 7:
            raise KeyboardInterrupt

    found = made(progress=stop)
    assert found.interrupted
    assert [one.point.index for one in found.finished] == [0, 1]
    assert set(found.frame()["point"]) == {0, 1}


def test_only_one_process_at_a_time(tmp_path: Path) -> None:
    with (
        PointStore(tmp_path, sweepdir.check_contents),
        pytest.raises(InputError, match="another process is at work"),
    ):
        made(out=tmp_path)
    made(out=tmp_path)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(InputError, match=r"thesis\.txt"):
        made(out=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


FACTORS = (f"{INTERVAL}=15 min,1 h", f"{SPARES}=2,4", f"{CRASH}=1 min,10 min")
RANGES = (f"{INTERVAL}=15..60 min", f"{SPARES}=2..4", f"{CRASH}=1 min,10 min")


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("metric", ["goodput", "mtti_h"])
def test_every_design_has_its_report(design: str, n: int, metric: str) -> None:
    lhs = design == "lhs"
    found = made(
        vary=(RANGES if lhs else FACTORS)[:n], design=design, points=5 if lhs else None, metric=metric
    )
    drawn = [chart.key for chart in charts(found)]
    along = ["curve", "parallel"] if n == 3 else ["curve"]
    assert drawn == (along if design == "zip" or n == 1 else ["map"] if n == 2 else ["parallel"])
    assert drawn[0] in sweep_page(found)
    assert verdict(found)[0][:-1].split(" at ")[0] in sweep_markdown(found)


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_can_be_swept(metric: str) -> None:
    prices = ["cost={currency: EUR, job_gpu: 2 per GPU-hour, source: assumed}"] if metric in COSTS else []
    found = made(
        metric=metric, replications=1, vary=[f"{SPARES}=2,4"], overrides=["horizon=5 d", *prices]
    )
    assert found.metric in found.to_json()["points"][0]["metrics"]
    assert sweep_markdown(found)


def test_cost_wants_prices_in_one_currency() -> None:
    with pytest.raises(InputError, match=r"--metric: got 'cost', want a metric that needs no prices"):
        made(metric="cost")
    prices = "cost={currency: EUR, job_gpu: 2 per GPU-hour, source: assumed}"
    with pytest.raises(InputError, match=r"cost.currency: got EUR, USD, want one currency at all points"):
        made(metric="cost", vary=["cost.currency=EUR,USD"], overrides=[prices])


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "save_h"), [(0.05, 0.05), (0.02, 0.1)])
def test_the_best_interval_is_dalys(rate: float, save_h: float) -> None:
    """The best of a row of intervals has Daly's optimum between its neighbours.

    t = sqrt(2 d M) (1 + sqrt(d / 2M) / 3 + d / 18M) - d, M = 1 / rate, d = time to save.
    Source: Daly, Future Gener. Comput. Syst. 22 (2006), eq. 37.
    """
    mean_h, d = 1.0 / rate, save_h
    daly_h = math.sqrt(2 * d * mean_h) * (1 + math.sqrt(d / (2 * mean_h)) / 3 + d / (18 * mean_h)) - d
    scenario = small(
        20_000.0,
        job__checkpoints={"disk": tier(1.0, d)},
        failures={"node": {"crash": mode(rate=per_h(rate))}},
        repair=ladder({"fix": rung(h(0.5))}),
    )
    intervals_h = [daly_h * factor for factor in (0.25, 0.5, 1.0, 2.0, 4.0)]
    vary = {"job.checkpoints.disk.interval": [h(one) for one in intervals_h]}
    found = sweep(scenario, vary, replications=12, workers=1)
    assert found.best is not None
    at = found.best
    assert 0 < at < len(intervals_h) - 1, "the ends are not the best"
    assert intervals_h[at - 1] < daly_h < intervals_h[at + 1]
    assert [one.is_as_good for one in found.finished] == [place == at for place in range(len(intervals_h))]
