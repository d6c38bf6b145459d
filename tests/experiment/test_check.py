"""Checks: what may be expected, how it is decided, and which failures a baseline is compared on."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ras_sim
from ras_sim.errors import InputError
from ras_sim.experiment import baseline as baselines
from ras_sim.experiment.check import Check, Subject, _Gate, check, looks, subject_of
from ras_sim.experiment.claims import claims_of
from ras_sim.experiment.differences import BETTER
from ras_sim.experiment.rebase import new_baseline
from ras_sim.experiment.replicate import measured, run
from ras_sim.ledger import CATEGORIES, Ledger
from ras_sim.metrics.samples import Sample, paired_interval, sample
from ras_sim.report.check_text import check_lines
from ras_sim.report.published import lookup
from ras_sim.scenario.amounts import better
from ras_sim.scenario.checks.published import metric_names
from ras_sim.scenario.load import load, loads
from ras_sim.scenario.model import Scenario
from ras_sim.streams import stream
from tests.experiment.checking import MARGIN, ROOT, TINY, scenario, steady, text


def checked(expect: str, *overrides: str, **options: Any) -> Check:
    return check(scenario(expect, *overrides), workers=1, **options)


# ---------------------------------------------------------------------- what may be expected


@pytest.mark.parametrize(
    ("expect", "message"),
    [
        (
            "goodputt: {at_least: 0.9}",
            r"here.yaml:36:10: expect.goodputt: got 'goodputt'.*did you mean 'goodput'",
        ),
        ("time_h.restor: {at_most: 1 h}", "did you mean 'time_h.restore'"),
        ("interruptions_by_mode.node.crush: {at_most: 1}", "did you mean 'interruptions_by_mode.node.crash'"),
        ("goodput: {at_least: 2}", "expect.goodput.at_least: got 2, want a fraction"),
        ("goodput: {at_least: 85 h}", "expect.goodput.at_least: got '85 h', want a fraction"),
        ("mtti_h: {at_least: 2}", "expect.mtti_h.at_least: got 2, want a time with its unit"),
        ("interruptions: {at_most: 5 %}", "expect.interruptions.at_most: got '5 %', want a number >= 0"),
        ("interruptions: {at_most: '1,5'}", "commas part thousands, as in '1,500': write '1.5' with a point"),
        ("interruptions: {at_most: 1,500}", "got a comma before '500', want an amount with commas in quotes"),
        ("interruptions: {at_most: true}", "got true, want an amount in the unit of the metric"),
        ("interruptions: {at_most: .inf}", "got .inf, want an amount"),
        ("interruptions: {at_least: -1}", "got -1, want a number >= 0"),
        ("goodput: {}", "got no bound, want `at_least`, `at_most` or `no_worse_than_baseline_by`"),
        ("goodput: {at_lest: 0.9}", "unknown key 'at_lest'.*did you mean 'at_least'"),
        ("goodput: {at_least: 0.9, at_most: 0.8}", "at_least: got 0.9, want no more than at_most, 0.8"),
        ("goodput: {no_worse_than_baseline_by: 0}", "got 0, want more than 0"),
        ("mtti_h: {no_worse_than_baseline_by: 3}", "got 3, want a time with its unit"),
        ("rungs.rma.attempts: {no_worse_than_baseline_by: 5 %}", "want at_least and at_most for this metric"),
    ],
)
def test_expectations_that_mean_nothing_are_named_at_their_place(expect: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        scenario(expect)
    assert len(caught.value.problems) == 1


def test_amounts_are_read_in_the_unit_of_their_metric() -> None:
    done = checked(
        "goodput: {at_least: 50 %}, time_h.restore: {at_most: 60 min}, interruptions: {at_least: 2}"
    )
    assert [one.bound for one in done.judged] == [0.5, 1.0, 2.0]


def test_thousands_may_be_parted_in_quotes() -> None:
    one = scenario("interruptions: {at_most: '14,000,000'}, mtti_h: {at_least: '8,766 h'}")
    assert [claim.limit for claim in claims_of(one)] == [14e6, 8766.0]
    assert loads(one.resolved_text) == one


def test_a_resolved_scenario_says_the_same() -> None:
    one = scenario(f"{MARGIN}, mtti_h: {{at_least: 2 h}}, interruptions: {{at_most: 30}}")
    assert loads(one.resolved_text) == one


def test_expectations_are_not_taken_over_from_what_a_file_extends(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(text("goodput: {at_least: 50 %}"))
    over = tmp_path / "over.yaml"
    over.write_text("extends: base.yaml\nname: over\n")
    assert not load(over).expect
    over.write_text("extends: base.yaml\nexpect: {ettr: {at_most: 100 %}}\n")
    assert list(load(over).expect) == ["ettr"]


def test_every_metric_has_the_mean_of_the_ordinary_result() -> None:
    one = load(TINY)
    result = run(one, seed=3, replications=5, workers=1)
    names = metric_names(one)
    assert {"mtti_h", "time_h.restore", "faults_by_mode.node.crash", "rungs.rma.fixed"} < set(names)
    for name in names:
        expected = lookup(result.aggregate, name)
        got = sample(result.measures, name).estimate
        if expected is None:
            assert not any(sample(result.measures, name).values), f"{name}: a rung that was never tried"
        else:
            assert got.mean == pytest.approx(expected.mean), name


def test_better_is_the_same_everywhere() -> None:
    names = [name for name in metric_names(load(TINY)) if name in BETTER]
    assert len(names) > 5
    assert [better(name) for name in names] == [BETTER[name] for name in names]
    assert [name for name in CATEGORIES if better(f"time_h.{name}") > 0] == ["productive"]


# ---------------------------------------------------------------------- the verdict


def test_pass_fail_and_not_decided() -> None:
    done = checked("goodput: {at_least: 50 %, at_most: 80 %}, ettr: {at_least: 0.9564}", max_replications=50)
    assert [one.verdict for one in done.judged] == ["pass", "fail", "undecided"]
    assert done.verdict == "fail"
    assert done.replications == 50
    lines = "\n".join(check_lines(done))
    assert "here.yaml" not in lines
    assert "tiny: FAIL (50 replications, seed 1)" in lines
    assert "pass         Goodput at least 50%: 95." in lines
    assert "FAIL         Goodput at most 80%" in lines
    assert "NOT DECIDED  ETTR at least 95.64%" in lines
    assert "50 replications cannot tell: allow more with --max-replications" in lines
    assert checked("ettr: {at_least: 0.9564}", max_replications=50).verdict == "undecided"


def test_a_clear_case_takes_the_first_look_and_a_narrow_one_more() -> None:
    assert checked("goodput: {at_least: 80 %}").replications == 40
    close = checked("goodput: {at_least: 95.4 %}", seed=3)
    assert (close.verdict, close.replications > 40) == ("pass", True)


def test_the_result_does_not_depend_on_the_number_of_workers() -> None:
    one, two = (check(scenario("mtti_h: {at_least: 1 h}"), seed=5, workers=n).to_json() for n in (1, 2))
    assert {**one, "wall_s": 0} == {**two, "wall_s": 0}


def test_a_time_between_interruptions_without_any_is_bounded_from_below() -> None:
    calm = "failures.node.crash.rate=0"
    done = checked("mtti_h: {at_least: 100 h}, interruptions: {at_most: 0.5}", calm)
    assert done.judged[0].estimate.mean is None
    assert [one.verdict for one in done.judged] == ["pass", "pass"]
    assert checked("mtti_h: {at_least: 1000 d}", calm, max_replications=50).verdict == "undecided"
    assert "none seen" in "\n".join(check_lines(done))


def test_replications_that_are_all_alike_are_taken_at_their_word() -> None:
    expect = "goodput: {at_least: 90 %}"
    assert checked(expect, simulate=steady(0.91)).verdict == "pass"
    assert checked(expect, simulate=steady(0.89)).verdict == "fail"


@pytest.mark.parametrize("n", [-1, 0, 1])
def test_a_spread_needs_two_replications(n: int) -> None:
    with pytest.raises(InputError, match=r"max-replications: got .*, want >= 2"):
        checked("goodput: {at_least: 50 %}", max_replications=n)
    with pytest.raises(InputError, match="max-replications"):
        new_baseline(scenario(MARGIN), max_replications=n)


def test_the_public_name_checks_a_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text("goodput: {at_least: 50 %}"))
    assert ras_sim.check(file, workers=1).verdict == "pass"
    with pytest.raises(InputError, match=r"expect: got nothing, want something to check \(e\.g\."):
        ras_sim.check(TINY)


def test_expectations_can_be_given_in_python() -> None:
    subject = subject_of(TINY, expect={"mtti_h": {"at_least": "2 h"}})
    assert check(subject, workers=1).verdict == "pass"
    for expect, message in (
        ({"mtti": {"at_least": "2 h"}}, "expect.mtti: got 'mtti'.*did you mean 'mtti_h'"),
        ({"mtti_h": {"at_least": 2}}, "expect.mtti_h.at_least: got .*2.*, want a time with its unit"),
        ({"mtti_h": 3}, "expect.mtti_h: got 3, want"),
        ({"goodput": {"no_worse_than_baseline_by": "1 %"}}, "nothing there"),
    ):
        with pytest.raises(InputError, match=message):
            subject_of(TINY, expect=expect)
    with pytest.raises(InputError, match="baseline: got none, want the file that goodput is compared with"):
        subject_of(scenario(MARGIN))


# ---------------------------------------------------------------------- against a baseline


def against(changed: Scenario, stored: baselines.Baseline, **options: Any) -> Check:
    return check(Subject(changed, None, stored), workers=1, **options)


def test_the_same_scenario_gives_no_difference_at_all() -> None:
    one = scenario(f"{MARGIN}, mtti_h: {{no_worse_than_baseline_by: 1 %}}")
    done = against(one, new_baseline(one, seed=4, workers=1))
    assert [(done.verdict, done.seed, done.is_changed)] == [("pass", 4, False)]
    assert {(one.method, one.difference) for one in done.judged} == {("paired", 0.0)}
    assert "no difference, 40 pairs" in "\n".join(check_lines(done))


def test_another_policy_is_compared_on_the_same_failures_and_another_machine_is_not() -> None:
    stored = new_baseline(scenario(MARGIN), workers=1)
    slower = against(scenario(MARGIN, "job.initialise.base=6 min"), stored)
    assert (slower.judged[0].method, slower.unpaired_because, slower.is_changed) == ("paired", "", True)
    assert slower.verdict == "pass"
    assert "the scenario has changed since its baseline" in "\n".join(check_lines(slower))
    for override in ("machine.nodes=44", "failures.node.crash.rate=0.021 per node-day", "horizon=11 d"):
        other = against(scenario(MARGIN, override), stored)
        assert (other.judged[0].method, "another machine" in other.unpaired_because) == ("unpaired", True), (
            override
        )
    other = against(scenario(MARGIN), stored, seed=2)
    assert (other.judged[0].method, other.unpaired_because) == ("unpaired", "the baseline has seed 1")
    assert "compared without pairs: the baseline has seed 1" in "\n".join(check_lines(other))


def test_pairs_decide_what_runs_on_their_own_cannot() -> None:
    narrow = "goodput: {no_worse_than_baseline_by: 0.3 %}"
    stored = new_baseline(scenario(narrow), workers=1, max_replications=40)
    slower = scenario(narrow, "job.initialise.base=5.5 min")
    assert against(slower, stored).verdict == "pass"
    assert against(slower, stored, seed=9, max_replications=160).verdict == "undecided"


def test_a_loss_fails_and_a_gain_does_not() -> None:
    stored = new_baseline(scenario(MARGIN), workers=1)
    dear = against(scenario(MARGIN, "job.checkpoints.remote.blocking=3 min"), stored)
    assert (dear.verdict, dear.judged[0].bound) == ("fail", -0.01)
    assert dear.judged[0].difference < -0.01  # type: ignore[operator]
    assert against(scenario(MARGIN, "job.checkpoints.remote.blocking=0"), stored).verdict == "pass"


def test_a_metric_of_which_less_is_better_and_a_margin_in_percent() -> None:
    expect = "time_h.restore: {no_worse_than_baseline_by: 50 %}"
    stored = new_baseline(scenario(expect), workers=1)
    mean = stored.metrics["time_h.restore"].mean
    double = against(scenario(expect, "job.checkpoints.remote.restore=10 min"), stored)
    assert (double.verdict, double.judged[0].bound) == ("fail", pytest.approx(mean / 2))  # type: ignore[operator]
    assert against(scenario(expect, "job.checkpoints.remote.restore=1 min"), stored).verdict == "pass"


def test_a_changed_program_is_told_from_a_changed_scenario() -> None:
    one = scenario(MARGIN)
    done = against(one, new_baseline(one, simulate=steady(0.9)), simulate=steady(0.85))
    assert (done.verdict, done.is_changed) == ("fail", False)
    assert "the scenario has not changed, so the program has, since its baseline" in "\n".join(
        check_lines(done)
    )


def noisy(purpose: str) -> Callable[..., Ledger]:
    """Goodput of 90 % give or take a point, other draws for every purpose."""

    def simulate(given: Scenario, *, seed: int, replication: int) -> Ledger:
        goodput = 0.9 + 0.01 * float(stream(seed, replication, purpose).standard_normal())
        return steady(goodput)(given, seed=seed, replication=replication)

    return simulate


def test_a_paired_claim_stops_when_the_pairs_are_used_up() -> None:
    one = scenario("goodput: {no_worse_than_baseline_by: 0.2 %}")
    stored = new_baseline(one, simulate=noisy("then"), max_replications=50)
    done = against(one, stored, simulate=noisy("now"))
    assert (done.verdict, done.judged[0].n, done.replications) == ("undecided", 50, 80)
    assert "the baseline is too coarse" in "\n".join(check_lines(done))


def test_ratios_are_paired_as_ratios() -> None:
    base, other = Sample([10.0, 20.0, 30.0], [1.0, 2.0, 4.0]), Sample([11.0, 21.0, 33.0], [1.0, 2.0, 4.0])
    mean, (low, high) = paired_interval(base, other, 0.025)
    assert mean == pytest.approx(65 / 7 - 60 / 7)
    assert low < mean < high
    assert Sample([1.0]).interval(0.1) == (-math.inf, math.inf)


@pytest.mark.parametrize("name", ["quickstart", "llama3_405b_16k"])
def test_shipped_scenarios_keep_what_they_expect(name: str) -> None:
    """A change of results that fails here is wanted or not: `ras-sim check --update scenarios` says it is."""
    done = check(ROOT / "scenarios" / f"{name}.yaml", workers=1)
    assert done.verdict == "pass", "\n".join(check_lines(done))


def test_replications_come_in_order_and_can_begin_anywhere() -> None:
    one = load(TINY)
    assert measured(one, 1, range(3, 6), workers=2) == measured(one, 1, range(6), workers=1)[3:]


def test_what_was_decided_early_says_after_how_many_replications() -> None:
    """A claim keeps the mean of the look that decided it; the header counts what others needed."""
    done = checked("goodput: {at_least: 50 %}, ettr: {at_least: 0.9564}", max_replications=80)
    first, *_, last = looks(80)
    assert (done.replications, first) == (last, 40)
    found = done.to_json()["expectations"]
    assert [(one["replications"], one["followed"]) for one in found] == [(first, True), (last, True)]
    passed, undecided = check_lines(done)[1:3]
    assert passed.endswith(", after 40 replications")
    assert "after" not in undecided
    seen = [one.goodput for one in measured(load(TINY), 1, range(first), workers=1)]
    assert found[0]["mean"] == pytest.approx(sum(seen) / first)


CLOSE = "ettr: {at_least: 0.9564}"
"""So close that 80 replications cannot tell."""


def test_a_claim_that_fails_ends_the_check_and_the_open_ones_say_so() -> None:
    """No more replications could change the verdict; without that claim the same check goes on to its limit."""
    done = checked(f"goodput: {{at_least: 50 %, at_most: 80 %}}, {CLOSE}", max_replications=80)
    assert (done.verdict, done.replications) == ("fail", looks(80)[0])
    assert [one.verdict for one in done.judged] == ["pass", "fail", "undecided"]
    assert [one["followed"] for one in done.to_json()["expectations"]] == [True, True, False]
    lines = check_lines(done)
    assert lines[3].endswith("; not followed further, as the scenario fails anyway")
    assert "cannot tell" not in "\n".join(lines)
    assert checked(f"goodput: {{at_least: 50 %}}, {CLOSE}", max_replications=80).replications == 80


def test_ending_at_a_failure_changes_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """Near the bounds, over seeds: the verdict is that of a check that looks to its end."""

    def to_the_end(self: Any, measures: Any) -> bool:
        look(self, measures)
        return all(one.is_final for one in self._known.values())

    def drifting(given: Scenario, *, seed: int, replication: int) -> Ledger:
        noise = float(stream(seed, replication, "synthetic").standard_normal())
        goodput = 0.9 + 0.002 * (seed % 9 - 4) + 0.01 * noise
        return steady(goodput)(given, seed=seed, replication=replication)

    look = _Gate.look
    near = scenario("goodput: {at_least: 89.6 %}, ettr: {at_least: 90.1 %}")

    def verdicts() -> list[tuple[str, int]]:
        found = [
            check(near, seed=seed, max_replications=160, simulate=drifting, workers=1) for seed in range(18)
        ]
        return [(one.verdict, one.replications) for one in found]

    stopped = verdicts()
    monkeypatch.setattr(_Gate, "look", to_the_end)
    followed = verdicts()
    assert [verdict for verdict, _ in stopped] == [verdict for verdict, _ in followed]
    assert {verdict for verdict, _ in stopped} == {"pass", "fail", "undecided"}
    assert sum(n for _, n in stopped) < sum(n for _, n in followed)
