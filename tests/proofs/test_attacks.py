"""Who would deceive an auditor, and what gives him away.

The office has a key and a ledger; the auditor has the office's public key, whatever he was handed
before, and the verifier. Of each story the honest side is told as well: it has to be believed.
"""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import date
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest
from sqlalchemy import Engine

from aggregates.base import Actor, Envelope, Record
from aggregates.exante import ExAnteConditionMet
from aggregates.roles import Role
from service.ledger.application import Ledger
from service.ledger.entry import SALT_SIZE, Entry
from service.ledger.hashes import SHA256
from service.ledger.recorder import storage
from service.proofs.bundles import Bundler, Trust, Wanted
from service.proofs.custody import Custody, Sealed
from service.proofs.prover import Prover
from service.proofs.rounds import keys_of
from service.settings import Settings
from tests.ledger.cast import event
from tests.proofs.cast import SLUG, add, sealed_office
from tests.proofs.checking import Auditor, bundle, members, seal, zipped
from tests.proofs.forging import History, rewrite

STREAM = "evaluation/2021-017"
SIZE, SCORES = 301, range(102, 139)
"""37 scores stand in 301 records."""

EVERYTHING = Wanted(ranges=((1, SIZE),))


@pytest.fixture
def ledger(engine: Engine, settings: Settings) -> Ledger:
    ledger = sealed_office(engine, settings, records=100)
    scores = (b'{"score": "%d"}' % (60 + n) for n in range(len(SCORES)))
    ledger.records_in.append([event(STREAM, body=body) for body in scores])
    add(ledger, SIZE - SCORES[-1])
    seal(ledger, settings)
    return ledger


@pytest.fixture
def auditor(tmp_path: Path, ledger: Ledger, settings: Settings) -> Auditor:
    auditor = Auditor(tmp_path)
    auditor.told_the_keys_of(ledger, settings)
    return auditor


def checkpoint_in(data: bytes) -> bytes:
    return members(data)["checkpoint"]


def better(history: History) -> History:
    """The first score is 91, and was never 60."""
    at = SCORES[0] - 1
    assert history[at].body == b'{"score": "60"}'
    return [*history[:at], replace(history[at], body=b'{"score": "91"}'), *history[at + 1 :]]


def with_one_more(history: History) -> History:
    """There was an approval all along."""
    at = SCORES[0] - 1
    forged = replace(history[at], stream="approval/2021-017", body=b'{"approved": true}')
    return [*history[:at], forged, *history[at:]]


@pytest.mark.parametrize("grown_by", [0, 1, 40])
def test_a_rewritten_score_is_another_history(
    ledger: Ledger, settings: Settings, auditor: Auditor, grown_by: int
) -> None:
    """Everything is computed anew and signed with the office's own key: nothing of it is false,
    but that somebody has kept another checkpoint.
    """
    before = bundle(ledger, settings, Wanted((SCORES[0],)))
    kept = auditor.keeps("kept", checkpoint_in(before))
    forged = rewrite(ledger, settings, better)
    if grown_by:
        add(forged, grown_by)
    seal(forged, settings)
    after = bundle(forged, settings, EVERYTHING)
    assert auditor.checks(after).exit == 0
    assert auditor.checks(after, "--against", kept).false() == ["against"]
    assert auditor.checks(before).exit == 0
    assert b'"60"' in members(before)[f"records/{SCORES[0]}"]


def test_a_ledger_that_only_grew_is_the_same_history(
    ledger: Ledger, settings: Settings, auditor: Auditor
) -> None:
    kept = auditor.keeps("kept", checkpoint_in(bundle(ledger, settings, EVERYTHING)))
    add(ledger, 40)
    seal(ledger, settings)
    after = bundle(ledger, settings, EVERYTHING)
    verdict = auditor.checks(after, "--against", kept)
    assert (verdict.exit, "against" in verdict.true()) == (0, True)


def test_a_score_rewritten_under_the_old_seal_does_not_fit_it(
    ledger: Ledger, settings: Settings, auditor: Auditor
) -> None:
    sealed = Prover(ledger, settings).latest().sealed
    forged = rewrite(ledger, settings, better)
    verdict = auditor.checks(as_if_sealed(forged, sealed, Wanted((SCORES[0],))))
    assert verdict.exit == 1
    assert {"tree.sha256", "tree.sm3"} <= {*verdict.false()}


def test_two_auditors_who_were_shown_two_histories_find_out_as_soon_as_they_meet(
    ledger: Ledger, settings: Settings, auditor: Auditor
) -> None:
    one = bundle(ledger, settings, EVERYTHING)
    forged = rewrite(ledger, settings, better)
    seal(forged, settings)
    other = bundle(forged, settings, EVERYTHING)
    for mine, others in ((one, other), (other, one)):
        assert auditor.checks(mine).exit == 0
        theirs = auditor.keeps("theirs", checkpoint_in(others))
        assert auditor.checks(mine, "--against", theirs).false() == ["against"]


def test_a_record_that_was_inserted_in_the_past_moves_all_that_follow(
    ledger: Ledger, settings: Settings, auditor: Auditor
) -> None:
    sealed = Prover(ledger, settings).latest().sealed
    kept = auditor.keeps("kept", str(sealed.note).encode())
    forged = rewrite(ledger, settings, with_one_more)
    wanted = Wanted((SCORES[0],))
    assert "tree.sha256" in auditor.checks(as_if_sealed(forged, sealed, wanted)).false()
    seal(forged, settings)
    after = bundle(forged, settings, Wanted(ranges=((1, SIZE + 1),)))
    assert auditor.checks(after).exit == 0
    assert auditor.checks(after, "--against", kept).false() == ["against"]


