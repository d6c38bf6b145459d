"""A value of a scenario as a person would write it at its key, wherever a reader is told of one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from ras_sim.formats import (
    format_bandwidth,
    format_bytes,
    format_duration,
    format_plain,
    format_power,
    format_rate,
)
from ras_sim.report.style import money
from ras_sim.units import HOURS_PER_DAY, HOURS_PER_YEAR

if TYPE_CHECKING:
    from ras_sim.experiment.designs import Change

_FEW_H = 3.0
"""An axis that ends there is in minutes."""
_WRITERS: Mapping[str, Callable[[float], str]] = {
    "h": format_duration,
    "/h": format_rate,
    "B": format_bytes,
    "B/h": format_bandwidth,
    "W": format_power,
}
_AMOUNT = re.compile(
    r"(?:(?<!\S)(?P<name>[a-z_]\w*) )?(?<![\w.])(?P<number>\d+(?:\.\d+)?(?:e[+-]?\d+)?)"
    r" (?P<unit>B/h|/h|h|B|W)(?![\w/])"
)
_LONG = re.compile(r"(?<![\w.])(?:\d+\.\d{5,}|\d+(?:\.\d+)?e[+-]?\d+)(?![\w.])")


def setting(key: str, text: str) -> str:
    """Text of a resolved scenario with every amount in a unit that suits, and no number of more than six figures.

    What comes out reads as the scenario file takes it, rounded.

    Args:
        key: dotted path of the value, or of the block that the text lists.
        text: one value, or several with their names.

    >>> setting("failures.gpu.faulty.rate", "6.97e-06 /h"), setting("job.gpus", "1024"), setting("", "0.138333 h")
    ('0.0611 /year', '1024', '8.3 min')
    >>> setting("cost", "job_gpu 0.5 /h, carrying 2e-05 /h"), setting("cost.spare_gpu", "2.5 /h")
    ('job_gpu 0.50 per hour, carrying 0.175 /year', '2.50 per hour')
    >>> setting("job.checkpoints.disk", "write 180000000000000.0 B/h, speed 0.12345678, share 1e-05")
    'write 50 GB/s, speed 0.123457, share 0.00001'
    """
    text = _AMOUNT.sub(lambda found: _amount(key, found), text)
    return _LONG.sub(lambda found: format_plain(float(found[0])), text)


def _amount(key: str, found: re.Match[str]) -> str:
    """One amount with the name before it, if there is one."""
    name, value, unit = found["name"], float(found["number"]), found["unit"]
    is_price = key.partition(".")[0] == "cost" and unit == "/h"
    if is_price and (name or key.rpartition(".")[2]) != "carrying":
        written = f"{money(value)} per hour"  # a price is money per hour, whatever its size
    else:
        written = _WRITERS[unit](value)
    return f"{name} {written}" if name else written


def changed(changes: Iterable[Change]) -> list[tuple[str, str, str]]:
    """Rows of a table: key, value of the base, value of the other; as resolved where rounding would hide the difference."""
    rows = []
    for one in changes:
        base, other = (setting(one.key, text) for text in (one.base, one.other))
        if base == other:
            base, other = one.base, one.other
        rows.append((one.key, base or "not set", other or "not set"))
    return rows


def axis_unit(unit: str, high: float) -> tuple[float, str]:
    """By what values of a resolved scenario are multiplied on an axis that ends at `high`, and the unit there.

    >>> axis_unit("h", 2.0), axis_unit("/h", 1e-5), axis_unit("", 3.0)
    ((60.0, 'min'), (8766.0, '/year'), (1.0, ''))
    """
    if unit == "h" and high <= _FEW_H:
        return 60.0, "min"
    if unit == "/h" and high < 1.0:
        return (HOURS_PER_DAY, "/day") if high * HOURS_PER_DAY >= 1.0 else (HOURS_PER_YEAR, "/year")
    return 1.0, unit
