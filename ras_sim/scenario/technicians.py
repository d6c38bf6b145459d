"""The people who repair, in the words of a scenario: how many, when, and how far away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator
from pydantic import Strict as StrictType

from ras_sim.errors import nearest
from ras_sim.repair.queue import QueueName
from ras_sim.repair.roster import WEEK_H, Shift, Window, merged, others
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


def _checked(text: str, read: Callable[[str], object]) -> str:
    """The text as it was written, if it can be read."""
    read(text)
    return text


def _written(what: str, pattern: str, *examples: str) -> WithJsonSchema:
    """What an editor checks."""
    return WithJsonSchema({"type": "string", "pattern": pattern, "unit": what, "examples": list(examples)})


TimeOfDay = Annotated[
    str,
    AfterValidator(lambda text: _checked(text, hour_of_day)),
    _written("time of day", rf"^({_TIME}|24:00)$", "08:00", "24:00"),
]
Days = Annotated[
    str,
    AfterValidator(lambda text: _checked(text, days_of)),
    _written(
        "days", rf"^(every|{_DAY}( *- *{_DAY})?( *, *{_DAY}( *- *{_DAY})?)*)$", "mon-fri", "every", "sat, sun"
    ),
]
DayAndTime = Annotated[
    str,
    AfterValidator(lambda text: _checked(text, week_hour)),
    _written("day and time", rf"^{_DAY} +({_TIME}|24:00)$", "mon 00:00"),
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


Group = tuple[int, tuple[Window, ...]]
"""How many people, and their hours of the week."""


def groups(count: int, shifts: Mapping[str, ShiftSpec]) -> list[Group]:
    """Those who are there when no shift is, then the shifts by name: the order in the file does not matter."""
    named = [shifts[name] for name in sorted(shifts)]
    rest = others(window for shift in named for window in shift.windows())
    return [(count, rest), *((shift.count, merged(shift.windows())) for shift in named)]


class CrewSpec(Strict):
    """Technicians who do nothing but repair some classes of parts."""

    count: int = Field(
        ge=0, le=100_000, description="How many there are; with `shifts`, when none of the shifts is on duty."
    )
    shifts: dict[Name, ShiftSpec] = Field(
        default_factory=dict, description="Who is on duty at which hours; round the clock if left out."
    )
    serves: Annotated[tuple[Name, ...], StrictType(False)] = Field(
        min_length=1, description="Component classes that this crew repairs, and no other crew."
    )


class BatchSpec(Strict):
    """Work that is done one after another on one way."""

    by: Name = Field(
        description="`class`: parts of the same class; or a component class such as rack: parts in the same one."
    )
    at_most: int = Field(ge=2, le=1000, description="Orders that one technician does before the next way.")


class TechnicianSpec(Strict):
    """People who do what needs hands."""

    count: int = Field(
        ge=0,
        le=100_000,
        description="How many there are; with `shifts`, when none of the shifts is on duty. With `crews`, for the "
        "classes that no crew serves.",
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
    queue: QueueName = Field(
        "first_come",
        description="Who is served next: the one that was asked for first, or the one with the most goodput gained per "
        "technician-hour.",
    )
    crews: dict[Name, CrewSpec] = Field(
        default_factory=dict, description="Technicians with a skill, by the name of the crew."
    )
    batch: BatchSpec | None = Field(None, description="Like work done on one way; none if left out.")
    source: Source

    def rosters(self) -> dict[str, tuple[Shift, ...]]:
        """Everybody, on the calendar of the run: by the name of the crew in order, "" for those that no crew is."""
        begins_h = week_hour(self.run_begins) if self.run_begins else 0.0
        people = {"": groups(self.count, self.shifts)}
        people |= {name: groups(crew.count, crew.shifts) for name, crew in sorted(self.crews.items())}
        return {name: tuple(Shift(*group, begins_h) for group in some) for name, some in people.items()}
