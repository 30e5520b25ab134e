"""现状: projects and units as they are told at the doors, with sums in yuan."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from aggregates.evaluated import EvaluationMode
from aggregates.item import ItemCause, ItemState
from aggregates.lines import HeldLine, HoldKind
from aggregates.rulebook import Measure
from aggregates.values import FundLine, Grade, ProjectClass, ReviewStage, Term
from commands.vocabulary import DecimalField, MoneyField
from projections.project_status import ProjectStatus
from projections.standing import AccountableRow, Standing
from projections.unit_status import UnitStatus
from projections.year_status import Stage, YearStatus
from service.http.shapes import fields_told, number, said, text, truth
from service.schemas import labelled, schema_of


def day(description: str, *, allow_none: bool = False) -> fields.Date:
    return fields.Date(required=True, allow_none=allow_none, metadata=said(description))


def term(kind: type[Term], description: str, *, allow_none: bool = False) -> fields.Enum[Any]:
    """A code, and in the documentation what each of them is called."""
    metadata = said(labelled(description, kind))
    return fields.Enum(kind, by_value=True, required=True, allow_none=allow_none, metadata=metadata)


def sum_(description: str, *, allow_none: bool = False) -> MoneyField:
    field = MoneyField(signed=True, required=True, allow_none=allow_none)
    field.metadata = {**field.metadata, "description": description}
    return field


def score(description: str) -> DecimalField:
    field = DecimalField(0, 100, required=True, allow_none=True)
    field.metadata = {**field.metadata, "description": description}
    return field


class ItemShape(Schema):
    """整改事项: one problem that somebody has to put right by a day."""

    item = text("整改事项编号")
    responsible = text("责任主体")
    problem = text("问题")
    cause = term(ItemCause, "来源")
    due = day("整改期限")
    state = term(ItemState, "状态")
    ordered = sum_("责令收回的金额")
    outstanding = sum_("尚未收回的金额")


class HoldShape(Schema):
    """缓拨或停拨: what is held back, from which day, until which (that day not included)."""

    hold = text("缓停拨编号")
    kind = term(HoldKind, "种类")
    scope = fields.List(fields.Nested(schema_of(HeldLine)), required=True)
    since = day("自")
    until = day("至（不含当日）", allow_none=True)


class EvaluationShape(Schema):
    """绩效评价: one evaluation of the year."""

    evaluation = text("评价编号")
    mode = term(EvaluationMode, "评价方式")
    affected_year = number("结果应用的预算年度")
    score = score("得分")
    grade = term(Grade, "等级", allow_none=True)
    recommendation = term(Measure, "应用建议", allow_none=True)
    received_on = day("签收日期", allow_none=True)
    decision = term(Measure, "应用决定", allow_none=True)
    amount = sum_("决定涉及的金额")


class YearShape(Schema):
    """年度现状: how far the goal, the budget and the evaluation of a budget year have come."""

    year = number("预算年度")
    stage = term(Stage, "阶段")
    goal_version = number("绩效目标版次，0 为未申报")
    declared = sum_("申报金额")
    passed_stages = fields.List(term(ReviewStage, "已通过的审核环节"), required=True)
    review_score = score("目标审核得分")
    review_grade = term(Grade, "目标审核等级", allow_none=True)
    recommended = sum_("建议安排金额", allow_none=True)
    reduction = sum_("审减金额", allow_none=True)
    budget = sum_("批复金额", allow_none=True)
    budget_document = text("批复文号")
    lines = fields.List(fields.Nested(schema_of(FundLine)), required=True)
    holds = fields.List(fields.Nested(HoldShape), required=True)
    is_suspended = truth("有资金被停拨")
    evaluations = fields.List(fields.Nested(EvaluationShape), required=True)
    score = score("最近评定的得分")
    grade = term(Grade, "最近评定的等级", allow_none=True)


class AccountableShape(Schema):
    """绩效主体: what projects and units have in common."""

    code = text("编码")
    name = text("名称")
    items = fields.List(fields.Nested(ItemShape), required=True)
    open_items = number("未销号的整改事项数")
    next_due = day("最近的整改期限", allow_none=True)
    years = fields.List(fields.Nested(YearShape), required=True)


class ProjectShape(AccountableShape):
    """项目: as it stands at a position."""

    unit = text("预算单位")
    project_class = term(ProjectClass, "项目类别", allow_none=True)
    first_year = fields.Integer(required=True, allow_none=True, metadata=said("起始年度"))
    last_year = fields.Integer(required=True, allow_none=True, metadata=said("终止年度"))
    is_new = truth("新增项目")
    is_major = truth("重大项目")
    demanded = sum_("申请资金总额")
    is_admitted = truth("已纳入项目库")
    ex_ante_round = number("事前绩效评估轮次，0 为未评估")
    ex_ante_grade = term(Grade, "事前绩效评估等级", allow_none=True)
    ex_ante_recommended = sum_("事前绩效评估建议金额", allow_none=True)
    has_open_condition = truth("事前绩效评估所附条件尚未满足")


class UnitShape(AccountableShape):
    """预算单位: as it stands at a position."""

    superior = text("上级单位，空为一级预算单位")
    level = number("预算级次")


def project_told(standing: Standing[ProjectStatus]) -> dict[str, Any]:
    """A project with its budget years."""
    return _told(standing)


def unit_told(standing: Standing[UnitStatus]) -> dict[str, Any]:
    """A unit with its budget years."""
    return _told(standing)


def _told(standing: Standing[Any]) -> dict[str, Any]:
    row: AccountableRow = standing.status
    items = [{**fields_told(it), "item": name} for name, it in sorted(row.items.items())]
    years = [_year_told(year) for year in standing.years]
    return {**fields_told(row), "code": row.code, "items": items, "years": years}


def _year_told(year: YearStatus) -> dict[str, Any]:
    holds = [{**fields_told(hold), "hold": name} for name, hold in sorted(year.holds.items())]
    evaluations = [
        {**fields_told(each), "evaluation": name} for name, each in sorted(year.evaluations.items())
    ]
    return {**fields_told(year), "holds": holds, "evaluations": evaluations}
