"""The clock jumps forth and back; the ledger's own time never does, and whoever asks is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from random import Random
from typing import Any

import msgspec
import pytest

from aggregates.base import MAIN
from aggregates.ledger import LedgerItself
from commands.ledger import ConfirmClock
from service.desk import Desk
from service.http.app import Wenxiao, create_app
from service.ledger.application import Ledger
from service.ledger.batch import CLOCK_TOLERANCE
from service.ledger.errors import ClockBehind
from service.request import understand
from service.settings import Settings
from tests.torture.hands import (
    CONSOLE,
    HANDS,
    Hands,
    Wanted,
    at_a_desk,
    key_of,
    ledger_on,
    until_answered,
    until_refused,
)
from tests.torture.server import SECRET, issue_token, path_of
from tests.torture.truth import require_exactly_once, require_sound

HOUR = timedelta(hours=1)
JUMPS = (-7200, -61, -60, -59, -1, 0, 0, 0, 1, 59, 60, 61, 7200)
"""Seconds: about the tolerance, and far beyond it."""


@dataclass
class Clock:
    """A clock that runs as it is told."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC) + HOUR)

    def __call__(self) -> datetime:
        return self.now

    def jump(self, by: timedelta) -> None:
        self.now += by


@dataclass
class Office:
    """The doors of an office whose clock may jump."""

    app: Wenxiao
    clock: Clock
    ledger: Ledger
    numbers: Iterator[int] = field(default_factory=count)

    def ask(self, key: str) -> tuple[int, Any]:
        wanted = Wanted.under(key)
        return self._post(path_of(wanted.act, wanted.code), wanted.body, key)

    def confirm(self) -> tuple[int, Any]:
        """The office confirms that its clock is right."""
        body = {"head_at": at(self.head_at), "clock_at": at(self.clock()), "reason": "已校准"}
        path = path_of(ConfirmClock.act, MAIN)
        return self._post(path, body, f"confirmed-{next(self.numbers)}")

    @property
    def head_at(self) -> datetime:
        head = self.ledger.records_in.head()
        assert head.recorded_at is not None
        return head.recorded_at

    @property
    def is_behind(self) -> bool:
        return self.head_at - self.clock() > CLOCK_TOLERANCE

    def _post(self, path: str, body: Any, key: str) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {SECRET}", "Idempotency-Key": key}
        answer = self.app.test_client().post(
            path, data=msgspec.json.encode(body), headers=headers, content_type="application/json"
        )
        return answer.status_code, answer.get_json(force=True)


def at(time: datetime) -> str:
    return time.isoformat()


@pytest.fixture
def office(torn_url: str, torn: Ledger) -> Iterator[Office]:
    issue_token(torn)
    clock = Clock()
    app = create_app(Settings(database_url=torn_url), clock)
    yield Office(app, clock, torn)
    app.engine.dispose()


def require_time_never_went_back(ledger: Ledger) -> None:
    times = [record.recorded_at for record in ledger.every_record()]
    assert times == sorted(time for time in times if time is not None)


def test_nothing_is_recorded_by_a_clock_far_behind_until_the_office_confirms_it(
    office: Office,
) -> None:
    assert office.ask("hand-0")[0] == 201
    before, size = office.head_at, office.ledger.head_position()
    office.clock.jump(-HOUR)
    status, told = office.ask("hand-1")
    assert (status, told["type"]) == (503, "urn:wenxiao:problem:clock_behind")
    assert office.ledger.head_position() == size
    assert office.ledger.records_in.find_request(CONSOLE.id, "hand-1") is None
    assert office.confirm()[0] == 201
    assert office.ask("hand-1")[0] == 201
    assert office.head_at == before
    office.clock.jump(2 * HOUR)
    assert office.ask("hand-2")[0] == 201
    assert office.head_at == office.clock()
    office.clock.jump(-HOUR)
    assert office.ask("hand-4")[0] == 503
    require_time_never_went_back(office.ledger)
    require_sound(office.ledger)


@pytest.mark.parametrize("steps", [60, pytest.param(1_500, marks=pytest.mark.torture)])
def test_every_jump_has_the_answer_that_it_was_designed_to_have(office: Office, steps: int) -> None:
    dice, answered, confirmed_at = Random(steps), {}, None
    for number in range(steps):
        office.clock.jump(timedelta(seconds=dice.choice(JUMPS)))
        may_record = not office.is_behind or confirmed_at == office.head_at
        status, told = office.ask(key := key_of("hand", 4 * number))
        assert (status == 201) == may_record, (told, office.head_at, office.clock())
        if status == 201:
            answered[key] = told["position"]
        elif dice.random() < 0.5:
            assert office.confirm()[0] == 201
            confirmed_at = office.head_at
    assert len(answered) not in (0, steps), "some are recorded and some are not"
    require_exactly_once(office.ledger, answered)
    require_time_never_went_back(office.ledger)
    require_sound(office.ledger)


@pytest.mark.parametrize("jumps", [3, pytest.param(60, marks=pytest.mark.torture)])
def test_sixteen_hands_go_on_as_soon_as_the_clock_is_confirmed(
    torn_url: str, torn: Ledger, jumps: int
) -> None:
    clock = Clock()
    ledger = ledger_on(torn_url, clock)

    def jump_again_and_again(hands: Hands) -> None:
        for number in range(jumps):
            clock.jump(2 * HOUR)
            until_answered(hands, HANDS)
            clock.jump(-HOUR)
            until_refused(hands, HANDS)
            confirm(ledger, f"confirmed-{number}")
            until_answered(hands, HANDS)

    hands = Hands(partial(at_a_desk, ledger))
    hands.work(jump_again_and_again)
    assert {type(error) for error in hands.errors} == {ClockBehind}
    ledger.engine.dispose()
    require_exactly_once(torn, hands.answered)
    require_time_never_went_back(torn)
    require_sound(torn)


def confirm(ledger: Ledger, key: str) -> None:
    """The office confirms the clock at a desk."""
    head_at = ledger.records_in.head().recorded_at
    assert head_at is not None
    body = {"head_at": at(head_at), "clock_at": at(ledger.clock()), "reason": "已校准"}
    asked = understand(ConfirmClock.act, LedgerItself, MAIN, body, token=CONSOLE, key=key)
    assert Desk(ledger).carry_out(asked).is_recorded
