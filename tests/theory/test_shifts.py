"""Shifts, against closed forms and against a roster in which every person of every day is listed by name."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ras_sim.engine import simulate
from ras_sim.engine.replication import Replication
from ras_sim.ledger import ROW_TYPES, Ledger
from ras_sim.metrics import measure
from ras_sim.repair.roster import ALWAYS, WEEK_H, Shift, Window, merged, others
from ras_sim.scenario.build import setup_of
from ras_sim.scenario.model import Scenario
from ras_sim.scenario.technicians import week_hour
from tests.small import SOURCE, exponential, fixed, h, ladder, mode, per_h, rung, runs, small, z_mean


def shift(days: str, begins: str, ends: str, count: int) -> dict[str, Any]:
    return {"days": days, "begins": begins, "ends": ends, "count": count}


DAY = {"day": shift("mon-fri", "08:00", "18:00", 2)}
TWO = {"early": shift("every", "06:00", "14:00", 2), "late": shift("mon-sat", "12:30", "20:30", 1)}
NIGHT = {"night": shift("fri-sun", "22:00", "06:00", 1)}
ROSTERS: dict[str, tuple[int, dict[str, Any], str]] = {
    "day": (0, DAY, "mon 00:00"),
    "day, begun on Saturday": (0, DAY, "sat 11:15"),
    "two that overlap": (0, TWO, "wed 13:00"),
    "across midnight and the week": (0, NIGHT, "sun 23:00"),
    "begun in a night that began in the week before": (0, NIGHT, "mon 02:00"),
    "few at night, more by day": (1, DAY, "fri 09:30"),
}
"""Name -> count outside shifts, shifts, when the run begins."""


def crew(roster: str, at_end: str = "finish", travel: Any = 0, each: int | None = None) -> dict[str, Any]:
    """The technicians of a roster; `each` people in every shift instead of its own number."""
    count, shifts, begins = ROSTERS[roster]
    if each is not None:
        shifts = {name: {**one, "count": each} for name, one in shifts.items()}
        count = each if count else 0
    return {
        "count": count, "shifts": shifts, "run_begins": begins, "at_shift_end": at_end, "travel": travel, **SOURCE
    }  # fmt: skip


def shop(technicians: dict[str, Any], horizon_h: float, n: int, faults_per_h: float, work: Any) -> Scenario:
    """Nodes that fail without memory until three weeks before the end, so that all work is done by then."""
    rate = {"kind": "piecewise_constant", "edges": [h(0), h(horizon_h - 3 * WEEK_H)],
            "rates": [per_h(faults_per_h / n), per_h(0.0)]}  # fmt: skip
    return small(
        horizon_h,
        nodes=n,
        failures={"node": {"crash": mode(lifetime=rate)}},
        repair=ladder({"fix": rung(work, takes_down="node", technician=True)}, technicians=technicians),
    )


def on_duty(roster: str, hour: float) -> int:
    """How many are on duty at an hour of the run: every day of every shift is looked at."""
    count, shifts, begins = ROSTERS[roster]
    week = (week_hour(begins) + hour) % WEEK_H
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    sets = {"every": names, "mon-fri": names[:5], "mon-sat": names[:6], "fri-sun": names[4:]}
    total = 0
    for one in shifts.values():
        begin, end = (float(text[:2]) + float(text[3:]) / 60 for text in (one["begins"], one["ends"]))
        for day in sets[one["days"]]:
            since = (week - (24.0 * names.index(day) + begin)) % WEEK_H
            total += one["count"] * (since < (end - begin) % 24.0)
    return total or count


@pytest.mark.parametrize("roster", ROSTERS)
def test_who_is_on_duty(roster: str) -> None:
    """Shift by shift and second by second around each change, for three weeks."""
    scenario = shop(crew(roster), 4 * WEEK_H, 2, 0.01, 0)
    spec = scenario.repair.technicians
    assert spec is not None
    shifts = spec.rosters()[""]
    for quarter in range(4 * 24 * 21):
        for off in (-1e-3, 1e-3):
            now_h = quarter / 4 + off
            there = sum(one.count for one in shifts if one.off_h(now_h) is not None)
            assert there == on_duty(roster, now_h), now_h


@pytest.mark.parametrize("horizon_h", [2 * WEEK_H + 53.25, 30.5, WEEK_H, 0.25])
@pytest.mark.parametrize("roster", ROSTERS)
def test_people_on_duty_are_paid_for_the_very_hours_of_the_run(roster: str, horizon_h: float) -> None:
    """Quarter by quarter of the run, which need not be whole weeks, and a second crew round the clock."""
    night = {"night": {"count": 3, "serves": ["node"]}}
    pay = {"price": "50 per hour", "paid": "on_duty", **SOURCE}
    scenario = small(
        horizon_h,
        repair=ladder({"fix": rung(technician=True)}, technicians={**crew(roster), "crews": night}),
        cost={"currency": "EUR", "technicians": pay, **SOURCE},
    )
    quarters = [on_duty(roster, (quarter + 0.5) / 4) for quarter in range(round(4 * horizon_h))]
    charge = measure(simulate(scenario, seed=1, replication=0)).charges["technicians"]
    assert charge.quantity == pytest.approx(sum(quarters) / 4 + 3 * horizon_h, rel=1e-12)


@pytest.mark.parametrize("done_h", [5.0, 40.0, 100.25])
@pytest.mark.parametrize("roster", ROSTERS)
def test_people_on_duty_are_paid_until_the_job_is_done(roster: str, done_h: float) -> None:
    """The work is done long before the horizon: what would have been duty after it is nobody's."""
    scenario = small(
        3 * WEEK_H,
        job__work=h(done_h),
        repair=ladder({"fix": rung(technician=True)}, technicians=crew(roster)),
        cost={"currency": "EUR", "technicians": {"price": "50 per hour", "paid": "on_duty", **SOURCE}, **SOURCE},
    )
    ledger = simulate(scenario, seed=1, replication=0)
    quarters = [on_duty(roster, (quarter + 0.5) / 4) for quarter in range(round(4 * done_h))]
    assert ledger.horizon_h == pytest.approx(done_h)
    assert measure(ledger).charges["technicians"].quantity == pytest.approx(sum(quarters) / 4, abs=1e-9)


