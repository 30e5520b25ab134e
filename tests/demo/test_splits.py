"""分解: totals come apart exactly, and the same way everywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.demo.splits import digest, draw, pick, split, uneven

WEIGHTS = st.lists(st.integers(0, 10**6), min_size=1, max_size=50).filter(any)


@given(st.integers(0, 10**12), WEIGHTS, st.sampled_from([1, 100_00, 10_000_00]))
def test_the_parts_sum_to_the_whole(grains: int, weights: list[int], grain: int) -> None:
    parts = split(grains * grain, weights, grain)
    assert sum(parts) == grains * grain
    assert len(parts) == len(weights)
    assert all(part >= 0 and part % grain == 0 for part in parts)


@given(st.integers(0, 10**12), WEIGHTS)
def test_a_part_is_within_one_of_its_weight(whole: int, weights: list[int]) -> None:
    for part, weight in zip(split(whole, weights), weights, strict=True):
        assert abs(part * sum(weights) - whole * weight) <= sum(weights)


def test_a_whole_that_does_not_come_apart_is_refused() -> None:
    with pytest.raises(ValueError, match="no multiple"):
        split(1_50, [1, 1], 1_00)


def test_what_is_drawn_depends_on_its_name_alone() -> None:
    assert [draw(f"die/{n}", 6) for n in range(8)] == [3, 3, 2, 5, 1, 4, 1, 3]
    assert pick("coin", "HT") == pick("coin", "HT")
    assert digest("plan") == digest("plan") != digest("minutes")
    assert min(uneven("any", 500)) >= 50**2
