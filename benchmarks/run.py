"""`python -m benchmarks.run`: measure, and print what was wanted beside what was found."""

from __future__ import annotations

import argparse
import cProfile
import pstats
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.effort import QUICK, Effort
from benchmarks.measures import MEASURES
from benchmarks.table import Line, markdown, plain
from benchmarks.workloads import AIRESIM, setup, simulated

_TOP = 15


def options(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"some of {', '.join(MEASURES)}; all if none"
    )
    parser.add_argument("--markdown", action="store_true", help="print a table for the docs")
    parser.add_argument(
        "--quick", action="store_true", help="try the harness: tiny sizes, figures mean nothing"
    )
    parser.add_argument("--rounds", type=int, metavar="N", help="repeats of everything")
    parser.add_argument(
        "--airesim", type=Path, metavar="PATH", help="a checkout of AIReSim to time side by side"
    )
    parser.add_argument("--profile", action="store_true", help=f"only print the {_TOP} dearest functions")
    given = parser.parse_args(argv)
    unknown = [name for name in given.names if name not in MEASURES]
    if unknown:
        parser.error(f"got {', '.join(unknown)}, want some of {', '.join(MEASURES)}")
    if given.rounds is not None and given.rounds < 1:
        parser.error(f"--rounds: got {given.rounds}, want >= 1")
    if given.airesim is not None and not (given.airesim / "airesim").is_dir():
        parser.error(f"--airesim: no package airesim in {given.airesim}")
    return given


def measured(given: argparse.Namespace) -> list[Line]:
    """The lines of the measurements that were asked for; each is announced on stderr, for they take a while."""
    effort = QUICK if given.quick else Effort()
    effort = replace(effort, rounds=given.rounds or effort.rounds, airesim=given.airesim)
    lines = []
    for name in given.names or MEASURES:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        lines.extend(MEASURES[name](effort))
    return lines


def print_profile(quick: bool) -> None:
    """Where the time of one replication goes."""
    built = setup(AIRESIM, *(QUICK.airesim_overrides if quick else ()))
    simulated(built)
    profile = cProfile.Profile()
    profile.runcall(simulated, built)
    pstats.Stats(profile).strip_dirs().sort_stats("tottime").print_stats(_TOP)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    given = options(argv)
    if given.profile:
        print_profile(given.quick)
        return
    lines = measured(given)
    print(markdown(lines) if given.markdown else plain(lines))
    missed = [line.what.strip() for line in lines if line.result == "missed"]
    if not given.markdown:
        print(f"\nmissed: {', '.join(missed)}" if missed else "\nno target was missed")


if __name__ == "__main__":
    main()
