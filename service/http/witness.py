"""见证接口: C2SP ``tlog-witness`` over HTTP, for an office that looks after other people's ledgers.

``POST /add-checkpoint`` is what the specification says; ``GET /`` tells the witness's name and its
key. All answers are plain text, refusals in the words of `service.proofs.witness`.
"""

from __future__ import annotations

import sqlalchemy as sa
from eventsourcing.persistence import PersistenceError
from flask import Flask, Response, request
from werkzeug.exceptions import (
    HTTPException,
    InternalServerError,
    RequestEntityTooLarge,
    ServiceUnavailable,
)

from service import logs
from service.ledger.engine import UnsafeDatabase
from service.proofs.witness import Misbehaved, Refused, Witness

BODY_LIMIT = 65_536
UNAVAILABLE = (
    sa.exc.OperationalError,
    sa.exc.InterfaceError,
    sa.exc.TimeoutError,
    PersistenceError,
    UnsafeDatabase,
)


def create_witness(witness: Witness) -> Flask:
    """The application, ready for any WSGI server."""
    app = Flask("service.http.witness", static_folder=None, template_folder=None)
    app.config |= {"MAX_CONTENT_LENGTH": BODY_LIMIT, "PROVIDE_AUTOMATIC_OPTIONS": False}
    app.url_map.merge_slashes = False

    @app.get("/")
    def who() -> Response:
        return plain(f"{witness.key.name}\n{witness.key}\n")

    @app.post("/add-checkpoint")
    def add_checkpoint() -> Response:
        return plain(witness.add_checkpoint(read_body()))

    app.register_error_handler(Refused, refused)
    app.register_error_handler(HTTPException, of_http)
    for error in UNAVAILABLE:
        app.register_error_handler(error, unavailable)
    app.register_error_handler(Exception, failed)
    app.after_request(log)
    return app


def read_body() -> bytes:
    """What was sent; what comes in pieces ends at the limit, whether or not there was more."""
    data = request.get_data(cache=False)
    if request.content_length is None and len(data) >= BODY_LIMIT:
        raise RequestEntityTooLarge
    return data


def plain(text: str, status: int = 200, content_type: str = Refused.content_type) -> Response:
    return Response(text, status, content_type=content_type)


def refused(error: Refused) -> Response:
    if isinstance(error, Misbehaved):
        logs.logger().warning("misbehaved", told=str(error), note=str(error.note))
    return plain(f"{error}\n", error.status, error.content_type)


def unavailable(error: Exception) -> Response:
    logs.logger().error("storage_unavailable", error=error)
    return of_http(ServiceUnavailable(retry_after=5))


def failed(error: Exception) -> Response:
    logs.logger().error("failed", error=error)
    return of_http(InternalServerError())


def of_http(error: HTTPException) -> Response:
    """One of HTTP's own errors, with what it says in headers."""
    found = plain(f"{error.name}\n", error.code or 500)
    for name, value in error.get_headers():
        if name != "Content-Type":
            found.headers[name] = value
    return found


def log(found: Response) -> Response:
    found.headers["Cache-Control"] = "no-store"
    found.headers["X-Content-Type-Options"] = "nosniff"
    route = str(request.url_rule or "-")
    logs.logger().info("answered", method=request.method, route=route, status=found.status_code)
    return found
