"""Finished points of a study on the disk, and its other files: each is whole or not there.

    points/KEY.parquet   the replications of one point, written as soon as it is finished; what a point depends on is
                         in its key, so it is used again by any study in this folder that needs it
    lock                 held by the process that is at work there

Each file is written beside its old self, forced to the disk and renamed, so that a kill at any moment leaves it whole.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from ras_sim.experiment.files import durable, file_problem, readable_errors, sync_folder, writable_folder

if TYPE_CHECKING:
    import pandas as pd

POINTS, LOCK, PART = "points", "lock", ".part"
_POINT_FILE = re.compile(r"[0-9a-f]{32}\.parquet(\.part)?")


class PointStore:
    """Finished points on the disk; one process at a time.

    Args:
        directory: of the study; None keeps nothing.
        check_contents: raises InputError if a folder that exists holds anything that is not of such a study.
    """

    def __init__(self, directory: str | Path | None, check_contents: Callable[[Path], None]) -> None:
        self._folder = None if directory is None else Path(directory)
        self._check_contents = check_contents
        self._lock: int | None = None

    def __enter__(self) -> Self:
        if self._folder is not None:
            writable_folder(self._folder, self._check_contents)
            with readable_errors(self._folder):
                (self._folder / POINTS).mkdir(parents=True, exist_ok=True)
                self._lock = _locked(self._folder)
                for left_over in (self._folder / POINTS).glob(f"*{PART}"):  # of a process that was killed
                    left_over.unlink()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock is not None:
            os.close(self._lock)

    def read(self, key: str, replications: range) -> pd.DataFrame | None:
        """The rows of a point; None if they are not there, or damaged: then they are made anew."""
        if self._folder is None:
            return None
        import pandas as pd

        path = self._folder / POINTS / f"{key}.parquet"
        try:
            rows = pd.read_parquet(path)
        except (OSError, ValueError):  # pyarrow says ArrowInvalid, which is a ValueError, of a damaged file
            return None
        whole = "replication" in rows and list(rows["replication"]) == list(replications)
        return rows if whole else None

    def put(self, key: str, rows: pd.DataFrame) -> None:
        """Keep the rows of a point: they are on the disk when this returns.

        Raises: InputError if they cannot be written.
        """
        if self._folder is not None:
            with readable_errors(self._folder):
                put_frame(self._folder / POINTS, f"{key}.parquet", rows)


def _locked(folder: Path) -> int | None:
    """Hold the folder; the system lets go of it when the process ends, however it ends.

    Raises: InputError if another process holds it.
    """
    if os.name == "nt":
        return None
    import fcntl

    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise file_problem(
            folder, "a folder that another study is at work in", "a folder of its own"
        ) from None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def check_names(folder: Path, ours: Iterable[str], wanted: str) -> None:
    """Check that a folder holds nothing but points, the lock and some files.

    Args:
        folder: it exists.
        ours: names of files of the study.
        wanted: what it may hold, in words.

    Raises: InputError if it holds anything else.
    """
    known = {*ours, LOCK, POINTS} | {f"{name}{PART}" for name in ours}
    foreign = sorted(path.name for path in folder.iterdir() if path.name not in known)
    if (folder / POINTS).is_dir():
        inside = (path.name for path in (folder / POINTS).iterdir())
        foreign += sorted(f"{POINTS}/{name}" for name in inside if not _POINT_FILE.fullmatch(name))
    if foreign:
        more = f" and {len(foreign) - 3} more" if len(foreign) > 3 else ""
        got = f"a folder that holds {', '.join(foreign[:3])}{more}"
        raise file_problem(folder, got, wanted, "choose an empty or a new folder")


def put_json(folder: Path, name: str, value: dict[str, Any]) -> None:
    """Write one JSON object."""
    put_text(folder, name, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def put_text(folder: Path, name: str, text: str) -> None:
    """Write a text."""
    # Half a surrogate pair cannot be encoded; its backslash form is what JSON writes for it.
    _put(folder, name, lambda file: file.write(text.encode("utf-8", "backslashreplace")))


def put_frame(folder: Path, name: str, rows: pd.DataFrame) -> None:
    """Write a table as Parquet."""
    _put(folder, name, lambda file: _write_frame(rows, file))


def _put(folder: Path, name: str, fill: Callable[[BinaryIO], object]) -> None:
    """Write a file beside its old self, force it to disk, put it in its place."""
    part = folder / f"{name}{PART}"
    with durable(part) as file:
        fill(file)
    os.replace(part, folder / name)
    sync_folder(folder)


def _write_frame(rows: pd.DataFrame, file: BinaryIO) -> None:
    import pyarrow as pa  # type: ignore[import-untyped]
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    table = pa.Table.from_pandas(rows, preserve_index=False)
    # Without what pandas notes of itself: its version, and types that depend on which values occurred.
    pq.write_table(table.replace_schema_metadata(), file, compression="zstd")
