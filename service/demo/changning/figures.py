"""指标: what the paper of Changning publishes of one road and of one association."""

from __future__ import annotations

from decimal import Decimal

from aggregates.evaluation import EvaluationGraded
from aggregates.exante import Adjustment, ExAnteEvaluationConcluded
from aggregates.rectification import RecoveryRecorded, RectificationOrdered
from aggregates.reserve import ProjectReserved
from aggregates.unit import Unit, UnitRegistered
from aggregates.values import rounded
from service.demo.evidence import Evidence, Found, count, every, in_yuan, two_months_after
from service.demo.figures import derived, fitted


def _road(evidence: Evidence) -> ExAnteEvaluationConcluded:
    (concluded,) = evidence.facts(ExAnteEvaluationConcluded)
    return concluded


def _length(evidence: Evidence) -> Adjustment:
    return next(each for each in _road(evidence).adjustments if each.unit == "公里")


def _shorter(evidence: Evidence) -> Found:
    length = _length(evidence)
    return Found(f"{rounded(length.after - length.before, 1)} 公里")


def _per_kilometre(evidence: Evidence) -> Found:
    """What a kilometre costs in a year: less than before, so not only the road got shorter."""
    road, length = _road(evidence), _length(evidence)
    (reserved,) = evidence.facts(ProjectReserved)
    years = reserved.last_year - reserved.first_year + 1
    before = rounded(Decimal(road.declared) / 100 / length.before / years, 2)
    after = rounded(Decimal(road.recommended) / 100 / length.after / years, 2)
    return Found(f"{before:,} → {after:,} 元")


def _association(evidence: Evidence) -> str:
    """Under which code it is registered."""
    registered = evidence.of(UnitRegistered)
    return next(record.stream for record in registered if "残联" in record.fact.name)


def _items(evidence: Evidence) -> list[RectificationOrdered]:
    """What the association was ordered to put right: the interest, and the fire risk."""
    ordered = evidence.of(RectificationOrdered)
    return [record.fact for record in ordered if record.stream == _association(evidence)]


def _to_recover(evidence: Evidence) -> RectificationOrdered:
    (ordered,) = (item for item in _items(evidence) if item.amount)
    return ordered


def _outstanding(evidence: Evidence) -> Found:
    """Ordered less recovered, which the folded history has to agree with."""
    ordered = _to_recover(evidence)
    recovered = [it for it in evidence.facts(RecoveryRecorded) if it.item == ordered.item]
    left = ordered.amount - sum(it.amount for it in recovered)
    code = _association(evidence).partition("/")[2]
    item = evidence.ledger.fold(Unit, code).items[ordered.item]
    return Found(in_yuan(left) if left == item.outstanding else "与现状不一致")


def _without_a_sum(evidence: Evidence) -> Found:
    return count([item for item in _items(evidence) if not item.amount], "项")


def _due(evidence: Evidence) -> Found:
    return every(
        it.due == two_months_after(it.received_on) for it in evidence.facts(RectificationOrdered)
    )


FIGURES = (
    fitted("道路保洁申报", "12,628,207 元", "CN-20", lambda e: Found(in_yuan(_road(e).declared))),
    fitted("核定", "10,145,209 元", "CN-20", lambda e: Found(in_yuan(_road(e).recommended))),
    derived("核减", "2,482,998 元", "CN-20", lambda e: Found(in_yuan(_road(e).reduction))),
    derived("核减率", "19.66 %", "CN-20 相除", lambda e: Found(f"{_road(e).rate} %")),
    fitted("原定里程", "235.8 公里", "CN-19", lambda e: Found(f"{_length(e).before} 公里")),
    fitted("核定里程", "215.8 公里", "CN-19", lambda e: Found(f"{_length(e).after} 公里")),
    derived("里程变化", "-20.0 公里", "CN-19", _shorter),
    derived("每公里每年费用", "17,851.58 → 15,670.70 元", "CN-19、CN-20 相除", _per_kilometre),
    fitted("评估内容", "4 项", "CN-18", lambda e: count(_road(e).answers, "项")),
    fitted("整体评价单位", "4 家", "CN-16", lambda e: count(e.of(EvaluationGraded), "家")),
    fitted(
        "责令残联收回利息", "158,000 元", "CN-25", lambda e: Found(in_yuan(_to_recover(e).amount))
    ),
    derived("尚未收回", "158,000 元", "CN-25", _outstanding),
    derived("不涉及金额的风险事项", "1 项", "CN-26", _without_a_sum),
    derived("整改期限为签收后两个月", "全部", "通用规则", _due),
)
