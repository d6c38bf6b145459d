"""An optimum for readers: the terminal (rich), Markdown and the page say the same."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from ras_sim.report import optimize_figures as figures
from ras_sim.report.compare_views import level, spread
from ras_sim.report.grid import Grid
from ras_sim.report.html import document, write_page
from ras_sim.report.markup import Column, Section, details, figure, paragraph, table
from ras_sim.report.setting import setting
from ras_sim.report.sweep_views import kind_of
from ras_sim.report.text import md, md_table
from ras_sim.scenario.keypath import split_key
from ras_sim.scenario.uncertain import quantity

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ras_sim.experiment.optimize import Finalist, Optimum, Trial

N_TERMINAL = 12
"""Points of a front that the terminal shows."""
N_ROWS = 500
"""Trials that the page lists, the best first; all are in optimize.json."""


def subtitle(found: Optimum) -> list[str]:
    """Trials, replications, fresh histories, seed: one short phrase each."""
    return [
        f"{found.n_trials:,} trial{'s' if found.n_trials != 1 else ''} over {len(found.factors)} setting"
        f"{'s' if len(found.factors) != 1 else ''}",
        f"histories 0 to {found.replications - 1} for the search",
        f"{found.replications} to {found.replications + found.fresh - 1} to check the winners",
        f"seed {found.seed}",
    ]


def labels(found: Optimum) -> list[str]:
    """Short names of what was varied: the last two names of each path, all of it where those are not unique."""
    short = [".".join(factor.key.split(".")[-2:]) for factor in found.factors]
    return [
        factor.key if short.count(name) > 1 else name
        for factor, name in zip(found.factors, short, strict=True)
    ]


def values(found: Optimum, one: Trial) -> list[str]:
    """The settings of a trial as people write them."""
    return [setting(factor.key, text) for factor, text in zip(found.factors, one.values, strict=True)]


def settings(found: Optimum, one: Trial) -> str:
    """The values of a trial, each with its key."""
    return ", ".join(f"{name} {text}" for name, text in zip(labels(found), values(found, one), strict=True))


def changes(found: Optimum, one: Trial) -> str:
    """The values of a trial that are not those of the scenario as it is: "interval 8.3 min instead of 30 min"."""
    tree, parts = found.scenario.resolved(), []
    for factor, name, text in zip(found.factors, labels(found), values(found, one), strict=True):
        here: object = tree
        for key in split_key(factor.key, tree):
            here = here.get(key) if isinstance(here, dict) else None
        old = setting(factor.key, str(here)) if isinstance(here, str | int | float) else ""
        if old != text:
            parts.append(f"{name} {text}" + (f" instead of {old}" if old else ""))
    return ", ".join(parts) or "nothing is changed"


def verdict(found: Optimum) -> list[str]:
    """What the winners gain on fresh histories, and what choosing the best of many had added to it."""
    lines = _one(found) if len(found.objectives) == 1 else _several(found)
    failed = [one for one in found.trials if one.outcome is None]
    if failed:
        lines.append(
            f"{len(failed):,} of {found.n_trials:,} trials gave no result; the first: {failed[0].why}."
        )
    if not found.starts_as_it_is:
        lines.append("The scenario as it is lies outside of what is varied: the search did not try it.")
    return [*lines, *_edges(found)]


def _one(found: Optimum) -> list[str]:
    best, metric = found.finalists[0], found.objectives[0]
    kind, label = kind_of(metric), figures.named(found, metric)
    changed = changes(found, best.trial)
    if changed == "nothing is changed":
        return [f"No trial is better in {label} than the scenario as it is."]
    amount, interval = spread(best.fresh[0], kind)
    if amount == "no difference":
        return [
            f"{changed}: {label} is the same as it is, on {found.fresh} histories that the search has not seen."
        ]
    sure = "" if best.fresh[0].is_clear else "; not to be told from nothing"
    lines = [
        f"{changed}: {label} {amount} (95%: {interval}{sure}), on {found.fresh} histories that the search has not seen."
    ]
    outcome, base = best.trial.outcome, found.base[0].mean
    if outcome is not None and base is not None:
        lines.append(
            f"{label} is {level(best.level[0].mean, kind)} there, {level(best.fresh[0].base, kind)} as the scenario is; "
            f"in the search it looked like {level(outcome[0], kind)} against {level(base, kind)}."
        )
    return lines


def _several(found: Optimum) -> list[str]:
    names = " and ".join(figures.named(found, name) for name in found.objectives)
    n = len(found.finalists)
    lines = [
        f"{n:,} trade-off{'s' if n != 1 else ''} between {names}: no trial is better in one without loss in another."
    ]
    lost = sum(one.is_dominated for one in found.finalists)
    if lost:
        lines.append(
            f"{lost:,} of them {'do' if lost != 1 else 'does'} not hold on the {found.fresh} fresh histories: another is "
            "at least as good in all."
        )
    return lines


def _edges(found: Optimum) -> list[str]:
    """Settings of a single winner that are at the very end of their range."""
    if len(found.objectives) > 1:
        return []
    lines = []
    for factor, name, text in zip(found.factors, labels(found), found.finalists[0].trial.values, strict=True):
        if factor.span is None:
            continue
        at, width = quantity({"": text}, ("",)), 0.02 * (factor.span.high - factor.span.low)
        if at is not None and factor.span.is_whole:
            width = 0.0
        if at is not None and not factor.span.low + width < at[0] < factor.span.high - width:
            lines.append(f"{name} {setting(factor.key, text)} is at an end of its range: the best value may lie beyond.")
    return lines


def heads(found: Optimum) -> list[str]:
    """Headings of `rows`."""
    cells = [cell for name in found.objectives for cell in (figures.named(found, name), "gain", "95% interval")]
    return ["trial", *labels(found), *cells, "holds"]


def rows(found: Optimum) -> list[list[str]]:
    """Every finalist on the fresh histories, and its gain over the scenario as it is."""
    return [_finalist_row(found, one) for one in found.finalists]


def _finalist_row(found: Optimum, one: Finalist) -> list[str]:
    cells = [str(one.trial.number), *values(found, one.trial)]
    for name, found_level, off in zip(found.objectives, one.level, one.fresh, strict=True):
        cells += [level(found_level.mean, kind_of(name)), *spread(off, kind_of(name))]
    return [*cells, "no" if one.is_dominated else "yes"]


def trial_heads(found: Optimum) -> list[str]:
    """Headings of `trial_rows`."""
    return ["trial", *labels(found), *(figures.named(found, name) for name in found.objectives)]


def trial_rows(found: Optimum) -> list[list[str]]:
    """Every trial on the histories of the search, the best in the first objective first; those without a result last."""

    def place(one: Trial) -> tuple[bool, float]:
        return (one.outcome is None, 0.0 if one.outcome is None else -found.signs[0] * one.outcome[0])

    lines = []
    for one in sorted(found.trials, key=place)[:N_ROWS]:
        outcome = one.outcome or (None,) * len(found.objectives)
        cells = [level(mean, kind_of(name)) for mean, name in zip(outcome, found.objectives, strict=True)]
        if one.outcome is None:
            cells = ["no result", *[""] * (len(cells) - 1)]
        lines.append([str(one.number), *values(found, one), *cells])
    return lines


def optimize_summary(found: Optimum) -> RenderableType:
    """The terminal summary."""
    from rich.console import Group
    from rich.text import Text

    first, *others = verdict(found)
    parts: list[RenderableType] = [
        Text(found.scenario.name, style="bold"),
        Text(" · ".join(subtitle(found)), style="dim"),
        Text(),
        Text(first, style="bold"),
        *map(Text, others),
    ]
    if len(found.objectives) > 1:
        lines = []
        for one in found.finalists[:N_TERMINAL]:
            cells = [
                level(mean.mean, kind_of(name))
                for mean, name in zip(one.level, found.objectives, strict=True)
            ]
            lines.append([*values(found, one.trial), *cells, "no" if one.is_dominated else "yes"])
        heading = (*labels(found), *(figures.named(found, name) for name in found.objectives), "holds")
        parts += [Text(), Grid(heading, lines, ())]
        if len(found.finalists) > N_TERMINAL:
            parts.append(
                Text(f"{len(found.finalists) - N_TERMINAL} more: --out DIR, optimize.html", style="dim")
            )
    return Group(*parts)


def optimize_markdown(found: Optimum) -> str:
    """The result as Markdown, for `summary.md`."""
    parts = [f"# {md(found.scenario.name)}: optimum", md(" · ".join(subtitle(found)))]
    parts.append("\n".join(f"* {md(line)}" for line in verdict(found)))
    parts += ["## On fresh histories", md_table(heads(found), rows(found))]
    parts += ["## Every trial", md_table(trial_heads(found), trial_rows(found))]
    return "\n\n".join([*parts, md(_HOW)]) + "\n"


_HOW = (
    "Every trial meets the same histories, so trials differ by their settings and not by luck. The best of many "
    "trials owes part of its lead to chance all the same: settings that happen to suit these histories come "
    "first. So the winners and the scenario as it is were run again on further histories, drawn from the same "
    "seed under numbers that no trial used; gains and their 95% intervals (Student's t, history by history) are "
    "of those alone."
)


def write_optimize_report(found: Optimum, path: str | Path) -> Path:
    """Write the page.

    Raises:
        OSError: the file cannot be written.
    """
    return write_page(optimize_page(found), path)


def optimize_page(found: Optimum) -> str:
    """The whole page as text."""
    title = f"{found.scenario.name} – optimum of {', '.join(figures.named(found, name) for name in found.objectives)}"
    facts = escape(" · ".join(subtitle(found)))
    header = f'<header><h1>{escape(title)}</h1><p class="facts">{facts}</p></header>'
    return document(title, header, [make(found) for make in SECTIONS])


def winners(found: Optimum) -> Section:
    """What is best, on fresh histories."""
    words = "".join(map(paragraph, verdict(found)))
    drawn = figure(figures.front(found)) if len(found.objectives) > 1 else ""
    columns = [Column(head, place > 0) for place, head in enumerate(heads(found))]
    caption = f"On {found.fresh} histories that the search has not seen; gain over the scenario as it is"
    return Section("winners", "What is best", words + drawn + table(caption, columns, rows(found)))


def search(found: Optimum) -> Section:
    """How the search went: its history, and each setting against the objectives."""
    drawn = [figures.history(found), *figures.slices(found)] if found.worth() else []
    return Section("search", "How the search went", "".join(map(figure, drawn)))


def every_trial(found: Optimum) -> Section:
    """Every trial as a row."""
    columns = [Column(head, place > 0) for place, head in enumerate(trial_heads(found))]
    many = len(found.trials) > N_ROWS
    caption = f"The best {N_ROWS:,} trials" if many else "On the histories of the search, the best first"
    return Section("trials", "Every trial", table(caption, columns, trial_rows(found)))


def method(found: Optimum) -> Section:
    """How the numbers were made, and what they do not say."""
    first = "the scenario as it is and " if found.starts_as_it_is else ""
    sampler = (
        f"The first trials are {first}points at random; from then on Optuna's TPE sampler draws where good trials are "
        "dense and bad ones are not."
    )
    return Section("method", "How it was done", paragraph(_HOW) + paragraph(sampler, "note"))


def scenario(found: Optimum) -> Section:
    """What was varied, and the whole scenario as it is."""
    lines = []
    for factor in found.factors:
        if factor.span is None:
            lines.append([factor.key, ", ".join(factor.values)])
        else:
            low, high = (
                setting(factor.key, factor.span.exactly(end)) for end in (factor.span.low, factor.span.high)
            )
            lines.append([factor.key, f"{low} to {high}"])
    varied = table("What was varied", (Column("key"), Column("values")), lines)
    text = details("Scenario as it is, every value", found.scenario.resolved_text)
    return Section("scenario", "Scenario", varied + text)


SECTIONS: tuple[Callable[[Optimum], Section], ...] = (winners, search, every_trial, method, scenario)
"""The page in its order: a new section is one function and one line here."""
