"""What a whole fresh process costs: CPU time, wall time, peak memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.workloads import ROOT

# A small launcher in between: on Linux the peak of a child counts the parent it was forked from, and this one is small.
_LAUNCHER = """
import json, resource, subprocess, sys, time
began = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
wall = time.perf_counter() - began
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
unit = 1 if sys.platform == "darwin" else 1024
sys.stdout.write(json.dumps({
    "code": done.returncode, "error": done.stderr.decode(errors="replace"), "output": done.stdout.decode(errors="replace"),
    "cpu_s": usage.ru_utime + usage.ru_stime, "wall_s": wall, "peak_bytes": usage.ru_maxrss * unit}))
"""


@dataclass(frozen=True, slots=True)
class Usage:
    """One finished process, its children included.

    Args:
        cpu_s: user and system time, seconds.
        wall_s: seconds from start to end.
        peak_bytes: largest resident set.
        output: what it wrote to stdout.
    """

    cpu_s: float
    wall_s: float
    peak_bytes: int
    output: str


def fresh(command: Sequence[str | Path]) -> Usage:
    """Run a command to its end.

    Raises:
        RuntimeError: it failed; with what it wrote to stderr.
    """
    launched = subprocess.run(
        [sys.executable, "-S", "-c", _LAUNCHER, *map(str, command)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(launched.stdout)
    if told["code"] != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: exit {told['code']}\n{told['error']}")
    return Usage(told["cpu_s"], told["wall_s"], told["peak_bytes"], told["output"])


def python(code: str, *args: str) -> list[str]:
    """The command that runs a line of Python in this environment."""
    return [sys.executable, "-c", code, *args]


def ras_sim(*args: str | Path) -> list[str]:
    """The command that runs `ras-sim` as its entry point does."""
    return python("from ras_sim.cli import main; main()", *map(str, args))
