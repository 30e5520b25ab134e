"""指标: a published figure beside the one that the records give.

A figure is *fitted* where the generator divided the published total itself: that it comes back
shows that nothing was lost. It is *derived* where rules or arithmetic lead to it from other inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from service.demo.evidence import Evidence, Found


class Kind(Enum):
    """How a figure comes about, and the mark that it earns by coming out right."""

    FITTED = "="
    DERIVED = "✓"


WRONG = "✗"


@dataclass(frozen=True)
class Figure:
    """指标: what it is called, what was published and where, and how it is recomputed."""

    label: str
    published: str
    source: str
    kind: Kind
    recompute: Callable[[Evidence], Found]

    def checked(self, evidence: Evidence) -> Checked:
        found = self.recompute(evidence)
        return Checked(self, found, found.value == self.published)


@dataclass(frozen=True)
class Checked:
    """核对结果: a figure held against what the records gave."""

    figure: Figure
    found: Found
    is_right: bool

    @property
    def mark(self) -> str:
        return self.figure.kind.value if self.is_right else WRONG


def fitted(
    label: str, published: str, source: str, recompute: Callable[[Evidence], Found]
) -> Figure:
    return Figure(label, published, source, Kind.FITTED, recompute)


def derived(
    label: str, published: str, source: str, recompute: Callable[[Evidence], Found]
) -> Figure:
    return Figure(label, published, source, Kind.DERIVED, recompute)


def check(figures: Sequence[Figure], evidence: Evidence) -> list[Checked]:
    return [figure.checked(evidence) for figure in figures]
