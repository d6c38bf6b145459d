"""The only place that reads what people write ("30 min", "450 FIT", "2 %/year"); `ras_sim.formats` writes it.

Inside the program time is in hours, rates are per hour, sizes in bytes, power in watts, energy in kWh; money has no
unit. A year is 365.25 days (8766 h), a month a twelfth of a year. A number without a unit is refused where a unit is
needed, except 0.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

HOURS_PER_DAY = 24.0
HOURS_PER_YEAR = 8766.0
SECONDS_PER_HOUR = 3600.0
FIT_HOURS = 1e9  # 1 FIT is one failure in 10**9 hours

_MAX_CHARS = 80  # longer texts are refused before any pattern sees them
# Commas part thousands; in "0,500" one would stand for a decimal point, and is refused.
_NUMBER = r"(?:(?:[1-9]\d{0,2}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?"
HOURS_PER_UNIT = {
    name: hours
    for names, hours in (
        ("ns", 1e-9 / SECONDS_PER_HOUR),
        ("us µs μs", 1e-6 / SECONDS_PER_HOUR),
        ("ms", 1e-3 / SECONDS_PER_HOUR),
        ("s sec secs second seconds", 1.0 / SECONDS_PER_HOUR),
        ("min mins minute minutes", 1.0 / 60.0),
        ("h hr hrs hour hours", 1.0),
        ("d day days", HOURS_PER_DAY),
        ("w wk week weeks", 7.0 * HOURS_PER_DAY),
        ("mo month months", HOURS_PER_YEAR / 12.0),
        ("y yr yrs year years", HOURS_PER_YEAR),
    )
    for name in names.split()
}
BYTES_PER_UNIT = {"B": 1.0, "byte": 1.0, "bytes": 1.0} | {
    prefix + suffix: scale
    for prefixes, power in (("k K", 1), ("M", 2), ("G", 3), ("T", 4), ("P", 5))
    for prefix in prefixes.split()
    for suffix, scale in (("B", 1000.0**power), ("iB", 1024.0**power))
}
_BITS = {"b": 0.125, "bit": 0.125} | {
    prefix + suffix: 0.125 * 1000.0**power
    for prefixes, power in (("k K", 1), ("M", 2), ("G", 3), ("T", 4), ("P", 5))
    for prefix in prefixes.split()
    for suffix in ("b", "bit")
}

_QUANTITY = re.compile(rf"(?P<number>[+-]?{_NUMBER}) ?(?P<unit>[^\d\s.,+-].*)?", re.IGNORECASE | re.ASCII)
_PER_TIME = re.compile(
    rf"(?P<number>[+-]?{_NUMBER}) ?(?P<percent>%)? ?(?:/|per ) ?"
    rf"(?:(?P<many>{_NUMBER}) )?(?:(?P<noun>[a-z]\w*)-)?(?P<period>[a-z]+)",
    re.IGNORECASE | re.ASCII,
)

_COUNTED = re.compile(rf"(?P<count>{_NUMBER}) in (?P<parts>{_NUMBER}) [x×] (?P<time>.+)", re.IGNORECASE)

_DURATION_WANTED = "a time with its unit, e.g. '30 min', '1.5 h', '90 d', '3 years'"
_RATE_WANTED = (
    "a rate with its unit, e.g. '450 FIT', 'MTBF 50000 h', 'AFR 2 %', '2 %/year', '0.061 per GPU-year', "
    "'3.79 per 1000 node-days', '148 in 16384 x 54 days'"
)
_BYTES_WANTED = "a size with its unit, e.g. '80 GB', '640 GiB'"
_BANDWIDTH_WANTED = "a bandwidth with its unit (b is bits, B is bytes), e.g. '400 Gb/s', '50 GB/s'"
_FRACTION_WANTED = "a fraction from 0 to 1 or a percentage, e.g. 0.05, '5 %'"
_POWER_WANTED = "a power with its unit, e.g. '700 W', '1.2 kW'"
_AMOUNT_WANTED = "a number >= 0, e.g. 400, '14,000,000'"
_OF_CURRENCY = "in the currency that `currency` names"
_PRICE_WANTED = f"a number of money, e.g. 25000, '25,000', {_OF_CURRENCY}"
_PRICE_PER_TIME_WANTED = f"money per time, e.g. '2.50 per GPU-hour', '30,000 per 4 years', {_OF_CURRENCY}"
_PRICE_PER_ENERGY_WANTED = f"money per energy, e.g. '0.08 per kWh', '80 per MWh', {_OF_CURRENCY}"


_COMMA = re.compile(r"(?<![\d.,])\d+(?:,\d*)+")
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+")


def _fail(value: object, wanted: str) -> ValueError:
    shown = repr(value)
    return ValueError(
        f"got {shown if len(shown) <= _MAX_CHARS else shown[:_MAX_CHARS] + '...'}, want {wanted}{comma_hint(value)}"
    )


def comma_hint(value: object) -> str:
    """What to write instead, if a comma stands where it does not part thousands; else "".

    >>> comma_hint("1,5 h")
    "; commas part thousands, as in '1,500': write '1.5 h' with a point"
    >>> comma_hint("1,500 parsecs")
    ''
    """
    if not isinstance(value, str) or len(value) > _MAX_CHARS:
        return ""
    found = [number[0] for number in _COMMA.finditer(value) if not _THOUSANDS.fullmatch(number[0])]
    if not found:
        return ""
    is_decimal = found[0].count(",") == 1 and not found[0].endswith(",")
    instead = value.replace(found[0], found[0].replace(",", "."), 1) if is_decimal else ""
    return "; commas part thousands, as in '1,500'" + (f": write {instead!r} with a point" if is_decimal else "")


def _clean(value: str | float, wanted: str) -> str:
    """Return a value as text, single-spaced; refuse what is too long, not finite, or not text or number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _fail(value, wanted)
    if isinstance(value, str):
        if len(value) > _MAX_CHARS:
            raise _fail(value, f"at most {_MAX_CHARS} characters: {wanted}")
        return " ".join(value.split())
    try:
        number = float(value)
    except OverflowError:
        raise _fail(value, wanted) from None
    if not math.isfinite(number):
        raise _fail(value, wanted)
    return repr(number)


