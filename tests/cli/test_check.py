"""`ras-sim check` through the real executable, and the same through pytest."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from inspect import signature
from pathlib import Path

import pytest

from ras_sim.cli import app
from ras_sim.experiment.check import MAX_REPLICATIONS
from tests.cli.saying import said

ROOT = Path(__file__).parents[2]
EXECUTABLE = Path(sys.executable).with_name("ras-sim")
TINY = ROOT / "tests" / "scenarios" / "tiny.yaml"
ENVIRONMENT = {
    key: value for key, value in os.environ.items() if key not in ("RAS_SIM_DEBUG", "PYTEST_ADDOPTS")
} | {
    "COLUMNS": "100",
    "NO_COLOR": "1",
    "PYTHONWARNINGS": "error",
}
GOOD = "goodput: {at_least: 50 %}"
BAD = "goodput: {at_least: 99 %}"
BASELINE = "goodput: {no_worse_than_baseline_by: 1 %}"

pytestmark = [
    pytest.mark.slow,  # many starts of the command
    pytest.mark.skipif(not EXECUTABLE.exists(), reason="the package is not installed beside this Python"),
]


def run(*command: str | Path, code: int, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        check=False,
        text=True,
        env=ENVIRONMENT,
        timeout=120,
        cwd=folder,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    return done


def check(*arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    return run(EXECUTABLE, "check", *arguments, code=code)


def write(folder: Path, name: str, expect: str) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(TINY.read_text().replace("name: tiny", f"name: {name}") + f"expect: {{{expect}}}\n")
    return path


def test_one_line_for_each_expectation(tmp_path: Path) -> None:
    done = check(write(tmp_path, "mine", f"{GOOD}, mtti_h: {{at_least: 1 h}}"), "--workers", "1")
    lines = done.stdout.splitlines()
    assert lines[0].endswith("mine.yaml: pass (40 replications, seed 1)")
    assert lines[1].startswith("  pass         Goodput at least 50%: 95.")
    assert lines[2].startswith("  pass         MTTI at least 1 h: ")
    assert len(lines) == 3
    assert said(done) == ""


def test_one_that_fails_fails_all(tmp_path: Path) -> None:
    write(tmp_path, "good", GOOD)
    write(tmp_path, "bad", BAD)
    done = check(tmp_path, "--workers", "1", code=1)
    assert "bad.yaml: FAIL" in done.stdout
    assert "good.yaml: pass" in done.stdout
    assert done.stdout.splitlines()[-1] == "2 scenarios: 1 pass, 1 FAIL"
    assert check(tmp_path, "-q", "--workers", "1", code=1).stdout == ""


def test_what_cannot_be_decided_is_no_pass(tmp_path: Path) -> None:
    file = write(tmp_path, "close", "goodput: {at_least: 95.64 %}")
    done = check(file, "--max-replications", "40", "--workers", "1", code=1)
    assert "close.yaml: NOT DECIDED" in done.stdout
    assert "40 replications cannot tell" in done.stdout


def test_json_is_one_object_alone_and_the_same_for_any_number_of_workers(tmp_path: Path) -> None:
    file = write(tmp_path, "mine", f"{GOOD}, interruptions: {{at_most: 3}}")
    made = [
        json.loads(check(file, "--json", "--seed", "3", "--workers", n, code=1).stdout) for n in ("1", "2")
    ]
    for one in made:
        one["checks"][0]["wall_s"] = 0
    assert made[0] == made[1]
    (found,) = made[0]["checks"]
    assert (made[0]["schema"], made[0]["verdict"], found["verdict"], found["seed"]) == (1, "fail", "fail", 3)
    assert [one["verdict"] for one in found["expectations"]] == ["pass", "fail"]
    assert found["expectations"][0]["at_least"] == 0.5
    low, high = found["expectations"][0]["interval"]
    assert low < found["expectations"][0]["mean"] < high


def test_baseline_made_kept_missed_and_made_again(tmp_path: Path) -> None:
    file = write(tmp_path, "mine", BASELINE)
    assert "got nothing there" in check(file, code=2).stderr
    made = check(file, "--update", "--workers", "1").stdout
    assert "baselines/mine.json: new (" in made
    assert "Goodput: 95." in made
    assert "no difference" in check(tmp_path, "--workers", "1").stdout
    dearer = "job.checkpoints.remote.blocking=3 min"
    lost = check(file, "--set", dearer, "--workers", "1", code=1).stdout
    assert "FAIL         Goodput no worse than the baseline by more than 1 point: -" in lost
    assert "the scenario has changed since its baseline" in lost
    file.write_text(file.read_text().replace("blocking: 1 min", "blocking: 3 min"))
    before = (tmp_path / "baselines" / "mine.json").read_text()
    moved = check(file, "--update", "--workers", "1").stdout
    assert "mine.json: changed" in moved
    assert " -> 92." in moved
    assert (tmp_path / "baselines" / "mine.json").read_text() != before
    check(file, "--workers", "1")
    assert "unchanged" in check(file, "--update", "--workers", "1").stdout


@pytest.mark.parametrize(
    ("expect", "arguments", "message"),
    [
        ("goodputt: {at_least: 0.9}", (), "did you mean 'goodput'"),
        ("mtti_h: {at_least: 3}", (), "want a time with its unit"),
        (GOOD, ("--max-replications", "1"), "max-replications: got 1, want >= 2"),
        (GOOD, ("--workers", "0"), "workers: got 0, want >= 1"),
        (GOOD, ("--set", "job.gpsu=3"), "--set 'job.gpsu=3': job.gpsu"),
        (
            GOOD,
            ("--update",),
            "nothing to keep a baseline for, want an expectation `no_worse_than_baseline_by`",
        ),
        (BASELINE, ("--update", "--set", "horizon=5 d"), "--set: got --update beside it"),
        (BASELINE, ("--update", "--json"), "--json: got --update beside it"),
    ],
)
def test_bad_input_ends_with_2_and_a_message(
    tmp_path: Path, expect: str, arguments: Sequence[str], message: str
) -> None:
    done = check(write(tmp_path, "mine", expect), *arguments, code=2)
    assert message in done.stderr
    assert done.stdout == ""


def test_paths_without_anything_to_check(tmp_path: Path) -> None:
    assert "no scenario with `expect:`" in check(tmp_path, code=2).stderr
    assert "expect: got nothing, want something to check" in check(TINY, code=2).stderr
    assert "got no such file" in check(tmp_path / "gone.yaml", code=2).stderr


def test_everything_is_read_before_anything_runs(tmp_path: Path) -> None:
    write(tmp_path, "a", GOOD)
    write(tmp_path, "b", "goodputt: {at_least: 0.9}")
    write(tmp_path, "c", BASELINE)
    done = check(tmp_path, code=2)
    assert done.stdout == ""
    assert "b.yaml" in done.stderr
    assert "c.json" in done.stderr


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('"version": "', '"version": "9.'), "version: got '9."),
        (('"scenario": "mine"', '"scenario": "other"'), "scenario: got 'other', want 'mine'"),
        (("{", "["), "got no JSON, want a baseline"),
    ],
)
def test_a_baseline_of_something_else(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    file = write(tmp_path, "mine", BASELINE)
    check(file, "--update", "-q", "--workers", "1")
    stored = tmp_path / "baselines" / "mine.json"
    stored.write_text(stored.read_text().replace(*change, 1))
    done = check(file, code=2)
    assert message in done.stderr
    assert "ras-sim check --update" in done.stderr


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    file = write(tmp_path, "mine", BASELINE)
    (tmp_path / "baselines").write_text("a file where the folder should be")
    assert "baselines" in check(file, "--update", "--workers", "1", code=2).stderr


def test_the_option_has_the_default_of_the_library() -> None:
    assert signature(app.check).parameters["max_replications"].default == MAX_REPLICATIONS


# ---------------------------------------------------------------------- the pytest plugin


def run_pytest(folder: Path, *arguments: str, code: int = 0) -> str:
    command = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", folder, *arguments)
    return run(*command, code=code, folder=folder).stdout


def test_pytest_collects_scenarios_with_expectations(tmp_path: Path) -> None:
    write(tmp_path, "good", GOOD)
    write(tmp_path, "bad", BAD)
    write(tmp_path, "wrong", "goodputt: {at_least: 0.9}")
    (tmp_path / "plain.yaml").write_text(TINY.read_text())
    output = run_pytest(tmp_path, "--junitxml=junit.xml", "-v", "--ras-sim-workers=1", code=1)
    assert "good.yaml::expect PASSED" in output
    assert "bad.yaml::expect FAILED" in output
    assert "FAIL         Goodput at least 99%" in output
    assert "did you mean 'goodput'" in output
    assert "2 failed, 1 passed" in output
    suite = next(iter(ET.parse(tmp_path / "junit.xml").getroot()))
    assert (suite.get("tests"), suite.get("failures")) == ("3", "2")
    known = {one.get("name"): one.get("value") for one in suite.iter("property")}
    assert known["replications"] == "40"
    assert 0.9 < float(str(known["goodput"])) < 1.0
    assert "goodput.replications" not in known  # the same as of the whole check
    assert any("bad.yaml: FAIL" in str(one.text) for one in suite.iter("failure"))


def test_the_fixture_holds_a_scenario_to_anything(tmp_path: Path) -> None:
    write(tmp_path, "mine", BASELINE)
    check(tmp_path, "--update", "-q", "--workers", "1")
    (tmp_path / "test_mine.py").write_text(
        "import ras_sim\n"
        "def test_good(goodput_check):\n"
        "    found = goodput_check('mine.yaml', {'goodput': {'at_least': '50 %'}}, max_replications=50)\n"
        "    assert found.replications == 50\n"
        "def test_bad(goodput_check):\n"
        "    goodput_check(ras_sim.load('mine.yaml'), {'goodput': {'at_least': '99 %'}})\n"
        "def test_baseline(goodput_check):\n"
        "    assert goodput_check('mine.yaml').judged[0].method == 'paired'\n"
        "def test_lost(goodput_check):\n"
        "    goodput_check('mine.yaml', overrides=['job.checkpoints.remote.blocking=3 min'])\n"
    )
    output = run_pytest(tmp_path, "test_mine.py", "--ras-sim-workers=1", code=1)
    assert "2 failed, 2 passed" in output
    assert "mine: FAIL (40 replications, seed 1)" in output
    assert "mine.yaml: FAIL" in output


def test_workers_of_xdist_share_the_cores(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write(tmp_path, name, GOOD)
    assert "2 passed" in run_pytest(tmp_path, "-n", "2")


def test_pytest_without_scenarios_loads_nothing_of_the_simulator(tmp_path: Path) -> None:
    (tmp_path / "some.yaml").write_text("a: 1\n")
    (tmp_path / "test_some.py").write_text(
        "import sys\n"
        "def test_some():\n"
        "    loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "    assert 'ras_sim' in loaded\n"
        "    assert not loaded & {'numpy', 'pandas', 'pydantic', 'simpy', 'joblib', 'networkx'}\n"
    )
    assert "1 passed" in run_pytest(tmp_path)


def test_the_fixture_says_what_is_misspelt_without_a_traceback(tmp_path: Path) -> None:
    write(tmp_path, "mine", GOOD)
    (tmp_path / "test_mine.py").write_text(
        "def test_it(goodput_check):\n    goodput_check('mine.yaml', {'goodputt': {'at_least': '50 %'}})\n"
    )
    output = run_pytest(tmp_path, "test_mine.py", code=1)
    summary = output.index("short test summary")
    assert output.count("did you mean 'goodput'", 0, summary) == 1
    assert "Traceback" not in output
    assert "During handling" not in output
    assert len(output.splitlines()) < 20
