"""Which release writes a ledger, on record before it writes anything else."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from secrets import token_hex
from typing import Any

import msgspec
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from aggregates.base import MAIN, Aggregate
from aggregates.ledger import ITSELF, LedgerItself
from aggregates.office import Token
from aggregates.roles import Role
from commands.base import ACTS, RULES
from commands.ledger import StartRelease
from service.clock import Clock, utc_now
from service.desk import Desk
from service.ledger.application import Ledger
from service.ledger.errors import HistoryMissing
from service.ledger.recorder import every_ledger
from service.logs import logger
from service.request import understand
from service.sitting import Outcome

CONSOLE = Token(
    id="console",
    digest="",
    roles=(Role.OPERATOR,),
    expires_at=datetime.max.replace(tzinfo=UTC),
    system="console",
)
"""Whoever operates this machine: no secret, and no door but the command line leads here."""


@cache
def catalogue_digest() -> str:
    """The SHA-256 of every rule: id, sentence, basis and default severity."""
    told = [(r.id, r.sentence, r.basis, r.severity.value) for _, r in sorted(RULES.items())]
    return sha256(msgspec.json.encode(told)).hexdigest()


def ask_as_console(
    ledger: Ledger, act: str, kind: type[Aggregate], body: dict[str, Any], key: str = ""
) -> Outcome:
    """Have an act decided that this machine's operator asks for, on an office's own history."""
    found = ACTS[act]
    key = key or f"console-{token_hex(16)}"
    return Desk(ledger).carry_out(understand(found, kind, MAIN, body, token=CONSOLE, key=key))


def announce_everywhere(engine: Engine, clock: Clock = utc_now) -> None:
    """Record this release in every ledger; where the database is not ready yet, nothing."""
    with suppress(SQLAlchemyError):
        for slug in every_ledger(engine):
            announce_if_whole(Ledger(engine, slug, clock))


def announce_if_whole(ledger: Ledger) -> None:
    """Record this release unless nothing may be added; what is there can be read all the same."""
    try:
        announce(ledger)
    except HistoryMissing as missing:
        logger().error("history_missing", ledger=ledger.slug, reason=str(missing))


def announce(ledger: Ledger) -> None:
    """Record this release if the ledger was last written by another one.

    Several processes may start at once: the rule lets one of them record it.
    """
    release, rules = version("wenxiao"), catalogue_digest()
    known = ledger.load(LedgerItself, ITSELF)
    if (known.release, known.rules) == (release, rules):
        return
    key = f"release-{known.version}-{release}-{rules[:16]}"
    body = {"release": release, "rules": rules}
    ask_as_console(ledger, StartRelease.act.name, LedgerItself, body, key)
