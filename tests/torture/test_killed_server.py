"""The server is killed (kill -9) while sixteen writers ask it for acts, again and again."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from service.ledger.application import Ledger
from tests.torture.hands import Hands, until_answered
from tests.torture.server import issue_token, over_http, server_on
from tests.torture.truth import require_exactly_once, require_projected, require_sound

KILLS = [1, pytest.param(100, marks=[pytest.mark.torture, pytest.mark.timeout(900)])]

SOON = 20.0
"""Seconds after which a worker has surely noticed that it is alone."""

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


def test_a_killed_server_leaves_no_worker_behind(torn_url: str, tmp_path: Path) -> None:
    with server_on(torn_url, tmp_path / "log") as server:
        others = [member for member in server.members() if not is_worker(member)]
        assert 0 < len(others) < len(server.members())
        for member in others:
            with suppress(ProcessLookupError):  # some end with the first of them
                os.kill(member, signal.SIGKILL)
        server.process.wait()
        deadline = time.monotonic() + SOON
        while server.members() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not server.members()


def is_worker(pid: int) -> bool:
    """Does this process keep the read models?"""
    return Path(f"/proc/{pid}/cmdline").read_bytes().endswith(b"worker\0--attached\0")
