"""A key whose file is lost: another takes its place, and it does not stay good for its finder."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Engine

from service.ledger.application import Ledger
from service.ledger.engine import make_engine
from service.ledger.recorder import create_ledger
from service.ledger.tables import checkpoint
from service.proofs import keys as of_keys
from service.proofs.custody import BadCustody, Custody
from service.proofs.keyfiles import BadKeyFile, read
from service.proofs.keys import KeyRefused
from service.proofs.notes import Note
from service.proofs.recovering import accept_loss, as_it_is
from service.proofs.rounds import Rounds, keys_of
from service.settings import Settings
from tests.ledger.tampering import backup, restore
from tests.proofs.cast import ORIGIN, SLUG, add, sealed_office
from tests.proofs.test_recovering import Killed, dying

STEPS = ((of_keys, "ask_as_console"), (of_keys, "create"), (Path, "replace"))
"""Whatever leaves something behind while a key is made."""


@pytest.fixture
def ledger(engine: Engine, settings: Settings) -> Ledger:
    """301 records were sealed with a key, of which nobody has the file any more."""
    return sealed_office(engine, settings)


def test_a_key_is_not_made_beside_one_that_is_in_use(
    ledger: Ledger, settings: Settings, custody: Custody
) -> None:
    keys, file = keys_of(ledger, settings), custody.key_file
    (old,) = keys.known.keys
    with pytest.raises(BadKeyFile, match="is there already"):
        keys.new_for_lost("失窃")
    away = file.rename(file.with_name("away"))
    with pytest.raises(KeyRefused, match=r"put .* back, or .* wenxiao keys new --lost"):
        keys.new()
    assert keys.known.keys == {old: None}
    assert not custody.next_file.exists()
    away.rename(file)
    assert str(keys.signer().public) == old


def test_a_lost_key_is_retired_where_another_one_is_made(
    ledger: Ledger, settings: Settings, custody: Custody
) -> None:
    keys = keys_of(ledger, settings)
    (old,) = keys.known.keys
    custody.key_file.unlink()
    add(ledger, 9)
    new = keys.new_for_lost("失窃")
    assert keys.known.keys == {old: 301, str(new): None}
    sealed = Rounds(ledger, settings).go().sealed
    assert sealed is not None
    assert sealed.note.signed_by([new]) == {new: None}


def test_custody_from_before_a_rotation_gets_another_key(
    ledger: Ledger, settings: Settings, custody: Custody
) -> None:
    keys, rounds = keys_of(ledger, settings), Rounds(ledger, settings)
    older = {file: file.read_bytes() for file in custody.folder.iterdir()}
    with custody.alone():
        rotated = keys.rotate("每年更换")
    add(ledger, 9)
    rounds.go()
    for file, held in older.items():
        file.write_bytes(held)
    with pytest.raises(KeyRefused, match=r"which is not the key in use: .* keys new --lost"):
        rounds.go()
    assert "but nothing new is sealed: " in as_it_is(ledger, custody, keys)
    new = keys.new_for_lost("机房失火")
    assert "\n" not in as_it_is(ledger, custody, keys)
    first, *_ = keys.known.keys
    assert keys.known.keys == {first: 301, str(rotated): 312, str(new): None}
    sealed = rounds.go().sealed
    assert sealed is not None
    assert sealed.note.signed_by([new]) == {new: None}


def test_a_key_that_was_lost_before_it_signed_is_good_for_nothing(
    engine: Engine, settings: Settings, custody: Custody
) -> None:
    create_ledger(engine, SLUG)
    keys = keys_of(Ledger(engine, SLUG), settings)
    lost = keys.new()
    custody.key_file.unlink()
    new = keys.new_for_lost("失窃")
    assert keys.known.keys == {str(lost): 0, str(new): None}


def test_where_no_key_was_ever_made_none_was_lost(engine: Engine, settings: Settings) -> None:
    create_ledger(engine, SLUG)
    keys = keys_of(Ledger(engine, SLUG), settings)
    with pytest.raises(KeyRefused, match="none was lost"):
        keys.new_for_lost("失窃")
    assert not keys.known.keys


@pytest.mark.usefixtures("ledger")
def test_a_key_is_replaced_once_wherever_that_is_broken_off(
    engine: Engine,
    settings: Settings,
    custody: Custody,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    custody.key_file.unlink()
    before, ends = backup(engine), []
    for moment in count():
        restore(engine, before)
        custody.key_file.unlink(missing_ok=True)
        keys, clock = keys_of(Ledger(engine, SLUG), settings), count()
        with monkeypatch.context() as patched, suppress(Killed):
            for place, name in STEPS:
                patched.setattr(place, name, dying(getattr(place, name), clock, moment))
            keys.new_for_lost("失窃")
        if not custody.key_file.exists():
            keys.new_for_lost("失窃")
        keys.signer()
        ends.append([*keys.known.keys.values()])
        assert not custody.next_file.exists()
        if next(clock) <= moment:
            break
    assert moment >= 8
    assert ends == [[301, None]] * len(ends)


def test_records_and_key_may_be_lost_together(
    engine: Engine, ledger: Ledger, settings: Settings, custody: Custody
) -> None:
    before = backup(engine)
    add(ledger, 9)
    Rounds(ledger, settings).go()
    restore(engine, before)
    custody.key_file.unlink()
    unanchored = make_engine(engine.url)
    other = Ledger(unanchored, SLUG)
    keys = keys_of(other, settings)
    accept_loss(other, custody, keys, "机房失火")
    sealed = Rounds(other, settings).go().sealed
    assert sealed is not None
    assert sealed.checkpoint.origin == f"{ORIGIN}.2"
    assert [*keys.known.keys.values()] == [310, None]
    unanchored.dispose()


@pytest.mark.parametrize("remembers", ["everything", "the keys", "its own key", "nothing"])
def test_a_loss_takes_no_key_and_no_retirement_along(
    engine: Engine, ledger: Ledger, settings: Settings, custody: Custody, remembers: str
) -> None:
    """What is restored is older than a rotation: the thief of the first key gains nothing by it."""
    rounds, before = Rounds(ledger, settings), backup(engine)
    keys = keys_of(ledger, settings)
    (stolen,) = keys.known.keys
    add(ledger, 9)
    rounds.go()
    with custody.alone():
        second = str(keys.rotate("失窃"))
    add(ledger, 9)
    rounds.go()
    assert keys.known.keys == {stolen: 310, second: None}
    restore(engine, before)
    if remembers in ("its own key", "nothing"):
        custody.keys_file.unlink()
    if remembers in ("the keys", "nothing"):
        custody.key_file.unlink()
    unanchored = make_engine(engine.url)
    other = Ledger(unanchored, SLUG)
    accept_loss(other, custody, keys_of(other, settings), "机房失火")
    found = {**keys_of(other, settings).known.keys}
    third = str(keys_of(other, settings).signer().public)
    unanchored.dispose()
    assert (
        found
        == {
            "everything": {stolen: 310, second: 321, third: None},
            "the keys": {stolen: 310, second: 321, third: None},
            "its own key": {stolen: 301, second: 321, third: None},
            "nothing": {stolen: 301, third: None},
        }[remembers]
    )
    assert custody.keys() == found


def test_a_key_that_was_being_made_before_a_loss_is_in_use_no_longer(
    engine: Engine,
    ledger: Ledger,
    settings: Settings,
    custody: Custody,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The machine is switched off in a rotation, and what is restored is older than that."""
    before, keys = backup(engine), keys_of(ledger, settings)
    add(ledger, 9)
    Rounds(ledger, settings).go()
    with monkeypatch.context() as patched, custody.alone():
        patched.setattr(Custody, "keep_keys", dying(Custody.keep_keys, count(), 1))
        with pytest.raises(Killed):
            keys.rotate("每年更换")
    begun = str(read(custody.next_file, None).public)
    restore(engine, before)
    unanchored = make_engine(engine.url)
    other = Ledger(unanchored, SLUG)
    accept_loss(other, custody, keys_of(other, settings), "机房失火")
    known, new = keys_of(other, settings).known.keys, keys_of(other, settings).signer().public
    unanchored.dispose()
    assert known[begun] == 0
    assert [key for key, last in known.items() if last is None] == [str(new)]


