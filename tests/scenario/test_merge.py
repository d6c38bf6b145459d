"""Files laid over files, and values set on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ras_sim.errors import InputError
from ras_sim.scenario.load import load, loads
from ras_sim.scenario.merge import merged, overridden
from ras_sim.scenario.positions import Block, parse, plain

SCENARIOS = Path(__file__).parents[1] / "scenarios"
TINY = (SCENARIOS / "tiny.yaml").read_text()


def _block(text: str, file: str = "f.yaml") -> Block:
    tree, problems = parse(text, file)
    assert isinstance(tree, Block)
    assert not problems
    return tree


def _merged(base: str, over: str) -> Any:
    return plain(merged(_block(base), _block(over)))


@pytest.mark.parametrize(
    ("base", "over", "result"),
    [
        ("{a: 1, b: {c: 2}}", "{b: {d: 3}}", {"a": 1, "b": {"c": 2, "d": 3}}),
        ("{a: 1}", "{a: {b: 2}}", {"a": {"b": 2}}),
        ("{a: {b: 2}}", "{a: 1}", {"a": 1}),
        ("{a: [1, 2]}", "{a: [3]}", {"a": (3,)}),
        ("{a: 1, b: 2}", "{a: ~}", {"b": 2}),
        ("{a: {b: 1, c: 2}}", "{a: {b: null}}", {"a": {"c": 2}}),
        ("{a: 1}", "{b: {c: ~, d: 1}}", {"a": 1, "b": {"d": 1}}),
    ],
)
def test_blocks_are_merged_key_by_key(base: str, over: str, result: Any) -> None:
    assert _merged(base, over) == result


@pytest.mark.parametrize(
    ("base", "over", "order"),
    [
        ("{a: 1, b: 2}", "{b: 3, a: 4}", "ab"),
        ("{a: 1, c: 2}", "{a: {}, b: 3}", "abc"),
        ("{b: 1, c: 2}", "{a: 0, b: 3}", "abc"),
        ("{a: 1}", "{b: 0, c: 3}", "abc"),
        ("{a: 1, d: 1}", "{a: 0, b: 3, c: 2}", "abcd"),
    ],
)
def test_new_keys_go_after_the_one_before_them(base: str, over: str, order: str) -> None:
    assert "".join(_merged(base, over)) == order


def test_later_extended_file_wins_and_own_file_last(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(TINY)
    (tmp_path / "one.yaml").write_text("{name: one, horizon: 1 d}")
    (tmp_path / "two.yaml").write_text("{name: two, description: two}")
    (tmp_path / "top.yaml").write_text("extends: [base.yaml, one.yaml, two.yaml]\nname: top\n")
    scenario = load(tmp_path / "top.yaml")
    assert (scenario.name, scenario.horizon_h, scenario.description) == ("top", 24.0, "two")


def test_problem_stays_with_the_file_it_came_from(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(TINY.replace("nodes: 40", "nodes: -40"))
    (tmp_path / "top.yaml").write_text("extends: base.yaml\njob: {gpus: x}\n")
    with pytest.raises(InputError) as caught:
        load(tmp_path / "top.yaml")
    files = {Path(problem.file).name: problem.line for problem in caught.value.problems}
    assert files == {"base.yaml": 4, "top.yaml": 2}


def test_cycle_is_reported_with_its_chain(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("extends: b.yaml")
    (tmp_path / "b.yaml").write_text("extends: a.yaml")
    with pytest.raises(InputError) as caught:
        load(tmp_path / "a.yaml")
    (problem,) = caught.value.problems
    assert [Path(name).name for name in problem.got.split(" -> ")] == ["a.yaml", "b.yaml", "a.yaml"]
    assert problem.wanted == "no cycle"
    assert Path(problem.file).name == "b.yaml"


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../outside.yaml", "link.yaml", "sub/../../outside.yaml", "loop.yaml"]
)
def test_extends_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "outside.yaml").write_text("name: outside")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    (folder / "loop.yaml").symlink_to(folder / "loop.yaml")
    (folder / "top.yaml").write_text(f"extends: {name}")
    with pytest.raises(InputError) as caught:
        load(folder / "top.yaml")
    (problem,) = caught.value.problems
    assert problem.where == "extends"
    assert (problem.line, problem.column) == (1, 10)


def test_missing_extended_file_names_the_nearest_and_hides_what_it_would_bring(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(TINY)
    (tmp_path / "top.yaml").write_text("extends: bse.yaml\n")
    with pytest.raises(InputError) as caught:
        load(tmp_path / "top.yaml")
    (problem,) = caught.value.problems
    assert problem.hint == "did you mean 'base.yaml'?"


def test_long_chains_and_many_files_are_refused(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"{number}.yaml").write_text(f"extends: {number + 1}.yaml")
    (tmp_path / "wide.yaml").write_text(f"extends: [{', '.join(['leaf.yaml'] * 40)}]")
    (tmp_path / "leaf.yaml").write_text("name: leaf")
    for top in ("0.yaml", "wide.yaml"):
        with pytest.raises(InputError, match="want at most"):
            load(tmp_path / top)


def test_a_text_extends_only_catalogues() -> None:
    with pytest.raises(InputError, match="want library:NAME"):
        loads("extends: other.yaml")
    with pytest.raises(InputError, match="library:nope"):
        loads("extends: library:nope")


@pytest.mark.parametrize("extends", ["3", "{a: 1}", "[[a]]", "[1]"])
def test_extends_of_another_kind(extends: str) -> None:
    with pytest.raises(InputError, match="want the name of a file"):
        loads(f"extends: {extends}")


def test_overrides_replace_add_and_delete() -> None:
    overrides = ["a.b=x y", "a.e={f: [1]}", "d=null", "a.c=~"]
    root, problems = overridden(_block("{a: {b: 1, c: 2}, d: 3}"), overrides)
    assert not problems
    assert plain(root) == {"a": {"b": "x y", "e": {"f": (1,)}}}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("job.sparess.nodes=3", "job: got 'sparess', want one of .*did you mean 'spares'"),
        ("name.x=3", "name: got 'tiny', want a block of keys"),
        ("job.gpus", "got no key.path=value"),
        ("=3", "got no key.path=value"),
        ("job..gpus=3", "got no key.path=value"),
        ("job.gpus=[", "a fault of syntax"),
        ("job.gpus=x", "job.gpus: got 'x', want a whole number"),
        ("job.gpus=", "job.gpus: got nothing, want this key"),
    ],
)
def test_bad_overrides_are_named(override: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        loads(TINY, overrides=[override])
    if "=" in override and override.partition("=")[2]:
        assert caught.value.problems[0].file == f"--set {override!r}"
        assert caught.value.problems[0].line is None


def test_several_bad_overrides_at_once() -> None:
    with pytest.raises(InputError) as caught:
        loads(TINY, overrides=["job.gpus=x", "jobb.gpus=3", "horizon=-1"])
    assert len(caught.value.problems) == 3
