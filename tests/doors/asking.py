"""``given`` what happened, ``when`` somebody asks at a door, ``then`` this is the answer.

::

    office.given(Unit, registered, code="105")
    office.clerk.post("units/105/goal", goal).then(201)
    office.clerk.post("units/105/goal", goal).then(409, breaches=[...])

Every answer that is looked at is held against the OpenAPI document, whatever else a test wants.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from hashlib import sha256
from itertools import count
from typing import Any, Self

import jsonschema_rs
import msgspec
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from aggregates.base import Actor, Aggregate, Envelope, Fact, Record
from aggregates.office import OFFICE, Office, PersonAssigned, TokenIssued, TokenRevoked
from aggregates.roles import Role
from service.http.app import DOORS, Wenxiao, create_app
from service.http.openapi import written
from service.ledger.application import Ledger
from service.projector import Projector
from service.proofs.rounds import Rounds, keys_of
from service.settings import Settings

LEDGER = "shizong"
BEGAN = date(2021, 1, 1)
NOW = datetime(2021, 11, 21, 7, 20, tzinfo=UTC)
SOMEBODY = Actor("somebody", Role.OPERATOR)

_numbers = count(1)


@dataclass
class Clock:
    """A clock that stands still until it is set."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **span: float) -> None:
        self.now += timedelta(**span)


@contextmanager
def served(url: str, clock: Clock | None = None, **settings: Any) -> Iterator[Wenxiao]:
    """The application on a database, closed at the end."""
    app = create_app(Settings(database_url=url, **settings), clock or Clock())
    try:
        yield app
    finally:
        app.engine.dispose()


class AtTheOffice:
    """One ledger behind the doors, with whatever has happened in it."""

    def __init__(self, app: Wenxiao, clock: Clock, slug: str = LEDGER) -> None:
        self.app, self.clock, self.slug = app, clock, slug
        self.ledger: Ledger = app.ledgers.of(slug)

    def given(
        self,
        kind: type[Aggregate],
        *facts: Fact[Any],
        code: str = "main",
        on: date | None = None,
    ) -> Self:
        """This has happened to a history, today or on another day."""
        envelope = Envelope("given", SOMEBODY, on or self.clock().date(), "given")
        self.ledger.append([Record(kind.stream(code), 0, envelope, fact) for fact in facts])
        return self

    def somebody(
        self, *roles: Role, person: str = "", unit: str = "", days: int = 30, system: str = ""
    ) -> Caller:
        """A person who holds these roles, or a system, with a token."""
        number = next(_numbers)
        person = person or ("" if system else f"p{number}")
        secret = f"secret-{number}"
        self.given(
            Office,
            *(PersonAssigned(person, r, "经办", "某单位", BEGAN) for r in roles if person),
            TokenIssued(
                f"t{number}",
                sha256(secret.encode()).hexdigest(),
                roles,
                self.clock() + timedelta(days=days),
                person,
                unit,
                system,
            ),
            code=OFFICE,
        )
        return Caller(self, secret, f"t{number}", person)

    def projected(self) -> Self:
        """The read models have read everything."""
        Projector(self.app.engine, self.ledger).catch_up()
        return self

    def sealed(self) -> Self:
        """The ledger has a key, and what there is has just been signed with it."""
        keys = keys_of(self.ledger, self.app.settings)
        if not keys.known.keys:
            keys.new()
        Rounds(self.ledger, self.app.settings).go()
        return self

    def revoke(self, caller: Caller) -> None:
        self.given(Office, TokenRevoked(caller.token, "丢失"), code=OFFICE)

    def stranger(self, secret: str = "") -> Caller:
        """Nobody that the office knows."""
        return Caller(self, secret)


