"""Sealing: what is signed is what is there; less, or something else, is never signed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine

from service.ledger.application import Ledger
from service.ledger.entry import Entry
from service.ledger.errors import HistoryMissing
from service.ledger.hashes import ALGORITHMS, SHA256
from service.ledger.recorder import create_ledger, storage
from service.ledger.tables import checkpoint, cosignature
from service.ledger.trees import Frontier
from service.proofs.custody import BadCustody, Custody
from service.proofs.keyfiles import BadKeyFile, create
from service.proofs.keys import KeyRefused
from service.proofs.merkle import require_consistency
from service.proofs.notes import BadNote, Kind, Note, PublicKey, Signer
from service.proofs.recovering import NothingMissing, catch_up, missing_in, take_back
from service.proofs.roster import Roster
from service.proofs.rounds import Rounds, keys_of
from service.proofs.sealing import listed_at
from service.proofs.tiles import Tiles
from service.settings import Settings
from tests.ledger.cast import events
from tests.ledger.tampering import backup, changed, execute, record, restore, unguard
from tests.proofs.cast import ORIGIN, SLUG, add, sealed_office
from tests.proofs.test_notes import witness


@pytest.fixture
def ledger(engine: Engine, settings: Settings) -> Ledger:
    return sealed_office(engine, settings)


def custody(settings: Settings) -> Custody:
    return Custody(Path(settings.custody), SLUG)


def test_a_checkpoint_says_what_the_records_say(ledger: Ledger, settings: Settings) -> None:
    sealed = custody(settings).sealed()
    assert sealed is not None
    entries = [each.entry for each in ledger.records_in.select_notifications(1, 1_000)]
    roots = [Frontier(each).grown(map(each.leaf, entries)).root for each in ALGORITHMS]
    told = sealed.checkpoint
    assert (told.origin, told.size) == ("wenxiao.local/shizong", 301)
    assert [told.sha256, told.sm3] == roots


def test_it_is_signed_by_the_key_that_the_ledger_records(
    ledger: Ledger, settings: Settings
) -> None:
    sealed = custody(settings).sealed()
    assert sealed is not None
    (known,) = keys_of(ledger, settings).known.keys
    assert sealed.note.signed_by([PublicKey.parse(known)]) == {PublicKey.parse(known): None}


def test_each_checkpoint_is_the_beginning_of_the_next(ledger: Ledger, settings: Settings) -> None:
    first = custody(settings).sealed()
    add(ledger, 50)
    second = Rounds(ledger, settings).go().sealed
    assert first is not None
    assert second is not None
    old, new = first.checkpoint, second.checkpoint
    path = Tiles(ledger.records_in._storage).tree(SHA256, new.size).consistency(old.size)
    require_consistency(SHA256, old.size, new.size, old.sha256, new.sha256, path)


def test_nothing_added_is_nothing_signed(ledger: Ledger, settings: Settings) -> None:
    again = Rounds(ledger, settings).go()
    assert not again.is_new
    assert again.sealed == custody(settings).sealed()


def test_what_custody_holds_and_the_database_lacks_is_put_back(
    ledger: Ledger, settings: Settings, engine: Engine
) -> None:
    """The process was killed between the two."""
    unguard(engine)
    execute(engine, "DELETE FROM checkpoint")
    Rounds(ledger, settings).go()
    with engine.connect() as connection:
        assert connection.execute(sa.select(checkpoint.c.size)).scalars().all() == [301]


def test_a_record_that_changed_before_it_was_signed_is_not_signed(
    ledger: Ledger, settings: Settings, engine: Engine
) -> None:
    add(ledger, 50)
    unguard(engine)
    execute(engine, "UPDATE record SET entry = :other WHERE position = 310", other=b"another")
    with pytest.raises(HistoryMissing, match="does not give back"):
        Rounds(ledger, settings).go()


def test_a_record_that_is_gone_is_not_passed_over(
    ledger: Ledger, settings: Settings, engine: Engine
) -> None:
    add(ledger, 50)
    unguard(engine)
    execute(engine, "DELETE FROM record WHERE position = 310")
    with pytest.raises(HistoryMissing, match="lacks a record"):
        Rounds(ledger, settings).go()


def test_a_head_that_makes_no_sense_is_told(
    engine: Engine, ledger: Ledger, settings: Settings
) -> None:
    unguard(engine)
    execute(engine, "UPDATE ledger_head SET size = size - 1")
    with pytest.raises(HistoryMissing, match="head of ledger shizong makes no sense"):
        Ledger(engine, SLUG).records_in.append(events("project/x", 1))
    with pytest.raises(HistoryMissing):
        Rounds(ledger, settings).go()


def test_the_last_sealed_record_is_not_read_again_where_nothing_is_new(
    engine: Engine, ledger: Ledger, settings: Settings
) -> None:
    unguard(engine)
    with changed(engine, record(engine, 301), entry=b"no entry"):
        assert not Rounds(ledger, settings).go().is_new


def test_custody_that_cannot_be_read_is_no_custody(ledger: Ledger, settings: Settings) -> None:
    custody(settings).checkpoint_file.write_text("nothing\n")
    with pytest.raises(BadCustody, match=r"shizong\.checkpoint"):
        Rounds(ledger, settings).go()


def test_a_rotated_key_signs_on_and_the_old_one_is_good_so_far(
    ledger: Ledger, settings: Settings
) -> None:
    keys = keys_of(ledger, settings)
    (old,) = keys.known.keys
    new = keys.rotate("每年更换")
    assert keys.known.keys == {old: 301, str(new): None}
    add(ledger, 1)
    sealed = Rounds(ledger, settings).go().sealed
    assert sealed is not None
    assert sealed.note.signed_by([new]) == {new: None}


def test_a_rotation_that_was_broken_off_is_taken_up_again(
    ledger: Ledger, settings: Settings
) -> None:
    keys, key_file = keys_of(ledger, settings), custody(settings).key_file
    before = key_file.read_bytes()
    new = keys.rotate("每年更换")
    key_file.rename(key_file.with_suffix(".next"))
    key_file.write_bytes(before)
    key_file.chmod(0o600)
    with pytest.raises(KeyRefused, match="in use"):
        keys.signer()
    assert keys.rotate("每年更换") == new
    assert keys.signer().public == new


@pytest.mark.parametrize("column", ["stream", "version"])
@pytest.mark.parametrize("position", [10, 310])
def test_the_roster_is_of_the_entries_and_not_of_columns_beside_them(
    ledger: Ledger, settings: Settings, engine: Engine, column: str, position: int
) -> None:
    """Whoever owns the database says otherwise of old and new records, while it is sealed."""
    add(ledger, 50)
    honest = [*map(Roster(listed_at(storage(engine, SLUG), 351)).root, ALGORITHMS)]
    unguard(engine)
    value = {"stream": "project/hidden", "version": 1_000}[column]
    execute(engine, f"UPDATE record SET {column} = :other WHERE position = {position}", other=value)
    if position < 301:
        with pytest.raises(HistoryMissing, match="lists other streams"):
            Rounds(ledger, settings).go()
    else:
        sealed = Rounds(ledger, settings).go().sealed
        assert sealed is not None
        told = sealed.checkpoint
        assert [told.roster_sha256, told.roster_sm3] == honest


def test_the_roster_of_what_was_not_signed_is_not_gone_on_from(
    ledger: Ledger, settings: Settings, engine: Engine
) -> None:
    """A worker that could not sign for a while, in which another one did."""
    worker = Rounds(ledger, settings)
    add(ledger, 50)
    unguard(engine)
    row = record(engine, 310)
    hidden = bytes(replace(Entry.parse(bytes(row.values["entry"])), stream="project/hidden"))
    with changed(engine, row, entry=hidden), pytest.raises(HistoryMissing):
        worker.go()
    Rounds(ledger, settings).go()
    add(ledger, 1)
    sealed = worker.go().sealed
    assert sealed is not None
    honest = Roster(listed_at(storage(engine, SLUG), 352))
    assert sealed.checkpoint.roster_sha256 == honest.root(SHA256)


def test_a_checkpoint_that_nobody_signed_is_not_gone_on_from(
    ledger: Ledger, settings: Settings, engine: Engine
) -> None:
    """Somebody inserts a row, so that records below it are not read back."""
    known = custody(settings).sealed()
    assert known is not None
    add(ledger, 50)
    forged = replace(known.checkpoint, size=340)
    execute(
        engine,
        "INSERT INTO checkpoint (ledger, size, origin, note, sealed_at)"
        " VALUES (:ledger, 340, :origin, :note, '')",
        ledger=SLUG,
        origin=ORIGIN,
        note=str(Note(forged.text, known.note.signatures)),
    )
    with pytest.raises(BadNote, match="has a checkpoint 340 in its database that no key of"):
        Rounds(ledger, settings).go()


@pytest.fixture
def copy(ledger: Ledger, settings: Settings) -> str:
    """Of custody's checkpoint; two more were signed since."""
    copy = custody(settings).checkpoint_file.read_text("utf-8")
    for _ in range(2):
        add(ledger, 20)
        Rounds(ledger, settings).go()
    return copy


