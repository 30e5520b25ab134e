"""演示数据库: replaces what an earlier demonstration left, and touches nothing else."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from service.demo.database import NotOurs, is_ours, prepare, url_of
from service.demo.offices import CHANGNING
from service.demo.stage import perform
from service.ledger.application import Ledger
from tests.conftest import Databases
from tests.demo.conftest import unseen

SLUG = CHANGNING.slug


def test_a_file_of_its_own_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "demo.db"
    for _ in range(2):
        engine = prepare(url_of(str(path)), [SLUG])
        assert Ledger(engine, SLUG).head_position() == 0
        assert perform(CHANGNING, engine, unseen).is_right
        engine.dispose()
        assert is_ours(path)


@pytest.mark.parametrize("content", [b"", b"notes", b"SQLite format 3\x00" + bytes(100)])
def test_no_other_file_is_touched(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.db"
    path.write_bytes(content)
    with pytest.raises(NotOurs, match=r"other\.db"):
        prepare(url_of(str(path)), [SLUG])
    assert path.read_bytes() == content


def test_a_ledger_of_somebody_else_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "office.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE record (position)")
    with pytest.raises(NotOurs):
        prepare(url_of(f"sqlite:///{path}"), [SLUG])


@pytest.mark.postgresql
def test_it_plays_beside_other_ledgers_once(postgres_databases: Databases) -> None:
    with postgres_databases() as url:
        engine = prepare(url_of(url), [SLUG])
        assert perform(CHANGNING, engine, unseen).is_right
        with pytest.raises(NotOurs, match=SLUG):
            prepare(url_of(url), ["another", SLUG])
        engine.dispose()
