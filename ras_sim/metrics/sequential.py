"""When to look at a growing number of replications, and how strict to be at each look.

Whoever tests after every replication and stops at the first clear answer is wrong far more often than the test says. Here
the looks are few and fixed beforehand, and the probability of error is divided among them (Bonferroni): the probability
that any of the looks errs is at most the sum, whatever the dependence between looks and between expectations. Each is a
look at everything so far, at numbers of replications that double.

Source: docs/model.md, "Regression gate".
"""

from __future__ import annotations

from typing import Literal, TypeAlias

Verdict: TypeAlias = Literal["pass", "fail", "undecided"]

P_WRONG = 0.005
"""Probability that a scenario fails although all its expectations hold, at most; and that a violated one passes."""
FIRST_LOOK = 40
"""Fewer replications are a poor guide to their spread: goodput is skewed (docs/decisions/0021-regression-gate.md)."""


def looks(limit: int) -> tuple[int, ...]:
    """Numbers of replications to look at: the limit, half of it, ... down to no less than `FIRST_LOOK`.

    Args:
        limit: >= 2.

    >>> looks(640), looks(100), looks(30)
    ((40, 80, 160, 320, 640), (50, 100), (30,))
    """
    found = [limit]
    while found[0] // 2 >= FIRST_LOOK:
        found.insert(0, found[0] // 2)
    return tuple(found)


def p_of_each(n_looks: int, n_claims: int) -> float:
    """Probability of error to either side that one look at one claim may have.

    >>> p_of_each(5, 1)
    0.001
    """
    return P_WRONG / (n_looks * n_claims)


def verdict_of(low: float, high: float, at_least: float) -> Verdict:
    """What an interval of the truth says of a bound from below.

    >>> verdict_of(0.92, 0.94, 0.9), verdict_of(0.85, 0.89, 0.9), verdict_of(0.89, 0.94, 0.9)
    ('pass', 'fail', 'undecided')
    """
    if low >= at_least:
        return "pass"
    return "fail" if high < at_least else "undecided"