@pytest.mark.parametrize("roster", [name for name, (count, *_) in ROSTERS.items() if not count])
def test_a_fault_at_a_random_hour_waits_for_the_shift(roster: str) -> None:
    """With people enough: P(wait) = sum of gaps / week, E[wait] = sum of gap^2 / 2 / week, uniform over whole weeks."""
    scenario = shop(crew(roster, each=1000), 9 * WEEK_H, 2000, 1.0, 0)
    spec = scenario.repair.technicians
    assert spec is not None
    gaps = np.array(
        [end - start for start, end in others(w for one in spec.shifts.values() for w in one.windows())]
    )
    fractions, means, squares = [], [], []
    for ledger in runs(scenario, 24):
        waits = np.array([row.start_h - row.asked_h for row in ledger.attempts])
        fractions.append((waits > 1e-6).mean())
        means.append(waits.mean())
        squares.append((waits**2).mean())
    assert abs(z_mean(fractions, gaps.sum() / WEEK_H)) < 4.0
    assert abs(z_mean(means, (gaps**2).sum() / 2 / WEEK_H)) < 4.0
    assert abs(z_mean(squares, (gaps**3).sum() / 3 / WEEK_H)) < 4.0


# ---------------------------------------------------------------------- everybody by name


class Person(NamedTuple):
    """Somebody on one day: from when to when."""

    start_h: float
    end_h: float
    number: int


def people(roster: str, horizon_h: float) -> list[Person]:
    """Everybody on every day."""
    count, shifts, begins = ROSTERS[roster]
    offset = week_hour(begins)
    found = []
    groups = [(one["count"], merged(Spec.windows(one))) for one in shifts.values()]
    groups.append((count, others(w for one in shifts.values() for w in Spec.windows(one))))
    for size, windows in groups:
        for week in range(-1, int(horizon_h / WEEK_H) + 2):
            for start, end in windows:
                first = week * WEEK_H + start - offset
                found += [Person(first, first + end - start, k) for k in range(size)]
    return [one for one in found if one.end_h > 0.0]


