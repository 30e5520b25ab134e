"""All of a ledger under verification: anew, or from where it was found true the last time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from projections.models import MODELS
from service.ledger.application import Ledger
from service.ledger.recorder import Recorder, create_ledger
from service.ledger.stretch import STRETCH
from service.ledger.verifications import Verdict, Verification
from service.projector import Projector
from service.proofs.custody import Custody
from service.proofs.recovering import accept_loss
from service.proofs.rounds import Rounds, keys_of
from service.settings import Settings
from service.verifying import Account, Inspection
from tests.conftest import Databases, opened
from tests.ledger.cast import Clock
from tests.ledger.tampering import backup, changed, execute, record, restore, rows, unguard
from tests.ledger.test_verify_stretches import fill
from tests.proofs.cast import SLUG, settings_in

KNOWN = STRETCH + 105
"""As far as it was found true: a stretch, and some of the next; one record announces the key."""
LAST = KNOWN + 50
FIRST_OF_STRETCH = STRETCH + 1


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> Settings:
    return settings_in(tmp_path_factory.mktemp(databases.__name__))


@pytest.fixture(scope="module")
def office(databases: Databases, settings: Settings) -> Iterator[Engine]:
    """A ledger that was sealed three times, found true once, and added to since."""
    with databases() as url, opened(url) as engine:
        create_ledger(engine, SLUG)
        clock = Clock()
        ledger, recorder = Ledger(engine, SLUG, clock), Recorder(engine, SLUG, clock)
        keys_of(ledger, settings).new()
        for last in (500, KNOWN, LAST):
            fill(recorder, clock, recorder.head().size + 1, last)
            Rounds(ledger, settings).go()
            if last == KNOWN:
                found_true(engine, settings)
        unguard(engine)
        yield engine


def found_true(engine: Engine, settings: Settings) -> None:
    inspection = Inspection(engine, SLUG, settings, full=False)
    found = inspection.verify()
    assert found.verdict is Verdict.TRUE
    inspection.remember(found)


def inspected(
    engine: Engine, settings: Settings, *, full: bool = False
) -> tuple[Verification, Account]:
    inspection = Inspection(engine, SLUG, settings, full=full)
    return inspection.verify(), inspection.account


def finding(engine: Engine, settings: Settings, *, full: bool = False) -> str:
    return inspected(engine, settings, full=full)[0].finding


@pytest.mark.parametrize(("full", "begin", "checkpoints"), [(False, KNOWN, 2), (True, 0, 3)])
def test_it_goes_on_or_begins_anew(
    office: Engine, settings: Settings, *, full: bool, begin: int, checkpoints: int
) -> None:
    found, account = inspected(office, settings, full=full)
    assert (found.verdict, found.finding, found.size) == (Verdict.TRUE, "", LAST)
    assert (account.begin, account.checkpoints) == (begin, checkpoints)


def test_both_ways_come_to_the_same_trees(office: Engine, settings: Settings) -> None:
    accounts = [inspected(office, settings, full=full)[1] for full in (False, True)]
    assert accounts[0].roots == accounts[1].roots
    assert None not in accounts[0].roots.values()


@pytest.mark.parametrize("position", [FIRST_OF_STRETCH, KNOWN, KNOWN + 1, LAST])
def test_what_is_changed_in_the_last_stretch_is_found(
    office: Engine, settings: Settings, position: int
) -> None:
    with changed(office, record(office, position), topic=b"unit.moved"):
        assert f"record {position} has 'unit.moved' for its topic" in finding(office, settings)


def test_what_is_changed_before_is_left_to_a_full_one(office: Engine, settings: Settings) -> None:
    with changed(office, record(office, STRETCH), topic=b"unit.moved"):
        assert finding(office, settings) == ""
        assert f"record {STRETCH} has" in finding(office, settings, full=True)


def test_what_is_cut_off_is_missed(office: Engine, settings: Settings) -> None:
    (row,) = rows(office, "record", f"position = {LAST}")
    with changed(office, row, position=LAST + 7):
        assert finding(office, settings) == f"record {LAST} is missing"


def test_what_a_full_one_has_found_is_not_forgotten(office: Engine, settings: Settings) -> None:
    custody = Custody(Path(settings.custody), SLUG)
    verified = custody.verified()
    assert verified is not None
    inspection = Inspection(office, SLUG, settings, full=True)
    with changed(office, record(office, STRETCH), topic=b"unit.moved"):
        inspection.remember(inspection.verify())
        assert f"record {STRETCH} has" in finding(office, settings)
    custody.keep_verified(verified.note)


@pytest.mark.parametrize("column", ["sha256", "sm3"])
def test_a_beginning_that_is_another_is_examined_anew(
    office: Engine, settings: Settings, column: str
) -> None:
    (row,) = rows(office, "subtree", "level = 1 AND number = 3")
    with changed(office, row, **{column: bytes(32)}):
        found, account = inspected(office, settings)
    named = "subtree 3 of level 1, of record 769,"
    assert found.finding == f"{named} is not kept as its records make it"
    assert account.begin == 0


def test_streams_go_on_as_they_were_signed(office: Engine, settings: Settings) -> None:
    """What is known of their versions is taken from the database; the roster vouches for it."""
    with changed(office, record(office, STRETCH - 5), stream="unit/9999"):
        found, account = inspected(office, settings)
    assert found.finding.startswith(f"record {STRETCH - 5} has 'unit/9999' for its stream")
    assert account.begin == 0


def test_a_beginning_that_was_found_true_and_is_another_now(
    office: Engine, settings: Settings, tmp_path: Path
) -> None:
    """Everything fits together; but it is another ledger than the one that was verified."""
    other = settings_in(tmp_path)
    known, held = (Custody(Path(each.custody), SLUG) for each in (settings, other))
    verified = known.verified()
    assert verified is not None
    text = verified.note.text.replace(str(KNOWN), str(KNOWN - 1), 1)
    held.keep_verified(type(verified.note)(text, verified.note.signatures))
    expected = f"records 1 to {KNOWN - 1} are others than those that were found true before"
    assert finding(office, other) == expected


def test_what_cannot_be_read_of_the_last_time_is_as_good_as_nothing(
    office: Engine, tmp_path: Path
) -> None:
    other = settings_in(tmp_path)
    custody = Custody(Path(other.custody), SLUG)
    custody.make_folder()
    custody.verified_file.write_text("?")
    found, account = inspected(office, other)
    assert (found.verdict, account.begin) == (Verdict.TRUE, 0)
    assert "custody: the last checkpoint is lost: see wenxiao recover" in account.unchecked


def test_without_custody_nothing_is_remembered(office: Engine, tmp_path: Path) -> None:
    other = settings_in(tmp_path)
    found_true(office, other)
    assert not Path(other.custody).exists()


def test_rows_beside_earlier_records_are_counted_by_a_full_one(
    office: Engine, settings: Settings
) -> None:
    stray = "INSERT INTO observed VALUES (:ledger, 'a', 'b', 'c', '1', 7)"
    execute(office, stray, ledger=SLUG)
    assert finding(office, settings) == ""
    assert "a/b/c/1 has no record" in finding(office, settings, full=True)
    execute(office, "DELETE FROM observed")


def test_a_ledger_that_went_on_after_a_loss_is_true(engine: Engine, tmp_path: Path) -> None:
    settings, ledger = settings_in(tmp_path), new_office(engine)
    custody = Custody(Path(settings.custody), SLUG)
    keys_of(ledger, settings).new()
    Rounds(ledger, settings).go()
    found_true(engine, settings)
    kept = backup(engine)
    fill(ledger.records_in, Clock(), 22, 30)
    Rounds(ledger, settings).go()
    found_true(engine, settings)
    restore(engine, kept)
    assert "records 22 to 30 are missing" in finding(engine, settings)
    accept_loss(ledger, custody, keys_of(ledger, settings), "机房失火")
    unsealed = "loss at record 22 is on record, and no checkpoint of a later log was signed"
    assert finding(engine, settings) == unsealed
    Rounds(ledger, settings).go()
    for full in (False, True):
        found, account = inspected(engine, settings, full=full)
        assert (found.finding, account.checkpoints) == ("", 2)


def test_what_was_signed_of_a_lost_log_is_told_and_is_no_failure(
    engine: Engine, tmp_path: Path
) -> None:
    """The database was written anew, and its checkpoints left; one of each log has one size."""
    settings, ledger = settings_in(tmp_path), new_office(engine)
    custody = Custody(Path(settings.custody), SLUG)
    keys_of(ledger, settings).new()
    Rounds(ledger, settings).go()
    kept = backup(engine)
    for first, last in ((22, 30), (31, 40)):
        fill(ledger.records_in, Clock(), first, last)
        Rounds(ledger, settings).go()
    restore(engine, kept | {"checkpoint": backup(engine)["checkpoint"]})
    accept_loss(ledger, custody, keys_of(ledger, settings), "机房失火")
    Rounds(ledger, settings).go()
    fill(ledger.records_in, Clock(), ledger.head_position() + 1, 30)
    Rounds(ledger, settings).go()
    lost = "log wenxiao.local/shizong: what was sealed beyond 21 records, up to 40, is lost, as was"
    for full, begin, checkpoints in ((True, 0, 3), (False, 0, 3), (False, 30, 1)):
        found, account = inspected(engine, settings, full=full)
        assert (found.finding, account.begin, account.checkpoints) == ("", begin, checkpoints)
        (told,) = (each for each in account.unchecked if each.startswith(lost))
        assert told.endswith("another log since; 2 of its checkpoints say what is not here")
        if not full:
            found_true(engine, settings)
    fill(ledger.records_in, Clock(), 31, 50)
    Rounds(ledger, settings).go()
    found, account = inspected(engine, settings)
    assert (found.finding, account.begin, account.checkpoints) == ("", 30, 2)


def test_read_models_are_held_against_the_records(engine: Engine, tmp_path: Path) -> None:
    settings, ledger = settings_in(tmp_path), new_office(engine)
    _, account = inspected(engine, settings, full=True)
    assert about_models(account.unchecked) == [
        f"read model {model.NAME}: has read nothing" for model in MODELS
    ]
    while Projector(engine, ledger).step():
        pass
    _, account = inspected(engine, settings, full=True)
    assert [told.partition(":")[0] for told in about_models(account.checked)] == [
        f"read model {model.NAME}" for model in MODELS
    ]


def test_a_read_model_that_says_anything_else_is_found(engine: Engine, tmp_path: Path) -> None:
    settings, ledger = settings_in(tmp_path), new_office(engine)
    while Projector(engine, ledger).step():
        pass
    before = rows(engine, "unit_status")
    execute(engine, "UPDATE unit_status SET name = '财政局' WHERE stream = 'unit/7'")
    assert finding(engine, settings) == ""
    assert finding(engine, settings, full=True) == (
        f"read model unit_status differs from the records in 1 of {len(before)} rows"
    )
    assert len(rows(engine, "unit_status")) == len(before)


def test_a_row_and_its_index_say_the_same(sqlite_engine: Engine, tmp_path: Path) -> None:
    """What is asked for by its key is answered from the index, whatever the row itself says."""
    new_office(sqlite_engine)
    file, settings = Path(str(sqlite_engine.url.database)), settings_in(tmp_path)
    sqlite_engine.dispose()
    row, other = (f"{SLUG}{chr(position)}unit/".encode() for position in (7, 77))
    data = file.read_bytes()
    assert data.count(row) == 1
    file.write_bytes(data.replace(row, other))
    assert finding(sqlite_engine, settings) == ""
    assert finding(sqlite_engine, settings, full=True).startswith("database is damaged: row ")


def new_office(engine: Engine) -> Ledger:
    """A small one without a key."""
    create_ledger(engine, SLUG)
    clock = Clock()
    fill(Recorder(engine, SLUG, clock), clock, 1, 20)
    return Ledger(engine, SLUG, clock)


def about_models(told: list[str]) -> list[str]:
    return [each for each in told if each.startswith("read model")]
