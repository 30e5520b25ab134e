"""剧本: from the register of units to the last rectification item closed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from aggregates.evaluated import EvaluationMode
from aggregates.lines import HoldCause
from aggregates.review import Verdict
from aggregates.rulebook import TABLE_B
from aggregates.values import ExAnteCriterion, Fen, ReviewStage, yuan
from commands.funding import ITEM_IS_A_CAUSE, ITEMS_ARE_CLOSED
from service.demo import forms
from service.demo.kunming.cast import (
    AFFECTED_YEAR,
    AGENCY,
    BUDGET,
    EVALUATED_YEAR,
    EXCELLENT,
    LEADER,
    PAPER,
    PERFORMANCE,
    RECEIVED,
    RECEIVED_LAST,
    UNITS_NAMED,
    YEAR,
    Cast,
    Evaluated,
    Undertaking,
    clerk,
)
from service.demo.script import MADE_UP, TREASURY, Person, Scene, Step
from service.demo.splits import digest, draw

OF_GOALS, OF_REVIEW = PAPER.totals("KM-12"), PAPER.totals("KM-14")
OF_EX_ANTE = PAPER.totals("KM-15、KM-16、KM-18")
OF_EVALUATION = PAPER.totals("KM-27、KM-28")
BY_THE_PAPER = PAPER.rules("KM-37、KM-38")

EXPERTS_FROM = ("审计机构", "高校", "高校", "科研部门", "科研部门", "会计师事务所", "会计师事务所")
HOLD = "TB-2021-01"


def scenes(cast: Cast) -> Iterator[Scene]:
    """A year of the budget, and the evaluation of the year before."""
    yield from _prepared(cast)
    yield from _reviewed(cast)
    yield _paid(cast, "2021-03-15", 1, 30)
    yield from _evaluated(cast)
    yield from _rectified(cast)
    yield from _stopped(cast)
    yield from _applied(cast)


# Before the year


def _prepared(cast: Cast) -> Iterator[Scene]:
    people = [AGENCY, PERFORMANCE, BUDGET, LEADER, *map(clerk, cast.units)]
    since = date(2020, 9, 1)
    yield Scene.on("2020-09-01", "任职", (each.assigned(since) for each in people))
    yield Scene.each("2020-09-02", "登记预算单位", _registered, cast.units.items())
    yield Scene.each("2020-10-12", "项目入储备", _reserved, cast.projects)
    yield Scene.on("2020-11-16", "事前绩效评估", _asked_ex_ante(cast))
    yield Scene.each("2020-12-10", "补充完善资料", _completed, cast.new)


def _registered(unit: tuple[str, str]) -> Step:
    code, name = unit
    origin = PAPER.says("KM-16、KM-27") if code in UNITS_NAMED else OF_GOALS
    return Step("register_unit", f"unit/{code}", BUDGET, origin, forms.unit(name))


def _reserved(it: Undertaking) -> Step:
    years = (YEAR if it.is_new else EVALUATED_YEAR, YEAR)
    body = forms.reserve(it.name, it.unit, years, it.declared, is_new_and_major=it.is_new)
    return Step("reserve_project", it.subject, clerk(it.unit), OF_GOALS, body)


def _asked_ex_ante(cast: Cast) -> Iterator[Step]:
    """Means in pairs about the paper's mean, so that all of them average to it."""
    swings = [Decimal(draw(f"swing/{n}", 14)) / 10 for n in range(len(cast.new) // 2)]
    means = [cast.totals.mean + sign * swing for swing in swings for sign in (1, -1)]
    for it, mean in zip(cast.new, means, strict=True):
        body = {
            "answers": forms.answers(ExAnteCriterion, "可行，资料需补充（意见系演示生成）"),
            "panel": _panel(cast.totals.experts, mean),
            "declared": yuan(it.declared),
            "recommended": yuan(it.recommended),
            "condition": "补充完善相关资料",
        }
        yield Step("conclude_ex_ante_evaluation", it.subject, PERFORMANCE, OF_EX_ANTE, body)


def _panel(experts: int, mean: Decimal) -> list[forms.Body]:
    """Scores about a mean, a tenth of a point apart."""
    return [
        {
            "expert": f"expert-{seat + 1}",
            "organisation": f"{EXPERTS_FROM[seat % len(EXPERTS_FROM)]}（生成）",
            "score": str(mean + Decimal(2 * seat - experts + 1) / 20),
        }
        for seat in range(experts)
    ]


def _completed(it: Undertaking) -> Step:
    body = {"evidence": digest(f"补充资料 {it.code}"), "remark": "相关资料已经补充"}
    origin = PAPER.rules("KM-19")
    return Step("meet_ex_ante_condition", it.subject, clerk(it.unit), origin, body)


# Goals and budgets


def _reviewed(cast: Cast) -> Iterator[Scene]:
    yield Scene.each("2021-01-05", "申报绩效目标", _submitted, cast.projects)
    yield Scene.each("2021-01-18", "第三方审核", _looked_at, cast.projects)
    yield Scene.each("2021-01-25", "绩效部门审核", _passed, cast.projects)
    yield Scene.each("2021-01-29", "审核结论", _concluded, cast.projects)
    yield Scene.each("2021-02-01", "纳入项目库", _admitted, cast.projects)
    yield Scene.each("2021-02-26", "批复预算和绩效目标", _approved, cast.projects)


def _submitted(it: Undertaking) -> Step:
    lines = [forms.line(each.id, Fen(each.declared), each.category) for each in it.lines]
    body = forms.goal(YEAR, f"完成{it.name}年度任务", lines, it.code)
    return Step("submit_goal", it.subject, clerk(it.unit), OF_GOALS, body)


def _looked_at(it: Undertaking) -> Step:
    return _opinion(it, AGENCY, ReviewStage.THIRD_PARTY)


def _passed(it: Undertaking) -> Step:
    return _opinion(it, PERFORMANCE, ReviewStage.PERFORMANCE_SECTION)


def _opinion(it: Undertaking, by: Person, stage: ReviewStage) -> Step:
    recommended = {"recommended": yuan(it.recommended)}
    body = forms.opinion(YEAR, 1, stage, Verdict.PASS) | recommended
    return Step("give_opinion", it.subject, by, OF_REVIEW, body)


def _concluded(it: Undertaking) -> Step:
    score = forms.score_within(EXCELLENT, it.code)
    body = forms.conclusion(YEAR, 1, score, EXCELLENT, it.recommended)
    return Step("conclude_goal_review", it.subject, BUDGET, OF_REVIEW, body)


def _admitted(it: Undertaking) -> Step:
    return Step("admit_project", it.subject, BUDGET, MADE_UP, {"year": YEAR})


def _approved(it: Undertaking) -> Step:
    money = [each for each in it.lines if each.recommended]
    lines = [forms.line(each.id, each.recommended, each.category) for each in money]
    body = forms.budget(YEAR, "演示批复〔2021〕1号", lines)
    return Step("approve_budget", it.subject, LEADER, OF_REVIEW, body)


# The evaluation of the year before


def _evaluated(cast: Cast) -> Iterator[Scene]:
    yield Scene.each("2021-06-07", "报告评价结果", _reported, cast.evaluated)
    yield Scene.each("2021-06-15", "单位意见", _answered, cast.evaluated)
    yield Scene.each("2021-06-25", "评定等级", _graded, cast.evaluated)
    for day in RECEIVED:
        of_day = [each for each in cast.evaluated if each.received == day]
        yield Scene.each(day.isoformat(), "签收评价结果", _received, of_day)


def _reported(it: Evaluated) -> Step:
    body = {
        "evaluation": it.id,
        "mode": EvaluationMode.FINANCE_KEY.value,
        "evaluated_year": EVALUATED_YEAR,
        "work_year": YEAR,
        "affected_year": AFFECTED_YEAR,
        "evaluator": "第三方机构（生成）",
        "score": str(_score(it)),
        "proposed_grade": it.grade.value,
        "findings": [{"finding": "1", "words": it.problem}] if it.has_finding else [],
        "amount": yuan(it.amount),
    }
    return Step("report_evaluation", it.subject, AGENCY, OF_EVALUATION, body)


def _score(it: Evaluated) -> Decimal:
    return forms.score_within(it.grade, it.id)


def _answered(it: Evaluated) -> Step:
    body = {"evaluation": it.id, "opinion": "无异议", "objects": False}
    return Step("answer_evaluation", it.subject, clerk(it.unit), MADE_UP, body)


def _graded(it: Evaluated) -> Step:
    body = {"evaluation": it.id, "score": str(_score(it)), "grade": it.grade.value}
    return Step("grade_evaluation", it.subject, PERFORMANCE, OF_EVALUATION, body)


def _received(it: Evaluated) -> Step:
    return Step("receive_evaluation", it.subject, clerk(it.unit), MADE_UP, {"evaluation": it.id})


# What has to be put right


def _rectified(cast: Cast) -> Iterator[Scene]:
    """Most report in time; one reports late; one is another story; one received late."""
    _, wanting = cast.stopped
    *usual, late = [e for e in cast.found_wanting if e.received in RECEIVED and e != wanting]
    ordered = [each for each in cast.found_wanting if each.received in RECEIVED]
    yield Scene.each("2021-07-05", "交办整改", _ordered, ordered)
    yield Scene.on("2021-07-15", "整改中的事项不是停拨依据", [_too_early(cast)])
    yield Scene.each("2021-08-20", "反馈整改", _reported_back, [*usual, wanting])
    yield Scene.each("2021-08-25", "核实整改", _verified, usual)
    yield Scene.each("2021-08-26", "整改销号", _closed, usual)
    yield Scene.each("2021-09-13", "逾期反馈整改", _reported_back, [late])
    yield Scene.each("2021-09-16", "核实整改", _verified, [late])
    yield Scene.each("2021-09-17", "整改销号", _closed, [late])


def _ordered(it: Evaluated) -> Step:
    items = [{"item": it.item, "finding": "1", "problem": it.problem}]
    body = {"evaluation": it.id, "items": items}
    return Step("order_rectification", it.subject, PERFORMANCE, MADE_UP, body)


def _reported_back(it: Evaluated) -> Step:
    body = {
        "item": it.item,
        "result": "已细化指标并加快支出（整改情况系演示生成）",
        "evidence": [digest(f"佐证材料 {it.item}")],
    }
    return Step("report_rectification", it.subject, clerk(it.unit), MADE_UP, body)


def _verified(it: Evaluated) -> Step:
    body = {"item": it.item, "remark": "整改到位"}
    return Step("verify_rectification", it.subject, PERFORMANCE, MADE_UP, body)


def _closed(it: Evaluated) -> Step:
    return Step("close_rectification", it.subject, PERFORMANCE, MADE_UP, {"item": it.item})


# Money stopped, and paid again


def _stopped(cast: Cast) -> Iterator[Scene]:
    """Rejected, stopped, paid all the same, put right, resumed."""
    project, wanting = cast.stopped
    resumed = _resumed(project)
    yield Scene.on("2021-09-20", "退回整改", [_rejected(wanting)])
    yield Scene.on("2021-09-22", "停拨", [_suspended(project, wanting)])
    yield Scene.on("2021-09-23", "执行停拨", [_executed(project)])
    yield Scene.on("2021-09-27", "未整改到位不得恢复", [resumed.refused(ITEMS_ARE_CLOSED.id)])
    yield _paid(cast, "2021-09-28", 2, 20)
    yield Scene.each("2021-10-11", "再次反馈整改", _reported_back, [wanting])
    yield Scene.each("2021-10-18", "核实整改", _verified, [wanting])
    yield Scene.each("2021-10-19", "整改销号", _closed, [wanting])
    yield Scene.on("2021-10-20", "恢复拨付", [resumed])
    yield _paid(cast, "2021-11-02", 3, 50)


def _too_early(cast: Cast) -> Step:
    return _suspended(*cast.stopped).refused(ITEM_IS_A_CAUSE.id)


def _rejected(it: Evaluated) -> Step:
    body = {"item": it.item, "reason": "支出进度仍慢于计划（演示生成）"}
    return Step("reject_rectification", it.subject, PERFORMANCE, MADE_UP, body)


def _suspended(project: Undertaking, wanting: Evaluated) -> Step:
    body = {
        "hold": HOLD,
        "year": YEAR,
        "scope": [{"line": each.id} for each in project.lines],
        "cause": HoldCause.RECTIFICATION.value,
        "items": [wanting.item],
        "reason": "整改不到位",
    }
    return Step("suspend_funds", project.subject, PERFORMANCE, MADE_UP, body)


def _executed(project: Undertaking) -> Step:
    body = {"hold": HOLD, "executor": "treasury"}
    act = "observe_hold_execution"
    return Step(act, project.subject, TREASURY, MADE_UP, body, row=HOLD)


def _resumed(project: Undertaking) -> Step:
    body = {"hold": HOLD, "reason": "整改到位"}
    return Step("resume_funds", project.subject, PERFORMANCE, MADE_UP, body)


def _paid(cast: Cast, day: str, number: int, percent: int) -> Scene:
    """The treasury pays a part of the project's first line."""
    project, _ = cast.stopped
    line, voucher = project.lines[0], f"ZF-{YEAR}-{number}"
    body = {
        "year": YEAR,
        "voucher": voucher,
        "line": line.id,
        "amount": yuan(line.recommended * percent // 100),
        "payee": "收款单位（生成）",
    }
    subject = f"payments/{project.code}"
    step = Step("observe_payment", subject, TREASURY, MADE_UP, body, row=voucher)
    return Scene.on(day, "支付", [step])


# What follows for the next budget


def _applied(cast: Cast) -> Iterator[Scene]:
    *others, last = cast.evaluated
    yield Scene.each("2021-11-15", "决定结果应用", _decided, others)
    yield Scene.each(RECEIVED_LAST.isoformat(), "签收评价结果", _received, [last])
    yield Scene.each("2022-01-04", "交办整改", _ordered, [last])
    yield Scene.each("2022-02-25", "反馈整改", _reported_back, [last])
    yield Scene.each("2022-03-01", "核实整改", _verified, [last])
    yield Scene.each("2022-03-02", "整改销号", _closed, [last])
    yield Scene.each("2022-03-10", "决定结果应用", _decided, [last])


def _decided(it: Evaluated) -> Step:
    measure = TABLE_B[it.grade]
    body = {"evaluation": it.id, "budget_year": AFFECTED_YEAR, "measure": measure.value}
    return Step("decide_application", it.subject, BUDGET, BY_THE_PAPER, body)
