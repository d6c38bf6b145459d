"""Every kind of distribution and every parameter of it changes what happens, as a lifetime and as a duration."""

from __future__ import annotations

from typing import Any

import pytest

from ras_sim.scenario.fields import DistributionSpec, Duration
from ras_sim.scenario.model import Scenario
from tests.alive.bases import bases
from tests.alive.perturb import literals_in, models_in, scaled, with_value
from tests.alive.test_every_field import happenings

KINDS: dict[str, dict[str, Any]] = {
    "exponential": {"mean": "100 h"},
    "weibull": {"shape": 2.0, "mean": "100 h"},
    "lognormal": {"median": "100 h", "sigma": 0.5},
    "gamma": {"shape": 2.0, "mean": "100 h"},
    "loglogistic": {"shape": 2.0, "median": "100 h"},
    "bathtub": {
        "infant_shape": 0.5, "infant_scale": "300 h", "rate": "0.005 /h", "wear_shape": 3.0, "wear_scale": "150 h",
    },
    "piecewise_constant": {"edges": ["0.0 h", "50.0 h"], "rates": ["0.01 /h", "0.02 /h"]},
    "empirical": {"values": ["20 h", "60 h", "200 h"]},
    "deterministic": {"value": "100 h"},
    "uniform": {"low": "20 h", "high": "150 h"},
}  # fmt: skip
"""One of each kind, about 100 h long."""

PLACES = {
    "lifetime": ("failures", "node", "hangs", "lifetime"),
    "duration": ("repair", "ladder", "node_reboot", "duration"),
}
PARAMETERS = [(kind, parameter) for kind, values in KINDS.items() for parameter in values]


def with_distribution(place: str, kind: str, values: dict[str, Any]) -> Scenario:
    """The base with that distribution in that place; a hundredth as long where it is a repair."""
    data = bases()["full"].resolved()
    factor = 1.0 if place == "lifetime" else 0.01
    changed = {
        name: scaled(value, 1.0 / factor if "rate" in name else factor) for name, value in values.items()
    }
    return Scenario.model_validate(with_value(data, PLACES[place], {"kind": kind, **changed}))


def other(value: Any) -> Any:
    """Another value of a parameter: larger."""
    return value * 1.3 if isinstance(value, float) else scaled(value, 1.3)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("kind", "parameter"), PARAMETERS)
def test_every_parameter_changes_what_happens(place: str, kind: str, parameter: str) -> None:
    values = KINDS[kind]
    changed = values | {parameter: other(values[parameter])}
    assert happenings(with_distribution(place, kind, values)) != happenings(
        with_distribution(place, kind, changed)
    )


@pytest.mark.parametrize("place", PLACES)
def test_every_kind_is_another_one(place: str) -> None:
    histories = {happenings(with_distribution(place, kind, values)) for kind, values in KINDS.items()}
    assert len(histories) == len(KINDS)


def test_every_kind_and_parameter_is_listed() -> None:
    specs = {
        literals_in(model.model_fields["kind"].annotation)[0]: set(model.model_fields) - {"kind"}
        for model in models_in(Duration)
        if issubclass(model, DistributionSpec)
    }
    assert specs == {kind: set(values) for kind, values in KINDS.items()}
