"""The way to PostgreSQL is cut at the worst moments; what is answered is true all the same.

Until the statement that moves the head is sent, nothing can have been recorded: it is tried again
on another connection, and the caller notices nothing. From then on only a repetition can tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from random import Random

import pytest
import sqlalchemy as sa

from service.ledger.application import Ledger
from service.ledger.errors import OutcomeUnknown, StorageUnavailable
from service.ledger.postgresql import PostgreSQLStorage
from service.ledger.recorder import create_ledger
from tests.conftest import Databases, opened
from tests.postgres import TempPostgres
from tests.torture.hands import (
    HANDS,
    SLUG,
    Hands,
    Wanted,
    at_a_desk,
    ledger_on,
    prepare,
    until_answered,
)
from tests.torture.truth import (
    require_designed,
    require_exactly_once,
    require_projected,
    require_sound,
)
from tests.torture.wire import Cut, Wire, wire_to

KEY = "hand-0"

READING = (b"FROM request", b"FROM ledger_head", b"max(version)")
"""Words that are said before anything is written."""

WRITING = b"UPDATE ledger_head"
"""The word that moves the head."""

ENTRY = b"wenxiao/1\n"
"""How an entry begins: only what writes one says it, also where its statement was prepared."""

END_THEM = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""


@dataclass
class Wired:
    """A ledger at the other end of a wire; what is there can be seen from its own end, too."""

    wire: Wire
    ledger: Ledger
    truth: Ledger

    def ask(self, key: str = KEY) -> int:
        with at_a_desk(self.ledger) as ask:
            return ask(Wanted.under(key))

    def is_recorded(self, key: str = KEY) -> bool:
        return self.truth.records_in.find_request("console", key) is not None


@pytest.fixture
def wired(postgres_databases: Databases, postgres: TempPostgres) -> Iterator[Wired]:
    with (
        postgres_databases() as url,
        wire_to(postgres.folder) as (wire, port),
        opened(url) as engine,
    ):
        create_ledger(engine, SLUG)
        truth = Ledger(engine, SLUG)
        prepare(truth)
        at = sa.make_url(url).set(host="127.0.0.1", port=port, query={})
        ledger = ledger_on(at.render_as_string(hide_password=False))
        ledger.head_position()  # the way is open before anything is cut
        yield Wired(wire, ledger, truth)
        ledger.engine.dispose()


@pytest.fixture(params=["swapped", "locked"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A batch is written by swapping the head, or, where that was lost too often, under a lock."""
    if request.param == "locked":
        monkeypatch.setattr(PostgreSQLStorage, "optimistic", False)
    way: str = request.param
    return way


@pytest.mark.postgresql
@pytest.mark.parametrize("when", Cut)
@pytest.mark.parametrize("word", READING)
def test_who_loses_the_connection_before_writing_notices_nothing(
    wired: Wired, word: bytes, when: Cut
) -> None:
    wired.wire.cut_at(word, when)
    position = wired.ask()
    assert wired.wire.cuts == 1
    require_exactly_once(wired.truth, {KEY: position})
    require_sound(wired.truth)


@pytest.mark.postgresql
@pytest.mark.parametrize("when", Cut)
def test_who_loses_the_connection_again_and_again_is_told_that_nothing_was_recorded(
    wired: Wired, when: Cut
) -> None:
    wired.wire.cut_at(b"FROM request", when, times=2)
    with pytest.raises(StorageUnavailable):
        wired.ask()
    assert not wired.is_recorded()
    require_exactly_once(wired.truth, {KEY: wired.ask()})
    require_sound(wired.truth)


@pytest.mark.postgresql
@pytest.mark.parametrize("when", Cut)
def test_whether_a_record_was_written_is_told_by_repeating_the_request(
    wired: Wired, way: str, when: Cut
) -> None:
    word = ENTRY if way == "swapped" else b"COMMIT"
    wired.wire.cut_at(word, when)
    with pytest.raises(OutcomeUnknown):
        wired.ask()
    assert wired.wire.cuts == 1
    assert wired.is_recorded() == (when is Cut.AFTER)
    require_exactly_once(wired.truth, {KEY: wired.ask()})
    require_sound(wired.truth)


@pytest.mark.postgresql
@pytest.mark.parametrize("when", Cut)
def test_nothing_is_recorded_where_the_connection_is_lost_before_the_lock_is_given_back(
    wired: Wired, monkeypatch: pytest.MonkeyPatch, when: Cut
) -> None:
    monkeypatch.setattr(PostgreSQLStorage, "optimistic", False)
    wired.wire.cut_at(WRITING, when)
    position = wired.ask()
    assert wired.wire.cuts == 1
    require_exactly_once(wired.truth, {KEY: position})
    require_sound(wired.truth)


@pytest.mark.postgresql
@pytest.mark.parametrize("cuts", [10, pytest.param(200, marks=pytest.mark.torture)])
def test_sixteen_hands_lose_nothing_on_a_way_that_is_cut_at_any_word(
    wired: Wired, cuts: int
) -> None:
    dice = Random(cuts)

    def cut_again_and_again(hands: Hands) -> None:
        for _ in range(cuts):
            wired.wire.cut_at(b"", dice.choice([*Cut]))
            until_answered(hands, dice.randint(1, HANDS))

    hands = Hands(partial(at_a_desk, wired.ledger))
    hands.work(cut_again_and_again)
    assert wired.wire.cuts >= cuts // 2
    require_designed(hands.errors)
    require_exactly_once(wired.truth, hands.answered)
    require_sound(wired.truth)
    require_projected(wired.truth)


@pytest.mark.postgresql
@pytest.mark.parametrize("kills", [5, pytest.param(100, marks=pytest.mark.torture)])
def test_sixteen_hands_lose_nothing_when_the_server_ends_their_connections(
    wired: Wired, kills: int
) -> None:
    def end_again_and_again(hands: Hands) -> None:
        for _ in range(kills):
            until_answered(hands, HANDS)
            with wired.truth.engine.connect() as connection:
                connection.execute(sa.text(END_THEM))

    hands = Hands(partial(at_a_desk, wired.ledger))
    hands.work(end_again_and_again)
    require_designed(hands.errors)
    require_exactly_once(wired.truth, hands.answered)
    require_sound(wired.truth)
