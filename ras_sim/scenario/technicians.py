"""The people who repair, in the words of a scenario: how many, when, and how far away."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from ras_sim.errors import nearest
from ras_sim.repair.roster import WEEK_H, Window, merged, others
from ras_sim.scenario.failures import Name
from ras_sim.scenario.fields import Duration, Source, Strict

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_H = 24.0
_DAY = f"({'|'.join(DAYS)})"
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]"


def hour_of_day(text: str) -> float:
    """Hours since midnight of a time "HH:MM", 0..24.

    Raises: ValueError.

    >>> hour_of_day("08:30"), hour_of_day("24:00")
    (8.5, 24.0)
    """
    hours, colon, minutes = text.partition(":")
    good = len(text) == 5 and colon and (hours + minutes).isascii() and (hours + minutes).isdigit()
    value = int(hours) + int(minutes) / 60 if good and int(minutes) < 60 else _DAY_H + 1.0
    if value > _DAY_H:
        raise ValueError(f"got {text!r}, want a time of day such as '08:00', up to '24:00'")
    return value


def day_number(text: str) -> int:
    """0 for Monday.

    Raises: ValueError.
    """
    if text not in DAYS:
        hint = nearest(text, DAYS)
        raise ValueError(f"got {text!r}, want one of {', '.join(DAYS)}{hint and f'; {hint}'}")
    return DAYS.index(text)


def days_of(text: str) -> tuple[int, ...]:
    """Days of the week, 0 for Monday: `every`, one day, a stretch or a list of both.

    Raises: ValueError.

    >>> days_of("mon-fri"), days_of("sat-mon"), days_of("tue, thu")
    ((0, 1, 2, 3, 4), (0, 5, 6), (1, 3))
    """
    if text == "every":
        return tuple(range(7))
    days: set[int] = set()
    for part in text.split(","):
        first, dash, last = (word.strip() for word in part.partition("-"))
        start = day_number(first)
        n_more = (day_number(last) - start) % 7 if dash else 0
        days.update((start + k) % 7 for k in range(n_more + 1))
    return tuple(sorted(days))


def week_hour(text: str) -> float:
    """Hours since Monday 00:00 of a day and a time.

    Raises: ValueError.

    >>> week_hour("mon 00:00"), week_hour("tue 08:30")
    (0.0, 32.5)
    """
    day, _, time = text.partition(" ")
    return (day_number(day) * _DAY_H + hour_of_day(time.strip())) % WEEK_H


def _checked(text: str, read: object) -> str:
    assert callable(read)
    read(text)
    return text


def _written(pattern: str, *examples: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": list(examples)})


TimeOfDay = Annotated[
    str,
    AfterValidator(lambda text: _checked(text, hour_of_day)),
    _written(rf"^({_TIME}|24:00)$", "08:00", "24:00"),
]
Days = Annotated[
    str,
    AfterValidator(lambda text: _checked(text, days_of)),
    _written(rf"^(every|{_DAY}( *- *{_DAY})?( *, *{_DAY}( *- *{_DAY})?)*)$", "mon-fri", "every", "sat, sun"),
]
DayAndTime = Annotated[
    str,
    AfterValidator(lambda text: _checked(text, week_hour)),
    _written(rf"^{_DAY} +({_TIME}|24:00)$", "mon 00:00"),
]


class ShiftSpec(Strict):
    """People who work at certain hours of certain days; one that ends before it begins ends on the next day."""

    days: Days = Field(description="Days on which it begins: `every`, `mon-fri`, `sat, sun`.")
    begins: TimeOfDay = Field(description="Time of day at which it begins.")
    ends: TimeOfDay = Field(description="Time of day at which it ends; 00:00 to 24:00 is all day.")
    count: int = Field(ge=1, le=100_000, description="How many are on duty.")

    @model_validator(mode="after")
    def _lasts(self) -> ShiftSpec:
        if self.begins == self.ends:
            raise ValueError(
                f"ends: got {self.ends!r} as the begin, want another time: all day is 00:00 to 24:00"
            )
        return self

    def windows(self) -> list[Window]:
        """Its hours of the week, one window for each day."""
        begins_h, ends_h = hour_of_day(self.begins) % _DAY_H, hour_of_day(self.ends)
        length_h = ends_h - begins_h if ends_h > begins_h else ends_h - begins_h + _DAY_H
        starts = [day * _DAY_H + begins_h for day in days_of(self.days)]
        return [(start_h, start_h + length_h) for start_h in starts]


class TechnicianSpec(Strict):
    """People who do what needs hands."""

    count: int = Field(
        ge=0, le=100_000, description="How many there are; with `shifts`, when none of the shifts is on duty."
    )
    travel: Duration = Field(description="From being free to standing at the machine.")
    shifts: dict[Name, ShiftSpec] = Field(
        default_factory=dict, description="Who is on duty at which hours; round the clock if left out."
    )
    run_begins: DayAndTime | None = Field(
        None, description="Day of the week and time at which the run begins; wanted with `shifts`."
    )
    at_shift_end: Literal["finish", "hand_over"] | None = Field(
        None,
        description="Work in hand at the end of a shift: finished by whoever began it, or handed over to the "
        "next one who is free, who makes the way anew; wanted with `shifts`.",
    )
    source: Source

    def groups(self) -> list[tuple[int, tuple[Window, ...]]]:
        """Head count and hours of the week: of those who are there when no shift is, then of the shifts by name."""
        named = [self.shifts[name] for name in sorted(self.shifts)]
        rest = others(window for shift in named for window in shift.windows())
        return [(self.count, rest), *((shift.count, merged(shift.windows())) for shift in named)]
