"""Read models: how far each has read, what it could not take in, and the rows of the first four."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

Column = sa.Column[Any]
Kind = sa.types.TypeEngine[Any]

WHOLE = sa.BigInteger()
NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
BROKE_A_RULE = sa.text("rules != ''")
IS_LIVE = sa.text("state = 'live'")


def upgrade() -> None:
    progress()
    unit_status()
    project_status()
    year_status()
    accountability()


def progress() -> None:
    op.create_table(
        "read_model_progress",
        key("ledger", NAME),
        key("model", NAME),
        key("generation"),
        said("state"),
        number("position"),
        comment="读到何处: how far each generation of a read model has read its ledger",
    )
    op.create_index(
        "read_model_one_live",
        "read_model_progress",
        ["ledger", "model"],
        unique=True,
        postgresql_where=IS_LIVE,
        sqlite_where=IS_LIVE,
    )
    op.create_table(
        "read_model_quarantine",
        key("ledger", NAME),
        key("model", NAME),
        key("generation"),
        key("position"),
        said("stream"),
        said("topic"),
        sa.Column("reason", sa.Text, nullable=False),
        number("until", nullable=True),
        comment="隔离: records that a read model could not take in, until a correction heals it",
    )


def unit_status() -> None:
    create(
        "unit_status",
        key("stream", NAME),
        *interval(),
        *items(),
        said("name"),
        said("superior"),
        number("level"),
        comment="单位现状: one row per unit.",
    )
    index("unit_status", "superior")


def project_status() -> None:
    create(
        "project_status",
        key("stream", NAME),
        *interval(),
        *items(),
        said("name"),
        said("unit"),
        said("project_class", nullable=True),
        number("first_year", nullable=True),
        number("last_year", nullable=True),
        truth("is_new"),
        truth("is_major"),
        number("demanded"),
        truth("is_admitted"),
        number("ex_ante_round"),
        said("ex_ante_grade", nullable=True),
        number("ex_ante_recommended", nullable=True),
        truth("has_open_condition"),
        comment="项目现状: one row per project.",
    )
    index("project_status", "unit")


def year_status() -> None:
    create(
        "year_status",
        key("stream", NAME),
        key("year"),
        *interval(),
        said("stage"),
        number("goal_version"),
        number("declared"),
        structure("passed_stages"),
        said("review_score", nullable=True),
        said("review_grade", nullable=True),
        number("recommended", nullable=True),
        number("reduction", nullable=True),
        number("budget", nullable=True),
        said("budget_document"),
        structure("lines"),
        structure("holds"),
        structure("suspended_lines"),
        structure("deferred_lines"),
        truth("is_suspended"),
        structure("evaluations"),
        said("score", nullable=True),
        said("grade", nullable=True),
        comment="年度现状: one row per budget year of a project or unit.",
    )
    index("year_status", "year", "stage")


def accountability() -> None:
    create(
        "accountability",
        key("position"),
        *interval(),
        said("stream"),
        number("version"),
        said("subject"),
        said("recorded_at"),
        day("occurred_on"),
        number("days_late"),
        *(said(name) for name in ("topic", "title", "sentence")),
        *(said(name) for name in ("person", "role", "post", "organisation", "on_behalf_of")),
        truth("is_asserted"),
        said("via"),
        said("act"),
        number("rule_set"),
        structure("breaches"),
        said("rules"),
        said("document"),
        truth("is_observed"),
        truth("is_opening"),
        number("corrected_by", nullable=True),
        truth("is_withdrawn"),
        comment="问责链: one row per record, which only a correction ever replaces.",
    )
    for first in ("subject", "person", "topic"):
        index("accountability", first, "position")
    op.create_index(
        "accountability_with_breaches",
        "accountability",
        ["ledger", "generation", "position"],
        postgresql_where=BROKE_A_RULE,
        sqlite_where=BROKE_A_RULE,
    )


def create(name: str, *columns: Column, comment: str) -> None:
    op.create_table(name, key("ledger", NAME), key("generation"), *columns, comment=comment)


def index(table: str, first: str, *rest: str) -> None:
    op.create_index(f"{table}_by_{first}", table, [first, "ledger", "generation", *rest])


def interval() -> tuple[Column, ...]:
    """From which position on a row stood, and from which on no longer."""
    return key("since"), number("until", nullable=True)


def items() -> tuple[Column, ...]:
    return structure("items"), number("open_items"), day("next_due", nullable=True)


def key(name: str, kind: Kind = WHOLE) -> Column:
    return sa.Column(name, kind, primary_key=True, autoincrement=False)


def number(name: str, *, nullable: bool = False) -> Column:
    """A count, a position, a version, or money in fen."""
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def said(name: str, *, nullable: bool = False) -> Column:
    return sa.Column(name, NAME, nullable=nullable)


def day(name: str, *, nullable: bool = False) -> Column:
    return sa.Column(name, sa.Date, nullable=nullable)


def truth(name: str) -> Column:
    return sa.Column(name, sa.Boolean, nullable=False)


def structure(name: str) -> Column:
    """JSON, written in one way only."""
    return sa.Column(name, sa.Text, nullable=False)
