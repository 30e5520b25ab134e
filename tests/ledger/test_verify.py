"""Whatever is changed behind the service's back, verification names the first record concerned."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from aggregates.base import Actor, Envelope
from aggregates.roles import Role
from aggregates.unit import UnitRegistered
from service.desk import Desk
from service.ledger.application import Ledger
from service.ledger.body import encode
from service.ledger.entry import Entry
from service.ledger.errors import UnknownLedger
from service.ledger.recorder import Recorder
from service.ledger.verifications import Verdict, Verification, keep, latest
from service.ledger.verify import BESIDE, every_name, verify
from tests.ledger.cast import LEDGER, NOON, event
from tests.ledger.furnished import asked, seen
from tests.ledger.tampering import changed, execute, record, rewritten, rows, unguard

ONE_DATABASE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
WANG = Actor("wang", Role.OPERATOR)
REGISTERED = UnitRegistered("农业农村局", "", 1)


def test_what_was_recorded_is_true(office: Ledger) -> None:
    found = verify(office.engine, LEDGER)
    assert (found.verdict, found.size, found.finding) == (Verdict.TRUE, 10, "")


def test_this_release_can_read_what_it_recorded(office: Ledger) -> None:
    assert verify(office.engine, LEDGER, facts=True).verdict is Verdict.TRUE


def test_an_empty_ledger_proves_nothing(engine: Engine, ledger: str) -> None:
    found = verify(engine, ledger)
    assert (found.verdict, found.size, found.finding) == (Verdict.INCONCLUSIVE, 0, "")


def test_there_must_be_a_ledger(engine: Engine) -> None:
    with pytest.raises(UnknownLedger):
        verify(engine, "nowhere")


def test_another_ledger_beside_it_does_not_matter(office: Ledger) -> None:
    execute(office.engine, "INSERT INTO ledger_head VALUES ('other', 5, 'x', :b, :b)", b=b"torn")
    assert verify(office.engine, LEDGER).verdict is Verdict.TRUE
    assert verify(office.engine, "other").verdict is Verdict.FAILED


@ONE_DATABASE
@given(st.data())
def test_no_byte_of_anything_stored_changes_unnoticed(office: Ledger, data: st.DataObject) -> None:
    unguard(office.engine)
    stored = [row for table in NAMED for row in rows(office.engine, table)]
    row = data.draw(st.sampled_from(stored), "row")
    columns = [name for name, value in row.values.items() if value is not None]
    column = data.draw(st.sampled_from(columns), "column")
    value = data.draw(another(row.values[column]), "value")
    try:
        with changed(office.engine, row, **{column: value}):
            found = verify(office.engine, LEDGER)
    except (sa.exc.IntegrityError, sa.exc.DataError):
        reject()  # not every value is one that the database takes
    assert found.verdict is Verdict.FAILED
    assert found.finding.startswith(NAMED[row.table](row.values))
    assert verify(office.engine, LEDGER).verdict is Verdict.TRUE


def another(value: Any) -> st.SearchStrategy[Any]:
    """A value with one byte changed, or another number."""
    if isinstance(value, int):
        return st.integers(-3, 2**40).filter(lambda each: each != value)
    plain = value.encode() if isinstance(value, str) else bytes(value)
    return st.builds(flipped, st.just(plain), st.integers(0, len(plain) - 1), st.integers(1, 255))


def flipped(value: bytes, at: int, by: int) -> bytes:
    return value[:at] + bytes([value[at] ^ by]) + value[at + 1 :]


def _first(row: dict[str, Any]) -> int:
    first: int = json.loads(row["positions"])[0]
    return first


UNREADABLE = "database cannot be read"
NAMED: dict[str, Callable[[dict[str, Any]], tuple[str, ...]]] = {
    "record": lambda row: (f"record {row['position']} ",),
    "request": lambda row: (
        f"request {row['principal']}/{row['key']}, of record {_first(row)}, ",
        f"record {_first(row)} cannot be read",
    ),
    "observed": lambda row: (
        f"source row budget/units/{row['row_id']}/{row['revision']}, of record {row['position']}, ",
        f"record {row['position']} cannot be read",
    ),
    "committed_value": lambda row: (f"value {row['digest'].hex()}, ", "record ", UNREADABLE),
    "ledger_head": lambda _: ("head ", "record ", UNREADABLE),
}
"""How a finding about a row of each table may begin."""


def test_what_is_recorded_meanwhile_does_not_disturb(office: Ledger) -> None:
    def record() -> None:
        for number in range(60):
            key = f"meanwhile-{number}"
            body = {"name": "农业农村局", **seen(key, "1")}
            Desk(office).carry_out(asked("register_unit", f"unit/m{number}", body, key=key))

    with ThreadPoolExecutor(1) as pool:
        recording, found = pool.submit(record), []
        while not recording.done():
            found.append(verify(office.engine, LEDGER))
        recording.result()
    assert {each.finding for each in found} == {""}
    assert verify(office.engine, LEDGER).size == 70


def test_a_record_that_is_gone_is_missed(office: Ledger) -> None:
    unguard(office.engine)
    execute(office.engine, "DELETE FROM record WHERE position = 3")
    assert verify(office.engine, LEDGER).finding == "record 3 is missing"


def test_the_last_record_is_missed_too(office: Ledger) -> None:
    unguard(office.engine)
    execute(office.engine, "DELETE FROM record WHERE position = 10")
    assert verify(office.engine, LEDGER).finding == "record 10 is missing"


def test_records_beyond_the_head_are_none(office: Ledger) -> None:
    unguard(office.engine)
    execute(office.engine, "UPDATE ledger_head SET size = 9")
    assert verify(office.engine, LEDGER).finding == "record 10 is there, though the head says 9"


@pytest.mark.parametrize("position", [0, -7])
def test_nor_is_there_one_before_the_first(office: Ledger, position: int) -> None:
    unguard(office.engine)
    stray = f"INSERT INTO record SELECT ledger, {position}, 'unit/0', 1, topic, entry, sha256, sm3"
    execute(office.engine, f"{stray} FROM record WHERE position = 1")
    assert verify(office.engine, LEDGER).finding == "record 11 is there, though the head says 10"


def test_a_head_that_is_gone_is_missed(office: Ledger) -> None:
    unguard(office.engine)
    execute(office.engine, "DELETE FROM ledger_head")
    assert verify(office.engine, LEDGER).finding == "head is gone, though there are records"


def test_whatever_is_left_of_a_ledger_says_that_its_head_is_gone(office: Ledger) -> None:
    unguard(office.engine)
    execute(office.engine, f"INSERT INTO subtree VALUES ('{LEDGER}', 1, 0, '', '')")
    execute(office.engine, f"INSERT INTO checkpoint VALUES ('{LEDGER}', 1, '', '', '')")
    execute(office.engine, f"INSERT INTO cosignature VALUES ('{LEDGER}', 1, '', '', '')")
    for table, told in BESIDE.items():
        (row, *_) = rows(office.engine, table)
        with changed(office.engine, row, ledger="other"):
            assert every_name(office.engine) == ["other", LEDGER]
            assert (
                verify(office.engine, "other").finding == f"head is gone, though there are {told}"
            )
    assert every_name(office.engine) == [LEDGER]


def test_a_version_beyond_all_numbers_is_told(office: Ledger) -> None:
    unguard(office.engine)
    if office.engine.dialect.name == "sqlite":  # the other keeps none
        with changed(office.engine, record(office.engine, 3), version=float("inf")):
            found = verify(office.engine, LEDGER).finding
        assert found == "record 3 has inf for its version, and 1 in its entry"


def test_a_name_that_is_no_text_hides_no_other(office: Ledger) -> None:
    unguard(office.engine)
    if office.engine.dialect.name == "sqlite":  # the other keeps none
        with changed(office.engine, record(office.engine, 3), ledger=b"\xff"):
            assert every_name(office.engine) == [LEDGER]


def test_a_request_that_is_gone_is_missed(office: Ledger) -> None:
    unguard(office.engine)
    execute(office.engine, "DELETE FROM request WHERE key = 'key-1'")
    found = verify(office.engine, LEDGER).finding
    assert found == "request console/key-1, of record 2, is gone, though records were made for it"


def test_a_request_that_was_never_made_is_found(office: Ledger) -> None:
    execute(
        office.engine,
        "INSERT INTO request SELECT ledger, principal, 'made up', salt, digest, body, positions,"
        " outcome FROM request WHERE key = 'key-1'",
    )
    found = verify(office.engine, LEDGER).finding
    assert found == "request console/made up has no record that was made for it"


def test_a_source_row_that_was_never_seen_is_found(office: Ledger) -> None:
    execute(
        office.engine,
        "INSERT INTO observed SELECT ledger, system, source_table, 'made up', revision, position"
        " FROM observed WHERE row_id = '118' AND revision = '1'",
    )
    found = verify(office.engine, LEDGER).finding
    assert found == "source row budget/units/made up/1 has no record that came from it"


def test_records_rewritten_with_their_hashes_are_found_by_the_head(office: Ledger) -> None:
    unguard(office.engine)
    entry = Entry.parse(bytes(record(office.engine, 1).values["entry"]))
    body = entry.body.replace("农业农村局".encode(), "农业农林局".encode())
    with rewritten(office.engine, 1, body=body):
        found = verify(office.engine, LEDGER).finding
    assert found == "head has another sha256 tree than the records make"


def test_a_fact_that_this_release_cannot_read_is_named(engine: Engine, recorder: Recorder) -> None:
    body = encode(envelope(), REGISTERED)
    recorder.append([event("unit/1", topic=UnitRegistered.TOPIC, body=body)])
    recorder.append([event("unit/2", topic="unit.dissolved", body=body)])
    assert verify(engine, LEDGER).verdict is Verdict.TRUE
    found = verify(engine, LEDGER, facts=True).finding
    assert found.startswith("record 2 has a fact that cannot be read")


def test_what_was_found_is_kept_for_whoever_asks(engine: Engine) -> None:
    assert latest(engine, LEDGER) is None
    first = Verification(LEDGER, NOON, Verdict.TRUE, 7)
    second = Verification(LEDGER, NOON + timedelta(1), Verdict.FAILED, 8, "record 3 is missing")
    keep(engine, second)
    keep(engine, first)
    keep(engine, Verification("other", NOON + timedelta(2), Verdict.INCONCLUSIVE, 0))
    assert latest(engine, LEDGER) == second


def envelope(key: str = "", seal: str = "") -> Envelope:
    return Envelope("console", WANG, date(2021, 3, 1), "register_unit", key, seal)
