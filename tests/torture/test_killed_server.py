"""The server is killed (kill -9) while sixteen writers ask it for acts, again and again."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from random import Random

import pytest

from service.cli.serve import HOST, require_free
from service.ledger.application import Ledger
from tests.torture.hands import Hands, until_answered
from tests.torture.server import issue_token, over_http, server_on
from tests.torture.truth import require_exactly_once, require_projected, require_sound

KILLS = [1, pytest.param(100, marks=[pytest.mark.torture, pytest.mark.timeout(900)])]

SOON = 20.0
"""Seconds after which every process has surely noticed that the main one is gone."""

MOST_ANSWERS = 80
"""After how many answers the server is killed at the latest."""


@pytest.mark.parametrize("kills", KILLS)
def test_what_the_server_acknowledged_is_recorded_once_however_often_it_is_killed(
    torn_url: str, torn: Ledger, tmp_path: Path, kills: int
) -> None:
    issue_token(torn)
    server, dice = server_on(torn_url, tmp_path / "log"), Random(kills)

    def kill_again_and_again(hands: Hands) -> None:
        for _ in range(kills):
            until_answered(hands, dice.randint(1, MOST_ANSWERS))
            time.sleep(dice.random() / 100)
            server.kill()
            server.start().wait()

    hands = Hands(lambda: over_http(server.port), together=2)
    with server:
        hands.work(kill_again_and_again)
    assert hands.errors, "no writer noticed that the server was killed"
    require_exactly_once(torn, hands.answered)
    require_sound(torn)
    require_projected(torn)


def test_whoever_kills_the_main_process_ends_all_of_it(torn_url: str, tmp_path: Path) -> None:
    """The two that answer, the one that keeps the read models; and the port is free again."""
    with server_on(torn_url, tmp_path / "log") as server:
        assert len(server.members()) == 4
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
        deadline = time.monotonic() + SOON
        while server.members() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not server.members()
        require_free(HOST, server.port)
