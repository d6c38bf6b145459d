"""Every shipped scenario loads, runs, and states where its numbers come from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ras_sim import load, simulate
from ras_sim.metrics import check_conservation, measure
from ras_sim.scenario.load import LIBRARY

ROOT = Path(__file__).parents[2]
SHIPPED = sorted([*(ROOT / "scenarios").glob("*.yaml"), ROOT / "benchmarks" / "airesim_4096.yaml"])
POLICIES = sorted((ROOT / "scenarios" / "policies").glob("*.yaml"))
CATALOGUES = sorted(LIBRARY.glob("*.yaml"))
N_PARTS_XL = 1_900_000


def test_all_are_found() -> None:
    assert {path.stem for path in SHIPPED} >= {
        "llama3_405b_16k",
        "quickstart",
        "rsc1_mttf",
        "nvl72_gb200",
        "xl_100k",
        "airesim_4096",
    }


@pytest.mark.parametrize("path", [*SHIPPED, *POLICIES], ids=lambda path: path.stem)
def test_a_scenario_runs_and_its_hours_add_up(path: Path) -> None:
    ledger = simulate(load(path, allow_code=path in POLICIES), seed=1, replication=0)
    check_conservation(ledger)
    assert measure(ledger).interruptions > 0


@pytest.mark.parametrize("path", [*SHIPPED, *POLICIES], ids=lambda path: path.stem)
def test_a_scenario_names_its_schema_and_opens_with_what_it_models(path: Path) -> None:
    first, second, third = path.read_text(encoding="utf-8").splitlines()[:3]
    schema = "../../docs/scenario.schema.json" if path in POLICIES else "../docs/scenario.schema.json"
    assert first == f"# yaml-language-server: $schema={schema}"
    assert second == "#"
    assert third.startswith("# ")
    assert (path.parent / schema).exists()


@pytest.mark.parametrize("path", [*SHIPPED, *POLICIES], ids=lambda path: path.stem)
def test_every_source_says_where_a_number_comes_from(path: Path) -> None:
    """A paper with its section or table, a computation, or the word assumed."""
    known = r"assumed|computed|hypothetical|arXiv|\(.*20\d\d\)|Table \d|sec\. \d|SemiAnalysis 20"
    known += r"|Lablup|as in library:|AIReSim|u0 |see above"
    for where, _, source in load(path, allow_code=path in POLICIES).sources():
        assert re.search(known, source), (where, source)


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_a_catalogue_is_used_by_a_scenario(path: Path) -> None:
    files = (*SHIPPED, *CATALOGUES, *(ROOT / "scenarios" / "keynote").glob("*.yaml"))
    texts = [other.read_text(encoding="utf-8") for other in files if other != path]
    assert any(f"library:{path.name}" in text for text in texts)


def test_the_large_machine_has_the_parts_it_claims() -> None:
    blueprint = load(ROOT / "scenarios" / "xl_100k.yaml").machine.build()
    assert blueprint.n_nodes == 12_500
    assert abs(blueprint.n_parts - N_PARTS_XL) < 0.02 * N_PARTS_XL


def test_the_spares_of_the_racks_are_a_whole_rack() -> None:
    scenario = load(ROOT / "scenarios" / "nvl72_gb200.yaml")
    assert scenario.job.spares.nodes >= 18
    assert scenario.job.spares.nodes / scenario.machine.build().n_nodes == pytest.approx(0.02, abs=0.002)
