"""Logs: checkpoints and cosignatures by the log that they are of; a ledger may be several."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from service.ledger.guards import append_only

revision = "0007"
down_revision = "0006"

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
KEYS = {
    "checkpoint": ("ledger", "size", "origin"),
    "cosignature": ("ledger", "size", "origin", "witness"),
}
LONGEST = 140
"""No origin is longer; but a note may say anything, and an index takes no long texts."""

FIRST_LINE = {
    "postgresql": f"substr(split_part(note, chr(10), 1), 1, {LONGEST})",
    "sqlite": "substr(CAST(note AS TEXT), 1,"
    f" min({LONGEST}, instr(CAST(note AS TEXT) || char(10), char(10)) - 1))",
}
ITS_CHECKPOINTS = """coalesce((SELECT {first_line} FROM checkpoint
    WHERE checkpoint.ledger = cosignature.ledger AND checkpoint.size = cosignature.size), '')"""


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    first_line = FIRST_LINE[dialect]
    its_checkpoints = ITS_CHECKPOINTS.format(first_line=first_line)
    for table, origin in (("cosignature", its_checkpoints), ("checkpoint", first_line)):
        if dialect == "postgresql":
            alter(table, origin)
        else:
            make_anew(table, origin)


def alter(table: str, origin: str) -> None:
    """With all that the table has been granted, and with its guards, that are off meanwhile."""
    op.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    op.add_column(table, sa.Column("origin", NAME, nullable=False, server_default=""))
    op.execute(f"UPDATE {table} SET origin = {origin}")  # noqa: S608 - the names are ours
    op.alter_column(table, "origin", server_default=None)
    op.drop_constraint(f"{table}_pkey", table)
    op.create_primary_key(f"{table}_pkey", table, [*KEYS[table]])
    op.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def make_anew(table: str, origin: str) -> None:
    """SQLite changes no primary key, and takes the guards away with the table."""
    told = {"checkpoint": ("note", "sealed_at"), "cosignature": ("line",)}[table]
    kinds = dict.fromkeys(KEYS[table], NAME) | {"size": sa.BigInteger()}
    keys = [sa.Column(name, kind, primary_key=True) for name, kind in kinds.items()]
    op.create_table("anew", *keys, *(sa.Column(name, sa.Text, nullable=False) for name in told))
    into = ", ".join((*KEYS[table], *told))
    what = ", ".join(origin if name == "origin" else name for name in (*KEYS[table], *told))
    op.execute(f"INSERT INTO anew ({into}) SELECT {what} FROM {table}")  # noqa: S608
    op.drop_table(table)
    op.rename_table("anew", table)
    for statement in append_only("sqlite", table):
        op.execute(statement)
