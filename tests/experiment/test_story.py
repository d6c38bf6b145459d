"""Stories told from small ledgers made by hand."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from ras_sim.errors import InputError
from ras_sim.experiment import rundir
from ras_sim.experiment.story import KINDS, ledger_of, story, worst
from ras_sim.ledger import ROW_TYPES, AttemptRow, IncidentRow, Ledger, frame_of
from tests.ledgers import by_hand, empty


def _saved(folder: Path, *ledgers: Ledger) -> rundir.Run:
    import pandas as pd

    heads = [
        {
            "replication": one.replication,
            "horizon_h": one.horizon_h,
            "n_job_gpus": one.n_job_gpus,
            "n_installed_gpus": one.n_installed_gpus,
            "completed": one.completed,
        }
        for one in ledgers
    ]
    frames = {
        table: frame_of(table, ledgers) for table in ROW_TYPES
    }
    frames["replications"] = pd.DataFrame(heads)
    rundir.write(folder, {"scenario": "tiny", "seed": 1, "resolved_text": "name: tiny\n"}, frames)
    return rundir.read(folder)


def test_a_story_holds_the_first_strike_and_its_return_whichever_is_asked_for() -> None:
    first, again = story(by_hand(), 1), story(by_hand(), 2)
    assert first == again
    assert [row.incident_id for row in first.fault.incidents] == [1, 2]
    assert first.fault.lost_gpu_h == pytest.approx(8 * (2 + 0.5 + 0.5 + 1 + 0.5 + 1 + 2 + 0.5))


def test_moments_are_in_order_and_account_for_every_hour_that_was_lost() -> None:
    told = story(by_hand(), 1)
    assert [(one.at_h, KINDS.index(one.kind)) for one in told.moments] == sorted(
        (one.at_h, KINDS.index(one.kind)) for one in told.moments
    )
    lost_h = math.fsum(one.hours for one in told.moments if one.kind in ("job", "lost_work"))
    assert lost_h * told.n_job_gpus == pytest.approx(told.fault.lost_gpu_h)
    assert [(one.kind, one.name) for one in told.moments[:3]] == [
        ("strikes", "crash"),
        ("lost_work", "lost_work"),
        ("job", "detect"),
    ]


def test_the_ladder_is_told_as_it_was_walked_waits_included() -> None:
    told = [one for one in story(by_hand(), 2).moments if one.kind in ("waits", "rung")]
    assert [(one.kind, one.name, one.outcome, one.hours) for one in told] == [
        ("rung", "gpu_reset", "seems_fixed", 0.25),
        ("rung", "gpu_reset", "failed", pytest.approx(0.1)),
        ("waits", "rma", "", 1.0),
        ("rung", "rma", "fixed", 5.0),
    ]


def test_a_rung_that_was_never_begun_is_a_wait_without_end() -> None:
    ledger = by_hand()
    ledger.attempts.append(AttemptRow(2, "rma", 90.0, math.nan, math.nan, "open"))
    last = story(ledger, 2).moments[-1]
    assert (last.kind, last.at_h) == ("waits", 90.0)
    assert math.isnan(last.end_h)


def test_what_was_at_hand_is_the_level_before_the_strike() -> None:
    assert story(by_hand(), 0).levels == {"spare_nodes": 2, "technicians_busy": 0}
    late = by_hand()
    late.incidents[2] = late.incidents[2]._replace(root_id=2)  # a fault of its own, at hour 63.5
    assert story(late, 2).levels == {"spare_nodes": 1, "technicians_busy": 0}


def test_a_planned_stop_has_a_story_but_is_never_among_the_worst() -> None:
    told = story(by_hand(), 3)
    assert told.fault.lost_h == {"planned": 4.0}
    assert [one.fault.first.incident_id for one in worst([by_hand()], 9)] == [1, 0]


def test_the_worst_come_from_all_replications_the_worst_first() -> None:
    found = worst([by_hand(0), by_hand(3)], 3)
    assert [(one.replication, one.fault.first.incident_id) for one in found] == [(0, 1), (3, 1), (0, 0)]
    assert worst([empty()], 3) == []


def test_one_ledger_of_many_is_read_alone(tmp_path: Path) -> None:
    saved = _saved(tmp_path / "run", by_hand(2), by_hand(4))
    assert ledger_of(saved).replication == 2
    found = ledger_of(saved, 4)
    wanted = by_hand(4)
    for table in set(ROW_TYPES) - {"incidents"}:  # whose times may be NaN, which differs from itself
        assert getattr(found, table) == getattr(wanted, table)
    assert [row[:8] for row in found.incidents] == [row[:8] for row in wanted.incidents]
    assert all(isinstance(row, IncidentRow) for row in found.incidents)


def test_what_does_not_exist_is_refused_with_the_range(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="incident: got 9, want an incident of replication 0: 0 to 3"):
        story(by_hand(), 9)
    saved = _saved(tmp_path / "run", by_hand(2), by_hand(4))
    with pytest.raises(InputError, match="replication: got 3, want a replication of this run: 2, 4"):
        ledger_of(saved, 3)
