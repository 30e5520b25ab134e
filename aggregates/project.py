"""项目: the basic unit of the budget, from its entry in the reserve to the money paid on it."""

from __future__ import annotations

from dataclasses import dataclass

from aggregates.accountable import Accountable


@dataclass
class Project(Accountable, kind="project"):
    """项目: what its rules must look at; what people want to read is in ``projections``."""
