"""Every word of the ledger has a colour and a name; no two categories look alike to anybody."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from ras_sim.ledger import CATEGORIES
from ras_sim.report import style

# Machado, Oliveira & Fernandes (2009), severity 1.0, on linear RGB.
SIGHT = {
    "normal": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}

# Ottosson (2020), "A perceptual color space for image processing".
TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def oklab(colour: str, sight: str) -> NDArray[np.float64]:
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(SIGHT[sight]) @ linear, 0, 1)
    return np.asarray(TO_LAB @ np.cbrt(TO_LMS @ seen), dtype=np.float64)


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize(
    ("colours", "least"),
    [(style.CATEGORY_COLOURS, 0.08), (style.OUTCOME_COLOURS, 0.08), (style.EFFECT_COLOURS, 0.08)],
    ids=["categories", "outcomes", "effects"],
)
def test_colours_are_far_apart(sight: str, colours: dict[str, str], least: float) -> None:
    for (one, a), (other, b) in combinations(colours.items(), 2):
        assert np.linalg.norm(oklab(a, sight) - oklab(b, sight)) > least, (one, other)


def test_every_category_has_colour_name_and_meaning() -> None:
    for table in (style.CATEGORY_COLOURS, style.CATEGORY_LABELS, style.CATEGORY_MEANINGS):
        assert tuple(table) == CATEGORIES


def test_outcomes_and_effects_have_names_and_shapes() -> None:
    assert style.OUTCOME_COLOURS.keys() == style.OUTCOME_LABELS.keys()
    assert style.EFFECT_COLOURS.keys() == style.EFFECT_LABELS.keys() == style.EFFECT_SYMBOLS.keys()
    assert len(set(style.EFFECT_SYMBOLS.values())) == len(style.EFFECT_SYMBOLS)
