"""Two or more designs on the same failures: paired differences, and the faults where they parted."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ras_sim.experiment.arguments import check_arguments, wrong_argument
from ras_sim.experiment.compare_runs import N_PARTINGS, Outcome, one_of_each
from ras_sim.experiment.designs import (
    Change,
    Design,
    Shared,
    changes_between,
    modes_apart,
    named_apart,
    shared_histories,
)
from ras_sim.experiment.differences import AIMED, Pair, Usage, differences
from ras_sim.experiment.executors import Workers, spread
from ras_sim.experiment.flat import replication_frame
from ras_sim.experiment.histories import sent
from ras_sim.experiment.kept import Kept, json_form
from ras_sim.experiment.matching import FaultTotals, Parting, worst
from ras_sim.experiment.origin import key_of
from ras_sim.experiment.replicate import Progress, Simulate
from ras_sim.experiment.wishes import MAX_REPLICATIONS, Closing, is_time_to_look, run_as_wished, wish_of
from ras_sim.metrics import Aggregate, Measures, aggregate
from ras_sim.metrics.breakeven import BreakEven
from ras_sim.metrics.controlled import controlled
from ras_sim.metrics.paired import Difference
from ras_sim.metrics.precision import Aim, Reach, Wish, paired_reach
from ras_sim.metrics.samples import sample
from ras_sim.scenario.model import Scenario

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Against:
    """One design against the base: every difference is other - base.

    Args:
        design: the other one.
        changes: settings in which it differs from the base.
        shared: what of the fault histories is the same.
        metrics: by name, see `ras_sim.experiment.differences.BETTER`.
        time_h: hours of the job by category.
        lost_gpu_hours_by_category: hours that were not productive x GPUs of the job.
        lost_gpu_hours_by_mode, interruptions_by_mode: by root cause, "class.mode".
        rungs: attempts of each rung.
        adjusted: the difference in goodput adjusted for what the histories happened to bring, see
            `ras_sim.metrics.controlled`; None for few replications and for a precision that was aimed at.
        cost_by_item: amounts of the bill; empty unless both designs have prices in one currency.
        break_evens: prices at which both cost the same per effective GPU-hour, likewise.
        faults: totals of the matching of faults, one of each replication.
        partings: the matched faults of all replications in which the designs parted most: those that were handled in another
            way, the largest difference first, then those that were handled alike.
    """

    design: Design
    changes: list[Change]
    shared: Shared
    metrics: dict[str, Difference]
    time_h: dict[str, Difference]
    lost_gpu_hours_by_category: dict[str, Difference]
    lost_gpu_hours_by_mode: dict[str, Difference]
    interruptions_by_mode: dict[str, Difference]
    rungs: dict[str, Difference]
    adjusted: Difference | None
    cost_by_item: dict[str, Difference]
    break_evens: list[BreakEven]
    faults: tuple[FaultTotals, ...]
    partings: list[Parting]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Finished replications of several designs, and how the designs differ.

    Args:
        designs: the base first.
        seed: the user's seed, the same for all designs.
        replications: how many were wanted of each; there are fewer if the comparison was interrupted.
        measures: of each design, in order of the replications.
        usage: likewise.
        aggregates: estimates for each design on its own.
        against: each design but the base against it.
        wall_s: seconds that it took; the only field that is not reproducible.
        interrupted: the user stopped it before the last replication.
        aim: the precision that was aimed at, if any.
    """

    designs: tuple[Design, ...]
    seed: int
    replications: int
    measures: tuple[tuple[Measures, ...], ...]
    usage: tuple[tuple[Usage, ...], ...]
    aggregates: tuple[Aggregate, ...]
    against: tuple[Against, ...]
    wall_s: float
    interrupted: bool = False
    aim: Aim | None = None

    @property
    def n_finished(self) -> int:
        """Replications that every design has finished."""
        return len(self.measures[0])

    @property
    def is_precise(self) -> bool:
        """True if a precision was aimed at and reached."""
        return self.aim is not None and self.aim.is_reached

    @property
    def key(self) -> str:
        """What a replication depends on but its number, as 32 hexadecimal digits."""
        return _key([design.scenario for design in self.designs], self.seed)

    def frame(self) -> pd.DataFrame:
        """One row of metrics per design and replication, as in a run, with the columns design and usage."""
        import pandas as pd

        frames = []
        for design, measures, usage in zip(self.designs, self.measures, self.usage, strict=True):
            head = pd.DataFrame({"design": design.name}, index=range(len(measures)))
            used = pd.DataFrame.from_records(usage, columns=Usage._fields).astype("float64")
            frames.append(pd.concat([head, replication_frame(measures), used], axis=1))
        whole = pd.concat(frames, ignore_index=True)
        # What only another design has seen did not occur here.
        nested = [name for name in whole.columns if "." in name]
        whole[nested] = whole[nested].fillna({name: float(name.endswith(".zero_frac")) for name in nested})
        return whole

    def to_json(self) -> dict[str, Any]:
        """The comparison as one JSON object; null for what is undefined."""
        from ras_sim.experiment.compare_json import comparison_json

        return comparison_json(self)

    def save(self, directory: str | Path) -> Path:
        """Write manifest.json, comparison.json and replications.parquet.

        Raises: InputError if the folder cannot or must not be written.
        """
        from ras_sim.experiment.comparedir import write

        return write(directory, self)

    def _repr_html_(self) -> str:
        """A small table for notebooks: goodput of each design against the base."""
        rows = []
        for one in self.against:
            found = one.metrics["goodput"].estimate
            interval = "-" if found.ci95 is None else f"{found.ci95[0]:+.6f} to {found.ci95[1]:+.6f}"
            mean = "-" if found.mean is None else f"{found.mean:+.6f}"
            rows.append(
                f"<tr><th scope='row'>{escape(one.design.name)}</th><td>{mean}</td><td>{interval}</td></tr>"
            )
        head = f"goodput less that of {escape(self.designs[0].name)}, {self.n_finished} pairs of replications"
        columns = "<tr><th>design</th><th>difference</th><th>95% interval</th></tr>"
        return f"<table><caption>{head}</caption>{columns}{''.join(rows)}</table>"


