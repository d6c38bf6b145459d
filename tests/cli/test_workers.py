"""Who does the work, as options say it: what cannot be is refused before anything runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path

import pytest

from ras_sim.cli.workers import at_hand, chosen
from ras_sim.errors import InputError
from ras_sim.experiment.executors import Cluster, Workers, spread

TINY = Path(__file__).parents[1] / "scenarios" / "tiny.yaml"


def test_processes_are_passed_on() -> None:
    assert chosen(None, None, None, quiet=True) is None
    assert chosen(3, None, None, quiet=True) == 3


@pytest.mark.parametrize(
    ("workers", "address", "tls", "message"),
    [
        (2, "tcp://a:1", None, "--workers: got --cluster beside it, want one of them"),
        (None, None, Path("tls"), "--cluster-tls: got no --cluster"),
        (None, "scheduler", None, "--cluster: got 'scheduler', want PROTOCOL://HOST:PORT"),
        (None, "tcp://scheduler", None, "--cluster: got 'tcp://scheduler', want PROTOCOL://HOST:PORT"),
        (None, "http://scheduler:1", None, "want PROTOCOL://HOST:PORT, e.g. tcp://scheduler:8786"),
        (None, "tls://a:1", Path("nowhere"), "ca.pem: --cluster-tls: got nothing there, want ca.pem cert.pem key.pem"),
    ],
)
def test_what_cannot_be(workers: int | None, address: str | None, tls: Path | None, message: str) -> None:
    pytest.importorskip("distributed")
    with pytest.raises(InputError) as caught:
        chosen(workers, address, tls, quiet=True)
    assert message in str(caught.value)


def test_without_dask_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"--cluster: got no Dask, .*pip install 'ras-sim\[cluster\]'"):
        list(spread(abs, [(1,)], Cluster("tcp://a:1")))


def whose(_: int) -> int:
    time.sleep(0.02)
    return os.getpid()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("fails", [False, True])
def test_processes_at_hand_do_the_work_and_end_with_the_block(fails: bool) -> None:
    with suppress(InputError), at_hand(2, 50):
        there = [pid for pid in children(os.getpid()) if b"popen_loky" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        if fails:
            raise InputError([])
        used = set(spread(whose, [(k,) for k in range(50)], 2))
        assert len(used) == 2
        assert used <= set(there), "others were started for the work"
    assert not any(map(works, there))


@pytest.mark.parametrize(("workers", "n_tasks"), [(None, 9), (1, 9), (2, 1), (0, 9), (Cluster("tcp://a:1"), 9)])
def test_no_process_starts_that_will_not_be_needed(workers: Workers, n_tasks: int) -> None:
    assert isinstance(at_hand(workers, n_tasks), nullcontext)


@pytest.mark.parametrize("command", [["run", "-n", "9"], ["compare", "--set-a", "horizon=1 d"]])
def test_a_file_that_cannot_be_read_is_told_with_processes_at_hand(command: list[str]) -> None:
    main = "from ras_sim.cli import main; main()"
    line = [sys.executable, "-c", main, command[0], "nowhere.yaml", *command[1:], "--workers", "2"]
    found = subprocess.run(line, check=False, capture_output=True, text=True, timeout=60)
    assert (found.returncode, found.stdout) == (2, "")
    assert set(found.stderr.splitlines()) == {"nowhere.yaml: got no such file or directory, want a file to read"}


def children(pid: int) -> list[int]:
    """Processes that a process has started, and that still work."""
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += [int(child) for child in path.read_text().split()]
    return [child for child in found if works(child)]


def works(pid: int) -> bool:
    """Whether a process has not ended; one that nobody has waited for has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def within(seconds: float, found: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not found() and time.monotonic() < end:
        time.sleep(0.05)
    return found()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_ctrl_c_does_not_reach_processes_on_their_way() -> None:
    """A terminal sends it to all of them: in one that still loads its libraries it would print a traceback."""
    program = "import time; from ras_sim.experiment.processes import started\nwith started(2): time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", program]) as parent:
        try:
            assert within(10.0, lambda: len(of_the_pool(parent.pid)) == 2)
            for number in of_the_pool(parent.pid):  # they have just begun
                status = Path(f"/proc/{number}/status").read_text(encoding="ascii")
                masks = [int(line.split()[1], 16) for line in status.splitlines() if line.startswith(("SigBlk", "SigIgn"))]
                assert any(mask & 1 << signal.SIGINT - 1 for mask in masks)
        finally:
            parent.kill()


def of_the_pool(parent: int) -> list[int]:
    """Processes of a pool that a process has started."""
    return [one for one in children(parent) if b"popen_loky" in Path(f"/proc/{one}/cmdline").read_bytes()]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_processes_end_when_the_one_that_started_them_is_killed() -> None:
    main = "from ras_sim.cli import main; main()"
    command = [sys.executable, "-c", main, "run", str(TINY), "-n", "1000000", "-q", "--workers", "2"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as parent:
        started: list[int] = []
        try:
            assert within(30.0, lambda: len(children(parent.pid)) >= 2)
            time.sleep(2.0)  # all are there, and at work
            started = children(parent.pid)
            assert len(started) >= 2
        finally:
            parent.kill()
    try:
        assert within(10.0, lambda: not any(map(works, started)))
    finally:
        for one in filter(works, started):
            os.kill(one, signal.SIGKILL)
