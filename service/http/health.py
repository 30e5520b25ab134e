"""健康: for whoever keeps the service running. It tells numbers, no names of ledgers.

``/healthz``: the process answers. ``/readyz``: it can also be trusted with work, for the database
is there and at this release's schema, no ledger failed when it was last verified, and none is
closed for what custody has of it; else that is a problem, 503. Whether the server's settings might
lose what it acknowledges, how far the read models are behind and what they could not take in are
told beside it: none of them is cured by taking the service away.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.util import CommandError
from eventsourcing.persistence import PersistenceError
from flask import current_app
from marshmallow import Schema

from projections.models import MODELS
from projections.places import State, progress, quarantined
from service.http.doors import Doors
from service.http.problems import NOT_READY, Problem
from service.http.shapes import ReadyShape, text
from service.ledger.engine import UnsafeDatabase, durability
from service.ledger.migrations import current_revision, newest_revision
from service.ledger.recorder import storage
from service.ledger.tables import ledger_head
from service.ledger.verifications import Verdict, latest
from service.logs import logger
from service.proofs.anchor import is_closed
from service.proofs.custody import Custody

health = Doors("health", __name__, description="健康")

FAULTS = ("unverified", "history_missing")
"""How many ledgers are not to be trusted with work, by the reason."""


class UpShape(Schema):
    """存活: the process answers."""

    status = text("up")


@health.reads("/healthz", UpShape, is_open=True, tags=["健康"])
def healthz() -> Any:
    """存活: the process answers."""
    return {"status": "up"}


@health.reads("/readyz", ReadyShape, is_open=True, fails={503}, tags=["健康"])
def readyz() -> Any:
    """就绪: the service can be trusted with work."""
    app: Any = current_app
    found = look(app.engine, Path(app.settings.custody))
    if not found["ready"]:
        raise Problem(NOT_READY, _reason(found), readiness=found)
    return found


def _reason(found: dict[str, Any]) -> str:
    if not found["database"]:
        return "数据库无法连接"
    if not found["migrated"]:
        return "数据库结构不是本版本所需的"
    if found["history_missing"]:
        return f"有 {found['history_missing']} 个台账缺少已经签署的记录，恢复或确认缺失之前不再登记"
    return f"有 {found['unverified']} 个台账最近一次核验未通过，再次核验通过之前不宜继续登记"


def look(engine: sa.Engine, custody: Path) -> dict[str, Any]:
    """What there is to know, as far as the database lets itself be asked."""
    found: dict[str, Any] = dict.fromkeys(("ready", "database", "migrated", "durable"), False)
    found |= dict.fromkeys(("ledgers", "lag", "quarantined", *FAULTS), 0)
    try:
        found["migrated"] = current_revision(engine) == newest()
        found["database"] = True
        found["durable"] = not durability(engine)
        if found["migrated"]:
            found |= _numbers(engine, custody)
    except (sa.exc.SQLAlchemyError, PersistenceError, UnsafeDatabase, CommandError) as error:
        logger().warning("not ready", error=error)
    is_sound = not any(found[each] for each in FAULTS)
    found["ready"] = found["database"] and found["migrated"] and is_sound
    return found


newest = cache(newest_revision)


def _numbers(engine: sa.Engine, custody: Path) -> dict[str, int]:
    """Over all ledgers: how many, how far behind, how much not taken in, how many at fault."""
    c = progress.c
    live = sa.select(c.ledger, c.model, c.position).where(c.state == State.LIVE)
    with engine.connect() as connection:
        sizes = connection.execute(sa.select(ledger_head.c.ledger, ledger_head.c.size)).all()
        read = {(ledger, model): at for ledger, model, at in connection.execute(live)}
        missed = sum(len(quarantined(connection, ledger)) for ledger, _ in sizes)
    verified = (latest(engine, ledger) for ledger, _ in sizes)
    sound = [(it, size) for it, size in sizes if isinstance(size, int)]
    closed = (is_closed(storage(engine, it), size, Custody(custody, it)) for it, size in sound)
    lags = (size - read.get((it, model.NAME), 0) for it, size in sound for model in MODELS)
    return {
        "ledgers": len(sizes),
        "lag": max(lags, default=0),
        "quarantined": missed,
        "history_missing": sum(closed) + len(sizes) - len(sound),
        "unverified": sum(found.verdict == Verdict.FAILED for found in verified if found),
    }
