"""绩效目标: the unit that asks for money says what it is for, and improves it after review."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated

from marshmallow import fields, validate

from aggregates.accountable import Accountable
from aggregates.base import CODE, Severity
from aggregates.goal import GoalAmended, GoalSubmitted, TaskBudget
from aggregates.project import Project
from aggregates.roles import UNIT, Role
from aggregates.values import Fen, FundLine, Indicator, IndicatorKind, total, yuan
from commands.base import Case, Command, Rule, act
from commands.vocabulary import BudgetYear, Text

SUBMITTERS = {*UNIT, Role.SUPERIOR_DEPARTMENT, Role.COUNTERPART_SECTION}
WHOLE = (Decimal(100), Decimal(90))
"""What weights sum to; 90 where the other 10 are kept for the rate of execution."""

NEEDED = (IndicatorKind.OUTPUT, IndicatorKind.EFFECT)

ENTERED_FIRST = Rule(
    "goal.entered_first", "项目入储备、单位登记之后，方可申报绩效目标", basis="AN-06; SZ-11"
)
SET_BY_THE_APPLICANT = Rule(
    "goal.set_by_the_applicant", "绩效目标由申请资金的单位编制", basis="SZ-11"
)
NOT_ON_BEHALF = Rule(
    "goal.not_on_behalf",
    "绩效目标应由资金使用单位自行填报，不由他人代填",
    basis="SZ-33",
    severity=Severity.FLAG,
)
OUTPUT_AND_EFFECT = Rule(
    "goal.output_and_effect", "绩效指标至少各有一项产出指标和效益指标", basis="财预〔2021〕101号"
)
WEIGHTS_MAKE_A_WHOLE = Rule(
    "goal.weights_make_a_whole",
    "指标权重合计应为 100，预算执行率另计时应为 90",
    basis="财预〔2021〕101号",
    severity=Severity.FLAG,
)
FUNDS_ARE_SPLIT = Rule(
    "goal.funds_are_split",
    "项目绩效目标须列明各项资金的性质和来源",
    basis="SZ-12; 财预〔2015〕88号",
)
LINES_ARE_NAMED = Rule(
    "goal.lines_are_named",
    "各项资金明细须有编号（字母、数字和 . _ -），且不得重复",
    basis="财预〔2015〕88号",
)
TASKS_WITHIN_BUDGET = Rule(
    "goal.tasks_within_budget", "各项年度任务的预算之和不得超过单位预算", basis="财预〔2015〕88号"
)
PLAN_IS_THERE = Rule("goal.plan_is_there", "项目绩效目标须附实施方案", basis="SZ-12")
EX_ANTE_FIRST = Rule(
    "goal.ex_ante_first",
    "新增重大项目宜先完成事前绩效评估，再申报绩效目标",
    basis="CN-31; DL-19",
    severity=Severity.FLAG,
)
NEW_VERSION_WHEN_RETURNED = Rule(
    "goal.new_version_when_returned",
    "已申报的绩效目标，退回修改之后方可重报",
    basis="SZ-20; 财预〔2015〕88号 第26条",
)
NOT_AFTER_EXCLUSION = Rule(
    "goal.not_after_exclusion",
    "审核结果为差的，本年度不再受理绩效目标",
    basis="SZ-21; 财预〔2015〕88号 第25条",
)
NOT_AFTER_APPROVAL = Rule(
    "goal.not_after_approval",
    "绩效目标批复后一般不予调整",
    basis="财预〔2015〕88号 第28条",
)
AMENDED_WHEN_GOOD = Rule(
    "goal.amended_when_good", "审核结果为良的绩效目标，方可协商修改一次", basis="SZ-19"
)

OptionalDigest = Annotated[
    str,
    fields.String(
        validate=validate.Regexp(
            r"\A([0-9a-f]{64})?\Z", error="应为 64 位小写十六进制的 SHA-256 摘要"
        ),
        metadata={"pattern": "^([0-9a-f]{64})?$"},
    ),
]
Objective = Annotated[Text, "绩效目标"]
Plan = Annotated[OptionalDigest, "实施方案的 SHA-256 摘要"]


@act("{accountable}/goal", by=SUBMITTERS, basis="SZ-11; SZ-12; 财预〔2015〕88号; 财预〔2021〕101号")
class SubmitGoal(Command[Accountable]):
    """申报绩效目标: a year's goal with its indicators, funds and plan, version by version."""

    year: BudgetYear
    objective: Objective
    indicators: tuple[Indicator, ...]
    lines: tuple[FundLine, ...]
    tasks: tuple[TaskBudget, ...] = ()
    plan: Plan = ""

    def decide(self, it: Accountable, case: Case, /) -> GoalSubmitted:
        goal = it.year(self.year).goal
        case.require(it.is_entered, ENTERED_FIRST, 编码=it.code)
        _check_submitter(it, case)
        _check_content(self, it, case)
        _check_turn(self.year, it, case)
        if isinstance(it, Project):
            case.require(not it.lacks_ex_ante, EX_ANTE_FIRST, 项目=it.code)
        return GoalSubmitted(
            self.year,
            goal.version + 1,
            case.actor.person,
            self.objective,
            self.indicators,
            self.lines,
            self.tasks,
            self.plan,
            declared_by(self.lines, self.tasks),
        )