def test_custody_that_lags_behind_is_brought_up_before_anything_is_signed(
    ledger: Ledger, settings: Settings, copy: str
) -> None:
    custody(settings).checkpoint_file.write_text(copy)
    assert not Rounds(ledger, settings).go().is_new
    custody(settings).checkpoint_file.write_text(copy)
    add(ledger, 1)
    sealed = Rounds(ledger, settings).go().sealed
    assert sealed is not None
    assert (sealed.checkpoint.size, sealed.checkpoint.previous) == (342, 341)


def test_a_copy_that_is_taken_back_and_lags_behind_is_brought_up(
    ledger: Ledger, settings: Settings, copy: str
) -> None:
    kept, keys = custody(settings), keys_of(ledger, settings)
    kept.checkpoint_file.write_text(copy)
    lagged = "custody lagged behind: it knew of 301 records that were signed, and knows of 341"
    assert catch_up(ledger, kept).startswith(lagged)
    kept.checkpoint_file.write_text("damaged")
    assert take_back(ledger, kept, keys, copy).startswith(lagged)
    assert (catch_up(ledger, kept), missing_in(ledger, kept)) == ("", None)


def test_a_key_of_a_custody_that_lags_behind_stays_good_for_all_that_it_has_signed(
    ledger: Ledger, settings: Settings, copy: str
) -> None:
    custody(settings).checkpoint_file.write_text(copy)
    keys = keys_of(ledger, settings)
    keys.rotate("每年更换")
    assert [*keys.known.keys.values()] == [341, None]


