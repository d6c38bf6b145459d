"""`--allow-code`: every command runs a policy function with it and refuses it without, in any process the same bytes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.killing import ENVIRONMENT, TINY

FULL = Path(__file__).parents[1] / "scenarios" / "full.yaml"
EXECUTABLE = Path(sys.executable).with_name("ras-sim")

pytestmark = pytest.mark.skipif(not EXECUTABLE.exists(), reason="the package is not installed beside this Python")

CODE = """def patient(case):
    return None

def eager(case):
    return "rma"

def broken(case):
    return {}["no such key"]
"""


def ras_sim(*arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(EXECUTABLE), *map(str, arguments)],
        capture_output=True, check=False, text=True, env={**ENVIRONMENT, "PYTHONWARNINGS": "error"}, timeout=180,
    )  # fmt: skip
    assert done.returncode == code, (done.returncode, done.stderr)
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two scenarios with functions of one module, and the one without that they extend."""
    shutil.copy(TINY, tmp_path / "tiny.yaml")
    (tmp_path / "mine.py").write_text(CODE, encoding="utf-8")
    for name in ("patient", "eager", "broken"):
        text = f"extends: tiny.yaml\nname: {name}\nrepair: {{policy: {{function: mine:{name}}}}}\n"
        (tmp_path / f"{name}.yaml").write_text(text + "expect: {goodput: {at_least: 1 %}}\n", encoding="utf-8")
    return tmp_path


NAME = "repair.policy.function"
COMMANDS: dict[str, tuple[str, ...]] = {
    "run": ("run", "eager.yaml", "-n", "2", "-q"),
    "validate": ("validate", "eager.yaml"),
    "show": ("show", "eager.yaml"),
    "compare": ("compare", "tiny.yaml", "eager.yaml", "-n", "2", "-q"),
    "compare variants": ("compare", "eager.yaml", "--set-b", f"{NAME}=mine:patient", "-n", "2", "-q"),
    "sweep": ("sweep", "eager.yaml", "--vary", f"{NAME}=mine:patient,mine:eager", "-n", "2", "-q"),
    "sensitivity": ("sensitivity", "eager.yaml", "--vary", "detection.crash=1 min..2 min", "-n", "2", "-q"),
    "optimize": (
        "optimize", "eager.yaml", "--vary", "job.spares.nodes=2,3", "--trials", "2", "-n", "2", "--fresh", "2", "-q",
    ),
    "importance": ("importance", "eager.yaml", "-n", "2", "-q"),
    "check": ("check", "eager.yaml", "--max-replications", "40"),
}  # fmt: skip


@pytest.mark.slow  # two starts of each command
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_asks_for_leave(command: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    more = () if command in ("validate", "show") else ("--workers", "1")
    refused = ras_sim(*COMMANDS[command], *more, code=2)
    assert f"{NAME}: got Python code, 'mine:eager', want leave to run it" in refused.stderr
    assert "--allow-code" in refused.stderr
    ras_sim(*COMMANDS[command], *more, "--allow-code")


def test_show_says_that_the_policy_is_code(folder: Path) -> None:
    shown = ras_sim("show", folder / "eager.yaml", "--allow-code").stdout
    assert "Python: mine:eager, 8 lines (" in shown
    assert "Python" not in ras_sim("show", folder / "tiny.yaml").stdout


@pytest.mark.slow  # four runs
def test_a_saved_run_has_the_text_and_can_be_run_again_without_the_file(folder: Path) -> None:
    for n, out in ((1, "one"), (2, "two")):
        ras_sim("run", folder / "eager.yaml", "--allow-code", "-n", 4, "--workers", n, "--out", folder / out, "-q")
    manifest = json.loads((folder / "one" / "manifest.json").read_text())
    assert 'return "rma"' in manifest["resolved_text"]
    (folder / "again.yaml").write_text(manifest["resolved_text"], encoding="utf-8")
    (folder / "mine.py").unlink()
    ras_sim("run", folder / "again.yaml", "--allow-code", "-n", 4, "--workers", 2, "--out", folder / "three", "-q")
    tables = [
        {path.name: path.read_bytes() for path in (folder / out).glob("*.parquet")} for out in ("one", "two", "three")
    ]
    assert tables[0] == tables[1] == tables[2]
    assert len(tables[0]) > 5
    again = json.loads((folder / "three" / "manifest.json").read_text())
    assert again["content_hash"] == manifest["content_hash"]


def test_explain_reads_the_machine_and_runs_no_policy(folder: Path) -> None:
    shutil.copy(FULL, folder / "tiny.yaml")
    ras_sim("run", folder / "eager.yaml", "--allow-code", "-n", 1, "--workers", 1, "--out", folder / "out", "-q")
    assert " -> " in ras_sim("explain", folder / "out", "--worst", "9").stdout, "what goes down with a part"


@pytest.mark.slow  # two runs
def test_another_text_is_another_run(folder: Path) -> None:
    command = ("run", folder / "eager.yaml", "--allow-code", "-n", 2, "--workers", 1, "--out", folder / "out", "-q")
    ras_sim(*command)
    first = (folder / "out" / "attempts.parquet").read_bytes()
    (folder / "mine.py").write_text(CODE.replace('"rma"', "None"), encoding="utf-8")
    ras_sim(*command)
    assert (folder / "out" / "attempts.parquet").read_bytes() != first


@pytest.mark.parametrize("workers", [1, 2])
def test_a_function_that_fails_is_told_with_its_line_whoever_ran_it(workers: int, folder: Path) -> None:
    done = ras_sim("run", folder / "broken.yaml", "--allow-code", "-n", 3, "--workers", workers, "-q", code=2)
    assert "mine.py:8: broken: got KeyError: 'no such key', want a rung that applies to" in done.stderr
    assert " h of replication " in done.stderr


def test_compare_meets_the_same_failures_with_functions_on_both_sides(folder: Path) -> None:
    both = folder / "patient.yaml", folder / "eager.yaml"
    done = ras_sim("compare", *both, "--allow-code", "-n", 3, "--workers", 1, "--json")
    (other,) = json.loads(done.stdout)["against"]
    assert other["shared_histories"]["same"]
    assert not other["shared_histories"]["different"]
    changes = {one["key"]: one["base"] for one in other["changes"]}
    assert changes[f"{NAME}.name"] == "mine:patient"
    assert f"{NAME}.code" not in changes


@pytest.mark.slow  # starts pytest
@pytest.mark.parametrize("how", ["option", "ini", "neither"])
def test_pytest_asks_for_leave_as_well(how: str, folder: Path) -> None:
    (folder / "pytest.ini").write_text("[pytest]\n" + "ras_sim_allow_code = true\n" * (how == "ini"), encoding="utf-8")
    option = ["--ras-sim-allow-code"] if how == "option" else []
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "patient.yaml", "--ras-sim-workers=1", *option],
        capture_output=True, check=False, text=True, env=ENVIRONMENT, cwd=folder, timeout=180,
    )  # fmt: skip
    assert done.returncode == (1 if how == "neither" else 0), done.stdout
    assert ("want leave to run it" in done.stdout) == (how == "neither")
    assert (", then --ras-sim-allow-code" in done.stdout) == (how == "neither")
