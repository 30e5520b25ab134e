"""``wenxiao worker``: keeps what people read up to date."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from math import inf
from threading import Event, Thread
from types import FrameType

import click
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from service import logs
from service.cli.common import Failed, database_option, ledgers_option, opened, settings_to_run
from service.ledger.application import Ledger
from service.ledger.recorder import every_ledger
from service.projector import Projector, follow
from service.proofs.patrol import Patrol
from service.release import announce_if_whole

LOOK_SECONDS = 2.0
"""How often a worker looks for ledgers that were opened meanwhile."""


@click.command("worker")
@database_option
@ledgers_option
@click.option("--once", is_flag=True, help="Read up to the end as it is now, seal, and stop.")
@click.option("--attached", is_flag=True, hidden=True, help="Stop when standard input ends, too.")
def command(*, database: str | None, ledgers: tuple[str, ...], once: bool, attached: bool) -> None:
    """Read the ledgers into the read models, and seal them, until told to stop.

    Any number of workers may do so at once; those that hold a ledger's key seal it. With --once,
    exit code 1 where one of them could not be: the log says why.
    """
    chosen = settings_to_run(database)
    logs.configure(chosen.log_level)
    stop = _stopped_by_signal()
    if attached:
        Thread(target=_stop_at_end_of_input, args=(stop,), daemon=True).start()
    with opened(database) as engine:
        projectors = Projectors(engine, ledgers)
        patrol = Patrol(engine, ledgers, chosen)
        patrol.hear()
        if not once:
            Thread(target=patrol.follow, args=(stop,), daemon=True).start()
            follow(projectors, stop)
        for projector in projectors:
            projector.catch_up()
        patrol.go_round()
        if patrol.failed:
            raise Failed(f"not sealed, see the log: {', '.join(sorted(patrol.failed))}")


class Telling(Projector):
    """A projector that logs from where it reads, and when it has caught up for the first time."""

    def __init__(self, engine: sa.Engine, ledger: Ledger) -> None:
        super().__init__(engine, ledger)
        self._log = logs.logger().bind(ledger=ledger.slug)
        self._has_caught_up = False
        self._log.info("reads", after=self.position(), head=ledger.head_position())

    def step(self, upto: int | None = None) -> bool:
        has_read = super().step(upto)
        if not has_read and not self._has_caught_up:
            self._has_caught_up = True
            self._log.info("caught_up", position=self.position())
        return has_read


class Projectors:
    """The projectors of these ledgers, or of every one there is, also of those opened later."""

    def __init__(self, engine: sa.Engine, ledgers: tuple[str, ...]) -> None:
        self._engine, self._ledgers = engine, ledgers
        self._projectors: dict[str, Projector] = {}
        self._looked = -inf

    def __iter__(self) -> Iterator[Projector]:
        if time.monotonic() - self._looked > LOOK_SECONDS:
            with suppress(OperationalError):  # whoever follows waits until the database is back
                self._look()
        return iter(self._projectors.values())

    def _look(self) -> None:
        for slug in self._ledgers or every_ledger(self._engine):
            if slug not in self._projectors:
                ledger = Ledger(self._engine, slug)
                announce_if_whole(ledger)
                self._projectors[slug] = Telling(self._engine, ledger)
        self._looked = time.monotonic()


def _stop_at_end_of_input(stop: Event) -> None:
    """Whoever began this holds the other end, and is gone even if he was killed (kill -9)."""
    os.read(sys.stdin.fileno(), 1)
    stop.set()


def _stopped_by_signal() -> Event:
    stop = Event()

    def halt(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, halt)
    signal.signal(signal.SIGINT, halt)
    return stop
