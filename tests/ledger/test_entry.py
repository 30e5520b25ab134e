"""The entry: one way to write it, one way to read it, and that for ever."""

from __future__ import annotations

import doctest
import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.ledger import entry as entries
from service.ledger.entry import LARGEST_NUMBER, LIMIT, NAME_LIMIT, SLUG, Entry, MalformedEntry
from service.ledger.errors import EntryTooLarge
from service.ledger.hashes import SHA256, SM3

CORPUS = json.loads((Path(__file__).parent / "corpus" / "wenxiao-1.json").read_text())["entries"]

MADE: dict[str, Any] = {
    "ledger": "shizong",
    "position": 14,
    "recorded_at": datetime(2026, 11, 21, 7, 20, 0, 123456, tzinfo=UTC),
    "stream": "project/2021-017",
    "version": 6,
    "topic": "funds.suspended",
    "salt": bytes(range(16)),
    "body": b"",
}
WRITTEN = bytes(Entry.make(**MADE))

names = st.text(
    st.characters(exclude_categories=["Cc", "Cs"]) | st.sampled_from("\x80\x85\u2028𠮷"),
    min_size=1,
    max_size=60,
)
numbers = st.integers(1, LARGEST_NUMBER) | st.sampled_from([1, 9, 10, LARGEST_NUMBER])
made = st.fixed_dictionaries(
    {
        "ledger": st.from_regex(SLUG, fullmatch=True),
        "position": numbers,
        "recorded_at": st.datetimes(timezones=st.just(UTC)),
        "stream": names,
        "version": numbers,
        "topic": names,
        "salt": st.binary(min_size=16, max_size=16),
        "body": st.binary(max_size=300),
    }
)


def replaced(line: int, by: bytes) -> bytes:
    lines = WRITTEN.split(b"\n")
    lines[line] = by
    return b"\n".join(lines)


def test_the_worked_example_is_true() -> None:
    tried = doctest.testmod(entries)
    assert tried.attempted > 0
    assert tried.failed == 0


@pytest.mark.parametrize("told", CORPUS, ids=[told["title"] for told in CORPUS])
def test_every_entry_ever_written_is_read_and_hashed_as_it_was(told: dict[str, Any]) -> None:
    written = bytes.fromhex(told["entry"])
    entry = Entry.parse(written)
    assert bytes(entry) == written
    assert (entry.ledger, entry.position, entry.stream, entry.version, entry.topic) == (
        told["ledger"],
        told["position"],
        told["stream"],
        told["version"],
        told["topic"],
    )
    assert entry.recorded_at == datetime.fromisoformat(told["recorded_at"])
    assert (entry.salt.hex(), entry.body.hex()) == (told["salt"], told["body"])
    assert SHA256.leaf(written).hex() == told["sha256"]
    assert SM3.leaf(written).hex() == told["sm3"]


def test_the_corpus_itself_has_not_been_touched() -> None:
    """Add a file beside it if there is ever a second format; never edit this one."""
    corpus = (Path(__file__).parent / "corpus" / "wenxiao-1.json").read_bytes()
    assert (
        hashlib.sha256(corpus).hexdigest()
        == "0c9ad2217e9824d6568c1355b0a8dedd74cc1ef9d3f82d462b4091300bba77d3"
    )


@given(made)
def test_what_is_made_reads_back_equal(values: dict[str, Any]) -> None:
    entry = Entry.make(**values)
    assert Entry.parse(bytes(entry)) == entry


@given(st.data())
def test_what_is_read_has_no_second_spelling(data: st.DataObject) -> None:
    """Any change of a byte gives another entry or none, never the same one."""
    written = bytearray(WRITTEN)
    position = data.draw(st.integers(0, len(written) - 1))
    written[position] ^= data.draw(st.integers(1, 255))
    try:
        read = Entry.parse(bytes(written))
    except MalformedEntry:
        return
    assert read != Entry.parse(WRITTEN)
    assert bytes(read) == written


def test_times_are_written_in_utc_with_six_digits() -> None:
    beijing = datetime(2026, 11, 21, 15, 20, tzinfo=timezone(timedelta(hours=8)))
    entry = Entry.make(**MADE | {"recorded_at": beijing})
    assert b"\n2026-11-21T07:20:00.000000Z\n" in bytes(entry)
    assert Entry.parse(bytes(entry)).recorded_at == beijing


def test_the_body_ends_where_the_entry_ends() -> None:
    entry = Entry.make(**MADE | {"body": b"{\n}\n"})
    assert Entry.parse(bytes(entry)).body == b"{\n}\n"