def test_a_record_that_was_dropped_from_a_bundle_is_missed(
    ledger: Ledger, settings: Settings, auditor: Auditor
) -> None:
    """Somebody on the way took it out, and out of the list."""
    honest = bundle(ledger, settings, Wanted(streams=(STREAM,)))
    assert auditor.checks(honest).exit == 0
    dropped = members(honest)
    del dropped[f"records/{SCORES[5]}"]
    assert auditor.checks(zipped(dropped)).false() == ["manifest"]
    manifest = json.loads(dropped["manifest.json"])
    manifest["records"].remove(SCORES[5])
    dropped["manifest.json"] = json.dumps(manifest).encode()
    assert auditor.checks(zipped(dropped)).exit == 1


@pytest.mark.parametrize("left_out", [SCORES[0], SCORES[17], SCORES[-1]])
def test_thirty_six_are_not_all_thirty_seven(
    ledger: Ledger, settings: Settings, auditor: Auditor, left_out: int
) -> None:
    """The office hands out all but one, with every hash that it takes to make the root."""
    honest = members(bundle(ledger, settings, Wanted(streams=(STREAM,))))
    others = tuple(each for each in SCORES if each != left_out)
    fewer = members(bundle(ledger, settings, Wanted(others)))
    manifest = json.loads(fewer["manifest.json"])
    manifest["complete"]["streams"] = [STREAM]
    fewer["manifest.json"] = json.dumps(manifest).encode()
    fewer["roster.json"] = honest["roster.json"]
    assert auditor.checks(zipped(fewer)).false() == ["stream"]
    (listed,) = json.loads(honest["roster.json"])
    listed["found"].update(length=36, last=others[-1])
    fewer["roster.json"] = json.dumps([listed]).encode()
    assert auditor.checks(zipped(fewer)).false() == ["stream"]
    listed["found"] = None
    fewer["roster.json"] = json.dumps([listed]).encode()
    assert auditor.checks(zipped(fewer)).false() == ["stream"]


@pytest.mark.parametrize(("field", "found"), [("name", ["values"]), ("evidence", [])])
def test_what_was_named_as_evidence_is_nobodys_name(
    ledger: Ledger, settings: Settings, auditor: Auditor, field: str, found: list[str]
) -> None:
    """Somebody had the digest of a name taken for that of a file, to show the name later on."""
    salt, name = bytes(SALT_SIZE), "王建国"
    digest = sha256(salt + name.encode()).hexdigest()
    envelope = Envelope("meet_condition", Actor("p1", Role.OPERATOR), date(2021, 3, 1), "r1")
    met = ExAnteConditionMet(digest, "已补充")
    ledger.append([Record("project/2021-018", 1, envelope, met)])
    seal(ledger, settings)
    shown = members(bundle(ledger, settings, Wanted((SIZE + 1,))))
    line = {"position": SIZE + 1, "field": field, "digest": digest}
    line |= {"salt": salt.hex(), "value": name}
    verdict = auditor.checks(zipped(shown | {"values.json": json.dumps([line]).encode()}))
    assert verdict.false() == found
    assert found or "ex_ante.condition_met evidence" in verdict.said("values")


def test_a_stolen_key_signs_nothing_after_it_was_retired(
    ledger: Ledger, settings: Settings, auditor: Auditor
) -> None:
    honest = bundle(ledger, settings, EVERYTHING)
    key_file = Custody(Path(settings.custody), SLUG).key_file
    stolen = key_file.read_bytes()
    keys_of(ledger, settings).rotate("每年更换")
    seal(ledger, settings)
    renewed = bundle(ledger, settings, EVERYTHING)
    retired = auditor.keeps("retired", members(renewed)["retired"])
    auditor.policy.write_bytes(members(renewed)["policy"])
    key_file.write_bytes(stolen)
    before_the_change = rewrite(ledger, settings, lambda history: better(history[:SIZE]))
    add(before_the_change, 9)
    seal(before_the_change, settings)
    forged = bundle(before_the_change, settings, EVERYTHING)
    assert "retired" not in members(forged)
    assert auditor.checks(forged, "--retired", retired).false() == ["retirement"]
    assert auditor.checks(honest, "--retired", retired).exit == 0
    assert auditor.checks(renewed, "--retired", retired).exit == 0


def test_nobody_finds_out_a_neighbour_by_guessing(ledger: Ledger, settings: Settings) -> None:
    """A bundle tells the hash of the record beside its own. Of that one everything is known but
    the score, of which there are 101, and a salt that nobody can guess.
    """
    mine, neighbour = SCORES[1], SCORES[2]
    found = members(bundle(ledger, settings, Wanted((mine,))))
    told = {base64.b64decode(line.split(b" ")[2]) for line in found["tree.sha256"].splitlines()}
    stored = ledger.records_in.select_notifications(neighbour, 1)[0].entry
    assert SHA256.leaf(stored) in told
    known = Entry.parse(stored)
    assert hits(told, known) == [b'{"score": "62"}']
    for salt in (bytes(SALT_SIZE), Entry.parse(found[f"records/{mine}"]).salt):
        assert hits(told, replace(known, salt=salt)) == []
    assert known.salt.hex().encode() not in b"".join(found.values())


def hits(told: set[bytes], known: Entry) -> list[bytes]:
    """Which of all scores would make this record's hash one of those that were told."""
    bodies = (b'{"score": "%d"}' % score for score in range(101))
    return [body for body in bodies if SHA256.leaf(bytes(replace(known, body=body))) in told]


def as_if_sealed(forged: Ledger, sealed: Sealed, wanted: Wanted) -> bytes:
    """A bundle of another history than the checkpoint is of."""
    out = BytesIO()
    bundler = Bundler(storage(forged.engine, SLUG), Trust("quorum none\n"))
    bundler.write(wanted, sealed, out)
    return out.getvalue()
