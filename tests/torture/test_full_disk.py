"""The disk is full while sixteen hands record; when there is room again, all goes on."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from service.ledger.application import Ledger
from service.ledger.recorder import create_ledger
from tests.conftest import Databases, migrated
from tests.postgres import TempPostgres
from tests.torture.disk import Disk, small_disk
from tests.torture.hands import (
    HANDS,
    SLUG,
    Answered,
    Child,
    Hands,
    at_a_desk,
    ledger_on,
    prepare,
    until_answered,
    until_refused,
)
from tests.torture.truth import (
    require_designed,
    require_exactly_once,
    require_projected,
    require_sound,
)

TIMES = [1, pytest.param(10, marks=pytest.mark.torture)]

LEFT = (0, 20_000, 200_000, 1_000_000)
"""How many bytes are left on the disk, the next time and the times after."""


class OnADisk(TempPostgres):
    """A PostgreSQL whose data lie on a small disk."""

    def _prepare(self) -> None:
        self.mounted = small_disk(self.data, megabytes=160)
        self.disk = self.mounted.__enter__()
        self.data.chmod(0o700)
        super()._prepare()

    def _remove(self) -> None:
        self.mounted.__exit__(None, None, None)
        super()._remove()

    def revive(self) -> None:
        """Start again, where having no room at all was its end."""
        if self.process.poll() is not None:
            self.start()


@pytest.mark.parametrize("times", TIMES)
def test_an_sqlite_file_on_a_full_disk_loses_nothing(tmp_path: Path, times: int) -> None:
    with small_disk(tmp_path / "small", megabytes=40) as disk:
        url = f"sqlite:///{disk.folder}/ledger.sqlite"
        with ledger_prepared(url) as ledger:
            fill_and_empty(ledger, disk, times, lambda: None)


@pytest.mark.postgresql
@pytest.mark.parametrize("times", TIMES)
def test_a_postgresql_on_a_full_disk_loses_nothing(times: int) -> None:
    with OnADisk(durable=True) as server, ledger_prepared(server.uri()) as ledger:
        fill_and_empty(ledger, server.disk, times, server.revive)


@contextmanager
def ledger_prepared(url: str) -> Iterator[Ledger]:
    """A ledger in a new database, closed at the end."""
    with migrated(url) as engine:
        create_ledger(engine, SLUG)
        prepare(Ledger(engine, SLUG))
    ledger = ledger_on(url)
    yield ledger
    ledger.engine.dispose()


def fill_and_empty(ledger: Ledger, disk: Disk, times: int, revive: Callable[[], None]) -> None:
    def again_and_again(hands: Hands) -> None:
        for number in range(times):
            until_answered(hands, HANDS)
            disk.fill(leave=LEFT[number % len(LEFT)])
            until_refused(hands, HANDS)
            disk.empty()
            revive()
        until_answered(hands, HANDS)

    hands = Hands(partial(at_a_desk, ledger))
    hands.work(again_and_again)
    require_designed(hands.errors)
    require_exactly_once(ledger, hands.answered)
    require_sound(ledger)
    require_projected(ledger)


def test_an_sqlite_file_that_may_not_grow_loses_nothing(
    sqlite_databases: Databases,
) -> None:
    with sqlite_databases() as url, ledger_prepared(url) as ledger:
        child, answered = Child(url, {}, stopping=outgrow_a_limit), Answered()
        answered.update(child.answers())
        child.process.join()
        child.close()
        assert child.process.exitcode == 0
        require_exactly_once(ledger, answered)
        require_sound(ledger)


def outgrow_a_limit(hands: Hands) -> None:
    """In a process whose files may not grow beyond a limit, until that is taken away."""
    for size in (100_000, 1_000_000, 2_000_000):
        until_answered(hands, HANDS)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        until_refused(hands, HANDS)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    until_answered(hands, HANDS)
    require_designed(hands.errors)
