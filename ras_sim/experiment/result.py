"""The result of a run: its replications, measured, and what they say together."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ras_sim.experiment import rundir
from ras_sim.experiment.arguments import wrong_argument
from ras_sim.experiment.flat import replication_frame
from ras_sim.experiment.origin import key_of
from ras_sim.ledger import ROW_TYPES, Ledger, frame_of
from ras_sim.metrics import Aggregate, Measures
from ras_sim.metrics.aggregate import COSTS
from ras_sim.metrics.cost import not_charged
from ras_sim.metrics.precision import Aim, estimate_to
from ras_sim.metrics.samples import sample

if TYPE_CHECKING:
    import pandas as pd

    from ras_sim.metrics import Estimate
    from ras_sim.scenario.model import Scenario

SCHEMA = 1
"""Version of the shape of `Result.to_json`."""

REPORTED = (
    "goodput",
    "clean_goodput",
    "ettr",
    "cluster_goodput",
    "mtti_h",
    "interruptions",
    "planned_interruptions",
)


def reported(total: Aggregate) -> tuple[str, ...]:
    """Metrics of the JSON result: `REPORTED`, and the cost where there are prices."""
    return (*REPORTED, *(name for name in COSTS if name in total.metrics))


def run_key(scenario: Scenario, seed: int) -> str:
    """What a replication depends on but its number."""
    return key_of("run", scenario.name, scenario.content_hash, seed)


@dataclass(frozen=True, slots=True)
class Result:
    """Finished replications of one scenario, in order of their number.

    Args:
        scenario: what was run.
        seed: the user's seed.
        replications: how many were wanted; `measures` has fewer if the run was interrupted.
        measures: metrics of each finished replication.
        ledgers: rows of each finished replication; empty if they were not kept.
        aggregate: estimates over the finished replications.
        wall_s: seconds that the run took; with `n_reused` all that is not reproducible.
        interrupted: the user stopped the run before the last replication.
        aim: the precision that was aimed at, if any; the interval of its metric in `aggregate` is that of the rule.
        n_reused: replications that were finished before.
    """

    scenario: Scenario
    seed: int
    replications: int
    measures: tuple[Measures, ...]
    ledgers: tuple[Ledger, ...]
    aggregate: Aggregate
    wall_s: float
    interrupted: bool = False
    aim: Aim | None = None
    n_reused: int = 0

    @property
    def is_precise(self) -> bool:
        """True if a precision was aimed at and reached."""
        return self.aim is not None and self.aim.is_reached

    @property
    def aimed(self) -> Estimate | None:
        """The metric whose precision was aimed at, with the interval of the rule; None without an aim."""
        return (
            None if self.aim is None else estimate_to(sample(self.measures, self.aim.wish.metric), self.aim)
        )

    def frame(self, table: str) -> pd.DataFrame:
        """One table over all replications.

        Args:
            table: `replications` (one row of metrics each), or one of the ledger (`ras_sim.ledger.ROW_TYPES`).

        Raises:
            InputError: no such table, or the ledgers were not kept.
        """
        if table == "replications":
            return replication_frame(self.measures)
        if table not in ROW_TYPES:
            raise wrong_argument("table", repr(table), "one of " + ", ".join(("replications", *ROW_TYPES)))
        if len(self.ledgers) < len(self.measures):
            raise wrong_argument("keep_ledgers", "False", f"True, to read the rows of {table}")
        return frame_of(table, self.ledgers)

    def to_json(self) -> dict[str, Any]:
        """The result as one JSON object: means over the finished replications, null for what is undefined."""
        from ras_sim import __version__

        total = self.aggregate
        means = ("time_h", "interruptions_by_class", "interruptions_by_mode", "faults_by_mode")
        return {
            "schema": SCHEMA,
            "scenario": self.scenario.name,
            "version": __version__,
            "seed": self.seed,
            "replications": len(self.measures),
            "horizon_h": self.scenario.horizon_h,
            "metrics": {name: total.metrics[name].to_json() for name in reported(total)},
            **{name: {key: one.mean for key, one in getattr(total, name).items()} for name in means},
            "rungs": {
                rung: {key: one.mean for key, one in counts.items()} for rung, counts in total.rungs.items()
            },
            "goodput_quantiles": {
                name: None if one is None else one.to_json() for name, one in total.goodput_quantiles.items()
            },
            "precision": self._precision(),
            "cost": self._bill_json(),
            "wall_s": self.wall_s,
        }

    def _precision(self) -> dict[str, Any] | None:
        """What precision was aimed at, whether it was reached, and the estimate."""
        if self.aim is None or self.aimed is None:
            return None
        return self.aim.to_json() | self.aimed.to_json()

    def _bill_json(self) -> dict[str, Any] | None:
        """The bill of a mean replication, and what is not on it; None without prices."""
        cost, total = self.scenario.cost, self.aggregate
        if cost is None:
            return None
        return {
            "currency": cost.currency,
            "bill": {
                item: {name: one.mean for name, one in charge.items()}
                for item, charge in total.charges.items()
            },
            "not_charged": list(not_charged(total.charges, total.units_taken, total.resources)),
        }

    def manifest(self) -> dict[str, Any]:
        """What is needed to make these results again, and to know whether they are complete."""
        from ras_sim import __version__

        return {
            "version": __version__,
            "scenario": self.scenario.name,
            "description": self.scenario.description,
            "content_hash": self.scenario.content_hash,
            "key": run_key(self.scenario, self.seed),
            "source_text": self.scenario.source_text,
            "resolved_text": self.scenario.resolved_text,
            "horizon_h": self.scenario.horizon_h,
            "seed": self.seed,
            "replications": self.replications,
            "finished": [one.replication for one in self.measures],
            "interrupted": self.interrupted,
            "precision": None if self.aim is None else self.aim.to_json(),
            "wall_s": self.wall_s,
        }

    def save(self, directory: str | Path) -> Path:
        """Write a run directory (see `ras_sim.experiment.rundir`); without ledgers only the metrics.

        Raises: InputError if the folder cannot or must not be written.
        """
        kept = len(self.ledgers) == len(self.measures)
        tables = rundir.TABLES if kept else ("replications",)
        return rundir.write(directory, self.manifest(), {table: self.frame(table) for table in tables})

    def __repr__(self) -> str:
        """One line: rows and settings would fill screens."""
        goodput = self.aggregate.metrics["goodput"]
        mean = "none" if goodput.mean is None else f"{goodput.mean:.4f}"
        finished = f"{len(self.measures)} of {self.replications} replications"
        return f"<Result of {self.scenario.name!r}: goodput {mean}, {finished}, seed {self.seed}>"

    def _repr_html_(self) -> str:
        """A small table for notebooks."""
        rows = []
        for name, one in self.aggregate.metrics.items():
            mean = "-" if one.mean is None else f"{one.mean:.6g}"
            interval = "-" if one.ci95 is None else f"{one.ci95[0]:.6g} to {one.ci95[1]:.6g}"
            rows.append(f"<tr><th scope='row'>{escape(name)}</th><td>{mean}</td><td>{interval}</td></tr>")
        head = f"{escape(self.scenario.name)}: {len(self.measures)} of {self.replications} replications"
        columns = "<tr><th>metric</th><th>mean</th><th>95% interval</th></tr>"
        return f"<table><caption>{head}, seed {self.seed}</caption>{columns}{''.join(rows)}</table>"