def _number(text: str, value: object, wanted: str) -> float:
    """Return the number in a matched text; refuse a negative one and one that overflows."""
    number = float(text.replace(",", ""))
    if not 0.0 <= number < math.inf:
        raise _fail(value, f">= 0 and finite: {wanted}")
    return number


def _parse_quantity(value: str | float, scales: Mapping[str, float], wanted: str, *, fold: bool) -> float:
    """Return number times scale of a "number unit" text; only 0 may stand without a unit."""
    text = _clean(value, wanted)
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise _fail(value, wanted)
    number, unit = _number(match["number"], value, wanted), match["unit"] or ""
    if not unit and number == 0.0:
        return 0.0
    scale = scales.get(unit.lower() if fold else unit)
    if scale is None:
        raise _fail(value, wanted)
    return _finite(number * scale, value, wanted)


def _finite(number: float, value: object, wanted: str) -> float:
    if math.isfinite(number):
        return number
    raise _fail(value, f"a number that does not overflow: {wanted}")


def parse_duration_h(value: str | float) -> float:
    """Read a time.

    Args:
        value: "30 min", "90d", "1.5 h", "2 weeks", "200 ms", "3 years"; or 0.

    Returns:
        hours, >= 0, finite.

    Raises:
        ValueError: with what was got and what is wanted.

    >>> parse_duration_h("30 min")
    0.5
    """
    return _parse_quantity(value, HOURS_PER_UNIT, _DURATION_WANTED, fold=True)


