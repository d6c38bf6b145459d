"""The precision that a user asks for: `0.2%` of goodput, `5 %` or `10 min` of an MTTI."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ras_sim.errors import InputError, Problem, nearest
from ras_sim.metrics import Measures
from ras_sim.metrics.precision import MIN_FIRST, Aim, Wish, half_width_so_far
from ras_sim.metrics.samples import sample
from ras_sim.scenario.amounts import kind_of, margin
from ras_sim.units import comma_hint

if TYPE_CHECKING:
    from ras_sim.scenario.model import Scenario

Closing = Callable[[float | None, Wish], None]
"""Called now and then with the half-width so far (None: not known yet) and what is wished for. It is there to be looked
at: nothing is decided by it."""

Watch = Callable[[Sequence[Measures]], None]
"""Called with everything that is finished, each time that something is."""

FIRST_STAGE = 40
"""Replications of a first stage unless told otherwise: fewer have often not seen what is rare and long."""
MAX_REPLICATIONS = 2000

_WANTED = {
    "share": "points as a percentage or a fraction, more than 0 and less than 1, e.g. 0.2%",
    "time": "more than 0, as a time or as a share of the mean, e.g. 10 min or 5 %",
    "count": "more than 0, as a number or as a share of the mean, e.g. 3 or 5 %",
}
_WANTED_OF_DIFFERENCE = _WANTED | {
    "time": "a time of more than 0, e.g. 10 min: a difference may be 0, and has no shares",
    "count": "a number of more than 0, e.g. 3: a difference may be 0, and has no shares",
}


def run_as_wished(
    wish: Wish | None, n_first: int, run_up_to: Callable[[int], bool], aim_now: Callable[[Wish], Aim]
) -> tuple[bool, Aim | None]:
    """Finish the first stage, and then as many replications as the wish takes.

    Args:
        wish: None for the first stage alone.
        n_first: replications of the first stage.
        run_up_to: finishes the replications up to a number; returns True if the user stopped that.
        aim_now: how many the wish takes, from what is finished.

    Returns:
        (whether the user stopped it, the last aim; None without a wish, or where the first stage was stopped).
    """
    interrupted = run_up_to(n_first)
    if wish is None or interrupted:
        return interrupted, None
    aim, n_done = aim_now(wish), n_first
    while not interrupted and n_done < aim.n_wanted:
        n_done = aim.n_wanted
        interrupted = run_up_to(n_done)
        aim = aim_now(wish)
    return interrupted, aim


def wish_of(
    scenario: Scenario,
    metric: str,
    precision: float | str | None,
    *,
    n_first: int,
    limit: int,
    among: Sequence[str] | None = None,
) -> Wish | None:
    """Read a precision; None is none.

    Args:
        scenario: whose metrics may be named.
        metric: its name in the JSON result.
        precision: half of the width of the 95% interval: in the unit of the metric, or `5 %` of the mean of a time or count.
        n_first: replications of the first stage.
        limit: replications at most.
        among: metrics of which differences between designs are known; there is no share of a difference.

    Raises:
        InputError: with everything that is wrong.
    """
    if precision is None:
        if metric != "goodput":
            raise InputError(
                [_problem("metric", repr(metric), "a precision with it: it is what that is about")]
            )
        return None
    # Its package builds machines: a run without a precision need not load that.
    from ras_sim.scenario.checks.published import metric_names

    known = metric_names(scenario) if among is None else among
    found = []
    if metric not in known:
        wanted = (
            "a metric of the result, e.g. goodput, mtti_h, time_h.restore"
            if among is None
            else ", ".join(among)
        )
        found.append(_problem("metric", repr(metric), wanted, nearest(metric, known)))
    if n_first < MIN_FIRST:
        found.append(_problem("replications", str(n_first), f">= {MIN_FIRST} to begin with, for a precision"))
    if limit < n_first:
        wanted = f">= {n_first}, the replications to begin with"
        found.append(_problem("max-replications", str(limit), wanted))
    amount, relative = _half_width(metric, precision)
    # How it is written depends on the metric: of one that does not exist, nothing can be said.
    if metric in known and (amount is None or (relative and among is not None)):
        wanted = (_WANTED if among is None else _WANTED_OF_DIFFERENCE)[kind_of(metric)]
        found.append(_problem("precision", repr(precision), wanted + comma_hint(precision)))
    if found or amount is None:
        raise InputError(found)
    return Wish(metric, amount, relative, limit)


def _half_width(metric: str, precision: float | str) -> tuple[float | None, bool]:
    """Half-width and whether it is relative; None for what is none."""
    try:
        wanted = margin(metric, precision)
    except ValueError:
        return None, False
    too_wide = kind_of(metric) == "share" and wanted.amount >= 1.0
    return (None if too_wide else wanted.amount), wanted.relative


def _problem(where: str, got: str, wanted: str, hint: str = "") -> Problem:
    return Problem("", None, None, f"--{where}", got, wanted, hint)


def is_time_to_look(n: int) -> bool:
    """True for so few of the numbers 1, 2, 3 ... that looking at all values so far at each of them costs little.

    >>> [n for n in range(1, 60) if is_time_to_look(n)][-5:]
    [50, 52, 54, 56, 58]
    """
    return n % max(1, n // 20) == 0


def watch_of(wish: Wish | None, n_first: int, closing_in: Closing | None) -> Watch | None:
    """What shows how far the interval has closed; None if nobody looks.

    Args:
        n_first: replications of the first stage; once it is over they are the first that the watch is given.
    """
    if wish is None or closing_in is None:
        return None

    def watch(measures: Sequence[Measures]) -> None:
        if is_time_to_look(len(measures)):
            closing_in(half_width_so_far(sample(measures, wish.metric), n_first, wish), wish)

    return watch
