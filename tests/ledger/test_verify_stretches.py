"""A long ledger is verified in stretches, by one process or several, and finds the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from multiprocessing import active_children
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy import Engine

from aggregates.base import Actor, Envelope
from aggregates.roles import Role
from aggregates.unit import UnitRegistered
from service.ledger.body import encode
from service.ledger.entry import Entry
from service.ledger.examiners import examined
from service.ledger.recorder import Recorder, create_ledger, storage
from service.ledger.rows import RequestRow
from service.ledger.stretch import STRETCH, Examination
from service.ledger.trees import TILE
from service.ledger.verifications import Verdict
from service.ledger.verify import verify
from tests.conftest import Databases, opened
from tests.ledger.cast import LEDGER, NOON, Clock, event
from tests.ledger.tampering import changed, execute, record, rewritten, rows, unguard

WANG = Actor("wang", Role.OPERATOR)
REGISTERED = UnitRegistered("农业农村局", "", 1)
LAST = 2 * STRETCH + 100

KILLED = f"""
import os, signal, sys
from service.ledger.engine import make_engine
from service.ledger.examiners import examined
from service.ledger.recorder import storage

stored = storage(make_engine(sys.argv[1]), {LEDGER!r})
with examined(stored, (1, {4_000 * STRETCH}), 2, facts=False) as stretches:
    next(stretches)
    os.kill(os.getpid(), signal.SIGKILL)
