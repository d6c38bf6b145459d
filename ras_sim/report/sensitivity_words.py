"""How each method of `ras-sim sensitivity` works and what it does not say, for pages and summaries."""

from __future__ import annotations

from collections.abc import Mapping

EXPLAINED: Mapping[str, tuple[str, ...]] = {
    "tornado": (
        "Each number goes to the ends of its range while the others stay as they are. Every run meets the same "
        "histories, so the differences are of the number and not of other failures. The swing is the largest less "
        "the smallest of three means: low, as it is, high. Its interval is Student's t of the differences of the "
        "two, history by history, widened for having picked two of three.",
        "A tornado does not see what two numbers do together, nor what happens between the ends: --method morris "
        "or sobol does.",
    ),
    "morris": (
        "Morris (1991): walks through all ranges at once, one number moving at a time. mu* is the mean size of "
        "what a number moves the metric by over its whole range, mu keeps the sign, and sigma is their spread: as "
        "large as mu* means that the effect depends on the others, or is no straight line.",
        "Two 95% intervals stand behind an index. Points: other walks would give other indices (bootstrap). "
        "Histories: all points meet the same histories, so what those have in common cancels, and the indices are "
        "those of the mean over just these; the jackknife over histories says how far others would move them. "
        "Luck that differs from point to point looks like a bend: it is part of sigma.",
    ),
    "sobol": (
        "Sobol's indices (Saltelli 2010) divide the variance of the metric over all ranges at once. S1 is the "
        "share that would go if a number were known: what it does by itself. ST is the share that would stay if "
        "all others were known: what it does by itself and together with them.",
        "Two 95% intervals stand behind an index. Points: other samples would give other indices (bootstrap). "
        "Histories: all points meet the same histories, so what those have in common cancels, and the indices are "
        "those of the mean over just these; the jackknife over histories says how far others would move them. "
        "Luck that differs from point to point counts as numbers acting together: it is in ST, not in S1.",
    ),
}
"""Method -> paragraphs, the first one about what it does."""
