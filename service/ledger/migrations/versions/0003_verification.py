"""Verifications: when a ledger was verified, how far, and what was found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "verification",
        sa.Column("ledger", NAME, primary_key=True),
        sa.Column("began_at", sa.Text, primary_key=True),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("finding", sa.Text, nullable=False),
        comment="核验: when a ledger was verified, how far, and what was found first",
    )
