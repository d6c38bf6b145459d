"""SQL over saved runs, where DuckDB is not installed or a table is gone."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import ras_sim
from ras_sim.errors import InputError
from ras_sim.experiment import rundir
from ras_sim.experiment.query import query

TINY = Path(__file__).parents[1] / "scenarios" / "tiny.yaml"


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return ras_sim.run(ras_sim.load(TINY), replications=2, workers=1).save(tmp_path / "run")


def test_without_duckdb_the_way_to_get_it_is_named(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(InputError, match=r"pip install 'ras-sim\[query\]'"):
        query([saved], "select 1")


def test_rows_are_those_of_the_tables(saved: Path) -> None:
    pytest.importorskip("duckdb")
    answer = query([saved], "select sum(hours) from job group by replication")
    horizon_h = ras_sim.load(TINY).horizon_h
    assert [row[0] for row in answer.rows] == [pytest.approx(horizon_h)] * 2


def test_a_table_that_is_gone_is_named(saved: Path) -> None:
    pytest.importorskip("duckdb")
    (saved / "job.parquet").unlink()
    with pytest.raises(InputError, match=r"job\.parquet: got nothing there"):
        query([saved], "select 1")


def test_a_table_that_nobody_knows_lists_those_that_there_are(saved: Path) -> None:
    pytest.importorskip("duckdb")
    with pytest.raises(InputError, match=r"nope.* of the tables attempts, .*incidents, .*tariff"):
        query([saved], "select * from nope")


def test_a_run_that_was_killed_is_told_from_no_run(tmp_path: Path) -> None:
    (tmp_path / ("0" * 32 + ".journal")).touch()
    with pytest.raises(InputError, match=r"a run that is not finished.*goes on from there"):
        rundir.read(tmp_path)


@pytest.mark.parametrize(("sql", "got"), [("select 1; select 2", "2 statements"), ("-- nothing", "no statement")])
def test_one_statement_is_wanted(saved: Path, sql: str, got: str) -> None:
    with pytest.raises(InputError, match=f"query: got {got}, want one"):
        query([saved], sql)


def test_a_semicolon_at_the_end_is_no_second_statement(saved: Path) -> None:
    assert query([saved], "select 1;").rows == [(1,)]
