"""办理: one act over HTTP, everything on, beside a bare Flask application that echoes JSON.

32 connections, 2 workers, PostgreSQL with its promises kept: authentication by a token of a person
in a unit, the subtree looked up, all rules, both trees, the request kept under its key, a receipt.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Engine

from aggregates.base import Actor, Aggregate, Envelope, Fact, Record
from aggregates.office import OFFICE, Office, PersonAssigned, TokenIssued
from aggregates.roles import Role
from aggregates.unit import Unit, UnitRegistered
from service.ledger.application import Ledger
from tests.bench.ground import SLUG, Ground, opened
from tests.bench.load import Plan, Result
from tests.bench.matter import RESERVE
from tests.bench.measuring import Line, Side, alternately, compared
from tests.bench.profiling import shares
from tests.bench.serving import Server, granian, wenxiao

WORKERS = 2
THREADS = 32
"""Of each worker, as ``wenxiao serve`` has it."""
SECONDS = 4.0
SECRET = "the-clerk-of-101001"
LONG_AGO, NEVER = date(2020, 1, 1), datetime(2100, 1, 1, tzinfo=UTC)
OPERATOR = Actor("operator", Role.OPERATOR)


def on_postgresql(ground: Ground) -> Iterator[Line]:
    """An act that is recorded, beside the same body echoed, in turns."""
    url = ground.postgresql()
    with opened(url) as engine:
        open_office(engine, SLUG)
    seconds = SECONDS * ground.effort.share
    log = Path(ground.folder, "log")
    served = ["--workers", str(WORKERS), "--threads", str(THREADS)]
    with (
        Server(wenxiao("serve", "--database", url, *served), log) as ours,
        Server(granian("tests.bench.echo:app", WORKERS, THREADS), log) as bare,
    ):
        rates = alternately(
            ground.effort.rounds,
            {"ours": acts(ours.port, seconds), "bare": echoes(bare.port, seconds)},
        )
    yield compared("one act, all of it", rates, "ours", "bare:Flask that echoes", 0.08)
    yield from shares(url, reserving(0, 0, "p"))


def acts(port: int, seconds: float) -> Side:
    """Each request reserves another project under another key."""
    rounds = count(1)

    def side() -> float:
        result = asked(reserving(port, seconds, f"r{next(rounds)}"))
        assert set(result.statuses) == {"201"}, result.statuses
        return result.statuses["201"] / result.seconds

    return side


def echoes(port: int, seconds: float) -> Side:
    """The same requests, answered with what they hold."""
    rounds = count(1)

    def side() -> float:
        result = asked(reserving(port, seconds, f"r{next(rounds)}"))
        assert set(result.statuses) == {"200"}, result.statuses
        return result.statuses["200"] / result.seconds

    return side


def reserving(port: int, seconds: float, group: str) -> Plan:
    headers = {
        "Authorization": f"Bearer {SECRET}",
        "Content-Type": "application/json",
        "Idempotency-Key": f"{group}-{{n}}",
    }
    path = f"/v1/{SLUG}/projects/{group}-{{n}}/reserve"
    return Plan(port, path, headers, msgspec.json.encode(RESERVE).decode(), seconds)


def asked(plan: Plan) -> Result:
    """What came of a plan, carried out by a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.load"],
        input=msgspec.json.encode(plan),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return msgspec.json.decode(done.stdout, type=Result)


def open_office(engine: Engine, slug: str) -> None:
    """A unit below another one, and its clerk with a token."""
    ledger = Ledger(engine, slug)
    given(ledger, Unit, UnitRegistered("交通运输局", "", 1), code="101")
    given(ledger, Unit, UnitRegistered("公路段", "101", 2), code="101001")
    digest = sha256(SECRET.encode()).hexdigest()
    given(
        ledger,
        Office,
        PersonAssigned("wang", Role.UNIT_CLERK, "经办", "101001", LONG_AGO),
        TokenIssued("t-wang", digest, (Role.UNIT_CLERK,), NEVER, person="wang", unit="101"),
        code=OFFICE,
    )


def given(ledger: Ledger, kind: type[Aggregate], *facts: Fact[Any], code: str) -> None:
    """This has happened to a history."""
    envelope = Envelope("given", OPERATOR, LONG_AGO, "given")
    ledger.append([Record(kind.stream(code), 0, envelope, fact) for fact in facts])
