"""`ras-sim importance` through the real executable."""

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

pytestmark = pytest.mark.skipif(
    not EXECUTABLE.exists(), reason="the package is not installed beside this Python"
)


def importance(*arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(EXECUTABLE), "importance", *map(str, arguments)],
        capture_output=True,
        check=False,
        text=True,
        env=ENVIRONMENT,
        timeout=120,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_a_ranking_for_people_and_its_folder(tmp_path: Path) -> None:
    out = tmp_path / "worth"
    done = importance(TINY, "-n", "4", "--workers", "1", "--out", out)
    for words in ("Never fails", "Found at once", "Repaired one rung lower", "node.crash", "95% interval"):
        assert words in done.stdout
    assert "…" not in done.stdout
    assert said(done) == f"written to {out}\n"
    assert {path.name for path in out.iterdir()} == {"importance.html", "importance.json", "summary.md"}


def test_json_is_one_object_alone() -> None:
    done = importance(TINY, "-n", "3", "--seed", "7", "--what", "never", "--workers", "1", "--json")
    made = json.loads(done.stdout)
    assert (made["seed"], made["replications"], made["interrupted"]) == (7, 3, False)
    assert [(gain["target"], gain["what"]) for gain in made["gains"]] == [("node.crash", "never")]
    assert made["gains"][0]["goodput"] > made["goodput"]["mean"]


def test_quiet_says_nothing() -> None:
    done = importance(TINY, "-n", "2", "--what", "found", "--workers", "1", "--quiet")
    assert done.stdout == said(done) == ""


def test_wrong_names_and_folders_are_refused_before_the_runs(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    for message, arguments in (("did you mean 'fewer'", ("--what", "fewr")), ("mine.txt", ("--out", tmp_path))):
        assert message in refused("importance", TINY, *arguments)
