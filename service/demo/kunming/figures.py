"""指标: what the paper of Kunming EDZ publishes, and what follows from it by rule."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal

from aggregates.base import Record
from aggregates.budget import BudgetApproved
from aggregates.evaluation import (
    ApplicationDecided,
    EvaluationGraded,
    EvaluationReceived,
    EvaluationReported,
)
from aggregates.exante import ExAnteConditionMet, ExAnteEvaluationConcluded
from aggregates.funding import FundsResumed, FundsSuspended
from aggregates.goal import GoalSubmitted
from aggregates.payments import PaymentObserved
from aggregates.rectification import (
    RectificationClosed,
    RectificationOrdered,
    RectificationRejected,
    RectificationReported,
)
from aggregates.reserve import ProjectReserved
from aggregates.review import GoalReviewConcluded
from aggregates.rulebook import Measure
from aggregates.unit import UnitRegistered
from aggregates.values import FundCategory, Grade, percentage, rounded
from commands.base import Rule
from commands.funding import ITEM_IS_A_CAUSE, ITEMS_ARE_CLOSED
from commands.payments import NOT_WHILE_SUSPENDED
from commands.rectification import DEADLINE_IS_MET
from service.demo.evidence import (
    Evidence,
    Found,
    breached,
    count,
    every,
    two_months_after,
    wan,
    yes,
)
from service.demo.figures import derived, fitted

# Goals and their review


def _declared(evidence: Evidence) -> int:
    return sum(record.fact.declared for record in evidence.latest(GoalSubmitted).values())


def _of_category(evidence: Evidence, *categories: FundCategory) -> int:
    goals = evidence.latest(GoalSubmitted).values()
    lines = (line for record in goals for line in record.fact.lines)
    return sum(line.amount for line in lines if line.category in categories)


def _general(evidence: Evidence) -> Found:
    return Found(wan(_of_category(evidence, FundCategory.GENERAL_PUBLIC)))


def _other_budgets(evidence: Evidence) -> Found:
    others = [each for each in FundCategory if each != FundCategory.GENERAL_PUBLIC]
    return Found(wan(_of_category(evidence, *others)))


def _managed(evidence: Evidence) -> Found:
    """The share of the declared sum whose goal a review has concluded on."""
    reviewed = sum(fact.declared for fact in evidence.facts(GoalReviewConcluded))
    return Found(f"{percentage(reviewed, _declared(evidence), 0)} %")


def _recommended(evidence: Evidence) -> Found:
    return Found(wan(sum(it.recommended for it in evidence.facts(GoalReviewConcluded))))


def _cut(evidence: Evidence) -> int:
    return sum(it.reduction for it in evidence.facts(GoalReviewConcluded))


def _cut_rate(evidence: Evidence) -> Found:
    return Found(f"{percentage(_cut(evidence), _declared(evidence))} %")


# New projects


def _new(evidence: Evidence) -> list[Record[ExAnteEvaluationConcluded]]:
    return evidence.of(ExAnteEvaluationConcluded)


def _units_of_new(evidence: Evidence) -> Found:
    owners = {r.stream: r.fact.unit for r in evidence.of(ProjectReserved)}
    return count({owners[record.stream] for record in _new(evidence)}, "家")


def _experts(evidence: Evidence) -> Found:
    return count({seat.expert for it in _new(evidence) for seat in it.fact.panel}, "名")


def _mean_of_new(evidence: Evidence) -> Found:
    means = [record.fact.mean for record in _new(evidence)]
    return Found(f"{rounded(sum(means, Decimal(0)) / len(means), 1)} 分")


def _grades_of_new(evidence: Evidence) -> Found:
    """Grades worked out again from what each expert gave."""

    def grade(record: Record[ExAnteEvaluationConcluded]) -> Grade:
        scores = [seat.score for seat in record.fact.panel]
        mean = rounded(sum(scores, Decimal(0)) / len(scores), 2)
        return evidence.rule_set(record.envelope.occurred_on).ex_ante_bands.grade(mean)

    grades = Counter(grade(record).label for record in _new(evidence))
    recorded = Counter(record.fact.grade.label for record in _new(evidence))
    return Found(
        "、".join(grades) if grades == recorded else "与记录不一致", f"{len(_new(evidence))} 个"
    )


def _funded_as_declared(evidence: Evidence) -> Found:
    """The condition was met first, and then everything was approved that had been declared."""
    met, approved = evidence.latest(ExAnteConditionMet), evidence.latest(BudgetApproved)
    return every(
        record.stream in met
        and met[record.stream].position < approved[record.stream].position
        and approved[record.stream].fact.amount == record.fact.declared
        for record in _new(evidence)
    )


# Evaluations


def _subjects(evidence: Evidence, kind: str, grade: Grade | None = None) -> Found:
    graded = (r for r in evidence.of(EvaluationGraded) if r.stream.startswith(kind))
    return count([r for r in graded if grade in (None, r.fact.grade)], "个")


def _excellent_rate(evidence: Evidence) -> Found:
    grades = [it.grade for it in evidence.facts(EvaluationGraded)]
    excellent = grades.count(Grade.EXCELLENT)
    rate = percentage(excellent, len(grades), places=0)
    return Found(f"{rate} %", f"{excellent}/{len(grades)}")


def _grades_fit(evidence: Evidence) -> Found:
    return every(
        evidence.rule_set(r.envelope.occurred_on).evaluation_bands.grade(r.fact.score)
        == r.fact.grade
        for r in evidence.of(EvaluationGraded)
    )


def _recommends(evidence: Evidence, grade: Grade) -> Found:
    graded = [it for it in evidence.facts(EvaluationGraded) if it.grade == grade]
    decided = {it.evaluation: it.measure for it in evidence.facts(ApplicationDecided)}
    measures = {
        decided[it.evaluation] for it in graded if decided[it.evaluation] == it.recommendation
    }
    return Found("、".join(measure.label for measure in measures), f"{len(graded)} 个")


# Rectification


def _due(evidence: Evidence) -> Found:
    received = {it.evaluation: it.received_on for it in evidence.facts(EvaluationReceived)}
    return every(
        item.due == two_months_after(received[item.evaluation])
        for item in evidence.facts(RectificationOrdered)
    )


def _due_at_the_end_of_a_month(evidence: Evidence) -> Found:
    last = max(evidence.facts(RectificationOrdered), key=lambda item: item.received_on)
    return Found(f"{last.received_on} → {last.due}")


def _late_is_marked(evidence: Evidence) -> Found:
    due = {item.item: item.due for item in evidence.facts(RectificationOrdered)}
    late = (
        r for r in evidence.of(RectificationReported) if r.envelope.occurred_on > due[r.fact.item]
    )
    return every(DEADLINE_IS_MET.id in breached(record) for record in late)


def _closed_before_support(evidence: Evidence) -> Found:
    closed = {r.fact.item: r.position for r in evidence.of(RectificationClosed)}
    decided = {r.fact.evaluation: r.position for r in evidence.of(ApplicationDecided)}
    return every(
        closed.get(item.item, decided[item.evaluation]) < decided[item.evaluation]
        for item in evidence.facts(RectificationOrdered)
    )


# Money stopped


def _stop(evidence: Evidence) -> tuple[Record[FundsSuspended], Record[FundsResumed]]:
    (stopped,), (resumed,) = evidence.of(FundsSuspended), evidence.of(FundsResumed)
    return stopped, resumed


def _stopped_for_cause(evidence: Evidence) -> Found:
    stopped, _ = _stop(evidence)
    rejected = [r for r in evidence.of(RectificationRejected) if r.position < stopped.position]
    known = {record.fact.item for record in rejected}
    return every(item in known for item in stopped.fact.grounds.items)


def _payable(evidence: Evidence, days: int, *, after_resumption: bool = False) -> Found:
    """Asked so many days after the stop, or after its end."""
    stopped, resumed = _stop(evidence)
    since = (resumed if after_resumption else stopped).envelope.occurred_on
    project = stopped.stream.partition("/")[2]
    line = stopped.fact.scope[0].line
    return yes(evidence.payable(project, stopped.fact.year, line, since + timedelta(days=days)))


def _paid_meanwhile(evidence: Evidence) -> Found:
    stopped, resumed = _stop(evidence)
    days = stopped.envelope.occurred_on, resumed.envelope.occurred_on
    paid = (r for r in evidence.of(PaymentObserved) if days[0] <= r.fact.paid_on < days[1])
    return every(
        record.fact.while_suspended and NOT_WHILE_SUSPENDED.id in breached(record)
        for record in paid
    )


def _resumed_when_closed(evidence: Evidence) -> Found:
    stopped, resumed = _stop(evidence)
    closed = {r.fact.item: r.position for r in evidence.of(RectificationClosed)}
    return every(
        closed.get(item, resumed.position) < resumed.position for item in stopped.fact.grounds.items
    )


def _refused(evidence: Evidence, rule: Rule) -> Found:
    """Whether it was tried on the project whose money was stopped, and not allowed."""
    stopped, _ = _stop(evidence)
    return Found("拒绝" if stopped.stream in evidence.refused(rule.id) else "未拒绝")


EXCELLENT, GOOD = Grade.EXCELLENT, Grade.GOOD
FIGURES = (
    fitted("预算单位", "38 家", "KM-12", lambda e: count(e.of(UnitRegistered), "家")),
    fitted("申报项目", "665 个", "KM-12", lambda e: count(e.latest(GoalSubmitted), "个")),
    fitted("申报预算", "497,578.64 万元", "KM-12", lambda e: Found(wan(_declared(e)))),
    fitted("其中一般公共预算", "198,576 万元", "KM-12", _general),
    derived("其余各本预算", "299,002.64 万元", "KM-12 相减", _other_budgets),
    derived("纳入绩效目标管理", "100 %", "KM-13", _managed),
    fitted("建议安排预算", "457,230.14 万元", "KM-14", _recommended),
    derived("审减金额", "40,348.50 万元", "KM-14", lambda e: Found(wan(_cut(e)))),
    derived("审减率", "8.11 %", "KM-14", _cut_rate),
    fitted("事前评估项目", "6 个", "KM-16", lambda e: count(_new(e), "个")),
    fitted("涉及单位", "4 家", "KM-16", _units_of_new),
    fitted(
        "评估金额",
        "9,104.71 万元",
        "KM-16",
        lambda e: Found(wan(sum(r.fact.declared for r in _new(e)))),
    ),
    fitted("专家", "7 名", "KM-15", _experts),
    fitted("项目平均得分", "91.8 分", "KM-18", _mean_of_new),
    derived("由专家评分得出的等级", "优", "KM-18", _grades_of_new),
    derived("资料补充后按申报金额安排", "全部", "KM-19", _funded_as_declared),
    fitted("重点评价：部门整体", "3 个", "KM-27", lambda e: _subjects(e, "unit/")),
    fitted("重点评价：项目", "15 个", "KM-27", lambda e: _subjects(e, "project/")),
    fitted(
        "评价预算金额",
        "43,817 万元",
        "KM-27",
        lambda e: Found(wan(sum(it.amount for it in e.facts(EvaluationReported)))),
    ),
    fitted("部门整体评级为良", "3 个", "KM-28", lambda e: _subjects(e, "unit/", GOOD)),
    fitted("项目评级为优", "5 个", "KM-28", lambda e: _subjects(e, "project/", EXCELLENT)),
    fitted("项目评级为良", "10 个", "KM-28", lambda e: _subjects(e, "project/", GOOD)),
    derived("优秀率（全部评价对象）", "28 %", "KM-28", _excellent_rate),
    derived("等级与得分的分数段一致", "全部", "KM-28", _grades_fit),
    derived(
        "评级为优的应用",
        Measure.PRIORITY_SUPPORT.label,
        "KM-37",
        lambda e: _recommends(e, EXCELLENT),
    ),
    derived(
        "评级为良的应用",
        Measure.SUPPORT_AFTER_RECTIFICATION.label,
        "KM-38",
        lambda e: _recommends(e, GOOD),
    ),
    derived("整改期限为签收后两个月", "全部", "KM-31", _due),
    derived("月末签收的期限", "2021-12-31 → 2022-02-28", "KM-31", _due_at_the_end_of_a_month),
    derived("逾期反馈留有标记", "全部", "KM-31", _late_is_marked),
    derived("先销号，后决定支持", "全部", "KM-38", _closed_before_support),
    derived("整改中的事项不能停拨", "拒绝", "KM-35", lambda e: _refused(e, ITEM_IS_A_CAUSE)),
    derived("停拨依据为整改不到位", "全部", "KM-35", _stopped_for_cause),
    derived("停拨前可否支付", "可", "KM-35", lambda e: _payable(e, -1)),
    derived("停拨期间可否支付", "不可", "KM-35", lambda e: _payable(e, 1)),
    derived("停拨期间的支付照登并标明", "全部", "KM-35", _paid_meanwhile),
    derived("未销号不能恢复拨付", "拒绝", "KM-36", lambda e: _refused(e, ITEMS_ARE_CLOSED)),
    derived("销号后恢复拨付", "全部", "KM-36", _resumed_when_closed),
    derived("恢复后可否支付", "可", "KM-36", lambda e: _payable(e, 1, after_resumption=True)),
)
