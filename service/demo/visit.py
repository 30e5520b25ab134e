"""参观: a token that may only read, and a question worth asking with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any

import sqlalchemy as sa

from aggregates.office import Office
from aggregates.roles import Role
from commands.office import IssueToken
from service.demo.offices import Office as Staged
from service.demo.stage import Track
from service.ledger.application import Ledger
from service.projector import Projector
from service.release import ask_as_console

GOOD_FOR = timedelta(days=1)


@dataclass(frozen=True)
class Visit:
    """参观: the bearer of this secret may read one ledger for a day."""

    office: Staged[Any]
    secret: str

    @property
    def question(self) -> str:
        asked, _ = self.office.visit
        return f"{self.office.title}：{asked}"

    def call(self, server: str) -> str:
        """The question, as one would type it."""
        _, path = self.office.visit
        url = f"{server}/v1/{self.office.slug}/{path}"
        return f"curl -s -H 'Authorization: Bearer {self.secret}' '{url}'"


def admit(office: Staged[Any], engine: sa.Engine, track: Track) -> Visit:
    """Issue the token, and read the ledger into its read models to the end."""
    ledger = Ledger(engine, office.slug)
    secret = token_urlsafe(32)
    _issue(ledger, secret)
    with track(f"{office.title} 读模型", ledger.head_position()) as come:
        Projector(engine, ledger).catch_up(report=lambda so_far, _of: come(so_far))
    return Visit(office, secret)


def _issue(ledger: Ledger, secret: str) -> None:
    digest = sha256(secret.encode()).hexdigest()
    body = {
        "token": f"demo-visitor-{digest[:8]}",
        "digest": digest,
        "roles": [Role.AUDITOR.value],
        "expires_at": (ledger.clock() + GOOD_FOR).isoformat(),
        "system": "demo-visitor",
    }
    ask_as_console(ledger, IssueToken.act.name, Office, body)
