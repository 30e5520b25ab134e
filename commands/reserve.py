"""项目库: a project enters the reserve; after its review it is admitted."""

from __future__ import annotations

from typing import Annotated

from aggregates.base import Severity
from aggregates.project import Project
from aggregates.reserve import ProjectAdmitted, ProjectReserved
from aggregates.roles import UNIT, Role
from aggregates.unit import Unit
from aggregates.values import Fen, ProjectClass, yuan
from commands.base import Case, Command, Rule, act
from commands.unit import check_speaker
from commands.vocabulary import BudgetYear, Name, UnitCode, Year

RESERVED_ONCE = Rule("reserve.reserved_once", "项目编码不得重复使用", basis="AN-06")
UNIT_IS_REGISTERED = Rule(
    "reserve.unit_is_registered", "申请单位须是已登记的预算单位", basis="SZ-11"
)
PERIOD_HAS_AN_ORDER = Rule(
    "reserve.period_has_an_order", "项目的结束年度不得早于起始年度", basis="财预〔2015〕88号"
)
LARGE_AND_NEW_IS_MAJOR = Rule(
    "reserve.large_and_new_is_major",
    "新增项目的申请资金达到规定额度的，应列为重大项目",
    basis="CN-31; DL-19",
    severity=Severity.FLAG,
)
RESERVED_FIRST = Rule("reserve.reserved_first", "项目须先入储备，方可纳入项目库", basis="AN-06")
PASSED_REVIEW = Rule(
    "reserve.passed_review",
    "绩效目标审核为优，或审核为良并已修改完善的项目，方可纳入项目库",
    basis="SZ-18; SZ-19; 财预〔2015〕88号 第25条",
)
ADMITTED_ONCE = Rule("reserve.admitted_once", "项目只纳入项目库一次", basis="AN-06")


@act(
    "projects/{project}/reserve",
    by={*UNIT, Role.SUPERIOR_DEPARTMENT},
    basis="AN-06; 财预〔2015〕88号",
    reads={Unit},
    begins=True,
)
class ReserveProject(Command[Project]):
    """项目入储备: a unit names a project that it means to ask money for."""

    name: Annotated[Name, "项目名称"]
    unit: UnitCode
    project_class: ProjectClass
    first_year: Annotated[Year, "起始年度"]
    last_year: Annotated[Year, "终止年度"]
    is_new: Annotated[bool, "是否新增项目"]
    is_major: Annotated[bool, "是否重大项目"]
    demanded: Annotated[Fen, "申请资金总额"]

    def decide(self, project: Project, case: Case, /) -> ProjectReserved:
        case.require(not project.is_in_reserve, RESERVED_ONCE, 项目=project.code)
        unit = case.read(Unit, self.unit)
        case.require(unit.is_registered, UNIT_IS_REGISTERED, 单位=self.unit)
        check_speaker(unit, case)
        in_order = self.first_year <= self.last_year
        years = {"起始": self.first_year, "结束": self.last_year}
        case.require(in_order, PERIOD_HAS_AN_ORDER, **years)
        self._check_size(case)
        return ProjectReserved(
            self.name,
            self.unit,
            self.project_class,
            self.first_year,
            self.last_year,
            self.is_new,
            self.is_major,
            self.demanded,
        )

    def _check_size(self, case: Case) -> None:
        threshold = case.rule_set.ex_ante_threshold
        is_major = self.is_new and self.demanded >= threshold
        sums = {"申请": yuan(self.demanded), "规定额度": yuan(threshold)}
        case.require(self.is_major or not is_major, LARGE_AND_NEW_IS_MAJOR, **sums)


@act("projects/{project}/admission", by={Role.BUDGET_SECTION}, basis="AN-06; SZ-18; SZ-19")
class AdmitProject(Command[Project]):
    """纳入项目库: the project has passed review, so money may be arranged for it."""

    year: BudgetYear

    def decide(self, project: Project, case: Case, /) -> ProjectAdmitted:
        goal = project.year(self.year).goal
        case.require(project.is_in_reserve, RESERVED_FIRST, 项目=project.code)
        case.require(not project.is_admitted, ADMITTED_ONCE, 项目=project.code)
        needs_goal = project.needs_goal(case.rule_set.goal_classes)
        case.require(goal.is_passed or not needs_goal, PASSED_REVIEW, 审核结果=goal.consequence)
        return ProjectAdmitted(self.year, goal.version)
