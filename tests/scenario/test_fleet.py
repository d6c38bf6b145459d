"""What is refused of a fleet, of changes, services, seasons and starts: where, what was got, what was wanted."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ras_sim.scenario.checks import findings
from ras_sim.scenario.model import Scenario
from tests.small import SOURCE, mode, per_h, small, tier, weibull

FAILURES = {
    "node": {
        "crash": mode(rate=per_h(0.01)),
        "ages": mode(lifetime=weibull(2.0, 100.0)),
        "struck": mode(),
        "hot": mode(rate=per_h(0.01), season={"amplitude": 0.5, "peak": "12 h", **SOURCE}),
        "ends": mode(lifetime={"kind": "uniform", "low": "0 h", "high": "5000 h"}),
    }
}
BATCH: dict[str, Any] = {"first": 2, "count": 3, **SOURCE}
BAD: dict[str, Any] = {
    "p": 0.5, "modes": ["node.crash"], "factor": 3.0, "found_after": "5 h", "rollback": "1 h", **SOURCE,
}  # fmt: skip
WAVE: dict[str, Any] = {"every": "100 h", "sizes": [2], "duration": "1 h", "gap": "1 h", **SOURCE}
OUT: dict[str, Any] = {"every": "50 h", "lasts": "1 h", "left": {"restore": 0.0}, **SOURCE}


def found(**changes: Any) -> list[tuple[str, str]]:
    """(place, what was wanted) of everything that is wrong, but that nothing brings `node.struck` about."""
    shock = {"every": "500 h", "under": "machine", "strikes": "node.struck", "p_struck": 0.5, **SOURCE}
    changes = {"failures": FAILURES, "job__checkpoints": {"remote": tier(1.0)}, "shocks": {"s": shock}, **changes}
    scenario = small(1000.0, nodes=10, job_nodes=6, **changes)
    return [(".".join(finding.path), finding.wanted) for finding in findings(scenario)]


def batches(**named: Any) -> dict[str, Any]:
    return {"fleet__batches": {name: {**BATCH, **keys} for name, keys in named.items()}}


def test_a_good_fleet_is_good() -> None:
    defect = {"modes": ["node.ages"], "factor": 2.0, **SOURCE}
    assert not found(
        **batches(a={"joins": "1 h", "burn_in": "2 h", "start_age": "3 h", "defect": defect}, b={"first": 5}),
        fleet__waves={"firmware": {**WAVE, "bad": BAD, "p_bricks": 0.1, "bricks": "node.struck"}},
        services={"storage": OUT},
        job__preemptions={"big": {"every": "9 d", "lasts": "1 h", **SOURCE}},
    )


@pytest.mark.parametrize(
    ("named", "place", "wanted"),
    [
        ({"a": {"first": 10}}, "a.first", "less than 10"),
        ({"a": {"count": 9}}, "a.count", "at most 8"),
        ({"a": {}, "b": {"first": 4}}, "b.first", "at least 5, where a ends"),
        ({"a": {"first": 0, "count": 7}, "b": {"first": 2}}, "b.first", "at least 7, where a ends"),
        ({"a": {"joins": "900 h", "burn_in": "100 h"}}, "a", "together less than the horizon"),
        ({"a": {"start_age": "5000 h"}}, "a.start_age", "an age that some parts reach with node.ends"),
        ({"a": {"defect": {"modes": ["node.crsh"], "factor": 2.0, **SOURCE}}}, "a.defect.modes.0", "a failure mode"),
        ({"a": {"defect": {"modes": ["node.struck"], "factor": 2.0, **SOURCE}}}, "a.defect.modes.0", "a mode with a `rate`"),
        (
            {"a": {"defect": {"modes": ["node.crash", "node.crash"], "factor": 2.0, **SOURCE}}},
            "a.defect.modes.1", "each mode once",
        ),
    ],
)  # fmt: skip
def test_batches_that_do_not_fit(named: dict[str, Any], place: str, wanted: str) -> None:
    problems = found(**batches(**named))
    assert [one for one in problems if one[0] == f"fleet.batches.{place}" and wanted in one[1]], problems


def test_spares_may_come_after_the_run() -> None:
    assert not found(**batches(a={"first": 7, "joins": "2000 h"}))


@pytest.mark.parametrize(
    ("bad", "wanted"),
    [
        ({"modes": ["node.ages"]}, "a mode with a `rate`"),
        ({"modes": ["node.hot"]}, "a mode with a `rate`, without frailty and season"),
        ({"modes": ["node.crahs"]}, "a failure mode"),
        ({"factor": 1e6, "p": 1.0, "found_after": "1000 h"}, "at most"),
    ],
)
def test_changes_that_cannot_raise_a_rate(bad: dict[str, Any], wanted: str) -> None:
    release = {"every": "10 h", "duration": "1 h", "bad": {**BAD, **bad}, **SOURCE}
    in_stops = found(job__planned={"release": release})
    in_waves = found(fleet__waves={"firmware": {**WAVE, "every": "10 h", "bad": {**BAD, **bad}}})
    for problems in (in_stops, in_waves):
        assert [one for one in problems if wanted in one[1]], problems


def test_a_defect_cannot_be_raised_again() -> None:
    defect = {"modes": ["node.crash"], "factor": 2.0, **SOURCE}
    problems = found(**batches(a={"defect": defect}), fleet__waves={"firmware": {**WAVE, "bad": BAD}})
    assert ("fleet.waves.firmware.bad.modes.0", "a mode that is no defect of a batch") in problems


@pytest.mark.parametrize(
    ("keys", "place", "wanted"),
    [
        ({"p_bricks": 0.1, "bricks": "node.brick"}, "fleet.waves.firmware.bricks", "a failure mode"),
        ({"every": "0 h"}, "fleet.waves.firmware", "at most"),
    ],
)
def test_waves_that_do_not_fit(keys: dict[str, Any], place: str, wanted: str) -> None:
    problems = found(fleet__waves={"firmware": {**WAVE, **keys}})
    assert [one for one in problems if one[0] == place and wanted in one[1]], problems


def test_a_wave_has_a_name_of_its_own() -> None:
    stop = {"every": "100 h", "duration": "1 h", **SOURCE}
    problems = found(job__planned={"firmware": stop}, fleet__waves={"firmware": WAVE})
    assert ("fleet.waves.firmware", "another name: a planned stop has this one") in problems


@pytest.mark.parametrize(
    ("keys", "place", "wanted"),
    [
        ({"tiers": ["remot"]}, "services.it.tiers.0", "a tier of checkpoints"),
        ({"left": {"restore": 1.0}}, "services.it.left", "less than 1 somewhere"),
        ({"left": {"initialise": 0.0}, "tiers": ["remote"]}, "services.it.tiers", "no tiers"),
        ({"every": "0 h", "lasts": "0 h"}, "services.it", "at most"),
        ({"every": None}, "services.it", "either `every` or `after`"),
        ({"after": ["other"]}, "services.it", "either `every` or `after`"),
        ({"every": None, "after": ["othr"]}, "services.it.after.0", "a shock, or a service with `every`: s"),
        ({"every": None, "after": ["it"]}, "services.it.after.0", "a shock, or a service with `every`"),
    ],
)
def test_services_that_do_not_fit(keys: dict[str, Any], place: str, wanted: str) -> None:
    problems = found(services={"it": {**OUT, **keys}})
    assert [one for one in problems if one[0] == place and wanted in one[1]], problems


def test_a_job_must_come_up_now_and_then() -> None:
    scenario = small(nodes=10, job_nodes=6, failures={"node": {"surge": mode(p_start=0.2)}})
    problems = [(".".join(finding.path), finding.wanted) for finding in findings(scenario)]
    assert problems == [
        ("failures.node.surge.p_start", "at most 0.1, one of all 10 parts: the job would hardly ever come up")
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"fleet__waves": {"firmware": {**WAVE, "p_bricks": 0.1}}},
        {"fleet__waves": {"firmware": {**WAVE, "bricks": "node.struck"}}},
        {"fleet__waves": {"firmware": {**WAVE, "sizes": []}}},
        {"failures": {"node": {"struck": mode(season={"amplitude": 0.5, "peak": "1 h", **SOURCE})}}},
        {"services": {"it": {**OUT, "left": {}}}},
    ],
)
def test_what_its_own_block_refuses(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        small(**changes)


def test_a_scenario_without_the_new_blocks_reads_as_before() -> None:
    resolved = small().resolved()
    assert not {"fleet", "services"} & set(resolved)
    assert "preemptions" not in resolved["job"]
    assert isinstance(Scenario.model_validate(resolved), Scenario)
