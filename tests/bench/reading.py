"""读取: all records of a ledger, read and decoded, beside all events of an application."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from service.ledger.application import Ledger
from tests.bench import library
from tests.bench.ground import SLUG, Ground, opened
from tests.bench.matter import recorded
from tests.bench.measuring import Line, Side, alternately, compared, watched

RECORDS = 20_000


def on_postgresql(ground: Ground) -> Iterator[Line]:
    """Both from PostgreSQL, a thousand at a time, decoded one after the other."""
    number = ground.effort.of(RECORDS)
    with (
        opened(ground.postgresql()) as engine,
        library.projects(ground.server, ground.empty(), number) as projects,
    ):
        ledger = Ledger(engine, SLUG)
        recorded(ledger, number)
        rates = alternately(
            ground.effort.rounds,
            {
                "ours": all_of(ledger.every_record, number),
                "its": all_of(lambda: every_event(projects), number),
            },
        )
    yield compared("read and decode all records", rates, "ours", f"its:{library.PEER}", 1.5)


def all_of(read: Callable[[], Iterable[object]], number: int) -> Side:
    """Read all there are, and see that they were all there."""

    def side() -> float:
        with watched() as watch:
            found = sum(1 for _ in read())
        assert found == number
        return watch.rate(found)

    return side


def every_event(projects: library.Projects) -> Iterator[object]:
    """All events of an application, by its notification log and its mapper."""
    size, last = projects.log_section_size, 0
    while section := projects.notification_log.select(last + 1, size):
        for notification in section:
            yield projects.mapper.to_domain_event(notification)
        last = section[-1].id
