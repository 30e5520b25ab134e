"""The table of a benchmark says what was measured, and marks what is not as it should be."""

from __future__ import annotations

import pytest

from tests.bench.measuring import Effort, Line, alternately, compared
from tests.bench.table import cells


def test_sides_take_turns_and_the_first_turn_only_warms_up() -> None:
    turns: list[str] = []

    def side(name: str, rate: float) -> float:
        turns.append(name)
        return rate

    rates = alternately(2, {"ours": lambda: side("ours", 10), "its": lambda: side("its", 5)})
    assert turns == ["its", "ours", "ours", "its", "its", "ours"]
    assert rates == {"ours": (10, 10), "its": (5, 5)}


def test_a_line_compares_round_by_round() -> None:
    """Here the machine was at half its speed in two of three rounds."""
    rates = {"ours": (10.0, 30.0, 15.0), "its": (5.0, 10.0, 5.0)}
    line = compared("one each", rates, "ours", "its:library", 1.5)
    assert (line.ours, line.peer, line.theirs) == (15, "library", 5)
    assert (line.ratio, line.ratios) == (3, (2, 3, 3))


@pytest.mark.parametrize(
    ("line", "mark"),
    [
        (Line("rate", 15, peer="its", theirs=10, ratios=(1.5,), least=1.5), "[green]✓"),
        (Line("rate", 14, peer="its", theirs=10, ratios=(1.4,), least=1.5), "[red]✗"),
        (Line("rate", 14, peer="its", theirs=10, ratios=(1.4,)), ""),
        (Line("memory", 300, unit="MB", most=300), "[green]✓"),
        (Line("memory", 301, unit="MB", most=300), "[red]✗"),
    ],
)
def test_what_is_not_as_it_should_be_is_marked(line: Line, mark: str) -> None:
    assert cells(line)[-1] == mark


def test_a_small_effort_still_does_something() -> None:
    assert Effort(share=0.2).of(10) == 2
    assert Effort(share=0.2).of(1) == 1
