"""`ras-sim compare` through the real executable."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli.saying import said
from tests.cli.within import refused

ROOT = Path(__file__).parents[2]
EXECUTABLE = Path(sys.executable).with_name("ras-sim")
TINY = ROOT / "tests" / "scenarios" / "tiny.yaml"
FULL = ROOT / "tests" / "scenarios" / "full.yaml"
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "RAS_SIM_DEBUG"} | {
    "COLUMNS": "100",
    "NO_COLOR": "1",
    "PYTHONWARNINGS": "error",
}
INTERVAL = "job.checkpoints.remote.interval=15 min"
START = "repair.policy.start.default=rma"

pytestmark = pytest.mark.skipif(
    not EXECUTABLE.exists(), reason="the package is not installed beside this Python"
)


def compare(*arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(EXECUTABLE), "compare", *map(str, arguments)],
        capture_output=True,
        check=False,
        text=True,
        env=ENVIRONMENT,
        timeout=120,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_variants_of_one_file_for_people() -> None:
    done = compare(TINY, "--set-a", START, "--set-b", INTERVAL, "-n", "6", "--workers", "1")
    assert "3 designs on the same failures" in done.stdout
    assert "start.default=rma: no clear difference: goodput " in done.stdout
    assert "remote.interval=15 min" in done.stdout
    assert "95% interval" in done.stdout
    assert "times as many replications" in done.stdout
    assert said(done) == ""


def test_json_is_one_object_alone_and_the_same_for_any_number_of_workers() -> None:
    arguments = (TINY, "--set-a", START, "--set-a", INTERVAL, "-n", "4", "--seed", "7", "--json")
    made = [json.loads(compare(*arguments, "--workers", n).stdout) for n in ("1", "2")]
    assert {**made[0], "wall_s": 0} == {**made[1], "wall_s": 0}
    assert (made[0]["seed"], made[0]["replications"]) == (7, 4)
    assert [one["changes"] for one in made[0]["designs"]] == [[], [START, INTERVAL]]
    goodput = made[0]["against"][0]["metrics"]["goodput"]
    assert goodput["difference"]["mean"] == pytest.approx(goodput["other"] - goodput["base"])


def test_files_and_values_for_all_of_them(tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(
        TINY.read_text().replace("name: tiny", "name: faster").replace("interval: 1 h", "interval: 0.5 h")
    )
    done = compare(TINY, other, "--set", "horizon=5 d", "-n", "3", "--json", "--workers", "1")
    made = json.loads(done.stdout)
    assert [one["horizon_h"] for one in made["designs"]] == [120.0, 120.0]
    assert made["against"][0]["changes"] == [
        {"key": "job.checkpoints.remote.interval", "base": "1.0 h", "other": "0.5 h"}
    ]


def test_the_folder_of_a_comparison(tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = compare(TINY, "--set-a", START, "-n", "3", "--out", out, "--workers", "1")
    # The journal stays: the same command with a larger -n goes on with what is finished.
    assert sorted(path.name for path in out.iterdir() if path.suffix != ".journal") == [
        "compare.html",
        "comparison.json",
        "manifest.json",
        "replications.parquet",
        "summary.md",
    ]
    assert f"written to {out}" in done.stderr
    assert "| Goodput |" in (out / "summary.md").read_text()
    assert compare(TINY, "--set-a", START, "-n", "1", "--out", out, "-q", "--workers", "1").stdout == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((TINY,), "compare: got one design, want two or more"),
        ((TINY, "--set-a", "job.gpsu=3"), "--set-a 'job.gpsu=3': job.gpsu"),
        ((TINY, TINY, "-n", "0"), "replications: got 0, want >= 1"),
        ((TINY, "gone.yaml"), "gone.yaml: got no such file"),
        ((TINY, FULL, "--set", "horizon=-1"), "--set 'horizon=-1': horizon: got -1"),
        ((TINY, TINY, "--out", ROOT / "tests"), "want an earlier comparison"),
        ((TINY, "--set-z", "a=1"), "No such option"),
    ],
)
def test_bad_input_ends_with_2_and_a_message(arguments: Sequence[str | Path], message: str) -> None:
    assert message in refused("compare", *arguments)


def test_a_run_is_not_overwritten_by_a_comparison(tmp_path: Path) -> None:
    run = [str(EXECUTABLE), "run", str(TINY), "--out", str(tmp_path / "run"), "-q"]
    subprocess.run(run, check=True, env=ENVIRONMENT, timeout=120)
    assert "want an earlier comparison" in refused("compare", TINY, TINY, "--out", tmp_path / "run")


def test_designs_of_another_size_say_what_is_shared() -> None:
    done = compare(TINY, "--set-a", "machine.nodes=80", "-n", "3", "--workers", "1")
    assert "node.crash: 40 parts against 80" in " ".join(done.stdout.split())


def test_a_precision_decides_how_many_replications_there_are() -> None:
    arguments = (TINY, "--set-a", "job.initialise.base=10 min", "-n", "10", "--workers", "1", "--precision")
    made = json.loads(compare(*arguments, "0.1%", "--json").stdout)
    low, high = made["against"][0]["metrics"]["goodput"]["difference"]["ci95"]
    assert (high - low) / 2 <= 0.001
    assert made["precision"]["reached"]
    assert made["replications"] == made["precision"]["n_needed"] > 10
    short = compare(*arguments, "0.01%", "--max-replications", "15").stdout
    assert "goodput to ±0.01 points: not reached" in " ".join(short.split())
    assert "want points as a percentage or a fraction" in refused("compare", *arguments, "5x")
