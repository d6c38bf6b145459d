"""A run directory: a saved result that can be read, reported on and compared later.

    manifest.json          scenario as written and as resolved, hash, seed, version, which replications
    replications.parquet   one row of metrics per replication
    job.parquet, incidents.parquet, attempts.parquet, resources.parquet, visits.parquet, parts.parquet, faults.parquet,
    tariff.parquet         the rows of the ledgers
    report.html, summary.md
                           written by the report; removed when new results take the place of old ones
    KEY.journal            replications that are finished and not in the tables yet, each from that moment
    lock                   held by the process that is at work there

**A kill at any moment leaves the old run or the new one, whole.** All new files are first written beside the
old ones as `NAME.part` and forced to disk. The manifest's `.part` appears last, by a rename, and is the
commit: from then on the `.part` files *are* the run, and what is left to do is to rename them, the manifest
last. A reader or writer that finds a committed manifest reads or completes that; `.part` files without it are
rubbish of a write that never was. The tables hold no times of day: the same run gives the same bytes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from ras_sim.errors import InputError
from ras_sim.experiment.files import (
    durable,
    file_problem,
    locked,
    readable_errors,
    sync_folder,
    writable_folder,
)
from ras_sim.experiment.journal import SUFFIX
from ras_sim.experiment.kept import forget, is_passing
from ras_sim.experiment.rows import schema
from ras_sim.ledger import ROW_TYPES, Ledger

if TYPE_CHECKING:
    import pandas as pd

TABLES = ("replications", *ROW_TYPES)
"""Every table of a run directory, each `NAME.parquet`."""

MANIFEST = "manifest.json"
REPORTS = ("report.html", "summary.md")
KIND = "ras-sim run"
SCHEMA = 2

_PART = ".part"
_HEAD: dict[str, Callable[[Any], Any]] = {
    "replication": int,
    "horizon_h": float,
    "n_job_gpus": int,
    "n_installed_gpus": int,
    "completed": bool,
}
_OURS = frozenset({MANIFEST, *REPORTS, *(f"{table}.parquet" for table in TABLES)})


@dataclass(frozen=True, slots=True)
class Run:
    """A run as it was saved.

    Args:
        directory: where it was read from.
        manifest: see `Result.manifest`; also `schema`, `kind` and `tables`.
        frames: table name -> data frame; only `replications` if the run kept no ledgers.
    """

    directory: Path
    manifest: dict[str, Any]
    frames: dict[str, pd.DataFrame]

    def ledgers(self) -> list[Ledger]:
        """The ledgers of the finished replications, to measure them again or to go on with a run.

        Raises: InputError if the run kept no ledgers.
        """
        lacking = [table for table in ROW_TYPES if table not in self.frames]
        if lacking:
            raise file_problem(self.directory, f"no {lacking[0]}.parquet", "a run that kept its ledgers")
        ledgers = {}
        heads = self.frames["replications"][list(_HEAD)]
        for head in heads.to_dict(orient="records"):
            known = {name: kind(head[name]) for name, kind in _HEAD.items()}
            ledger = Ledger(self.manifest["scenario"], self.manifest["seed"], **known)
            ledgers[ledger.replication] = ledger
        for table, row_type in ROW_TYPES.items():
            columns = ["replication", *row_type._fields]
            for number, *values in self.frames[table][columns].itertuples(index=False, name=None):
                getattr(ledgers[number], table).append(row_type._make(values))
        return list(ledgers.values())


def write(directory: str | Path, manifest: Mapping[str, Any], frames: Mapping[str, pd.DataFrame]) -> Path:
    """Write a run directory, in place of an earlier run if there is one.

    Args:
        directory: made if missing, with its parents.
        manifest: plain values only.
        frames: table name -> data frame, keys from `TABLES`.

    Returns:
        The directory.

    Raises:
        InputError: it is a file, holds other things than a run, another process is at work there, or it cannot be
            written.
    """
    folder = check_target(directory)
    with locked(folder), readable_errors(folder):
        _complete(folder)
        for table, frame in frames.items():
            with durable(folder / f"{table}.parquet{_PART}") as file:
                _write_parquet(table, frame, file)
        head = {"kind": KIND, "schema": SCHEMA, **manifest, "tables": [t for t in TABLES if t in frames]}
        draft = folder / f"{MANIFEST}{_PART}{_PART}"
        with durable(draft) as file:
            text = json.dumps(head, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
            # Half a surrogate pair cannot be encoded; its backslash form is what JSON writes for it.
            file.write(text.encode("utf-8", "backslashreplace"))
        sync_folder(folder)
        os.replace(draft, folder / f"{MANIFEST}{_PART}")
        _complete(folder)
        forget(folder)
    return folder


def check_target(directory: str | Path) -> Path:
    """Check that a run may be written to a directory; worth calling before the run, not only after it.

    Returns:
        The directory as a path; it may not exist yet.

    Raises:
        InputError: it is a file, holds other things than a run, or is not writable.
    """
    return writable_folder(directory, _check_contents)


def read(directory: str | Path) -> Run:
    """Read a run directory, also one whose writer was killed.

    Raises:
        InputError: there is no such folder, it holds no run, or a file of it is damaged.
    """
    folder = Path(directory)
    if not folder.is_dir():
        raise file_problem(folder, "a file" if folder.exists() else "nothing there", "a run directory")
    with readable_errors(folder):
        manifest = _read_manifest(folder)
        frames = {table: _read_parquet(_current(folder, f"{table}.parquet")) for table in manifest["tables"]}
    return Run(folder, manifest, frames)


def saved_ledgers(directory: str | Path, key: str) -> list[Ledger]:
    """The replications of a saved run, if it is the one with this key (see `Result.manifest`).

    None if it is another run, kept no ledgers, or is damaged: then it is made again.
    """
    if not any((Path(directory) / f"{MANIFEST}{end}").exists() for end in ("", _PART)):
        return []
    try:
        found = read(directory)
        return found.ledgers() if found.manifest.get("key") == key else []
    except InputError:
        return []


def table_paths(directory: str | Path) -> dict[str, Path]:
    """The Parquet file of each table of a run directory, for who reads them with another tool.

    Raises:
        InputError: there is no such folder, it holds no run, or a table is missing.
    """
    folder = Path(directory)
    if not folder.is_dir():
        raise file_problem(folder, "a file" if folder.exists() else "nothing there", "a run directory")
    with readable_errors(folder):
        found = {table: _current(folder, f"{table}.parquet") for table in _read_manifest(folder)["tables"]}
    for path in found.values():
        if not path.exists():
            raise file_problem(
                path, "nothing there", "a table that the manifest names", "run the scenario again"
            )
    return found


def _complete(folder: Path) -> None:
    """Finish a committed write, if there is one, and clear the rubbish of one that was not."""
    committed = folder / f"{MANIFEST}{_PART}"
    if committed.exists():
        wanted = {f"{table}.parquet" for table in _read_manifest(folder)["tables"]}
        for name in sorted(_OURS - {MANIFEST}):
            part = folder / f"{name}{_PART}"
            if name in wanted and part.exists():
                os.replace(part, folder / name)
            elif name not in wanted:
                # Of an earlier run: a report or a table that does not belong to these results.
                (folder / name).unlink(missing_ok=True)
        sync_folder(folder)
        os.replace(committed, folder / MANIFEST)
        sync_folder(folder)
    for name in _OURS:
        (folder / f"{name}{_PART}").unlink(missing_ok=True)
    (folder / f"{MANIFEST}{_PART}{_PART}").unlink(missing_ok=True)


def _current(folder: Path, name: str) -> Path:
    """The file that counts: the `.part` of a committed write that was not completed, else the file itself."""
    part = folder / f"{name}{_PART}"
    return part if (folder / f"{MANIFEST}{_PART}").exists() and part.exists() else folder / name


def _read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest that counts.

    Raises: InputError if there is none, or it is not one of ours.
    """
    path = _current(folder, MANIFEST)
    if not path.exists():
        if any(folder.glob(f"*{SUFFIX}")):
            hint = "the same `ras-sim run` with the same --out goes on from there"
            raise file_problem(folder, "a run that is not finished", "a run directory", hint)
        raise file_problem(folder, f"no {MANIFEST}", "a run directory", "write one with --out")
    try:
        manifest = json.loads(path.read_bytes())
    except ValueError as error:
        raise file_problem(path, f"not JSON ({error})", "the manifest of a run") from error
    if not isinstance(manifest, dict) or manifest.get("kind") != KIND:
        raise file_problem(path, "another kind of file", "the manifest of a run")
    if manifest.get("schema") != SCHEMA:
        raise file_problem(
            path, f"schema {manifest.get('schema')!r}", f"schema {SCHEMA}", "run the scenario again"
        )
    tables = manifest.get("tables")
    if not isinstance(tables, list) or "replications" not in tables or not set(tables) <= set(TABLES):
        raise file_problem(path, f"tables {tables!r}", "names of tables, replications among them")
    return manifest


