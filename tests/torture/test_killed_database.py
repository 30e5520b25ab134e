"""PostgreSQL itself is killed (kill -9) while sixteen hands record; what it promised, it keeps."""

from __future__ import annotations

import time
from functools import partial
from random import Random

import pytest

from service.ledger.recorder import create_ledger
from tests.conftest import migrated
from tests.postgres import TempPostgres
from tests.torture.hands import SLUG, Hands, at_a_desk, ledger_on, prepare, until_answered
from tests.torture.truth import (
    require_designed,
    require_exactly_once,
    require_projected,
    require_sound,
)


@pytest.mark.postgresql
@pytest.mark.parametrize("kills", [1, pytest.param(10, marks=pytest.mark.torture)])
def test_what_was_answered_outlives_the_database_server(kills: int) -> None:
    dice = Random(kills)
    with TempPostgres(durable=True) as server:
        with migrated(server.uri()) as engine:
            create_ledger(engine, SLUG)
        ledger = ledger_on(server.uri())
        prepare(ledger)

        def kill_again_and_again(hands: Hands) -> None:
            for _ in range(kills):
                until_answered(hands, dice.randint(1, 200))
                time.sleep(dice.random() / 50)
                server.kill()
                server.start()

        hands = Hands(partial(at_a_desk, ledger))
        hands.work(kill_again_and_again)
        assert hands.errors, "nobody noticed that the server was killed"
        require_designed(hands.errors)
        require_exactly_once(ledger, hands.answered)
        require_sound(ledger)
        require_projected(ledger)
        ledger.engine.dispose()
