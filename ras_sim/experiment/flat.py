"""Measures of replications as a table: one row each, nested metrics as columns like `time_h.productive`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from ras_sim.metrics import Measures

if TYPE_CHECKING:
    import pandas as pd


def replication_frame(measures: Sequence[Measures]) -> pd.DataFrame:
    """One row of metrics per replication; nested metrics become columns like `time_h.productive`.

    What did not occur in a replication is 0 there; an MTTI without any interruption is NaN.
    """
    import pandas as pd

    records = [_flat(one) for one in measures]
    names = dict.fromkeys(name for record in records for name in record)
    columns = {name: [record[name] for record in records] for name in names if "." not in name}
    # Sorted, since the order of first occurrence depends on which replications there are.
    for name in sorted(name for name in names if "." in name):
        absent = float(name.endswith(".zero_frac"))
        columns[name] = [record.get(name, absent) for record in records]
    return pd.DataFrame(columns)


def _flat(measures: Measures) -> dict[str, float]:
    """Measures as one flat record."""
    record: dict[str, float] = {}
    for name in (field.name for field in fields(measures)):
        value = getattr(measures, name)
        if not isinstance(value, dict):
            record[name] = value
            continue
        for key, item in value.items():
            record |= _flat_item(f"{name}.{key}", item)
    record["mtti_h"] = float("nan") if measures.mtti_h is None else measures.mtti_h
    record["effective_gpu_h"] = measures.effective_gpu_h
    if measures.cost is not None:
        record["cost"] = measures.cost
    return record


def _flat_item(name: str, item: Any) -> dict[str, float]:
    """One entry of a nested metric: a number, or a small record of numbers."""
    if isinstance(item, int | float):
        return {name: float(item)}
    shown = (field.name for field in fields(item) if not field.metadata.get("aside"))
    return {f"{name}.{key}": float(getattr(item, key)) for key in shown}