def compare(
    *designs: Design | Scenario,
    seed: int = 1,
    replications: int = 1,
    workers: Workers = None,
    progress: Progress | None = None,
    precision: float | str | None = None,
    metric: str = "goodput",
    max_replications: int = MAX_REPLICATIONS,
    closing_in: Closing | None = None,
    out: str | Path | None = None,
    simulate: Simulate | None = None,
) -> Comparison:
    """Run several designs on the same fault histories and compare each with the first.

    Replication k of every design draws from the same keyed streams: the same parts fail at the same time, show the same
    symptom and need the same rung, and the n-th try of a rung on a fault ends alike. The result does not depend on
    `workers`. Ctrl-C leaves the replications that every design has finished, with `interrupted` set.

    Args:
        designs: two or more; the first is the base.
        seed: any integer, for all designs.
        replications: of each design, >= 1; an interval needs at least 2.
        workers: who does it, see `ras_sim.experiment.executors.Workers`.
        progress: called after each replication that all designs have finished.
        precision: go on until the 95% interval of every difference in `metric` is at most this to either side, by
            Stein's rule (`ras_sim.metrics.precision`): 0.002 or "0.2%" of goodput, "10 min" of an MTTI. `replications` is
            its first stage, >= 10.
        metric: what the precision is about, one of `ras_sim.experiment.differences.AIMED`.
        max_replications: where to stop whatever the precision.
        closing_in: shown the widest of the intervals as it closes.
        out: a folder where every replication is kept from the moment that all designs have finished it; those that it
            holds are not run again. `Comparison.save` writes the whole comparison there.
        simulate: what makes a ledger; None is `ras_sim.engine.simulate`. Picklable if workers > 1.

    Raises:
        InputError: fewer than two designs, or a number is out of range.
        ModelError: a ledger does not add up.
    """
    named = named_apart([one if isinstance(one, Design) else Design(one.name, one) for one in designs])
    if len(named) < 2:
        raise wrong_argument("designs", str(len(named)), "two or more")
    check_arguments(replications, workers)
    limits = {"n_first": replications, "limit": max_replications}
    wish = wish_of(named[0].scenario, metric, precision, among=AIMED, **limits)
    began_s = time.perf_counter()
    scenarios = tuple(design.scenario for design in named)
    apart = tuple(modes_apart(scenarios[0], other) for other in scenarios[1:])
    watch = _watch(wish, replications, closing_in)
    finished: list[Outcome] = []
    with _kept(out, scenarios, seed) as kept:
        work = _Work(scenarios, apart, simulate, seed, workers, progress, watch, kept)
        interrupted, aim = run_as_wished(
            wish,
            replications,
            lambda n: _run_up_to(n, work, finished),
            lambda wanted: _aim(finished, replications, wanted),
        )
    wanted = replications if aim is None else aim.n_wanted
    against = _against_base(named, finished, aim)
    measures, usage = (_by_design(finished, name, len(named)) for name in ("measures", "usage"))
    aggregates, wall_s = tuple(map(aggregate, measures)), time.perf_counter() - began_s
    return Comparison(named, seed, wanted, measures, usage, aggregates, against, wall_s, interrupted, aim)


