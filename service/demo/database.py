"""演示数据库: a file of its own that may be thrown away, or three new ledgers beside others."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from service.ledger.engine import make_engine
from service.ledger.migrations import migrate
from service.ledger.recorder import create_ledger
from service.ledger.tables import ledger_head

DEFAULT = "wenxiao-demo.sqlite"
MARK = b"WXdm"
"""The application id in the header of an SQLite file that holds nothing but a demonstration."""

MAGIC, MARK_AT = b"SQLite format 3\x00", 68


class NotOurs(RuntimeError):
    """There is something in the way which the demonstration did not put there."""


def url_of(given: str) -> sa.URL:
    """A database by its URL, or an SQLite file by its path."""
    if "://" in given:
        return sa.make_url(given)
    return sa.URL.create("sqlite", database=given)


def prepare(url: sa.URL, slugs: Sequence[str]) -> sa.Engine:
    """An engine on a database in which these ledgers are new and empty.

    A file left by an earlier demonstration is replaced. Raises :class:`NotOurs` for any other file,
    and where one of the ledgers exists already.
    """
    if url.get_backend_name() == "sqlite" and url.database:
        _begin_file(Path(url.database))
    engine = make_engine(url)
    try:
        migrate(engine)
        _refuse_existing(engine, slugs)
        for slug in slugs:
            create_ledger(engine, slug)
    except BaseException:
        engine.dispose()
        raise
    return engine


def is_ours(path: Path) -> bool:
    """Whether an earlier demonstration has made this file."""
    with path.open("rb") as file:
        header = file.read(MARK_AT + len(MARK))
    return header.startswith(MAGIC) and header[MARK_AT:] == MARK


def _begin_file(path: Path) -> None:
    if path.exists():
        if not is_ours(path):
            raise NotOurs(f"{path} 不是演示数据库，不予覆盖；请用 --database 另指定文件")
        for file in (path, *(Path(f"{path}-{suffix}") for suffix in ("wal", "shm"))):
            file.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA application_id = {int.from_bytes(MARK, 'big')}")


def _refuse_existing(engine: sa.Engine, slugs: Sequence[str]) -> None:
    with engine.connect() as connection:
        asked = sa.select(ledger_head.c.ledger).where(ledger_head.c.ledger.in_(slugs))
        found = connection.execute(asked).scalars().all()
    if found:
        told = "、".join(sorted(found))
        raise NotOurs(f"数据库中已有台账 {told}，台账不可覆盖；请另指定数据库")
