"""Index maps against the pairs that their definitions list, one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ras_sim.topology import Blocks, Explicit, IndexMap, Peers, RailPeers, Rails, identity

Pairs = set[tuple[int, int]]
size = st.integers(1, 5)


@st.composite
def blocks(draw: st.DrawFn) -> tuple[IndexMap, Pairs]:
    a, b, n_blocks = draw(size), draw(size), draw(size)
    n_sources = a * (n_blocks - 1) + draw(st.integers(1, a))
    n_targets = b * (n_blocks - 1) + draw(st.integers(1, b))
    pairs = {(i, t) for i in range(n_sources) for t in range(n_targets) if i // a == t // b}
    return Blocks(a, b, n_sources, n_targets), pairs


@st.composite
def peers(draw: st.DrawFn) -> tuple[IndexMap, Pairs]:
    k, n = draw(size), draw(st.integers(1, 12))
    return Peers(k, n), {(i, t) for i in range(n) for t in range(n) if i != t and i // k == t // k}


@st.composite
def rails(draw: st.DrawFn) -> tuple[IndexMap, Pairs]:
    width, depth, n_targets = draw(size), draw(size), draw(st.integers(1, 40))
    n_pods = -(-n_targets // (width * depth))
    pairs = {(t // (width * depth) * width + t % width, t) for t in range(n_targets)}
    return Rails(width, depth, n_pods * width, n_targets), pairs


@st.composite
def rail_peers(draw: st.DrawFn) -> tuple[IndexMap, Pairs]:
    width, depth, group, n = draw(size), draw(size), draw(size), draw(st.integers(1, 40))

    def place(i: int) -> tuple[int, int, int]:
        block, in_block = divmod(i, width * depth)
        return block, in_block // width // group, i % width

    pairs = {(i, t) for i in range(n) for t in range(n) if i != t and place(i) == place(t)}
    return RailPeers(width, depth, group, n), pairs


@st.composite
def explicit(draw: st.DrawFn) -> tuple[IndexMap, Pairs]:
    n_sources, n_targets = draw(size), draw(size)
    pair = st.tuples(st.integers(0, n_sources - 1), st.integers(0, n_targets - 1))
    pairs = draw(st.lists(pair, unique=True))
    sources, targets = (np.array([p[end] for p in pairs], np.int64) for end in (0, 1))
    return Explicit.from_pairs(sources, targets, n_sources, n_targets), set(pairs)


@given(st.one_of(blocks(), peers(), rails(), rail_peers(), explicit()), st.data())
def test_map_answers_as_its_pairs_do(map_and_pairs: tuple[IndexMap, Pairs], data: st.DataObject) -> None:
    index, pairs = map_and_pairs
    for i in range(index.n_source_ids):
        assert list(index.targets_of(i)) == sorted(t for s, t in pairs if s == i)
    for t in range(index.n_target_ids):
        sources = sorted(s for s, other in pairs if other == t)
        assert list(index.sources_of(t)) == sources
        assert index.n_sources(t) == len(sources)
    some = data.draw(st.lists(st.integers(0, index.n_source_ids - 1)))
    reached = index.targets(np.array(some, np.int64))
    assert reached.dtype == np.int64
    assert reached.tolist() == sorted({t for s, t in pairs if s in some})
    some = data.draw(st.lists(st.integers(0, index.n_target_ids - 1)))
    assert index.sources(np.array(some, np.int64)).tolist() == sorted({s for s, t in pairs if t in some})


@given(st.one_of(blocks(), peers(), rails(), rail_peers(), explicit()))
def test_fewest_sources_is_the_least_of_targets_that_have_any(map_and_pairs: tuple[IndexMap, Pairs]) -> None:
    index, pairs = map_and_pairs
    degrees = [sum(t == target for _, t in pairs) for target in range(index.n_target_ids)]
    assert index.fewest_sources == min((degree for degree in degrees if degree), default=0)


@given(st.one_of(blocks(), peers(), rails(), rail_peers()))
def test_period_repeats_the_map(map_and_pairs: tuple[IndexMap, Pairs]) -> None:
    index, pairs = map_and_pairs
    assert index.period is not None
    a, b = index.period
    assert all(s // a == t // b for s, t in pairs)
    first = {(s, t) for s, t in pairs if s < a and t < b}
    for j in range(min(index.n_source_ids // a, index.n_target_ids // b)):
        assert {(s - a * j, t - b * j) for s, t in pairs if s // a == j} == first


def test_identity_joins_equal_ids() -> None:
    assert [list(identity(3).targets_of(i)) for i in range(3)] == [[0], [1], [2]]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Blocks(0, 1, 1, 1),
        lambda: Blocks(1, 4, 3, 8),
        lambda: Peers(0, 4),
        lambda: Rails(4, 2, 5, 16),
        lambda: Rails(0, 2, 4, 16),
        lambda: RailPeers(2, 4, 0, 16),
        lambda: Explicit.from_pairs(np.array([0, 0]), np.array([1, 1]), 1, 2),
        lambda: Explicit.from_pairs(np.array([0]), np.array([2]), 1, 2),
        lambda: Explicit.from_pairs(np.array([0, 1]), np.array([2]), 2, 3),
    ],
)
def test_maps_that_do_not_fit_are_refused(make: object) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=r"got .*, want"):
        make()
