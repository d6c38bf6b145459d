"""What is finished of a command's work, on the disk from that moment until its results are written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Generic, NamedTuple, Self, TypeVar

from ras_sim.experiment.files import LOCK, locked, readable_errors
from ras_sim.experiment.journal import SUFFIX, Journal

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")

_FILE = re.compile(rf"[0-9a-f]{{32}}{re.escape(SUFFIX)}")


class Form(NamedTuple, Generic[T]):
    """How something is written to a journal and read from it; never by pickle, which runs code."""

    pack: Callable[[T], bytes]
    unpack: Callable[[bytes], T]


def json_form(kind: type[T]) -> Form[T]:
    """Records and tuples of plain values as JSON, typed as the class says when they are read."""

    @cache
    def adapter() -> TypeAdapter[T]:
        # Made when the first record is written or read: it takes 10 ms, and without a folder there are no records.
        from pydantic import TypeAdapter

        return TypeAdapter(kind)

    def pack(value: T) -> bytes:
        # Not dump_json, which writes null for NaN; sets are written in order.
        return json.dumps(adapter().dump_python(value), default=sorted).encode()

    return Form(pack, lambda data: adapter().validate_python(json.loads(data)))


class Kept(Generic[T]):
    """Finished pieces of work in the folder that their results will be written to; one process at a time.

    Args:
        directory: made if missing; None keeps nothing.
        key: of what the pieces depend on, see `ras_sim.experiment.origin.key_of`: the folder may hold those of
            another command as well.
        form: how a piece is written.
        saved: reads pieces that the folder holds in another form.
    """

    def __init__(
        self,
        directory: str | Path | None,
        key: str,
        form: Form[T],
        saved: Callable[[], list[T]] = list,
    ) -> None:
        self._folder = None if directory is None else Path(directory)
        self._name, self._form, self._saved = f"{key}{SUFFIX}", form, saved
        self._open = ExitStack()
        self._journal: Journal | None = None
        self.pieces: list[T] = []
        """What was finished when the folder was opened."""

    def __enter__(self) -> Self:
        if self._folder is not None:
            with ExitStack() as opening:
                opening.enter_context(locked(self._folder))
                self._journal = opening.enter_context(Journal(self._folder / self._name))
                self.pieces = self._saved() + [self._form.unpack(one) for one in self._journal.records]
                self._open = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    @property
    def is_durable(self) -> bool:
        """Whether pieces are kept on the disk."""
        return self._folder is not None

    def add(self, piece: T) -> None:
        """Keep a piece: it outlives this process when this returns.

        Raises: InputError if it cannot be written.
        """
        if self._journal is not None:
            self._journal.append(self._form.pack(piece))


def is_passing(name: str) -> bool:
    """True for a file that is in a folder only while results are being made."""
    return name == LOCK or _FILE.fullmatch(name) is not None


def forget(folder: Path, but: str = "") -> None:
    """Delete what was kept: the results are written.

    Args:
        but: key of pieces that stay, "" for none.
    """
    with readable_errors(folder):
        for path in folder.iterdir():
            if _FILE.fullmatch(path.name) and path.stem != but:
                path.unlink(missing_ok=True)
