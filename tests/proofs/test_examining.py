"""Checkpoints under verification: each is what the records say, and by a key that was good."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from service.ledger.application import Ledger
from service.ledger.engine import writing
from service.ledger.findings import Unsound
from service.ledger.recorder import storage
from service.ledger.tables import checkpoint
from service.proofs.custody import Custody, Sealed
from service.proofs.examining import GONE, Examination, Examined
from service.proofs.losses import Loss
from service.proofs.notes import Kind, Note, Signature, Signer
from service.proofs.policy import NONE, Policy
from service.proofs.recovering import put_on_record
from service.proofs.rounds import Rounds, keys_of
from service.settings import Settings
from tests.ledger.tampering import changed, execute, rows, unguard
from tests.proofs.cast import ORIGIN, SLUG, add, announce, sealed_office
from tests.proofs.test_notes import witness

WITNESS = witness()


@pytest.fixture
def ledger(engine: Engine, settings: Settings) -> Ledger:
    """Three checkpoints, the last one by another key, and a cosignature of the first."""
    ledger = sealed_office(engine, settings)
    first = Custody(Path(settings.custody), SLUG).sealed()
    assert first is not None
    line = str(WITNESS.sign(first.note.text, 1_700_000_000))
    execute(
        engine,
        "INSERT INTO cosignature (ledger, size, origin, witness, line)"
        " VALUES (:ledger, :size, :origin, :witness, :line)",
        ledger=SLUG,
        origin=ORIGIN,
        size=first.checkpoint.size,
        witness=WITNESS.name,
        line=line,
    )
    add(ledger, 50, "project/2021-018")
    Rounds(ledger, settings).go()
    keys_of(ledger, settings).rotate("每年更换")
    add(ledger, 50, "project/2021-019")
    Rounds(ledger, settings).go()
    unguard(engine)
    return ledger


def examination(ledger: Ledger, settings: Settings) -> Examination:
    policy = Policy.parse(f"witness audit {WITNESS.public}\nquorum none\n")
    custody = Custody(Path(settings.custody), SLUG)
    known = keys_of(ledger, settings).known.keys
    return Examination(storage(ledger.engine, SLUG), known, policy, custody)


def finding(ledger: Ledger, settings: Settings) -> str:
    with pytest.raises(Unsound) as found:
        examination(ledger, settings).examine(ledger.head_position())
    return str(found.value)


def test_what_was_sealed_is_what_the_records_say(ledger: Ledger, settings: Settings) -> None:
    assert examination(ledger, settings).examine(ledger.head_position()).checkpoints == 3


def test_what_is_younger_than_the_verification_is_left_to_the_next(
    ledger: Ledger, settings: Settings
) -> None:
    assert examination(ledger, settings).examine(351).checkpoints == 2


def test_what_was_announced_as_a_key_and_is_none_signs_nothing(
    ledger: Ledger, settings: Settings
) -> None:
    announce(ledger, "no key", str(replace(WITNESS.public, name="wenxiao.local/shizong")))
    Rounds(ledger, settings).go()
    assert examination(ledger, settings).examine(ledger.head_position()).checkpoints == 4


@pytest.mark.parametrize("root", ["sha256", "sm3", "roster_sha256", "roster_sm3"])
def test_a_checkpoint_with_another_root_is_found(
    engine: Engine, ledger: Ledger, settings: Settings, root: str
) -> None:
    """Whoever has the key can sign what he likes; but not make the records say it."""
    (row,) = rows(engine, "checkpoint", "size = 301")
    told = Sealed.parse(row.values["note"]).checkpoint
    others: dict[str, Any] = {root: bytes(32)}
    other = replace(told, **others)
    signer = keys_of(ledger, settings).signer()
    with changed(engine, row, note=str(Note(other.text, (signer.sign(other.text),)))):
        name = root.replace("_", "-")
        expected = f"checkpoint 301 has another {name} root than the records make"
        assert finding(ledger, settings) == expected


def test_a_checkpoint_by_a_key_that_was_retired_before_is_found(
    ledger: Ledger, settings: Settings
) -> None:
    """Somebody has stolen a key that is no longer good, and seals the present with it."""
    first, new = keys_of(ledger, settings).known.keys
    examined = replace(examination(ledger, settings), keys={first: None, new: 351})
    with pytest.raises(Unsound, match="403 is not signed by a key that was good for it"):
        examined.examine(403)


def test_a_strangers_checkpoint_is_found(
    engine: Engine, ledger: Ledger, settings: Settings
) -> None:
    (row,) = rows(engine, "checkpoint", "size = 301")
    text = Note.parse(row.values["note"]).text
    stranger = replace(WITNESS, kind=Kind.LOG)
    with changed(engine, row, note=str(Note(text, (stranger.sign(text),)))):
        assert "not signed by a key" in finding(ledger, settings)


@pytest.mark.parametrize("text", ["", "nothing", "wenxiao.local/shizong\n301\n"])
def test_what_is_no_checkpoint_is_found(
    engine: Engine, ledger: Ledger, settings: Settings, text: str
) -> None:
    (row,) = rows(engine, "checkpoint", "size = 301")
    with changed(engine, row, note=text):
        assert finding(ledger, settings).startswith("checkpoint 301 cannot be believed")


def test_a_checkpoint_that_was_moved_is_found(
    engine: Engine, ledger: Ledger, settings: Settings
) -> None:
    (row,) = rows(engine, "checkpoint", "size = 301")
    with changed(engine, row, size=300):
        assert finding(ledger, settings) == "checkpoint 300 says that it is of 301 records"


def test_a_checkpoint_that_is_kept_as_another_logs_is_found(
    engine: Engine, ledger: Ledger, settings: Settings
) -> None:
    (row,) = rows(engine, "checkpoint", "size = 351")
    with changed(engine, row, origin=f"{ORIGIN}.2"):
        expected = f"checkpoint 351 says that it is of {ORIGIN}, and is kept as {ORIGIN}.2's"
        assert finding(ledger, settings) == expected
    (row,) = rows(engine, "cosignature")
    with changed(engine, row, origin=f"{ORIGIN}.2"):
        assert finding(ledger, settings) == "cosignature of 301 has no checkpoint"


def test_a_checkpoint_of_a_log_that_never_was_is_found(
    engine: Engine, ledger: Ledger, settings: Settings
) -> None:
    """Whoever has the key signs for a log that the ledger neither is nor was."""
    (row,) = rows(engine, "checkpoint", "size = 351")
    other = replace(Sealed.parse(row.values["note"]).checkpoint, origin=f"{ORIGIN}.2", previous=0)
    signer = replace(keys_of(ledger, settings).signer(), name=other.origin)
    note = Note(other.text, (signer.sign(other.text),))
    with writing(engine) as connection:
        made = row.values | {"origin": other.origin, "note": str(note)}
        connection.execute(sa.insert(checkpoint).values(made))
    assert "351 is not signed by a key that was good for it" in finding(ledger, settings)


@pytest.fixture
def signer(ledger: Ledger, settings: Settings) -> Signer:
    """Of the log as it is before any loss."""
    return keys_of(ledger, settings).signer()


@pytest.fixture
def after(engine: Engine, ledger: Ledger, settings: Settings, signer: Signer) -> Examination:
    """The loss of all but 320 records was accepted, and another log begun."""
    (*_, row) = rows(engine, "checkpoint")
    lost = Loss(Sealed.parse(row.values["note"]), 320, 404)
    keys = keys_of(ledger, settings)
    assert lost.last.origin == signer.name
    put_on_record(ledger, lost.sealed, lost.size, "机房失火")
    keys.rotate("机房失火")
    keys.custody.put_aside(1)
    Rounds(ledger, settings).go()
    return replace(
        examination(ledger, settings),
        losses={ORIGIN: lost},
        keys=keys_of(ledger, settings).known.keys,
    )


def test_of_a_lost_log_only_what_was_lost_is_let_pass(
    engine: Engine, ledger: Ledger, signer: Signer, after: Examination
) -> None:
    size = ledger.head_position()
    (row,) = rows(engine, "checkpoint", "size = 351")
    other = replace(Sealed.parse(row.values["note"]).checkpoint, sha256=bytes(32))
    (signed,) = Note.parse(row.values["note"]).signatures
    with (
        changed(engine, row, note=str(Note(other.text, (signed,)))),
        pytest.raises(Unsound, match="351 cannot be believed: a false signature"),
    ):
        after.examine(size)
    (row,) = rows(engine, "checkpoint", "size = 351")
    with changed(engine, row, note=str(Note(other.text, (signer.sign(other.text),)))):
        found = after.examine(size)
        assert (found.checkpoints, found.lost) == (3, {ORIGIN: 1})
        strict = replace(after.losses[ORIGIN], size=351)
        with pytest.raises(Unsound, match="351 has another sha256 root"):
            replace(after, losses={ORIGIN: strict}).examine(size)
    assert after.examine(size).lost == {}


@pytest.mark.parametrize(("size", "is_missed"), [(301, True), (351, False), (403, False)])
def test_of_a_lost_log_only_what_was_lost_may_be_gone(
    engine: Engine, ledger: Ledger, after: Examination, size: int, *, is_missed: bool
) -> None:
    execute(engine, "DELETE FROM cosignature")
    execute(engine, "DELETE FROM checkpoint WHERE size = :size", size=size)
    if not is_missed:
        assert after.examine(ledger.head_position()).checkpoints == 3
        return
    with pytest.raises(Unsound, match=f"301 of {ORIGIN} was not lost, and is gone"):
        after.examine(ledger.head_position())


@pytest.mark.parametrize("is_forged", [True, False])
def test_a_loss_counts_that_is_of_what_was_signed(after: Examination, *, is_forged: bool) -> None:
    """The owner of the database says that something was lost, to be let pass with another."""
    loss = after.losses[ORIGIN]
    told = replace(loss.last, size=402)
    (signature,) = loss.sealed.note.signatures
    forged = Loss(Sealed(told, Note(told.text, (signature,))), 0, 404)
    losses = {ORIGIN: forged if is_forged else replace(loss, size=404)}
    assert replace(after, losses=losses).beyond == {}
    assert after.beyond == {ORIGIN: 320}


def test_a_loss_that_was_not_carried_out_is_found(ledger: Ledger, after: Examination) -> None:
    size, custody = ledger.head_position(), after.custody
    present = custody.checkpoint_file.read_text("utf-8")
    custody.keep(after.losses[ORIGIN].sealed.note)
    with pytest.raises(Unsound, match="custody is of a log whose loss is on record at 404"):
        after.examine(size)
    custody.checkpoint_file.write_text(present, "utf-8")
    after.examine(size)


def test_a_loss_after_which_nothing_was_signed_is_found(
    engine: Engine, ledger: Ledger, after: Examination
) -> None:
    execute(engine, "DELETE FROM checkpoint WHERE origin <> :origin", origin=ORIGIN)
    after.custody.checkpoint_file.unlink()
    with pytest.raises(Unsound, match="404 is on record, and no checkpoint of a later log"):
        after.examine(ledger.head_position())


def test_a_cosignature_that_is_not_the_witnesss_is_found(
    engine: Engine, ledger: Ledger, settings: Settings
) -> None:
    (row,) = rows(engine, "cosignature")
    line = str(WITNESS.sign("another text\n", 1_700_000_000))
    with changed(engine, row, line=line):
        assert "a false signature by audit.example/w1" in finding(ledger, settings)
    (row,) = rows(engine, "cosignature")
    with changed(engine, row, witness="somebody"):
        assert "is by audit.example/w1" in finding(ledger, settings)
    (row,) = rows(engine, "cosignature")
    with changed(engine, row, size=300):
        assert finding(ledger, settings) == "cosignature of 300 has no checkpoint"


def test_a_cosignature_is_known_whatever_number_its_key_is_given(
    engine: Engine, ledger: Ledger, settings: Settings
) -> None:
    (row,) = rows(engine, "cosignature")
    said = Signature.parse(row.values["line"])
    with changed(engine, row, line=str(replace(said, number=b"none"))):
        assert "has signed it with another key than it says" in finding(ledger, settings)


def test_who_is_no_witness_does_not_sign_under_the_name_of_one(
    engine: Engine, ledger: Ledger, settings: Settings
) -> None:
    (row,) = rows(engine, "cosignature")
    said = Signature.parse(row.values["line"])
    with changed(engine, row, line=str(replace(said, number=b"none", value=bytes(72)))):
        assert "no key that the policy has of audit.example/w1" in finding(ledger, settings)


def test_what_custody_has_of_witnesses_and_is_gone_is_missed(
    ledger: Ledger, settings: Settings
) -> None:
    custody = Custody(Path(settings.custody), SLUG)
    sealed = custody.sealed()
    assert sealed is not None
    said = WITNESS.sign(sealed.note.text, 1_700_000_000)
    custody.keep(sealed.note.with_signatures([said]))
    missed = f"cosignature of 403 by audit.example/w1 {GONE}"
    assert finding(ledger, settings) == missed
    assert examined_after_a_round(ledger, settings).witnesses == {WITNESS.public}


def examined_after_a_round(ledger: Ledger, settings: Settings) -> Examined:
    Rounds(ledger, settings).go()
    return examination(ledger, settings).examine(ledger.head_position())


@pytest.mark.parametrize(
    ("sealed_at", "told"),
    [
        ("x", "at what is no moment"),
        ("2026-11-21", "at what is no moment"),
        ("1999-01-01T00:00:00+08:00", "before its last record was made"),
        ("9990-01-01T00:00:00+08:00", "before the one before it"),
    ],
)
def test_a_checkpoint_that_was_kept_at_another_time_is_found(
    engine: Engine, ledger: Ledger, settings: Settings, sealed_at: str, told: str
) -> None:
    (row,) = rows(engine, "checkpoint", "size = 351")
    with changed(engine, row, sealed_at=sealed_at):
        at = 403 if sealed_at.startswith("9") else 351
        assert finding(ledger, settings) == f"checkpoint {at} was kept {told}"


@pytest.mark.parametrize("size", ["'abc'", "x'ff'", "351.5"])
def test_a_checkpoint_of_what_is_no_number_is_found(
    sqlite_engine: Engine, settings: Settings, size: str
) -> None:
    ledger = sealed_office(sqlite_engine, settings)
    unguard(sqlite_engine)
    execute(sqlite_engine, f"UPDATE checkpoint SET size = {size}")
    assert finding(ledger, settings).endswith("is of no size")


def test_of_a_strangers_cosignature_nothing_is_known(ledger: Ledger, settings: Settings) -> None:
    known = examination(ledger, settings)
    found = known.examine(403)
    assert (found.cosignatures, found.by_strangers) == (1, 0)
    found = replace(known, policy=Policy(quorum=NONE)).examine(403)
    assert (found.cosignatures, found.by_strangers) == (0, 1)


@pytest.mark.parametrize("size", [301, 351])
def test_a_checkpoint_that_was_left_out_is_missed(
    engine: Engine, ledger: Ledger, settings: Settings, size: int
) -> None:
    execute(engine, "DELETE FROM cosignature")
    execute(engine, "DELETE FROM checkpoint WHERE size = :size", size=size)
    after, before = {301: (351, 0), 351: (403, 301)}[size]
    assert finding(ledger, settings) == (
        f"checkpoint {after} was signed after one of {size} records, and follows one of {before}"
    )


@pytest.mark.parametrize(("size", "told"), [(-9, "says that it is of 301"), (404, "is of more")])
def test_a_checkpoint_of_no_size_of_this_ledger_is_found(
    engine: Engine, ledger: Ledger, settings: Settings, size: int, told: str
) -> None:
    execute(engine, "DELETE FROM cosignature")
    row, _, last = rows(engine, "checkpoint")
    assert "\n301\n" in row.values["note"]
    with changed(engine, row if size < 0 else last, size=size):
        assert f"checkpoint {size} {told}" in finding(ledger, settings)


def test_a_checkpoint_that_is_just_being_signed_is_waited_for(
    engine: Engine, ledger: Ledger, settings: Settings
) -> None:
    """It is in custody first."""
    (*_, row) = rows(engine, "checkpoint")
    execute(engine, "DELETE FROM checkpoint WHERE size = 403")
    examined = examination(ledger, settings)
    with ThreadPoolExecutor() as threads:
        with examined.custody.alone():
            found = threads.submit(examined.examine, 403)
            assert not wait([found], timeout=0.5).done
            execute(
                engine,
                "INSERT INTO checkpoint (ledger, size, origin, note, sealed_at)"
                " VALUES (:ledger, :size, :origin, :note, :sealed_at)",
                **row.values,
            )
        assert found.result().checkpoints >= 2


def test_a_checkpoint_in_custody_that_is_gone_is_missed(
    engine: Engine, ledger: Ledger, settings: Settings
) -> None:
    execute(engine, "DELETE FROM checkpoint WHERE size = 403")
    assert finding(ledger, settings) == f"checkpoint 403 {GONE}"