"""
"""The other process has more to tell than a pipe holds."""


@pytest.fixture(scope="module")
def filled(databases: Databases) -> Iterator[Engine]:
    with databases() as url, opened(url) as engine:
        create_ledger(engine, LEDGER)
        clock = Clock()
        recorder = Recorder(engine, LEDGER, clock)
        fill(recorder, clock, 1, STRETCH - 3)
        record_across(recorder)
        fill(recorder, clock, STRETCH + 4, LAST)
        unguard(engine)
        yield engine


def fill(recorder: Recorder, clock: Clock, first: int, last: int) -> None:
    """Records of many streams, some of them in every stretch."""
    body = encode(envelope(), REGISTERED)
    for begin in range(first, last + 1, 900):
        clock.advance(1)
        recorder.append(
            [
                event(f"unit/{number % 700}", topic=UnitRegistered.TOPIC, body=body)
                for number in range(begin, min(begin + 900, last + 1))
            ]
        )


def record_across(recorder: Recorder) -> None:
    row = RequestRow("console", "across", bytes(16), bytes(32), b"{}", "recorded")
    body = encode(envelope("across", row.seal.hex()), REGISTERED)
    six = [event(f"unit/{n}", topic=UnitRegistered.TOPIC, body=body) for n in range(6)]
    recorder.append(six, requests=[row])


@pytest.mark.parametrize("processes", [1, 2])
def test_one_or_several_processes_find_it_true(filled: Engine, processes: int) -> None:
    told: list[tuple[int, int]] = []
    found = verify(filled, LEDGER, processes=processes, told=lambda *far: told.append(far))
    assert (found.finding, found.verdict, found.size) == ("", Verdict.TRUE, LAST)
    assert told == [(far, LAST) for far in (STRETCH, 2 * STRETCH, LAST)]


def test_a_process_that_was_killed_is_missed(filled: Engine) -> None:
    with examined(storage(filled, LEDGER), (1, LAST), 2, facts=False) as stretches:
        for child in active_children():
            child.kill()
        with pytest.raises(ChildProcessError):
            list(stretches)
    assert not active_children()


def test_nobody_works_on_for_a_process_that_was_killed(filled: Engine) -> None:
    url = filled.url.render_as_string(hide_password=False)
    told = [sys.executable, "-c", KILLED, url]
    with subprocess.Popen(told, stdout=subprocess.PIPE, start_new_session=True) as begun:
        try:
            begun.communicate(timeout=60)  # which ends when all have ended who could write there
        except subprocess.TimeoutExpired:
            os.killpg(begun.pid, signal.SIGKILL)
            raise
    assert begun.returncode == -signal.SIGKILL


def test_beside_other_threads_the_processes_begin_afresh(filled: Engine) -> None:
    stop = Event()
    thread = Thread(target=stop.wait)
    thread.start()
    try:
        found = verify(filled, LEDGER, processes=2)
    finally:
        stop.set()
        thread.join()
    assert (found.verdict, found.size) == (Verdict.TRUE, LAST)


def test_no_more_processes_begin_than_there_are_stretches(filled: Engine) -> None:
    with examined(storage(filled, LEDGER), (1, LAST), 64, facts=False) as stretches:
        assert len(active_children()) == 2
        assert sum(each.size for each in stretches) == LAST


@pytest.mark.parametrize("processes", [1, 2])
def test_the_first_of_several_changes_is_named(filled: Engine, processes: int) -> None:
    late, early = (record(filled, position) for position in (STRETCH + 9, STRETCH - 9))
    with changed(filled, late, topic=b"unit.moved"), changed(filled, early, sm3=b"?"):
        found = verify(filled, LEDGER, processes=processes).finding
    assert found == (
        f"record {STRETCH - 9} has an entry that does not hash to what is stored of it"
    )


def test_a_request_across_a_border_names_all_its_records(filled: Engine) -> None:
    for positions in (f"[{STRETCH - 2}]", "[1, 2, 3, 4, 5, 6]", "[]", "{}", "[1, 3]"):
        (row,) = rows(filled, "request")
        with changed(filled, row, positions=positions.encode()):
            found = verify(filled, LEDGER).finding
        assert found.startswith("request console/across, of record ")


def test_a_version_left_out_shows_across_borders(filled: Engine) -> None:
    position = LAST - 5
    entry = Entry.parse(bytes(record(filled, position).values["entry"]))
    with rewritten(filled, position, version=entry.version + 3):
        found = verify(filled, LEDGER).finding
    is_number = f"is number {entry.version + 3} of {entry.stream}"
    assert found == f"record {position} {is_number}, after number {entry.version - 1}"


@pytest.mark.parametrize("position", [2 * STRETCH + 1, 2 * STRETCH + 7])
def test_time_never_goes_back(filled: Engine, position: int) -> None:
    with rewritten(filled, position, recorded_at=NOON - timedelta(1)):
        found = verify(filled, LEDGER).finding
    assert found == f"record {position} was recorded before the record before it"


def envelope(key: str = "", seal: str = "") -> Envelope:
    return Envelope("console", WANG, date(2021, 3, 1), "register_unit", key, seal)


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("number", [0, 15, 16, 31])
@pytest.mark.parametrize("column", ["sha256", "sm3"])
def test_the_root_of_a_subtree_is_held_against_its_records(
    filled: Engine, processes: int, number: int, column: str
) -> None:
    (row,) = rows(filled, "subtree", f"level = 1 AND number = {number}")
    with changed(filled, row, **{column: bytes(32)}):
        found = verify(filled, LEDGER, processes=processes)
    named = f"subtree {number} of level 1, of record {number * TILE + 1},"
    assert found.finding == f"{named} is not kept as its records make it"


def test_a_subtree_that_is_gone_or_too_many_is_found(filled: Engine) -> None:
    (row,) = rows(filled, "subtree", "level = 1 AND number = 31")
    with changed(filled, row, number=32):
        gone = verify(filled, LEDGER).finding
    named = f"subtree 31 of level 1, of record {31 * TILE + 1},"
    assert gone == f"{named} is not kept as its records make it"
    stray = f"INSERT INTO subtree VALUES ('{LEDGER}', 2, 0, '', '')"
    execute(filled, stray)
    assert verify(filled, LEDGER).finding == "subtrees are 33, and the records make 32"
    execute(filled, "DELETE FROM subtree WHERE level = 2")
    assert verify(filled, LEDGER).verdict is Verdict.TRUE


def test_a_subtree_of_subtrees_is_held_against_those_below(sqlite_engine: Engine) -> None:
    create_ledger(sqlite_engine, LEDGER)
    clock = Clock()
    fill(Recorder(sqlite_engine, LEDGER, clock), clock, 1, TILE * TILE)
    assert verify(sqlite_engine, LEDGER).verdict is Verdict.TRUE
    unguard(sqlite_engine)
    (row,) = rows(sqlite_engine, "subtree", "level = 2")
    with changed(sqlite_engine, row, sm3=bytes(32)):
        found = verify(sqlite_engine, LEDGER).finding
    assert found == "subtree 0 of level 2 is not kept as those below it make it"


def test_a_row_whose_position_is_torn_out_is_told(filled: Engine) -> None:
    """As a disk may leave it: no database lets anybody write such a row."""
    ledger = storage(filled, LEDGER)
    with ledger.connected() as connection:
        examination = Examination(ledger, connection, 1, 10)
        torn: Any = (None, *examination.rows[4][1:])
        examination.rows[4] = torn
        found = examination.result(facts=False).unsound
    assert str(found) == "record 5 has None for its position"
