"""巡封: every ledger that has a key here is sealed regularly, and its witnesses are asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import sqlalchemy as sa
from eventsourcing.persistence import PersistenceError
from sqlalchemy.exc import SQLAlchemyError

from service import logs
from service.ledger.application import Ledger
from service.ledger.errors import HistoryMissing
from service.ledger.recorder import every_ledger
from service.proofs.custody import Custody
from service.proofs.hearing import TooFewHeard
from service.proofs.rounds import Round, Rounds
from service.proofs.troubles import TROUBLES
from service.settings import Settings

EXPECTED = (*TROUBLES, OSError, PersistenceError, SQLAlchemyError)
"""What may go wrong without anybody's code being wrong; it is logged, and tried again."""

MOST_AT_ONCE = 64
"""About how many ledgers witnesses are asked at the same time."""


class Patrol:
    """巡封: goes round these ledgers, or every one there is."""

    def __init__(self, engine: sa.Engine, ledgers: Sequence[str], settings: Settings) -> None:
        self._engine, self._ledgers, self._settings = engine, ledgers, settings
        self._rounds: dict[str, Rounds] = {}
        self.failed: set[str] = set()
        """Which ledgers could not be heard about or sealed when last it was tried."""

    def hear(self) -> None:
        """Ask the witnesses about every ledger that was sealed, before anything is added to it.

        About all at the same time, for whoever starts waits for it. An objection is kept in
        custody, and logged; so is whatever else goes wrong.
        """
        slugs = self._slugs() if self._settings.policy else ()
        with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
            for _ in pool.map(self._hear, slugs):
                pass

    def follow(self, stop: Event) -> None:
        """Go round again and again, until told to stop."""
        self.go_round()
        while not stop.wait(self._settings.seal_seconds):
            self.go_round()

    def go_round(self) -> None:
        """Seal once what has a key here; what fails is logged, and stops no other."""
        for slug in self._slugs():
            if Custody(Path(self._settings.custody), slug).key_file.exists():
                with self._forgiving(slug, "not_sealed") as log:
                    told(log, self._rounds_of(slug).go())

    def _hear(self, slug: str) -> None:
        with self._forgiving(slug, "witnesses_not_heard"):
            self._rounds_of(slug).hear()

    def _slugs(self) -> Sequence[str]:
        try:
            return self._ledgers or every_ledger(self._engine)
        except SQLAlchemyError as error:
            logs.logger().error("seals_nothing", reason=type(error).__name__)
            return ()

    @contextmanager
    def _forgiving(self, slug: str, failed: str) -> Iterator[Any]:
        """The others have their turn whatever happens to this one, and it is tried again."""
        log = logs.logger().bind(ledger=slug)
        self.failed.add(slug)
        try:
            yield log
            self.failed.discard(slug)
        except TooFewHeard as error:
            log.error("witnesses_not_heard", reason=str(error))  # noqa: TRY400 - expected
        except EXPECTED as error:
            self._rounds.pop(slug, None)
            event = "history_missing" if isinstance(error, HistoryMissing) else failed
            log.error(event, reason=str(error).partition("\n")[0])  # noqa: TRY400 - expected
        except Exception as error:  # noqa: BLE001 - see above
            self._rounds.pop(slug, None)
            log.error(failed, error=error)  # noqa: TRY400 - our log has its own places

    def _rounds_of(self, slug: str) -> Rounds:
        """What is known of a ledger's streams is gone on with."""
        if slug not in self._rounds:
            self._rounds[slug] = Rounds(Ledger(self._engine, slug), self._settings)
        return self._rounds[slug]


def told(log: Any, made: Round) -> None:
    """A line for what was signed, by us or later by enough, and for each witness who is silent."""
    if made.sealed and made.is_new:
        log.info("sealed", size=made.sealed.checkpoint.size, is_enough=made.is_enough)
    elif made.sealed and made.has_become_enough:
        log.info("witnessed", size=made.sealed.checkpoint.size)
    for each in made.silent:
        log.warning("witness_is_silent", reason=each)
