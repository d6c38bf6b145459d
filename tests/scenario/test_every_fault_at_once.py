"""Faults of shape and names that mean nothing are reported together, and nothing that mending brought about."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ras_sim.errors import InputError, Problem
from ras_sim.scenario.load import loads
from ras_sim.scenario.messages import explain
from ras_sim.scenario.model import Scenario
from ras_sim.scenario.positions import Block, parse, plain
from ras_sim.scenario.writing import to_yaml

FULL = (Path(__file__).parents[1] / "scenarios" / "full.yaml").read_text()
TREE: dict[str, Any] = yaml.safe_load(FULL)

Keys = tuple[str, ...]

UNKNOWN_NAMES: list[tuple[Keys, Any]] = [
    (("repair", "policy", "lemon", "rung"), "rmaa"),
    (("repair", "policy", "start", "default"), "rmaa"),
    (("repair", "validation", "after"), ["rmaa"]),
    (("job", "checkpoints", "disk", "survives"), "rmaa"),
    (("failures", "gpu", "sdc", "clears_at"), {"rmaa": 1}),
    (("shocks", "feed_lost", "under"), "rck"),
    (("shocks", "feed_lost", "strikes"), "node.powr"),
    (("failures", "gpu", "xid", "spreads"), {"shares_memry": 0.1}),
    (("repair", "ladder", "reseat", "applies_to"), ["lnk", "link"]),
    (("repair", "units", "psu"), "nde"),
    (("published", "goodputt"), {"value": 0.5, "source": "assumed"}),
    (("expect",), {"goodputt": {"at_least": 0.5}}),
]
OTHER_CROSS_FAULTS: list[tuple[Keys, Any]] = [
    (("job", "gpus"), 161),
    (("job", "spares", "nodes"), 20),
    (("horizon",), "200 y"),
    (("machine", "psus_needed"), 7),
    (("repair", "ladder", "rma", "works"), 0.0),
    (("repair", "validation", "false_alarm"), 1.0),
    (("failures", "node", "power", "clears_at"), {"reseat": 1}),
    (("shocks", "feed_lost", "every"), "1 us"),
]
FAR_AWAY: list[Keys] = [
    ("detection", "crash"),
    ("detection", "source"),
    ("detection", "silent", "shape"),
    ("job", "state"),
    ("job", "initialise", "exponent"),
    ("job", "parallel", "source"),
    ("job", "planned", "release", "every"),
    ("failures", "link", "flap", "symptoms"),
    ("failures", "hbm", "due", "source"),
    ("repair", "comes_back"),
    ("repair", "technicians", "count"),
    ("repair", "parts", "gpu", "stock"),
    ("repair", "ladder", "gpu_reset", "duration"),
    ("repair", "ladder", "node_reboot", "takes_down"),
]
"""Values that no name of `UNKNOWN_NAMES` is looked up in, and none of these stands in."""

NAME_BY_NAME: list[Keys] = [("repair", "policy", "start"), ("published",), ("expect",)]
"""Blocks where a key too many is a name that means nothing, not a fault of shape."""

JUNK: list[Any] = [{"nonsense": [[]]}, [[]], "no such thing", -1, 1e300, True, {}]


def _problems(tree: Any) -> list[Problem]:
    try:
        loads(to_yaml(tree), "f.yaml")
    except InputError as error:
        return list(error.problems)
    return []


def _said(problems: list[Problem]) -> set[tuple[str, ...]]:
    """Problems less their places, which other lines move."""
    return {(one.where, one.got, one.wanted, one.hint) for one in problems}


def _with(tree: Any, path: Keys, value: Any) -> Any:
    changed = copy.deepcopy(tree)
    _holder(changed, path)[path[-1]] = value
    return changed


def _holder(tree: Any, path: Keys) -> Any:
    for key in path[:-1]:
        tree = tree[key]
    return tree


def _broken(tree: Any, path: Keys, how: str, junk: Any) -> Any:
    """A tree with one fault: another value, a key left out, misspelt, or one too many."""
    changed = copy.deepcopy(tree)
    holder = _holder(changed, path)
    if how == "value":
        holder[path[-1]] = junk
    elif how == "extra":
        holder["surplus key"] = junk
    elif how == "lost":
        del holder[path[-1]]
    else:
        entries = [(f"{key} x" if key == path[-1] else key, value) for key, value in holder.items()]
        holder.clear()
        holder.update(entries)
    return changed


def _shape_problems(tree: Any) -> list[Problem]:
    """What the values themselves show, one by one."""
    root, _ = parse(to_yaml(tree), "f.yaml")
    assert isinstance(root, Block)
    try:
        Scenario.model_validate(plain(root))
    except ValidationError as error:
        return explain(error, root)
    return []


def _is_valid(tree: Any) -> bool:
    try:
        Scenario.model_validate(tree)
    except ValidationError:
        return False
    return True


def _paths(tree: Any, path: Keys = ()) -> list[Keys]:
    below = tree.items() if isinstance(tree, dict) else ()
    return [path, *(found for key, value in below for found in _paths(value, (*path, key)))]


def test_three_kinds_of_faults_in_one_file() -> None:
    text = FULL
    for good, bad in [
        ("  spines: 4\n", "  spins: 4\n"),  # an unknown key
        ("crash: 1 min", "crash: 1 parsec"),  # a wrong unit
        ("restore: 30 s, survives: gpu_reset", "restore: 30 s, survives: gpu_rest"),  # an unknown rung
        ("strikes: node.power", "strikes: node.powr"),  # an unknown mode
        ("work: 50 d", "work: -3 d"),  # a bad value
    ]:
        assert text.count(good) == 1
        text = text.replace(good, bad)
    with pytest.raises(InputError) as caught:
        loads(text, "f.yaml")
    assert [(one.line, one.column, one.where) for one in caught.value.problems] == [
        (13, 3, "machine.spins"),
        (17, 9, "job.work"),
        (27, 90, "job.checkpoints.host.survives"),
        (44, 10, "detection.crash"),
        (104, 14, "shocks.feed_lost.strikes"),
    ]


def test_a_size_is_checked_when_what_is_wrong_stands_elsewhere() -> None:
    tree = _with(_with(TREE, ("job", "gpus"), 161), ("detection", "crash"), "1 parsec")
    assert {"job.gpus", "job.parallel", "detection.crash"} == {one.where for one in _problems(tree)}


def test_a_size_is_not_checked_against_a_machine_that_was_mended() -> None:
    tree = _with(_with(TREE, ("job", "gpus"), 8_000), ("machine", "nodes"), "many")
    assert [one.where for one in _problems(tree)] == ["machine.nodes"]


def test_probabilities_are_summed_where_only_the_source_is_missing() -> None:
    tree = _broken(TREE, ("failures", "gpu", "sdc", "source"), "lost", None)
    tree = _with(tree, ("failures", "gpu", "sdc", "symptoms"), {"silent": 0.7})
    wheres = [one.where for one in _problems(tree)]
    assert wheres == ["failures.gpu.sdc.source", "failures.gpu.sdc.symptoms"]


def test_a_rung_whose_key_is_wrong_hides_what_names_it() -> None:
    tree = _broken(TREE, ("repair", "ladder", "rma"), "misspelt", None)
    assert [one.where for one in _problems(tree)] == ["repair.ladder.rma x"]


@pytest.mark.parametrize(
    "path", [("repair", "policy", "lemon", "rung"), ("job", "checkpoints", "disk", "survives")], ids=".".join
)
def test_what_stands_in_for_a_bad_name_is_not_reported(path: Keys) -> None:
    assert [one.where for one in _problems(_with(TREE, path, 5))] == [".".join(path)]


def test_a_misspelt_block_of_shocks_does_not_make_modes_idle() -> None:
    tree = _broken(TREE, ("shocks",), "misspelt", None)
    assert [one.where for one in _problems(tree)] == ["shocks x"]


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(UNKNOWN_NAMES), st.lists(st.sampled_from(FAR_AWAY), min_size=1, max_size=5, unique=True)
)
def test_an_unknown_name_is_found_beside_any_faults_of_shape(
    name: tuple[Keys, Any], places: list[Keys]
) -> None:
    named = _with(TREE, *name)
    tree = named
    for place in places:
        tree = _with(tree, place, [[]])
    shape, expected = _shape_problems(tree), _problems(named)
    assert len(shape) >= len(places)
    of_the_name = [one for one in expected if one.where.startswith(".".join(name[0]))]
    assert of_the_name
    assert _said(shape) | _said(of_the_name) <= _said(_problems(tree)) <= _said(shape) | _said(expected)


@pytest.mark.slow
@settings(
    deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
@given(st.data())
def test_nothing_is_reported_that_correcting_the_shape_makes_vanish(data: st.DataObject) -> None:
    corrected = TREE
    for path, value in data.draw(st.lists(st.sampled_from(UNKNOWN_NAMES + OTHER_CROSS_FAULTS), max_size=3)):
        corrected = _with(corrected, path, value)
    places = [path for path in _paths(corrected) if path]
    tree = corrected
    taken: list[Keys] = []
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(places))
        if any(path[: len(other)] == other[: len(path)] for other in taken):
            continue
        how = data.draw(st.sampled_from(["value", "extra", "lost", "misspelt"]))
        junk = data.draw(st.sampled_from(JUNK))
        if how == "extra" and path[:-1] in NAME_BY_NAME:
            continue
        if not _is_valid(_broken(corrected, path, how, junk)):  # else it is another scenario, not a fault
            tree = _broken(tree, path, how, junk)
            taken.append(path)
    assume(taken)
    found = _said(_problems(tree)) - _said(_shape_problems(tree))
    assert found <= _said(_problems(corrected))
