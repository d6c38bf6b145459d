"""One colour and one plain name per category, cause group, rung outcome: the same everywhere in a report.

The category colours keep a distance of at least 0.08 in Oklab between any two of them, for normal sight and
for protanopia, deuteranopia and tritanopia as simulated by Machado et al. (2009); a test holds them to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

CATEGORY_COLOURS: Mapping[str, str] = {
    "productive": "#0072B2",
    "tainted": "#2A0812",
    "degraded": "#88CCEE",
    "lost_work": "#D55E00",
    "checkpoint_save": "#D7A221",
    "detect": "#F05DEE",
    "diagnose": "#861461",
    "repair": "#AB2783",
    "swap": "#F0BE82",
    "initialise": "#149BAB",
    "restore": "#14601F",
    "wait_capacity": "#8B49F0",
    "validate": "#A99D72",
    "planned": "#A36164",
    "power_throttle": "#E2E74A",
}

CATEGORY_LABELS: Mapping[str, str] = {
    "productive": "productive",
    "tainted": "tainted work",
    "degraded": "degraded speed",
    "lost_work": "lost work",
    "checkpoint_save": "checkpoint save",
    "detect": "detect",
    "diagnose": "diagnose",
    "repair": "repair",
    "swap": "swap in spare",
    "initialise": "initialise",
    "restore": "restore",
    "wait_capacity": "wait for capacity",
    "validate": "validate",
    "planned": "planned stop",
    "power_throttle": "power throttle",
}

CATEGORY_MEANINGS: Mapping[str, str] = {
    "productive": "full-speed-equivalent training that was kept",
    "tainted": "training that was kept though it is corrupt: nobody has found out",
    "degraded": "shortfall of speed while running on with less: (1 - s) dt at relative speed s",
    "lost_work": "training since the last valid surviving checkpoint, thrown away by an interruption",
    "checkpoint_save": "the job stands still while a checkpoint is written",
    "detect": "from the failure until somebody or something notices",
    "diagnose": "from noticing until the part is located",
    "repair": "the job waits for a rung of the repair ladder",
    "swap": "a spare node takes the place of a faulty one",
    "initialise": "processes, communicators and data loaders start",
    "restore": "a checkpoint is read back",
    "wait_capacity": "too few healthy nodes: the job waits for capacity",
    "validate": "tests that hold the job up",
    "planned": "planned stops: upgrades, maintenance, changes",
    "power_throttle": "shortfall of speed under a power limit",
}

OUTCOME_COLOURS: Mapping[str, str] = {
    "fixed": "#0072B2",
    "failed": "#D55E00",
    "seems_fixed": "#D7A221",
    "caught": "#149BAB",
    "false_alarm": "#8B49F0",
    "disabled": "#A99D72",
    "open": "#C6CBD1",
}

OUTCOME_LABELS: Mapping[str, str] = {
    "fixed": "fixed",
    "failed": "seen to fail",
    "seems_fixed": "seemed fixed, comes back",
    "caught": "not fixed, caught by the test",
    "false_alarm": "fixed, but the test said no",
    "disabled": "taken out of use",
    "open": "still open at the end",
}

EFFECT_COLOURS: Mapping[str, str] = {
    "interrupted": "#D55E00",
    "drained": "#D7A221",
    "paused": "#AB2783",
    "extended": "#8B49F0",
    "slowed": "#149BAB",
    "dropped": "#14601F",
    "none": "#B4BAC2",
}

EFFECT_LABELS: Mapping[str, str] = {
    "interrupted": "interrupted the job",
    "drained": "job drained first",
    "paused": "caught as an exception",
    "extended": "job was down already",
    "slowed": "slowed the job",
    "dropped": "replicas left the step",
    "none": "job went on",
}

EFFECT_SYMBOLS: Mapping[str, str] = {
    "interrupted": "x",
    "drained": "diamond",
    "paused": "star-triangle-up",
    "extended": "cross",
    "slowed": "triangle-down",
    "dropped": "square",
    "none": "circle-open",
}
"""Shape says the same as colour does, for those who cannot tell the colours apart."""

NEUTRAL = "#8A8F98"
"""For what is none of the above."""


def label_of(word: str) -> str:
    """A name as a person reads it: `gpu_reset` -> "gpu reset".

    >>> label_of("wait_capacity")
    'wait for capacity'
    >>> label_of("gpu_reset")
    'gpu reset'
    """
    return CATEGORY_LABELS.get(word, word.replace("_", " "))


_RESOURCES = {
    "spare_nodes": "spare nodes free",
    "installed_gpus": "GPUs installed",
    "technicians_busy": "technicians busy",
    "technician_queue": "waiting for a technician",
    "parts": "{} parts in stock",
    "parts_queue": "waiting for {} parts",
    "parts_returning": "{} parts on their way back",
}


def resource_label(name: str) -> str:
    """What the level of a resource counts.

    >>> resource_label("parts.hbm"), resource_label("spare_nodes"), resource_label("technicians_busy.optics")
    ('hbm parts in stock', 'spare nodes free', 'technicians busy (optics)')
    """
    kind, _, cls = name.partition(".")
    text = _RESOURCES.get(kind, label_of(name))
    return text.format(label_of(cls)) if "{}" in text or not cls else f"{text} ({label_of(cls)})"


def number(value: float | None, digits: int = 3) -> str:
    """A number with `digits` significant figures, thousands separated, never in exponent form below 1e15.

    Args:
        value: any finite number, or None for what is not defined.
        digits: significant figures, >= 1.

    >>> number(1234567.8), number(3.0912), number(0.000012), number(None), number(0)
    ('1,234,568', '3.09', '0.000012', 'not defined', '0')
    """
    if value is None or value != value:
        return "not defined"
    if value == 0:
        return "0"
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    decimals = digits - 1 - _exponent(value)
    text = f"{value:.{min(decimals, 15)}f}"
    return text.rstrip("0").rstrip(".") if decimals > digits else text


def money(value: float | None) -> str:
    """An amount of money: hundredths below a thousand, three significant figures below a tenth, none above.

    >>> money(4923680.4), money(25.5), money(0.0806), money(0.0), money(None)
    ('4,923,680', '25.50', '0.0806', '0', 'not defined')
    """
    if value is None or value != value or value == 0 or abs(value) < 0.1:
        return number(value)
    return f"{value:,.2f}" if abs(value) < 1000 else f"{value:,.0f}"


def count(value: float | None) -> str:
    """A count or a mean of counts: a whole number has no decimals.

    >>> count(20.0), count(19.95), count(1234.0)
    ('20', '19.9', '1,234')
    """
    return f"{value:,.0f}" if value is not None and value.is_integer() else number(value)


def count_column(values: Sequence[float]) -> list[str]:
    """Counts in one column of a table: none has decimals, or all small ones have.

    >>> count_column([16.0, 2.0]), count_column([16.0, 1.95])
    (['16', '2'], ['16.0', '1.95'])
    """
    whole = all(float(value).is_integer() for value in values)
    return [f"{value:,.0f}" if whole else number(value) for value in values]


def _exponent(value: float) -> int:
    """Decimal exponent of a number other than 0: 0.02 -> -2."""
    return int(f"{value:e}".rpartition("e")[2])


def percent(frac: float | None, decimals: int = 2) -> str:
    """A fraction as percents.

    >>> percent(0.93456), percent(0.0004, 1), percent(None)
    ('93.46%', '0.0%', 'not defined')
    """
    return "not defined" if frac is None else f"{100 * frac:.{decimals}f}%"


_UP = 1 - 0.05 / 60


def span(hours: float | None) -> str:
    """A time span in the unit a person would choose, three significant figures.

    >>> span(3.0912), span(1296.0), span(0.0167), span(59.99 / 3600), span(0.0002), span(None)
    ('3.09 h', '54 d', '1 min', '1 min', '0.72 s', 'not defined')
    """
    if hours is None or hours != hours:
        return "not defined"
    for unit, size_h in (("d", 24.0), ("h", 1.0), ("min", 1 / 60)):
        # 59.95 s is 1 min, not "60 s": three figures tell no difference.
        if abs(hours) >= size_h * (3 if unit == "d" else 1) * _UP:
            return f"{_trimmed(hours / size_h)} {unit}"
    return f"{_trimmed(hours * 3600)} s"


def _trimmed(value: float) -> str:
    """Three significant figures without a tail of zeros."""
    text = number(value)
    return text.rstrip("0").rstrip(".") if "." in text else text
