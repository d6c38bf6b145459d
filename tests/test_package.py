"""The package as a whole: it is quick to import, and its public names are where it says they are."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

import ras_sim
from ras_sim.scenario.build import setup_of

ROOT = Path(__file__).parents[1]
HEAVY = {"joblib", "networkx", "numpy", "pandas", "plotly", "pyarrow", "pydantic", "scipy", "simpy", "typer", "yaml"}
ENGINE_NEEDS = {"numpy", "simpy"}


def _in_fresh_interpreter(code: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _heavy_after(code: str, *arguments: str) -> set[str]:
    """Dependencies that a new process has loaded when it has run the code."""
    loaded = _in_fresh_interpreter(code + "\nimport sys; print(*{m.split('.')[0] for m in sys.modules})", *arguments)
    return set(loaded.split()) & HEAVY


def test_import_loads_no_dependency() -> None:
    assert not _heavy_after("import ras_sim")


@pytest.mark.parametrize(
    "module",
    ["ras_sim.engine", "ras_sim.engine.controls", "ras_sim.experiment.compare_runs", "ras_sim.experiment.replicate"],
)
def test_what_a_worker_imports_loads_neither_what_reads_scenarios_nor_what_shows_results(module: str) -> None:
    assert _heavy_after(f"import {module}") <= ENGINE_NEEDS


@pytest.mark.parametrize("name", ["quickstart", "llama3_405b_16k", "nvl72_gb200", "review_technicians"])
def test_a_process_simulates_a_setup_without_what_reads_scenarios(name: str, tmp_path: Path) -> None:
    scenario = ras_sim.load(ROOT / "scenarios" / f"{name}.yaml", ["horizon=7 d"])
    setup, ledger = tmp_path / "setup", tmp_path / "ledger"
    setup.write_bytes(pickle.dumps(setup_of(scenario)))
    code = """
import pickle, sys
from pathlib import Path
from ras_sim.engine import simulate
made = simulate(pickle.loads(Path(sys.argv[1]).read_bytes()), seed=3, replication=2)
Path(sys.argv[2]).write_bytes(pickle.dumps(made))
"""
    assert _heavy_after(code, str(setup), str(ledger)) <= ENGINE_NEEDS
    made = pickle.loads(ledger.read_bytes())
    assert repr(made) == repr(ras_sim.simulate(scenario, seed=3, replication=2))
    assert made.incidents, "nothing happened"


def test_import_costs_less_than_0_3_s_of_cpu() -> None:
    # CPU time, not wall time: the machine that tests may be busy.
    cost_s = _in_fresh_interpreter("import ras_sim, time; print(time.process_time())")
    assert float(cost_s) < 0.3, "start of the interpreter included"


@pytest.mark.parametrize("name", sorted(set(ras_sim.__all__) - {"__version__"}))
def test_public_name_is_found_and_kept(name: str) -> None:
    value = getattr(ras_sim, name)
    assert value.__name__ == name
    assert vars(ras_sim)[name] is value, "the second use must not go through __getattr__ again"


def test_public_names_are_listed_once() -> None:
    assert set(ras_sim.__all__) <= set(dir(ras_sim))
    assert set(ras_sim.__all__) == {*ras_sim._HOMES, "__version__"}


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'ras_sim' has no attribute 'simulat'"):
        ras_sim.simulat  # noqa: B018 - reading the attribute is the test


def _project() -> dict[str, object]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        project: dict[str, object] = tomllib.load(file)["project"]
    return project


def test_version_is_the_same_everywhere() -> None:
    assert _project()["version"] == ras_sim.__version__


def _names(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=!~ ;\[]", line, maxsplit=1)[0].lower().replace("_", "-") for line in requirements}


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_lock_pins_every_dependency_and_names_no_index(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    pinned = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    assert all("==" in line for line in pinned)
    project = _project()
    wanted = list(project["dependencies"])  # type: ignore[call-overload]
    if "dev" in lock:
        wanted += project["optional-dependencies"]["dev"]  # type: ignore[index]
    assert _names(wanted) <= _names(pinned)


def test_both_locks_agree() -> None:
    def pins(lock: str) -> set[str]:
        return {line for line in (ROOT / lock).read_text().splitlines() if "==" in line}

    assert pins("requirements.lock") <= pins("requirements-dev.lock")


def test_package_is_typed() -> None:
    spec = find_spec("ras_sim")
    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin).with_name("py.typed").exists()
