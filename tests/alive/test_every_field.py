"""Whatever a scenario may state changes what happens: a setting without effect would be a promise not kept."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import fields
from functools import lru_cache
from typing import Any

import pytest

from ras_sim.engine import simulate
from ras_sim.ledger import Ledger
from ras_sim.scenario.machine import MACHINES
from ras_sim.scenario.model import Scenario
from tests.alive.bases import SMALL_MACHINES, bases
from tests.alive.perturb import Leaf, all_keys, leaves, perturbed

SEED = 1
REPLICATIONS = range(3)

EXEMPT = {
    "Scenario.name": "what results are called",
    "Scenario.description": "for readers of the file",
    "Published.value": "printed beside the result",
    "Published.at_least": "printed beside the result",
    "Published.at_most": "printed beside the result",
    "Expectation.at_least": "results are held to it",
    "Expectation.at_most": "results are held to it",
    "Expectation.no_worse_than_baseline_by": "results are held to it",
    "Uncertainty.low": "`ras-sim sensitivity` varies what it is about",
    "Uncertainty.high": "`ras-sim sensitivity` varies what it is about",
    "Uncertainty.factor": "`ras-sim sensitivity` varies what it is about",
    "Uncertainty.law=uniform|log_uniform": "`ras-sim sensitivity` varies what it is about",
}
"""Keys without an effect on what happens, and what they are for."""

IDENTITY = {"scenario", "seed", "replication"}
"""Fields of a ledger that say which run it is, not what happened."""


def exempt(key: str) -> bool:
    """Whether a key need not change anything: texts, `kind` (other kinds are other models), and `EXEMPT`."""
    return key in EXEMPT or key.rpartition(".")[2] in ("source", "kind")


@lru_cache(maxsize=1)
def places() -> dict[str, list[tuple[str, Leaf]]]:
    """Key -> where it stands in the bases."""
    found: dict[str, list[tuple[str, Leaf]]] = defaultdict(list)
    for name, scenario in bases().items():
        for leaf in leaves(scenario):
            found[leaf.key].append((name, leaf))
    return found


def keys() -> list[str]:
    """All keys that must change something; a `*` is every name that the bases use there."""
    wanted: list[str] = []
    for key in sorted(all_keys()):
        block, star, _ = key.partition("*")
        names = sorted(name for name in places() if name.startswith(block)) if star else [key]
        wanted += names or [key]
    return [key for key in wanted if not exempt(key)]


def what_happened(ledger: Ledger) -> str:
    """Everything in a ledger but its identity. A text, because NaN differs from itself."""
    return repr([getattr(ledger, one.name) for one in fields(ledger) if one.name not in IDENTITY])


def happenings(scenario: Scenario) -> str:
    """What happened in one replication."""
    return what_happened(simulate(scenario, seed=SEED, replication=0))


@lru_cache(maxsize=64)
def base_history(name: str, replication: int) -> str:
    return what_happened(simulate(bases()[name], seed=SEED, replication=replication))


def differs(name: str, scenario: Scenario) -> bool:
    """Whether another scenario has another history than a base."""
    return any(
        what_happened(simulate(scenario, seed=SEED, replication=k)) != base_history(name, k)
        for k in REPLICATIONS
    )


def value_of(scenario: Scenario, leaf: Leaf) -> Any:
    value: Any = scenario
    for name in leaf.path:
        value = value[name] if isinstance(value, dict) else getattr(value, name)
    return value


def matters(key: str) -> bool:
    """Whether some place of a key in some base has another value that gives another history."""
    field, _, pair = key.partition("=")
    members = pair.split("|") if pair else []
    for name, leaf in places()[field]:
        base = bases()[name]
        old = value_of(base, leaf)
        if pair and old not in members:
            continue
        new = next((member for member in members if member != old), None)
        if any(differs(name, scenario) for scenario in perturbed(base, leaf, new)):
            return True
    return False


@pytest.mark.parametrize("key", keys())
def test_every_key_changes_what_happens(key: str) -> None:
    assert places()[key.partition("=")[0]], f"{key}: no base states it"
    assert matters(key), f"{key}: nothing that it may be set to changes a ledger"


def test_exempt_keys_exist() -> None:
    assert set(EXEMPT) <= all_keys()


def test_every_kind_of_machine_has_a_base() -> None:
    assert set(SMALL_MACHINES) == set(MACHINES)


def test_a_dead_value_is_found() -> None:
    """The test has eyes: the name of a scenario changes nothing that happens."""
    full = bases()["full"]
    assert not differs("full", full.model_copy(update={"name": "another"}))
