"""The only place that writes numbers for people: "30 min", "1.2 kW", "98.7 %". `ras_sim.units` reads it."""

from __future__ import annotations

import math
from decimal import Decimal

from ras_sim.units import (
    BYTES_PER_UNIT,
    FIT_HOURS,
    HOURS_PER_DAY,
    HOURS_PER_UNIT,
    HOURS_PER_YEAR,
    SECONDS_PER_HOUR,
)


def _digits(number: float) -> str:
    """Return a number with three significant digits, thousands in full."""
    return f"{number:,.0f}" if abs(number) >= 999.5 else f"{number:.3g}"


def _with_unit(number: float, units: tuple[tuple[float, str], ...]) -> str:
    """Return a number in the first unit that it reaches, the last one if none."""
    for scale, name in units:
        if abs(number) >= scale:
            return f"{_digits(number / scale)} {name}"
    scale, name = units[-1]
    return f"{_digits(number / scale)} {name}"


def format_duration(hours: float) -> str:
    """Write a time for people: three digits in a unit that suits.

    Args:
        hours: any number; inf is "never", NaN "n/a".

    >>> [format_duration(x) for x in (3.0912, 54 * 24, 0.2, 0.8 / 3600)]
    ['3.09 h', '54 d', '12 min', '0.8 s']
    """
    if math.isnan(hours):
        return "n/a"
    if math.isinf(hours):
        return "never" if hours > 0.0 else "-inf"
    size = abs(hours)
    for limit, unit in ((2.0 * HOURS_PER_YEAR, "y"), (48.0, "d"), (1.0, "h"), (1.0 / 60.0, "min")):
        if size >= limit:
            return f"{_digits(hours / HOURS_PER_UNIT[unit])} {unit}"
    seconds = hours * SECONDS_PER_HOUR
    return f"{_digits(seconds)} s" if size == 0.0 or abs(seconds) >= 0.1 else f"{_digits(seconds * 1e3)} ms"


def format_rate(per_h: float) -> str:
    """Write a rate for people: per hour, day or year, or in FIT where even a year sees almost none.

    Args:
        per_h: per hour; NaN is "n/a".

    >>> [format_rate(x) for x in (2.0, 8 / 24, 0.061 / 8766, 4.5e-9)]
    ['2 /h', '8 /day', '0.061 /year', '4.5 FIT']
    """
    if not math.isfinite(per_h):
        return "n/a" if math.isnan(per_h) else f"{per_h} /h"
    if abs(per_h) >= 1.0 or per_h == 0.0:
        return f"{_digits(per_h)} /h"
    if abs(per_h) * HOURS_PER_DAY >= 1.0:
        return f"{_digits(per_h * HOURS_PER_DAY)} /day"
    if abs(per_h) * HOURS_PER_YEAR >= 1e-3:
        return f"{_digits(per_h * HOURS_PER_YEAR)} /year"
    return f"{_digits(per_h * FIT_HOURS)} FIT"


def format_count(number: float) -> str:
    """Write a count for people: whole numbers in full, means with three digits.

    >>> [format_count(x) for x in (16384, 419.0, 12.345)]
    ['16,384', '419', '12.3']
    """
    if not math.isfinite(number):
        return "n/a" if math.isnan(number) else str(number)
    return f"{number:,.0f}" if number == round(number) else _digits(number)


def format_percent(frac: float) -> str:
    """Write a fraction as a percentage: two decimals, more where two would hide it.

    >>> [format_percent(x) for x in (0.9437, 0.05, 0.000012)]
    ['94.37 %', '5.00 %', '0.0012 %']
    """
    if not math.isfinite(frac):
        return "n/a" if math.isnan(frac) else f"{frac} %"
    percent = 100.0 * frac
    return f"{percent:.2f} %" if percent == 0.0 or abs(percent) >= 0.1 else f"{percent:.3g} %"


def format_bytes(n_bytes: float) -> str:
    """Write a size for people, in powers of 1000.

    >>> [format_bytes(x) for x in (80e9, 1500.0, 12)]
    ['80 GB', '1.5 kB', '12 B']
    """
    if not math.isfinite(n_bytes):
        return "n/a" if math.isnan(n_bytes) else f"{n_bytes} B"
    return _with_unit(n_bytes, tuple((BYTES_PER_UNIT[unit], unit) for unit in ("PB", "TB", "GB", "MB", "kB", "B")))


def format_bandwidth(bytes_per_h: float) -> str:
    """Write a bandwidth for people, in bytes a second.

    >>> [format_bandwidth(x) for x in (1.8e14, 3600.0)]
    ['50 GB/s', '1 B/s']
    """
    if not math.isfinite(bytes_per_h):
        return "n/a" if math.isnan(bytes_per_h) else f"{bytes_per_h} B/s"
    return f"{format_bytes(bytes_per_h / SECONDS_PER_HOUR)}/s"


def format_power(watts: float) -> str:
    """Write a power for people.

    >>> [format_power(x) for x in (700.0, 1200.0)]
    ['700 W', '1.2 kW']
    """
    if not math.isfinite(watts):
        return "n/a" if math.isnan(watts) else f"{watts} W"
    return _with_unit(watts, ((1e6, "MW"), (1e3, "kW"), (1.0, "W")))


def format_plain(number: float) -> str:
    """Write a number without a unit as a scenario takes it: six figures, no exponent, no thousands.

    >>> [format_plain(x) for x in (0.7, 1e-5, 0.99995, 1024.0)]
    ['0.7', '0.00001', '0.99995', '1024']
    """
    return f"{Decimal(f'{number:.6g}'):f}"
