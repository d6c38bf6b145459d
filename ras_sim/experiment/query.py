"""SQL over the tables of one or many saved runs, by DuckDB."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ras_sim.errors import InputError, Problem
from ras_sim.experiment.rundir import table_paths

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows of a query.

    Args:
        columns: their names.
        rows: plain values; None where a value is missing.
    """

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


def query(directories: Sequence[str | Path], sql: str) -> Answer:
    """Ask the tables of saved runs.

    Each table of a run directory (replications, incidents, job, attempts, resources, visits, parts, faults,
    tariff) is a view of all
    runs together; its first column `run` is the directory as it was given.

    Args:
        directories: run directories, at least one.
        sql: one statement.

    Raises:
        InputError: not a run, DuckDB is not installed, not one statement, or it refuses the statement.
    """
    try:
        import duckdb
    except ImportError:
        hint = "pip install 'ras-sim[query]'"
        raise InputError(
            [Problem("", None, None, "query", "no DuckDB", "the package duckdb", hint)]
        ) from None
    paths = {str(directory): table_paths(directory) for directory in directories}
    with duckdb.connect() as base:
        _make_views(base, paths)
        try:
            n_statements = len(base.extract_statements(sql))
            if n_statements != 1:  # DuckDB would run all and give the rows of the last
                got = f"{n_statements} statements" if n_statements else "no statement"
                raise InputError([Problem("", None, None, "query", got, "one", "ask several times, or use `union all`")])
            answer = base.execute(sql)
            columns = tuple(str(column[0]) for column in answer.description or ())
            return Answer(columns, answer.fetchall() if columns else [])
        except duckdb.Error as error:
            reason = " ".join(str(error).split("\n\nLINE")[0].split())
            tables = sorted({table for found in paths.values() for table in found})
            wanted = f"a statement that DuckDB understands, of the tables {', '.join(tables)}"
            raise InputError([Problem("", None, None, "query", reason, wanted)]) from None


def _make_views(base: duckdb.DuckDBPyConnection, paths: dict[str, dict[str, Path]]) -> None:
    """One view for each table, over all runs that have it."""
    from pyarrow import dataset  # type: ignore[import-untyped]

    parts: dict[str, list[str]] = {}
    for number, (run, tables) in enumerate(paths.items()):
        literal = run.replace("'", "''")
        for table, path in tables.items():
            name = f"{table}_of_run_{number}"
            # Not read_parquet: it would take a * or a [ in the path for a pattern.
            base.register(name, dataset.dataset(path, format="parquet"))
            parts.setdefault(table, []).append(f"select '{literal}' as run, * from {name}")
    for table, selects in parts.items():
        base.execute(f"create temp view {table} as {' union all by name '.join(selects)}")
