"""项目库: a project is entered in the reserve, and admitted when money may be arranged for it."""

from __future__ import annotations

from aggregates.base import Fact
from aggregates.project import Project
from aggregates.values import Fen, ProjectClass


class ProjectReserved(
    Fact[Project],
    topic="project.reserved",
    says="{name} 入储备（{project_class}），申请资金 {demanded:yuan}",
):
    """项目入储备: a unit's project is known from here on, by a code that never changes."""

    name: str
    unit: str
    project_class: ProjectClass
    first_year: int
    last_year: int
    is_new: bool
    is_major: bool
    demanded: Fen

    def apply(self, project: Project, /) -> None:
        project.is_in_reserve = True
        project.unit = self.unit
        project.project_class = self.project_class
        project.is_new_and_major = self.is_new and self.is_major
        project.demanded = self.demanded


class ProjectAdmitted(
    Fact[Project],
    topic="project.admitted",
    says="纳入项目库（{year} 年度，目标第 {goal_version} 版）",
):
    """纳入项目库: money may be arranged for the project.

    ``goal_version`` is the version that had passed review; 0 where the class needs no goal.
    """

    year: int
    goal_version: int

    def apply(self, project: Project, /) -> None:
        project.is_admitted = True
