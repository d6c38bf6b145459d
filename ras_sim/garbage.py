"""Python's search for circles of objects that nobody needs: seldom, while a replication makes many that live to its end."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_OBJECTS_BETWEEN_COLLECTIONS = 200_000


@contextmanager
def rare_garbage_collection() -> Iterator[None]:
    """Look for circles seldom within the block; what it leaves behind is looked through once, at its end."""
    threshold = gc.get_threshold()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, *threshold[1:])
    try:
        yield
    finally:
        gc.set_threshold(*threshold)