@pytest.mark.parametrize("remembers", [True, False])
def test_a_thief_does_not_say_how_far_his_key_was_good(
    engine: Engine, ledger: Ledger, settings: Settings, custody: Custody, *, remembers: bool
) -> None:
    """Its retirement is lost with the records; he has the database say that it signed more."""
    rounds, before, keys = Rounds(ledger, settings), backup(engine), keys_of(ledger, settings)
    thief = keys.signer()
    with custody.alone():
        second = str(keys.rotate("失窃"))
    add(ledger, 9)
    last = rounds.go().sealed
    assert last is not None
    restore(engine, before)
    if not remembers:
        custody.keys_file.unlink()
    lie = replace(last.checkpoint, size=5_000)
    note = Note(lie.text, (thief.sign(lie.text),))
    row = {"ledger": SLUG, "size": 5_000, "origin": ORIGIN, "note": str(note), "sealed_at": ""}
    with engine.begin() as connection:
        connection.execute(checkpoint.insert().values(row))
    unanchored = make_engine(engine.url)
    other = Ledger(unanchored, SLUG)
    accept_loss(other, custody, keys_of(other, settings), "机房失火")
    found = keys_of(other, settings).known.keys
    unanchored.dispose()
    assert (found[str(thief.public)], found[second]) == (301, last.checkpoint.size)


def test_what_custody_has_of_keys_and_cannot_be_read_is_told(custody: Custody) -> None:
    assert custody.keys() == {}
    custody.keep_keys({"log+key": None, "old+key": 7})
    assert custody.keys() == {"log+key": None, "old+key": 7}
    custody.keys_file.write_text("log+key x\n")
    with pytest.raises(BadCustody, match=r"\.keys: invalid literal"):
        custody.keys()
