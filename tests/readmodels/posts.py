"""A read model for tests: who holds which roles in an office, one row per person.

It cannot bear a post by the name of `UNBEARABLE`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

import sqlalchemy as sa

from aggregates.base import Fact, Record
from aggregates.office import AssignmentEnded, Office, PersonAssigned, TokenIssued
from aggregates.roles import Role
from projections.base import Row
from projections.changes import Rows
from projections.streams import StreamModel
from tests.readmodels.source import BEGAN, DAY

UNBEARABLE = "无法承受的职务"


@dataclass
class Holder(Row):
    KEY: ClassVar[tuple[str, ...]] = ("person",)

    person: str
    roles: tuple[Role, ...] = ()
    post: str = ""
    since_day: date | None = None
    is_head: bool = False


class Posts(StreamModel[Holder], name="posts", of=Office):
    """在任: one row per person who holds a role."""

    METADATA: ClassVar[sa.MetaData] = sa.MetaData()

    def assigned(self, rows: Rows[Holder], it: Record[PersonAssigned]) -> None:
        holder = rows[it.fact.person]
        holder.roles = (*holder.roles, it.fact.role)
        holder.post, holder.since_day = it.fact.post, it.fact.since
        holder.is_head = Role.UNIT_HEAD in holder.roles
        if it.fact.post == UNBEARABLE:
            raise ValueError(it.fact.post)

    def ended(self, rows: Rows[Holder], it: Record[AssignmentEnded]) -> None:
        holder = rows.get(it.fact.person)
        if holder is None:
            return
        holder.roles = tuple(role for role in holder.roles if role != it.fact.role)
        if not holder.roles:
            del rows[it.fact.person]


POSTS = Posts()


def holders(
    connection: sa.Connection, ledger: str, stream: str, as_of: int | None = None
) -> list[Holder]:
    """One office's rows as of a position."""
    standing = POSTS.visible(POSTS.at(connection, ledger, as_of))
    asked = POSTS.select().where(standing, POSTS.table.c.stream == stream)
    return POSTS.rows(connection, asked.order_by(*POSTS.name_columns))


def assigned(person: str, role: Role = Role.UNIT_CLERK, post: str = "科员") -> Fact[Office]:
    return PersonAssigned(person, role, post, "财政局", DAY)


def ended(person: str, role: Role = Role.UNIT_CLERK) -> Fact[Office]:
    return AssignmentEnded(person, role, DAY)


def issued() -> Fact[Office]:
    """A fact that this model does not listen to."""
    return TokenIssued("t", "0" * 64, (Role.AUDITOR,), BEGAN)
