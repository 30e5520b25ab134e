"""``wsgi.py`` under servers: real ones, each a process of its own, spoken to over a socket."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from aggregates.roles import Role
from tests.doors.asking import AtTheOffice

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0
PORT = "<port>"

REFERENCE = """
import sys
from wsgiref.simple_server import make_server
from wsgi import app
make_server("127.0.0.1", int(sys.argv[1]), app).serve_forever()
"""

SERVERS = {
    "granian": [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", PORT, "wsgi:app"],
    "wsgiref": [
        sys.executable,
        "-c",
        REFERENCE,
        PORT,
    ],
}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def serving(server: str, database_url: str) -> Iterator[int]:
    """A server on a free port, until the end; its log is shown if it does not come up."""
    port = free_port()
    command = [str(port) if part == PORT else part for part in SERVERS[server]]
    environment = os.environ | {"WENXIAO_DATABASE_URL": database_url, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        try:
            wait_for(port, process)
            yield port
        finally:
            process.terminate()


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            assert process.stdout
            pytest.fail(process.stdout.read().decode())
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the server does not listen")


@pytest.mark.parametrize("server", SERVERS)
def test_an_act_is_recorded_through_any_server(office: AtTheOffice, server: str) -> None:
    office.clock.now = office.clock.now.replace(year=2020)  # before the servers' own
    clerk = office.somebody(Role.BUDGET_SECTION, days=100_000)
    url = office.app.engine.url.render_as_string(hide_password=False)
    with serving(server, url) as port:
        headers = {
            "Authorization": f"Bearer {clerk.secret}",
            "Idempotency-Key": "k",
            "Content-Type": "application/json",
        }
        connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        body = '{"name": "县财政局"}'.encode()
        connection.request("POST", "/v1/shizong/units/105/registration", body, headers)
        answer = connection.getresponse()
        assert answer.status == 201
        assert answer.headers["ETag"] == '"1"'
        connection.close()
    assert office.ledger.history("unit/105")[0].fact.TOPIC == "unit.registered"
