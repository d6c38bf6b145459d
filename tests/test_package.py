"""The package as a whole: it is quick to import, and its public names are where it says they are."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

import ras_sim

ROOT = Path(__file__).parents[1]
HEAVY = {"joblib", "networkx", "numpy", "pandas", "plotly", "pyarrow", "pydantic", "scipy", "simpy", "typer"}


def _in_fresh_interpreter(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_import_loads_no_dependency() -> None:
    loaded = _in_fresh_interpreter("import sys, ras_sim; print(*{m.split('.')[0] for m in sys.modules})")
    assert not set(loaded.split()) & HEAVY


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
