"""A replication as bars, markers and steps: true, and few."""

from __future__ import annotations

from itertools import pairwise

import pytest

from ras_sim.ledger import AttemptRow, JobRow, ResourceRow
from ras_sim.report.timeline import bars, clock, markers, resource_names, steps
from tests.ledgers import by_hand, empty, incident
from tests.synthetic import FakeScenario, make_ledger


def test_bars_of_a_ledger_made_by_hand() -> None:
    found, merged = bars(by_hand())
    assert merged == 0
    starts = [(bar.category, bar.start_h, bar.hours) for bar in found]
    assert starts[0] == ("initialise", 0, 1)
    assert ("degraded", 1, 40) in starts  # it ran slower than it could
    assert ("productive", 43.5, 20) in starts
    assert ("lost_work", 39.0, 2.0) in starts  # the last two hours before the interruption at 41
    assert [bar.category for bar in found].index("lost_work") > [bar.category for bar in found].index(
        "planned"
    )


def test_bars_but_lost_work_cover_the_horizon_once() -> None:
    ledger = make_ledger(FakeScenario(), 3, 0)
    found = [bar for bar in bars(ledger)[0] if bar.category != "lost_work"]
    assert sum(bar.hours for bar in found) == pytest.approx(ledger.horizon_h)
    for left, right in pairwise(found):
        assert left.start_h + left.hours == pytest.approx(right.start_h)


def test_lost_work_is_the_same_as_in_the_ledger() -> None:
    ledger = make_ledger(FakeScenario(), 3, 0)
    drawn = sum(bar.hours for bar in bars(ledger)[0] if bar.category == "lost_work")
    assert drawn == pytest.approx(sum(row.hours for row in ledger.job if row.category == "lost_work"))


@pytest.mark.parametrize("limit", [100, 999, 5000])
def test_merging_keeps_the_limit_and_the_longest(limit: int) -> None:
    ledger = make_ledger(FakeScenario(), 3, 0, n_interruptions=4000)
    everything, _ = bars(ledger, 10**9)
    found, merged = bars(ledger, limit)
    assert len(everything) > limit
    assert len(found) <= limit
    assert len(found) + merged == len(everything)
    longest = max(everything, key=lambda bar: bar.hours)
    assert longest in found
    assert max(bar.start_h + bar.hours for bar in found) == pytest.approx(ledger.horizon_h)


def test_markers_prefer_what_stopped_the_job() -> None:
    ledger = empty()
    ledger.incidents = [incident(i, "gpu", "x", job_effect="none", arrive_h=i) for i in range(50)]
    ledger.incidents += [incident(50 + i, "gpu", "y", arrive_h=60.0 - i) for i in range(5)]
    found, left_out = markers(ledger, 10)
    assert left_out == 45
    assert sum(mark.effect == "interrupted" for mark in found) == 5
    assert [mark.time_h for mark in found] == sorted(mark.time_h for mark in found)


def test_rare_classes_share_a_lane() -> None:
    ledger = empty()
    ledger.incidents = [incident(i, f"class{i % 20}", "x") for i in range(110)]
    lanes = {mark.lane for mark in markers(ledger)[0]}
    assert len(lanes) == 12
    assert "other" in lanes


def test_hover_text_tells_the_incident_and_escapes_names() -> None:
    ledger = empty()
    ledger.incidents = [
        incident(
            0,
            "<b>gpu",
            "d&ue",
            instance=7,
            node=3,
            symptom="hang",
            arrive_h=25.5,
            detected_h=25.75,
            n_gpus_hit=8,
        )
    ]
    ledger.attempts = [
        AttemptRow(0, "gpu_reset", 26, 26, 27, "failed"),
        AttemptRow(0, "node_reboot", 27, 27, 28, "fixed"),
    ]
    ledger.job = [JobRow(25.5, 25.5, "lost_work", 0.5, 0)]
    ((mark,), _) = markers(ledger)
    for wanted in (
        "&lt;b&gt;gpu.d&amp;ue</b> #7, node 3",
        "hang; interrupted the job",
        "day 1, 01:30",
        "detected +15 min",
        "8 GPUs hit",
        "gpu reset (seen to fail) → node reboot (fixed)",
        "lost work 30 min = 4.00 GPU-h",
    ):
        assert wanted in mark.text


def test_steps_start_at_zero_end_at_the_horizon_and_keep_extremes() -> None:
    ledger = empty()
    ledger.resources = [ResourceRow(0.0, "spare_nodes", 10)]
    for i in range(3000):
        ledger.resources += [
            ResourceRow(i / 40, "spare_nodes", -4 if i == 1500 else -1),
            ResourceRow(i / 40 + 0.01, "spare_nodes", 4 if i == 1500 else 1),
        ]
    (one,) = steps(ledger, ["spare_nodes"], 200)
    assert len(one.times_h) <= 202
    assert (one.times_h[0], one.times_h[-1]) == (0.0, ledger.horizon_h)
    assert min(one.levels) == 6
    assert max(one.levels) == 10
    assert one.levels[-1] == 10


def test_a_queue_without_rows_is_empty_all_the_time() -> None:
    ledger = empty()
    ledger.resources = [ResourceRow(10.0, "technician_queue", 1), ResourceRow(11.0, "technician_queue", -1)]
    assert resource_names([empty(), ledger]) == ["technician_queue"]
    queue, never = steps(ledger, ["technician_queue", "parts_queue.gpu"], 100)
    assert (queue.times_h, queue.levels) == ([0, 10, 11, 100], [0, 1, 0, 0])
    assert (never.times_h, never.levels) == ([0, 100], [0, 0])


def test_clock_rounds_to_minutes_across_midnight() -> None:
    assert clock(23.9999) == "day 1, 00:00"
