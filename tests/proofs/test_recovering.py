"""The way out of a loss, wherever one is broken off on it, and whoever else is on it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from aggregates.ledger import ITSELF, LedgerItself, LossAccepted
from service.ledger.application import Ledger
from service.ledger.engine import make_engine
from service.ledger.recorder import create_ledger, storage
from service.proofs import keys as of_keys
from service.proofs import recovering
from service.proofs.custody import Custody, Objection
from service.proofs.examining import Examination
from service.proofs.losses import losses_of
from service.proofs.notes import Note
from service.proofs.policy import NONE, Policy
from service.proofs.recovering import (
    NothingMissing,
    accept_loss,
    heed_no_stranger,
    missing_in,
    take_back,
)
from service.proofs.rounds import Rounds, keys_of
from service.settings import Settings
from tests.conftest import Databases, opened
from tests.ledger.tampering import backup, execute, restore, unguard
from tests.proofs.cast import ORIGIN, SLUG, add, sealed_office
from tests.proofs.test_notes import witness

STEPS = (
    (recovering, "ask_as_console"),
    (of_keys, "ask_as_console"),
    (of_keys, "create"),
    (Path, "replace"),
    (Path, "rename"),
)
"""Whatever leaves something behind while a loss is accepted."""


class Killed(BaseException):
    """The machine is switched off."""


@pytest.fixture
def ledger(engine: Engine, settings: Settings) -> Ledger:
    return sealed_office(engine, settings)


@pytest.fixture
def unanchored(engine: Engine) -> Iterator[Engine]:
    """The database as ``wenxiao recover`` opens it."""
    own = make_engine(engine.url)
    yield own
    own.dispose()


def dying(step: Callable[..., Any], clock: Iterator[int], last: int) -> Callable[..., Any]:
    """A step before or after which the machine is switched off, once as many have gone by."""

    def taken(*given: Any, **named: Any) -> Any:
        if next(clock) == last:
            raise Killed
        done = step(*given, **named)
        if next(clock) == last:
            raise Killed
        return done

    return taken


def test_a_loss_is_accepted_once_wherever_its_acceptance_is_broken_off(
    engine: Engine,
    ledger: Ledger,
    unanchored: Engine,
    settings: Settings,
    custody: Custody,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old, kept = backup(engine), tmp_path / "kept"
    add(ledger, 50)
    last = Rounds(ledger, settings).go().sealed
    assert last is not None
    custody.keep_verified(last.note)
    custody.note_objection(Objection("audit", 360))
    shutil.copytree(custody.folder, kept)
    ends = []
    for moment in count():
        restore(engine, old)
        shutil.rmtree(custody.folder)
        shutil.copytree(kept, custody.folder)
        other, clock = Ledger(unanchored, SLUG), count()
        with monkeypatch.context() as patched, suppress(Killed):
            for place, name in STEPS:
                patched.setattr(place, name, dying(getattr(place, name), clock, moment))
            accept_loss(other, custody, keys_of(other, settings), "机房失火")
        accept_loss(other, custody, keys_of(other, settings), "机房失火")
        assert Rounds(other, settings).go().is_new
        assert not missing_in(other, custody)
        ends.append(state(other, settings))
        if next(clock) <= moment:
            break
    assert moment > 12
    assert ends == [([351, None], 1, f"{ORIGIN}.2", FILES)] * len(ends)


FILES = {
    "shizong.1.checkpoint",
    "shizong.1.objection",
    "shizong.1.verified",
    "shizong.checkpoint",
    "shizong.key",
    "shizong.keys",
    "shizong.lock",
}


def state(ledger: Ledger, settings: Settings) -> tuple[list[int | None], int, str, set[str]]:
    """The keys by their last sizes, how many losses there are, which log it is, what is kept."""
    keys, folder = keys_of(ledger, settings), Path(settings.custody)
    losses = [
        each
        for each in ledger.history(LedgerItself.stream(ITSELF))
        if isinstance(each.fact, LossAccepted)
    ]
    files = {file.name for file in folder.iterdir()}
    return [*keys.known.keys.values()], len(losses), keys.signer().name, files


def test_a_ledger_begun_anew_twice_is_a_third_log(
    settings: Settings, custody: Custody, databases: Databases
) -> None:
    """What it has been before it no longer records; the last checkpoint tells."""
    for origin in (ORIGIN, f"{ORIGIN}.2", f"{ORIGIN}.3"):
        with databases() as url, opened(url) as engine:
            create_ledger(engine, SLUG)
            new = Ledger(engine, SLUG)
            keys = keys_of(new, settings)
            if custody.sealed():
                accept_loss(new, custody, keys, "机房失火")
            else:
                keys.new()
            sealed = Rounds(new, settings).go().sealed
            assert sealed is not None
            assert sealed.checkpoint.origin == origin


@pytest.mark.parametrize("way", ["accepted", "taken back"])
def test_whoever_recovers_waits_for_whoever_signs(
    ledger: Ledger, settings: Settings, custody: Custody, way: str
) -> None:
    keys, copy = keys_of(ledger, settings), custody.checkpoint_file.read_text("utf-8")

    def recover() -> None:
        if way == "accepted":
            accept_loss(ledger, custody, keys, "误操作")
        else:
            take_back(ledger, custody, keys, copy)

    with ThreadPoolExecutor() as threads:
        with custody.alone():
            begun = threads.submit(recover)
            assert not wait([begun], timeout=0.5).done
        with pytest.raises(NothingMissing):
            begun.result()


@pytest.mark.usefixtures("ledger")
def test_a_witness_whom_the_policy_does_not_name_any_more_is_not_heeded(
    engine: Engine, custody: Custody
) -> None:
    named = Policy.parse(f"witness audit {witness().public}\nquorum none\n")
    assert heed_no_stranger(custody, Policy(quorum=NONE)) == ""
    custody.note_objection(Objection("audit", 400))
    other = Ledger(engine, SLUG)
    assert heed_no_stranger(custody, named) == ""
    assert "witness audit has seen 400" in str(missing_in(other, custody))
    assert "witness audit is named no longer" in heed_no_stranger(custody, Policy(quorum=NONE))
    assert missing_in(other, custody) is None
    add(other, 1)


def test_a_loss_is_of_the_last_that_was_signed_whatever_custody_knows(
    engine: Engine, ledger: Ledger, unanchored: Engine, settings: Settings, custody: Custody
) -> None:
    copy, old = custody.checkpoint_file.read_text("utf-8"), backup(engine)
    for _ in range(2):
        add(ledger, 20)
        Rounds(ledger, settings).go()
    restore(engine, old | {"checkpoint": backup(engine)["checkpoint"]})
    custody.checkpoint_file.write_text(copy)
    other = Ledger(unanchored, SLUG)
    accept_loss(other, custody, keys_of(other, settings), "机房失火")
    Rounds(other, settings).go()
    (loss,) = losses_of(other).values()
    assert loss.last.size == 341
    assert [*keys_of(other, settings).known.keys.values()] == [341, None]
    assert missing_in(other, custody) is None


@pytest.mark.parametrize(
    ("known_by", "left"), [("nobody", 321), ("database", 301), ("custody", 301)]
)
def test_a_loss_leaves_only_what_is_as_it_was_signed(
    engine: Engine,
    ledger: Ledger,
    unanchored: Engine,
    settings: Settings,
    custody: Custody,
    known_by: str,
    left: int,
) -> None:
    """What was restored is another history as well; that it lacks something is not all."""
    add(ledger, 20)
    second, old = Rounds(ledger, settings).go().sealed, backup(engine)
    add(ledger, 20)
    Rounds(ledger, settings).go()
    restore(engine, old)
    unguard(engine)
    if known_by != "nobody":
        execute(engine, "UPDATE record SET sha256 = :other WHERE position = 310", other=bytes(32))
    if known_by == "custody":
        assert second is not None
        custody.keep_verified(second.note)
        execute(engine, "DELETE FROM checkpoint WHERE size = 321")
    other = Ledger(unanchored, SLUG)
    missing = str(missing_in(other, custody))
    assert "records 322 to 341 are missing" in missing
    assert ("others than were sealed of the first 321" in missing) is (left == 301)
    accept_loss(other, custody, keys_of(other, settings), "机房失火")
    (loss,) = losses_of(other).values()
    assert (loss.size, loss.last.size) == (left, 341)


def test_a_loss_that_only_a_witness_knows_of_leaves_what_was_sealed(
    ledger: Ledger, unanchored: Engine, settings: Settings, custody: Custody
) -> None:
    add(ledger, 20)
    custody.note_objection(Objection("audit", 900))
    other = Ledger(unanchored, SLUG)
    accept_loss(other, custody, keys_of(other, settings), "机房失火")
    (loss,) = losses_of(other).values()
    assert (loss.size, loss.last.size) == (301, 301)


def test_what_was_sealed_and_is_gone_before_a_loss_bounds_what_it_leaves(
    engine: Engine, ledger: Ledger, unanchored: Engine, settings: Settings, custody: Custody
) -> None:
    """The copy was made before the checkpoint of what is in it was kept there."""
    for _ in range(2):
        add(ledger, 20)
        Rounds(ledger, settings).go()
    old = backup(engine)
    add(ledger, 20)
    Rounds(ledger, settings).go()
    restore(engine, old)
    unguard(engine)
    execute(engine, "DELETE FROM checkpoint WHERE size = 341")
    other = Ledger(unanchored, SLUG)
    accept_loss(other, custody, keys_of(other, settings), "机房失火")
    Rounds(other, settings).go()
    losses, known = losses_of(other), keys_of(other, settings).known.keys
    assert (losses[ORIGIN].size, losses[ORIGIN].last.previous) == (321, 341)
    examination = Examination(storage(engine, SLUG), known, Policy(quorum=NONE), custody, losses)
    assert examination.examine(other.head_position()).checkpoints == 3


def test_no_retired_key_has_the_last_word_on_what_was_lost(
    engine: Engine, ledger: Ledger, unanchored: Engine, settings: Settings, custody: Custody
) -> None:
    """What is restored is older than a rotation, and somebody has stolen the first key."""
    before, keys = backup(engine), keys_of(ledger, settings)
    thief = keys.signer()
    with custody.alone():
        second = str(keys.rotate("失窃"))
    add(ledger, 50)
    last = Rounds(ledger, settings).go().sealed
    assert last is not None
    restore(engine, before)
    forged = replace(last.checkpoint, size=5_000).text
    execute(
        engine,
        "INSERT INTO checkpoint (ledger, size, origin, note, sealed_at)"
        " VALUES (:ledger, 5000, :origin, :note, '')",
        ledger=SLUG,
        origin=ORIGIN,
        note=str(Note(forged, (thief.sign(forged),))),
    )
    other = Ledger(unanchored, SLUG)
    accept_loss(other, custody, keys_of(other, settings), "机房失火")
    assert losses_of(other)[ORIGIN].last == last.checkpoint
    assert keys_of(other, settings).known.keys[second] == last.checkpoint.size
