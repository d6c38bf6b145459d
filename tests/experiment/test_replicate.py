"""Replications: reproducible whatever the number of workers, complete, and stoppable."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from ras_sim.errors import InputError, LostWorkersError, ModelError
from ras_sim.experiment.processes import _ctrl_c_held_back
from ras_sim.experiment.replicate import run
from ras_sim.experiment.result import Result
from ras_sim.ledger import CATEGORIES, ROW_TYPES, JobRow, Ledger
from tests.ledgers import FakeScenario, by_hand, empty, simulate

ROOT = Path(__file__).parents[2]
TINY = FakeScenario()


def run_tiny(**arguments: object) -> Result:
    """Run the stand-in engine in this process unless told otherwise."""
    return run(TINY, **({"simulate": simulate, "workers": 1} | arguments))  # type: ignore[arg-type]


def simulate_by_hand(scenario: FakeScenario, *, seed: int, replication: int) -> Ledger:
    return by_hand(replication)


def simulate_short(scenario: FakeScenario, *, seed: int, replication: int) -> Ledger:
    """A ledger that lacks an hour."""
    ledger = empty(scenario.horizon_h, replication, seed)
    ledger.job = [JobRow(0, 99, "productive", 99.0, -1)]
    return ledger


def simulate_slow_first(scenario: FakeScenario, *, seed: int, replication: int) -> Ledger:
    """The first replication is the last to finish."""
    if replication == 0:
        time.sleep(0.3)
    return simulate(scenario, seed=seed, replication=replication)


def test_any_number_of_workers_gives_the_same_bytes(tmp_path: Path) -> None:
    alone = run_tiny(replications=6)
    several = run_tiny(replications=6, workers=2, simulate=simulate_slow_first)
    assert [one.replication for one in several.measures] == list(range(6))
    assert repr(several.ledgers) == repr(alone.ledgers)  # not ==: a time that is not known is NaN
    assert several.aggregate == alone.aggregate
    alone.save(tmp_path / "a")
    several.save(tmp_path / "b")
    for path in sorted((tmp_path / "a").glob("*.parquet")):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_replications_and_seeds_are_different_histories() -> None:
    goodputs = [one.goodput for one in run_tiny(replications=8).measures]
    assert len(set(goodputs)) > 4
    assert goodputs != [one.goodput for one in run_tiny(replications=8, seed=2).measures]
    assert goodputs[:3] == [one.goodput for one in run_tiny(replications=3).measures]


def test_one_worker_runs_no_parallel_code() -> None:
    code = """
        import sys
        from ras_sim.experiment.replicate import run
        from tests.ledgers import FakeScenario, simulate
        run(FakeScenario(), replications=3, workers=1, simulate=simulate)
        run(FakeScenario(), replications=1, simulate=simulate)
        heavy = {"joblib", "pandas", "pyarrow", "simpy", "scipy.stats"} & set(sys.modules)
        assert not heavy, heavy
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, check=True)


@pytest.mark.parametrize("workers", [1, 2])
def test_progress_counts_up(workers: int) -> None:
    seen: list[tuple[int, int]] = []
    run_tiny(replications=5, workers=workers, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(done, 5) for done in range(1, 6)]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_ledger_that_does_not_add_up_is_an_error(workers: int) -> None:
    with pytest.raises(ModelError, match="sum to 99"):
        run_tiny(replications=2, workers=workers, simulate=simulate_short)


