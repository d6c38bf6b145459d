"""The measurements; each returns lines for the table. The targets are the constants below."""

from __future__ import annotations

import os

import ras_sim
from benchmarks import airesim
from benchmarks.effort import Effort
from benchmarks.experiments import EXPERIMENTS
from benchmarks.floor import events_of, fire
from benchmarks.processes import fresh, python
from benchmarks.processes import ras_sim as command
from benchmarks.table import Line, at_least, at_most, megabytes, note, seconds, times
from benchmarks.timing import Sample, cpu_s, interleaved, wall_s
from benchmarks.workloads import (
    AIRESIM,
    EVERYTHING,
    SEED,
    WITHOUT,
    XL,
    draw_arrays,
    larger,
    setup,
    simulated,
)

FLOOR_FACTOR = 4.0
AIRESIM_FACTOR = 60.0
LARGER_FACTOR = 1.5
EVERYTHING_FACTOR = 1.5
PEAK_BYTES = 500e6
HELP_CPU_S, IMPORT_CPU_S = 0.5, 0.3


def speed(effort: Effort) -> list[Line]:
    """One replication of the workload of another simulator: cost of an incident, and against bare SimPy."""
    built = setup(AIRESIM, *effort.airesim_overrides)
    ledger = simulated(built)
    count = events_of(lambda: simulated(built))
    taken = interleaved(effort.rounds, {"run": lambda: simulated(built), "floor": lambda: fire(count)})
    run, floor, n = taken["run"], taken["floor"], len(ledger.incidents)
    micro = 1e6 / n
    return [
        note("airesim_4096: one replication", seconds(run.best), run, seconds),
        note("  per incident", f"{run.best * micro:.1f} us, {n} incidents"),
        note("  events", f"{count.n_events / run.best:,.0f} per s, {count.n_events / n:.1f} per incident"),
        note("  floor: the same events in bare SimPy", seconds(floor.best), floor, seconds),
        at_most(
            "  against the floor", FLOOR_FACTOR, run.best / floor.best, times, run.over(floor).spread(times)
        ),
        _against_airesim(effort, run),
    ]


def _against_airesim(effort: Effort, run: Sample) -> Line:
    what = "  AIReSim against ras-sim, its own workload"
    if effort.airesim is None:
        return Line(what, f">= {times(AIRESIM_FACTOR)}", airesim.HOW_TO, "skipped")
    theirs = airesim.timed(effort.airesim, min(effort.rounds, 3))
    noise = f"AIReSim {theirs.spread(seconds)}"
    return at_least(what, AIRESIM_FACTOR, theirs.best / run.best, times, noise)


def large(effort: Effort) -> list[Line]:
    """A machine of 100,000 GPUs against its floor, and one ten times as large with as many faults."""
    base, ten = setup(XL, *effort.xl_overrides), larger(XL, 10, *effort.xl_overrides)
    n, n_ten = len(simulated(base).incidents), len(simulated(ten).incidents)
    count = events_of(lambda: simulated(base))
    taken = interleaved(
        effort.rounds,
        {
            "run": lambda: simulated(base),
            "floor": lambda: fire(count),
            "draw": lambda: draw_arrays(base),
            "ten": lambda: simulated(ten),
        },
    )
    run, ten_times = taken["run"], taken["ten"]
    floor = taken["floor"].plus(taken["draw"])
    ratio, growth = run.over(floor), ten_times.over(run)
    return [
        note("xl_100k: one replication", f"{seconds(run.best)}, {n} incidents", run, seconds),
        note("  floor: its events in bare SimPy", seconds(taken["floor"].best), taken["floor"], seconds),
        note("  drawing its arrays", seconds(taken["draw"].best), taken["draw"], seconds),
        at_most("  against both", FLOOR_FACTOR, run.best / floor.best, times, ratio.spread(times)),
        note("  ten times the machine, as many faults", f"{seconds(ten_times.best)}, {n_ten} incidents"),
        at_most("  against the one", LARGER_FACTOR, ten_times.best / run.best, times, growth.spread(times)),
    ]


