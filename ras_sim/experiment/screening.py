"""Morris screening and Sobol indices, by SALib: which of many uncertain numbers matter over their whole ranges.

Both look at y(x), the mean of a metric over some histories, at x in the unit cube; x_i is the place of number i in its
range. Every point meets the same histories: what they have in common moves no index, and the indices are those of the
mean over just these histories. The jackknife over histories (`Index.histories`) says how far others would move them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ras_sim.errors import InputError, Problem
from ras_sim.metrics.estimates import CONFIDENCE, t_quantile
from ras_sim.streams import stream

N_LEVELS = 4
"""Places in each range that a Morris trajectory visits: 0, 1/3, 2/3, 1."""
N_RESAMPLES = 1000
"""Bootstrap samples behind an interval."""

Array = NDArray[np.float64]
Analysis = Callable[[Array, int], dict[str, Array]]
"""Responses, bootstrap samples -> indices by name, and `NAME_conf` the half-width of their 95% intervals."""


@dataclass(frozen=True, slots=True)
class Index:
    """An index of one number.

    Args:
        value: the index; None where nothing varies.
        sampling: half-width of its 95% interval from the points that were drawn (bootstrap); None where there is none.
        histories: half-width of its 95% interval from the histories (jackknife); None for one history.
    """

    value: float | None
    sampling: float | None
    histories: float | None

    def to_json(self) -> dict[str, float | None]:
        """Plain values."""
        return {"value": self.value, "sampling95": self.sampling, "histories95": self.histories}


@dataclass(frozen=True, slots=True)
class Screening:
    """Indices of all numbers.

    Args:
        indices: name (mu_star, mu, sigma; S1, ST) -> one for each number.
        luck_share: part of the variance of the response over the points that other histories would draw anew; None
            for one history, and where nothing varies.
    """

    indices: dict[str, tuple[Index, ...]]
    luck_share: float | None

    @property
    def main(self) -> str:
        """The index that ranks the numbers."""
        return "mu_star" if "mu_star" in self.indices else "ST"

    def may_be_luck(self, place: int) -> bool:
        """True if other histories could bring nothing in place of this number's main index: the interval from the histories
        holds 0; or, for a share of the variance, luck has as much of it as the number: shares sum to 1 even of pure luck.
        """
        one = self.indices[self.main][place]
        if not one.value or one.histories is None:
            return False
        is_share = self.main == "ST"
        return abs(one.value) <= one.histories or (is_share and (self.luck_share or 0.0) >= one.value)


def morris_points(n_numbers: int, n_trajectories: int, seed: int) -> Array:
    """Points of the unit cube, (n_trajectories * (n_numbers + 1), n_numbers): each trajectory moves every number once.

    Source: Morris, Technometrics 33 (1991).
    """
    _salib()
    from SALib.sample import morris

    found: Array = morris.sample(
        _problem(n_numbers), n_trajectories, num_levels=N_LEVELS, seed=_seed(seed, "points")
    )
    return found


def sobol_points(n_numbers: int, n_samples: int, seed: int) -> Array:
    """Points of the unit cube, (n_samples * (n_numbers + 2), n_numbers), for first and total indices.

    Args:
        n_samples: a power of 2, as Sobol's sequence is balanced at those only.

    Source: Saltelli et al., Computer Physics Communications 181 (2010).
    """
    _salib()
    from SALib.sample import sobol

    found: Array = sobol.sample(
        _problem(n_numbers), n_samples, calc_second_order=False, seed=_seed(seed, "points")
    )
    return found


def morris_indices(points: Array, by_history: Array, seed: int) -> Screening:
    """Elementary effects: mu_star the mean of their sizes, mu of themselves, sigma their spread.

    An effect is the change of the response over a whole range. A number with mu_star near 0 does not matter; sigma as
    large as mu_star says that its effect depends on the others, or is no straight line.

    Args:
        points: of `morris_points`.
        by_history: (n_points, n_histories) what each history adds to the response at each point.
        seed: the user's.
    """
    from SALib.analyze import morris

    problem = _problem(points.shape[1])

    def analyse(response: Array, n_resamples: int) -> dict[str, Array]:
        found: Mapping[str, Any] = morris.analyze(
            problem,
            points,
            response,
            num_resamples=n_resamples,
            num_levels=N_LEVELS,
            seed=_seed(seed, "bootstrap"),
        )
        return {
            name: np.asarray(found[name], dtype=np.float64)
            for name in ("mu_star", "mu", "sigma", "mu_star_conf")
        }

    return _with_intervals(analyse, ("mu_star", "mu", "sigma"), by_history, points.shape[1])


def sobol_indices(n_numbers: int, by_history: Array, seed: int) -> Screening:
    """Shares of the variance of the response: S1 by a number alone, ST with all that it does together with others.

    Args:
        n_numbers: how many are varied.
        by_history: (n_points, n_histories), as for `morris_indices`, at the points of `sobol_points`.
        seed: the user's.
    """
    from SALib.analyze import sobol

    problem = _problem(n_numbers)

    def analyse(response: Array, n_resamples: int) -> dict[str, Array]:
        found: Mapping[str, Any] = sobol.analyze(
            problem,
            response,
            calc_second_order=False,
            num_resamples=n_resamples,
            seed=_seed(seed, "bootstrap"),
        )
        return {
            name: np.asarray(found[name], dtype=np.float64) for name in ("S1", "S1_conf", "ST", "ST_conf")
        }

    return _with_intervals(analyse, ("S1", "ST"), by_history, n_numbers)


def _with_intervals(analyse: Analysis, names: Sequence[str], by_history: Array, n_numbers: int) -> Screening:
    """Indices of the mean over all histories, and over all but one of them for the jackknife."""
    response = by_history.mean(axis=1)
    if np.ptp(response) == 0:  # SALib would divide by the variance
        nothing = Index(None if "S1" in names else 0.0, None, None)
        return Screening(dict.fromkeys(names, (nothing,) * n_numbers), None)
    found = analyse(response, N_RESAMPLES)
    half = _jackknife(analyse, names, by_history)
    return Screening(
        {
            name: tuple(
                Index(
                    float(value),
                    float(found[f"{name}_conf"][i]) if f"{name}_conf" in found else None,
                    None if half is None else float(half[name][i]),
                )
                for i, value in enumerate(found[name])
            )
            for name in names
        },
        luck_share(by_history),
    )


def _jackknife(analyse: Analysis, names: Sequence[str], by_history: Array) -> dict[str, Array] | None:
    """Half-widths of 95% intervals from leaving out one history at a time; None if that leaves nothing to look at.

    se^2 = (n - 1) / n * sum over k of (index without k - their mean)^2.

    Source: Efron & Tibshirani, An Introduction to the Bootstrap (1993), chapter 11.
    """
    n = by_history.shape[1]
    means = [np.delete(by_history, k, axis=1).mean(axis=1) for k in range(n)] if n > 1 else []
    if not means or any(np.ptp(one) == 0 for one in means):
        return None
    left_out = [analyse(one, 2) for one in means]
    scale = t_quantile(n - 1, CONFIDENCE) * math.sqrt(n - 1)
    return {name: scale * np.std([one[name] for one in left_out], axis=0) for name in names}


def luck_share(by_history: Array) -> float | None:
    """Part of the variance of the response over points that is not the points' own but that of these histories.

    Two-way layout without replication: y_pk = mean + point_p + history_k + rest_pk. The variance over points of the mean
    over n histories holds var(rest) / n besides var(point).

    >>> luck_share(np.array([[1.0, 2.0], [3.0, 4.0]]))
    0.0
    """
    n_points, n = by_history.shape
    total = float(by_history.mean(axis=1).var(ddof=1))
    if n < 2 or n_points < 2 or total == 0:
        return None
    rest = by_history - by_history.mean(axis=1, keepdims=True) - by_history.mean(axis=0) + by_history.mean()
    variance = float((rest**2).sum()) / ((n_points - 1) * (n - 1))
    return float(min(1.0, variance / n / total))


def _problem(n_numbers: int) -> dict[str, Any]:
    """The unit cube, as SALib wants it."""
    return {
        "num_vars": n_numbers,
        "names": [f"x{i}" for i in range(n_numbers)],
        "bounds": [[0.0, 1.0]] * n_numbers,
    }


def _seed(seed: int, purpose: str) -> int:
    """A seed for SALib, which takes 0 for "any"."""
    return 1 + int(stream(seed, 0, f"sensitivity.{purpose}").integers(2**31 - 2))


def _salib() -> None:
    """Raise InputError unless SALib is installed."""
    try:
        import SALib.analyze.morris
        import SALib.analyze.sobol
        import SALib.sample.morris
        import SALib.sample.sobol  # noqa: F401 - all four or none
    except ImportError:
        hint = "pip install 'ras-sim[sensitivity]'"
        wanted = "the package SALib for morris and sobol"
        raise InputError([Problem("", None, None, "sensitivity", "no SALib", wanted, hint)]) from None
