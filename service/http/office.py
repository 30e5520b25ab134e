"""办公室: who holds which post, which tokens speak for whom, and by which rules it decides.

Each is read where it is posted. Secrets are not known here, and their digests are not told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields

from aggregates.base import title_of
from aggregates.office import OFFICE, Office, Token
from aggregates.roles import Role
from aggregates.rulebook import DEFAULT, RULEBOOK, RuleBook, RuleSet
from aggregates.values import business_day
from service.http.doors import Doors
from service.http.questions import Question, understood
from service.http.shapes import Instant, fields_told, number, said, text, truth
from service.http.statuses import day, term
from service.schemas import Made

office = Doors("office", __name__, url_prefix="/v1/<ledger>", description="办公室")


class AssignmentShape(Schema):
    """任职: a person at a post, in a role, over an interval."""

    person = text("人员编号")
    role = term(Role, "角色")
    post = text("岗位")
    organisation = text("单位；代单位办理的，为其编码")
    since = day("起始日期")
    until = day("截止日期，含当日", allow_none=True)


class TokenShape(Schema):
    """令牌: what its bearer may do, for whom, until when."""

    token = text("令牌编号")
    roles = fields.List(term(Role, "角色"), required=True)
    expires_at = Instant(required=True, metadata=said("到期时间"))
    person = text("持有人的人员编号")
    system = text("持有系统的名称")
    unit = text("只对该单位及其下级有效，空为全部")
    is_revoked = truth("已经吊销")


class EditionShape(Schema):
    """规则集各版: one edition, with all that it says."""

    edition = number("版次，0 为通用规则")
    is_in_force = truth("今日施行")
    rule_set = Made(RuleSet, required=True, metadata=said("规则集"))


class ListShape(Schema):
    as_of = fields.Integer(required=True, metadata=said("所答复的台账位置"))


class AssignmentsShape(ListShape):
    items = fields.List(fields.Nested(AssignmentShape), required=True)


class TokensShape(ListShape):
    items = fields.List(fields.Nested(TokenShape), required=True)


class EditionsShape(ListShape):
    items = fields.List(fields.Nested(EditionShape), required=True)


@office.reads("/office/assignments", AssignmentsShape, asks=Question, tags=[title_of(Office)])
def assignments(asked: Mapping[str, Any]) -> Any:
    """任职: every post and role that was given, and until when."""
    as_of, it = _office(asked)
    return {"as_of": as_of, "items": it.assignments}


@office.reads("/office/tokens", TokensShape, asks=Question, tags=[title_of(Office)])
def tokens(asked: Mapping[str, Any]) -> Any:
    """令牌: every token that was issued, good or not; no secret and no digest of one."""
    as_of, it = _office(asked)
    return {"as_of": as_of, "items": [_token_told(each) for each in it.tokens.values()]}


@office.reads("/rulebook/editions", EditionsShape, asks=Question, tags=[title_of(RuleBook)])
def editions(asked: Mapping[str, Any]) -> Any:
    """规则集各版: the common rules, and whatever the office has published since."""
    question = understood(asked)
    book = question.ledger.fold(RuleBook, RULEBOOK, question.as_of)
    now, _ = book.in_force(business_day(question.ledger.clock()))
    items = [
        {"edition": edition, "is_in_force": edition == now, "rule_set": rule_set}
        for edition, rule_set in sorted({0: DEFAULT, **book.versions}.items())
    ]
    return {"as_of": question.as_of, "items": items}


def _office(asked: Mapping[str, Any]) -> tuple[int, Office]:
    """The office as of a position, for those who look after it or over it."""
    question = understood(asked)
    question.who.may_read_the_office()
    return question.as_of, question.ledger.fold(Office, OFFICE, question.as_of)


def _token_told(token: Token) -> dict[str, Any]:
    return {**fields_told(token), "token": token.id}
