"""A witness signs what has grown, and nothing else; and it forgets nothing."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from freezegun import freeze_time
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from service.ledger.engine import writing
from service.ledger.tables import witnessed
from service.proofs.checkpoints import base64_of
from service.proofs.notes import BadNote, Note, Signature, Signer
from service.proofs.policy import Policy
from service.proofs.witness import (
    Forked,
    Inconsistent,
    Malformed,
    Refused,
    Stale,
    Submission,
    UnknownLog,
    Unsigned,
    Witness,
)
from tests.conftest import opened
from tests.proofs import test_notes
from tests.proofs.growing import Log

LOG = Log()
REWRITTEN = Log("rewritten")
SIGNER = test_notes.witness()
POLICY = Policy.parse(f"log {LOG.signer.public}\nquorum none\n")
PATIENCE = 30.0

PUBLISHED = b"""\
old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

\xe2\x80\x94 example.com/behind-the-sofa \
Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
\xe2\x80\x94 example.com/behind-the-sofa \
opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
"""
"""The example of ``tlog-witness``."""


@pytest.fixture
def witness(engine: Engine) -> Witness:
    return Witness(engine, SIGNER, POLICY)


def kept(engine: Engine) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.select(witnessed))]


def row(log: Log, size: int) -> tuple[Any, ...]:
    return log.signer.name, size, log.root(0, size), str(log.checkpoint(size))


def refused(witness: Witness, because: type[Refused], status: int, body: bytes) -> str:
    """Why it is refused; and nothing has been kept of it."""
    before = kept(witness._engine)
    with pytest.raises(Refused) as found:
        witness.add_checkpoint(body)
    assert (type(found.value), found.value.status) == (because, status)
    assert kept(witness._engine) == before
    return str(found.value)


def seen_at(line: str, note: Note) -> int | None:
    cosigned = note.with_signatures([Signature.parse(line.removesuffix("\n"))])
    return cosigned.signed_by([SIGNER.public])[SIGNER.public]


def test_growth_is_signed_with_the_time(witness: Witness, engine: Engine) -> None:
    for hour, (old, size) in enumerate([(0, 3), (3, 3), (3, 4), (4, 11), (11, 300)]):
        with freeze_time(datetime(2026, 11, 21, hour, tzinfo=UTC)):
            line = witness.add_checkpoint(LOG.submission(old, size))
        assert line.endswith("\n")
        assert seen_at(line, LOG.checkpoint(size)) == 1_795_219_200 + hour * 3600
        assert kept(engine) == [row(LOG, size)]


def test_an_empty_ledger_is_signed_as_what_it_is(witness: Witness, engine: Engine) -> None:
    root = base64_of(LOG.root(0, 0))
    text = LOG.checkpoint(0).text.replace(root, base64_of(bytes(32)))
    not_empty = Note(text, (LOG.signer.sign(text),))
    refused(witness, Forked, 409, bytes(Submission(0, (), not_empty)))
    for _ in range(2):
        assert seen_at(witness.add_checkpoint(LOG.submission(0, 0)), LOG.checkpoint(0))
    assert kept(engine) == [row(LOG, 0)]
    assert seen_at(witness.add_checkpoint(LOG.submission(0, 5)), LOG.checkpoint(5))


def test_a_ledger_written_anew_is_not_signed(witness: Witness) -> None:
    witness.add_checkpoint(LOG.submission(0, 5))
    refused(witness, Forked, 409, REWRITTEN.submission(5, 5))
    refused(witness, Inconsistent, 422, REWRITTEN.submission(5, 9))
    assert refused(witness, Stale, 409, REWRITTEN.submission(0, 9)) == "5"


def test_a_ledger_cut_back_is_not_signed(witness: Witness) -> None:
    witness.add_checkpoint(LOG.submission(0, 5))
    assert refused(witness, Stale, 409, LOG.submission(0, 4)) == "5"
    refused(witness, Malformed, 400, bytes(Submission(5, (), LOG.checkpoint(4))))


def test_whoever_does_not_know_is_told_where_to_begin(witness: Witness) -> None:
    assert refused(witness, Stale, 409, LOG.submission(3, 5)) == "0"
    witness.add_checkpoint(LOG.submission(0, 3))
    for old in (0, 2, 4):
        assert refused(witness, Stale, 409, LOG.submission(old, 5)) == "3"
    witness.add_checkpoint(LOG.submission(3, 5))


def test_a_proof_is_exactly_what_it_should_be(witness: Witness) -> None:
    one = bytes(32)
    refused(witness, Inconsistent, 422, bytes(Submission(0, (one,), LOG.checkpoint(5))))
    witness.add_checkpoint(LOG.submission(0, 3))
    refused(witness, Inconsistent, 422, bytes(Submission(3, (one,), LOG.checkpoint(3))))
    path = tuple(LOG.consistency(7)(3))
    for wrong in ((), path[1:], (*path, one), path[::-1]):
        refused(witness, Inconsistent, 422, bytes(Submission(3, wrong, LOG.checkpoint(7))))
    witness.add_checkpoint(bytes(Submission(3, path, LOG.checkpoint(7))))


def test_nobody_elses_ledger_is_signed(witness: Witness) -> None:
    other = Log(signer=test_notes.signer("wenxiao.example/other"))
    refused(witness, UnknownLog, 404, other.submission(0, 5))
    refused(witness, UnknownLog, 404, PUBLISHED)


def test_nobody_else_signs_for_a_ledger(witness: Witness) -> None:
    stolen = Log(signer=replace(LOG.signer, private=Ed25519PrivateKey.generate()))
    refused(witness, Unsigned, 403, stolen.submission(0, 5))
    forged = replace(stolen.checkpoint(5).signatures[0], number=LOG.signer.public.number)
    note = Note(LOG.checkpoint(5).text, (forged,))
    refused(witness, Unsigned, 403, bytes(Submission(0, (), note)))


def test_another_trusted_ledgers_key_is_not_this_ones(engine: Engine) -> None:
    """Under its own name it signs a checkpoint that says to be of somebody else."""
    other = test_notes.signer("wenxiao.example/other")
    policy = f"log {LOG.signer.public}\nlog {other.public}\nquorum none\n"
    text = LOG.checkpoint(5).text
    body = bytes(Submission(0, (), Note(text, (other.sign(text),))))
    refused(Witness(engine, SIGNER, Policy.parse(policy)), Unsigned, 403, body)


def test_a_ledger_may_change_its_key(engine: Engine) -> None:
    new = replace(LOG.signer, private=Ed25519PrivateKey.generate())
    policy = Policy.parse(f"log {LOG.signer.public}\nlog {new.public}\nquorum none\n")
    witness = Witness(engine, SIGNER, policy)
    witness.add_checkpoint(LOG.submission(0, 3))
    witness.add_checkpoint(Log(signer=new).submission(3, 5))
    refused(witness, Inconsistent, 422, Log("rewritten", new).submission(5, 9))


def test_strangers_signatures_are_passed_over(witness: Witness) -> None:
    note = LOG.checkpoint(5)
    stranger = test_notes.signer("stranger").sign(note.text)
    several = Note(note.text, (stranger, *note.signatures, stranger))
    line = witness.add_checkpoint(bytes(Submission(0, (), several)))
    assert seen_at(line, note)


def test_only_a_witness_can_be_one(engine: Engine) -> None:
    with pytest.raises(BadNote, match="a witness signs"):
        Witness(engine, LOG.signer, POLICY)


def test_the_published_request_is_read_as_it_is_written() -> None:
    asked = Submission.parse(PUBLISHED)
    assert (asked.old, len(asked.path), asked.head.size) == (20_852_014, 4, 20_852_163)
    assert asked.origin == "example.com/behind-the-sofa"
    assert bytes(asked) == PUBLISHED


GOOD = LOG.submission(3, 5)
HASH = base64_of(bytes(32)).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n",
        b"old 3\n",
        GOOD[:-1],
        GOOD + b"\n",
        GOOD.replace(b"\n", b"\r\n"),
        GOOD.replace(b"old 3", b"old 03"),
        GOOD.replace(b"old 3", b"old  3"),
        GOOD.replace(b"old 3", b"old -3"),
        GOOD.replace(b"old 3", b"old 6"),
        GOOD.replace(b"old 3", b"old"),
        GOOD.replace(b"old 3", b"Old 3"),
        GOOD.replace(b"old 3", "old ３".encode()),
        GOOD.replace(b"old 3\n", b"old 3\n\n"),
        GOOD.replace(b"old 3\n", b"old 3\nAAAA\n"),
        GOOD.replace(b"old 3\n", b"old 3\n" + HASH[:-1] + b"\n"),
        GOOD.replace(b"old 3\n", b"old 3\n" + (HASH + b"\n") * 64),
        GOOD.replace(b"\n5\n", b"\n05\n"),
        GOOD.replace(b"\n5\n", b"\n%d\n" % 2**63),
        GOOD.replace(b"wenxiao", b"\xff"),
        GOOD.replace(b"wenxiao", b"\x00"),
    ],
)
def test_what_is_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        Submission.parse(body)


@pytest.mark.parametrize("known", [0, 3])
def test_of_those_who_ask_at_once_one_is_signed(
    witness: Witness, engine: Engine, known: int
) -> None:
    """Whoever is late learns what has been signed meanwhile; nothing is ever rolled back."""
    if known:
        witness.add_checkpoint(LOG.submission(0, known))
    sizes = [known + n for n in (1, 2, 5, 9)]
    begin = Barrier(len(sizes))

    def ask(size: int) -> int | str:
        body = LOG.submission(known, size)
        begin.wait()
        try:
            witness.add_checkpoint(body)
        except Stale as stale:
            return str(stale)
        return size

    with ThreadPoolExecutor(len(sizes)) as pool:
        came = list(pool.map(ask, sizes))
    (signed,) = (each for each in came if isinstance(each, int))
    assert sorted(map(str, came)) == [str(signed)] * len(sizes)
    assert kept(engine) == [row(LOG, signed)]


@pytest.mark.parametrize("known", [0, 3])
@pytest.mark.parametrize(("ahead", "behind"), [(9, 5), (5, 9)])
def test_whoever_has_waited_for_another_looks_again(
    postgres_engine: Engine, known: int, ahead: int, behind: int
) -> None:
    """What it had found before is not what it would continue now."""
    witness = Witness(postgres_engine, SIGNER, POLICY)
    if known:
        witness.add_checkpoint(LOG.submission(0, known))
    moved = sa.update(witnessed) if known else sa.insert(witnessed)
    columns = (column.name for column in witnessed.columns)
    with ThreadPoolExecutor() as pool:
        with writing(postgres_engine) as other:
            other.execute(moved.values(dict(zip(columns, row(LOG, ahead), strict=True))))
            late = pool.submit(refused_as_stale, witness, LOG.submission(known, behind))
            wait_until_somebody_waits(postgres_engine)
        assert late.result() == str(ahead)
    assert kept(postgres_engine) == [row(LOG, ahead)]


def refused_as_stale(witness: Witness, body: bytes) -> str:
    with pytest.raises(Stale) as found:
        witness.add_checkpoint(body)
    return str(found.value)


def wait_until_somebody_waits(engine: Engine) -> None:
    waiting = sa.text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    deadline = time.monotonic() + PATIENCE
    with engine.connect() as connection:
        while not connection.scalar(waiting):
            assert time.monotonic() < deadline
            connection.rollback()
            time.sleep(0.01)


@dataclass(frozen=True)
class Deadly:
    """A key in whose use the machine fails."""

    public: bytes

    def public_key(self) -> Ed25519PublicKey:
        return Ed25519PublicKey.from_public_bytes(self.public)

    def sign(self, data: bytes) -> bytes:
        os.kill(os.getpid(), signal.SIGKILL)
        return data


def die_while_answering(url: str, body: bytes) -> None:
    private: Any = Deadly(SIGNER.public.key)
    with opened(url) as engine:
        Witness(engine, Signer(SIGNER.name, SIGNER.kind, private), POLICY).add_checkpoint(body)


def test_what_was_kept_but_not_answered_is_signed_when_asked_again(
    witness: Witness, database_url: str, engine: Engine
) -> None:
    witness.add_checkpoint(LOG.submission(0, 3))
    asked = LOG.submission(3, 5)
    spawn = multiprocessing.get_context("spawn")
    process = spawn.Process(target=die_while_answering, args=(database_url, asked))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert kept(engine) == [row(LOG, 5)]
    assert refused(witness, Stale, 409, asked) == "5"
    assert seen_at(witness.add_checkpoint(LOG.submission(5, 5)), LOG.checkpoint(5))


@pytest.mark.parametrize(
    "change",
    [{"size": 4}, {"sha256": bytes(32)}, {"origin": "another"}, {"size": 4, "sha256": bytes(32)}],
    ids=repr,
)
def test_what_was_seen_is_not_taken_back(
    witness: Witness, engine: Engine, change: dict[str, object]
) -> None:
    witness.add_checkpoint(LOG.submission(0, 5))
    for statement in (sa.update(witnessed).values(change), sa.delete(witnessed)):
        with pytest.raises(DBAPIError, match="witnessed"), writing(engine) as connection:
            connection.execute(statement)
    assert kept(engine) == [row(LOG, 5)]
