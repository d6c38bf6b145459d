"""The folder of a sweep.

    points/KEY.parquet   the replications of one point, written as soon as it is finished; what a point depends on is
                         in its key, so it is used again by any sweep that needs it
    manifest.json        the points with their values, seed, version, what is finished
    sweep.json           every point, as `ras-sim sweep --json` prints it
    replications.parquet one row of metrics per point and replication
    sweep.html, summary.md
                         written by the report
    lock                 held by the process that is at work there

Each file is written beside its old self, forced to the disk and renamed, so that a kill at any moment leaves it whole.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from ras_sim.errors import InputError
from ras_sim.experiment.files import durable, file_problem, readable_errors, sync_folder, writable_folder

if TYPE_CHECKING:
    import pandas as pd

    from ras_sim.experiment.sweep import Sweep

KIND = "ras-sim sweep"
SCHEMA = 1
MANIFEST = "manifest.json"
REPORTS = ("sweep.html", "summary.md")

_POINTS, _LOCK, _PART = "points", "lock", ".part"
_OURS = frozenset({MANIFEST, "sweep.json", "replications.parquet", *REPORTS})
_POINT_FILE = re.compile(r"[0-9a-f]{32}\.parquet(\.part)?")


class PointStore:
    """Finished points on the disk; one process at a time.

    Args:
        directory: of the sweep; None keeps nothing.
    """

    def __init__(self, directory: str | Path | None) -> None:
        self._folder = None if directory is None else Path(directory)
        self._lock: int | None = None

    def __enter__(self) -> Self:
        if self._folder is not None:
            check_target(self._folder)
            with readable_errors(self._folder):
                (self._folder / _POINTS).mkdir(parents=True, exist_ok=True)
                self._lock = _locked(self._folder)
                for left_over in (self._folder / _POINTS).glob(f"*{_PART}"):  # of a process that was killed
                    left_over.unlink()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock is not None:
            os.close(self._lock)

    def read(self, key: str, replications: int) -> pd.DataFrame | None:
        """The rows of a point; None if they are not there, or damaged: then they are made anew."""
        if self._folder is None:
            return None
        import pandas as pd

        path = self._folder / _POINTS / f"{key}.parquet"
        try:
            rows = pd.read_parquet(path)
        except (OSError, ValueError):  # pyarrow says ArrowInvalid, which is a ValueError, of a damaged file
            return None
        whole = "replication" in rows and list(rows["replication"]) == list(range(replications))
        return rows if whole else None

    def put(self, key: str, rows: pd.DataFrame) -> None:
        """Keep the rows of a point: they are on the disk when this returns.

        Raises: InputError if they cannot be written.
        """
        if self._folder is not None:
            with readable_errors(self._folder):
                _put(self._folder / _POINTS, f"{key}.parquet", lambda file: _write_frame(rows, file))


def _locked(folder: Path) -> int | None:
    """Hold the folder; the system lets go of it when the process ends, however it ends.

    Raises: InputError if another process holds it.
    """
    if os.name == "nt":
        return None
    import fcntl

    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise file_problem(
            folder, "a folder that another sweep is at work in", "a folder of its own"
        ) from None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def write(directory: str | Path, sweep: Sweep) -> Path:
    """Write a sweep, in place of an earlier one if there is one; its finished points stay.

    Returns:
        The directory.

    Raises:
        InputError: it is a file, holds other things than a sweep, or cannot be written.
    """
    folder = check_target(directory)
    with readable_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name in (MANIFEST, *REPORTS):
            (folder / name).unlink(missing_ok=True)
        sync_folder(folder)
        _put(folder, "replications.parquet", lambda file: _write_frame(sweep.frame(), file))
        _put(folder, "sweep.json", lambda file: _write_json(sweep.to_json(), file))
        _put(folder, MANIFEST, lambda file: _write_json(manifest(sweep), file))
    return folder


def check_target(directory: str | Path) -> Path:
    """Check that a sweep may be written to a directory; worth calling before the runs, not only after them.

    Returns:
        The directory as a path; it may not exist yet.

    Raises:
        InputError: it is a file, holds other things than a sweep, or is not writable.
    """
    return writable_folder(directory, _check_contents)


def read_json(directory: str | Path) -> dict[str, Any]:
    """The sweep.json of a saved sweep.

    Raises:
        InputError: there is none, it was not finished, or it is damaged.
    """
    folder = Path(directory)
    with readable_errors(folder):
        if not (folder / MANIFEST).exists():
            hint = "ras-sim sweep --out writes one"
            raise file_problem(folder, f"no {MANIFEST}", "the folder of a finished sweep", hint)
        _check_manifest(folder)
        return _read_object(folder / "sweep.json")


def manifest(sweep: Sweep) -> dict[str, Any]:
    """What is needed to make the sweep again, and to know whether it is complete."""
    from ras_sim import __version__

    keys = [factor.key for factor in sweep.factors]
    finished = {one.point.index for one in sweep.finished}
    return {
        "kind": KIND,
        "schema": SCHEMA,
        "version": __version__,
        "scenario": sweep.scenario.name,
        "source_text": sweep.scenario.source_text,
        "design": sweep.design,
        "metric": sweep.metric,
        "seed": sweep.seed,
        "replications": sweep.replications,
        "points": [
            {
                "values": dict(zip(keys, point.values, strict=True)),
                "resolved_hash": point.resolved_hash,
                "file": f"{_POINTS}/{point.key(sweep.seed, sweep.replications)}.parquet",
                "finished": point.index in finished,
            }
            for point in sweep.points
        ],
        "first_resolved_text": sweep.scenario.resolved_text,
        "interrupted": sweep.interrupted,
        "reused_points": sweep.n_reused,
        "wall_s": sweep.wall_s,
    }


def _put(folder: Path, name: str, fill: Callable[[BinaryIO], None]) -> None:
    """Write a file beside its old self, force it to disk, put it in its place."""
    part = folder / f"{name}{_PART}"
    with durable(part) as file:
        fill(file)
    os.replace(part, folder / name)
    sync_folder(folder)


def _write_json(value: dict[str, Any], file: BinaryIO) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    # Half a surrogate pair cannot be encoded; its backslash form is what JSON writes for it.
    file.write(text.encode("utf-8", "backslashreplace"))


def _write_frame(rows: pd.DataFrame, file: BinaryIO) -> None:
    import pyarrow as pa  # type: ignore[import-untyped]
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    table = pa.Table.from_pandas(rows, preserve_index=False)
    # Without what pandas notes of itself: its version, and types that depend on which values occurred.
    pq.write_table(table.replace_schema_metadata(), file, compression="zstd")


def _check_contents(folder: Path) -> None:
    """Raise InputError if a folder holds anything that is not of a sweep."""
    names = {path.name for path in folder.iterdir()}
    foreign = sorted(names - _OURS - {_LOCK, _POINTS} - {f"{name}{_PART}" for name in _OURS})
    if (folder / _POINTS).is_dir():
        inside = (path.name for path in (folder / _POINTS).iterdir())
        foreign += sorted(f"{_POINTS}/{name}" for name in inside if not _POINT_FILE.fullmatch(name))
    hint = "choose an empty or a new folder"
    if foreign:
        more = f" and {len(foreign) - 3} more" if len(foreign) > 3 else ""
        raise file_problem(
            folder, f"a folder that holds {', '.join(foreign[:3])}{more}", "an earlier sweep", hint
        )
    if MANIFEST in names:
        try:
            _check_manifest(folder)
        except InputError as error:
            raise file_problem(folder, "a folder of another kind", "an earlier sweep", hint) from error


def _check_manifest(folder: Path) -> None:
    """Raise InputError unless the manifest is that of a sweep that this version can read."""
    found = _read_object(folder / MANIFEST)
    if found.get("kind") != KIND or found.get("schema") != SCHEMA:
        raise file_problem(folder / MANIFEST, "another kind of file", "the manifest of a sweep")


def _read_object(path: Path) -> dict[str, Any]:
    """A JSON object from a file."""
    try:
        found = json.loads(path.read_bytes())
    except ValueError as error:
        raise file_problem(path, f"not JSON ({error})", "a file of a sweep") from error
    if not isinstance(found, dict):
        raise file_problem(path, "no JSON object", "a file of a sweep")
    return found
