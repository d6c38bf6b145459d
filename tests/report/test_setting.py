"""Values of a scenario as a reader is told them: what a person would write at that key, and read back as the same value."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ras_sim import units
from ras_sim.experiment.designs import Change
from ras_sim.experiment.sensitivity import sensitivity
from ras_sim.report.sensitivity import rows, source_rows
from ras_sim.report.setting import changed, setting
from ras_sim.scenario.load import loads
from tests.experiment.checking import TINY

SIZES = [m * 10.0**power for power in range(-12, 15) for m in (1.0, 1.37, 9.996)]


@pytest.mark.parametrize(
    ("unit", "key", "parse"),
    [
        ("h", "detection.crash", units.parse_duration_h),
        ("/h", "failures.gpu.faulty.rate", units.parse_rate_per_h),
        ("/h", "cost.carrying", units.parse_rate_per_h),
        ("/h", "cost.job_gpu", units.parse_price_per_h),
        ("B", "job.checkpoints.disk.size", units.parse_bytes),
        ("B/h", "job.checkpoints.disk.bandwidth", units.parse_bandwidth_bytes_per_h),
        ("W", "cost.energy.idle", units.parse_power_w),
    ],
)
def test_a_value_is_written_as_the_scenario_takes_it(
    unit: str, key: str, parse: Callable[[str], float]
) -> None:
    for value in SIZES:
        written = setting(key, f"{value!r} {unit}")
        # A price has two decimals from a tenth on.
        assert parse(written) == pytest.approx(value, rel=0.05 if "cost.job" in key else 0.006), written
        assert "e+" not in written


def test_a_price_is_no_rate() -> None:
    assert setting("cost.spare_gpu", "0.5 /h") == "0.50 per hour"
    assert setting("failures.gpu.faulty.rate", "0.5 /h") == "12 /day"


def test_a_difference_is_never_rounded_away() -> None:
    found = changed(
        [Change("a", "0.5 h", "0.75 h"), Change("b", "0.5 h", "0.5001 h"), Change("c", "", "6.97e-06 /h")]
    )
    assert found == [("a", "30 min", "45 min"), ("b", "0.5 h", "0.5001 h"), ("c", "not set", "0.0611 /year")]


def test_the_table_of_a_sensitivity_has_rates_in_units_of_people() -> None:
    """Also the ends of a range that was stated as a factor: a value beside a "value / 2" can not be compared with it."""
    stated = "{failures.node.crash.rate: {factor: 2, source: assumed}}"
    scenario = loads(
        TINY.read_text() + f"uncertain: {stated}\n", "here.yaml", ["failures.node.crash.rate=0.061 per year"]
    )
    found = sensitivity(scenario, replications=1, workers=1)
    assert rows(found)[0][1:4] == ["0.0305 /year", "0.061 /year", "0.122 /year"]
    assert source_rows(found)[0][1] == "log-uniform, value / 2 to value x 2"
