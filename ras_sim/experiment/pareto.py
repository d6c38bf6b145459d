"""Which of many outcomes nobody would give up for another: the Pareto front."""

from __future__ import annotations

from collections.abc import Sequence


def dominates(one: Sequence[float], other: Sequence[float], signs: Sequence[int]) -> bool:
    """Whether one outcome is at least as good as another in every objective, and better in one.

    Args:
        one, other: a value for each objective.
        signs: of each objective 1 if more is better, -1 if less is.

    >>> dominates((0.9, 3.0), (0.8, 3.0), (1, -1)), dominates((0.9, 3.0), (0.8, 2.0), (1, -1))
    (True, False)
    """
    gains = [sign * (a - b) for a, b, sign in zip(one, other, signs, strict=True)]
    return min(gains) >= 0 and max(gains) > 0


def front(outcomes: Sequence[Sequence[float]], signs: Sequence[int]) -> list[int]:
    """Places of the outcomes that no other dominates, the best in the first objective first; of equal ones the first.

    Args:
        outcomes: a value for each objective.
        signs: of each objective 1 if more is better, -1 if less is.

    >>> front([(1.0, 5.0), (2.0, 5.0), (3.0, 9.0), (3.0, 9.0)], (1, -1))
    [2, 1]
    """
    kept: list[int] = []
    for place, one in enumerate(outcomes):
        rivals = (other for k, other in enumerate(outcomes) if k != place)
        if not any(dominates(other, one, signs) for other in rivals) and not any(
            tuple(outcomes[k]) == tuple(one) for k in kept
        ):
            kept.append(place)
    return sorted(
        kept, key=lambda place: [-sign * value for sign, value in zip(signs, outcomes[place], strict=True)]
    )