def _check_contents(folder: Path) -> None:
    """Raise InputError if a folder holds anything that was not written by `write` or by a report."""
    names = {path.name for path in folder.iterdir() if not is_passing(path.name)}
    rubbish = {f"{name}{_PART}" for name in _OURS} | {f"{MANIFEST}{_PART}{_PART}"}
    foreign = sorted(names - _OURS - rubbish)
    hint = "choose an empty or a new folder"
    if foreign:
        more = f" and {len(foreign) - 3} more" if len(foreign) > 3 else ""
        raise file_problem(
            folder, f"a folder that holds {', '.join(foreign[:3])}{more}", "an earlier run", hint
        )
    if names <= rubbish - {f"{MANIFEST}{_PART}"}:
        return
    try:
        _read_manifest(folder)
    except InputError as error:
        raise file_problem(folder, "a folder whose files are not of a run", "an earlier run", hint) from error


def _write_parquet(table: str, frame: pd.DataFrame, file: BinaryIO) -> None:
    """Write one table, with the column types of its rows even where it has none."""
    import pyarrow as pa  # type: ignore[import-untyped]
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    types = schema(table, list(frame.columns)) if table in ROW_TYPES else None
    rows = pa.Table.from_pandas(frame, schema=types, preserve_index=False)
    # Without what pandas notes of itself: its version, and types that depend on which values occurred.
    pq.write_table(rows.replace_schema_metadata(), file, compression="zstd")


def _read_parquet(path: Path) -> pd.DataFrame:
    """Read one table.

    Raises: InputError if it is missing or damaged.
    """
    import pandas as pd
    from pyarrow import ArrowException

    if not path.exists():
        raise file_problem(path, "nothing there", "a table that the manifest names", "run the scenario again")
    try:
        return pd.read_parquet(path)
    except ArrowException as error:
        raise file_problem(path, f"a damaged file ({error})", "a table", "run the scenario again") from error
