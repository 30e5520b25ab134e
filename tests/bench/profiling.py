"""剖析: where the processor's time goes while an act is answered, stage by stage.

A stop-watch for each stage runs only while its thread does; so waiting for PostgreSQL costs nothing
here, and other work on the machine hardly shows.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from io import BytesIO
from typing import Any
from unittest.mock import patch

import psycopg
from flask import Flask

from service import logs
from service.http import acts
from service.http.app import create_app
from service.ledger.application import Ledger
from service.ledger.statements import Statement
from service.settings import Settings
from service.sitting import Sitting
from tests.bench.load import Plan
from tests.bench.measuring import Line

ACTS = 500

STAGES: tuple[tuple[str, Any, str], ...] = (
    ("the body read", acts, "read_body"),
    ("the request understood", acts, "_understood"),
    ("decided, and histories read", Sitting, "decide"),
    ("recorded: bodies, trees, groups", Ledger, "append"),
    ("talking to PostgreSQL", Statement, "run"),
    ("talking to PostgreSQL", psycopg.Connection, "execute"),
    ("the receipt", acts, "_receipt_of"),
)
"""What an act goes through, and the function in which it does."""

HOOKS = {
    "begin": "the log",
    "identify": "the token",
    "refuse_parameters": "the parameters",
    "end": "the log",
}
"""What is called before and after each request, by name."""

REST = "Flask"


class StopWatch:
    """Counts the seconds of each stage, without those of stages within it."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._stages = [REST]
        self._since = time.thread_time()

    def _turn(self) -> None:
        now = time.thread_time()
        self.seconds[self._stages[-1]] += now - self._since
        self._since = now

    def watching(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def watched(*given: Any, **named: Any) -> Any:
            self._turn()
            self._stages.append(stage)
            try:
                return function(*given, **named)
            finally:
                self._turn()
                self._stages.pop()

        return watched

    @contextmanager
    def running(self) -> Iterator[None]:
        """From nothing, whatever was counted before."""
        self.seconds.clear()
        self._since = time.thread_time()
        yield
        self._turn()


def shares(url: str, plan: Plan) -> Iterator[Line]:
    """How much of an act's time each stage takes."""
    logs.configure(stream=BytesIO())
    app = create_app(Settings(database_url=url))
    try:
        seconds = measured(app, plan)
    finally:
        app.engine.dispose()
    whole = sum(seconds.values())
    yield Line("  processor time of an act, without its server", whole / ACTS * 1e6, unit="µs")
    for stage in sorted(seconds, key=seconds.__getitem__, reverse=True):
        yield Line(f"    {stage}", 100 * seconds[stage] / whole, unit="%")


def measured(app: Flask, plan: Plan) -> dict[str, float]:
    """The seconds of each stage, over all acts."""
    watch = StopWatch()
    with ExitStack() as patched:
        for stage, owner, name in STAGES:
            watched = watch.watching(stage, getattr(owner, name))
            patched.enter_context(patch.object(owner, name, watched))
        for hooks in (app.before_request_funcs, app.after_request_funcs):
            hooks[None] = [watch.watching(HOOKS[f.__name__], f) for f in hooks[None]]
        for number in range(ACTS // 5):
            answer(app, plan, f"warm-{number}")
        with watch.running():
            for number in range(ACTS):
                answer(app, plan, f"watched-{number}")
    return watch.seconds


def answer(app: Flask, plan: Plan, number: str) -> None:
    """As a server has an act answered."""
    body = plan.body.encode()
    headers = {name: value.replace("{n}", number) for name, value in plan.headers.items()}
    environ = {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": plan.path.replace("{n}", number),
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_TYPE": headers.pop("Content-Type"),
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()},
    }
    statuses: list[str] = []

    def start(status: str, _headers: object, _error: object = None) -> Callable[[bytes], object]:
        statuses.append(status)
        return len

    b"".join(app.wsgi_app(environ, start))
    assert statuses == ["201 CREATED"], statuses
