"""Records that are on the disk from the moment they are made: a file that only grows, whole after a kill at any moment.

    b"ras-sim journal 1\\n", then for each record its length and CRC-32 (two little-endian 32-bit numbers) and its bytes

A process that is killed while it writes leaves a record that is cut short: it and what follows is dropped when the file
is opened again. A record survives the end of this process as soon as `append` returns. It is forced to the disk as well,
against the end of the machine, unless that would take more than a twentieth of the time: on a disk that takes 5 ms for
it, a loss of power can lose the records of the last 0.1 s.
"""

from __future__ import annotations

import os
import struct
import time
import zlib
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Self

from ras_sim.experiment.files import readable_errors, sync_folder

SUFFIX = ".journal"

_MAGIC = b"ras-sim journal 1\n"
_FRAME = struct.Struct("<II")
_SYNC_SHARE = 0.05


class Journal:
    """A file of records, open for more of them.

    Args:
        path: of the file, in a folder that exists and that no other process writes to; made with the first record.

    Raises:
        InputError: it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: FileIO | None = None
        self._end = len(_MAGIC)
        self._synced_s, self._sync_took_s = -float("inf"), 0.0
        self._is_synced = True
        with readable_errors(path):
            self.records = list(self._whole_records())
        """What it held when it was opened."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def append(self, record: bytes) -> None:
        """Add a record: it outlives this process when this returns.

        Raises: InputError if it cannot be written, e.g. because the disk is full; the records before it stay.
        """
        with readable_errors(self.path):
            file = self._opened()
            frame = _FRAME.pack(len(record), zlib.crc32(record)) + record
            try:
                _write(file, frame)
            except BaseException:
                file.truncate(self._end)
                raise
            self._end += len(frame)
            self._is_synced = False
            if time.monotonic() - self._synced_s >= self._sync_took_s / _SYNC_SHARE:
                self._sync(file)

    def close(self) -> None:
        """Force what is left to the disk, and let go of the file."""
        if self._file is None:
            return
        with readable_errors(self.path), self._file as file:
            self._file = None
            if not self._is_synced:
                self._sync(file)

    def remove(self) -> None:
        """Close it and delete the file: its records are kept in another form."""
        self._is_synced = True
        self.close()
        with readable_errors(self.path):
            self.path.unlink(missing_ok=True)

    def _whole_records(self) -> Iterator[bytes]:
        """The records up to the first that is cut short or damaged."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return
        if not data.startswith(_MAGIC):
            return
        while self._end + _FRAME.size <= len(data):
            size, checksum = _FRAME.unpack_from(data, self._end)
            begin = self._end + _FRAME.size
            record = data[begin : begin + size]
            if len(record) < size or zlib.crc32(record) != checksum:
                return
            self._end = begin + size
            yield record

    def _opened(self) -> FileIO:
        """The file, cut where its whole records end."""
        if self._file is None:
            self._file = FileIO(self.path, "ab")
            is_new = self._end == len(_MAGIC)  # or without any whole record
            self._file.truncate(0 if is_new else self._end)
            if is_new:
                _write(self._file, _MAGIC)
                sync_folder(self.path.parent)
        return self._file

    def _sync(self, file: FileIO) -> None:
        began_s = time.monotonic()
        os.fsync(file.fileno())
        self._synced_s = time.monotonic()
        self._sync_took_s = self._synced_s - began_s
        self._is_synced = True


def _write(file: FileIO, data: bytes) -> None:
    """Write all of it: a nearly full disk takes a part first, and says so only of the rest."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]