class Spec:
    """Windows of a shift, written again from scratch."""

    @staticmethod
    def windows(one: dict[str, Any]) -> list[Window]:
        names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
        sets = {"every": names, "mon-fri": names[:5], "mon-sat": names[:6], "fri-sun": names[4:]}
        begin, end = (float(text[:2]) + float(text[3:]) / 60 for text in (one["begins"], one["ends"]))
        return [
            (24.0 * names.index(day) + begin, 24.0 * names.index(day) + begin + (end - begin) % 24.0)
            for day in sets[one["days"]]
        ]


def played(
    roster: str, jobs: list[tuple[float, float]], travel_h: float, hands_over: bool, horizon_h: float
) -> list[float]:
    """When each job (asked, hours of work) is done, first come first served; everybody is looked at every time."""
    staff = people(roster, horizon_h)
    free = {number: one.start_h for number, one in enumerate(staff)}
    left = [work for _, work in jobs]
    since = {number: asked for number, (asked, _) in enumerate(jobs)}
    done = [math.nan] * len(jobs)
    while since:
        # Of all who could begin first, the one who asked first.
        best = (math.inf, 0, 0.0, 0)
        for job in sorted(since, key=since.__getitem__):
            if since[job] > best[0]:
                break
            for who, at in free.items():
                start = max(since[job], at)
                if start < staff[who].end_h - 1e-9:
                    best = min(best, (start, job, -staff[who].end_h, who))
        start, job, _, who = best
        end, off = start + travel_h + left[job], staff[who].end_h
        if hands_over and end > off:
            left[job] -= max(0.0, off - (start + travel_h))
            since[job] = free[who] = off
        else:
            done[job] = free[who] = end
            del since[job]
    return done


def jobs_of(ledger: Ledger) -> list[tuple[float, float]]:
    """(asked, hours of work) of each try, as they were drawn."""
    work: dict[int, float] = defaultdict(float)
    for row in ledger.visits:
        assert not math.isnan(row.left_h)
        if not math.isnan(row.arrived_h):
            work[row.incident_id] += row.left_h - row.arrived_h
    return [
        (row.asked_h, work[row.incident_id]) for row in sorted(ledger.attempts, key=lambda row: row.asked_h)
    ]


@pytest.mark.parametrize("at_end", ["finish", "hand_over"])
@pytest.mark.parametrize("travel_h", [0.0, 1.5])
@pytest.mark.parametrize("roster", ROSTERS)
def test_every_job_is_done_when_a_list_of_people_says(roster: str, travel_h: float, at_end: str) -> None:
    """Random faults and hours of work; each try of each run ends as in a queue played over the list of all people."""
    hours = sum(on_duty(roster, hour + 0.5) for hour in range(int(WEEK_H)))
    rate = 0.5 * hours / WEEK_H / (travel_h + 3.0)
    scenario = shop(crew(roster, at_end, h(travel_h)), 10 * WEEK_H, 400, rate, exponential(3.0))
    n_waited = n_more = 0
    for ledger in runs(scenario, 3):
        jobs = jobs_of(ledger)
        wanted = played(roster, jobs, travel_h, at_end == "hand_over", 10 * WEEK_H)
        got = [row.end_h for row in sorted(ledger.attempts, key=lambda row: row.asked_h)]
        assert got == pytest.approx(wanted, abs=1e-6)
        n_waited += sum(row.start_h - row.asked_h > travel_h + 1e-6 for row in ledger.attempts)
        n_more += len(ledger.visits) - len(ledger.attempts)
    assert n_waited > 10
    assert (n_more > 0) == (at_end == "hand_over")


# ---------------------------------------------------------------------- at the end of a shift


def evening(at_end: str) -> Ledger:
    """Two nodes fail at 16:00 on a Friday; one technician until 18:00, on weekdays from 08:00; 3 h of work, 30 min away."""
    technicians = {
        "count": 0, "shifts": {"day": shift("mon-fri", "08:00", "18:00", 1)}, "run_begins": "fri 06:00",
        "at_shift_end": at_end, "travel": "30 min", **SOURCE,
    }  # fmt: skip
    scenario = small(
        100.0,
        nodes=2,
        failures={"node": {"crash": mode(lifetime=fixed(10.0))}},
        repair=ladder(
            {"fix": rung("3 h", takes_down="node", technician=True, age_kept=0.0)}, technicians=technicians
        ),
    )
    return runs(scenario, 1)[0]