def test_65535_bytes_are_an_entry_and_one_more_is_not() -> None:
    largest = Entry.make(**MADE | {"body": b"x" * (LIMIT - len(WRITTEN))})
    assert len(bytes(largest)) == 65_535
    assert Entry.parse(bytes(largest)) == largest
    assert SHA256.leaf(bytes(largest)).hex() == (
        "0c29d7ddb1fa564aa2824c3074b29278b4df922a0e75513f93fd94b3498f87c0"
    )
    assert SM3.leaf(bytes(largest)).hex() == (
        "da5ed10d5452d87d0e44edc3a0c6a9b97bcf18014c7c24e62b65b6e1d0a72baa"
    )
    with pytest.raises(EntryTooLarge):
        Entry.make(**MADE | {"body": largest.body + b"x"})
    with pytest.raises(EntryTooLarge):
        Entry.parse(bytes(largest) + b"x")


@pytest.mark.parametrize("slug", ["a", "shizong", "kunming-edz", "a1", "a--b", "a" * 63])
def test_a_ledgers_name_is_a_slug(slug: str) -> None:
    assert Entry.make(**MADE | {"ledger": slug}).ledger == slug


@pytest.mark.parametrize(
    "wrong",
    [
        {"ledger": ledger}
        for ledger in ["", "1a", "-a", "a-", "A", "a_b", "a b", "师宗", "a" * 64, "a\n", "a/b"]
    ]
    + [{"position": position} for position in [0, -1, LARGEST_NUMBER + 1]]
    + [{"version": version} for version in [0, -1, LARGEST_NUMBER + 1]]
    + [{"recorded_at": datetime(2026, 11, 21, 7, 20)}]  # noqa: DTZ001 — that is what is wrong
    + [{"stream": stream} for stream in ["", "a\nb", "a\n", "\0", "\r", "\x1f", "\x7f", "\ud800"]]
    + [{"topic": topic} for topic in ["", "a\nb", "\t", "项" * 85 + "t", "t" * (NAME_LIMIT + 1)]]
    + [{"salt": salt} for salt in [b"", bytes(15), bytes(17)]],
    ids=repr,
)
def test_some_values_make_no_entry(wrong: dict[str, Any]) -> None:
    with pytest.raises(MalformedEntry):
        Entry.make(**MADE | wrong)


@pytest.mark.parametrize(
    "written",
    [
        b"",
        b"\n" * 8,
        WRITTEN.removeprefix(b"w"),
        b"\xef\xbb\xbf" + WRITTEN,
        WRITTEN.replace(b"\n", b"\r\n"),
        WRITTEN[: WRITTEN.rindex(b"\n")],
        replaced(0, b"wenxiao/2"),
        replaced(0, b"wenxiao/1 "),
        replaced(1, b"Shizong"),
        replaced(1, "师宗".encode()),
        replaced(1, b""),
        *(replaced(2, n) for n in [b"0", b"014", b"+14", b"-14", b" 14", b"1_4", b"1e1", b""]),
        replaced(2, "１４".encode()),
        replaced(2, str(LARGEST_NUMBER + 1).encode()),
        *(
            replaced(3, at)
            for at in [
                b"2026-11-21T07:20:00Z",
                b"2026-11-21T07:20:00.123Z",
                b"2026-11-21T07:20:00.123456",
                b"2026-11-21T07:20:00.123456z",
                b"2026-11-21T07:20:00.123456+00:00",
                b"2026-11-21T15:20:00.123456+08:00",
                b"2026-11-21 07:20:00.123456Z",
                b"20261121T072000.123456Z",
                b"2026-W47-6T07:20:00.123456Z",
                b"2026-11-31T07:20:00.123456Z",
                b"2026-11-21T24:00:00.000000Z",
                b"0000-11-21T07:20:00.123456Z",
                b"now",
                b"",
            ]
        ),
        *(replaced(4, stream) for stream in [b"", b"\xff", b"a\rb", b"\xed\xa0\x80", b"\xc0\xaf"]),
        *(replaced(5, version) for version in [b"0", b"06", b""]),
        *(replaced(6, topic) for topic in [b"", b"\xff", b"t\0"]),
        *(
            replaced(7, salt)
            for salt in [
                b"",
                b"000102030405060708090A0B0C0D0E0F",
                b"000102030405060708090a0b0c0d0e",
                b"000102030405060708090a0b0c0d0e0f00",
                b"00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f",
                b"g" * 32,
            ]
        ),
    ],
    ids=repr,
)
def test_nearly_an_entry_is_none(written: bytes) -> None:
    with pytest.raises(MalformedEntry):
        Entry.parse(written)
