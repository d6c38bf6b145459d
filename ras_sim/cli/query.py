"""`ras-sim query`: SQL over saved runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from ras_sim.cli.guard import GOOD, printable
from ras_sim.cli.terminal import Terminal
from ras_sim.experiment.query import Answer, query
from ras_sim.report.grid import Grid

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class QueryOptions:
    """What was asked for on the command line; see `ras_sim.cli.inside.query`."""

    directories: Sequence[Path]
    sql: str
    as_json: bool


def query_runs(options: QueryOptions) -> int:
    """Ask and print; returns the exit code."""
    answer = query(options.directories, options.sql)
    if options.as_json:
        rows = [[_plain(value) for value in row] for row in answer.rows]
        print(json.dumps({"schema": SCHEMA, "columns": list(answer.columns), "rows": rows}, allow_nan=False))
    elif answer.columns:
        Terminal().print(_table(answer))
    return GOOD


def _plain(value: Any) -> Any:
    """A value that JSON knows: null for NaN and infinity, text for dates and the like."""
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _table(answer: Answer) -> Grid:
    """Rows for people, numbers to the right."""
    names = [
        place for place in range(len(answer.columns)) if any(isinstance(row[place], str) for row in answer.rows)
    ]
    rows = [[printable(_shown(value)) for value in row] for row in answer.rows]
    return Grid([printable(name) for name in answer.columns], rows, names, style="bold")


def _shown(value: Any) -> str:
    """A value as text; nothing for what is missing."""
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