def test_whoever_began_stays_until_it_is_done() -> None:
    ledger = evening("finish")
    first, second = ledger.attempts[:2]
    assert (first.start_h, first.end_h) == (10.5, 13.5)
    assert (second.start_h, second.end_h) == (74.5, 77.5)
    assert ledger.visits[0][2:7] == (10.0, 10.0, 10.5, 13.5, 12.0)


def test_work_is_handed_over_and_goes_on_where_it_stopped() -> None:
    ledger = evening("hand_over")
    first, second = ledger.attempts[:2]
    assert (first.start_h, first.end_h) == (10.5, 76.0)
    assert (second.start_h, second.end_h) == (76.5, 79.5)
    assert [row[2:7] for row in ledger.visits[:2]] == [
        (10.0, 10.0, 10.5, 12.0, 12.0),
        (12.0, 74.0, 74.5, 76.0, 84.0),
    ]


@pytest.mark.parametrize("at_end", ["finish", "hand_over"])
@pytest.mark.parametrize("count", [1, 3])
def test_one_shift_all_day_is_nobody_s_shift(count: int, at_end: str) -> None:
    """All week in one shift gives the ledger of a crew without shifts, to the last bit."""
    travel = exponential(2.0)
    plain = {"count": count, "travel": travel, **SOURCE}
    whole = {
        "count": 0, "shifts": {"all": shift("every", "00:00", "24:00", count)}, "run_begins": "tue 07:00",
        "at_shift_end": at_end, "travel": travel, **SOURCE,
    }  # fmt: skip
    a, b = (shop(one, 6 * WEEK_H, 50, 0.3, exponential(2.0)) for one in (plain, whole))
    for k in range(2):
        one, other = (simulate(scenario, seed=5, replication=k) for scenario in (a, b))
        assert [repr(getattr(one, table)) for table in ROW_TYPES] == [
            repr(getattr(other, table)) for table in ROW_TYPES
        ]
        assert one.visits


def n_events(scenario: Scenario) -> int:
    replication = Replication(setup_of(scenario), 1, 0)
    replication.run()
    return next(replication._env._eid)


def test_hours_without_calls_cost_nothing() -> None:
    """A change of shift is an event only while somebody waits: as many events in a year as in ten weeks."""
    counts = []
    for weeks in (10, 52):
        rate = {"kind": "piecewise_constant", "edges": ["0 h", "300 h"], "rates": [per_h(0.02), per_h(0.0)]}
        scenario = small(
            weeks * WEEK_H,
            nodes=20,
            failures={"node": {"crash": mode(lifetime=rate)}},
            repair=ladder(
                {"fix": rung(exponential(2.0), takes_down="node", technician=True)}, technicians=crew("day")
            ),
        )
        counts.append(n_events(scenario))
    assert counts[0] == counts[1]


windows = st.lists(
    st.tuples(st.integers(0, 167), st.integers(1, 100)).map(lambda one: (float(one[0]), float(sum(one)))),
    max_size=6,
)


@settings(max_examples=200, deadline=None)
@given(windows, st.integers(0, 167), st.floats(0.0, 2000.0))
def test_a_roster_and_the_rest_share_every_hour(
    given_windows: list[Window], begins: int, hour: float
) -> None:
    """At each instant exactly one of the two is on duty; it stays until its end, and the other comes at once."""
    a, b = (Shift(1, one, float(begins)) for one in (merged(given_windows), others(given_windows)))
    off = [one.off_h(hour) for one in (a, b)]
    assert (off[0] is None) != (off[1] is None)
    week = (hour + begins) % WEEK_H
    inside = any((week - start) % WEEK_H < end - start for start, end in given_windows)
    edges = {start % WEEK_H for one in given_windows for start in one}
    if all(abs((week - edge + 84) % WEEK_H - 84) > 1e-6 for edge in edges):
        assert inside == (off[0] is not None)
    there, away, until = (a, b, off[0]) if off[0] is not None else (b, a, off[1])
    assert until is not None
    if until == math.inf:
        assert there.windows == ALWAYS
        assert away.next_on_h(hour) == math.inf
    else:
        assert away.next_on_h(hour) == pytest.approx(until, abs=1e-6)
