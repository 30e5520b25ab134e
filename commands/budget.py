"""预算批复: the budget of a year is approved together with its goal, by one document."""

from __future__ import annotations

from aggregates.accountable import Accountable, Goal
from aggregates.base import Severity
from aggregates.budget import BudgetApproved
from aggregates.project import Project
from aggregates.roles import Role
from aggregates.values import FundLine, total, yuan
from commands.base import Case, Command, Rule, act
from commands.goal import check_lines
from commands.review import NOT_OWN_SUBMISSION
from commands.vocabulary import BudgetYear, DocumentNumber

ADMITTED_FIRST = Rule("budget.admitted_first", "项目纳入项目库之后，方可批复其预算", basis="AN-06")
GOAL_PASSED = Rule(
    "budget.goal_passed",
    "绩效目标通过审核之后，方可安排预算",
    basis="DL-23; KM-08; SZ-21",
)
EX_ANTE_CONCLUDED = Rule(
    "budget.ex_ante_concluded",
    "新增重大项目作出事前绩效评估结论之后，方可安排预算",
    basis="CN-31; DL-19",
)
EX_ANTE_NOT_ADVERSE = Rule(
    "budget.ex_ante_not_adverse",
    "事前绩效评估结果为差的，不宜安排预算",
    basis="AN-16",
    severity=Severity.FLAG,
)
CONDITION_MET = Rule(
    "budget.condition_met",
    "事前绩效评估要求补充完善的资料，应在安排预算之前落实",
    basis="KM-19",
    severity=Severity.FLAG,
)
APPROVED_ONCE = Rule("budget.approved_once", "每个年度的预算只批复一次", basis="AN-46; DL-24")
HAS_LINES = Rule("budget.has_lines", "批复预算须列明各项资金的性质和来源", basis="AN-07")
WITHIN_RECOMMENDED = Rule(
    "budget.within_recommended",
    "批复金额不宜高于审核建议安排金额",
    basis="KM-14; AN-12",
    severity=Severity.FLAG,
)
NOT_CANCELLED = Rule(
    "budget.not_cancelled",
    "依据绩效评价结果已决定取消资金的年度，不得再安排预算",
    basis="KM-40",
)
ITEMS_SETTLED = Rule(
    "budget.items_settled",
    "整改事项应在安排预算之前销号",
    basis="KM-32; KM-38",
    severity=Severity.FLAG,
)


@act(
    "{accountable}/budget",
    by={Role.BUDGET_SECTION, Role.BUREAU_LEADER},
    basis="AN-06; AN-46; DL-23; DL-24; KM-11; KM-32",
)
class ApproveBudget(Command[Accountable]):
    """同步批复预算和绩效目标: money goes to what was admitted, for a goal that passed."""

    year: BudgetYear
    document: DocumentNumber
    lines: tuple[FundLine, ...]

    def decide(self, it: Accountable, case: Case, /) -> BudgetApproved:
        year = it.year(self.year)
        case.require(not year.is_in_execution, APPROVED_ONCE, 年度=self.year)
        if isinstance(it, Project):
            _check_library(it, case)
        self._check_goal(year.goal, it, case)
        self._check_past(it, case)
        case.require(self.lines, HAS_LINES, 资金明细=len(self.lines))
        check_lines(self.lines, case)
        amount = total(self.lines)
        return BudgetApproved(self.year, self.document, year.goal.version, self.lines, amount)

    def _check_goal(self, goal: Goal, it: Accountable, case: Case) -> None:
        """The goal passed, somebody else submitted it, and its review recommended the sum."""
        needs_goal = it.needs_goal(case.rule_set.goal_classes)
        case.require(goal.is_passed or not needs_goal, GOAL_PASSED, 审核结果=goal.consequence)
        case.require(case.actor.person != goal.submitter, NOT_OWN_SUBMISSION, 人员=goal.submitter)
        if goal.recommended is not None:
            is_within = total(self.lines) <= goal.recommended
            case.require(is_within, WITHIN_RECOMMENDED, 建议=yuan(goal.recommended))

    def _check_past(self, it: Accountable, case: Case) -> None:
        """Evaluations of earlier years may have cancelled the money, or asked for improvements."""
        cancelled = [e.id for e in it.evaluations.values() if e.is_cancelled(self.year)]
        case.require(not cancelled, NOT_CANCELLED, 评价=cancelled)
        unsettled = [item.id for item in it.items.values() if not item.is_closed]
        case.require(not unsettled, ITEMS_SETTLED, 整改事项=unsettled)


def _check_library(project: Project, case: Case) -> None:
    """A project comes out of the library; a new and major one has been asked what it is worth."""
    case.require(project.is_admitted, ADMITTED_FIRST, 项目=project.code)
    case.require(not project.lacks_ex_ante, EX_ANTE_CONCLUDED, 项目=project.code)
    case.require(not project.ex_ante.is_adverse, EX_ANTE_NOT_ADVERSE, 项目=project.code)
    case.require(not project.ex_ante.has_open_condition, CONDITION_MET, 项目=project.code)
