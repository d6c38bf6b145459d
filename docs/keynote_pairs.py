"""What a point of the keynote is made of: pairs of scenarios, and ranges of the numbers that nobody has published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

HGX, NVL72 = "16,384 H100, HGX", "16,384 GB200, NVL72"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two scenarios that differ in one property.

    Args:
        machine: what the table calls the machine.
        without: file of the scenario without the property: the base.
        with_: file of the scenario with it.
        metric: what the property is worth is read from this one (names as in a comparison).
        replications: histories that both meet.
        n_sign: the first of them with which a test holds the sign.
        is_zero: the claim is that no history differs in any metric.
    """

    machine: str
    without: str
    with_: str
    metric: str = "goodput"
    replications: int = 24
    n_sign: int = 5
    is_zero: bool = False


@dataclass(frozen=True, slots=True)
class Range:
    """An assumed number on which the answer rests, and the values at which it is asked again.

    Args:
        key: dotted path.
        values: as written in a scenario.
        replications: histories of each value.
        set_in: the scenarios in which the key is set: a number of the property itself is there in one only.
        pair: of the point's pairs, the one that is asked again.
    """

    key: str
    values: tuple[str, ...]
    replications: int = 12
    set_in: Literal["both", "without", "with"] = "both"
    pair: int = 0


@dataclass(frozen=True, slots=True)
class Point:
    """One point of the keynote.

    Args:
        key: S1, S2, ...; a point with several properties has several entries.
        claim: what the keynote says.
        prop: the property that the second scenario has and the first has not.
        pairs: on one machine each, or a family on one machine.
        mechanism: why it is worth something, in words; the numbers are computed.
        ranges: assumed numbers that move the answer.
        no_ranges: why there are none.
        one_machine: why there are pairs on one kind of machine only.
    """

    key: str
    claim: str
    prop: str
    pairs: tuple[Pair, ...]
    mechanism: str
    ranges: tuple[Range, ...] = ()
    no_ranges: str = ""
    one_machine: str = ""


def on_both(
    topic: str, metric: str = "goodput", replications: int = 24, n_sign: tuple[int, int] = (5, 5), base: str = ""
) -> tuple[Pair, ...]:
    """The pair TOPIC_hgx_without.yaml, TOPIC_hgx.yaml and the same on NVL72.

    Args:
        base: topic of the scenario without the property, where that is a scenario of another pair: BASE_hgx.yaml.
    """
    pairs = []
    for machine, short, n in ((HGX, "hgx", n_sign[0]), (NVL72, "nvl72", n_sign[1])):
        without = f"{base}_{short}.yaml" if base else f"{topic}_{short}_without.yaml"
        pairs.append(Pair(machine, without, f"{topic}_{short}.yaml", metric, replications, n))
    return tuple(pairs)
