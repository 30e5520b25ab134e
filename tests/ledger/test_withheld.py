"""What is withheld is gone from the database's files, not only from its answers."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from service.ledger.recorder import Recorder, create_ledger
from service.ledger.rows import CommittedValue
from tests.ledger.cast import LEDGER, event

PERSON = "WangXiaoming"
NAME = CommittedValue(b"digest", b"salt", PERSON * 30)
OTHER = CommittedValue(b"other", b"salt", "LiSi")


@pytest.fixture
def recorder(sqlite_engine: Engine) -> Recorder:
    create_ledger(sqlite_engine, LEDGER)
    recorder = Recorder(sqlite_engine, LEDGER)
    recorder.append([event()], values=[NAME, OTHER])
    return recorder


def held(engine: Engine) -> dict[str, int]:
    """How often the name stands in which file."""
    path = Path(str(engine.url.database))
    files = path.parent.glob(f"{path.name}*")
    found = {file.name: file.read_bytes().count(PERSON.encode()) for file in files}
    return {file: count for file, count in found.items() if count}


def test_no_file_holds_what_is_withheld(sqlite_engine: Engine, recorder: Recorder) -> None:
    with sqlite_engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")
    assert len(held(sqlite_engine)) == 2
    recorder.append([event()], withheld={NAME.digest: 0})
    assert held(sqlite_engine) == {}
    assert recorder.find_value(OTHER.digest) == OTHER


def test_what_somebody_still_reads_delays_no_order(
    sqlite_engine: Engine, recorder: Recorder
) -> None:
    with sqlite_engine.connect() as reading:
        reading.execute(sa.text("SELECT count(*) FROM record")).all()
        recorder.append([event()], withheld={NAME.digest: 0})
        assert recorder.find_value(NAME.digest) is None
    recorder.append([event()], withheld={OTHER.digest: 0})
    assert held(sqlite_engine) == {}
