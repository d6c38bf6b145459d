"""Files that are whole or not there: writes that reach the disk, one process at a time, errors that a user can read."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ras_sim.errors import InputError, Problem

LOCK = "lock"
"""A file of this name is in a folder while a process is at work there."""


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


def put_text(path: Path, text: str) -> None:
    """Write a text in place of an older one: a kill at any moment leaves the old one or the new one.

    Raises: InputError if it cannot be written.
    """
    with readable_errors(path):
        part = path.with_name(f"{path.name}.part")
        with durable(part) as file:
            file.write(text.encode("utf-8"))
        os.replace(part, path)
        sync_folder(path.parent)


def put_together(
    folder: Path, files: Mapping[str, Callable[[BinaryIO], object]], stale: Iterable[str] = ()
) -> None:
    """Write files that belong together in place of their old selves.

    All of them are on the disk as `NAME.part` before the first old one goes: a full disk leaves the old ones. The last of
    the files goes first and comes back last: without it the folder holds no whole result.

    Args:
        files: name -> what writes it.
        stale: names of files that belong to the old ones only.
    """
    parts = {name: folder / f"{name}.part" for name in files}
    try:
        for name, fill in files.items():
            with durable(parts[name]) as file:
                fill(file)
    except BaseException:
        for part in parts.values():
            part.unlink(missing_ok=True)
        raise
    for name in (list(files)[-1], *stale):
        (folder / name).unlink(missing_ok=True)
    sync_folder(folder)
    for name, part in parts.items():
        os.replace(part, folder / name)
        sync_folder(folder)


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
def locked(folder: Path) -> Iterator[None]:
    """Be the only process at work in a folder; the system lets go of it when the process ends, however it ends.

    Args:
        folder: made if missing, with its parents.

    Raises:
        InputError: another process is at work there, or nothing can be written there.
    """
    with readable_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = None if os.name == "nt" else _lock(folder)
    try:
        yield
    finally:
        if descriptor is not None:
            try:
                with readable_errors(folder):
                    (folder / LOCK).unlink(missing_ok=True)
            finally:
                os.close(descriptor)


def _lock(folder: Path) -> int:
    import fcntl

    while True:
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever had it may have removed the file before letting go: then somebody else may hold a new one.
            if _is_still_there(descriptor, folder / LOCK):
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            got = "a folder that another process is at work in"
            raise file_problem(folder, got, "a folder of its own", "or wait until it is done") from None
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _is_still_there(descriptor: int, path: Path) -> bool:
    """True if the open file is the one that has this name now."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


@contextmanager
def readable_errors(path: Path) -> Iterator[None]:
    """Turn what the operating system says (disk full, permission denied) into an error for the user."""
    try:
        yield
    except OSError as error:
        raise file_problem(path, error.strerror or str(error), *_remedy(error)) from error


def _remedy(error: OSError) -> tuple[str, str]:
    """What is wanted instead, and what to try."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return "room on the disk", "make room, then the same command goes on with what was finished"
    return "a folder that can be read and written", ""


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
