"""Every draw has an address: the same address gives the same number, different addresses unrelated ones."""

from __future__ import annotations

import math
import subprocess
import sys
from itertools import product

import numpy as np
import pytest
from scipy import stats

from ras_sim.streams import base_key, child_key, stream, uniform

MASK = 2**64 - 1
KEY = base_key(1, 0, "test", "gpu", "due")


def correlation_z(a: np.ndarray, b: np.ndarray) -> float:
    """Correlation of two samples of equal length in standard errors (1/sqrt(n) if they are independent)."""
    return float(np.corrcoef(a, b)[0, 1]) * math.sqrt(len(a))


def inverse_splitmix(word: int) -> int:
    """The state that the splitmix64 finaliser maps to a word."""

    def unshift(value: int, shift: int) -> int:
        result = value
        while value:
            value >>= shift
            result ^= value
        return result

    word = unshift(word, 31) * pow(0x94D049BB133111EB, -1, 2**64) & MASK
    word = unshift(word, 27) * pow(0xBF58476D1CE4E5B9, -1, 2**64) & MASK
    return unshift(word, 30)


def test_uniform_is_the_published_splitmix64() -> None:
    published = (6457827717110365317, 3203168211198807973, 9817491932198370423)  # seed 1234567
    assert [uniform(1234567, i) for i in (1, 2, 3)] == [(word >> 11) * 2.0**-53 for word in published]


def test_uniform_stays_inside_the_open_interval() -> None:
    assert uniform(inverse_splitmix(0)) == 2.0**-53
    assert uniform(inverse_splitmix(MASK)) == 1.0 - 2.0**-53


def test_values_are_the_same_on_every_machine_and_in_every_process() -> None:
    code = (
        "from ras_sim.streams import *; import sys; k = base_key(7, 3, 'life', 'gpu', 'due');"
        "print(k, child_key(k, 17, 2), uniform(k, 5), stream(7, 3, 'life', 'gpu').integers(2**62));"
        "print('scipy' in sys.modules)"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1
    numbers, scipy_loaded = runs.pop().splitlines()
    assert numbers == GOLDEN
    assert scipy_loaded == "False"


GOLDEN = "12198177642922030654 9580727921191928509 0.5927357120326958 2440695737460006658"


@pytest.mark.parametrize(
    "draws",
    [
        pytest.param([uniform(KEY, i) for i in range(20_000)], id="ordinals"),
        pytest.param([uniform(child_key(KEY, i)) for i in range(20_000)], id="instances"),
        pytest.param([uniform(child_key(KEY, i, 3), 1) for i in range(20_000)], id="third lives"),
        pytest.param([uniform(base_key(seed, 0, "test")) for seed in range(20_000)], id="seeds"),
        pytest.param([uniform(base_key(1, rep, "test")) for rep in range(20_000)], id="replications"),
        pytest.param([uniform(i) for i in range(20_000)], id="raw keys in sequence"),
        pytest.param([float(stream(1, 0, "x", instance=i).random()) for i in range(5_000)], id="streams"),
    ],
)
def test_draws_are_uniform_and_serially_independent(draws: list[float]) -> None:
    sample = np.array(draws)
    assert stats.kstest(sample, "uniform").pvalue > 1e-4
    for lag in (1, 2, 3, 8, 64):
        assert abs(correlation_z(sample[:-lag], sample[lag:])) < 4.5
    pairs = np.histogram2d(sample[:-1:2], sample[1::2], bins=10, range=[[0, 1], [0, 1]])[0]
    assert stats.chisquare(pairs.ravel()).pvalue > 1e-4


def test_neighbours_never_share_a_key() -> None:
    grid = [child_key(KEY, instance, life) for instance, life in product(range(400), range(400))]
    assert len(set(grid)) == len(grid)
    assert len({child_key(KEY, i) for i in range(200_000)}) == 200_000
    assert len({uniform(KEY, i) for i in range(200_000)}) == 200_000


def test_child_keys_walk_one_ordinal_at_a_time() -> None:
    assert child_key(KEY) == KEY
    assert child_key(KEY, 3, 5) == child_key(child_key(KEY, 3), 5)
    assert child_key(KEY, 3, 5) != child_key(KEY, 5, 3)
    assert child_key(KEY, 0) != KEY


def test_a_flipped_bit_of_the_key_flips_half_of_the_child() -> None:
    flips = [
        (child_key(KEY ^ (1 << bit), i) ^ child_key(KEY, i)).bit_count()
        for bit in range(64)
        for i in range(100)
    ]
    assert abs(np.mean(flips) - 32.0) / (4.0 / math.sqrt(len(flips))) < 4.5  # binomial(64, 1/2): sd 4


@pytest.mark.parametrize(
    "other", [("purpose", "y"), ("cls", "hbm"), ("mode", "sram"), ("seed", 2), ("replication", 1)]
)
def test_changing_any_word_of_the_address_gives_unrelated_draws(other: tuple[str, object]) -> None:
    address: dict[str, object] = {"seed": 1, "replication": 0, "purpose": "x", "cls": "gpu", "mode": "due"}
    changed = {**address, other[0]: other[1]}
    key_a, key_b = base_key(**address), base_key(**changed)  # type: ignore[arg-type]
    scalar = [np.array([uniform(child_key(key, i)) for i in range(20_000)]) for key in (key_a, key_b)]
    vector = [stream(**words).random(20_000) for words in (address, changed)]  # type: ignore[arg-type]
    assert abs(correlation_z(*scalar)) < 4.5
    assert abs(correlation_z(*vector)) < 4.5
    assert not np.any(vector[0] == vector[1])


def test_a_child_key_and_the_uniform_of_the_same_ordinal_are_unrelated() -> None:
    children = np.array([child_key(KEY, i) * 2.0**-64 for i in range(20_000)])
    draws = np.array([uniform(KEY, i) for i in range(20_000)])
    assert abs(correlation_z(children, draws)) < 4.5


def test_a_stream_starts_again_at_every_call_and_slots_do_not_depend_on_the_count() -> None:
    assert np.array_equal(stream(1, 0, "x").random(10), stream(1, 0, "x").random(20)[:10])
    assert stream(np.int64(1), np.int32(0), "x").random() == stream(1, 0, "x").random()  # type: ignore[arg-type]


def test_instances_and_ordinals_have_their_own_streams() -> None:
    firsts = {float(stream(1, 0, "x", "gpu", "m", i, j).random()) for i, j in product(range(30), range(30))}
    assert len(firsts) == 900


def test_no_two_addresses_share_an_encoding() -> None:
    words = ["", "a", "b", "ab", "1", "1:a", "0:", "2:ab", "é"]
    addresses = list(product((0, 1, 11), (0, 1, 11), words, words, words))
    assert len({base_key(*address) for address in addresses}) == len(addresses)


def test_a_fractional_seed_is_refused() -> None:
    with pytest.raises(TypeError):
        stream(1.5, 0, "x")  # type: ignore[arg-type]
