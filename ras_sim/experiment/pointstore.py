"""Finished points of a study on the disk, and its other files: each is whole or not there.

    points/KEY.parquet   the replications of one point, written as soon as it is finished; what a point depends on is
                         in its key, so it is used again by any study in this folder that needs it
    points/KEY.journal   the replications of a point that is not finished, each from the moment it is finished
    lock                 held by the process that is at work there

Each file is written beside its old self, forced to the disk and renamed, so that a kill at any moment leaves it whole.
"""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from ras_sim.experiment.files import (
    LOCK,
    file_problem,
    locked,
    put_together,
    readable_errors,
    writable_folder,
)
from ras_sim.experiment.journal import SUFFIX, Journal
from ras_sim.experiment.kept import json_form
from ras_sim.metrics import Measures

if TYPE_CHECKING:
    import pandas as pd

POINTS, PART = "points", ".part"
_MAX_OPEN = 64
_POINT_FILE = re.compile(r"[0-9a-f]{32}\.(parquet(\.part)?|journal)")


class PointStore:
    """Finished points on the disk, and what is finished of others; one process at a time.

    Args:
        directory: of the study; None keeps nothing.
        check_contents: raises InputError if a folder that exists holds anything that is not of such a study.
    """

    def __init__(self, directory: str | Path | None, check_contents: Callable[[Path], None]) -> None:
        self._folder = None if directory is None else Path(directory)
        self._check_contents = check_contents
        self._open = ExitStack()
        self._journals: OrderedDict[str, Journal] = OrderedDict()
        self._form = json_form(Measures)

    def __enter__(self) -> Self:
        if self._folder is not None:
            writable_folder(self._folder, self._check_contents)
            with ExitStack() as opening:
                opening.enter_context(locked(self._folder))
                with readable_errors(self._folder):
                    (self._folder / POINTS).mkdir(exist_ok=True)
                    for left_over in (self._folder / POINTS).glob(f"*{PART}"):  # of a process that was killed
                        left_over.unlink()
                self._open = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._open:
            for journal in self._journals.values():
                journal.close()

    def begun(self, key: str) -> list[Measures]:
        """The replications that are finished of a point that is not."""
        if self._folder is None:
            return []
        return [self._form.unpack(record) for record in self._journal(key).records]

    def add(self, key: str, measures: Measures) -> None:
        """Keep a replication of a point: it outlives this process when this returns.

        Raises: InputError if it cannot be written.
        """
        if self._folder is not None:
            self._journal(key).append(self._form.pack(measures))

    def _journal(self, key: str) -> Journal:
        """That of a point. A few are open at once; on a large cluster more points than that are under way."""
        if key not in self._journals:
            assert self._folder is not None
            self._journals[key] = Journal(self._folder / POINTS / f"{key}{SUFFIX}")
        self._journals.move_to_end(key)
        for other in list(self._journals)[:-_MAX_OPEN]:
            self._journals.pop(other).close()
        return self._journals[key]

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
                put_together(self._folder / POINTS, {f"{key}.parquet": frame_writer(rows)})
            self._journal(key).remove()
            del self._journals[key]


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
    put_together(folder, {name: json_writer(value)})


def put_text(folder: Path, name: str, text: str) -> None:
    """Write a text."""
    put_together(folder, {name: text_writer(text)})


def json_writer(value: dict[str, Any]) -> Callable[[BinaryIO], object]:
    """What writes one JSON object to a file."""
    return text_writer(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def text_writer(text: str) -> Callable[[BinaryIO], object]:
    """What writes a text to a file."""
    # Half a surrogate pair cannot be encoded; its backslash form is what JSON writes for it.
    return lambda file: file.write(text.encode("utf-8", "backslashreplace"))


def frame_writer(rows: pd.DataFrame) -> Callable[[BinaryIO], object]:
    """What writes a table to a file as Parquet."""
    return lambda file: _write_frame(rows, file)


def _write_frame(rows: pd.DataFrame, file: BinaryIO) -> None:
    import pyarrow as pa  # type: ignore[import-untyped]
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    table = pa.Table.from_pandas(rows, preserve_index=False)
    # Without what pandas notes of itself: its version, and types that depend on which values occurred.
    pq.write_table(table.replace_schema_metadata(), file, compression="zstd")
