"""Who and what the doors' stories are about: two bureaus, a school, a project of each."""

from __future__ import annotations

from aggregates.goal import GoalSubmitted
from aggregates.project import Project
from aggregates.reserve import ProjectReserved
from aggregates.unit import Unit, UnitRegistered
from aggregates.values import Fen, ProjectClass
from tests.doors.asking import AtTheOffice

EDUCATION = UnitRegistered("县教育局", "", 1)
SCHOOL = UnitRegistered("第一中学", "105", 2)
CULTURE = UnitRegistered("县文旅局", "", 1)


def reserved(unit: str, demanded: int = 1_200_000_00) -> ProjectReserved:
    return ProjectReserved(
        name=f"{unit} 的项目",
        unit=unit,
        project_class=ProjectClass.SPECIFIC_TARGET,
        first_year=2021,
        last_year=2022,
        is_new=True,
        is_major=False,
        demanded=Fen(demanded),
    )


def goal(declared: int, version: int = 1) -> GoalSubmitted:
    return GoalSubmitted(
        year=2021,
        version=version,
        submitter="p1",
        objective="新建校舍",
        indicators=(),
        lines=(),
        tasks=(),
        plan="",
        declared=Fen(declared),
    )


def registered(office: AtTheOffice) -> AtTheOffice:
    """The bureau of education with a school below it, and the bureau of culture beside it."""
    office.given(Unit, EDUCATION, code="105")
    office.given(Unit, SCHOOL, code="105001")
    office.given(Unit, CULTURE, code="106")
    office.given(Project, reserved("105001"), goal(1_000_000_05), code="school")
    office.given(Project, reserved("106"), code="museum")
    return office
