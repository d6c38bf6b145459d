"""Files of baselines: what they may hold, how fine a new one is, and which scenarios have one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ras_sim.errors import InputError
from ras_sim.experiment import baseline as baselines
from ras_sim.experiment.check import subject_of
from ras_sim.experiment.collect import collect, states_expectations
from ras_sim.experiment.rebase import earlier, moved, new_baseline
from ras_sim.experiment.result import REPORTED
from ras_sim.metrics.estimates import estimate
from ras_sim.metrics.precision import needed_by
from ras_sim.report.check_text import baseline_lines
from ras_sim.scenario.load import load, loads
from tests.experiment.checking import MARGIN, ROOT, TINY, scenario, steady, text


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A scenario with its baseline beside it."""
    path = tmp_path / "mine.yaml"
    path.write_text(text(MARGIN))
    one = load(path)
    baselines.write(baselines.path_of(path), new_baseline(one, simulate=steady(0.9)))
    return path


def test_a_baseline_is_read_as_it_was_written(file: Path) -> None:
    stored = baselines.path_of(file)
    assert stored == file.parent / "baselines" / "mine.json"
    one = load(file)
    assert baselines.read(stored, one) == new_baseline(one, simulate=steady(0.9))
    assert [path.name for path in stored.parent.iterdir()] == ["mine.json"]


def test_one_line_for_each_metric(file: Path) -> None:
    lines = baselines.path_of(file).read_text().splitlines()
    assert sum('"mean"' in line for line in lines) == len(REPORTED)
    assert len(lines) < 20


def test_what_cannot_change_a_result_changes_no_hash() -> None:
    one = scenario(MARGIN)
    same = loads(
        text(MARGIN).replace("source: assumed", "source: elsewhere").replace("name: tiny", "name: t")
    )
    for of in (baselines.scenario_hash, baselines.history_hash):
        assert of(one) == of(same)
    faster = scenario(MARGIN, "repair.ladder.rma.duration=1 h")
    assert baselines.scenario_hash(one) != baselines.scenario_hash(faster)
    assert baselines.history_hash(one) == baselines.history_hash(faster)


def altered(file: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = baselines.path_of(file)
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda data: data.update(version="0.0.9"),
            r"version: got '0\.0\.9', want '0\.1\.0' \(`ras-sim check --update`",
        ),
        (lambda data: data.update(scenario="other"), "scenario: got 'other', want 'tiny'"),
        (lambda data: data.update(schema=2), "schema: got 2, want 1"),
        (lambda data: data.update(kind="ras-sim run"), "kind: got 'ras-sim run', want 'ras-sim baseline'"),
        (lambda data: data.update(seed="x"), "seed: got 'x', want a valid integer"),
        (lambda data: data.update(replications="9"), "replications: got the unknown key 'replications', want one of"),
        (lambda data: data["metrics"]["goodput"].update(meen=1), r"meen: got the unknown key .*did you mean 'mean'"),
        (lambda data: data.pop("metrics"), "metrics: got .*, want this key"),
        (lambda data: data["metrics"].pop("goodput"), "metrics.goodput: got nothing, want this metric"),
        (
            lambda data: data["metrics"]["goodput"].update(mean=None, sd=-1),
            "metrics.goodput.sd: got -1, want",
        ),
        (lambda data: data["metrics"]["goodput"]["values"].pop(), "metrics.goodput.values: got 39, want 40"),
        (lambda data: data["metrics"]["goodput"].update(mean="NaN"), "metrics.goodput.mean"),
    ],
)
def test_a_baseline_that_cannot_be_used(file: Path, change: Callable[[Any], object], message: str) -> None:
    altered(file, change)
    with pytest.raises(InputError, match=message):
        subject_of(file)


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe", b"[]", b'"x"', b"{}", b"[" * 100_000])
def test_a_file_that_is_no_baseline(file: Path, raw: bytes) -> None:
    baselines.path_of(file).write_bytes(raw)
    with pytest.raises(InputError, match=r"mine\.json"):
        subject_of(file)


def test_a_missing_baseline_says_how_to_make_one(file: Path) -> None:
    baselines.path_of(file).unlink()
    with pytest.raises(InputError, match=r"mine\.json: got nothing there.*--update"):
        subject_of(file)


# ---------------------------------------------------------------------- new baselines


def test_a_new_baseline_is_as_fine_as_its_margin_needs() -> None:
    coarse = new_baseline(scenario("goodput: {no_worse_than_baseline_by: 5 %}"), workers=1)
    fine = new_baseline(scenario("goodput: {no_worse_than_baseline_by: 0.8 %}"), workers=1)
    assert coarse.metrics["goodput"].n == 40 < fine.metrics["goodput"].n
    values = fine.metrics["goodput"].values
    assert values is not None
    assert len(values) == needed_by(estimate(values[:40]), 0.008 / 4)
    narrow = scenario("goodput: {no_worse_than_baseline_by: 0.01 %}")
    assert new_baseline(narrow, workers=1, max_replications=60).metrics["goodput"].n == 60


def test_a_new_baseline_says_what_moved(file: Path) -> None:
    one, path = load(file), baselines.path_of(file)
    old, note = earlier(path, one)
    new = new_baseline(one, simulate=steady(0.88))
    lines = baseline_lines("mine.json", new, moved(old, new), note)
    assert lines[0] == "mine.json: changed (40 replications, seed 1)"
    assert "  Goodput: 90.00% -> 88.00% (-2.0 points)" in lines
    assert moved(old, new_baseline(one, simulate=steady(0.9))) == []


def test_a_baseline_that_could_not_be_used_is_replaced(file: Path) -> None:
    path = baselines.path_of(file)
    path.write_text("{")
    old, note = earlier(path, load(file))
    assert old is None
    assert "replaces one that could not be used" in note
    path.unlink()
    assert earlier(path, load(file)) == (None, "new")


# ---------------------------------------------------------------------- which files


def test_only_scenarios_with_expectations_of_their_own_are_collected(tmp_path: Path) -> None:
    inside = tmp_path / "deep" / "er"
    inside.mkdir(parents=True)
    (inside / "one.yaml").write_text(text(MARGIN))
    (tmp_path / "two.yml").write_text("extends: x.yaml\nexpect: {}\n")
    (tmp_path / "none.yaml").write_text(TINY.read_text())
    (tmp_path / "foreign.yaml").write_text("test:\n  expect: 200\nexpect: 3\n")
    (tmp_path / "text.txt").write_text(text(MARGIN))
    (tmp_path / "broken.yaml").symlink_to(tmp_path / "gone")
    assert collect([tmp_path]) == [inside / "one.yaml", tmp_path / "two.yml"]
    assert collect([TINY, TINY]) == [TINY]
    assert not states_expectations(tmp_path / "gone.yaml")
    with pytest.raises(InputError, match=r"no scenario with `expect:`, want at least one"):
        collect([tmp_path / "deep", tmp_path / "deep" / "er" / "..", ROOT / "ras_sim" / "cli"])
