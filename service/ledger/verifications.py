"""核验结果: what was found when a ledger was verified, kept for whoever asks how it stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from service.ledger.engine import writing

_table = sa.Table(
    "verification",
    sa.MetaData(),
    sa.Column("ledger", sa.Text, primary_key=True),
    sa.Column("began_at", sa.Text, primary_key=True),
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("finding", sa.Text, nullable=False),
)


class Verdict(StrEnum):
    """核验结论: nothing verified is not success."""

    TRUE = "true"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Verification:
    """核验: how a ledger was found, when, and as far as it had come then.

    ``finding`` is the first thing that is not as it was recorded, empty where everything is; then
    ``sha256`` and ``sm3`` are the roots of both trees, to be compared with those noted elsewhere.
    """

    ledger: str
    began_at: datetime
    verdict: Verdict
    size: int
    finding: str = ""
    sha256: str = ""
    sm3: str = ""


def keep(engine: sa.Engine, found: Verification) -> None:
    """Remember what was found; the roots stand in the head."""
    told = vars(found) | {"began_at": found.began_at.isoformat()}
    row = {column.name: told[column.name] for column in _table.columns}
    with writing(engine) as connection:
        connection.execute(sa.insert(_table).values(row))


def latest(engine: sa.Engine, ledger: str) -> Verification | None:
    """What was found last, if this ledger was ever verified."""
    c = _table.c
    newest = sa.select(_table).where(c.ledger == ledger).order_by(c.began_at.desc()).limit(1)
    with engine.connect() as connection:
        row = connection.execute(newest).one_or_none()
    if row is None:
        return None
    began_at, verdict = datetime.fromisoformat(row.began_at), Verdict(row.verdict)
    return Verification(row.ledger, began_at, verdict, row.size, row.finding)
