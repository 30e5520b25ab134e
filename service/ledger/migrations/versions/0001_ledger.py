"""The ledger: heads, records, requests, source rows, committed values, and their guards."""

from __future__ import annotations

from itertools import chain

import sqlalchemy as sa
from alembic import op

from service.ledger.guards import (
    REFUSE_CHANGE,
    append_only,
    empties_only,
    grows_only,
)

revision = "0001"
down_revision = None

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
APPEND_ONLY = ("record", "request", "observed")
CLOCK_CORRECTED = sa.text("topic = 'ledger.clock_corrected'")


def upgrade() -> None:
    create_tables()
    dialect = op.get_bind().dialect.name
    if dialect == "postgresql":
        op.execute(REFUSE_CHANGE)
    append_only_tables = (append_only(dialect, table) for table in APPEND_ONLY)
    for statement in chain(grows_only(dialect), empties_only(dialect), *append_only_tables):
        op.execute(statement)


def create_tables() -> None:
    op.create_table(
        "ledger_head",
        sa.Column("ledger", NAME, primary_key=True),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("recorded_at", sa.Text),
        sa.Column("sha256_frontier", sa.LargeBinary, nullable=False),
        sa.Column("sm3_frontier", sa.LargeBinary, nullable=False),
        comment="末端: one row per ledger; its lock, its sequence and its trees",
    )
    op.create_table(
        "record",
        sa.Column("ledger", NAME, primary_key=True),
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("stream", NAME, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("topic", NAME, nullable=False),
        sa.Column("entry", sa.LargeBinary, nullable=False),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("sm3", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("ledger", "stream", "version", name="record_stream_version"),
        comment="记录: the entries and their two leaf hashes; never changed, never deleted",
    )
    op.create_index(
        "record_clock_corrected",
        "record",
        ["ledger", "position"],
        postgresql_where=CLOCK_CORRECTED,
        sqlite_where=CLOCK_CORRECTED,
    )
    op.create_table(
        "request",
        sa.Column("ledger", NAME, primary_key=True),
        sa.Column("principal", NAME, primary_key=True),
        sa.Column("key", NAME, primary_key=True),
        sa.Column("salt", sa.LargeBinary, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("positions", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        comment="受理: every request that was answered for good, with where its records are",
    )
    op.create_table(
        "observed",
        sa.Column("ledger", NAME, primary_key=True),
        sa.Column("system", NAME, primary_key=True),
        sa.Column("source_table", NAME, primary_key=True),
        sa.Column("row_id", NAME, primary_key=True),
        sa.Column("revision", NAME, primary_key=True),
        sa.Column("digest", sa.LargeBinary),
        sa.Column("position", sa.BigInteger, nullable=False),
        comment="来源行: which row of which system, in which revision, is recorded where",
    )
    op.create_table(
        "committed_value",
        sa.Column("ledger", NAME, primary_key=True),
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("salt", sa.LargeBinary),
        sa.Column("value", sa.Text),
        sa.Column("withheld_by", sa.BigInteger),
        comment="承诺值: personal values that records know by digest; emptied by a recorded order",
    )
