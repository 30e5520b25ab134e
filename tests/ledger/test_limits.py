"""What no entry can hold is refused at once; all else is recorded."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from service.ledger.entry import LIMIT, MalformedEntry
from service.ledger.errors import (
    EntryTooLarge,
)
from service.ledger.recorder import Recorder
from service.ledger.rows import CommittedValue
from tests.ledger.cast import PROJECT, event, events, request, row

NAME = CommittedValue(digest=b"digest of a name", salt=b"salt", value="张三")


def test_what_is_kept_beside_records_needs_a_record(recorder: Recorder) -> None:
    with pytest.raises(MalformedEntry):
        recorder.append([], requests=[request("k")])


@pytest.mark.parametrize("name", ["", "a\nb", "a\0", "\ud800", "项" * 86])
def test_names_that_no_entry_can_hold_are_refused_at_once(recorder: Recorder, name: str) -> None:
    faulty: list[Callable[[], object]] = [
        partial(recorder.append, [event(name)]),
        partial(recorder.append, [event(topic=name)]),
        partial(recorder.append, [event()], reads={name: 1}),
        partial(recorder.append, [event()], requests=[request(name)]),
        partial(recorder.append, [event()], observed=[row(name)]),
    ]
    for call in faulty:
        with pytest.raises(MalformedEntry):
            call()
    assert recorder.head().size == 0


@pytest.mark.parametrize(
    "beside",
    [
        {"values": [CommittedValue(b"d", b"s", "a\0b")]},
        {"values": [CommittedValue(b"d", b"s", "\ud800")]},
        {"requests": [request("k", records=(1,))]},
        {"requests": [request("k", records=(-1,))]},
        {"observed": [row("1", record=1)]},
        {"withheld": {b"d": 1}},
    ],
    ids=repr,
)
def test_what_cannot_be_kept_beside_a_record_is_refused_at_once(
    recorder: Recorder, beside: dict[str, Any]
) -> None:
    with pytest.raises(MalformedEntry):
        recorder.append([event()], **beside)


def test_a_body_of_anything_but_bytes_is_refused_at_once(recorder: Recorder) -> None:
    with pytest.raises(TypeError):
        recorder.append([event(body="{}")])  # type: ignore[arg-type]


@pytest.mark.parametrize("version", [-1, 2**63])
def test_versions_that_no_entry_can_hold_are_refused_at_once(
    recorder: Recorder, version: int
) -> None:
    with pytest.raises(MalformedEntry):
        recorder.append([event(version=version)])


def test_an_entry_of_65535_bytes_is_recorded_and_a_larger_one_refused(recorder: Recorder) -> None:
    recorder.append(events(PROJECT, 8))
    (probe,) = recorder.append([event()])
    largest = b"x" * (
        LIMIT - len(probe.entry) + len(b"{}") - 2
    )  # two numbers have a digit more there
    with pytest.raises(EntryTooLarge, match="65536 bytes, where 65535"):
        recorder.append([event(), event(body=largest + b"x")])
    (stored,) = recorder.append([event(body=largest)])
    assert len(stored.entry) == LIMIT
    assert recorder.select_events(PROJECT)[-1] == stored


def test_five_megabytes_are_recorded_in_one_call(recorder: Recorder) -> None:
    body = b"x" * 60_000
    stored = recorder.append([event(body=body) for _ in range(85)])
    assert recorder.head().size == 85
    assert recorder.select_notifications(85, 1)[0].entry == stored[-1].entry


def test_any_bytes_make_a_body(recorder: Recorder) -> None:
    body = bytes(range(256)) * 3
    recorder.append([event(body=body)])
    assert recorder.select_events(PROJECT)[0].state == body


def test_names_may_be_of_any_script(recorder: Recorder) -> None:
    recorder.append([event("项目/𠮷-é'\"%s?", topic="评价.完成")], reads={"单位/?%s": 0})
    assert [stored.topic for stored in recorder.select_events("项目/𠮷-é'\"%s?")] == ["评价.完成"]
