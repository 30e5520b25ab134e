"""分解: a published total divided among things of which the paper says nothing.

Everything is drawn from a name, so that every machine and every run divides alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from itertools import accumulate, pairwise
from typing import TypeVar

T = TypeVar("T")


def draw(name: str, sides: int) -> int:
    """A number below ``sides`` that depends on nothing but the name."""
    return int.from_bytes(sha256(name.encode()).digest()[:8], "big") % sides


def pick(name: str, choices: Sequence[T]) -> T:
    """One of these, by name; repeat a choice to make it likelier."""
    return choices[draw(name, len(choices))]


def digest(name: str) -> str:
    """The SHA-256 that stands for a paper which the demonstration does not have."""
    return sha256(f"wenxiao demo: {name}".encode()).hexdigest()


def uneven(name: str, parts: int) -> list[int]:
    """Weights of many small things and a few large ones."""
    return [(50 + draw(f"{name}/{part}", 950)) ** 2 for part in range(parts)]


def split(whole: int, weights: Sequence[int], grain: int = 1) -> list[int]:
    """Divide a whole by weight into multiples of a grain; the parts sum to it exactly.

    Raises ``ValueError`` for a whole that is no multiple of the grain.
    """
    grains, rest = divmod(whole, grain)
    if rest:
        raise ValueError(f"{whole} is no multiple of {grain}")
    heaviness = sum(weights)
    marks = (grains * upto // heaviness for upto in accumulate(weights))
    return [(upto - before) * grain for before, upto in pairwise((0, *marks))]
