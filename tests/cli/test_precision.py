"""`ras-sim run --precision`: what it decides, what it says, and that it goes on where it was stopped."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from ras_sim.cli import progress as module
from ras_sim.cli.progress import Progress
from ras_sim.experiment.replicate import run
from ras_sim.metrics.precision import Wish
from ras_sim.scenario.load import load
from tests.cli.test_command_line import ENVIRONMENT, EXECUTABLE
from tests.cli.within import refused

TINY = Path(__file__).parents[1] / "scenarios" / "tiny.yaml"


def command(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    words = [str(EXECUTABLE), "run", *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, env=ENVIRONMENT, timeout=120, check=False)
    assert done.returncode == code, done.stderr
    return done


def test_a_precision_decides_how_many_replications_there_are_and_is_told_everywhere(tmp_path: Path) -> None:
    out = tmp_path / "out"
    shown = command(TINY, "--precision", "0.4%", "-n", "20", "--workers", "1", "--out", out).stdout
    assert "goodput to ±0.4 points: reached" in " ".join(shown.split())
    made = json.loads((out / "manifest.json").read_text())
    assert made["precision"]["n_first"] == 20 < made["precision"]["n_needed"] == made["replications"]
    for page in ("summary.md", "report.html"):
        assert "goodput to ±0.4 points: reached" in (out / page).read_text(encoding="utf-8")
    found = json.loads(command(TINY, "--precision", "0.4%", "-n", "20", "--json").stdout)
    low, high = found["precision"]["ci95"]
    assert (high - low) / 2 <= 0.004
    assert found["metrics"]["goodput"]["ci95"] == [low, high]
    assert found["replications"] == made["replications"]


def test_a_metric_that_is_no_headline_is_shown_with_its_interval() -> None:
    shown = command(TINY, "--precision", "10 %", "--metric", "time_h.restore", "--workers", "1").stdout
    assert "time: restore to ±10%: reached" in " ".join(shown.split())
    assert any(line.startswith("time: restore") and "95% interval" in line for line in shown.splitlines())
    short = command(TINY, "--precision", "0.1 %", "--metric", "mtti_h", "--max-replications", "45", "--workers", "1").stdout
    assert "MTTI to ±0.1%: not reached, that takes" in " ".join(short.split())


@pytest.mark.slow
def test_quantiles_are_shown_when_they_mean_something() -> None:
    assert "P5" not in command(TINY, "-n", "71", "--workers", "1").stdout
    assert "Goodput of single replications: P5" in command(TINY, "-n", "72", "--workers", "1").stdout


@pytest.mark.slow
def test_the_same_command_goes_on_to_the_same_precision(tmp_path: Path) -> None:
    out, keys = tmp_path / "out", ("--precision", "0.4%", "-n", "20", "--workers", "1")
    stopped = run(load(TINY), replications=25, workers=1)
    replace(stopped, interrupted=True).save(out)
    assert "25 of the replications were there already" in command(TINY, *keys, "--out", out).stderr
    whole = json.loads(command(TINY, *keys, "--json").stdout)
    made = json.loads((out / "manifest.json").read_text())
    assert made["precision"] == {name: whole["precision"][name] for name in made["precision"]}
    assert made["finished"] == list(range(whole["replications"]))


def test_what_makes_no_sense_is_said() -> None:
    assert (
        "none of it with --replication"
        in refused("run", TINY, "--precision", "1%", "--replication", "3")
    )
    assert "want a precision with it" in refused("run", TINY, "--metric", "mtti_h")
    both = refused("run", TINY, "--precision", "1 h", "--metric", "goodputt", "-n", "5")
    assert "did you mean 'goodput'" in both
    assert "replications: got 5, want >= 10" in both
    assert "replications: got 0" in refused("run", TINY, "-n", "0")


def test_progress_shows_the_interval_closing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "QUIET_S", 0.0)
    with Progress(quiet=False) as progress:
        progress.closing_in(0.005, Wish("goodput", 0.002, False, 100))
        progress(3, 20)
    assert "3 of 20 replications: goodput ±0.5 points, wanted ±0.2 points" in capsys.readouterr().err
    with Progress(quiet=False) as progress:
        progress.closing_in(None, Wish("mtti_h", 0.05, True, 100))
        progress(1, 20)
    assert "MTTI not known, wanted ±5%" in capsys.readouterr().err
    with Progress(quiet=False) as progress:
        progress(1, 20)
    assert "wanted" not in capsys.readouterr().err