@dataclass
class Caller:
    """Whoever bears a secret."""

    office: AtTheOffice
    secret: str = ""
    token: str = ""
    person: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def _client(self) -> FlaskClient:
        return self.office.app.test_client()

    def _all_headers(self, more: dict[str, str]) -> dict[str, str]:
        bearer = {"Authorization": f"Bearer {self.secret}"} if self.secret else {}
        return bearer | self.headers | {name: value for name, value in more.items() if value}

    def get(self, path: str, **query: Any) -> Answer:
        """Ask a question of the ledger."""
        return self.ask("GET", path, headers={}, query_string=query or None)

    def post(
        self,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        if_match: str = "",
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> Answer:
        """Ask for an act; without a key of its own, under a fresh one."""
        conditions = {
            "Idempotency-Key": f"key-{next(_numbers)}" if key is None else key,
            "If-Match": if_match,
            "Content-Type": "application/json",
        }
        if "input_stream" not in more:
            more["data"] = body if isinstance(body, bytes) else msgspec.json.encode(body or {})
        return self.ask("POST", path, headers=conditions | (headers or {}), **more)

    def ask(self, method: str, path: str, *, headers: dict[str, str], **more: Any) -> Answer:
        """Anything at all; a path that does not begin with / is one of the ledger."""
        where = path if path.startswith("/") else f"/v1/{self.office.slug}/{path}"
        told = self._all_headers(headers)
        asked = self._client.open(where, method=method, headers=told, buffered=True, **more)
        return Answer(self.office.app, asked)


class Answer:
    """What came back, known to be what the document promises."""

    def __init__(self, app: Wenxiao, response: TestResponse) -> None:
        self.response, self.status, self.headers = response, response.status_code, response.headers
        self.json: Any = response.get_json() if response.is_json else None
        require_documented(app, response)

    def then(self, status: int, **expected: Any) -> Self:
        """This status, and at least these members."""
        assert self.status == status, self.response.get_data(as_text=True)
        for name, value in expected.items():
            assert self.json[name] == value, (name, self.json)
        return self

    def problem(self, name: str) -> Self:
        """This type of problem, in the one shape that problems have."""
        assert self.response.content_type == "application/problem+json"
        assert self.json["type"] == f"urn:wenxiao:problem:{name}", self.json
        assert self.json["status"] == self.status
        assert self.json["request"] == self.headers["X-Request-Id"]
        assert self.json["title"]
        assert self.json["detail"]
        return self

    @property
    def faults(self) -> dict[str, str]:
        """Where something is wrong: the pointer, parameter or header, and what."""
        assert self.json is not None
        return {
            each.get("pointer", each.get("parameter", each.get("header"))): each["detail"]
            for each in self.json["errors"]
        }


def require_documented(app: Wenxiao, response: TestResponse) -> None:
    """The status, the media type, the headers and the body are as the document says."""
    document = the_document()
    with app.test_request_context(response.request.path, method=response.request.method) as asked:
        rule = asked.request.url_rule
    if rule is None:
        return
    path = re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule)
    operation = document["paths"].get(path, {}).get(response.request.method.lower())
    if operation is None:
        assert path in {"/", "/docs", "/docs.css", "/openapi.json"}
        return
    promised = resolved(document, operation["responses"].get(str(response.status_code)))
    assert promised is not None, f"{response.status_code} is not documented for {rule}"
    content = promised["content"][response.content_type.partition(";")[0]]
    if "schema" in content:
        validator(msgspec.json.encode(content["schema"])).validate(response.get_json())


def resolved(document: dict[str, Any], found: Any) -> Any:
    """What a reference stands for."""
    if found and "$ref" in found:
        _, _, section, name = found["$ref"].split("/")
        return document["components"][section][name]
    return found


@cache
def the_document() -> dict[str, Any]:
    """The OpenAPI document, as a client reads it."""
    read: dict[str, Any] = msgspec.json.decode(written(DOORS))
    return read


@cache
def validator(schema: bytes) -> jsonschema_rs.Draft202012Validator:
    whole = msgspec.json.decode(schema) | {"components": the_document()["components"]}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
