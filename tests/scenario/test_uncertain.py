"""`uncertain:` in a scenario: every fault of a range at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from ras_sim.errors import InputError
from ras_sim.scenario.load import loads
from ras_sim.scenario.ranges import stated_range

TINY = (Path(__file__).parents[1] / "scenarios" / "tiny.yaml").read_text()


def problems(key: str, stated: str) -> str:
    with pytest.raises(InputError) as caught:
        loads(f"{TINY}uncertain:\n  {key}: {stated}\n", "f.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("key", "stated", "message"),
    [
        ("detection.crsh", "{low: 1 min, high: 2 min, source: s}", "uncertain.detection.crsh: got 'detection.crsh', want"),
        ("detection.crsh", "{low: 1 min, high: 2 min, source: s}", "did you mean 'detection.crash'?"),
        ("detection", "{low: 1 min, high: 2 min, source: s}", "want the key of a number of this scenario"),
        ("published", "{low: 1, high: 2, source: s}", "want the key of a number of this scenario"),
        ("detection.crash", "{low: 1 h, high: 2 min, source: s}", "crash.low: got '1 h', want less than high, 2 min"),
        ("detection.crash", "{low: 1, high: 2 min, source: s}", "detection.crash.low: got 1, want a time with its unit"),
        ("detection.crash", "{low: 1 min, high: often, source: s}", "detection.crash.high: got 'often', want a time"),
        ("detection.crash", "{low: 0, high: 2 min, law: log_uniform, source: s}", "low: got 0, want a range above 0"),
        ("detection.crash", "{low: 1 min, source: s}", "got no range, want `low` and `high`, or `factor`"),
        ("detection.crash", "{low: 1 min, factor: 2, source: s}", "want the one or the other"),
        ("detection.crash", "{factor: 0.5, source: s}", "factor: got 0.5, want > 1"),
        ("detection.crash", "{factor: 2}", "uncertain.detection.crash.source: got nothing"),
        ("detection.crash", "{factor: 2, law: normal, source: s}", "want one of uniform, log_uniform"),
        ("detection.exception", "{factor: 2, source: s}", "the value itself is not above 0"),
        ("job.spares.nodes", "{low: 1, high: 2.5, source: s}", "job.spares.nodes.high: got 2.5, want"),
        ("job.spares.nodes", "{factor: 1.1, source: s}", "no other whole number is that near to 4"),
        ("repair.ladder.process_restart.seen", "{factor: 2, source: s}", "ladder.process_restart.seen.factor: got 1.8 for"),
    ],
)  # fmt: skip
def test_a_wrong_range_is_told_at_its_place(key: str, stated: str, message: str) -> None:
    text = problems(key, stated)
    assert message in text
    assert text.startswith(f"f.yaml:{TINY.count(chr(10)) + 2}:")


def test_two_wrong_ranges_are_told_together() -> None:
    both = "{low: 2 min, high: 1 min, source: s}\n  detection.hangg: {factor: 2, source: s}"
    assert len(problems("detection.crash", both).splitlines()) == 2


@pytest.mark.parametrize(
    ("key", "stated", "low", "high", "unit"),
    [
        ("detection.crash", "{low: 30 s, high: 1 h, source: s}", 30 / 3600, 1.0, "h"),
        ("failures.node.crash.rate", "{low: 450 FIT, high: 2 %/day, source: s}", 450e-9, 0.02 / 24, "/h"),
        ("repair.ladder.process_restart.seen", "{low: 20 %, high: 0.95, source: s}", 0.2, 0.95, ""),
        ("repair.comes_back.mean", "{factor: 4, source: s}", 0.5, 8.0, "h"),
        ("job.spares.nodes", "{factor: 1.9, source: s}", 3.0, 7.0, ""),
        ("horizon", "{low: 1 d, high: 2 d, source: s}", 24.0, 48.0, "h"),
    ],
)
def test_ends_are_read_as_their_key_is(key: str, stated: str, low: float, high: float, unit: str) -> None:
    scenario = loads(f"{TINY}uncertain:\n  {key}: {stated}\n")
    found = stated_range(scenario, scenario.resolved(), key, scenario.uncertain[key])
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.unit == unit


def test_a_range_that_is_stated_changes_no_result() -> None:
    from ras_sim.engine import simulate

    stated = loads(f"{TINY}uncertain:\n  detection.crash: {{factor: 2, source: s}}\n", "tiny")
    ledgers = [simulate(one, seed=1, replication=0) for one in (loads(TINY, "tiny"), stated)]
    assert ledgers[0].job == ledgers[1].job
    assert ledgers[0].incidents == ledgers[1].incidents or repr(ledgers[0].incidents) == repr(
        ledgers[1].incidents
    )


def test_a_range_that_is_none_hides_no_misspelt_key_of_another() -> None:
    ranges = "{detection.diagnose: {factor: 0.5, source: assumed}, detection.diagnosse: {factor: 2, source: assumed}}"
    with pytest.raises(InputError) as caught:
        loads(TINY, overrides=[f"uncertain={ranges}"])
    found = sorted(problem.where for problem in caught.value.problems)
    assert found == ["uncertain.detection.diagnose.factor", "uncertain.detection.diagnosse"]
