"""A desk on a fresh ledger, and an easy way to ask something of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from sqlalchemy import Engine

from aggregates.base import KINDS, MAIN
from aggregates.office import Token
from aggregates.roles import Role
from commands.base import ACTS
from service.desk import Desk
from service.ledger.application import Ledger
from service.ledger.recorder import create_ledger
from service.request import Request, understand
from service.sitting import Outcome

NEVER = datetime(2100, 1, 1, tzinfo=UTC)
CONSOLE = Token("console", "", (Role.OPERATOR, Role.SOURCE_SYSTEM), NEVER, system="console")
TREASURY = Token("treasury", "", (Role.SOURCE_SYSTEM,), NEVER, system="treasury")

Ask = Callable[..., Outcome]


def asked(
    act: str,
    subject: str,
    body: dict[str, Any],
    *,
    key: str,
    token: Token = CONSOLE,
) -> Request:
    """A request as a door would understand it; ``subject`` is a stream's name."""
    kind, _, code = subject.partition("/")
    found = ACTS[act]
    return understand(found, KINDS[kind], code or MAIN, body, token=token, key=key)


@pytest.fixture
def ledger(engine: Engine) -> Ledger:
    create_ledger(engine, "office")
    return Ledger(engine, "office")


@pytest.fixture
def ask(ledger: Ledger) -> Ask:
    """Ask a desk; each call under a key of its own unless one is given."""
    desk, keys = Desk(ledger), count(1)

    def ask(
        act: str,
        subject: str,
        body: dict[str, Any],
        *,
        key: str = "",
        token: Token = CONSOLE,
        expected: int | None = None,
    ) -> Outcome:
        key = key or f"key-{next(keys)}"
        return desk.carry_out(asked(act, subject, body, key=key, token=token), expected)

    return ask
