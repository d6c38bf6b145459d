"""Files that are whole or not there: writes that reach the disk, and errors that a user can read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ras_sim.errors import InputError, Problem


@contextmanager
def durable(path: Path) -> Iterator[BinaryIO]:
    """A new file whose bytes are on the disk when the block ends; no file if it fails."""
    try:
        with open(path, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Force renames to the disk, in the order in which they were made (Windows has no such call)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def readable_errors(path: Path) -> Iterator[None]:
    """Turn what the operating system says (disk full, permission denied) into an error for the user."""
    try:
        yield
    except OSError as error:
        raise file_problem(
            path, error.strerror or str(error), "a folder that can be read and written"
        ) from error


def file_problem(path: Path, got: str, wanted: str, hint: str = "") -> InputError:
    """An error about a file or a folder."""
    return InputError((Problem(str(path), None, None, "", got, wanted, hint),))


def writable_folder(directory: str | Path, check_contents: Callable[[Path], None]) -> Path:
    """The directory as a path, if results can be written to it; it may not exist yet.

    Args:
        directory: where results shall go.
        check_contents: raises InputError if a folder that exists holds anything that must not be touched.

    Raises:
        InputError: it is a file, holds other things, or is not writable.
    """
    folder = Path(directory)
    with readable_errors(folder):
        if folder.exists():
            if not folder.is_dir():
                raise file_problem(folder, "a file", "a folder")
            check_contents(folder)
        nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
            raise file_problem(folder, f"{nearest}, where nothing can be written", "a writable folder")
    return folder
