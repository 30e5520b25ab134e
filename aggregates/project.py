"""项目: the basic unit of the budget, from its entry in the reserve to the money paid on it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date

from aggregates.accountable import Accountable
from aggregates.lines import Funding, Line
from aggregates.values import Fen, Grade, ProjectClass


@dataclass
class ExAnte:
    """事前绩效评估: how often it was concluded, how the last one ended, what it still waits for."""

    rounds: int = 0
    grade: Grade | None = None
    has_open_condition: bool = False

    @property
    def is_concluded(self) -> bool:
        return self.rounds > 0

    @property
    def is_favourable(self) -> bool:
        return self.grade in (Grade.EXCELLENT, Grade.GOOD)

    @property
    def is_adverse(self) -> bool:
        return self.grade == Grade.POOR


@dataclass
class Project(Accountable, kind="project"):
    """项目: what its rules must look at; what people want to read is in ``projections``."""

    project_class: ProjectClass = ProjectClass.SPECIFIC_TARGET
    demanded: Fen = Fen(0)
    is_new_and_major: bool = False
    is_in_reserve: bool = False
    is_admitted: bool = False
    ex_ante: ExAnte = field(default_factory=ExAnte)
    funding: Funding = field(default_factory=Funding)

    @property
    def is_entered(self) -> bool:
        return self.is_in_reserve

    @property
    def lacks_ex_ante(self) -> bool:
        """New, major, and nobody has yet asked whether it is worth its money."""
        return self.is_new_and_major and not self.ex_ante.is_concluded

    def line(self, year: int, id: str, on: date) -> Line | None:
        """An approved fund line with what is held back of it on a day."""
        approved = self.year(year).line(id)
        return None if approved is None else self.funding.line(year, approved, on)

    def needs_goal(self, classes: Collection[ProjectClass]) -> bool:
        """Personnel and public operating costs usually need none."""
        return self.project_class in classes
