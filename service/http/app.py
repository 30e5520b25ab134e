"""应用: the doors, the guard before them and the log behind them, put together."""

from __future__ import annotations

import re
import time
from functools import lru_cache, partial
from pathlib import Path
from secrets import token_hex
from typing import Any

import msgspec
from flask import Flask, Response, g, request
from flask.json.provider import JSONProvider

from service import logs
from service.clock import Clock, utc_now
from service.http import page, problems
from service.http.acts import acts
from service.http.bearer import Ledgers, guard
from service.http.catalogue import catalogue
from service.http.chain import chain
from service.http.doors import refuse_garbled, refuse_parameters
from service.http.health import health
from service.http.office import office
from service.http.proofs import proofs
from service.http.standing import standing
from service.http.treasury import treasury
from service.ledger.engine import make_engine
from service.proofs.anchor import anchor
from service.proofs.patrol import Patrol
from service.proofs.prover import Prover
from service.settings import Settings

DOORS = (acts, standing, treasury, chain, proofs, office, catalogue, health)

MOST_PROVERS = 16
"""For how many ledgers hashes are kept in memory."""

REQUEST_ID = "X-Request-Id"

_REQUEST_ID = re.compile(r"[0-9A-Za-z._-]{8,64}")


class Json(JSONProvider):
    """Answers are written by msgspec."""

    def dumps(self, obj: Any, **_: Any) -> str:
        return msgspec.json.encode(obj).decode()

    def loads(self, s: str | bytes, **_: Any) -> Any:
        return msgspec.json.decode(s)


class Wenxiao(Flask):
    """The application of one process: its settings, its engine, its ledgers."""

    json_provider_class = Json

    def __init__(self, settings: Settings, clock: Clock) -> None:
        super().__init__("service.http", static_folder=None)
        self.settings = settings
        self.engine = make_engine(settings.database_url, pool_size=settings.pool_size)
        anchor(self.engine, Path(settings.custody))
        self.ledgers = Ledgers(self.engine, clock)
        self.prover_of = lru_cache(MOST_PROVERS)(partial(Prover, settings=settings))
        self.config["MAX_CONTENT_LENGTH"] = settings.body_limit
        self.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
        self.url_map.merge_slashes = False


def create_app(settings: Settings, clock: Clock = utc_now) -> Wenxiao:
    """The application under these settings, ready for any WSGI server.

    The witnesses that the settings know of are asked first, and waited for a moment.
    """
    app = Wenxiao(settings, clock)
    Patrol(app.engine, (), settings).hear()
    _log(app)
    guard(app, app.ledgers)
    app.before_request(refuse_garbled)
    app.before_request(refuse_parameters)
    app.register_error_handler(Exception, problems.answer)
    for doors in DOORS:
        app.register_blueprint(doors)
    page.serve(app, DOORS)
    return app


def _log(app: Flask) -> None:
    """Give each request an id, and each answer a line in the log."""

    @app.before_request
    def begin() -> None:
        given = request.headers.get(REQUEST_ID, "")
        g.request_id = given if _REQUEST_ID.fullmatch(given) else token_hex(16)
        g.begun = time.perf_counter()
        logs.begin(g.request_id)

    @app.after_request
    def end(answer: Response) -> Response:
        answer.headers[REQUEST_ID] = g.request_id
        answer.headers.setdefault("Cache-Control", "no-store")
        logs.logger().info("answered", **_line(answer))
        return answer


def _line(answer: Response) -> dict[str, Any]:
    """What the log says: the route, not the path, for the path has codes in it."""
    known = g.get("caller")
    return {
        "method": request.method,
        "route": str(request.url_rule or "-"),
        "status": answer.status_code,
        "ms": round((time.perf_counter() - g.begun) * 1000, 3),
        "ledger": known.ledger.slug if known else "",
        "token": known.token.id if known else "",
    }
