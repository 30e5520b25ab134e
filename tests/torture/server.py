"""The server as an office runs it, a real process, and hands that ask it over HTTP."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from aggregates.base import Actor, Envelope, Record
from aggregates.office import OFFICE, Office, TokenIssued
from aggregates.roles import Role
from commands.base import Act
from service.ledger.application import Ledger
from tests.bench.serving import Server, wenxiao
from tests.torture.hands import CONSOLE, NEVER, SLUG, Ask, Unanswered, Wanted

SECRET = "the-console-of-this-ledger"
PATIENCE = 10.0


def issue_token(ledger: Ledger) -> None:
    """A token for the console, so that it may ask over HTTP."""
    digest = sha256(SECRET.encode()).hexdigest()
    issued = TokenIssued(CONSOLE.id, digest, CONSOLE.roles, NEVER, system=CONSOLE.system)
    envelope = Envelope("given", Actor("given", Role.OPERATOR), NEVER.date(), "given")
    ledger.append([Record(Office.stream(OFFICE), 0, envelope, issued)])


def server_on(url: str, log: Path) -> Server:
    """``wenxiao serve`` with its two workers, and one that keeps the read models beside them."""
    return Server(wenxiao("serve", "--database", url, "--workers", "2", "--with-worker"), log)


@contextmanager
def over_http(port: int) -> Iterator[Ask]:
    """Ask over a connection that stays open as long as the server lives."""
    connection = http.client.HTTPConnection("127.0.0.1", port, PATIENCE)

    def ask(wanted: Wanted) -> int:
        try:
            return position_in(*answer(connection, wanted))
        except (OSError, http.client.HTTPException) as error:
            connection.close()  # the next request opens it again
            raise Unanswered(repr(error)) from error

    with closing(connection):
        yield ask


def answer(connection: http.client.HTTPConnection, wanted: Wanted) -> tuple[int, Any]:
    """Status and body of the answer to a request."""
    headers = {
        "Authorization": f"Bearer {SECRET}",
        "Content-Type": "application/json",
        "Idempotency-Key": wanted.key,
    }
    body = msgspec.json.encode(wanted.body)
    connection.request("POST", path_of(wanted.act, wanted.code), body, headers)
    response = connection.getresponse()
    return response.status, msgspec.json.decode(response.read())


def path_of(act: Act, code: str) -> str:
    """Where a unit's act is posted."""
    (path,) = act.paths
    return f"/v1/{SLUG}/{path.format(unit=code)}"


def position_in(status: int, told: Any) -> int:
    """The position in a receipt; all else is to be asked again, or should never be answered."""
    if status == 503:
        raise Unanswered(told["type"])
    assert status == 201, told
    position: int = told["position"]
    return position
