"""What only the text of a value tells: of one of what a rate is, and what a point in an amount of money may mean."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ras_sim.scenario.checks.finding import MACHINE_NAMES, Finding
from ras_sim.scenario.keypath import split_key
from ras_sim.scenario.nouns import wrong_noun
from ras_sim.scenario.positions import Block, Leaf, leaves, node_at
from ras_sim.scenario.schema import units_at
from ras_sim.topology import Blueprint
from ras_sim.units import match_of_noun

_PER_TIME = {"rate", "money per time"}
_MONEY = {"money", "money per time", "money per energy"}

_POINT = re.compile(r"(?P<whole>[1-9]\d{0,2})\.(?P<cents>\d\d)0(?![\d.,e])", re.IGNORECASE | re.ASCII)


def written_findings(root: Block, machine: Blueprint | None) -> Iterator[Finding]:
    """Everything whose text means something else than its number.

    Args:
        root: the scenario as its author wrote it.
        machine: what it builds.
    """
    for path, leaf in leaves(root):
        is_of, meant = match_of_noun(leaf.text) is not None, point_of_thousands(leaf.text)
        if not is_of and meant is None:
            continue
        key = split_key(path[1], root) if path[0] == "uncertain" and len(path) > 1 else path
        units = units_at(key, root)
        if meant is not None and units & _MONEY:
            hint = f"write {meant[0]} or {meant[1]}"
            yield Finding(path, "no point that may part thousands", hint=hint, among=MACHINE_NAMES)
        if is_of and units & _PER_TIME and machine is not None:
            yield from _noun(path, key, leaf, root, machine)


def _noun(
    path: tuple[str, ...], key: tuple[str, ...], leaf: Leaf, root: Block, machine: Blueprint
) -> Iterator[Finding]:
    """A rate or a price of one of something else than what fails, or is paid for."""
    if key[0] == "failures" and key[1] not in machine.counts:
        return  # reported on its own
    under = node_at((*key[:2], "under"), root) if key[0] == "shocks" else None
    wrong = wrong_noun(key, leaf.text, machine.counted, under.text if isinstance(under, Leaf) else "")
    if wrong is not None:
        yield Finding(path, wrong.wanted, hint=wrong.hint, among=MACHINE_NAMES)


def point_of_thousands(text: str) -> tuple[str, str] | None:
    """How to write an amount of money whose point may part thousands: so read, and as a decimal point; None for others.

    Three decimals of which the last is 0 say no more than two, except to those who part thousands by points.

    >>> point_of_thousands("31.000"), point_of_thousands("30.250 per 4 years"), point_of_thousands("31.25")
    (('31000', '31'), ('30250 per 4 years', '30.25 per 4 years'), None)
    """
    match = _POINT.match(text.strip())
    if match is None:
        return None
    whole, cents, rest = match["whole"], match["cents"], text.strip()[match.end() :]
    return f"{whole}{cents}0{rest}", f"{whole}.{cents}".removesuffix(".00") + rest
