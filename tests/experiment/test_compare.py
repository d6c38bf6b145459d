"""Comparisons: the same failures for every design, differences that add up, faults matched one to one."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ras_sim.engine import simulate
from ras_sim.errors import InputError
from ras_sim.experiment import comparedir, files
from ras_sim.experiment.compare import Against, Comparison, compare
from ras_sim.experiment.compare_json import difference_json, p_better
from ras_sim.experiment.designs import changes_between, load_designs, shared_histories
from ras_sim.experiment.differences import BETTER, usage_of
from ras_sim.experiment.matching import Parting, faults_of, losses_of, match, partings, worst
from ras_sim.experiment.replicate import run
from ras_sim.ledger import ROW_TYPES, AttemptRow, JobRow, Ledger
from ras_sim.metrics.aggregate import COSTS
from ras_sim.metrics.paired import Difference, paired
from ras_sim.report import compare_views as views
from ras_sim.scenario.load import load
from ras_sim.scenario.model import Scenario
from tests.ledgers import by_hand, empty, incident
from tests.small import exponential, mode, small

TINY = Path(__file__).parents[1] / "scenarios" / "tiny.yaml"
TABLES = (
    "metrics",
    "time_h",
    "lost_gpu_hours_by_category",
    "lost_gpu_hours_by_mode",
    "interruptions_by_mode",
    "rungs",
    "cost_by_item",
)


@pytest.fixture(scope="module")
def restart_or_replace() -> Comparison:
    """The shipped tiny pool, its faults restarted first or replaced at once."""
    designs = load_designs([TINY], [], {"--set-a": ["repair.policy.start.default=rma"]})
    return compare(*designs, replications=12, workers=1)


def every_difference(one: Against) -> dict[str, Difference]:
    return {f"{table}.{name}": row for table in TABLES for name, row in getattr(one, table).items()}


def test_identical_designs_differ_in_nothing() -> None:
    same = compare(load(TINY), load(TINY), replications=5, workers=1).against[0]
    rows = every_difference(same)
    assert len(rows) > 30
    for name, row in rows.items():
        assert (row.estimate.mean, row.estimate.sd, row.p_greater, row.variance_factor) == (
            0,
            0,
            None,
            None,
        ), name
        assert row.base == row.other, name
    assert same.partings == []
    assert same.changes == []
    assert all(one.n_matched == one.n_same_hour == one.n_alike > 0 for one in same.faults)
    assert not any(one.n_only_base or one.n_only_other or one.unblamed_gpu_h for one in same.faults)


def test_a_design_gives_the_numbers_of_its_own_run(restart_or_replace: Comparison) -> None:
    for design, measures in zip(restart_or_replace.designs, restart_or_replace.measures, strict=True):
        alone = run(design.scenario, replications=12, workers=1, keep_ledgers=False)
        assert alone.measures == measures


def test_any_number_of_workers_gives_the_same_numbers(restart_or_replace: Comparison) -> None:
    several = compare(*restart_or_replace.designs, replications=12, workers=2)
    ours, theirs = restart_or_replace.to_json(), several.to_json()
    assert {**ours, "wall_s": 0} == {**theirs, "wall_s": 0}


def test_the_parts_of_the_difference_sum_to_it(restart_or_replace: Comparison) -> None:
    one = restart_or_replace.against[0]
    parts = [
        total.alike_gpu_h + total.unlike_gpu_h + total.unmatched_gpu_h + total.unblamed_gpu_h
        for total in one.faults
    ]
    total = one.metrics["lost_gpu_hours"].estimate.mean
    assert total is not None
    assert total != 0
    assert math.fsum(parts) / len(parts) == pytest.approx(total)
    for table in ("lost_gpu_hours_by_mode", "lost_gpu_hours_by_category"):
        rows = getattr(one, table).values()
        assert math.fsum(row.estimate.mean for row in rows) == pytest.approx(total), table
    assert math.fsum(row.estimate.mean or 0.0 for row in one.time_h.values()) == pytest.approx(0, abs=1e-9)


def test_matched_faults_are_the_same_fault(restart_or_replace: Comparison) -> None:
    base, other = (design.scenario for design in restart_or_replace.designs)
    n_pairs = n_faults = 0
    for k in range(12):
        ours, theirs = (faults_of(simulate(one, seed=1, replication=k)) for one in (base, other))
        found = match(ours, theirs)
        assert len(found.pairs) + len(found.only_base) == len(ours)
        assert len(found.pairs) + len(found.only_other) == len(theirs)
        for a, b in found.pairs:
            assert (a.first.symptom, a.first.needs_rung) == (b.first.symptom, b.first.needs_rung)
        n_pairs += len(found.pairs)
        n_faults += max(len(ours), len(theirs))
    assert n_pairs > 0.95 * n_faults > 50


def fault(incident_id: int, instance: int, arrive_h: float, lost_h: float) -> Ledger:
    """A ledger with one fault."""
    ledger = empty()
    ledger.incidents = [incident(incident_id, "gpu", "crash", instance=instance, arrive_h=arrive_h)]
    ledger.job = [JobRow(0, 1, "repair", lost_h, incident_id), JobRow(0, 99, "productive", 100 - lost_h, -1)]
    return ledger


def joined(*ledgers: Ledger) -> Ledger:
    whole = empty()
    for one in ledgers:
        whole.incidents += one.incidents
        whole.job += one.job
    return whole


def test_faults_are_matched_by_hour_then_by_turn() -> None:
    base = joined(fault(0, 7, 1.0, 1.0), fault(1, 7, 50.0, 2.0), fault(2, 8, 3.0, 4.0))
    other = joined(
        fault(0, 7, 50.0, 5.0), fault(1, 7, 60.0, 1.5), fault(2, 9, 3.0, 8.0), fault(3, 7, 70.0, 16.0)
    )
    found = match(faults_of(base), faults_of(other))
    pairs = {(a.first.arrive_h, b.first.arrive_h) for a, b in found.pairs}
    assert pairs == {(50.0, 50.0), (1.0, 60.0)}
    assert [(one.first.instance, one.first.arrive_h) for one in found.only_base] == [(8, 3.0)]
    assert [(one.first.instance, one.first.arrive_h) for one in found.only_other] == [(7, 70.0), (9, 3.0)]
    totals, worst = partings(losses_of(base), losses_of(other), limit=1)
    assert (totals.n_matched, totals.n_same_hour, totals.n_only_base, totals.n_only_other) == (2, 1, 1, 2)
    assert totals.alike_gpu_h == 8 * (3.0 + 0.5)
    assert totals.unmatched_gpu_h == 8 * (16.0 + 8.0 - 4.0)
    assert totals.unblamed_gpu_h == 0
    assert [one.extra_gpu_h for one in worst] == [24.0]


def test_a_return_belongs_to_its_root_and_a_planned_stop_is_no_fault() -> None:
    found = {one.first.incident_id: one for one in faults_of(by_hand())}
    assert list(found) == [0, 1]
    hbm = found[1]
    assert [row.incident_id for row in hbm.incidents] == [1, 2]
    walk = [(one.rung, one.outcome) for one in hbm.attempts]
    assert walk == [("gpu_reset", "seems_fixed"), ("gpu_reset", "failed"), ("rma", "fixed")]
    assert hbm.lost_h == {"lost_work": 3.0, "detect": 0.5, "repair": 2.5, "initialise": 1.0, "restore": 1.0}
    assert hbm.lost_gpu_h == 8 * 8.0


def test_a_fault_that_was_handled_in_another_way_is_told_apart() -> None:
    base, other = fault(0, 7, 1.0, 1.0), fault(0, 7, 1.0, 3.0)
    base.attempts = [AttemptRow(0, "gpu_reset", 1, 1, 2, "fixed")]
    other.attempts = [AttemptRow(0, "rma", 1, 1, 4, "fixed")]
    totals, _ = partings(losses_of(base), losses_of(other), limit=5)
    assert (totals.n_alike, totals.alike_gpu_h, totals.unlike_gpu_h) == (0, 0, 16.0)


def test_the_worst_of_each_kind_are_kept() -> None:
    small_one, large_one = faults_of(fault(0, 7, 1.0, 1.0)), faults_of(fault(0, 7, 1.0, 9.0))
    handled = fault(0, 7, 1.0, 2.0)
    handled.attempts = [AttemptRow(0, "rma", 1, 1, 4, "fixed")]
    alike = Parting(0, small_one[0], large_one[0])
    unlike = Parting(1, small_one[0], faults_of(handled)[0])
    reverse = Parting(2, large_one[0], small_one[0])
    assert worst([alike, reverse, unlike], 1) == [unlike, alike]
    assert worst([alike, reverse, unlike], 2) == [unlike, alike, reverse]


def test_usage_is_what_left_the_stores() -> None:
    assert usage_of(by_hand()) == (2, 5.0)


def interrupt_after(n: int) -> object:
    def progress(done: int, total: int) -> None:
        if done == n:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("n", [1, 3])
def test_ctrl_c_leaves_whole_pairs(n: int, restart_or_replace: Comparison) -> None:
    designs = restart_or_replace.designs
    part = compare(*designs, replications=5, workers=1, progress=interrupt_after(n))  # type: ignore[arg-type]
    assert part.interrupted
    assert part.n_finished == n
    assert part.measures == tuple(one[:n] for one in restart_or_replace.measures)


def test_one_replication_has_differences_without_interval() -> None:
    designs = load_designs([TINY], [], {"--set-a": ["job.checkpoints.remote.interval=15 min"]})
    made = compare(*designs, replications=1).to_json()["against"][0]["metrics"]["goodput"]
    assert made["difference"]["mean"] == made["other"] - made["base"]
    assert (made["difference"]["ci95"], made["p_better"], made["variance_factor"]) == (None, None, None)


def test_less_is_better_for_lost_hours() -> None:
    found = paired([5.0, 6.0, 9.0, 7.0], [3.0, 4.0, 8.0, 6.0])
    assert found.p_greater is not None
    assert found.p_greater < 0.05
    assert p_better(found, BETTER["lost_gpu_hours"]) == 1 - found.p_greater
    assert p_better(found, BETTER["goodput"]) == found.p_greater
    assert difference_json(found, 0)["p_better"] is None


def test_json_has_the_promised_shape(restart_or_replace: Comparison) -> None:
    made = json.loads(json.dumps(restart_or_replace.to_json(), allow_nan=False))
    assert set(made) == {
        "schema",
        "version",
        "seed",
        "replications",
        "precision",
        "base",
        "designs",
        "against",
        "wall_s",
    }
    assert [one["name"] for one in made["designs"]] == ["tiny", "tiny: start.default=rma"]
    assert made["base"] == "tiny"
    (one,) = made["against"]
    assert set(one) == {
        "design", "changes", "shared_histories", "goodput_adjusted", "break_even", "faults", "partings", *TABLES,
    }  # fmt: skip
    assert one["changes"] == [
        {"key": "repair.policy.start.default", "base": "process_restart", "other": "rma"}
    ]
    assert one["shared_histories"] == {"same": ["node.crash"], "different": {}}
    assert set(BETTER) - set(one["metrics"]) == {"horizon_h", *COSTS}  # no work, no prices
    keys = {"base", "other", "difference", "p_better", "variance_factor", "most_by_pairing"}
    assert all(set(row) == keys for table in TABLES for row in one[table].values())
    assert 0 < len(one["partings"]) <= 20
    order = [(parting["handled_alike"], -abs(parting["extra_gpu_h"])) for parting in one["partings"]]
    assert order == sorted(order)
    first = one["partings"][0]
    assert first["extra_gpu_h"] == pytest.approx(first["other"]["lost_gpu_h"] - first["base"]["lost_gpu_h"])


def test_names_and_numbers_are_checked() -> None:
    one = load(TINY)
    with pytest.raises(InputError, match="designs: got 1, want two or more"):
        compare(one)
    with pytest.raises(InputError, match="replications: got 0, want >= 1"):
        compare(one, one, replications=0)
    with pytest.raises(InputError, match="workers: got 0"):
        compare(one, one, workers=0)
    assert [design.name for design in compare(one, one, one, workers=1).designs] == [
        "tiny",
        "tiny (2)",
        "tiny (3)",
    ]


def test_every_fault_of_every_design_is_reported_with_its_option() -> None:
    with pytest.raises(InputError) as caught:
        load_designs(
            [TINY, "gone.yaml"], [], {"--set-a": ["job.gpsu=3"], "--set-b": ["horizon=-1"], "--set-c": []}
        )
    text = str(caught.value)
    assert "gone.yaml: got no such file" in text
    assert "--set-a 'job.gpsu=3': job.gpsu" in text
    assert "did you mean 'gpus'?" in text
    assert "--set-b 'horizon=-1': horizon: got -1" in text
    assert "--set-c" not in text


def with_crashes(nodes: int = 4, **keys: object) -> Scenario:
    failures = {"node": {"crash": mode(**({"lifetime": exponential(500)} | keys))}}
    return small(nodes=nodes, failures=failures)


def test_what_is_shared_of_the_histories() -> None:
    base = with_crashes()
    assert shared_histories(base, base).different == {}
    assert shared_histories(base, with_crashes(nodes=8)).different == {"node.crash": "4 parts against 8"}
    assert shared_histories(base, small(nodes=4)).different == {"node.crash": "only in the base"}
    assert shared_histories(small(nodes=4), base).different == {"node.crash": "not in the base"}
    older = with_crashes(start_age="10 h")
    assert shared_histories(base, older).different == {"node.crash": "another start_age"}
    rates = [with_crashes(lifetime=None, rate=f"{x} /h") for x in (0.001, 0.002)]
    assert "another rate" in shared_histories(*rates).different["node.crash"]
    # How a fault is noticed is no part of it.
    noticed = with_crashes(detection={"crash": "1 h"})
    assert shared_histories(base, noticed).same == ("node.crash",)


def test_changes_are_settings_and_not_remarks() -> None:
    base, other = small(), small(name="other", horizon_h=500.0, job__spares__source="a data sheet")
    assert [(one.key, one.base, one.other) for one in changes_between(base, other)] == [
        ("horizon", "1000.0 h", "500.0 h")
    ]


def test_machines_of_another_size_are_compared() -> None:
    found = compare(with_crashes(nodes=4), with_crashes(nodes=8), replications=3, workers=1)
    assert found.against[0].shared.different == {"node.crash": "4 parts against 8"}
    for total in found.against[0].faults:  # node 3 of 4 is not node 3 of 8
        assert total.n_matched == 0
        assert total.n_only_base > 0
    assert found.against[0].metrics["cluster_goodput"].estimate.mean is not None


def test_a_saved_comparison(tmp_path: Path, restart_or_replace: Comparison) -> None:
    folder = restart_or_replace.save(tmp_path / "deep" / "out")
    assert comparedir.read_json(folder) == json.loads(json.dumps(restart_or_replace.to_json()))
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["kind"], manifest["seed"], manifest["finished"]) == (
        "ras-sim comparison",
        1,
        list(range(12)),
    )
    assert [one["name"] for one in manifest["designs"]] == ["tiny", "tiny: start.default=rma"]
    frame = pq.read_table(folder / "replications.parquet").to_pandas()
    assert len(frame) == 24
    assert not frame.drop(columns="mtti_h").isna().any().any()
    means = frame.groupby("design", sort=False)["goodput"].mean()
    goodput = restart_or_replace.against[0].metrics["goodput"]
    assert list(means) == pytest.approx([goodput.base, goodput.other])
    restart_or_replace.save(folder)  # in place of the earlier one
    assert sorted(path.name for path in folder.iterdir()) == [
        "comparison.json",
        "manifest.json",
        "replications.parquet",
    ]


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, restart_or_replace: Comparison) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"holds notes\.txt, want an earlier comparison"):
        restart_or_replace.save(tmp_path)
    saved = run(load(TINY), workers=1).save(tmp_path / "run")
    before = (saved / "manifest.json").read_bytes()
    (saved / "incidents.parquet").unlink()
    for name in (name for name in ROW_TYPES if name != "incidents"):
        (saved / f"{name}.parquet").unlink()
    with pytest.raises(InputError, match="a folder of another kind"):
        restart_or_replace.save(saved)
    assert (saved / "manifest.json").read_bytes() == before
    with pytest.raises(InputError, match="got a file, want a folder"):
        restart_or_replace.save(tmp_path / "notes.txt")


@pytest.mark.parametrize("name", ["replications.parquet", "comparison.json", "manifest.json"])
def test_a_write_that_was_cut_short_is_no_comparison(
    name: str, tmp_path: Path, restart_or_replace: Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = restart_or_replace.save(tmp_path / "out")
    real = files.os.replace

    def cut(source: Path, target: Path) -> None:
        if target.name == name:
            raise KeyboardInterrupt
        real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "replace", cut)
        with pytest.raises(KeyboardInterrupt):
            restart_or_replace.save(folder)
    with pytest.raises(InputError, match=r"no manifest\.json"):
        comparedir.read_json(folder)
    restart_or_replace.save(folder)
    assert comparedir.read_json(folder)["replications"] == 12


def test_the_notebook_table_is_escaped() -> None:
    hostile = small(name="<img src=x>")
    page = compare(hostile, hostile, workers=1)._repr_html_()
    assert "<img" not in page
    assert "&lt;img src=x&gt; (2)" in page


def test_counts_that_fall_when_the_job_stands_still_are_not_called_better(
    restart_or_replace: Comparison,
) -> None:
    """Half of the uptime meets half of the interruptions: that is no merit."""
    found = restart_or_replace.to_json()["against"][0]
    silent = {name for name, one in found["metrics"].items() if one["p_better"] is None}
    assert {"interruptions", "planned_interruptions", "spares_taken"} <= silent
    assert found["metrics"]["interruptions"]["difference"]["mean"] is not None
    assert found["metrics"]["goodput"]["p_better"] is not None
    assert all(one["p_better"] is None for one in found["interruptions_by_mode"].values())
    told = {line.label: line.p_better for line in views.metric_lines(restart_or_replace.against[0])}
    assert told["Interruptions"] == views.NOTHING
    assert told["Goodput"] != views.NOTHING
