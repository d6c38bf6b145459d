"""A noun in a rate or a price means one of what it is a rate or a price of, or it is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from ras_sim.errors import InputError
from ras_sim.experiment.factors import parse_factors
from ras_sim.experiment.varied import search_space
from ras_sim.scenario.checks.machine import built_machine
from ras_sim.scenario.load import load, loads
from ras_sim.scenario.nouns import wrong_noun

SCENARIOS = Path(__file__).parents[2] / "scenarios"
QUICKSTART = SCENARIOS / "quickstart.yaml"
DUE = "failures.hbm.due.rate"
PART = "want per hbm-year, per part-year or per year"
SHOCK = "{{every: {{kind: bathtub, infant_shape: 0.5, infant_scale: 1 y, rate: 1 per {noun}-year, wear_shape: 2, "
SHOCK += "wear_scale: 9 y}}, under: rack, strikes: gpu.faulty, p_struck: 0.1, source: assumed}}"


def problems(*overrides: str) -> list[str]:
    """What is wrong with the quickstart with these settings."""
    with pytest.raises(InputError) as caught:
        load(QUICKSTART, overrides)
    return [str(one) for one in caught.value.problems]


@pytest.mark.parametrize(
    ("setting", "wanted"),
    [
        ("cost.job_gpu=20 per node-hour", "want per GPU-hour or per hour (each node has 8 gpu: write '2.5 per GPU-hour')"),
        ("cost.job_gpu=2 per NIC-hour", "want per GPU-hour or per hour (each nic has 1 gpu: write '2 per GPU-hour')"),
        ("cost.spare_gpu=20 per spare-hour", "want per GPU-hour or per hour"),
        ("cost.technicians.price=75 per GPU-hour", "want per technician-hour or per hour"),
        (f"{DUE}=0.061 per GPU-year", f"{PART} (each gpu has 5 hbm: write '0.0122 per hbm-year')"),
        (f"{DUE}=61 / 1,000 Server-years", f"{PART} (each node has 40 hbm: write '1.525 / 1,000 hbm-years')"),
        (f"{DUE}=0.061 per year-year", PART),
        ("failures.node.chassis.rate=1 per rack-year", "(there are 130 node and 33 rack: write '0.2538 per node-year')"),
        (
            "failures.optic.dead.rate=0.06 per link-year",
            "want per optic-year, per part-year or per year (each link has 2 optic: write '0.03 per optic-year')",
        ),
        (
            "detection.watchdogs={heart: {symptoms: [hang], every: 1 min, misses: 2, coverage: 1, "
            "false_alarms: 1 per GPU-year, source: assumed}}",
            "want per job-year or per year",
        ),
        (f"shocks={{quake: {SHOCK.format(noun='node')}}}", "want per rack-year, per part-year or per year"),
        (
            f"uncertain={{{DUE}: {{low: 1 FIT, high: 0.1 per GPU-year, source: assumed}}}}",
            f"{DUE}.high: got '0.1 per GPU-year'",
        ),
        ("cost.carrying=0.2 per shelf-year", "want per part-year or per year"),
    ],
)  # fmt: skip
def test_a_noun_of_something_else_is_refused(setting: str, wanted: str) -> None:
    found = [one for one in problems(setting) if "want a price" not in one]
    assert len(found) == 1
    assert wanted in found[0]


@pytest.mark.parametrize(
    "setting",
    [
        "cost.job_gpu=2 per accelerator-hour",
        "cost.job_gpu=2 per hour",
        "cost.technicians.price=75 per person-hour",
        f"{DUE}=0.061 per HBM-year",
        f"{DUE}=61 per 1000 stack-years",
        f"{DUE}=0.061 per part-year",
        "failures.software.bug.rate=1 per 1000 server-days",  # one on each node: the same number
        "failures.link.flap.rate=0.1 per cable-year",
        "failures.gpu.faulty.rate=0.1 per GPUs-year",
        f"shocks={{quake: {SHOCK.format(noun='rack')}}}",
    ],
)
def test_a_noun_of_one_part_is_read(setting: str) -> None:
    load(QUICKSTART, [setting])


def test_the_number_in_the_hint_brings_as_many_faults() -> None:
    """0.061 per GPU-year are as many faults of all GPUs as 0.0122 per hbm-year are of all stacks."""
    machine, _ = built_machine(load(QUICKSTART).machine)
    assert machine is not None
    for other, path in (("gpu", "hbm"), ("node", "dimm"), ("hbm", "gpu"), ("leaf", "optic"), ("nvlink", "cpu")):
        wrong = wrong_noun(("failures", path, "x", "rate"), f"0.5 per {other}-year", machine.counts)
        assert wrong is not None
        instead = float(wrong.hint.partition("write '")[2].partition(" ")[0])
        assert instead * machine.counts[path] == pytest.approx(0.5 * machine.counts[other], rel=1e-3)


def test_gpus_that_are_only_counted_have_a_price_for_each() -> None:
    tiny = (Path(__file__).parents[1] / "scenarios" / "tiny.yaml").read_text()
    prices = "\ncost: {currency: EUR, job_gpu: 20 per node-hour, source: assumed}\n"
    with pytest.raises(InputError, match=r"write '2\.5 per GPU-hour'"):
        loads(tiny + prices, overrides=["machine.gpus_per_node=8", "job.gpus=8", "job.parallel=null"])


def test_a_noun_of_a_range_is_checked_where_no_scenario_is_read() -> None:
    with pytest.raises(InputError, match="want per hbm-year"):
        search_space(load(QUICKSTART), parse_factors([f"{DUE}=0.01..0.1 per GPU-year"]))


def test_a_wrong_noun_shows_beside_faults_of_shape() -> None:
    found = problems(f"{DUE}=1 per GPU-year", "cost.parts.gpu=31.000", "horizn=3 d")
    assert [one.partition(": ")[2].partition(":")[0] for one in found] == ["cost.parts.gpu", DUE, "horizn"]


@pytest.mark.parametrize(
    ("setting", "hint"),
    [
        ("cost.parts.gpu=31.000", "(write 31000 or 31)"),
        ("cost.parts.gpu='31.250'", "(write 31250 or 31.25)"),
        ("cost.technicians.price=75.000 per year", "(write 75000 per year or 75 per year)"),
    ],
)
def test_a_point_that_may_part_thousands_is_refused(setting: str, hint: str) -> None:
    (found,) = problems(setting)
    assert f"want no point that may part thousands {hint}" in found


@pytest.mark.parametrize("price", ["31.25", "31.0", "0.250", "31000", "1234.500", "31.255", "'31,000'"])
def test_other_points_in_a_price_are_read(price: str) -> None:
    load(QUICKSTART, [f"cost.parts.gpu={price}"])
