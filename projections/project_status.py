"""项目现状: whose project it is, what was asked for it, and what its unit still has to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import sqlalchemy as sa

from aggregates.base import Record
from aggregates.exante import ExAnteConditionMet, ExAnteEvaluationConcluded
from aggregates.project import Project
from aggregates.reserve import ProjectAdmitted, ProjectReserved
from aggregates.values import Grade, ProjectClass
from projections.changes import Rows
from projections.standing import AccountableRow, StandingModel
from projections.unit_status import UNITS, UnitStatusModel


@dataclass
class ProjectStatus(AccountableRow):
    """项目现状: the unit that answers for it, its entry in the reserve, its ex-ante evaluation."""

    name: str = ""
    unit: str = ""
    project_class: ProjectClass | None = None
    first_year: int | None = None
    last_year: int | None = None
    is_new: bool = False
    is_major: bool = False
    demanded: int = 0
    is_admitted: bool = False
    ex_ante_round: int = 0
    ex_ante_grade: Grade | None = None
    ex_ante_recommended: int | None = None
    has_open_condition: bool = False


class ProjectStatusModel(StandingModel[ProjectStatus], name="project_status", of=Project):
    """项目现状: one row per project."""

    INDEXES: ClassVar[tuple[tuple[str, ...], ...]] = (("unit",),)

    def reserved(self, rows: Rows[ProjectStatus], it: Record[ProjectReserved]) -> None:
        project, told = rows.only, it.fact
        project.name, project.unit, project.demanded = told.name, told.unit, told.demanded
        project.project_class = told.project_class
        project.first_year, project.last_year = told.first_year, told.last_year
        project.is_new, project.is_major = told.is_new, told.is_major

    def admitted(self, rows: Rows[ProjectStatus], _: Record[ProjectAdmitted]) -> None:
        rows.only.is_admitted = True

    def ex_ante(self, rows: Rows[ProjectStatus], it: Record[ExAnteEvaluationConcluded]) -> None:
        project, told = rows.only, it.fact
        project.ex_ante_round, project.ex_ante_grade = told.round, told.grade
        project.ex_ante_recommended = told.recommended
        project.has_open_condition = bool(told.condition)

    def condition_met(self, rows: Rows[ProjectStatus], _: Record[ExAnteConditionMet]) -> None:
        rows.only.has_open_condition = False

    @property
    def register(self) -> UnitStatusModel:
        return UNITS

    def answered_by(self, units: sa.Select[tuple[str]]) -> sa.ColumnElement[bool]:
        return self.table.c.unit.in_(units)


PROJECTS = ProjectStatusModel()
