"""A finding: something that each value of a scenario allows alone and all of them together do not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ras_sim.errors import nearest

_MANY = 16


class Finding(NamedTuple):
    """What is wrong, and at which key.

    Args:
        path: keys that lead to the value.
        wanted: what would have been good.
        got: what was found; None for the value as its author wrote it.
        hint: one more sentence, or "".
        at_key: whether the key is wrong rather than its value.
        among: of a name that means nothing, the blocks whose names it was looked up in and nothing else, as
            dotted paths; () if the finding rests on more.
    """

    path: tuple[str, ...]
    wanted: str
    got: str | None = None
    hint: str = ""
    at_key: bool = False
    among: tuple[str, ...] = ()


MACHINE_NAMES = ("machine",)
"""Component classes and edges: they follow from all keys of the machine."""
RUNG_NAMES = ("repair.ladder",)
MODE_NAMES = ("failures",)
"""Classes that fail, and their modes."""
PRICE_NAMES = ("cost",)
"""Items of the bill: they follow from all keys of the prices."""


def unknown_name(
    path: tuple[str, ...],
    name: str,
    known: Iterable[str],
    what: str,
    *,
    at_key: bool = False,
    among: tuple[str, ...] = (),
) -> Finding:
    """The finding of a name that means nothing, with the nearest that does.

    Args:
        path, at_key, among: see `Finding`.
        name: what was written.
        known: the names that would have been understood.
        what: what they name, e.g. "a component class".
    """
    names = list(known)
    wanted = f"{what}: {', '.join(names)}" if 0 < len(names) <= _MANY else what
    return Finding(path, wanted, repr(name), nearest(name, names), at_key, among)
