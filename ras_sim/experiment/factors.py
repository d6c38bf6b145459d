"""What a sweep varies: keys of the scenario with their values, and how the values are put together to points."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product

from ras_sim.errors import InputError, Problem, nearest
from ras_sim.experiment.arguments import wrong_argument
from ras_sim.streams import stream
from ras_sim.units import parse_duration_h

MAX_POINTS = 10_000
"""A sweep of more points is refused: most likely a slip of the pen."""

Row = tuple[str, ...]
"""The values of one point as they are written in a scenario, one for each factor."""

_NUMBER = r"[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?"
_END = rf"({_NUMBER})\s*([^\d\s.,+-][^.]*?)?"
_RANGE = re.compile(rf"{_END}\s*\.\.\s*{_END}", re.ASCII)
_OPENING, _CLOSING, _QUOTES = "[{(", "]})", "\"'"


@dataclass(frozen=True, slots=True)
class Span:
    """A range of values.

    Args:
        low, high: its ends, low < high.
        unit: what follows the number, or "".
        is_whole: only whole numbers are meant: both ends are written as whole numbers without a unit.
        is_log: equal steps are equal factors; then low > 0.
    """

    low: float
    high: float
    unit: str
    is_whole: bool
    is_log: bool = False

    def at(self, u: float) -> str:
        """The value at a fraction of the way, as it is written in a scenario.

        Args:
            u: 0 <= u <= 1.

        >>> Span(0.0, 8.0, "", True).at(0.99), Span(5.0, 60.0, "min", False).at(0.5), Span(0.0, 1e-4, "", False).at(0.1)
        ('8', '32.5 min', '0.00001')
        >>> Span(1.0, 100.0, "h", False, True).at(0.5)
        '10.0 h'
        """
        end = self.high + self.is_whole  # each whole number has a slice of its own
        if self.is_log:
            return self.written(self.low * (end / self.low) ** u)
        return self.written(self.low + u * (end - self.low))

    def written(self, value: float) -> str:
        """A number of the range as it is written in a scenario, to six figures; of a whole one what is before its point.

        >>> Span(1 / 3, 0.5, "h", False).written(0.4444444444), Span(1 / 3, 0.5, "h", False).written(1 / 3)
        ('0.444444 h', '0.3333333333333333 h')
        """
        if self.is_whole:
            return str(min(int(self.high), math.floor(value)))
        if value in (self.low, self.high):  # what their author wrote
            return self.exactly(value)
        # Rounding must not lead out of the range.
        return self.exactly(min(max(float(f"{value:.6g}"), self.low), self.high))

    def exactly(self, value: float) -> str:
        """A number with the unit of the range, to the last bit. YAML reads 1e-05 as a text: no exponent.

        >>> Span(1.0, 8.0, "", True).exactly(8.0), Span(1.0, 8.0, "h", False).exactly(8.0)
        ('8', '8.0 h')
        """
        if self.is_whole:
            return f"{value:.0f}"
        return f"{Decimal(repr(value)):f} {self.unit}".rstrip()


@dataclass(frozen=True, slots=True)
class Factor:
    """A key of the scenario that is varied.

    Args:
        key: its dotted path.
        values: as they are written in a scenario; none if it has a range.
        span: the range, or None.
    """

    key: str
    values: tuple[str, ...]
    span: Span | None = None

    def at(self, u: float) -> str:
        """The value at a fraction of the way through the range, or through the list."""
        return self.values[int(u * len(self.values))] if self.span is None else self.span.at(u)


def parse_factors(vary: str | Sequence[str] | Mapping[str, object]) -> tuple[Factor, ...]:
    """Read what is varied.

    Args:
        vary: each `key.path=a,b,c` or `key.path=low..high`; or key -> list of values, or key -> such a text.

    Raises:
        InputError: everything that is wrong with them, or there is none.
    """
    if isinstance(vary, str):
        vary = [vary]
    texts = [_written(*item) for item in vary.items()] if isinstance(vary, Mapping) else list(vary)
    if not texts:
        raise _wrong("--vary", "nothing to vary", "a key and its values", "--vary KEY.PATH=A,B,C")
    factors: list[Factor] = []
    problems: list[Problem] = []
    for text in texts:
        try:
            factors.append(_factor(text))
            if factors[-1].key in [one.key for one in factors[:-1]]:
                raise _wrong(_option(text), f"{factors[-1].key} a second time", "each key once")
        except InputError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError(problems)
    return tuple(factors)


def _written(key: str, values: object) -> str:
    """The values of a key as on the command line."""
    if isinstance(values, str):
        return f"{key}={values}"
    values = _plain(values)
    if not isinstance(values, Sequence):
        raise wrong_argument("vary", f"{values!r} for {key}", "a list of values, or a text like 'low..high'")
    return f"{key}={','.join(_yaml(_plain(value)) for value in values)}"


def _plain(value: object) -> object:
    """What numpy and pandas hold, as Python's own."""
    return value.tolist() if hasattr(value, "tolist") else value


def _yaml(value: object) -> str:
    """A value of Python as YAML on one line; a text is taken as it is, unless its commas would divide it.

    Raises: InputError if it is nothing that YAML can hold.
    """
    if isinstance(value, str) and len(_split(value)) == 1:
        return value
    try:
        return json.dumps(value, ensure_ascii=False)
    except TypeError:
        raise wrong_argument("vary", repr(value), "texts, numbers, true or false") from None


def _option(text: str) -> str:
    """The option as it was given, shortened."""
    return f"--vary {text!r}" if len(text) <= 200 else f"--vary {text[:200]!r}..."


def _wrong(option: str, got: str, wanted: str, hint: str = "") -> InputError:
    return InputError([Problem(option, None, None, "", got, wanted, hint)])


