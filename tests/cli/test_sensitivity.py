"""`ras-sim sensitivity` and `ras-sim optimize` through the real executable."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.saying import said
from tests.cli.within import refused

ROOT = Path(__file__).parents[2]
EXECUTABLE = Path(sys.executable).with_name("ras-sim")
TINY = ROOT / "tests" / "scenarios" / "tiny.yaml"
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "RAS_SIM_DEBUG"} | {
    "COLUMNS": "80",
    "NO_COLOR": "1",
    "PYTHONWARNINGS": "error",
}
CRASH = ("--vary", "detection.crash=30 s..1 h")
INTERVAL = ("--vary", "job.checkpoints.remote.interval=5 min..4 h")

pytestmark = pytest.mark.skipif(
    not EXECUTABLE.exists(), reason="the package is not installed beside this Python"
)


def command(*arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(EXECUTABLE), *map(str, arguments)],
        capture_output=True,
        check=False,
        text=True,
        env=ENVIRONMENT,
        timeout=120,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_a_tornado_for_people_and_its_folder_which_goes_on(tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ("sensitivity", TINY, *CRASH, *INTERVAL, "-n", "4", "--workers", "1", "--out", out)
    done = command(*arguments)
    for words in ("It depends most on", "detection.crash", "swing", "95% interval"):
        assert words in done.stdout
    assert done.stderr.endswith(f"written to {out}\n")
    reports = {"sensitivity.html", "sensitivity.json", "summary.md", "points"}
    assert {path.name for path in out.iterdir()} == reports
    assert said(command(*arguments)) == f"written to {out}; 5 points were there already\n"


@pytest.mark.parametrize(
    ("method", "n"), [("morris", ("--trajectories", "4")), ("sobol", ("--samples", "8"))]
)
def test_json_is_one_object_alone(method: str, n: tuple[str, str]) -> None:
    done = command("sensitivity", TINY, *CRASH, "--method", method, *n, "-n", "2", "--workers", "1", "--json")
    made = json.loads(done.stdout)
    assert (made["method"], made["interrupted"]) == (method, False)
    assert [one["key"] for one in made["numbers"]] == ["detection.crash"]


def test_an_optimum_for_people_and_a_file_that_loads(tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = command("optimize", TINY, *INTERVAL, "--trials", "6", "-n", "2", "--fresh", "4", "--out", out)
    assert "on 4 histories that the search has not seen" in " ".join(done.stdout.split())
    assert "best.yaml: good" in command("validate", out / "best.yaml").stdout


def test_trade_offs_as_json() -> None:
    two = ("--objective", "goodput", "--objective", "time_h.checkpoint_save")
    done = command("optimize", TINY, *INTERVAL, *two, "--trials", "5", "-n", "2", "--fresh", "2", "--json")
    made = json.loads(done.stdout)
    assert [one["better"] for one in made["objectives"]] == ["more", "less"]
    assert len(made["trials"]) == 5
    assert made["finalists"]


def test_bad_input_is_told_before_any_run(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    wrong = [("no uncertain number", ("sensitivity", TINY)), ("nothing to vary", ("optimize", TINY))]
    for name in ("sensitivity", "optimize"):
        wrong.append(("did you mean 'crash'", (name, TINY, "--vary", "detection.crsh=1..2 min")))
        wrong.append(("mine.txt", (name, TINY, *CRASH, "--out", tmp_path)))
    for message, arguments in wrong:
        assert message in refused(*arguments)


def test_validate_reads_every_range_at_both_ends(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY.read_text())
    path = tmp_path / "more.yaml"
    path.write_text("extends: tiny.yaml\nuncertain: {job.spares.nodes: {low: 1, high: 9, source: assumed}}\n")
    done = command("validate", path, code=2)
    assert "uncertain job.spares.nodes: job.spares.nodes: got 9, want at most 8" in done.stderr
