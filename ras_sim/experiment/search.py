"""The search itself: Optuna asks for points, the runs tell what they are worth.

Points are asked for in batches of one size whatever the number of workers, and told in the order of their numbers: the
search depends on the seed and on the results alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ras_sim.errors import InputError, Problem
from ras_sim.experiment.factors import Factor, Row, Span
from ras_sim.streams import stream

if TYPE_CHECKING:
    from optuna.trial import Trial as Asked

BATCH = 4
"""Points that are asked for together: results of one are no help for the others of its batch, so few; and their
replications share the processes, so not one (assumed). It changes which points are tried, so it is no option."""
N_RANDOM = 10
"""Points at random before the sampler learns (the default of Optuna's TPE)."""
_LOG_FROM = 10.0
"""A range whose ends differ by this factor or more is searched in the logarithm."""


class Search:
    """A study of Optuna under way.

    Args:
        factors: what is varied: values, or a range.
        signs: of each objective 1 if more is better, -1 if less is.
        seed: the user's.
        start: values of the factors to try first; None starts at random.
    """

    def __init__(
        self, factors: Sequence[Factor], signs: Sequence[int], seed: int, start: Sequence[object] | None
    ) -> None:
        optuna = _optuna()
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._factors, self._start = factors, start or (None,) * len(factors)
        self._asked: list[Asked] = []
        with _without_notices():
            sampler = optuna.samplers.TPESampler(
                seed=1 + int(stream(seed, 0, "optimize.sampler").integers(2**31 - 2)),
                n_startup_trials=N_RANDOM,
                multivariate=True,
                constant_liar=True,
            )
        directions = ["maximize" if sign > 0 else "minimize" for sign in signs]
        self._study = optuna.create_study(directions=directions, sampler=sampler)
        if start is not None:
            keys = [factor.key for factor in factors]
            self._study.enqueue_trial(dict(zip(keys, start, strict=True)))

    def ask(self, n: int) -> list[Row]:
        """The next n points, as the values are written in a scenario."""
        with _without_notices():
            self._asked = [self._study.ask() for _ in range(n)]
            pairs = list(zip(self._factors, self._start, strict=True))
            return [tuple(_suggested(trial, *pair) for pair in pairs) for trial in self._asked]

    def tell(self, outcomes: Sequence[Sequence[float] | None]) -> None:
        """What the points that were asked for last are worth; None for one that is no scenario."""
        from optuna.trial import TrialState

        with _without_notices():
            for trial, outcome in zip(self._asked, outcomes, strict=True):
                if outcome is None:
                    self._study.tell(trial, state=TrialState.FAIL)
                else:
                    self._study.tell(trial, list(outcome))


def is_log(span: Span) -> bool:
    """Whether a range is searched in the logarithm."""
    return span.low > 0 and span.high >= _LOG_FROM * span.low


def _suggested(trial: Asked, factor: Factor, start: object) -> str:
    span = factor.span
    if span is None:
        return str(trial.suggest_categorical(factor.key, factor.values))
    if span.is_whole:
        return str(trial.suggest_int(factor.key, int(span.low), int(span.high), log=is_log(span)))
    value = trial.suggest_float(factor.key, span.low, span.high, log=is_log(span))
    return span.exactly(value) if value == start else span.written(value)


def _optuna() -> Any:
    """Optuna.

    Raises: InputError if it is not installed.
    """
    try:
        import optuna
    except ImportError:
        hint = "pip install 'ras-sim[optimize]'"
        raise InputError(
            [Problem("", None, None, "optimize", "no Optuna", "the package optuna", hint)]
        ) from None
    return optuna


@contextmanager
def _without_notices() -> Iterator[None]:
    """Leave out Optuna's notices that a setting may change in a later version: the lock file holds the version."""
    from optuna.exceptions import ExperimentalWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        yield
