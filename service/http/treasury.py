"""可否支付: the treasury asks before it pays.

The answer is the very rule that a payment is held to when it is observed, asked of the ledger
itself, so that a suspension decided a moment ago is known. It records nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields

from aggregates.base import Actor, Aggregate
from aggregates.payments import Payments
from aggregates.project import Project
from aggregates.rulebook import RULEBOOK, RuleBook
from aggregates.values import Fen, business_day
from commands.base import Case
from commands.payments import payable
from commands.vocabulary import DayField, MoneyField
from service.http.doors import Doors
from service.http.questions import Asked, Question, Whole, code, understood
from service.http.shapes import BreachShape, breach_told, said
from service.http.standing import IN_PATH

treasury = Doors("treasury", __name__, url_prefix="/v1/<ledger>", description="国库")


class PayableQuestion(Question):
    """Which amount on which fund line, and on which day."""

    year = Whole(1990, 2100, required=True, metadata=said("预算年度"))
    line = code("资金明细编号", required=True)
    amount = MoneyField(required=True)
    on = DayField(metadata=said("支付日期，默认今天"))


class PayableShape(Schema):
    """可否支付: yes, or every rule that speaks against it."""

    as_of = fields.Integer(required=True, metadata=said("所答复的台账位置"))
    on = fields.Date(required=True, metadata=said("支付日期"))
    payable = fields.Boolean(required=True, metadata=said("可以支付"))
    breaches = fields.List(fields.Nested(BreachShape), required=True)


@treasury.reads(
    "/projects/<project>/payable",
    PayableShape,
    asks=PayableQuestion,
    in_path=[IN_PATH[Project]],
    tags=["项目"],
)
def may_be_paid(asked: Mapping[str, Any], project: str) -> Any:
    """可否支付: may this amount be paid on this fund line of the project."""
    question = understood(asked)
    question.require_known(Project, project)
    said_ = question.filters
    case = _case(question)
    answer = payable(
        case.read(Project, project),
        case.read(Payments, Payments.code_of(project, said_["year"])),
        said_["line"],
        Fen(said_["amount"]),
        case,
    )
    breaches = [breach_told(each) for each in case.breaches]
    return {"as_of": question.as_of, "on": case.on, "payable": answer, "breaches": breaches}


def _case(question: Asked) -> Case:
    """The bearer's case as of the position that is asked about; nothing of it is recorded."""
    ledger, token = question.ledger, question.who.token

    def histories(kind: type[Aggregate], code: str) -> Aggregate:
        return ledger.fold(kind, code, question.as_of)

    today = business_day(ledger.clock())
    on = question.filters.get("on", today)
    edition, rule_set = ledger.fold(RuleBook, RULEBOOK, question.as_of).in_force(on)
    actor = Actor(token.person or token.system, token.roles[0])
    return Case(actor, on, today, histories, bytes, rule_set, edition)
