"""Measuring: sides that take turns, round after round, and what came of it, as lines of a table."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

Side = Callable[[], float]
"""Works for one round; says how many things it did in a second."""

Rates = Mapping[str, tuple[float, ...]]
"""What each side did in a second, round by round."""


@dataclass(frozen=True)
class Effort:
    """How much is measured: how many rounds, and how much of the usual work in each."""

    rounds: int = 5
    share: float = 1.0

    def of(self, usual: int) -> int:
        """So many of a usual number of things."""
        return max(1, round(usual * self.share))


@dataclass(frozen=True)
class Line:
    """One line of the table: a figure, beside a peer's or below a bound, and what it should be.

    ``least`` is what the ratio to the peer must reach, ``most`` what the figure may be at most; a
    line without either is information. ``ratios`` are those of each round: the two sides of one
    were measured one right after the other, so that whatever the machine did otherwise hit both.
    """

    what: str
    ours: float
    unit: str = "/s"
    peer: str = ""
    theirs: float = 0.0
    ratios: tuple[float, ...] = ()
    least: float | None = None
    most: float | None = None

    @property
    def ratio(self) -> float | None:
        """Of a usual round; None where there is nothing to compare with."""
        return median(self.ratios) if self.ratios else None

    @property
    def is_reached(self) -> bool | None:
        """Whether it is as it should be; None where nothing is asked of it."""
        if self.least is not None:
            return self.ratio is not None and self.ratio >= self.least
        return None if self.most is None else self.ours <= self.most


def compared(what: str, rates: Rates, ours: str, peer: str, least: float | None = None) -> Line:
    """A line from two sides; the peer as ``side:how it is called``."""
    side, _, called = peer.partition(":")
    ratios = tuple(our / their for our, their in zip(rates[ours], rates[side], strict=True))
    return Line(
        what,
        median(rates[ours]),
        peer=called,
        theirs=median(rates[side]),
        ratios=ratios,
        least=least,
    )


def alternately(rounds: int, sides: Mapping[str, Side]) -> Rates:
    """Let the sides take turns, in one order and then in the other.

    The first turn of each only warms up: connections, prepared statements, caches.
    """
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        order = [*sides] if number % 2 else [*sides][::-1]
        for name in order:
            gc.collect()
            gc.freeze()  # what other sides have left lying about costs this one nothing
            rate = sides[name]()
            if number:
                rates[name].append(rate)
    return {name: tuple(found) for name, found in rates.items()}


@dataclass
class Watch:
    """A stop-watch that says how many things were done in a second."""

    seconds: float = 0.0

    def rate(self, count: int) -> float:
        return count / self.seconds


@contextmanager
def watched() -> Iterator[Watch]:
    """Take the time of a block."""
    watch, began = Watch(), time.perf_counter()
    try:
        yield watch
    finally:
        watch.seconds = time.perf_counter() - began
