"""``wenxiao worker``: keeps what people read up to date."""

from __future__ import annotations

import signal
from threading import Event
from types import FrameType

import click

from service import logs
from service.cli.common import database_option, every_ledger, ledgers_option, opened, settings
from service.ledger.application import Ledger
from service.projector import Projector, follow
from service.release import announce


@click.command("worker")
@database_option
@ledgers_option
@click.option("--once", is_flag=True, help="Read up to the end as it is now, and stop.")
def command(*, database: str | None, ledgers: tuple[str, ...], once: bool) -> None:
    """Read the ledgers into the read models until told to stop; any number may do so at once."""
    work(database, ledgers, once=once)


def work(database: str | None, ledgers: tuple[str, ...] = (), *, once: bool = False) -> None:
    """Read until a signal says to stop, or once up to the end."""
    logs.configure(settings(database).log_level)
    stop = _stopped_by_signal()
    with opened(database) as engine:
        found = [Ledger(engine, slug) for slug in ledgers or every_ledger(engine)]
        projectors = [Projector(engine, ledger) for ledger in found]
        if once:
            for projector in projectors:
                projector.catch_up()
            return
        for ledger in found:
            announce(ledger)
        follow(projectors, stop)


def _stopped_by_signal() -> Event:
    stop = Event()

    def halt(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, halt)
    signal.signal(signal.SIGINT, halt)
    return stop
