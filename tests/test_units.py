"""What people write becomes hours, rates per hour and bytes; what is unclear is refused with an example."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ras_sim import formats, units

YEAR_H = 365.25 * 24

GOOD: list[tuple[Callable[[str | float], float], str | float, float]] = [
    (units.parse_duration_h, "30 min", 0.5),
    (units.parse_duration_h, "90d", 2160.0),
    (units.parse_duration_h, "1.5 h", 1.5),
    (units.parse_duration_h, "2 weeks", 336.0),
    (units.parse_duration_h, "200 ms", 0.2 / 3600),
    (units.parse_duration_h, "15 us", 15e-6 / 3600),
    (units.parse_duration_h, "15 µs", 15e-6 / 3600),
    (units.parse_duration_h, "36 ns", 1e-11),
    (units.parse_duration_h, "3 years", 3 * YEAR_H),
    (units.parse_duration_h, "1 month", YEAR_H / 12),
    (units.parse_duration_h, "50,000 h", 50_000.0),
    (units.parse_duration_h, "  5e4   Hours ", 50_000.0),
    (units.parse_duration_h, ".5 day", 12.0),
    (units.parse_duration_h, 0, 0.0),
    (units.parse_duration_h, "0", 0.0),
    (units.parse_duration_h, "0 s", 0.0),
    (units.parse_rate_per_h, "450 FIT", 450e-9),
    (units.parse_rate_per_h, "450fit", 450e-9),
    (units.parse_rate_per_h, "MTBF 50000 h", 2e-5),
    (units.parse_rate_per_h, "mtbf 5 years", 1 / (5 * YEAR_H)),
    (units.parse_rate_per_h, "AFR 2 %", -math.log(0.98) / YEAR_H),
    (units.parse_rate_per_h, "AFR 0.5", math.log(2) / YEAR_H),
    (units.parse_rate_per_h, "2 %/year", 0.02 / YEAR_H),
    (units.parse_rate_per_h, "2% per year", 0.02 / YEAR_H),
    (units.parse_rate_per_h, "0.061 per GPU-year", 0.061 / YEAR_H),
    (units.parse_rate_per_h, "0.061 /GPU-year", 0.061 / YEAR_H),
    (units.parse_rate_per_h, "3.79 per 1000 node-days", 3.79e-3 / 24),
    (units.parse_rate_per_h, "3.79 / 1,000 node-days", 3.79e-3 / 24),
    (units.parse_rate_per_h, "0.01 /day", 0.01 / 24),
    (units.parse_rate_per_h, "0.057 %/month", 0.00057 / (YEAR_H / 12)),
    (units.parse_rate_per_h, "3/hour", 3.0),
    (units.parse_rate_per_h, "148 in 16384 x 54 days", 148 / (16384 * 54 * 24)),
    (units.parse_rate_per_h, "5 in 2,048 x 3.5 h", 5 / (2048 * 3.5)),
    (units.parse_rate_per_h, "0 in 10 × 1 year", 0.0),
    (units.parse_rate_per_h, 0, 0.0),
    (units.parse_bytes, "80 GB", 80e9),
    (units.parse_bytes, "2 kB", 2000.0),
    (units.parse_bytes, "2 MB", 2e6),
    (units.parse_bytes, "2 TB", 2e12),
    (units.parse_bytes, "1KiB", 1024.0),
    (units.parse_bytes, "3 TiB", 3 * 1024.0**4),
    (units.parse_bytes, "12 B", 12.0),
    (units.parse_bytes, 0.0, 0.0),
    (units.parse_bandwidth_bytes_per_h, "400 Gb/s", 50e9 * 3600),
    (units.parse_bandwidth_bytes_per_h, "400 Gbps", 50e9 * 3600),
    (units.parse_bandwidth_bytes_per_h, "400 Gbit/s", 50e9 * 3600),
    (units.parse_bandwidth_bytes_per_h, "50 GB/s", 50e9 * 3600),
    (units.parse_bandwidth_bytes_per_h, "1 MiB/s", 1024.0**2 * 3600),
    (units.parse_fraction, "5 %", 0.05),
    (units.parse_fraction, 0.05, 0.05),
    (units.parse_fraction, "0.05", 0.05),
    (units.parse_fraction, "100%", 1.0),
    (units.parse_fraction, 0, 0.0),
]

BAD: dict[Callable[[str | float], float], list[object]] = {
    units.parse_duration_h: [
        *(5, 5.0, "5", "5 m", "h", "", "5 h 3 min", "1,5 h", "0,500 h", "0,061 h", "01,500 h"),
        *("5 parsecs", "5 %", "0x5 h"),
    ],
    units.parse_rate_per_h: [
        *(1, "1", "450", "AFR 100 %", "AFR", "AFR 2 h", "MTBF 0 h", "MTBF", "MTBF 5", "MTBF 2 %", "5 h"),
        *(
            "3 per 0 node-days",
            "3 per node",
            "1 FIT/day",
            "5 %",
            "per year",
            "3 per GPU year-",
            "1 /fortnight",
            "5 in 0 x 3 days",
            "5 in 3 x 4",
            "5 in 3 x 0 d",
            "in 3 x 4 d",
            "5 in x 4 d",
            "-5 in 3 x 4 d",
        ),
    ],
    units.parse_bytes: [12, "12", "4 gb", "7 Gb", "7 GB/s", "5 XB"],
    units.parse_bandwidth_bytes_per_h: [5, "5 GB", "5 Gb", "5 gb/s", "5 GB/h"],
    units.parse_fraction: [2, 1.0001, "150 %", "5 %%", "five", "5 h", "%"],
}
NEVER: list[object] = [-1, "-1", "-1 h", "-1 %", "-1 GB", "-1 /day", math.nan, math.inf, -math.inf]
NEVER += [
    "nan",
    "inf",
    "nan h",
    "inf h",
    "1e999 h",
    "1e999",
    True,
    None,
    [1],
    10**400,
    "٣ h",
    "1 h" + 80 * " ",
]
FORMATTERS = (
    formats.format_duration,
    formats.format_rate,
    formats.format_count,
    formats.format_percent,
    formats.format_bytes,
    formats.format_bandwidth,
    formats.format_power,
)

DECIMAL_COMMAS = {
    "1,5 h": "1.5 h", "0,500 h": "0.500 h", "12,25 h": "12.25 h", "1,5000 h": "1.5000 h",
}  # fmt: skip


@pytest.mark.parametrize("text", DECIMAL_COMMAS)
def test_a_decimal_comma_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match=f"write '{DECIMAL_COMMAS[text]}' with a point"):
        units.parse_duration_h(text)
    with pytest.raises(ValueError, match=r"commas part thousands, as in '1,500'$"):
        units.parse_duration_h("1,23,456 h")
    with pytest.raises(ValueError, match=r"years'$"):
        units.parse_duration_h("1,500 parsecs")


@pytest.mark.parametrize(("text", "value"), [("14,000,000", 14e6), ("1,500.25", 1500.25), (400, 400.0)])
def test_thousands_may_be_parted(text: str | float, value: float) -> None:
    assert units.parse_amount(text) == units.parse_price(text) == value


@pytest.mark.parametrize(("parse", "text", "value"), GOOD)
def test_every_way_of_writing_a_quantity(
    parse: Callable[[str | float], float], text: str | float, value: float
) -> None:
    assert parse(text) == pytest.approx(value, rel=1e-14)


@pytest.mark.parametrize(
    ("parse", "text"), [(parse, text) for parse, texts in BAD.items() for text in [*texts, *NEVER]]
)
def test_what_is_unclear_is_refused_with_an_example(
    parse: Callable[[str | float], float], text: str | float
) -> None:
    with pytest.raises(ValueError, match=r"^got .*, want .*, e\.g\. "):
        parse(text)


@pytest.mark.parametrize("parse", BAD)
@pytest.mark.parametrize("text", [10**6 * "1", 50_000 * "1,", 50_000 * "- ", "1" + 10**6 * " " + "x"])
def test_a_huge_text_is_refused_at_once_and_not_repeated(
    parse: Callable[[str | float], float], text: str
) -> None:
    start = time.perf_counter()
    with pytest.raises(ValueError, match="at most 80 characters") as caught:
        parse(text)
    assert time.perf_counter() - start < 0.5
    assert len(str(caught.value)) < 500


@given(st.text(max_size=90) | st.text("0123456789., /%-+eperGBbsdh", max_size=80))
def test_any_text_gives_a_finite_number_or_a_value_error(text: str) -> None:
    for parse in BAD:
        with suppress(ValueError):
            assert 0.0 <= parse(text) < math.inf


POSITIVE = st.floats(1e-12, 1e12)


@given(POSITIVE)
def test_numbers_survive_writing_and_reading_in_every_unit(number: float) -> None:
    for unit, hours in (("ms", 1e-3 / 3600), ("min", 1 / 60), ("h", 1.0), ("days", 24.0), ("y", YEAR_H)):
        assert units.parse_duration_h(f"{number!r} {unit}") == pytest.approx(number * hours, rel=1e-13)
        assert units.parse_rate_per_h(f"MTBF {number!r} {unit}") == pytest.approx(
            1 / number / hours, rel=1e-13
        )
    assert units.parse_rate_per_h(f"{number!r} FIT") == pytest.approx(number * 1e-9, rel=1e-13)
    assert units.parse_rate_per_h(f"{number!r} per 7 part-days") == pytest.approx(number / 168, rel=1e-13)
    gigabits = units.parse_bandwidth_bytes_per_h(f"{number!r} Gb/s")
    assert units.parse_bandwidth_bytes_per_h(f"{number!r} GB/s") == pytest.approx(8 * gigabits, rel=1e-13)


@given(POSITIVE)
def test_what_is_shown_to_people_reads_back_to_three_digits(number: float) -> None:
    assert units.parse_duration_h(formats.format_duration(number)) == pytest.approx(number, rel=0.0051)
    assert units.parse_rate_per_h(formats.format_rate(number)) == pytest.approx(number, rel=0.0051)
    assert units.parse_bytes(formats.format_bytes(number)) == pytest.approx(number, rel=0.0051)


@given(st.floats(0.0, 1.0))
def test_percentages_read_back(frac: float) -> None:
    read = units.parse_fraction(formats.format_percent(frac))
    assert read == pytest.approx(frac, rel=0.051)
    assert abs(read - frac) <= 0.5001e-4


@pytest.mark.parametrize(
    ("hours", "text"),
    [
        (3.09, "3.09 h"),
        (54 * 24, "54 d"),
        (0.2, "12 min"),
        (0.8 / 3600, "0.8 s"),
        (0.0, "0 s"),
        (5e-3 / 3600, "5 ms"),
        (24.0, "24 h"),
        (5 * YEAR_H, "5 y"),
        (-0.5, "-30 min"),
        (5000 * YEAR_H, "5,000 y"),
        (math.inf, "never"),
        (math.nan, "n/a"),
    ],
)
def test_durations_for_people(hours: float, text: str) -> None:
    assert formats.format_duration(hours) == text


@pytest.mark.parametrize("show", FORMATTERS)
def test_missing_and_infinite_values_are_shown_not_raised(show: Callable[[float], str]) -> None:
    assert show(math.nan) == "n/a"
    assert show(math.inf)
    assert show(-3.0).startswith("-")
    assert show(0.0).startswith("0")