def everything(effort: Effort) -> list[Line]:
    """An incident with every mechanism of the catalogue on, against one of the same machine with none."""
    plain, full = setup(WITHOUT, *effort.xl_overrides), setup(EVERYTHING, *effort.xl_overrides)
    n = {"plain": len(simulated(plain).incidents), "full": len(simulated(full).incidents)}
    taken = interleaved(effort.rounds, {"plain": lambda: simulated(plain), "full": lambda: simulated(full)})
    each = {name: Sample(tuple(value / n[name] for value in one.values)) for name, one in taken.items()}
    ratio = each["full"].best / each["plain"].best
    return [
        note("16,384 GPUs: an incident", f"{each['plain'].best * 1e6:.1f} us, {n['plain']} incidents"),
        note("  with every mechanism on", f"{each['full'].best * 1e6:.1f} us, {n['full']} incidents"),
        at_most(
            "  against the one", EVERYTHING_FACTOR, ratio, times, each["full"].over(each["plain"]).spread(times)
        ),
    ]


def memory(effort: Effort) -> list[Line]:
    """Peak memory of a whole run of the large machine, from the command line."""
    overrides = [part for value in effort.xl_overrides for part in ("--set", value)]
    whole = command("run", XL, "--quiet", *overrides)
    runs = [fresh(whole) for _ in range(min(effort.rounds, 3))]
    peak = Sample(tuple(float(usage.peak_bytes) for usage in runs))
    cpu = Sample(tuple(usage.cpu_s for usage in runs))
    return [
        at_most("ras-sim run xl_100k: peak memory", PEAK_BYTES, peak.best, megabytes, peak.spread(megabytes)),
        note("  CPU time, start-up and loading included", seconds(cpu.best), cpu, seconds),
    ]


def start_up(effort: Effort) -> list[Line]:
    """What it costs to begin."""
    commands = {
        "bare": python("pass"),
        "import": python("import ras_sim"),
        "help": command("--help"),
        "validate": command("validate", XL),
    }
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(effort.rounds):
        for name, what in commands.items():
            taken[name].append(fresh(what).cpu_s)
    samples = {name: Sample(tuple(values)) for name, values in taken.items()}
    warm = Sample(tuple(cpu_s(lambda: ras_sim.load(XL)) for _ in range(effort.rounds)))
    helped, imported, checked = samples["help"], samples["import"], samples["validate"]
    return [
        note("python -c pass: CPU time", seconds(samples["bare"].best), samples["bare"], seconds),
        at_most("import ras_sim: CPU time", IMPORT_CPU_S, imported.best, seconds, imported.spread(seconds)),
        at_most("ras-sim --help: CPU time", HELP_CPU_S, helped.best, seconds, helped.spread(seconds)),
        note("ras-sim validate xl_100k: CPU time", seconds(checked.best), checked, seconds),
        note("  load and check it again, all imported", seconds(warm.best), warm, seconds),
    ]


def workers(effort: Effort) -> list[Line]:
    """The same replications in one process and in two."""
    scenario = ras_sim.load(AIRESIM, list(effort.airesim_overrides))
    n = effort.replications

    def with_workers(count: int) -> None:
        ras_sim.run(scenario, seed=SEED, replications=n, workers=count, keep_ledgers=False)

    taken = interleaved(
        min(effort.rounds, 3), {"one": lambda: with_workers(1), "two": lambda: with_workers(2)}, wall_s
    )
    one, two = taken["one"], taken["two"]
    cores = os.cpu_count() or 1
    return [
        note(f"{n} replications of airesim_4096, 1 worker: wall time", seconds(one.best), one, seconds),
        note(f"  2 workers, {cores} cores", seconds(two.best), two, seconds),
        note("  gain", times(one.best / two.best), one.over(two), times),
    ]


MEASURES = {
    "speed": speed,
    "large": large,
    "everything": everything,
    "memory": memory,
    "start_up": start_up,
    "workers": workers,
    **EXPERIMENTS,
}
"""Every measurement by name, in the order of the table."""
