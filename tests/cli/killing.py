"""A command that is killed at random moments, again and again, until it ends by itself.

The command runs in a fork of a process that has everything imported already: a start from nothing would take longer than
what is to be killed. Its engine is slow, and tells when it is done with a replication.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ras_sim.experiment.journal import SUFFIX, Journal

ROOT = Path(__file__).parents[2]
TINY = ROOT / "tests" / "scenarios" / "tiny.yaml"
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "RAS_SIM_DEBUG"} | {
    "COLUMNS": "100",
    "NO_COLOR": "1",
    "PYTHONPATH": str(ROOT),
}
SLOW_S = 0.01


class Killed(NamedTuple):
    """What a command did that was killed again and again.

    Args:
        n_kills: how often.
        made: (scenario, replication) -> how often it was simulated to its end.
        lost: pieces that were on the disk and were not there any more after a later kill.
    """

    n_kills: int
    made: dict[str, int]
    lost: list[str]


def kill_until_done(arguments: Sequence[str], folder: Path, seed: int) -> Killed:
    """Run a command, kill it at a random moment, run it again, until it ends by itself.

    The moments are random over its start, its first replications, and the writing of its results.
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.cli.killing", str(folder), str(seed), *arguments],
        cwd=ROOT, env=ENVIRONMENT, capture_output=True, check=False, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return Killed(*json.loads(done.stdout))


def _killed(folder: Path, seed: int, arguments: Sequence[str]) -> Killed:
    moments, log, n_kills = random.Random(seed), folder.with_suffix(".log"), 0
    log.touch()
    kept: Counter[str] = Counter()
    lost: list[str] = []
    while n_kills < 200:
        size, at_start = log.stat().st_size, moments.random() < 0.1
        child = _started([*arguments, "--out", str(folder)], log)
        n_more = 0 if at_start else moments.randint(1, 12)
        while log.read_bytes()[size:].count(b"\n") < n_more and not _has_ended(child):
            time.sleep(0.001)
        time.sleep(moments.uniform(0.0, 2 * SLOW_S))
        if not _has_ended(child):
            os.kill(child, 9)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code != -9:
            assert code == 0
            return Killed(n_kills, dict(Counter(log.read_text().splitlines())), lost)
        n_kills += 1
        now, finished = pieces(folder)
        assert not [piece for piece, n in now.items() if n > 1]
        lost += [piece for piece in kept if piece not in now and piece.split()[0] not in finished]
        kept = now
    raise AssertionError("it does not come to an end")


def _has_ended(child: int) -> bool:
    """Whether the process has ended; it can still be waited for."""
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _started(arguments: Sequence[str], log: Path) -> int:
    """Run the command in a fork of this process; returns its id."""
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        import ras_sim.engine
        from ras_sim.cli import main

        ras_sim.engine.simulate = Slow(str(log))
        sys.argv = ["ras-sim", *arguments]
        main()
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        os._exit(code)


class Slow:
    """The engine, slower, and with a line in a file for each replication that it has finished."""

    def __init__(self, log: str) -> None:
        from ras_sim.engine import simulate

        self._log, self._simulate = log, simulate

    def __call__(self, scenario: Any, *, seed: int, replication: int) -> Any:
        ledger = self._simulate(scenario, seed=seed, replication=replication)
        time.sleep(SLOW_S)
        with open(self._log, "ab", buffering=0) as log:
            log.write(f"{_hash_of(scenario)} {replication}\n".encode())
        return ledger


def _hash_of(given: Any) -> str:
    """What tells scenarios apart, or the setups that workers get of them."""
    return getattr(given, "content_hash", None) or hashlib.sha256(pickle.dumps(given)).hexdigest()


def pieces(folder: Path) -> tuple[Counter[str], set[str]]:
    """Finished pieces that are on the disk by the records of journals, and the journals whose results are written."""
    found: Counter[str] = Counter()
    for path in sorted(folder.rglob(f"*{SUFFIX}")):
        found.update(f"{path.stem} {hash(record)}" for record in Journal(path).records)
    finished = {path.stem for path in folder.glob("points/*.parquet")}
    if (folder / "manifest.json").exists():
        finished.add(json.loads((folder / "manifest.json").read_text()).get("key", ""))
    return found, finished


def _import_everything() -> None:
    import pyarrow.parquet  # noqa: F401

    import ras_sim.cli.compare
    import ras_sim.cli.run
    import ras_sim.cli.sweep
    import ras_sim.engine  # noqa: F401


if __name__ == "__main__":
    _import_everything()
    print(json.dumps(_killed(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])))