@pytest.mark.parametrize("is_cut_off", [True, False])
def test_what_the_database_has_of_what_was_signed_is_missed_whatever_custody_knows(
    ledger: Ledger, settings: Settings, engine: Engine, *, is_cut_off: bool
) -> None:
    """An older copy of custody was put back, and the database lies behind or beside."""
    kept, old = custody(settings), backup(engine)
    copy = kept.checkpoint_file.read_text("utf-8")
    add(ledger, 40)
    Rounds(ledger, settings).go()
    whole = backup(engine)
    kept.checkpoint_file.write_text(copy)
    unguard(engine)
    if is_cut_off:
        restore(engine, old | {"checkpoint": whole["checkpoint"]})
        told = "has 301 records here, but 341 were sealed: records 302 to 341 are missing"
    else:
        execute(engine, "UPDATE record SET sha256 = :other WHERE position = 310", other=bytes(32))
        told = "has other records here than the 341 that were sealed"
    other = Ledger(engine, SLUG)
    for attempt in (lambda: add(other, 1), lambda: Rounds(other, settings).go()):
        with pytest.raises(HistoryMissing, match=told):
            attempt()
    assert told in str(missing_in(other, kept))
    kept.checkpoint_file.unlink()
    with pytest.raises(HistoryMissing, match=told):
        take_back(other, kept, keys_of(other, settings), copy)
    restore(engine, whole)
    assert not Rounds(Ledger(engine, SLUG), settings).go().is_new


def test_custody_without_its_checkpoint_signs_nothing_and_lets_nothing_be_added(
    ledger: Ledger, settings: Settings, engine: Engine
) -> None:
    """The key was restored, and the checkpoint was not."""
    custody(settings).checkpoint_file.unlink()
    with pytest.raises(HistoryMissing, match="not in custody"):
        Rounds(ledger, settings).go()
    with pytest.raises(HistoryMissing, match="not in custody"):
        add(Ledger(engine, SLUG), 1)
    with pytest.raises(KeyRefused, match="recover"):
        keys_of(ledger, settings).rotate("每年更换")


def test_a_lost_checkpoint_is_put_back_from_a_copy(
    ledger: Ledger, settings: Settings, engine: Engine
) -> None:
    kept, keys = custody(settings), keys_of(ledger, settings)
    copy = kept.checkpoint_file.read_text("utf-8")
    with pytest.raises(NothingMissing):
        take_back(ledger, kept, keys, copy)
    kept.checkpoint_file.unlink()
    stranger = Signer(keys.origin, Kind.LOG, Ed25519PrivateKey.generate())
    text = Note.parse(copy).text
    with pytest.raises(BadNote, match="no checkpoint of"):
        take_back(ledger, kept, keys, str(Note(text, (stranger.sign(text),))))
    take_back(ledger, kept, keys, copy)
    add(Ledger(engine, SLUG), 1)
    assert Rounds(ledger, settings).go().is_new


def test_a_first_key_that_was_not_put_on_record_is_taken_up_again(
    engine: Engine, settings: Settings
) -> None:
    create_ledger(engine, SLUG)
    ledger = Ledger(engine, SLUG)
    keys = keys_of(ledger, settings)
    keys.custody.make_folder()
    begun = create(keys.custody.next_file, keys.origin, Kind.LOG)
    assert keys.new() == begun.public
    assert keys.signer().public == begun.public
    with pytest.raises(BadKeyFile, match="there already"):
        keys.new()


def test_what_a_witness_said_is_put_into_the_database_once_it_is_in_custody(
    ledger: Ledger, settings: Settings, engine: Engine
) -> None:
    """The process was killed between the two."""
    sealed = custody(settings).sealed()
    assert sealed is not None
    said = witness().sign(sealed.note.text, 1_700_000_000)
    custody(settings).keep(sealed.note.with_signatures([said]))
    for _ in range(2):
        Rounds(ledger, settings).go()
        with engine.connect() as connection:
            assert connection.execute(sa.select(cosignature.c.line)).scalars().all() == [str(said)]
