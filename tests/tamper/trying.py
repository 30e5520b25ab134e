"""Change a copy of a ledger, verify it, and count what came of it."""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from random import Random

import sqlalchemy as sa

from service.proofs.rounds import keys_of
from tests.conftest import migrated, opened
from tests.ledger.tampering import unguard
from tests.postgres import TempPostgres
from tests.tamper.changes import DAMAGES, EDITS, Edit
from tests.tamper.contents import Content, content, unseen
from tests.tamper.ground import CRASHED, Office, fill

Copy = Callable[[str], AbstractContextManager[str]]
"""Gives a copy of the ledger as it is or as it was, by name; removes it afterwards."""

NOW, THEN = "now", "then"


class Outcome(StrEnum):
    """What came of a change."""

    HARMLESS = "harmless"
    """All evidence is as it was."""
    FOUND = "found"
    """Exit code 1."""
    UNREADABLE = "unreadable"
    """Exit code 3, and the tables cannot be read by anybody."""
    UNSEEN = "unseen"
    """Not to be seen by a verification, and it is said why."""
    MISSED = "MISSED"
    CRASHED = "CRASHED"
    FALSE_ALARM = "FALSE ALARM"


BAD = (Outcome.MISSED, Outcome.CRASHED, Outcome.FALSE_ALARM)
NOTHING = "nothing"


@dataclass
class Tally:
    """计数: what came of one kind of change."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    """Why some could not be seen."""
    asked: int = 0
    doubted: int = 0
    """How often an auditor was handed a bundle of what had changed, and how often he saw it."""


@dataclass
class Trial:
    """试验: one sealed ledger, changed again and again."""

    office: Office
    copy: Copy
    random: Random
    tallies: dict[str, Tally] = field(default_factory=dict)
    bad: list[str] = field(default_factory=list)
    every: int = 10
    """Of so many changes of data one is handed to an auditor, too."""

    def __post_init__(self) -> None:
        with self.copy(NOW) as url:
            found = content(url)
        assert found is not None
        self._before: Content = found
        self._nth = 0

    def leave(self, times: int) -> None:
        """Change nothing: nothing may be told."""
        for _ in range(times):
            with self.copy(NOW) as url:
                self._judge(NOTHING, url)

    def damage(self, times: int) -> None:
        """Change a file as a disk does, or somebody who knows nothing of what is in it."""
        for kind in self._kinds(DAMAGES, times):
            with self.copy(NOW) as url:
                DAMAGES[kind][0](Path(str(sa.make_url(url).database)), self.random)
                self._judge(kind, url)

    def edit(self, times: int) -> None:
        """Change rows in SQL, past the triggers."""
        for kind in self._kinds(EDITS, times):
            with self.copy(NOW) as url:
                self._edit(EDITS[kind][0], url)
                self._judge(kind, url)

    def restore(self, times: int) -> None:
        """Put an older copy in the place of the ledger."""
        for _ in range(times):
            with self.copy(THEN) as url:
                self._judge("an older copy restored", url)

    def _kinds(self, all_of: Mapping[str, tuple[object, int]], times: int) -> list[str]:
        weights = [weight for _, weight in all_of.values()]
        return self.random.choices([*all_of], weights, k=times)

    def _edit(self, edit: Edit, url: str) -> None:
        """Another one, where the database cannot hold what comes of it."""
        with opened(url) as engine:
            unguard(engine)
            for _ in range(100):
                try:
                    with engine.begin() as connection:
                        edit(connection, self.random)
                except (sa.exc.IntegrityError, sa.exc.DataError):
                    continue
                return

    def _judge(self, kind: str, url: str) -> None:
        tally = self.tallies.setdefault(kind, Tally())
        self._nth += 1
        after, code = content(url), self.office.verify(url)
        outcome = self._outcome(after, code, tally, is_change=kind != NOTHING)
        tally.outcomes[outcome] += 1
        if outcome in BAD:
            self.bad.append(f"{self._nth}: {kind}: {outcome}: {told(self._before, after)}")
        if after != self._before and (tally.outcomes.total() - 1) % self.every == 0:
            tally.asked += 1
            tally.doubted += self.office.is_doubted(url)

    def _outcome(
        self, after: Content | None, code: int, tally: Tally, *, is_change: bool
    ) -> Outcome:
        if code == CRASHED:
            return Outcome.CRASHED
        if after == self._before:
            return Outcome.HARMLESS if is_change or code == 0 else Outcome.FALSE_ALARM
        if code == 1:
            return Outcome.FOUND
        if after is None:
            return Outcome.UNREADABLE if code == 3 else Outcome.MISSED
        if code == 0 and (why := unseen(self._before, after)):
            tally.reasons[why] += 1
            return Outcome.UNSEEN
        return Outcome.MISSED


def told(before: Content, after: Content | None) -> str:
    """What has changed, as far as it is worth telling."""
    if after is None:
        return "cannot be read"
    changes = (
        f"{table}: {sorted({*rows} - {*after[table]})} is now {sorted({*after[table]} - {*rows})}"
        for table, rows in before.items()
        if rows != after[table]
    )
    return "; ".join(changes)[:1_000]


def build(office: Office, engine: sa.Engine, size: int, then: Callable[[], None]) -> None:
    """Fill a ledger, sealed three times, its key changed once; an older copy is made by the way."""
    ledger = office.begin(engine)
    fill(ledger, 1, size // 5)
    office.seal(ledger)
    fill(ledger, size // 5 + 1, size // 2)
    office.seal(ledger)
    then()
    keys_of(ledger, office.settings).rotate("每年更换")
    fill(ledger, size // 2 + 1, size)
    office.seal(ledger)
    office.tell_outside(ledger)


@contextmanager
def on_sqlite(folder: Path, size: int) -> Iterator[tuple[Office, Copy]]:
    """A ledger in a file."""
    office = Office(folder)
    files = {name: folder / f"{name}.sqlite" for name in (NOW, THEN)}
    with migrated(f"sqlite:///{files[NOW]}") as engine:

        def keep() -> None:
            with closing(sqlite3.connect(files[NOW])) as connection:
                connection.execute("VACUUM INTO ?", [str(files[THEN])])

        build(office, engine, size, keep)

    @contextmanager
    def copy(name: str) -> Iterator[str]:
        path = folder / "copy.sqlite"
        shutil.copyfile(files[name], path)
        yield f"sqlite:///{path}"
        for leftover in folder.glob(f"{path.name}*"):
            leftover.unlink()

    yield office, copy


@contextmanager
def on_postgresql(server: TempPostgres, folder: Path, size: int) -> Iterator[tuple[Office, Copy]]:
    """A ledger on a server."""
    office, names = Office(folder), {name: f"tamper_{name}" for name in (NOW, THEN)}
    server.run(f"CREATE DATABASE {names[NOW]}")
    with migrated(server.uri(names[NOW])) as engine:

        def keep() -> None:
            engine.dispose()
            server.run(f"CREATE DATABASE {names[THEN]} TEMPLATE {names[NOW]}")

        build(office, engine, size, keep)

    @contextmanager
    def copy(name: str) -> Iterator[str]:
        server.run(f"CREATE DATABASE tampered TEMPLATE {names[name]}")
        yield server.uri("tampered")
        server.run("DROP DATABASE tampered")

    yield office, copy
    for name in names.values():
        server.run(f"DROP DATABASE {name}")
