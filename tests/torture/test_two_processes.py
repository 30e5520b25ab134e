"""Two processes record in one ledger, and a third one reads along, looking again and again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from threading import Thread

import pytest

from service.ledger.application import Ledger
from service.ledger.rows import Stored
from tests.torture.hands import Answered, Child, ledger_on
from tests.torture.truth import require_exactly_once, require_sound

ANSWERS = [150, pytest.param(5_000, marks=pytest.mark.torture)]
"""How many requests are answered in all before both are killed."""

Looking = Callable[[Ledger, int], list[Stored]]


def by_position(ledger: Ledger, after: int) -> list[Stored]:
    """As whoever asks for what came after the last position that he knows."""
    return ledger.records_in.select_notifications(after, 500, inclusive_of_start=False)


def by_size(ledger: Ledger, after: int) -> list[Stored]:
    """As whoever looks at the head first and then reads up to it."""
    head = ledger.head_position()
    found = ledger.records_in.select_notifications(after, 500, head, inclusive_of_start=False)
    assert found or head == after, "the head counts what cannot be read yet"
    return found


@pytest.mark.parametrize("looking", [by_position, by_size])
@pytest.mark.parametrize("answers", ANSWERS)
def test_a_reader_misses_nothing_of_what_two_processes_record(
    torn_url: str, torn: Ledger, answers: int, looking: Looking
) -> None:
    children = [Child(torn_url, {}, name) for name in ("left", "right")]
    answered = [Answered(), Answered()]
    threads = [
        Thread(target=listen, args=(child, found, answers // 2))
        for child, found in zip(children, answered, strict=True)
    ]
    for thread in threads:
        thread.start()
    reader = ledger_on(torn_url)
    read = [*reading(reader, looking, lambda: any(thread.is_alive() for thread in threads))]
    for thread in threads:
        thread.join()
    reader.engine.dispose()
    assert [it.id for it in read] == [*range(1, torn.head_position() + 1)]
    assert read == torn.records_in.select_notifications(1, len(read) + 1)
    require_versions_without_gaps(read)
    assert [it.recorded_at for it in read] == sorted(it.recorded_at for it in read)
    require_exactly_once(torn, answered[0] | answered[1])
    require_sound(torn)


def listen(child: Child, answered: Answered, until: int) -> None:
    """Hear what a process answers; end it when that is enough."""
    for key, position in child.answers():
        answered[key] = position
        if len(answered) == until:
            child.kill()
    child.close()


def reading(ledger: Ledger, looking: Looking, is_at_work: Callable[[], bool]) -> Iterator[Stored]:
    """Everything, in the order in which a reader sees it, as long as anybody is at work."""
    last, goes_on = 0, True
    while goes_on:
        goes_on = is_at_work()  # asked first: what is recorded afterwards is not missed
        while found := looking(ledger, last):
            assert [it.id for it in found] == [*range(last + 1, last + 1 + len(found))]
            yield from found
            last = found[-1].id
        time.sleep(0.001)


def require_versions_without_gaps(read: list[Stored]) -> None:
    """Each stream's versions are 1, 2, 3 … in the order of their positions."""
    versions: Counter[str] = Counter()
    for it in read:
        versions[str(it.originator_id)] += 1
        assert it.originator_version == versions[str(it.originator_id)]
