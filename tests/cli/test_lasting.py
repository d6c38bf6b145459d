"""Commands that are killed at any moment, that meet each other, a full disk, a folder that cannot be written."""

from __future__ import annotations

import io
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from ras_sim.cli import main
from tests.cli.killing import ENVIRONMENT, TINY, kill_until_done

EXECUTABLE = Path(sys.executable).with_name("ras-sim")

pytestmark = [
    pytest.mark.slow,  # many starts of the command
    pytest.mark.skipif(os.name == "nt", reason="signals of POSIX"),
    pytest.mark.skipif(not EXECUTABLE.exists(), reason="the package is not installed beside this Python"),
]

SWEEP = ["--vary", "job.checkpoints.remote.interval=" + ",".join(f"{n} min" for n in range(20, 80, 4))]
COMMANDS = {
    "sweep": ["sweep", str(TINY), *SWEEP, "-n", "12", "-q", "--workers"],
    "run": ["run", str(TINY), "-n", "180", "-q", "--workers"],
    "compare": ["compare", str(TINY), "--set-b", "job.spares.nodes=0", "-n", "90", "-q", "--workers"],
}


def ended(*arguments: str | Path) -> tuple[int, str]:
    """Run a command in this process; returns its exit code and its error stream."""
    errors = io.StringIO()
    argv = ["ras-sim", *map(str, arguments)]
    with pytest.MonkeyPatch.context() as patch, redirect_stderr(errors), redirect_stdout(io.StringIO()):
        patch.setattr(sys, "argv", argv)
        patch.delenv("RAS_SIM_DEBUG", raising=False)
        with pytest.raises(SystemExit) as end:
            main()
    assert isinstance(end.value.code, int)
    return end.value.code, errors.getvalue()


def ras_sim(*arguments: str | Path, code: int = 0) -> str:
    """Run a command that must end with this code; returns its error stream."""
    found, said = ended(*arguments)
    assert found == code, said
    return said


@contextmanager
def small_files(n_bytes: int) -> Iterator[None]:
    """No file may become larger: what a quota does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # so that the write fails, as on a full disk
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def tables(folder: Path) -> dict[str, bytes]:
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.parquet")}
    assert found
    return found


@pytest.mark.parametrize(("command", "workers"), [("sweep", "1"), ("run", "1"), ("compare", "1")])
def test_killed_at_any_moment_nothing_finished_is_lost_or_repeated(
    tmp_path: Path, command: str, workers: str
) -> None:
    ras_sim(*COMMANDS[command], "2", "--out", tmp_path / "whole")
    killed = kill_until_done([*COMMANDS[command], workers], tmp_path / "cut", seed=7)
    assert killed.n_kills >= 20
    assert killed.lost == []
    # Of what a process had finished and not handed on when it was killed, the disk cannot know.
    n_repeated = sum(n - 1 for n in killed.made.values())
    assert n_repeated <= killed.n_kills * int(workers) * (2 if command == "compare" else 1)
    assert len(killed.made) == 180
    assert tables(tmp_path / "cut") == tables(tmp_path / "whole")
    again = kill_until_done([*COMMANDS[command], workers], tmp_path / "cut", seed=3)
    assert again.made == killed.made, "the same command again simulates nothing"
    assert tables(tmp_path / "cut") == tables(tmp_path / "whole")
    names = {path.name for path in (tmp_path / "whole").iterdir()}
    assert names == {path.name for path in (tmp_path / "cut").iterdir()}




@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mounting, capture_output=True, check=False).returncode:
        pytest.skip("may not mount a file system")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def fill(disk: Path, n_free_bytes: int) -> None:
    """Leave only so many bytes free."""
    (disk / "ballast").unlink(missing_ok=True)
    statistics = os.statvfs(disk)
    (disk / "ballast").write_bytes(bytes(max(0, statistics.f_bavail * statistics.f_frsize - n_free_bytes)))


FEW = {
    "sweep": ["sweep", TINY, "--vary", "job.spares.nodes=2,4", "-n", "2", "--workers", "1", "-q"],
    "run": ["run", TINY, "-n", "3", "--workers", "1", "-q"],
    "compare": ["compare", TINY, "--set-b", "job.spares.nodes=0", "-n", "2", "--workers", "1", "-q"],
    "importance": ["importance", TINY, "-n", "2", "--workers", "1", "-q"],
}


@pytest.mark.parametrize("command", list(FEW))
def test_a_full_disk_is_said_clearly_and_loses_nothing(small_disk: Path, command: str, tmp_path: Path) -> None:
    """At every write: the disk is given some more pages until the command fits. What was there before stays whole."""
    out, n_pages, n_refused = small_disk / "out", 0, 0
    ras_sim(*FEW[command], "--seed", "2", "--out", out)
    before, n_whole = results(out), 0
    for _ in range(60):
        fill(small_disk, 4096 * n_pages)
        code, said = ended(*FEW[command], "--out", out)
        if code == 0:
            break
        assert code == 2, said
        assert "No space left on device, want room on the disk (make room, then the same command" in said
        if (now := results(out)).items() >= before.items():
            n_whole += 1
        else:  # the new one took the place of the old one, and only its report is missing
            assert {**before, **now} != before
        n_refused += 1
        n_pages += 1 + n_pages // 4
    assert n_refused >= n_whole > 0
    (small_disk / "ballast").unlink()
    ras_sim(*FEW[command], "--out", out)
    ras_sim(*FEW[command], "--out", tmp_path / "undisturbed")
    assert results(out).items() >= results(tmp_path / "undisturbed").items()


def results(folder: Path) -> dict[str, bytes]:
    """Tables, or what is left of a result without one but for the time that it took."""
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.parquet")}
    return found or {"gains": json.dumps(json.loads((folder / "importance.json").read_text())["gains"]).encode()}


@pytest.mark.parametrize("command", list(COMMANDS))
def test_no_file_may_grow(command: str, tmp_path: Path) -> None:
    """A quota, met in the middle of a journal."""
    with small_files(1000):
        said = ras_sim(*COMMANDS[command], "1", "--out", tmp_path / "out", code=2)
    assert "File too large, want room on the disk" in said
    ras_sim(*COMMANDS[command], "1", "--out", tmp_path / "out")
    ras_sim(*COMMANDS[command], "1", "--out", tmp_path / "undisturbed")
    assert tables(tmp_path / "out") == tables(tmp_path / "undisturbed")


@pytest.mark.parametrize("command", list(FEW))
def test_a_folder_that_may_only_be_read(small_disk: Path, command: str) -> None:
    out = small_disk / "out"
    out.mkdir()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    said = ras_sim(*FEW[command], "--out", out, code=2)
    assert f"{out}: got " in said
    assert "Read-only file system" in said or "where nothing can be written" in said


@pytest.mark.parametrize("command", list(COMMANDS))
def test_a_second_process_in_the_same_folder_is_refused(command: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = [str(EXECUTABLE), *COMMANDS[command], "1", "--set", "horizon=20000 d", "--out", str(out)]
    with subprocess.Popen(first, env=ENVIRONMENT, stderr=subprocess.PIPE) as process:
        while not (out / "lock").exists():
            assert process.poll() is None
            time.sleep(0.01)
        said = ras_sim(*COMMANDS[command], "1", "--out", out, code=2)
        assert f"{out}: got a folder that another process is at work in, want a folder of its own" in said
        assert process.poll() is None
        process.kill()
    ras_sim(*COMMANDS[command], "1", "--out", out)
