"""A story in words and as JSON."""

from __future__ import annotations

import json

from ras_sim.experiment.story import story
from ras_sim.report.story import MAX_MOMENTS, certain_reach, headline, ranks, story_json, story_lines
from ras_sim.report.style import span
from ras_sim.report.timeline import clock
from tests.ledgers import by_hand


def test_the_story_goes_from_the_part_over_the_ladder_to_the_lost_work() -> None:
    text = "\n".join(story_lines(story(by_hand(), 2), ["hbm -> 1 gpu"]))
    assert text.startswith("hbm.due #0: incident 1, replication 0\n")
    assert "goes down       hbm -> 1 gpu" in text
    assert "gpu reset (seemed fixed, comes back); came back: gpu reset (seen to fail) → rma (fixed)" in text
    assert "day 1, 17:00          +0 s  job: 2 h of work since the last good checkpoint are lost" in text
    assert "rma: waits 1 h for a technician or a part [incident 2]" in text
    assert "lost GPU-hours  64" in text
    assert "spare nodes free 2" in text


def test_a_rung_is_told_where_it_begins_with_the_hour_at_which_it_is_over() -> None:
    told = story(by_hand(), 2)
    (rma,) = [one for one in told.moments if one.kind == "rung" and one.name == "rma"]
    (line,) = [line for line in story_lines(told) if "rma: begins" in line]
    assert rma.end_h > rma.at_h
    assert line.startswith(f"  {clock(rma.at_h)}")
    assert f"rma: begins, takes {span(rma.end_h - rma.at_h)}; {clock(rma.end_h)}: fixed" in line


def test_times_of_every_moment_are_told_after_the_strike() -> None:
    lines = list(story_lines(story(by_hand(), 2)))
    assert any("+22.5 h  strikes again: crash [incident 2]" in line for line in lines)


def test_ranks_say_what_a_synchronous_job_felt() -> None:
    assert ranks(story(by_hand(), 0)) == "all 8 run at 97.5% of full speed: each step waits for the slowest"
    assert ranks(story(by_hand(), 1)).startswith("all 8 stand still")


def test_a_story_of_very_many_moments_is_cut() -> None:
    ledger = by_hand()
    ledger.attempts *= 60
    lines = list(story_lines(story(ledger, 1)))
    assert len(lines) < MAX_MOMENTS + 16
    assert lines[-1].endswith("moments more (--json tells all)")


def test_json_has_null_for_what_never_came() -> None:
    told = story_json(story(by_hand(), 0))
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert told["incidents"][0]["closed_h"] is None
    assert told["lost_gpu_h"] == 8.0


def test_reach_is_empty_for_what_this_version_cannot_read() -> None:
    assert certain_reach("name: tiny\n", story(by_hand(), 1)) == []


def test_the_headline_counts() -> None:
    both = [story(by_hand(), 1), story(by_hand(), 0)]
    assert headline(both) == "2 root causes, 72 lost GPU-hours together, the worst first"
    assert headline(both[:1]) == "1 root cause, 64 lost GPU-hours"
    assert headline([]) == "no root causes, 0 lost GPU-hours"