def test_ledgers_need_not_be_kept() -> None:
    kept, light = run_tiny(replications=4), run_tiny(replications=4, keep_ledgers=False)
    assert light.ledgers == ()
    assert light.measures == kept.measures
    pd.testing.assert_frame_equal(light.frame("replications"), kept.frame("replications"))
    with pytest.raises(InputError, match="keep_ledgers"):
        light.frame("job")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"replications": 0}, "replications: got 0, want >= 1"),
        ({"workers": 0}, "workers: got 0, want >= 1"),
        ({"done": [empty(seed=2)]}, "seed: got 1, want 2"),
    ],
)
def test_bad_arguments(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        run_tiny(**arguments)


def interrupt_after(n: int) -> object:
    """A progress callback in which the user presses Ctrl-C."""

    def progress(done: int, total: int) -> None:
        if done == n:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_leaves_what_was_finished_and_can_be_resumed(workers: int) -> None:
    part = run_tiny(replications=6, workers=workers, progress=interrupt_after(2))
    assert part.interrupted
    assert (len(part.measures), len(part.ledgers), part.replications) == (2, 2, 6)
    assert part.to_json()["replications"] == 2

    calls: list[int] = []

    def count(scenario: FakeScenario, *, seed: int, replication: int) -> Ledger:
        calls.append(replication)
        return simulate(scenario, seed=seed, replication=replication)

    whole = run_tiny(replications=6, done=part.ledgers, simulate=count)
    assert len(calls) == 4
    assert not whole.interrupted
    assert repr(whole.ledgers) == repr(run_tiny(replications=6).ledgers)


def test_ctrl_c_after_the_last_replication_changes_nothing() -> None:
    assert not run_tiny(replications=2, progress=interrupt_after(2)).interrupted


def test_ctrl_c_before_the_first_replication_leaves_an_empty_result(tmp_path: Path) -> None:
    def stop(scenario: FakeScenario, *, seed: int, replication: int) -> Ledger:
        raise KeyboardInterrupt

    none = run_tiny(replications=3, simulate=stop)
    assert none.interrupted
    assert none.to_json()["metrics"]["goodput"] == {"mean": None, "ci95": None, "sd": None}
    none.save(tmp_path / "run")


def test_a_real_ctrl_c_stops_the_workers_quietly() -> None:
    code = """
        import time
        from ras_sim.experiment.replicate import run
        from tests.ledgers import FakeScenario, simulate

        def slow(scenario, *, seed, replication):
            time.sleep(0.05 if replication < 3 else 30)
            return simulate(scenario, seed=seed, replication=replication)

        if __name__ == "__main__":
            told = lambda done, total: print("finished", done, flush=True)
            result = run(FakeScenario(), replications=4, workers=2, progress=told, simulate=slow)
            print("interrupted", result.interrupted, len(result.measures), flush=True)
    """
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert child.stdout is not None
    for line in child.stdout:
        if line == "finished 3\n":
            break
    time.sleep(0.2)  # now one worker is busy, and the other one waits for work
    began_s = time.monotonic()
    os.killpg(child.pid, signal.SIGINT)  # what a terminal does: the workers get it as well
    out, err = child.communicate(timeout=20)
    assert time.monotonic() - began_s < 10
    assert out == "interrupted True 3\n"
    assert err == ""
    assert child.returncode == 0


def simulate_and_tell_the_handler(scenario: FakeScenario, *, seed: int, replication: int) -> Ledger:
    handler = signal.getsignal(signal.SIGINT)
    return replace(simulate(scenario, seed=seed, replication=replication), scenario=str(handler))


def test_workers_ignore_ctrl_c_and_this_process_does_not() -> None:
    before = signal.getsignal(signal.SIGINT)
    told = run_tiny(replications=4, workers=2, simulate=simulate_and_tell_the_handler).ledgers
    assert {ledger.scenario for ledger in told} == {str(signal.SIG_IGN)}
    assert signal.getsignal(signal.SIGINT) is before


def simulate_and_die(scenario: FakeScenario, *, seed: int, replication: int) -> Ledger:
    """The process of replication 3 ends, when the others had time to finish."""
    if replication == 3:
        time.sleep(1.0)
        os._exit(3)
    return simulate(scenario, seed=seed, replication=replication)


def test_a_worker_that_dies_is_named_and_loses_nothing_finished(tmp_path: Path) -> None:
    seen: list[int] = []
    with pytest.raises(LostWorkersError, match=r"a worker process died \(EXIT\(3\)\).*; \d+ pieces? of work left") as caught:
        run_tiny(
            replications=5,
            workers=2,
            out=tmp_path,
            simulate=simulate_and_die,
            progress=lambda done, _wanted: seen.append(done),
        )
    assert caught.value.n_left == 5 - len(seen)
    assert len(seen) >= 3
    again = run_tiny(replications=5, workers=2, out=tmp_path)  # with new processes
    assert again.n_reused == len(seen)
    assert repr(again.ledgers) == repr(run_tiny(replications=5).ledgers)


def simulate_one_at_a_time(scenario: FakeScenario, *, seed: int, replication: int) -> Ledger:
    """Every other replication waits for a file that tells that the one before it has been received."""
    folder = Path(scenario.description)
    if replication % 2:
        began_s = time.monotonic()
        while not (folder / str(replication - 1)).exists():
            assert time.monotonic() - began_s < 20, "the replication before was held back"
            time.sleep(0.005)
    return simulate(scenario, seed=seed, replication=replication)


def test_every_replication_is_received_as_soon_as_it_is_finished_to_be_kept(tmp_path: Path) -> None:
    """None waits for others that are quick as well, to be sent with them: it is on the disk at once."""

    def note(done: int, _wanted: int) -> None:
        (tmp_path / str(done - 1)).touch()

    scenario = FakeScenario(description=str(tmp_path))
    found = run(scenario, replications=40, workers=2, simulate=simulate_one_at_a_time, progress=note, out=tmp_path / "run")  # type: ignore[arg-type]
    assert len(found.measures) == 40


def press_ctrl_c_while_a_process_starts(seen: list[str]) -> None:
    with _ctrl_c_held_back():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.05)
        code = "import signal; print(signal.SIGINT in signal.pthread_sigmask(0, []))"
        seen.append(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    seen.append("Ctrl-C was lost")


def test_ctrl_c_that_comes_while_processes_start_is_held_back_and_not_lost() -> None:
    seen: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        press_ctrl_c_while_a_process_starts(seen)
    assert seen == ["True\n"], "the process that was started is deaf to it"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_json_has_the_promised_shape() -> None:
    result = run_tiny(replications=3, seed=5, simulate=simulate_by_hand)
    made = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert set(made) == {
        "schema",
        "scenario",
        "version",
        "seed",
        "replications",
        "horizon_h",
        "metrics",
        "time_h",
        "interruptions_by_class",
        "interruptions_by_mode",
        "faults_by_mode",
        "rungs",
        "goodput_quantiles",
        "precision",
        "cost",
        "wall_s",
    }
    assert (made["precision"], set(made["goodput_quantiles"])) == (None, {"p5", "p50", "p95"})
    assert made["cost"] is None
    assert (made["schema"], made["scenario"], made["seed"], made["replications"]) == (1, "tiny", 5, 3)
    assert made["horizon_h"] == 100.0
    names = ["goodput", "clean_goodput", "ettr", "cluster_goodput", "mtti_h", "interruptions", "planned_interruptions"]
    assert list(made["metrics"]) == names
    assert all(set(metric) == {"mean", "ci95", "sd"} for metric in made["metrics"].values())
    assert made["metrics"]["goodput"] == {
        "mean": pytest.approx(0.83),
        "ci95": [pytest.approx(0.83)] * 2,
        "sd": 0,
    }
    assert list(made["time_h"]) == list(CATEGORIES)
    assert made["interruptions_by_class"] == {"hbm": 2}
    assert made["interruptions_by_mode"] == {"hbm.due": 2}
    assert made["faults_by_mode"] == {"gpu.hang": 0, "hbm.due": 1, "optic.flap": 5}
    assert made["rungs"] == {
        "gpu_reset": {"attempts": 2, "fixed": 0},
        "rma": {"attempts": 1, "fixed": 1},
    }
    assert made["wall_s"] > 0


def test_one_replication_has_no_interval() -> None:
    metrics = run_tiny(simulate=simulate_by_hand).to_json()["metrics"]
    assert metrics["goodput"] == {"mean": pytest.approx(0.83), "ci95": None, "sd": None}
    assert metrics["mtti_h"] == {"mean": pytest.approx(45), "ci95": None, "sd": None}


def test_frames() -> None:
    result = run_tiny(replications=2, simulate=simulate_by_hand)
    for table in ROW_TYPES:
        assert len(result.frame(table)) == 2 * len(getattr(by_hand(), table))
    frame = result.frame("replications")
    row = frame.iloc[1]
    assert row["replication"] == 1
    assert row["time_h.lost_work"] == 3.0
    assert row["rungs.gpu_reset.attempts"] == 2
    assert row["interruptions_by_mode.hbm.due"] == 2
    assert row["mttr_h.total.total"] == 30.5
    assert row["mtti_h"] == 45.0
    with pytest.raises(InputError, match="want one of replications, job"):
        result.frame("jobs")


def test_what_a_replication_did_not_see_is_zero_in_the_frame() -> None:
    result = run_tiny(replications=20)
    frame = result.frame("replications")
    calm = [one.replication for one in result.measures if one.interruptions == 0]
    assert 0 < len(calm) < 20
    assert frame.loc[calm, "mtti_h"].isna().all()
    assert not frame.filter(like="interruptions_by").isna().any().any()
    assert (frame.loc[calm, "interruptions_by_mode.gpu.crash0"] == 0).all()
    assert (frame.loc[calm, "resources.queue.zero_frac"] == 1).all()
    assert (frame.loc[calm, "resources.queue.high"] == 0).all()


def test_the_notebook_table_is_escaped() -> None:
    hostile = FakeScenario(name="<img src=x onerror=alert(1)>")
    page = run(hostile, workers=1, simulate=simulate)._repr_html_()  # type: ignore[arg-type]
    assert "<img" not in page
    assert "&lt;img src=x" in page
    assert "goodput" in page


def test_a_result_prints_as_one_short_line() -> None:
    shown = repr(run_tiny(replications=2))
    assert "2 of 2 replications" in shown
    assert len(shown) < 120


def test_a_path_in_place_of_a_scenario_is_named() -> None:
    with pytest.raises(InputError, match=r"scenario: got 'tiny\.yaml', want .*load"):
        run("tiny.yaml")  # type: ignore[arg-type]
