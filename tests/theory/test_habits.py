"""A fault that two layers handle, and a job that gives up."""

from __future__ import annotations

import numpy as np
import pytest

from ras_sim.metrics.measures import check_conservation
from tests.small import (
    SOURCE,
    faults_of,
    fixed,
    h,
    hours,
    ladder,
    mode,
    per_h,
    rung,
    runs,
    small,
    tier,
    z_mean,
)


def twice(p: float, after_h: float, start_up_h: float = 0.0, **keys: object) -> object:
    """A crash each 100 h or so, mended in an hour; a save each hour."""
    return small(
        5000.0,
        job__checkpoints={"disk": tier(1.0)},
        job__initialise={"base": h(start_up_h), "at_1000_gpus": 0, "exponent": 0.0, **SOURCE},
        failures={"node": {"crash": mode(rate="0.01 /h", clock="in_job")}},
        repair=ladder(
            {"fix": rung("1 h")}, double_handling={"probability": p, "after": h(after_h), **SOURCE}
        ),
        **keys,
    )


@pytest.mark.parametrize("p", [0.2, 0.9])
def test_second_restarts_are_binomial(p: float) -> None:
    """Each fault is restarted once more with p, half an hour after the job runs again; both halves of its work are lost."""
    restarts, faults, lost = [], [], []
    for ledger in runs(twice(p, 1.5), 60):
        check_conservation(ledger)
        crashes = faults_of(ledger, "crash")
        second = [row for row in crashes if row.component_class == "double_handling"]
        first = [row for row in crashes if row.component_class == "node"]
        # A second restart that falls into the next outage, or beyond the end, is none.
        begun = np.array([row.arrive_h for row in first])
        alone = [row for row, gap in zip(first, np.diff([*begun, 5000.0]), strict=True) if gap > 1.5]
        by_root = {row.root_id: row for row in second}
        restarts += [row.incident_id in by_root for row in alone]
        for row in second:
            assert row.arrive_h - next(
                r.arrive_h for r in first if r.incident_id == row.root_id
            ) == pytest.approx(1.5)
            lost.append(
                sum(
                    job.hours
                    for job in ledger.job
                    if job.incident_id == row.incident_id and job.category == "lost_work"
                )
            )
        faults.append(len(first))
    assert abs(z_mean(restarts, p)) < 4
    assert max(abs(x - 0.5) for x in lost) < 1e-6


@pytest.mark.parametrize(("after_h", "more_h"), [(0.5, 0.0), (1.5, 0.5), (2.5, 1.5), (4.5, 3.0)])
def test_what_a_second_restart_costs(after_h: float, more_h: float) -> None:
    """Repair until 1 h after the strike, start-up until 4: a restart at 1.5 h begins that anew, one before 1 is none."""
    for ledger in runs(twice(1.0, after_h, 3.0), 5):
        spent = hours(ledger)["initialise"]
        first = [row for row in faults_of(ledger, "crash") if row.component_class == "node"]
        second = [row for row in faults_of(ledger, "crash") if row.component_class == "double_handling"]
        assert (len(second) > 0) == (after_h > 1.0)
        ended = 3.0 * (len(first) + 1) + more_h * len(second)
        assert spent == pytest.approx(ended, abs=4.0)  # the last one may be cut by the end of the run


def gives_up(n: int, interval_h: float, rate: float) -> object:
    return small(
        4000.0,
        job__checkpoints={"disk": tier(interval_h)},
        job__gives_up={"restarts": n, "intervention": fixed(7.0), **SOURCE},
        failures={"node": {"crash": mode(rate=per_h(rate), clock="in_job")}},
        repair=ladder({"fix": rung("1 h")}),
    )


@pytest.mark.parametrize(("n", "rate"), [(1, 0.5), (2, 0.5), (3, 1.5)])
def test_failures_until_the_job_gives_up(n: int, rate: float) -> None:
    """Failures come only while it computes: one is in vain with q = 1 - exp(-rate x interval), so until n of them follow
    one another there are (q^-n - 1) / (1 - q) on average."""
    interval_h = 1.0
    q = 1 - np.exp(-rate * interval_h)
    between = []
    for ledger in runs(gives_up(n, interval_h, rate), 12):
        check_conservation(ledger)
        waits = [row for row in ledger.incidents if row.component_class == "gives_up"]
        assert all(
            row.closed_h - row.arrive_h == pytest.approx(7.0) for row in waits if row.closed_h == row.closed_h
        )
        assert hours(ledger)["diagnose"] == pytest.approx(7.0 * len(waits), abs=7.0)
        count = 0
        for row in ledger.incidents:
            if row.component_class == "gives_up":
                between.append(count)
                count = 0
            else:
                count += 1
    assert len(between) > 100
    assert abs(z_mean(between, (q**-n - 1) / (1 - q))) < 4


def test_a_job_that_moves_does_not_give_up() -> None:
    """Without an interval to lose, every restart has moved."""
    for ledger in runs(gives_up(1, 1e-4, 0.05), 3):
        assert not [row for row in ledger.incidents if row.component_class == "gives_up"]


def test_nothing_changes_while_patience_lasts() -> None:
    patient, endless = gives_up(1_000_000, 1.0, 0.5), gives_up(1_000_000, 1.0, 0.5)
    data = endless.resolved()
    del data["job"]["gives_up"]
    other = type(endless).model_validate(data)
    assert [repr(one.job) for one in runs(patient, 2)] == [repr(one.job) for one in runs(other, 2)]
