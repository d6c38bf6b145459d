"""Exact regression: four small scenarios give the same metrics to the last bit, and the same rows.

`make golden` rewrites the files; say in CHANGELOG.md what changed in the numbers, and why. Each file names its scenario
(from the folder `tests`), seed and replication. The last bits come from the C library's `exp` and `log`: another
platform than x86-64 Linux may need files of its own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ras_sim.engine import simulate
from ras_sim.ledger import ROW_TYPES, Ledger
from ras_sim.metrics import measure
from ras_sim.scenario.load import load

HERE = Path(__file__).parent
TESTS = HERE.parent


class Golden(NamedTuple):
    """One run that must not change unnoticed."""

    scenario: str
    seed: int
    replication: int

    @property
    def path(self) -> Path:
        return HERE / f"{Path(self.scenario).stem}.json"


GOLDEN = (
    Golden("scenarios/tiny.yaml", 1, 0),
    Golden("scenarios/full.yaml", 7, 3),
    Golden("golden/racks.yaml", 2, 1),
    Golden("golden/cubes.yaml", 11, 0),
)


def digest(rows: list[Any]) -> str:
    """SHA-256 of the rows of a table, every float to its last bit."""
    return hashlib.sha256("\n".join(repr(tuple(row)) for row in rows).encode()).hexdigest()


def result_of(golden: Golden, ledger: Ledger) -> dict[str, Any]:
    """What is kept of a run; through JSON, so that it compares with what was read."""
    kept = {
        **golden._asdict(),
        "measures": asdict(measure(ledger)),
        "rows": {table: len(getattr(ledger, table)) for table in ROW_TYPES},
        "sha256": {table: digest(getattr(ledger, table)) for table in ROW_TYPES},
    }
    copied: dict[str, Any] = json.loads(json.dumps(kept))
    return copied


def differences(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """Each value that differs, with its place."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from differences(old.get(key), new.get(key), f"{path}.{key}" if path else key)
    elif repr(old) != repr(new):
        yield f"{path}: was {old!r}, is {new!r}"


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: Path(golden.scenario).stem)
def test_the_same_numbers_as_ever(golden: Golden, rewrite_golden: bool) -> None:
    scenario = load(TESTS / golden.scenario)
    new = result_of(golden, simulate(scenario, seed=golden.seed, replication=golden.replication))
    if rewrite_golden:
        golden.path.write_text(json.dumps(new, indent=1) + "\n", encoding="utf-8")
    changes = list(differences(json.loads(golden.path.read_text(encoding="utf-8")), new))
    assert not changes, "\n".join(["if this is meant: make golden, and say why in CHANGELOG.md", *changes])


def test_no_golden_file_is_left_over() -> None:
    assert sorted(HERE.glob("*.json")) == sorted(golden.path for golden in GOLDEN)


def test_a_changed_bit_is_seen() -> None:
    row = (1.0, "productive")
    assert digest([row]) != digest([(1.0 + 2.0**-52, "productive")])
    assert list(differences({"a": {"b": 0.1}}, {"a": {"b": 0.1 + 2.0**-56}})) == [
        "a.b: was 0.1, is 0.10000000000000002"
    ]
