"""``wenxiao serve``: the doors, by granian; ``wsgi.py`` serves them by any other server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from multiprocessing import get_context

import click
from granian import Granian
from granian.constants import Interfaces

from service.cli.common import database_option, opened, settings
from service.cli.worker import work
from service.settings import PREFIX, variables

EPILOG = "\b\nThe environment may set:\n" + "\n".join(
    f"  {name}  (default {default})" for name, default in variables().items()
)


@click.command("serve", epilog=EPILOG)
@database_option
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65_535))
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64))
@click.option("--threads", default=32, show_default=True, type=click.IntRange(1, 512))
@click.option("--project/--no-project", help="Start and stop a worker beside it.")
def command(
    *, database: str | None, host: str, port: int, workers: int, threads: int, project: bool
) -> None:
    """Answer HTTP until told to stop."""
    with opened(database):
        pass  # a name that is wrong, or a schema that is old, is told before anybody listens
    os.environ[f"{PREFIX}DATABASE_URL"] = settings(database).database_url
    server = Granian(
        "wsgi:app",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=threads,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
        websockets=False,
        log_access=False,
    )
    with _worker(database) if project else nullcontext():
        server.serve()


@contextmanager
def _worker(database: str | None) -> Iterator[None]:
    """A worker beside the server, stopped with it."""
    beside = get_context("spawn").Process(target=work, args=(database,))
    beside.start()
    try:
        yield
    finally:
        beside.terminate()
        beside.join()
