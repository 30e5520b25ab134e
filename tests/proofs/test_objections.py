"""Rollback of a whole machine, custody and all: its witnesses remember what it has forgotten."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from werkzeug import Request, Response

from service.http.app import create_app
from service.ledger.application import Ledger
from service.ledger.errors import HistoryMissing
from service.ledger.recorder import create_ledger
from service.proofs.custody import BadCustody, Custody, Objection
from service.proofs.hearing import PATIENCE, TooFewHeard
from service.proofs.notes import Signature
from service.proofs.patrol import Patrol
from service.proofs.policy import NONE, Policy
from service.proofs.policy import Witness as Known
from service.proofs.prover import Prover
from service.proofs.recovering import heed_no_stranger
from service.proofs.rounds import Rounds, keys_of
from service.proofs.witness import Submission
from service.release import announce_everywhere
from tests.ledger.tampering import execute
from tests.proofs.cast import ORIGIN, SLUG, add
from tests.proofs.machines import NAME, Copy, Machine, away
from tests.proofs.test_notes import witness


def test_a_copy_of_the_machine_is_not_sealed(machine: Machine, old: Copy) -> None:
    """Not even where it has gone on meanwhile, for the witness is asked first."""
    machine.restored(old)
    add(machine.started(), 20)
    with pytest.raises(HistoryMissing, match="321 records here, and witness w1 has seen 351"):
        machine.sealed()
    assert machine.signed_size == 301


def test_a_service_that_starts_asks_before_it_adds(machine: Machine, old: Copy) -> None:
    machine.restored(old)
    Patrol(machine.engine, (), machine.settings).hear()
    with pytest.raises(HistoryMissing, match="witness w1 has seen 351"):
        add(machine.started(), 1)


def test_a_copy_that_has_outgrown_what_was_seen_is_added_to_no_longer(
    machine: Machine, old: Copy, tmp_path: Path
) -> None:
    """Only the proof shows that it is another history; the disk as it was ends the objection."""
    true = machine.copied(tmp_path / "true")
    machine.restored(old)
    add(machine.started(), 100)
    Rounds(machine.started(), replace(machine.settings, policy="")).go()
    with pytest.raises(HistoryMissing, match="w1 has seen others among the first 351"):
        machine.sealed()
    with pytest.raises(HistoryMissing, match="w1 has seen others among the first 351"):
        add(machine.started(), 1)
    (objection,) = machine.custody.objections()
    machine.restored(true)
    assert objection == Objection(NAME, 351, is_other=True)
    machine.custody.note_objection(objection)
    with pytest.raises(HistoryMissing, match="w1 has seen others"):
        add(machine.started(), 1)
    machine.sealed()
    assert machine.custody.objections() == []
    add(machine.started(), 1)


@pytest.mark.usefixtures("old")
def test_where_custody_alone_is_a_copy_the_witness_has_no_objection(
    machine: Machine, tmp_path: Path
) -> None:
    """The database still has what was signed since, and custody is brought up first."""
    copy = (tmp_path / "old" / f"{SLUG}.checkpoint").read_text("utf-8")
    machine.custody.checkpoint_file.write_text(copy, "utf-8")
    add(machine.started(), 1)
    assert machine.sealed().is_enough
    assert (machine.signed_size, machine.custody.objections()) == (352, [])


def test_a_rewritten_machine_of_the_same_size_is_not_added_to(machine: Machine, old: Copy) -> None:
    machine.restored(old)
    forked = replace(machine.settings, policy="")
    add(machine.started(), 50)
    Rounds(machine.started(), forked).go()
    with pytest.raises(HistoryMissing, match="w1 has seen others among the first 351"):
        machine.sealed()


def test_what_a_copy_has_grown_to_settles_nothing(machine: Machine, old: Copy) -> None:
    """More than the witness has seen, but not what it has seen: this is not even signed."""
    machine.restored(old)
    add(machine.started(), 100)
    for _ in range(2):
        with pytest.raises(HistoryMissing, match="w1 has seen 351, more than were sealed here"):
            machine.sealed()
        with pytest.raises(HistoryMissing, match="w1 has seen 351, more than were sealed here"):
            add(machine.started(), 1)
    assert machine.signed_size == 301


def test_while_a_witness_is_silent_records_are_added_and_not_signed(machine: Machine) -> None:
    back = away(machine)
    Patrol(machine.engine, (), machine.settings).hear()
    assert machine.sealed().silent == []
    add(machine.started(), 1)
    rounds = Rounds(machine.started(), machine.settings)
    with pytest.raises(TooFewHeard, match=r"too few .* could be heard \(w1: it cannot be asked"):
        rounds.go()
    assert machine.signed_size == 301
    back()
    assert rounds.go().is_enough
    away(machine)
    add(machine.started(), 1)
    made = rounds.go()
    assert (made.is_new, made.is_enough, len(made.silent)) == (True, False, 1)
    back()
    later = [rounds.go() for _ in range(2)]
    assert [(each.is_new, each.has_become_enough) for each in later] == [
        (False, True),
        (False, False),
    ]


def test_where_no_witness_is_wanted_their_silence_stops_nothing(machine: Machine) -> None:
    away(machine)
    policy = Path(machine.settings.policy)
    policy.write_text(policy.read_text("utf-8").replace(f"quorum {NAME}", "quorum none"), "utf-8")
    add(machine.started(), 1)
    made = machine.sealed()
    assert (made.is_new, made.is_enough, len(made.silent)) == (True, True, 1)


def test_a_copy_whose_witness_was_silent_at_first_signs_nothing_else(
    machine: Machine, old: Copy
) -> None:
    machine.restored(old)
    back = away(machine)
    rounds = Rounds(machine.started(), machine.settings)
    add(machine.started(), 50)
    with pytest.raises(TooFewHeard):
        rounds.go()
    back()
    with pytest.raises(HistoryMissing, match="w1 has seen 351"):
        rounds.go()
    assert machine.signed_size == 301


@pytest.mark.parametrize("policies", [["as it is"], []])
def test_while_a_witness_objects_nothing_new_is_signed(
    machine: Machine, policies: list[str]
) -> None:
    """Whoever else has heard it: a server that has just begun, say."""
    settings = machine.settings if policies else replace(machine.settings, policy="")
    rounds = Rounds(machine.started(), settings)
    rounds.go()
    add(machine.started(), 10)
    machine.custody.note_objection(Objection(NAME, 999))
    away(machine)
    with pytest.raises(HistoryMissing, match="w1 has seen 999"):
        rounds.go()
    assert machine.signed_size == 301


def test_a_witness_withdraws_its_own_objection_only(machine: Machine) -> None:
    machine.custody.note_objection(Objection(NAME, 351, is_other=True))
    machine.custody.note_objection(Objection("w2", 999))
    with pytest.raises(HistoryMissing, match="witness w2 has seen 999"):
        machine.sealed()
    assert machine.custody.objections() == [Objection("w2", 999)]
    machine.custody.note_objection(Objection("w3", 351))
    named = Policy(witnesses={"w2": Known("w2", witness().public)}, quorum=NONE)
    assert heed_no_stranger(machine.custody, named).startswith("witness w3 is named no longer")
    assert machine.custody.objections() == [Objection("w2", 999)]
    assert "w2 is named no longer" in heed_no_stranger(machine.custody, Policy(quorum=NONE))
    assert machine.custody.objections() == []


def test_everybody_who_objects_is_heard(
    machine: Machine, serve: Callable[[Any], str], old: Copy
) -> None:
    """Whatever the one before has answered."""
    its, policy = witness("audit.example/w2"), Path(machine.settings.policy)

    @Request.application
    def has_seen_900(_request: Request) -> Response:
        return Response("900\n", 409, content_type="text/x.tlog.size")

    text = f"witness w2 {its.public} {serve(has_seen_900)}\n{policy.read_text('utf-8')}"
    policy.write_text(text, "utf-8")
    machine.restored(old)
    with pytest.raises(HistoryMissing, match=r"w2 has seen 900.*w1 has seen 351"):
        machine.sealed()
    assert machine.custody.objections() == [Objection("w2", 900), Objection(NAME, 351)]


def test_a_running_worker_signs_nothing_once_its_machine_was_set_back(
    machine: Machine, tmp_path: Path
) -> None:
    """Whom it has heard has seen more than is kept now, and is heard anew."""
    rounds = Rounds(machine.started(), machine.settings)
    rounds.go()
    copy = machine.copied(tmp_path / "old")
    add(machine.started(), 50)
    rounds.go()
    machine.restored(copy)
    add(machine.started(), 20)
    with pytest.raises(HistoryMissing, match="witness w1 has seen 351"):
        rounds.go()
    assert machine.signed_size == 301


def test_who_has_signed_before_is_kept_once(machine: Machine) -> None:
    for _ in range(2):
        made = machine.sealed()
    assert made.sealed is not None
    assert len(made.sealed.note.signatures) == 2


@pytest.mark.parametrize(
    "text", ["", "less 3 w1\n", "more x w1\n", "more 3\n", "more 3 w1 w2\n", "more 3 w1\n\n"]
)
def test_an_objection_that_cannot_be_read_is_told(tmp_path: Path, text: str) -> None:
    custody = Custody(tmp_path, SLUG)
    custody.objection_file.write_text(text, "utf-8")
    with pytest.raises(BadCustody, match=r"shizong\.objection"):
        custody.objections()


def test_under_an_objection_that_cannot_be_read_nothing_is_signed(machine: Machine) -> None:
    add(machine.started(), 1)
    machine.custody.objection_file.write_text("more 3", "utf-8")
    for settings in (machine.settings, replace(machine.settings, policy="")):
        with pytest.raises(BadCustody, match=r"shizong\.objection"):
            Rounds(machine.started(), settings).go()
    assert machine.signed_size == 301


def asked_by(machine: Machine, url: str) -> Rounds:
    """Rounds of a machine whose only witness is there."""
    policy = Path(machine.settings.policy)
    policy.write_text(f"witness {NAME} {witness().public} {url}\nquorum {NAME}\n", "utf-8")
    return Rounds(machine.started(), machine.settings)


def test_what_somebody_keeps_as_a_checkpoint_does_not_keep_witnesses_from_being_asked(
    machine: Machine, old: Copy
) -> None:
    machine.restored(old)
    execute(
        machine.engine,
        "INSERT INTO checkpoint (ledger, size, origin, note, sealed_at)"
        " VALUES (:ledger, 302, :origin, 'none', '2021-03-01T00:00:00Z')",
        ledger=SLUG,
        origin=ORIGIN,
    )
    Patrol(machine.engine, (), machine.settings).hear()
    assert machine.custody.objections() == [Objection(NAME, 351)]


def test_all_ledgers_are_heard_at_the_same_time(
    machine: Machine, serve: Callable[[Any], str]
) -> None:
    """Three wait for one another; who were asked one by one would wait in vain."""
    together = Barrier(3)

    @Request.application
    def waits_for_the_others(_request: Request) -> Response:
        together.wait(PATIENCE)
        return Response("", 500)

    asked_by(machine, serve(waits_for_the_others))
    for slug in ("second", "third"):
        create_ledger(machine.engine, slug)
        other, alone = Ledger(machine.engine, slug), replace(machine.settings, policy="")
        keys_of(other, alone).new()
        Rounds(other, alone).go()
    Patrol(machine.engine, (), machine.settings).hear()
    assert not together.broken


def test_who_seals_while_witnesses_are_asked_is_not_objected_to(
    machine: Machine, serve: Callable[[Any], str]
) -> None:
    """Nor kept from it: what was asked about is not the last any more, and is asked about again."""
    shown: list[int] = []

    @Request.application
    def has_seen_what_another_process_signs(request: Request) -> Response:
        shown.append(Submission.parse(request.get_data()).head.size)
        if len(shown) == 1:
            add(machine.started(), 1)
            Rounds(machine.started(), replace(machine.settings, policy="")).go()
            return Response(f"{machine.signed_size}\n", 409, content_type="text/x.tlog.size")
        return Response("", 500)

    asked_by(machine, serve(has_seen_what_another_process_signs)).hear()
    assert shown == [301, 302]
    assert machine.custody.objections() == []


def test_an_application_asks_as_soon_as_it_is_made(machine: Machine, old: Copy) -> None:
    """Whatever serves it."""
    machine.restored(old)
    url = machine.engine.url.render_as_string(hide_password=False)
    app = create_app(replace(machine.settings, database_url=url))
    app.engine.dispose()
    assert machine.custody.objections() == [Objection(NAME, 351)]
    announce_everywhere(machine.engine)
    with pytest.raises(HistoryMissing, match="w1 has seen 351"):
        add(machine.started(), 1)


def test_what_somebody_keeps_under_a_witnesss_name_does_not_hide_what_it_signs(
    machine: Machine,
) -> None:
    """It was put there before the witness could be asked."""
    add(machine.started(), 1)
    back = away(machine)
    rounds = Rounds(machine.started(), machine.settings)
    with suppress(TooFewHeard):
        rounds.go()
    assert rounds._sealer.seal(rounds._keys.signer()) is not None
    name, line = witness().name, str(Signature(witness().name, b"none", bytes(72)))
    execute(
        machine.engine,
        "INSERT INTO cosignature (ledger, size, origin, witness, line)"
        " VALUES (:ledger, 302, :origin, :witness, :line)",
        ledger=SLUG,
        origin=ORIGIN,
        witness=name,
        line=line,
    )
    back()
    assert machine.sealed().is_enough
    last = Prover(machine.started(), machine.settings).latest()
    assert (last.size, last.witnesses) == (302, (name,))
    assert witness().public in last.sealed.note.signed_by([witness().public])
