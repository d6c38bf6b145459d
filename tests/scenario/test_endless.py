"""A part that a repair leaves at the end of its life fails again at once: such a scenario is refused, not run for ever."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ras_sim.errors import InputError
from ras_sim.scenario.load import load
from tests.small import fixed, ladder, mode, rung, small

ENDS: dict[str, Any] = {
    "deterministic": fixed(10.0),
    "uniform": {"kind": "uniform", "low": "1 h", "high": "10 h"},
    "empirical": {"kind": "empirical", "values": ["1 h", "10 h"]},
}


def loaded(path: Path, horizon_h: float, lifetime: Any, repair: Any, **keys: Any) -> None:
    failures = {"node": {"crash": mode(lifetime=lifetime, **keys)}}
    scenario = small(horizon_h, failures=failures, repair=ladder({"fix": repair}))
    path.write_text(scenario.resolved_text, encoding="utf-8")
    load(path)


@pytest.mark.parametrize("kind", ENDS)
def test_a_repair_that_keeps_all_of_an_age_that_ends_is_refused(kind: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"lifetime: got a life that ends at 10 h .*: fix"):
        loaded(tmp_path / "ends.yaml", 20.0, ENDS[kind], rung())


@pytest.mark.parametrize("kind", ENDS)
@pytest.mark.parametrize("keys", [{"age_kept": 0.5}, {"replaces": True, "takes_down": "unit"}])
def test_a_repair_that_makes_the_part_younger_is_good(
    kind: str, keys: dict[str, Any], tmp_path: Path
) -> None:
    loaded(tmp_path / "young.yaml", 20.0, ENDS[kind], rung(**keys))


def test_an_end_beyond_the_horizon_is_good(tmp_path: Path) -> None:
    loaded(tmp_path / "beyond.yaml", 9.0, fixed(10.0), rung())
    with pytest.raises(InputError):
        loaded(tmp_path / "aged.yaml", 9.0, fixed(10.0), rung(), start_age="5 h")


def test_benign_faults_keep_the_age_whatever_the_repair(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="after a benign fault"):
        loaded(
            tmp_path / "benign.yaml",
            20.0,
            fixed(10.0),
            rung(age_kept=0.0),
            symptoms={"crash": 0.5, "benign": 0.5},
        )
