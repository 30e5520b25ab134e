"""Witness: the last checkpoint that a witness signed of each ledger."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from service.ledger.guards import moves_on_only

revision = "0005"
down_revision = "0004"

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "witnessed",
        sa.Column("origin", NAME, primary_key=True),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        comment="见证: the last checkpoint that this witness signed of each ledger",
    )
    for statement in moves_on_only(op.get_bind().dialect.name):
        op.execute(statement)
