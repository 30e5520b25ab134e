"""Sealing: what is signed is what is there; less, or something else, is never signed."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from service.ledger.application import Ledger
from service.ledger.errors import HistoryMissing
from service.ledger.hashes import ALGORITHMS, SHA256
from service.ledger.tables import checkpoint
from service.ledger.trees import Frontier
from service.proofs.custody import BadCustody, Custody
from service.proofs.keys import KeyRefused
from service.proofs.merkle import require_consistency
from service.proofs.notes import PublicKey
from service.proofs.rounds import Rounds, keys_of
from service.proofs.tiles import Tiles
from service.settings import Settings
from tests.ledger.tampering import execute, unguard
from tests.proofs.cast import SLUG, add, sealed_office, settings_in


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


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
