"""办公室: posts and roles given and ended, tokens issued and revoked."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from marshmallow import fields, validate

from aggregates.office import (
    AssignmentEnded,
    Office,
    PersonAssigned,
    TokenIssued,
    TokenRevoked,
)
from aggregates.roles import Role
from commands.base import Case, Command, Rule, act
from commands.vocabulary import Code, Digest, Name, PersonId, Reason, TextField

ADMINISTRATION = {Role.OFFICE_ADMINISTRATOR, Role.OPERATOR}

RESERVED = ("console", "import-")
"""How the names begin under which this machine itself asks."""

INTERVAL_HAS_AN_ORDER = Rule(
    "office.interval_has_an_order", "任职的截止日期不得早于起始日期", basis="KM-51"
)
HELD_ONCE = Rule("office.held_once", "同一人员在同一期间只任一个有此角色的岗位", basis="KM-51")
ENDED_IF_HELD = Rule("office.ended_if_held", "免去的岗位须是该人员在该日所任", basis="KM-51")
ENDS_EARLIER = Rule("office.ends_earlier", "免职日期须早于已登记的任职截止日期", basis="KM-51")
TOKEN_NAMED_ONCE = Rule(
    "office.token_named_once",
    "令牌编号和密钥不得重复使用",
    basis="GB/T 22239-2019",
)
TOKEN_SPEAKS_FOR_ONE = Rule(
    "office.token_speaks_for_one",
    "令牌须且只须对应一名人员或一个系统",
    basis="GB/T 22239-2019",
)
TOKEN_NAME_IS_FREE = Rule(
    "office.token_name_is_free",
    "以 console 或 import- 开头的名称留给本机操作和导入",
    basis="GB/T 22239-2019",
)
TOKEN_OUTLIVES_TODAY = Rule(
    "office.token_outlives_today", "令牌的到期日不得早于今日", basis="GB/T 22239-2019"
)
OPERATOR_BY_OPERATOR = Rule(
    "office.operator_by_operator", "本机操作员的令牌只能由本机操作员签发", basis="GB/T 22239-2019"
)
TOKEN_IS_KNOWN = Rule("office.token_is_known", "吊销的令牌须已签发", basis="GB/T 22239-2019")
REVOKED_ONCE = Rule("office.revoked_once", "每个令牌只吊销一次", basis="GB/T 22239-2019")

Roles = Annotated[
    tuple[Role, ...], fields.List(fields.Enum(Role, by_value=True), validate=validate.Length(1, 20))
]
OptionalCode = Annotated[str, TextField(64, shortest=0)]
TokenId = Annotated[Code, "令牌编号"]
LastDay = Annotated[date, "截止日期，含当日"]


@act("office/assignments", by=ADMINISTRATION, basis="KM-51; 审计法 第15条")
class AssignPerson(Command[Office]):
    """任职: a person takes a post and a role from a day on."""

    person: PersonId
    role: Role
    post: Annotated[Name, "岗位"]
    organisation: Annotated[Name, "任职单位；代单位办理的，为其编码"]
    since: Annotated[date, "起始日期"]
    until: LastDay | None = None

    def decide(self, office: Office, case: Case, /) -> PersonAssigned:
        in_order = self.until is None or self.since <= self.until
        case.require(in_order, INTERVAL_HAS_AN_ORDER, 起始=self.since, 截止=self.until)
        held = office.assigned_between(self.person, self.role, self.since, self.until)
        case.require(not held, HELD_ONCE, 人员=self.person, 角色=self.role)
        return PersonAssigned(
            self.person, self.role, self.post, self.organisation, self.since, self.until
        )


@act("office/assignments/end", by=ADMINISTRATION, basis="KM-51")
class EndAssignment(Command[Office]):
    """免职: a person's post in a role ends with a day."""

    person: PersonId
    role: Role
    until: LastDay

    def decide(self, office: Office, case: Case, /) -> AssignmentEnded:
        held = office.assignment(self.person, self.role, self.until)
        held = case.need(held, ENDED_IF_HELD, 人员=self.person, 角色=self.role)
        case.require(self.until != held.until, ENDS_EARLIER, 已登记=held.until)
        return AssignmentEnded(self.person, self.role, self.until)


@act("office/tokens", by=ADMINISTRATION, basis="GB/T 22239-2019")
class IssueToken(Command[Office]):
    """签发令牌: the bearer of a secret may act in these roles; only its digest is given."""

    token: TokenId
    digest: Annotated[Digest, "令牌密钥的 SHA-256 摘要，密钥本身不得报送"]
    roles: Annotated[Roles, "令牌的角色"]
    expires_at: Annotated[datetime, "到期时间"]
    person: Annotated[OptionalCode, "持有人的人员编号，与系统名称二者填一"] = ""
    unit: Annotated[OptionalCode, "只对该单位及其下级有效，空为全部"] = ""
    system: Annotated[OptionalCode, "持有系统的名称，与人员编号二者填一"] = ""

    def decide(self, office: Office, case: Case, /) -> TokenIssued:
        known = self.token in office.tokens or self.digest in office.by_digest
        case.require(not known, TOKEN_NAMED_ONCE, 令牌=self.token)
        is_one = bool(self.person) != bool(self.system)
        case.require(is_one, TOKEN_SPEAKS_FOR_ONE, 人员=self.person, 系统=self.system)
        is_free = not self.token.startswith(RESERVED)
        case.require(is_free, TOKEN_NAME_IS_FREE, 令牌=self.token)
        last = self.expires_at.date()
        case.require(last >= case.today, TOKEN_OUTLIVES_TODAY, 到期=last)
        is_allowed = Role.OPERATOR not in self.roles or case.role == Role.OPERATOR
        case.require(is_allowed, OPERATOR_BY_OPERATOR, 签发人角色=case.role)
        return TokenIssued(
            self.token,
            self.digest,
            self.roles,
            self.expires_at,
            self.person,
            self.unit,
            self.system,
        )


@act("office/tokens/revocation", by=ADMINISTRATION, basis="GB/T 22239-2019")
class RevokeToken(Command[Office]):
    """吊销令牌: its bearer may do nothing any more."""

    token: TokenId
    reason: Reason

    def decide(self, office: Office, case: Case, /) -> TokenRevoked:
        token = case.need(office.tokens.get(self.token), TOKEN_IS_KNOWN, 令牌=self.token)
        case.require(not token.is_revoked, REVOKED_ONCE, 令牌=self.token)
        return TokenRevoked(self.token, self.reason)