def parse_rate_per_h(value: str | float) -> float:
    """Read a failure rate, in any of the ways that data sheets and fleet studies state one.

    "450 FIT" is 450 per 10⁹ h. "MTBF 50000 h" is one per 50000 h. "AFR 2 %" is the share of parts that fail
    within a year: -ln(1 - 0.02) / 8766 h. "2 %/year" is 0.02 per year, "0.061 per GPU-year" 0.061 per year
    for each GPU, "3.79 per 1000 node-days" 0.00379 per day for each node; also "0.01 /day".
    "148 in 16384 x 54 days" is what was counted: 148 failures of 16384 parts, each observed for 54 days.

    Args:
        value: one of these; or 0.

    Returns:
        per hour, >= 0, finite.

    Raises:
        ValueError: with what was got and what is wanted.

    >>> parse_rate_per_h("MTBF 50000 h")
    2e-05
    """
    text = _clean(value, _RATE_WANTED)
    head, _, tail = text.partition(" ")
    if head.lower() in ("mtbf", "mttf"):
        return _rate_of_mean(tail, value)
    if head.lower() == "afr":
        return _rate_of_afr(tail, value)
    if text.lower().endswith("fit"):
        return _parse_quantity(text, {"fit": 1.0 / FIT_HOURS}, _RATE_WANTED, fold=True)
    counted = _COUNTED.fullmatch(text)
    if counted is not None:
        return _rate_of_count(counted, value)
    match = _PER_TIME.fullmatch(text)
    if match is None:
        return _parse_quantity(value, {}, _RATE_WANTED, fold=True)  # only 0 is left
    return _per_h(match, value, _RATE_WANTED)


def _per_h(match: re.Match[str], value: object, wanted: str) -> float:
    """Return number / many / period of a "NUMBER per MANY PERIOD" text."""
    number = _number(match["number"], value, wanted) * (0.01 if match["percent"] else 1.0)
    many = _number(match["many"], value, wanted) if match["many"] else 1.0
    period_h = HOURS_PER_UNIT.get(match["period"].lower())
    if period_h is None or many == 0.0:
        raise _fail(value, wanted)
    return _finite(number / many / period_h, value, wanted)


def match_of_noun(value: object) -> re.Match[str] | None:
    """The parts of a rate or a price per time that names what it is of, "0.061 per GPU-year": `number`, `noun`, `period`."""
    if not isinstance(value, str) or len(value) > _MAX_CHARS:
        return None
    match = _PER_TIME.fullmatch(" ".join(value.split()))
    return match if match is not None and match["noun"] else None


def _rate_of_count(counted: re.Match[str], value: object) -> float:
    """Return count / (parts x time) of a "COUNT in PARTS x TIME" text."""
    try:
        each_h = parse_duration_h(counted["time"])
    except ValueError:
        raise _fail(value, _RATE_WANTED) from None
    exposure_h = _number(counted["parts"], value, _RATE_WANTED) * each_h
    if exposure_h == 0.0:
        raise _fail(value, f"parts and a time > 0: {_RATE_WANTED}")
    return _finite(_number(counted["count"], value, _RATE_WANTED) / exposure_h, value, _RATE_WANTED)


def _rate_of_mean(text: str, value: object) -> float:
    """Return 1 / mean of the time in an "MTBF ..." text."""
    try:
        mean_h = parse_duration_h(text)
    except ValueError:
        raise _fail(value, _RATE_WANTED) from None
    if mean_h == 0.0:
        raise _fail(value, f"a mean time > 0: {_RATE_WANTED}")
    return _finite(1.0 / mean_h, value, _RATE_WANTED)


def _rate_of_afr(text: str, value: object) -> float:
    """Return -ln(1 - p) / year of the probability in an "AFR ..." text."""
    try:
        p_year = parse_fraction(text)
    except ValueError:
        raise _fail(value, _RATE_WANTED) from None
    if p_year == 1.0:
        raise _fail(value, f"an annual failure probability < 100 %: {_RATE_WANTED}")
    return -math.log1p(-p_year) / HOURS_PER_YEAR


def parse_bytes(value: str | float) -> float:
    """Read a size: kB, MB, GB, TB, PB are powers of 1000; KiB, MiB, GiB, TiB, PiB powers of 1024.

    Args:
        value: "80 GB", "640GiB"; or 0.

    Returns:
        bytes, >= 0, finite.

    Raises:
        ValueError: with what was got and what is wanted.

    >>> parse_bytes("2 KiB")
    2048.0
    """
    return _parse_quantity(value, BYTES_PER_UNIT, _BYTES_WANTED, fold=False)


