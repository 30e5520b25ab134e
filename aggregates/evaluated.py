"""绩效评价: what one evaluation remembers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Evaluation:
    """绩效评价: one evaluation, from its report to the decision upon it."""

    id: str
