"""The ledger's tables: what is stored of a record, and what is kept beside it.

A record's row repeats only what must be searched; everything else is read from its entry. The
migrations create these tables and their guards; this is how the rest of the service names them.
"""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

# Compared byte by byte: an index must not depend on the collations of an operating system.
Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

ledger_head = sa.Table(
    "ledger_head",
    metadata,
    sa.Column("ledger", Name, primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("recorded_at", sa.Text),
    sa.Column("sha256_frontier", sa.LargeBinary, nullable=False),
    sa.Column("sm3_frontier", sa.LargeBinary, nullable=False),
    comment="末端: one row per ledger; its lock, its sequence and its trees",
)

record = sa.Table(
    "record",
    metadata,
    sa.Column("ledger", Name, primary_key=True),
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("stream", Name, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("topic", Name, nullable=False),
    sa.Column("entry", sa.LargeBinary, nullable=False),
    sa.Column("sha256", sa.LargeBinary, nullable=False),
    sa.Column("sm3", sa.LargeBinary, nullable=False),
    sa.UniqueConstraint("ledger", "stream", "version", name="record_stream_version"),
    comment="记录: the entries and their two leaf hashes; never changed, never deleted",
)

CLOCK_CORRECTED = "ledger.clock_corrected"
"""The topic by which an office confirms its clock."""

sa.Index(
    "record_clock_corrected",
    record.c.ledger,
    record.c.position,
    postgresql_where=record.c.topic == CLOCK_CORRECTED,
    sqlite_where=record.c.topic == CLOCK_CORRECTED,
)

subtree = sa.Table(
    "subtree",
    metadata,
    sa.Column("ledger", Name, primary_key=True),
    sa.Column("level", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("sha256", sa.LargeBinary, nullable=False),
    sa.Column("sm3", sa.LargeBinary, nullable=False),
    comment="子树: the roots of complete subtrees of 256, 256² … records",
)

request = sa.Table(
    "request",
    metadata,
    sa.Column("ledger", Name, primary_key=True),
    sa.Column("principal", Name, primary_key=True),
    sa.Column("key", Name, primary_key=True),
    sa.Column("salt", sa.LargeBinary, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("positions", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    comment="受理: every request that was answered for good, with where its records are",
)

observed = sa.Table(
    "observed",
    metadata,
    sa.Column("ledger", Name, primary_key=True),
    sa.Column("system", Name, primary_key=True),
    sa.Column("source_table", Name, primary_key=True),
    sa.Column("row_id", Name, primary_key=True),
    sa.Column("revision", Name, primary_key=True),
    sa.Column("position", sa.BigInteger, nullable=False),
    comment="来源行: which row of which system, in which revision, is recorded where",
)

committed_value = sa.Table(
    "committed_value",
    metadata,
    sa.Column("ledger", Name, primary_key=True),
    sa.Column("digest", sa.LargeBinary, primary_key=True),
    sa.Column("salt", sa.LargeBinary),
    sa.Column("value", sa.Text),
    sa.Column("withheld_by", sa.BigInteger),
    comment="承诺值: personal values that records know by digest; emptied by a recorded order",
)

checkpoint = sa.Table(
    "checkpoint",
    metadata,
    sa.Column("ledger", Name, primary_key=True),
    sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("origin", Name, primary_key=True),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("sealed_at", sa.Text, nullable=False),
    comment="检查点: signed statements of a ledger's size and roots",
)

cosignature = sa.Table(
    "cosignature",
    metadata,
    sa.Column("ledger", Name, primary_key=True),
    sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("origin", Name, primary_key=True),
    sa.Column("witness", Name, primary_key=True),
    sa.Column("line", sa.Text, nullable=False),
    comment="联署: what witnesses said of a checkpoint",
)

witnessed = sa.Table(
    "witnessed",
    metadata,
    sa.Column("origin", Name, primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.LargeBinary, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    comment="见证: the last checkpoint that this witness signed of each ledger",
)
