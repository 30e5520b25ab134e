"""令牌: who is asking, of which ledger, and what they may see.

Nobody passes without a token but where a door says that it is open. A token is a fact of its
ledger's office, so elsewhere it is no token. Who reads is looked at afresh; who acts may be known
from memory, for the office's version is checked again where the act is recorded (see `Counter`).
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from typing import Any, cast

from flask import Flask, g, request
from sqlalchemy import Engine

from aggregates.office import OFFICE, Office, Token
from aggregates.roles import FINANCE, READERS, UNIT, Role
from commands.base import Act
from service.clock import Clock
from service.desk import Desk
from service.http.problems import Problem, unauthorized
from service.ledger.application import Ledger
from service.ledger.entry import SLUG
from service.ledger.errors import UnknownLedger
from service.request import Forbidden, Request
from service.sitting import Outcome

OPEN = "is_open"
"""Set on a view that answers everybody."""

MOST_LEDGERS = 1_000
"""How many ledgers a process keeps ready."""

MAY_READ = (
    READERS
    | FINANCE
    | UNIT
    | {
        Role.SUPERIOR_DEPARTMENT,
        Role.TREASURY_SECTION,
        Role.BUREAU_PARTY_COMMITTEE,
        Role.OFFICE_ADMINISTRATOR,
        Role.OPERATOR,
    }
)
"""Who may read, within the token's subtree. Agencies and source systems hand in and no more."""

READS_THE_OFFICE = READERS | {Role.BUREAU_LEADER, Role.OFFICE_ADMINISTRATOR, Role.OPERATOR}
"""Who may read which posts and tokens there are, and whatever else of the whole ledger."""

_BEARER = re.compile(r"Bearer +([A-Za-z0-9._~+/-]{1,512}=*)", re.IGNORECASE)


class Ledgers:
    """台账登记: the ledgers that this process has been asked for, kept ready."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self.engine, self.clock = engine, clock
        self._ready: OrderedDict[str, Ledger] = OrderedDict()
        self._lock = Lock()

    def of(self, slug: str) -> Ledger:
        """The ledger of this name; raises :class:`UnknownLedger`."""
        with self._lock:
            if found := self._ready.get(slug):
                self._ready.move_to_end(slug)
                return found
        return self._keep(slug, self._opened(slug))

    def _opened(self, slug: str) -> Ledger:
        if not SLUG.fullmatch(slug):
            raise UnknownLedger(slug)
        ledger = Ledger(self.engine, slug, self.clock)
        ledger.head_position()
        return ledger

    def _keep(self, slug: str, opened: Ledger) -> Ledger:
        with self._lock:
            kept = self._ready.setdefault(slug, opened)
            while len(self._ready) > MOST_LEDGERS:
                self._ready.popitem(last=False)
        return kept


@dataclass(frozen=True)
class Caller:
    """来访者: a good token, and the ledger that it is good for."""

    ledger: Ledger
    token: Token

    def may_do(self, act: Act) -> None:
        """Raises :class:`Forbidden` where none of the token's roles is named by the act.

        A source system may report any act as done elsewhere; which, the desk looks at.
        """
        if (act.asked_by | {Role.SOURCE_SYSTEM}).isdisjoint(self.token.roles):
            may = "、".join(sorted(role.label for role in act.asked_by))
            raise Forbidden(f"{act.title}由{may}办理")

    def may_read(self) -> None:
        """Raises :class:`Forbidden` unless one of the token's roles entitles to reading."""
        if MAY_READ.isdisjoint(self.token.roles):
            raise Forbidden("该令牌只能报送，不能查询")

    def may_read_the_office(self, what: str = "岗位和令牌") -> None:
        """Raises :class:`Forbidden` unless the bearer looks after the whole office, or over it."""
        if self.token.unit or READS_THE_OFFICE.isdisjoint(self.token.roles):
            may = "、".join(sorted(role.label for role in READS_THE_OFFICE))
            raise Forbidden(f"{what}由{may}查询")


class Counter(Desk):
    """窗口: the desk, which looks at the bearer's token again whenever it decides again.

    A token that was revoked meanwhile moves the office on; then the act is decided anew, and here
    it ends. An answer given before is only repeated to whoever is good at this moment.
    """

    def __init__(self, ledger: Ledger, token: Token) -> None:
        super().__init__(ledger)
        self._token = token

    def carry_out(self, request: Request, expected: int | None = None) -> Outcome:
        outcome = super().carry_out(request, expected)
        if outcome.repeated:
            require_good(self._token.digest, self.ledger, self.ledger.load)
        return outcome

    def _attempt(self, request: Request, expected: int | None) -> Outcome:
        require_good(self._token.digest, self.ledger, self.ledger.recall)
        return super()._attempt(request, expected)


Look = Callable[[type[Office], str], Office]


def require_good(digest: str, ledger: Ledger, look: Look) -> Token:
    """The token with this digest, if it is good now; else the bearer is nobody."""
    token = look(Office, OFFICE).token(digest)
    if token is None:
        raise _not_of_this_ledger()
    if not token.is_good(ledger.clock()):
        raise unauthorized("令牌已经吊销或过期", "invalid_token")
    return token


def caller() -> Caller:
    """Whose request is being answered."""
    return cast("Caller", g.caller)


def guard(app: Flask, ledgers: Ledgers) -> None:
    """Let nobody in without a token, but where a view is open to everybody."""

    @app.before_request
    def identify() -> None:
        if request.routing_exception is not None or _is_open(app):
            return
        found = _BEARER.fullmatch(request.headers.get("Authorization", ""))
        if found is None:
            raise unauthorized("请求须带 Authorization: Bearer 令牌")
        g.caller = _known(ledgers, (request.view_args or {}).pop("ledger", ""), found[1])


def _is_open(app: Flask) -> bool:
    view: Any = app.view_functions[str(request.endpoint)]
    return getattr(view, OPEN, False)


def _known(ledgers: Ledgers, slug: str, secret: str) -> Caller:
    """Whose token this is. Which ledgers there are is no answer to a stranger."""
    try:
        ledger = ledgers.of(slug)
    except UnknownLedger:
        raise _not_of_this_ledger() from None
    return Caller(ledger, _bearer(secret, ledger))


def _not_of_this_ledger() -> Problem:
    return unauthorized("令牌不属于这个台账", "invalid_token")


def _bearer(secret: str, ledger: Ledger) -> Token:
    digest = sha256(secret.encode()).hexdigest()
    if request.method != "POST":
        return require_good(digest, ledger, ledger.load)
    known = ledger.recall(Office, OFFICE).token(digest)
    if known is None or not known.is_good(ledger.clock()):
        return require_good(digest, ledger, ledger.load)
    return known