@act("{accountable}/goal/amendment", by=SUBMITTERS, basis="SZ-19; 财预〔2015〕88号 第25条")
class AmendGoal(Command[Accountable]):
    """修改完善绩效目标: after 良, what unit and reviewers agreed on; no second review is needed."""

    year: BudgetYear
    objective: Objective
    indicators: tuple[Indicator, ...]
    lines: tuple[FundLine, ...]
    agreed: Annotated[Text, "协商一致的修改内容"]
    tasks: tuple[TaskBudget, ...] = ()
    plan: Plan = ""

    def decide(self, it: Accountable, case: Case, /) -> GoalAmended:
        year = it.year(self.year)
        goal = year.goal
        case.require(goal.awaits_amendment, AMENDED_WHEN_GOOD, 审核结果=goal.consequence)
        case.require(not year.is_in_execution, NOT_AFTER_APPROVAL, 年度=self.year)
        _check_submitter(it, case)
        _check_content(self, it, case)
        return GoalAmended(
            self.year,
            goal.version + 1,
            case.actor.person,
            self.objective,
            self.indicators,
            self.lines,
            self.tasks,
            self.plan,
            declared_by(self.lines, self.tasks),
            self.agreed,
        )


def declared_by(lines: tuple[FundLine, ...], tasks: tuple[TaskBudget, ...]) -> Fen:
    """The sum asked for: of the fund lines, or of a unit's tasks where it names no lines."""
    return total(lines) if lines else Fen(sum(task.amount for task in tasks))


def check_lines(lines: tuple[FundLine, ...], case: Case) -> None:
    """Every fund line has a code of its own, by which it is paid and suspended."""
    names = [line.id for line in lines]
    are_codes = all(re.fullmatch(CODE, name) for name in names)
    case.require(are_codes and len(set(names)) == len(names), LINES_ARE_NAMED, 编号=names)


def _check_submitter(it: Accountable, case: Case) -> None:
    """Who applies for money sets the goal; an office that did it for the unit leaves a mark."""
    actor = case.actor
    is_applicant = it.belongs_to in (actor.organisation, actor.on_behalf_of)
    case.require(
        is_applicant, SET_BY_THE_APPLICANT, 申请单位=it.belongs_to, 单位=actor.organisation
    )
    case.require(not actor.on_behalf_of, NOT_ON_BEHALF, 代为填报=actor.organisation)


def _check_content(form: SubmitGoal | AmendGoal, it: Accountable, case: Case) -> None:
    kinds = {indicator.kind for indicator in form.indicators}
    missing = [each for each in NEEDED if each not in kinds]
    case.require(not missing, OUTPUT_AND_EFFECT, 缺少=missing)
    weight = sum(indicator.weight for indicator in form.indicators)
    case.require(weight in WHOLE, WEIGHTS_MAKE_A_WHOLE, 权重合计=weight)
    check_lines(form.lines, case)
    _check_money(form, it, case)


def _check_money(form: SubmitGoal | AmendGoal, it: Accountable, case: Case) -> None:
    """A project splits its funds and says how; a unit's tasks stay within its budget."""
    if isinstance(it, Project):
        case.require(form.lines, FUNDS_ARE_SPLIT, 资金明细=len(form.lines))
        case.require(form.plan, PLAN_IS_THERE, 实施方案=form.plan)
    planned, budget = Fen(sum(task.amount for task in form.tasks)), total(form.lines)
    is_within = not form.lines or planned <= budget
    case.require(is_within, TASKS_WITHIN_BUDGET, 任务合计=yuan(planned), 预算=yuan(budget))


def _check_turn(number: int, it: Accountable, case: Case) -> None:
    """A first version, or a better one after it came back; none after exclusion or approval."""
    year = it.year(number)
    goal = year.goal
    is_open = goal.is_returned or goal.is_excluded or not goal.is_submitted
    case.require(is_open, NEW_VERSION_WHEN_RETURNED, 现行版本=goal.version)
    case.require(not goal.is_excluded, NOT_AFTER_EXCLUSION, 年度=number)
    case.require(not year.is_in_execution, NOT_AFTER_APPROVAL, 年度=number)
