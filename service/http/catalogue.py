"""目录: every act and every rule, as this release has them and this office applies them."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from aggregates.base import Severity
from aggregates.roles import Role
from aggregates.rulebook import RULEBOOK, RuleBook
from aggregates.values import business_day
from commands.base import ACTS, RULES, Act
from service.http.bearer import caller
from service.http.doors import Doors
from service.http.shapes import Told, said, text, truth
from service.http.statuses import term

catalogue = Doors("catalogue", __name__, url_prefix="/v1/<ledger>", description="目录")


class RuleShape(Schema):
    """规则: one sentence, what it rests on, and what its breach leads to in this office today."""

    rule = text("规则编号")
    sentence = text("规则内容")
    basis = text("依据")
    severity = fields.Enum(
        Severity, by_value=True, required=True, metadata=said("本单位今日适用的后果")
    )
    default_severity = fields.Enum(
        Severity, by_value=True, required=True, metadata=said("通常的后果")
    )


class RulesShape(Schema):
    rule_set = fields.Integer(required=True, metadata=said("今日所依规则集的版次，0 为通用规则"))
    items = fields.List(fields.Nested(RuleShape), required=True)


class LeadsToShape(Schema):
    """事实: what an act can lead to."""

    topic = text("事项代码")
    title = text("事项名称")


class ActShape(Schema):
    """办理事项: who may do it, on which basis, where it is posted, what it leads to."""

    act = text("事项")
    title = text("事项名称")
    basis = text("依据")
    by = fields.List(term(Role, "可以办理的角色"), required=True)
    paths = fields.List(Told(), required=True, metadata=said("办理地址"))
    observed = truth("只登记其他系统中已经发生的业务")
    facts = fields.List(fields.Nested(LeadsToShape), required=True)


class ActsShape(Schema):
    items = fields.List(fields.Nested(ActShape), required=True)


@catalogue.reads("/rules", RulesShape, tags=["目录"])
def rules() -> Any:
    """规则目录: every rule that an act is held to."""
    ledger = caller().ledger
    today = business_day(ledger.clock())
    edition, rule_set = ledger.load(RuleBook, RULEBOOK).in_force(today)
    items = [
        {
            "rule": rule.id,
            "sentence": rule.sentence,
            "basis": rule.basis,
            "severity": rule_set.severity(rule.id, rule.severity),
            "default_severity": rule.severity,
        }
        for _, rule in sorted(RULES.items())
    ]
    return {"rule_set": edition, "items": items}


@catalogue.reads("/acts", ActsShape, tags=["目录"])
def acts_known() -> Any:
    """事项目录: everything that can be asked for."""
    return {"items": [_act_told(act) for _, act in sorted(ACTS.items())]}


def _act_told(act: Act) -> dict[str, Any]:
    return {
        "act": act.name,
        "title": act.title,
        "basis": act.basis,
        "by": sorted(act.asked_by),
        "paths": [f"/v1/{{ledger}}/{path}" for path in act.doors],
        "observed": act.observed,
        "facts": [{"topic": fact.TOPIC, "title": fact.TITLE} for fact in act.facts],
    }
