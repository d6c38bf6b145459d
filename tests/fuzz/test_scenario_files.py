"""Whatever a file holds, loading gives a scenario or an InputError, and soon."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ras_sim.errors import InputError
from ras_sim.scenario.load import load, loads
from ras_sim.scenario.writing import to_yaml

SCENARIOS = Path(__file__).parents[1] / "scenarios"
TEXTS = [path.read_text() for path in sorted(SCENARIOS.glob("*.yaml"))]
TREES = [yaml.safe_load(text) for text in TEXTS]
LIMIT_S = 2.0
COMMON = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])

numbers = st.integers() | st.floats() | st.sampled_from([0, -1, 1, 1e308, 5e-324, 2**63, 10**30])
quantities = [
    "1 h",
    "0 h",
    "1e300 y",
    "-1 h",
    "450 FIT",
    "AFR 100 %",
    "MTBF 0 h",
    "5 %",
    "101 %",
    "80 GB",
    "1 B/s",
]
names = [
    "rma",
    "gpu",
    "node",
    "default",
    "exponential",
    "weibull",
    "hgx",
    "pool",
    "torus",
    "machine",
    "gpu.xid",
    "library:x",
    "..",
    "source",
]
words = st.sampled_from([*quantities, *names])
scalars = st.none() | st.booleans() | numbers | words | st.text(max_size=20)
trees = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10) | words, inner, max_size=4)
    ),
    max_leaves=12,
)


def _survives(text: str, overrides: tuple[str, ...] = ()) -> None:
    began_s = time.process_time()
    try:
        scenario = loads(text, overrides=overrides)
    except InputError as error:
        said = str(error)
    else:
        said = scenario.name
        assert loads(scenario.resolved_text).content_hash == scenario.content_hash
    assert said
    assert time.process_time() - began_s < LIMIT_S


@COMMON
@given(st.binary(max_size=300))
def test_random_bytes(tmp_path_factory: Any, raw: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "random.yaml"
    path.write_bytes(raw)
    try:
        load(path)
    except InputError:
        return
    raise AssertionError("random bytes are no scenario")


@COMMON
@given(st.text(max_size=300))
def test_random_text(text: str) -> None:
    _survives(text)


@COMMON
@given(trees)
def test_random_structures(tree: Any) -> None:
    _survives(to_yaml(tree))


@pytest.mark.slow
@COMMON
@given(st.dictionaries(st.sampled_from(sorted(TREES[0])), trees))
def test_random_structures_under_known_keys(tree: Any) -> None:
    _survives(to_yaml({**TREES[0], **tree}))


def _paths(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    below = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [path, *(found for key, value in below for found in _paths(value, (*path, key)))]


PLACES = [(number, path) for number, tree in enumerate(TREES) for path in _paths(tree) if path]


def _changed(tree: Any, path: tuple[Any, ...], value: Any) -> Any:
    copy = dict(tree) if isinstance(tree, dict) else list(tree)
    copy[path[0]] = _changed(copy[path[0]], path[1:], value) if len(path) > 1 else value
    return copy


@pytest.mark.slow
@settings(COMMON, max_examples=400)
@given(st.sampled_from(PLACES), trees | scalars)
def test_one_value_replaced(place: tuple[int, tuple[Any, ...]], value: Any) -> None:
    number, path = place
    _survives(to_yaml(_changed(TREES[number], path, value)))


@pytest.mark.slow
@COMMON
@given(st.sampled_from(PLACES), st.sampled_from(PLACES))
def test_two_values_swapped(one: tuple[int, tuple[Any, ...]], other: tuple[int, tuple[Any, ...]]) -> None:
    value = TREES[other[0]]
    for key in other[1]:
        value = value[key]
    _survives(to_yaml(_changed(TREES[one[0]], one[1], value)))


@pytest.mark.slow
@settings(COMMON, max_examples=300)
@given(st.data())
def test_characters_changed(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(TEXTS))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        length = data.draw(st.integers(0, 20))
        text = (
            text[:start]
            + data.draw(st.text(max_size=5) | st.sampled_from("{}[]:,-&*!|>%@`'\"#\t\n0"))
            + text[start + length :]
        )
    _survives(text)


@COMMON
@given(
    st.text(max_size=40)
    | st.tuples(st.sampled_from(["job.gpus", "repair.policy.start.x", "a.b"]), st.text(max_size=20)).map(
        "=".join
    )
)
def test_overrides(override: str) -> None:
    _survives(TEXTS[0], (override,))