def _factor(text: str) -> Factor:
    """One option.

    Raises: InputError if it is no `key.path=values`.
    """
    key, equals, values = (part.strip() for part in text.partition("="))
    option = _option(text)
    if not equals or not all(key.split(".")):
        raise _wrong(
            option, "no key.path=values", "a key and its values", "e.g. --vary job.spares.nodes=0,4,8"
        )
    parts = _split(values)
    if len(parts) == 1 and ".." in values and not any(sign in values for sign in _QUOTES):
        return Factor(key, (), _span(values, option))
    if not all(parts):
        got = "no values" if not values else "an empty value"
        raise _wrong(option, got, "values between commas, or low..high")
    again = [part for place, part in enumerate(parts) if part in parts[:place]]
    if again:
        raise _wrong(option, f"{again[0]} a second time", "each value once")
    return Factor(key, tuple(parts))


def _split(text: str) -> list[str]:
    """The parts of a text between its commas; a comma in brackets or quotes divides nothing.

    >>> _split("1, {a: 2, b: 3}, '4, 5'")
    ['1', '{a: 2, b: 3}', "'4, 5'"]
    """
    parts, depth, quote = [""], 0, ""
    for char in text:
        if quote:
            quote = "" if char == quote else quote
        elif char in _QUOTES:
            quote = char
        elif char in _OPENING:
            depth += 1
        elif char in _CLOSING:
            depth -= 1
        if char == "," and depth <= 0 and not quote:
            parts.append("")
        else:
            parts[-1] += char
    return [part.strip() for part in parts]


def _span(text: str, option: str) -> Span:
    """A range.

    Raises: InputError if it is none, or is empty.
    """
    match = _RANGE.fullmatch(text)
    if match is None:
        raise _wrong(option, f"the range {text!r}", "low..high with a number at both ends", "e.g. 5..60 min")
    low, low_unit, high, high_unit = match[1], match[2] or "", match[3], match[4] or ""
    ends, unit = _ends((low, low_unit), (high, high_unit), option)
    if not (ends[0] < ends[1] < math.inf and ends[0] > -math.inf):
        raise _wrong(option, f"the range {text!r}", "low < high, both finite")
    is_whole = not unit and all(re.fullmatch(r"[+-]?\d+", end) for end in (low, high))
    return Span(*ends, unit, is_whole)


def _ends(low: tuple[str, str], high: tuple[str, str], option: str) -> tuple[tuple[float, float], str]:
    """Both ends in one unit; a low end without a unit has that of the high end."""
    if low[1] in ("", high[1]):
        return (float(low[0]), float(high[0])), high[1]
    try:
        return (parse_duration_h(" ".join(low)), parse_duration_h(" ".join(high))), "h"
    except ValueError:
        got = f"{low[1]!r} and {high[1]!r}"
        raise _wrong(option, got, "one unit at both ends, or times") from None


def rows_of(factors: Sequence[Factor], design: str, n_points: int | None, seed: int) -> list[Row]:
    """The points of a design, each as the values of its factors.

    Args:
        factors: at least one.
        design: a name of `DESIGNS`.
        n_points: of a Latin hypercube, >= 1; None otherwise.
        seed: of the Latin hypercube.

    Raises:
        InputError: no such design, or the factors do not fit it.
    """
    if design not in DESIGNS:
        raise _wrong("--design", repr(design), "one of " + ", ".join(DESIGNS), nearest(design, DESIGNS))
    if design == "lhs":
        if n_points is None or not 1 <= n_points <= MAX_POINTS:
            got = "nothing" if n_points is None else f"{n_points:,}"
            raise _wrong("--points", got, f"1 to {MAX_POINTS:,}, for a Latin hypercube")
    elif n_points is not None:
        raise _wrong("--points", f"{n_points:,}", "no number: it is for --design lhs")
    ranges = [one.key for one in factors if one.span is not None]
    if ranges and design != "lhs":
        raise _wrong(f"--vary {ranges[0]}", "a range", "values between commas", "or --design lhs --points N")
    return DESIGNS[design](factors, n_points or 0, seed)


def _grid(factors: Sequence[Factor], _n_points: int, _seed: int) -> list[Row]:
    """Every value of each factor with every value of the others."""
    n = math.prod(len(one.values) for one in factors)
    if n > MAX_POINTS:
        raise _wrong(
            "--vary", f"{n:,} points", f"at most {MAX_POINTS:,}", "--design lhs takes as many as asked for"
        )
    return list(product(*(one.values for one in factors)))


def _zip(factors: Sequence[Factor], _n_points: int, _seed: int) -> list[Row]:
    """The first values of all factors, the second of all, and so on."""
    lengths = {len(one.values) for one in factors}
    if len(lengths) > 1:
        got = ", ".join(f"{one.key} with {len(one.values)}" for one in factors)
        raise _wrong("--vary", got, "equally many values of each key, for --design zip")
    return list(zip(*(one.values for one in factors), strict=True))


def _lhs(factors: Sequence[Factor], n_points: int, seed: int) -> list[Row]:
    """A Latin hypercube: each of n equal slices of every factor holds one point, at a random place in it.

    Each factor draws from a stream of its own, so that its values do not depend on which others are varied.

    Source: McKay, Beckman & Conover, Technometrics 21 (1979).
    """
    columns = []
    for one in factors:
        draws = stream(seed, 0, "sweep.lhs", one.key)
        slices = (draws.permutation(n_points) + draws.random(n_points)) / n_points
        columns.append([one.at(float(u)) for u in slices])
    return list(zip(*columns, strict=True))


DESIGNS: dict[str, Callable[[Sequence[Factor], int, int], list[Row]]] = {
    "grid": _grid,
    "zip": _zip,
    "lhs": _lhs,
}
"""How values are put together; a new design is one function and one line here."""
