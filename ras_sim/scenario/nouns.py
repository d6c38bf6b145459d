"""Of one of what a rate or a price is: "0.061 per GPU-year" is no rate of one HBM stack, of which a GPU has several."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ras_sim.topology.parts import MACHINE
from ras_sim.units import match_of_noun

_PART = "part", "device", "component", "unit", "item"
"""What one instance of any class may be called."""
_NAMES: Mapping[str, str] = {
    "node": "server host machine tray",
    "gpu": "accelerator xpu tpu chip",
    "hbm": "stack",
    "cpu": "processor socket",
    "dimm": "module",
    "ssd": "drive disk",
    "nic": "adapter hca",
    "link": "port cable",
    "uplink": "port cable",
    "optic": "transceiver",
    "uplink_optic": "transceiver",
    "leaf": "switch",
    "spine": "switch",
    "nvswitch": "switch",
    "ocs": "switch",
    "rack": "cabinet",
    "psu": "supply",
}
"""What people call one instance of a class besides its name."""
_PEOPLE = frozenset({"technician", "person", "man", "worker", "engineer"})
_WHOLE = frozenset({MACHINE, "cluster", "job", "run", "monitor", "watchdog"})


class WrongNoun(NamedTuple):
    """What is wrong with the noun of a rate or a price: what would have been good, and what the number becomes then."""

    wanted: str
    hint: str


class _Subject(NamedTuple):
    """What a value at some key is of one of.

    Args:
        noun: what to write.
        nouns: all that mean it.
        cls: its component class; "" if it is none.
    """

    noun: str
    nouns: frozenset[str]
    cls: str = ""


def wrong_noun(path: Sequence[str], text: object, counts: Mapping[str, int], under: str = "") -> WrongNoun | None:
    """What is wrong with the noun of a value; None if it means one of what the value is of, or there is none.

    A noun that means a class of which there are just as many is let through: it gives the same number.

    Args:
        path: names that lead to the value in a scenario.
        text: the value as it was written.
        counts: component class -> number of instances; `gpu` also where the machine does not know them.
        under: of a shock, the class that has it.
    """
    said = match_of_noun(text)
    if said is None:
        return None
    subject = _subject(path, under)
    noun = _meant(said["noun"], subject.nouns)
    if noun in subject.nouns:
        return None
    others = [cls for cls in counts if _meant(noun, _names(cls)) in _names(cls)]
    n_here, n_there = counts.get(subject.cls, 0), counts.get(others[0], 0) if len(others) == 1 else 0
    if n_here and n_here == n_there and path[0] != "cost":
        return None
    choices = [subject.noun] if path[0] == "cost" or not subject.cls else [subject.noun, _PART[0]]
    period = said["period"].removesuffix("s") or said["period"]
    wanted = ", ".join(f"per {one}-{period}" for one in choices) + f" or per {period}"
    hint = ""
    if n_here and n_there:
        instead = _of_another(said, subject.noun, n_there / n_here)
        hint = f"{_ratio(subject.cls, n_here, others[0], n_there)}: write {instead!r}"
    return WrongNoun(wanted, hint)


def _subject(path: Sequence[str], under: str) -> _Subject:
    """What the value at a key is of one of."""
    if path[-1] == "false_alarms":
        return _Subject("job", _WHOLE)
    match path[0], path[-1]:
        case "cost", "job_gpu" | "spare_gpu":
            return _Subject("GPU", _names("gpu"), "gpu")
        case "cost", "price":
            return _Subject("technician", _PEOPLE)
        case "failures", _:
            extra = {"defect"} if "corrupts" in path else set()
            return _Subject(path[1], _names(path[1]) | frozenset(_PART) | extra, path[1])
        case "shocks", _:
            names = _WHOLE if under == MACHINE else _names(under) | frozenset(_PART)
            return _Subject(under, names, under)
        case _:
            return _Subject(_PART[0], frozenset(_PART))


def _of_another(said: re.Match[str], noun: str, factor: float) -> str:
    """The same text with its number times a factor, of another noun.

    >>> _of_another(match_of_noun("0.061 per GPU-year"), "hbm", 0.2)
    '0.0122 per hbm-year'
    """
    number = float(said["number"].replace(",", "")) * factor
    before, after = said.string[said.end("number") : said.start("noun")], said.string[said.end("noun") :]
    return f"{number:.4g}{before}{noun}{after}"


def _names(cls: str) -> frozenset[str]:
    return frozenset({cls, *_NAMES.get(cls, "").split()})


def _meant(noun: str, known: frozenset[str]) -> str:
    """A noun in small letters, without the s of a plural."""
    small = noun.lower()
    return small if small in known else small.removesuffix("s")


def _ratio(cls: str, n_here: int, other: str, n_there: int) -> str:
    """How many parts of one class come on how many of the other."""
    if n_here % n_there == 0:
        return f"each {other} has {n_here // n_there} {cls}"
    if n_there % n_here == 0:
        return f"each {cls} has {n_there // n_here} {other}"
    return f"there are {n_here:,} {cls} and {n_there:,} {other}"
