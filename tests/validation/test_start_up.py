"""The start-up time of the catalogue is the fit it claims to be."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.start_up import COLD_RECOVERY_S, LOAD_S, fit
from ras_sim import load
from ras_sim.scenario.build import setup_of

SCENARIOS = Path(__file__).parents[2] / "scenarios"


def test_the_catalogue_holds_the_fit() -> None:
    base_s, at_1000_s, exponent = fit()
    stated = load(SCENARIOS / "quickstart.yaml").job.initialise
    assert stated.base * 3600 == pytest.approx(base_s, abs=0.01)
    assert stated.at_1000_gpus * 3600 == pytest.approx(at_1000_s, rel=1e-3)
    assert stated.exponent == pytest.approx(exponent, abs=1e-3)


@pytest.mark.parametrize("n_gpus", list(COLD_RECOVERY_S))
def test_start_up_and_load_are_the_cold_recovery(n_gpus: int) -> None:
    """Within 30 s of the chart reads, the residual that the catalogue admits."""
    sized = (f"machine.nodes={n_gpus // 8 + 2}", f"job.gpus={n_gpus // 128 * 128}")
    job = setup_of(load(SCENARIOS / "quickstart.yaml", sized)).job
    restore_h = job.plan.tiers[0].restore_h
    assert restore_h * 3600 == pytest.approx(LOAD_S)
    assert (job.start_up_h + restore_h) * 3600 == pytest.approx(COLD_RECOVERY_S[n_gpus], abs=30)
