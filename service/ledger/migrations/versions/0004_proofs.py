"""Proofs: the roots of complete subtrees, signed checkpoints, and what witnesses said of them."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

from service.ledger.guards import append_only
from service.ledger.hashes import ALGORITHMS
from service.ledger.trees import Frontier

revision = "0004"
down_revision = "0003"

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
LEAVES = sa.text(
    "SELECT sha256, sm3 FROM record WHERE ledger = :ledger AND position > :after"
    " ORDER BY position LIMIT 4096"
)
KEEP = sa.text("INSERT INTO subtree VALUES (:ledger, :level, :number, :sha256, :sm3)")


def upgrade() -> None:
    create_tables()
    for ledger in op.get_bind().scalars(sa.text("SELECT ledger FROM ledger_head")).all():
        for rows in completed(ledger):
            op.get_bind().execute(KEEP, [{"ledger": ledger, **row} for row in rows])
    for table in ("subtree", "checkpoint", "cosignature"):
        for statement in append_only(op.get_bind().dialect.name, table):
            op.execute(statement)


def create_tables() -> None:
    op.create_table(
        "subtree",
        sa.Column("ledger", NAME, primary_key=True),
        sa.Column("level", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("sm3", sa.LargeBinary, nullable=False),
        comment="子树: the roots of complete subtrees of 256, 256² … records",
    )
    op.create_table(
        "checkpoint",
        sa.Column("ledger", NAME, primary_key=True),
        sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("sealed_at", sa.Text, nullable=False),
        comment="检查点: signed statements of a ledger's size and roots",
    )
    op.create_table(
        "cosignature",
        sa.Column("ledger", NAME, primary_key=True),
        sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("witness", NAME, primary_key=True),
        sa.Column("line", sa.Text, nullable=False),
        comment="联署: what witnesses said of a checkpoint",
    )


def completed(ledger: str) -> Iterator[list[dict[str, object]]]:
    """The subtrees of a ledger that was begun without them, in portions."""
    trees, after = tuple(map(Frontier, ALGORITHMS)), 0
    while rows := op.get_bind().execute(LEAVES, {"ledger": ledger, "after": after}).all():
        grown = [
            tree.growth(each) for tree, each in zip(trees, zip(*rows, strict=True), strict=True)
        ]
        trees, after = tuple(tree for tree, _ in grown), after + len(rows)
        pairs = zip(*(subtrees for _, subtrees in grown), strict=True)
        portion = [
            {"level": a.level, "number": a.number, "sha256": a.root, "sm3": b.root}
            for a, b in pairs
        ]
        if portion:
            yield portion
