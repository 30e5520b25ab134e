"""办公室: who holds which post and role, and which tokens speak for whom."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime

from aggregates.base import MAIN, Aggregate, Fact
from aggregates.roles import Role

OFFICE = MAIN


@dataclass(frozen=True)
class Assignment:
    """任职: a person at a post, in a role, over an interval (both days included)."""

    person: str
    role: Role
    post: str
    organisation: str
    since: date
    until: date | None = None

    def covers(self, day: date) -> bool:
        return self.since <= day and (self.until is None or day <= self.until)

    def overlaps(self, since: date, until: date | None) -> bool:
        """Some day lies in both intervals."""
        begins_in_time = until is None or self.since <= until
        return begins_in_time and (self.until is None or since <= self.until)


@dataclass(frozen=True)
class Token:
    """令牌: what its bearer may do, until when; only the SHA-256 of the secret is known.

    ``person`` fixes the actor; without one it is a system's token, whose calls assert actors
    within ``roles`` and the subtree below ``unit`` (empty: the whole ledger).
    """

    id: str
    digest: str
    roles: tuple[Role, ...]
    expires_at: datetime
    person: str = ""
    unit: str = ""
    system: str = ""
    is_revoked: bool = False

    def is_good(self, now: datetime) -> bool:
        return not self.is_revoked and now < self.expires_at


@dataclass
class Office(Aggregate, kind="office", collection="office"):
    """办公室: an office's own history, its assignments and its tokens."""

    assignments: list[Assignment] = field(default_factory=list)
    tokens: dict[str, Token] = field(default_factory=dict)
    by_digest: dict[str, str] = field(default_factory=dict)

    def assignment(self, person: str, role: Role, day: date) -> Assignment | None:
        """The post at which a person acts in a role on a day."""
        held = (a for a in self.assignments if (a.person, a.role) == (person, role))
        return next((a for a in held if a.covers(day)), None)

    def assigned_between(
        self, person: str, role: Role, since: date, until: date | None
    ) -> Assignment | None:
        """A post that the person holds in the role on some day of an interval."""
        held = (a for a in self.assignments if (a.person, a.role) == (person, role))
        return next((a for a in held if a.overlaps(since, until)), None)

    def token(self, digest: str) -> Token | None:
        """The token with this digest, good or not."""
        return self.tokens.get(self.by_digest.get(digest, ""))


class PersonAssigned(
    Fact[Office], topic="office.person_assigned", says="{person} 任 {organisation} {post}（{role}）"
):
    """任职: a person holds a post and a role from a day on."""

    person: str
    role: Role
    post: str
    organisation: str
    since: date
    until: date | None = None

    def apply(self, office: Office, /) -> None:
        office.assignments.append(
            Assignment(self.person, self.role, self.post, self.organisation, self.since, self.until)
        )


class AssignmentEnded(
    Fact[Office], topic="office.assignment_ended", says="{person} 任 {role} 至 {until} 止"
):
    """免职: a person's assignment in a role ends with a day, which is its last."""

    person: str
    role: Role
    until: date

    def apply(self, office: Office, /) -> None:
        office.assignments = [
            replace(a, until=self.until)
            if (a.person, a.role) == (self.person, self.role) and a.covers(self.until)
            else a
            for a in office.assignments
        ]


class TokenIssued(Fact[Office], topic="office.token_issued", says="签发令牌 {token}（{roles}）"):
    """签发令牌: whoever bears the secret speaks in these roles until it expires."""

    token: str
    digest: str
    roles: tuple[Role, ...]
    expires_at: datetime
    person: str = ""
    unit: str = ""
    system: str = ""

    def apply(self, office: Office, /) -> None:
        office.tokens[self.token] = Token(
            self.token,
            self.digest,
            self.roles,
            self.expires_at,
            self.person,
            self.unit,
            self.system,
        )
        office.by_digest[self.digest] = self.token


class TokenRevoked(Fact[Office], topic="office.token_revoked", says="吊销令牌 {token}: {reason}"):
    """吊销令牌: its bearer is nobody from here on."""

    token: str
    reason: str

    def apply(self, office: Office, /) -> None:
        known = office.tokens.get(self.token)
        if known is not None:
            office.tokens[self.token] = replace(known, is_revoked=True)
