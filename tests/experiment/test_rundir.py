"""Run directories: read as written, whole after a kill, and never in place of other things."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import pandas as pd
import pytest

from ras_sim.errors import InputError
from ras_sim.experiment import rundir
from ras_sim.experiment.replicate import run
from ras_sim.experiment.result import Result
from ras_sim.ledger import ROW_TYPES, JobRow, Ledger
from ras_sim.metrics import measure
from tests.ledgers import FakeScenario, empty, simulate

ROOT = Path(__file__).parents[2]


def result(seed: int = 1, replications: int = 3, **arguments: object) -> Result:
    scenario = FakeScenario(description="naïve \ud800 </script>")  # half a surrogate pair, too
    made = run(scenario, seed=seed, replications=replications, workers=1, simulate=simulate, **arguments)  # type: ignore[arg-type]
    return replace(made, wall_s=1.0)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    written = result()
    folder = written.save(tmp_path / "deep" / "run")
    read = rundir.read(folder)
    assert read.manifest == {
        "kind": "ras-sim run",
        "schema": 2,
        **written.manifest(),
        "tables": ["replications", *ROW_TYPES],
    }
    assert read.manifest["description"] == written.scenario.description
    for table, frame in read.frames.items():
        pd.testing.assert_frame_equal(frame, written.frame(table), check_dtype=False)
    assert repr(tuple(read.ledgers())) == repr(written.ledgers)
    assert tuple(map(measure, read.ledgers())) == written.measures
    assert set(contents(folder)) == {"manifest.json", *(f"{table}.parquet" for table in rundir.TABLES)}


def test_an_interrupted_run_goes_on_from_its_folder(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    part = result(replications=5, progress=stop)
    manifest = rundir.read(part.save(tmp_path)).manifest
    assert (manifest["interrupted"], manifest["finished"], manifest["replications"]) == (True, [0, 1], 5)
    whole = result(replications=5, done=rundir.read(tmp_path).ledgers())
    whole.save(tmp_path)
    result(replications=5).save(tmp_path / ".." / "other")
    assert contents(tmp_path) == contents(tmp_path / ".." / "other")


def test_columns_have_their_types_even_without_rows(tmp_path: Path) -> None:
    calm = run(FakeScenario(), workers=1, simulate=productive)  # type: ignore[arg-type]
    frames = rundir.read(calm.save(tmp_path)).frames
    assert len(frames["incidents"]) == 0
    assert frames["incidents"]["arrive_h"].dtype == "float64"
    assert frames["incidents"]["n_gpus_hit"].dtype == "int64"
    assert frames["incidents"]["mode"].dtype == result().frame("incidents")["mode"].dtype
    assert measure(rundir.read(tmp_path).ledgers()[0]) == calm.measures[0]


def productive(scenario: FakeScenario, *, seed: int, replication: int) -> Ledger:
    return replace(empty(), job=[JobRow(0.0, 100.0, "productive", 100.0, -1)])


def test_without_ledgers_only_the_metrics_are_saved(tmp_path: Path) -> None:
    result().save(tmp_path)
    read = rundir.read(result(keep_ledgers=False).save(tmp_path))
    assert set(contents(tmp_path)) == {"manifest.json", "replications.parquet"}
    assert len(read.frames["replications"]) == 3
    with pytest.raises(InputError, match="want a run that kept its ledgers"):
        read.ledgers()


def test_a_new_run_removes_the_reports_of_the_old_one(tmp_path: Path) -> None:
    result().save(tmp_path)
    for name in rundir.REPORTS:
        (tmp_path / name).write_text("old")
    result(seed=2).save(tmp_path)
    assert not {*rundir.REPORTS} & set(contents(tmp_path))
    assert rundir.read(tmp_path).manifest["seed"] == 2


EVERY = 3
"""Of how many wrecks one is also written over: that costs more than all else, and every wreck has its like near by."""


class Killed(BaseException):
    """Stands for the end of the process: nothing after it touches the disk."""


def killed(save: Callable[[Path], Path], folder: Path, step: int) -> bool:
    """Let the process end just before its step-th change of the disk; False if it was done by then."""
    n_calls = 0

    def fatal(real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            nonlocal n_calls
            n_calls += 1
            if n_calls >= step:
                raise Killed
            return real(*args, **kwargs)

        return call

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "replace", fatal(os.replace))
        patch.setattr(os, "fsync", fatal(lambda _descriptor: None))  # only this process ends, not the machine
        patch.setattr(Path, "unlink", fatal(Path.unlink))
        try:
            save(folder)
        except Killed:
            return True
    return False


@pytest.mark.parametrize("n_more", [0, 3])
def test_a_kill_at_any_step_leaves_the_old_run_or_the_new_one(tmp_path: Path, n_more: int) -> None:
    """Also when the writers that find the wreck are killed early as well."""
    runs = {1: result(1), 2: result(2, keep_ledgers=False), 3: result(3)}
    wanted = {seed: rundir.read(one.save(tmp_path / f"run{seed}")).frames for seed, one in runs.items()}
    states = []
    for step in count(1):
        folder = shutil.copytree(tmp_path / "run1", tmp_path / str(step))
        if not killed(runs[2].save, folder, step):
            break
        if n_more and step % EVERY:
            continue
        assert all(killed(runs[3].save, folder, early) for early in range(1, n_more + 1))
        read = rundir.read(folder)
        states.append(read.manifest["seed"])
        assert_same_frames(read.frames, wanted[states[-1]])
        if n_more == 0 and step % EVERY == 0:
            assert_same_frames(rundir.read(runs[3].save(folder)).frames, wanted[3])
            assert set(contents(folder)) == set(contents(tmp_path / "run3"))
    # Both come about, and never the old one after the new one.
    assert states == sorted(states)
    assert set(states) == {1, 2}


def assert_same_frames(got: dict[str, pd.DataFrame], want: dict[str, pd.DataFrame]) -> None:
    assert list(got) == list(want)
    for table, frame in got.items():
        pd.testing.assert_frame_equal(frame, want[table])


def test_a_kill_while_the_first_run_is_written_leaves_no_run_or_a_whole_one(tmp_path: Path) -> None:
    one = result()
    states = []
    for step in count(1):
        folder = tmp_path / str(step)
        if not killed(one.save, folder, step):
            break
        try:
            states.append(len(rundir.read(folder).ledgers()))
        except InputError:
            states.append(0)
        if step % EVERY == 0:
            assert len(rundir.read(one.save(folder)).ledgers()) == 3
    assert states == sorted(states)
    assert set(states) == {0, 3}


def test_a_real_kill(tmp_path: Path) -> None:
    code = f"""
        from tests.experiment.test_rundir import result
        runs = [result(1), result(2)]
        print("ready", flush=True)
        while True:
            for one in runs:
                one.save({str(tmp_path / "run")!r})
    """
    result(2).save(tmp_path / "run")
    for number in range(3):
        command = [sys.executable, "-c", textwrap.dedent(code)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(0.1 + 0.037 * number)
            child.send_signal(signal.SIGKILL)
        read = rundir.read(tmp_path / "run")
        assert repr(tuple(read.ledgers())) == repr(result(read.manifest["seed"]).ledgers)


def test_a_file_is_not_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("mine")
    for use in (rundir.check_target, rundir.read, result().save):
        with pytest.raises(InputError, match=r"file: got a file, want a"):
            use(path)
    with pytest.raises(InputError, match="want a writable folder"):
        rundir.check_target(path / "below")
    assert path.read_text() == "mine"


@pytest.mark.parametrize("name", ["notes.txt", "manifest.json", "report.html", "job.parquet", ".git"])
def test_other_folders_are_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("{}")
    before = contents(tmp_path)
    with pytest.raises(InputError, match="want an earlier run"):
        result().save(tmp_path)
    assert contents(tmp_path) == before
    with pytest.raises(InputError):
        rundir.read(tmp_path)


def test_a_run_with_something_foreign_beside_it_is_left_alone(tmp_path: Path) -> None:
    result().save(tmp_path)
    for number in range(5):
        (tmp_path / f"note{number}").touch()
    with pytest.raises(InputError, match="note0, note1, note2 and 2 more"):
        result().save(tmp_path)
    assert rundir.read(tmp_path).manifest["seed"] == 1  # but it can be read


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # By a stand-in, since the superuser may write everywhere.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(InputError, match="want a writable folder"):
        rundir.check_target(tmp_path / "run")


def test_a_full_disk_is_an_input_error_and_keeps_the_old_run(tmp_path: Path) -> None:
    result().save(tmp_path)
    before = contents(tmp_path)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(InputError, match="No space left on device"):
            result(seed=2).save(tmp_path)
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "job.parquet").write_bytes(b"PAR1 no"), "damaged"),
        (lambda folder: (folder / "job.parquet").unlink(), "nothing there"),
        (lambda folder: (folder / "manifest.json").write_text("{"), "not JSON"),
        (lambda folder: (folder / "manifest.json").write_bytes(b"\xff"), "not JSON"),
        (lambda folder: (folder / "manifest.json").write_text("[]"), "another kind"),
        (lambda folder: edit(folder, schema=99), "schema 99"),
        (lambda folder: edit(folder, tables=["../../secret"]), "names of tables"),
        (lambda folder: edit(folder, tables=[["replications"]]), "names of tables"),
        (lambda folder: (folder / "manifest.json").unlink(), "no manifest.json"),
    ],
)
def test_damage_is_an_input_error(tmp_path: Path, damage: Callable[[Path], object], message: str) -> None:
    result().save(tmp_path)
    damage(tmp_path)
    with pytest.raises(InputError, match=message):
        rundir.read(tmp_path)


def edit(folder: Path, **changes: object) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing there"):
        rundir.read(tmp_path / "missing")
    with pytest.raises(InputError, match=r"no manifest\.json"):
        rundir.read(tmp_path)
