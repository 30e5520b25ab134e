"""``wenxiao serve``: the doors, by granian; ``wsgi.py`` serves them by any other server."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import click
from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.common import AbstractServer

from service import logs
from service.cli.common import Failed, database_option, opened, settings_to_run
from service.settings import PREFIX, variables

HOST = "127.0.0.1"

EPILOG = "\b\nThe environment may set:\n" + "\n".join(
    f"  {name}  (default {default})" for name, default in variables().items()
)


@click.command("serve", epilog=EPILOG)
@database_option
@click.option("--host", default=HOST, show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65_535))
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64))
@click.option("--threads", default=32, show_default=True, type=click.IntRange(1, 512))
@click.option("--with-worker", is_flag=True, help="Start and stop a worker beside it.")
def command(
    *, database: str | None, host: str, port: int, workers: int, threads: int, with_worker: bool
) -> None:
    """Answer HTTP until told to stop."""
    chosen = settings_to_run(database)
    logs.configure(chosen.log_level)
    # A name that is wrong, or a schema that is old, is told before anybody listens.
    with opened(database):
        require_free(host, port)
    os.environ[f"{PREFIX}DATABASE_URL"] = chosen.database_url
    server = granian("service.http.behind_granian:app", host, port, workers, threads)
    logs.logger().info("listens", host=host, port=port, workers=workers)
    with _worker() if with_worker else nullcontext():
        server.serve()


def granian(target: str, host: str, port: int, workers: int, threads: int) -> AbstractServer[Any]:
    """A server of ours, not yet begun."""
    return Granian(
        target,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=threads,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
        websockets=False,
        log_access=False,
        log_level=LogLevels.error,  # it warns of many threads, but ours wait for the database
        log_dictconfig=logs.of_library("_granian"),
    )


def require_free(host: str, port: int) -> None:
    """Fail in a sentence, and before anything is begun, where somebody listens already."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError as error:
            raise Failed(f"cannot listen on {host} port {port}: {error.strerror}") from error


@contextmanager
def _worker() -> Iterator[None]:
    """A worker beside the server, stopped with it, also where the server is killed.

    A terminal's interrupt is not for it.
    """
    words = ["-c", "from service.cli import main; main()", "worker", "--attached"]
    with subprocess.Popen(  # noqa: S603  our own
        [sys.executable, *words], process_group=0, stdin=subprocess.PIPE
    ) as beside:
        try:
            yield
        finally:
            beside.terminate()
