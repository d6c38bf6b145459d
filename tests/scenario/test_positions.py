"""YAML to a tree with places: what is read, what is refused, and how fast."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest

from ras_sim.errors import InputError, Problem
from ras_sim.scenario.positions import MAX_DEPTH, Block, Leaf, parse, plain, scalar_value


def _refused(text: str) -> tuple[Problem, ...]:
    with pytest.raises(InputError) as caught:
        parse(text, "f.yaml")
    return caught.value.problems


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("yes", "yes"),
        ("1:30", "1:30"),
        ("2024-01-01", "2024-01-01"),
        ("1_000", "1_000"),
        ("0x10", "0x10"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("12", 12),
        ("-3", -3),
        ("012", 12),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1.", 1.0),
        (".inf", float("inf")),
        (".", "."),
        ("-", "-"),
        ("e3", "e3"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_plain_scalars_by_the_rules_of_yaml_1_2(text: str, value: Any) -> None:
    read = scalar_value(text)
    assert read == value
    assert type(read) is type(value)


def test_quoted_scalars_are_texts() -> None:
    tree, problems = parse("{a: '12', b: \"true\", c: ''}", "f.yaml")
    assert not problems
    assert tree is not None
    assert plain(tree) == {"a": "12", "b": "true", "c": ""}


def test_places_count_from_one_in_characters() -> None:
    tree, _ = parse("é: 1\nb:\n  ü: [x, {y: z}]\n", "f.yaml")
    assert isinstance(tree, Block)
    below = tree.entries["b"].node
    assert isinstance(below, Block)
    assert (below.entries["ü"].key_place.line, below.entries["ü"].key_place.column) == (3, 3)
    assert (below.entries["ü"].node.place.line, below.entries["ü"].node.place.column) == (3, 6)
    assert isinstance(tree.entries["é"].node, Leaf)


@pytest.mark.parametrize(
    ("text", "line", "column", "got"),
    [
        ("a: &x 1", 1, 4, "the anchor &x"),
        ("a: 1\nb: *x", 2, 4, "the alias *x"),
        ("a: !!python/object/apply:os.system [ls]", 1, 4, "the tag '!!python/object/apply:os.system'"),
        ("a: 1\n---\nb: 2", 2, 1, "a second document"),
        ("a: [", 2, 1, "a fault of syntax"),
        ("a: b: c", 1, 5, "a fault of syntax"),
        ("a: @", 1, 4, "a fault of syntax"),
        ("a: 1\nb: \x00", 2, 4, "the character '\\x00'"),
        ("a: \ud800", 1, 4, "the character '\\ud800'"),
    ],
)
def test_refusals_name_the_place(text: str, line: int, column: int, got: str) -> None:
    problem = _refused(text)[0]
    assert (problem.line, problem.column) == (line, column)
    assert problem.got.startswith(got)


def test_all_refusals_at_once() -> None:
    assert len(_refused("a: &x 1\nb: *x\nc: !t 2\n")) == 3


@pytest.mark.parametrize("text", ["a: 1\na: 2", "{a: 1,500}", "{a: 1,500.25, b: 2}", "? [a]\n: 1", "<<: {a: 1}"])
def test_keys_that_are_no_plain_single_keys_are_problems(text: str) -> None:
    _, problems = parse(text, "f.yaml")
    assert len(problems) == 1


def test_repeated_key_names_the_first() -> None:
    _, problems = parse("a: 1\nb: 2\na: 3", "f.yaml")
    assert str(problems[0]) == "f.yaml:3:1: got the key 'a' twice, want it once (first: line 1)"


@pytest.mark.parametrize("depth", [MAX_DEPTH, MAX_DEPTH + 1])
def test_depth_limit_is_exact(depth: int) -> None:
    text = "[" * depth + "]" * depth
    if depth <= MAX_DEPTH:
        parse(text, "f.yaml")
    else:
        assert _refused(text)[0].got == "deeper nesting"


@pytest.mark.parametrize(
    "text",
    [
        "[" * 500_000,
        "{a: " * 200_000,
        "- " * 400_000,
        "[" + "x," * 400_000 + "]",
        "a: " + "9" * 900_000,
        "x" * 2_000_000,
        "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 40)),
    ],
    ids=["brackets", "braces", "dashes", "many values", "long number", "large", "bomb"],
)
def test_hostile_texts_are_over_quickly(text: str) -> None:
    began_s = time.process_time()
    with contextlib.suppress(InputError):
        parse(text, "f.yaml")
    assert time.process_time() - began_s < 1.0
