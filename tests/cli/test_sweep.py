"""`ras-sim sweep` through the real executable."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli.saying import said

ROOT = Path(__file__).parents[2]
EXECUTABLE = Path(sys.executable).with_name("ras-sim")
TINY = ROOT / "tests" / "scenarios" / "tiny.yaml"
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "RAS_SIM_DEBUG"} | {
    "COLUMNS": "100",
    "NO_COLOR": "1",
    "PYTHONWARNINGS": "error",
}
INTERVAL = "job.checkpoints.remote.interval=15 min,1 h"
SPARES = "job.spares.nodes=2,4"

pytestmark = [
    pytest.mark.slow,  # many starts of the command
    pytest.mark.skipif(not EXECUTABLE.exists(), reason="the package is not installed beside this Python"),
]


def sweep(*arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(EXECUTABLE), "sweep", *map(str, arguments)],
        capture_output=True,
        check=False,
        text=True,
        env=ENVIRONMENT,
        timeout=120,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_a_grid_for_people() -> None:
    done = sweep(TINY, "--vary", INTERVAL, "--vary", SPARES, "-n", "4", "--workers", "1")
    assert "4 points on the same failures (grid)" in done.stdout
    assert "Goodput is highest at remote.interval=1 h" in " ".join(done.stdout.split())
    assert "from the best" in done.stdout
    assert said(done) == ""


def test_json_is_one_object_alone_and_the_same_for_any_number_of_workers() -> None:
    arguments = (TINY, "--vary", SPARES, "-n", "3", "--seed", "7", "--metric", "mtti_h", "--json")
    made = [json.loads(sweep(*arguments, "--workers", n).stdout) for n in ("1", "2")]
    assert {**made[0], "wall_s": 0} == {**made[1], "wall_s": 0}
    assert (made[0]["seed"], made[0]["replications"], made[0]["metric"]) == (7, 3, "mtti_h")
    assert [one["values"] for one in made[0]["points"]] == [{"job.spares.nodes": n} for n in ("2", "4")]


def test_a_latin_hypercube() -> None:
    vary = ("--vary", "job.checkpoints.remote.interval=5..60 min", "--vary", "job.spares.nodes=0..4")
    arguments = (TINY, *vary, "--design", "lhs", "--points", "6", "-n", "2", "--json", "--set", "horizon=3 d")
    made = json.loads(sweep(*arguments, "--workers", "1").stdout)
    levels = [one["levels"]["job.checkpoints.remote.interval"] for one in made["points"]]
    assert len(levels) == 6
    assert all(5 / 60 <= one <= 1.0 for one in levels)


def test_the_folder_and_going_on_in_it(tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = (TINY, "--vary", INTERVAL, "-n", "3", "--workers", "1", "--out", out)
    assert f"written to {out}" in sweep(*arguments).stderr
    assert sorted(path.name for path in out.iterdir()) == [
        "manifest.json",
        "points",
        "replications.parquet",
        "summary.md",
        "sweep.html",
        "sweep.json",
    ]
    first = (out / "replications.parquet").read_bytes()
    assert "2 points were there already" in sweep(*arguments).stderr
    assert (out / "replications.parquet").read_bytes() == first
    assert "remote.interval" in (out / "summary.md").read_text()


def test_killed_at_any_moment_nothing_finished_is_lost_or_repeated(tmp_path: Path) -> None:
    values = ",".join(f"{minutes} min" for minutes in range(20, 60))
    vary = ("--vary", f"job.checkpoints.remote.interval={values}", "--set", "horizon=60 d")
    arguments = [TINY, *vary, "-n", "4", "--workers", "1", "-q"]
    sweep(*arguments, "--out", tmp_path / "whole")
    points = tmp_path / "cut" / "points"
    moments = random.Random(7)
    kept: dict[str, tuple[bytes, int]] = {}
    n_cut_short = 0
    for _ in range(6):
        command = [str(EXECUTABLE), "sweep", *map(str, arguments), "--out", str(tmp_path / "cut")]
        with subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE) as process:
            began_s, n_before = time.monotonic(), len(kept)
            while len(list(points.glob("*.parquet"))) == n_before < 40 and time.monotonic() - began_s < 60:
                if process.poll() is not None:
                    break
                time.sleep(0.005)
            time.sleep(moments.uniform(0.0, 0.15))
            process.kill()
            process.wait(60)
        n_cut_short += process.returncode == -9
        now = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in points.glob("*.parquet")}
        assert kept.items() <= now.items(), "what was finished stays as it was and is not written again"
        kept = now
    assert n_cut_short >= 2
    sweep(*arguments, "--out", tmp_path / "cut")
    now = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in points.glob("*.parquet")}
    assert kept.items() <= now.items()
    assert len(now) == 40
    for name in ("replications.parquet", *(f"points/{name}" for name in now)):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--vary: got nothing to vary"),
        (("--vary", "job.spares.node=1,2"), "--vary job.spares.node: job.spares.node: got the unknown key"),
        (("--vary", "job.spares.node=1,2"), "did you mean 'nodes'?"),
        (("--vary", "job.spares.nodes="), "--vary 'job.spares.nodes=': got no values"),
        (("--vary", "job.spares.nodes=-1"), "--vary job.spares.nodes: job.spares.nodes: got -1"),
        (("--vary", "job.spares.nodes=9..1", "--design", "lhs", "--points", "3"), "want low < high"),
        (("--vary", "job.spares.nodes=1..4"), "want values between commas (or --design lhs --points N)"),
        (
            ("--vary", SPARES, "--vary", "horizon=1 d", "--design", "zip"),
            "--vary: got job.spares.nodes with 2",
        ),
        (("--vary", SPARES, "--design", "latin"), "--design: got 'latin', want one of grid, zip, lhs"),
        (("--vary", SPARES, "--design", "lhs"), "--points: got nothing"),
        (("--vary", SPARES, "--metric", "godput"), "did you mean 'goodput'?"),
        (("--vary", SPARES, "-n", "0"), "replications: got 0, want >= 1"),
        (("--vary", SPARES, "--out", ROOT / "tests"), "want an earlier sweep"),
    ],
)
def test_bad_input_ends_with_2_and_a_message(arguments: Sequence[str | Path], message: str) -> None:
    done = sweep(TINY, *arguments, code=2)
    assert message in done.stderr
    assert done.stdout == ""
