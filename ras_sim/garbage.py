"""Python's search for circles of objects that nobody needs: seldom, while a replication makes many that live to its end."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_OBJECTS_BETWEEN_COLLECTIONS = 200_000

_LOCK = threading.Lock()
_inside: list[tuple[int, int, int]] = []  # for each block that goes on, what was set when the first of them began


@contextmanager
def rare_garbage_collection() -> Iterator[None]:
    """Look for circles seldom while any such block goes on, in any thread; what it leaves is looked through once."""
    with _LOCK:
        before = _inside[0] if _inside else gc.get_threshold()
        _inside.append(before)
        gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, *before[1:])
    try:
        yield
    finally:
        with _LOCK:
            _inside.pop()
            if not _inside:
                gc.set_threshold(*before)
