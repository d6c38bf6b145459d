"""Amounts of metrics: what a metric is made of, which way it is better, and how bounds and margins on it are written.

An amount is written in the unit of its metric: `85 %` or 0.85 for a share, `2 h` for a time, a number for a
count or an amount of money: 400, "14,000,000".
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from ras_sim.units import parse_amount, parse_duration_h, parse_fraction

Kind: TypeAlias = Literal["share", "time", "count"]
"""What a metric is made of, and so how its amounts are written."""

SHARES = frozenset({"goodput", "clean_goodput", "ettr", "cluster_goodput", "gpu_availability"})


class Margin(NamedTuple):
    """How much worse than the baseline is allowed: in the unit of the metric, or as a share of the stored mean."""

    amount: float
    relative: bool

    def of(self, mean: float) -> float:
        """The margin in the unit of the metric, >= 0.

        >>> Margin(0.05, True).of(40.0)
        2.0
        """
        return self.amount * abs(mean) if self.relative else self.amount


def kind_of(metric: str) -> Kind:
    """What a metric is made of.

    >>> [kind_of(name) for name in ("ettr", "mtti_h", "time_h.restore", "rungs.rma.attempts")]
    ['share', 'time', 'time', 'count']
    """
    if metric in SHARES:
        return "share"
    return "time" if metric.partition(".")[0].endswith("_h") else "count"


def better(metric: str) -> int:
    """1 if more of a metric is better, -1 if less is, 0 if that cannot be said.

    >>> [better(name) for name in ("goodput", "time_h.productive", "time_h.repair", "rungs.rma.attempts")]
    [1, 1, -1, 0]
    """
    if metric in SHARES or metric in ("mtti_h", "time_h.productive"):
        return 1
    return 0 if metric.startswith(("rungs.", "faults_by_mode.")) else -1


def bound(metric: str, amount: float | str) -> float:
    """A bound as a number: a fraction, hours or a count.

    Raises: ValueError with what was got and what is wanted.

    >>> bound("ettr", "85 %"), bound("mtti_h", "90 min"), bound("cost", "14,000,000")
    (0.85, 1.5, 14000000.0)
    """
    kind = kind_of(metric)
    if kind == "share":
        return parse_fraction(amount)
    if kind == "time":
        return parse_duration_h(amount)
    if not isinstance(amount, str) and amount < 0:
        raise ValueError(f"got {amount!r}, want a number >= 0")
    return parse_amount(amount)


def margin(metric: str, amount: float | str) -> Margin:
    """What may be lost against the baseline.

    Raises: ValueError with what was got and what is wanted.

    >>> margin("goodput", "1 %"), margin("mtti_h", "5 %"), margin("mtti_h", "10 min").relative
    (Margin(amount=0.01, relative=False), Margin(amount=0.05, relative=True), False)
    """
    relative = kind_of(metric) != "share" and isinstance(amount, str) and amount.rstrip().endswith("%")
    allowed = parse_fraction(amount) if relative else bound(metric, amount)
    if allowed == 0:
        raise ValueError(f"got {amount!r}, want more than 0: nothing random can be held to nothing")
    return Margin(allowed, relative)
