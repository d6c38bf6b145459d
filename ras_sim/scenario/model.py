"""A scenario: everything a person states before a run. Checked as a whole, then never changed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from pydantic import Field, PrivateAttr, model_validator

from ras_sim.scenario.cost import CostSpec
from ras_sim.scenario.detection import DetectionSpec
from ras_sim.scenario.expect import Expectation
from ras_sim.scenario.failures import ModeSpec, Name, ShockSpec
from ras_sim.scenario.fields import PositiveHours, Source, Strict
from ras_sim.scenario.fleet import FleetSpec
from ras_sim.scenario.job import JobSpec
from ras_sim.scenario.machine import MachineSpec
from ras_sim.scenario.repair import RepairSpec
from ras_sim.scenario.services import ServiceSpec
from ras_sim.scenario.uncertain import Uncertainty
from ras_sim.scenario.writing import to_yaml


class Published(Strict):
    """A public figure to print beside the simulated one."""

    value: float | None = Field(
        None, description="The figure, in hours or as a fraction where it has a unit."
    )
    at_least: float | None = Field(None, description="A lower bound, in place of a figure.")
    at_most: float | None = Field(None, description="An upper bound, in place of a figure.")
    source: Source

    @model_validator(mode="after")
    def _stated(self) -> Published:
        if self.value is not None and (self.at_least is not None or self.at_most is not None):
            raise ValueError("value: got a bound beside it, want the one or the other")
        if self.value is None and self.at_least is None and self.at_most is None:
            raise ValueError("got no figure, want `value`, `at_least` or `at_most`")
        return self


class Scenario(Strict):
    """A machine, a job, what goes wrong and how it is repaired."""

    name: str = Field(min_length=1, max_length=200, description="What results and reports call it.")
    description: str = Field("", max_length=10_000, description="What it models, for its readers.")
    horizon: PositiveHours = Field(description="Length of a run.")
    machine: MachineSpec = Field(description="What is installed.")
    job: JobSpec = Field(description="The training job.")
    detection: DetectionSpec = Field(description="Time to notice and to diagnose.")
    failures: dict[Name, dict[Name, ModeSpec]] = Field(
        description="Failure modes by component class and name."
    )
    shocks: dict[Name, ShockSpec] = Field(default_factory=dict, description="Common causes by name.")
    fleet: FleetSpec | None = Field(None, description="How the machine came about: all nodes at once if left out.")
    services: dict[Name, ServiceSpec] | None = Field(
        None, description="What the whole machine shares, by name: control_plane, storage; never out if left out."
    )
    repair: RepairSpec = Field(description="Who repairs what, how, with what.")
    cost: CostSpec | None = Field(None, description="Prices; nothing is charged if left out.")
    published: dict[str, Published] = Field(
        default_factory=dict, description="Public figures by metric, e.g. interruptions_by_mode.hbm.due."
    )
    expect: dict[str, Expectation] = Field(
        default_factory=dict,
        description="What `ras-sim check` holds the results to, by metric, e.g. goodput, mtti_h, time_h.restore. "
        "Not taken over from a file that this one extends.",
    )
    uncertain: dict[str, Uncertainty] = Field(
        default_factory=dict,
        description="Between which values numbers of this scenario may truly lie, by their key, e.g. "
        "detection.diagnose: what `ras-sim sensitivity` varies. A run does not read it. Not taken over from a file "
        "that this one extends.",
    )

    _source_text: str = PrivateAttr(default="")
    _folder: Path | None = PrivateAttr(default=None)
    _allows_code: bool = PrivateAttr(default=False)

    def __eq__(self, other: object) -> bool:
        """Two scenarios are equal if their values are; the text that they were read from is not a value."""
        return isinstance(other, Scenario) and self.__dict__ == other.__dict__

    _setup: Any = PrivateAttr(default=None)  # what build.py made of it, kept

    @property
    def horizon_h(self) -> float:
        """Length of a run in hours."""
        return self.horizon

    @property
    def currency(self) -> str | None:
        """What amounts are called; None without prices."""
        return None if self.cost is None else self.cost.currency

    @property
    def source_text(self) -> str:
        """The file as its author wrote it."""
        return self._source_text

    @property
    def folder(self) -> Path | None:
        """Where its file is; None for one that was read from no file."""
        return self._folder

    @property
    def allows_code(self) -> bool:
        """Whether who loaded it allowed it to run code, so that what is made of it may, too."""
        return self._allows_code

    @property
    def resolved_text(self) -> str:
        """Every value, defaults and extended files included, as YAML that loads to the same scenario."""
        return to_yaml(self.resolved())

    @property
    def content_hash(self) -> str:
        """SHA-256 of the resolved text."""
        return hashlib.sha256(self.resolved_text.encode()).hexdigest()

    def resolved(self) -> dict[str, Any]:
        """Every value as plain data; hours, per hour and bytes carry their unit again."""
        return self.model_dump(mode="json", exclude_none=True)

    def sources(self) -> list[tuple[str, str, str]]:
        """(key path, its values, its source) of every block that states one."""
        rows: list[tuple[str, str, str]] = []
        _collect_sources("", self.resolved(), rows)
        return rows


def _collect_sources(path: str, node: Any, rows: list[tuple[str, str, str]]) -> None:
    if not isinstance(node, dict):
        return
    if "source" in node:
        values = ", ".join(
            f"{key} {value}" for key, value in node.items() if not isinstance(value, dict | list)
        )
        rows.append((path, values.removesuffix(f", source {node['source']}"), str(node["source"])))
    for key, value in node.items():
        _collect_sources(f"{path}.{key}" if path else str(key), value, rows)
