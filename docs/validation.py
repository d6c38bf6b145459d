"""The page docs/validation.md: published beside simulated, what is assumed, what misses. Takes about a minute."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from docs import llama3, rsc1, stepfun
from docs.validation_text import ASSUMED, BURSTS, COUNTS, INTRO, MISSES, RSC, SENSITIVITY, STEPFUN, TIME
from ras_sim.experiment.result import Result
from ras_sim.metrics import Estimate
from ras_sim.report.published import comparisons, prediction

REPLICATIONS = 40

_HEADLINES = ("interruptions", "planned_interruptions", "mtti_h", "ettr")


def write(path: Path) -> None:
    """Run the validation and write its page."""
    path.write_text(validation_page(), encoding="utf-8")


def validation_page() -> str:
    """The page as Markdown."""
    base = llama3.simulated(REPLICATIONS)
    parts = [
        INTRO.format(n=REPLICATIONS),
        _headlines(base),
        COUNTS,
        _causes(base),
        TIME,
        _time(base),
        SENSITIVITY,
        _sensitivity(base),
        RSC,
        _rsc1(),
        *((STEPFUN, _stepfun(), BURSTS) if stepfun.TRACE.exists() else ()),
        ASSUMED,
        _sources(base),
        MISSES,
    ]
    return "\n".join(part.strip("\n") + "\n" for part in parts)


def _table(head: str, rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the head as "a | b | c"."""
    columns = [name.strip() for name in head.split("|")]
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _ci(estimate: Estimate, show: Callable[[float], str]) -> str:
    return "-" if estimate.ci95 is None else f"{show(estimate.ci95[0])} to {show(estimate.ci95[1])}"


def _percent(value: float) -> str:
    return f"{100 * value:.2f}%"


def _headlines(base: Result) -> str:
    wanted = zip(base.scenario.published, comparisons(base), strict=True)
    rows = [
        (one.label, one.published, one.simulated, one.interval, one.one_run, one.verdict)
        for key, one in wanted
        if key in _HEADLINES
    ]
    elapsed = llama3.elapsed_ettr(base)
    low, high = prediction(elapsed) or (0.0, 0.0)
    rows.append(
        (
            "productive time / all time, planned stops included",
            "at least 90%",
            _percent(elapsed.mean or 0.0),
            _ci(elapsed, _percent),
            f"{_percent(low)} to {_percent(high)}",
            "within" if high >= 0.9 else "outside",
        )
    )
    return _table("figure | published | simulated | 95% interval | range of one run | verdict", rows)


def _causes(base: Result) -> str:
    from scipy.special import chdtrc

    rows = llama3.causes(base)
    table = _table(
        "cause (Table 5) | published | simulated | 95% interval | range of one run | z | inside",
        (
            (
                row.name,
                str(row.published),
                f"{row.simulated.mean:.1f}",
                _ci(row.simulated, lambda value: f"{value:.1f}"),
                f"{row.one_run[0]:.0f} to {row.one_run[1]:.0f}",
                f"{row.z:+.2f}",
                "yes" if row.inside else "NO",
            )
            for row in rows
        ),
    )
    chi2 = sum(row.z**2 for row in rows)
    p = float(chdtrc(len(rows), chi2))
    inside = sum(row.inside for row in rows)
    return (
        f"{table}\n\n{inside} of {len(rows)} rows inside. Sum of z squared: {chi2:.1f} on {len(rows)} rows "
        f"(p = {p:.2f}). It is far\nbelow the number of rows because the rates come from these counts."
    )


def _time(base: Result) -> str:
    rows = [
        (name, _percent((hours.mean or 0.0) / base.scenario.horizon_h), f"{hours.mean:.1f} h")
        for name, hours in base.aggregate.time_h.items()
        if hours.mean
    ]
    return _table("where the time went | share | of 1,296 h", rows)


def _sensitivity(base: Result) -> str:
    rows = []
    for name, overrides in llama3.CHANGES.items():
        changed = llama3.simulated(REPLICATIONS, overrides)
        difference = llama3.change_of_ettr(base, changed)
        metrics = changed.aggregate.metrics
        rows.append(
            (
                name,
                _percent(metrics["ettr"].mean or 0.0),
                f"{100 * (difference.mean or 0.0):+.2f}",
                _ci(difference, lambda value: f"{100 * value:+.2f}"),
                f"{metrics['interruptions'].mean:.0f}",
            )
        )
    return _table("changed | ETTR | change, points | 95% interval | interruptions", rows)


def _rsc1() -> str:
    def hours(value: float) -> str:
        return f"{value:.3g} h"

    rows = []
    for n_gpus in rsc1.SIZES:
        one = rsc1.row(n_gpus)
        rows.append(
            (
                f"{n_gpus:,}",
                hours(one.mttf_h),
                f"{hours(one.simulated_mttf_h.mean or 0.0)} ({_ci(one.simulated_mttf_h, hours)})",
                f"{one.ettr_published:.3f}",
                f"{one.ettr_exact:.3f}",
                f"{one.simulated_ettr.mean:.3f} ({_ci(one.simulated_ettr, lambda value: f'{value:.3f}')})",
            )
        )
    head = "GPUs | MTTF projected | MTTF simulated | ETTR, published formula | ETTR, exact | ETTR simulated"
    return _table(head, rows)


def _stepfun() -> str:
    trace = stepfun.read_trace()
    seen = stepfun.shape_of(trace)
    kinds = {kind: stepfun.simulated(trace, kind, REPLICATIONS) for kind in ("empirical", "lognormal")}
    rows = []
    for name, label in stepfun.LABELS.items():
        cells = [label, f"{getattr(seen, name):.3g}"]
        for shapes in kinds.values():
            low, high = stepfun.one_run(shapes, name)
            verdict = "yes" if low <= getattr(seen, name) <= high else "NO"
            cells.append(f"{low:.3g} to {high:.3g}: {verdict}")
        rows.append(cells)
    return _table("figure | trace | observed repair times | lognormal repair times", rows)


def _sources(base: Result) -> str:
    return "\n".join(
        f"* `{path}`: {source}"
        for path, _, source in base.scenario.sources()
        if "assumed" in source and not path.startswith("published")
    )