def parse_bandwidth_bytes_per_h(value: str | float) -> float:
    """Read a bandwidth; a small b is bits, a capital B is bytes.

    Args:
        value: "400 Gb/s", "400 Gbps", "400 Gbit/s", "50 GB/s", "50 GiB/s"; or 0.

    Returns:
        bytes per hour, >= 0, finite.

    Raises:
        ValueError: with what was got and what is wanted.

    >>> parse_bandwidth_bytes_per_h("8 b/s")
    3600.0
    """
    return _parse_quantity(value, _BANDWIDTHS, _BANDWIDTH_WANTED, fold=False)


_BANDWIDTHS = {
    unit + per_second: scale * SECONDS_PER_HOUR
    for unit, scale in (BYTES_PER_UNIT | _BITS).items()
    for per_second in ("/s", "ps")
} | {"B/h": 1.0}  # what a resolved scenario states: the very number that was computed with


def parse_power_w(value: str | float) -> float:
    """Read a power, "700 W" or "1.2 kW"; returns watts, >= 0, finite.

    Raises: ValueError with what was got and what is wanted.

    >>> parse_power_w("1.2 kW")
    1200.0
    """
    return _parse_quantity(value, {"W": 1.0, "kW": 1e3, "MW": 1e6}, _POWER_WANTED, fold=False)


def parse_price(value: str | float) -> float:
    """Read an amount of money without its currency, 25000 or "25,000"; returns it, >= 0, finite.

    Raises: ValueError with what was got and what is wanted.

    >>> parse_price("25,000")
    25000.0
    """
    return _parse_quantity(value, {"": 1.0}, _PRICE_WANTED, fold=False)


def parse_amount(value: str | float) -> float:
    """Read a number without a unit, 400 or "14,000,000"; returns it, >= 0, finite.

    Raises: ValueError with what was got and what is wanted.

    >>> parse_amount("14,000,000")
    14000000.0
    """
    return _parse_quantity(value, {"": 1.0}, _AMOUNT_WANTED, fold=False)


def parse_price_per_h(value: str | float) -> float:
    """Read money per time, "2.50 per GPU-hour" or "30,000 per 4 years" or 0; returns it per hour, >= 0, finite.

    Raises: ValueError with what was got and what is wanted.

    >>> parse_price_per_h("2.50 per GPU-hour"), parse_price_per_h("17,532 per 2 years")
    (2.5, 1.0)
    """
    match = _PER_TIME.fullmatch(_clean(value, _PRICE_PER_TIME_WANTED))
    if match is None or match["percent"]:
        return _parse_quantity(value, {}, _PRICE_PER_TIME_WANTED, fold=True)  # only 0 is left
    return _per_h(match, value, _PRICE_PER_TIME_WANTED)


def parse_price_per_kwh(value: str | float) -> float:
    """Read money per energy, "0.08 per kWh" or "80 per MWh" or 0; returns it per kWh, >= 0, finite.

    Raises: ValueError with what was got and what is wanted.

    >>> parse_price_per_kwh("80 per MWh")
    0.08
    """
    scales = {sign + unit: scale for sign in ("per ", "/") for unit, scale in (("kWh", 1.0), ("MWh", 1e-3))}
    return _parse_quantity(value, scales, _PRICE_PER_ENERGY_WANTED, fold=False)


def parse_fraction(value: str | float) -> float:
    """Read a share or a probability.

    Args:
        value: 0.05, "0.05" or "5 %".

    Returns:
        fraction, 0 <= x <= 1.

    Raises:
        ValueError: with what was got and what is wanted.

    >>> parse_fraction("5 %")
    0.05
    """
    text = _clean(value, _FRACTION_WANTED)
    match = _QUANTITY.fullmatch(text)
    if match is None or match["unit"] not in (None, "%"):
        raise _fail(value, _FRACTION_WANTED)
    fraction = _number(match["number"], value, _FRACTION_WANTED) / (100.0 if match["unit"] else 1.0)
    if fraction > 1.0:
        raise _fail(value, _FRACTION_WANTED)
    return fraction