class _Work(NamedTuple):
    """What does not change from replication to replication."""

    scenarios: tuple[Scenario, ...]
    apart: tuple[frozenset[str], ...]
    simulate: Simulate | None
    seed: int
    workers: Workers
    progress: Progress | None
    watch: Callable[[Sequence[Outcome]], None] | None
    kept: Kept[Outcome]


def _key(scenarios: Sequence[Scenario], seed: int) -> str:
    """What a replication of the comparison depends on but its number."""
    return key_of("compare", [one.content_hash for one in scenarios], seed)


def _kept(out: str | Path | None, scenarios: Sequence[Scenario], seed: int) -> Kept[Outcome]:
    """The replications of a comparison that its folder holds, and where more of them are kept."""
    return Kept(out, "" if out is None else _key(scenarios, seed), json_form(Outcome))


def _run_up_to(n: int, work: _Work, finished: list[Outcome]) -> bool:
    """Finish the replications up to number n - 1 that are still to be done; True if the user stopped that."""
    begun = {_number(outcome) for outcome in finished}
    finished += {_number(one): one for one in work.kept.pieces if _number(one) in set(range(n)) - begun}.values()
    numbers = sorted(set(range(n)) - {_number(outcome) for outcome in finished})
    what = tuple(sent(scenario, work.simulate) for scenario in work.scenarios)
    tasks = [(what, work.apart, work.simulate, work.seed, number) for number in numbers]
    interrupted = False
    try:
        with closing(spread(one_of_each, tasks, work.workers, at_once=work.kept.is_durable)) as outcomes:
            for outcome in outcomes:
                work.kept.add(outcome)
                finished.append(outcome)
                if work.watch is not None:
                    work.watch(finished)
                if work.progress is not None:
                    work.progress(len(finished), n)
    except KeyboardInterrupt:
        interrupted = len(finished) < n
    finished.sort(key=_number)
    return interrupted


def _number(outcome: Outcome) -> int:
    """Which replication it is of."""
    return outcome.measures[0].replication


def _reaches(finished: Sequence[Outcome], n_first: int, metric: str) -> list[Reach | None]:
    """How wide the interval of each design is, but of the base."""
    base, *others = (
        sample([one.measures[i] for one in finished], metric) for i in range(len(finished[0].measures))
    )
    return [paired_reach(base, other, n_first) for other in others]


def _aim(finished: Sequence[Outcome], n_first: int, wish: Wish) -> Aim:
    """How many replications the widest of the differences needs; those that are all alike need no more."""
    needed = [
        None if one is None else one.n_needed(wish.half_width)
        for one in _reaches(finished, n_first, wish.metric)
    ]
    known = [one for one in needed if one is not None]
    return Aim(wish, n_first, len(finished), max(known) if len(known) == len(needed) else None)


def _watch(
    wish: Wish | None, n_first: int, closing_in: Closing | None
) -> Callable[[Sequence[Outcome]], None] | None:
    """What shows how far the widest interval has closed; None if nobody looks."""
    if wish is None or closing_in is None:
        return None

    def watch(finished: Sequence[Outcome]) -> None:
        if is_time_to_look(len(finished)):
            found = _reaches(finished, n_first, wish.metric)
            closing_in(max((one.half_width for one in found if one is not None), default=None), wish)

    return watch


def _by_design(finished: Sequence[Outcome], name: str, n_designs: int) -> tuple[tuple[Any, ...], ...]:
    """One field of the outcomes, the replications of each design together."""
    return tuple(tuple(getattr(one, name)[i] for one in finished) for i in range(n_designs))


def _adjusted(finished: Sequence[Outcome], i: int) -> Difference | None:
    """Goodput of design i less that of the base, adjusted by the controls."""
    base, other = ([one.measures[k].goodput for one in finished] for k in (0, i))
    return controlled(base, other, [one.controls for one in finished])


def _against_base(
    designs: Sequence[Design], finished: Sequence[Outcome], aim: Aim | None
) -> tuple[Against, ...]:
    """Every design but the base against it."""
    measures, usage = (_by_design(finished, name, len(designs)) for name in ("measures", "usage"))
    base, against = designs[0].scenario, []
    for i, design in enumerate(designs[1:]):
        same = base.currency is not None and base.currency == design.scenario.currency
        pair = Pair(measures[0], measures[i + 1], usage[0], usage[i + 1], aim, same)
        against.append(
            Against(
                design,
                changes_between(base, design.scenario),
                shared_histories(base, design.scenario),
                **differences(pair),
                adjusted=_adjusted(finished, i + 1) if aim is None else None,
                faults=tuple(one.faults[i] for one in finished),
                partings=worst((parting for one in finished for parting in one.partings[i]), N_PARTINGS),
            )
        )
    return tuple(against)
