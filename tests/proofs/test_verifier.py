"""The stand-alone verifier on bundles: the honest one, and whatever somebody would rather show."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

from service.ledger.hashes import ALGORITHMS, Algorithm
from service.proofs import wenxiao_verify
from tests.proofs.bundles import (
    OTHER,
    PERSON,
    POLICY,
    PROJECT,
    Book,
    Members,
    altered,
    as_json,
    bundle,
    changed,
    evidence,
    packed,
    rostered,
    sample,
)
from tests.proofs.verdicts import Verify, false, written

FILE = Path(wenxiao_verify.__file__)
LAST = sample().of(PROJECT)[-1]


def test_an_honest_bundle_is_true(verify: Verify) -> None:
    report = verify(evidence(), "--stream", PROJECT, "--range", "13-13")
    assert report.exit == 0
    assert not false(report)
    said = str(report)
    assert f"{PROJECT}: 俱在 · all here: 37 (末条 · the last: {LAST})" in said
    assert "project/none: 没有这个流 · no such stream" in said
    assert "相符 · as committed to: 1; 停止提供 · withheld: 1" in said
    assert "audit.example/w1" in said
    assert (
        said.splitlines()[-1] == "✓ 结论 VERDICT: 所查各项全部属实 · all that was checked is true"
    )


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 64, 100])
def test_it_holds_at_every_size(verify: Verify, size: int) -> None:
    book = Book(sample().entries[:size])
    for positions in ([1], [size], range(1, size + 1), range(1, size + 1, 3)):
        assert verify(bundle(book, positions)).exit == 0


def test_it_stands_alone(tmp_path: Path) -> None:
    """Isolated, without site-packages, away from us: nothing but Python and the one file."""
    policy = written(tmp_path / "policy.txt", POLICY.encode())
    alone = tmp_path / "verify.py"
    alone.write_bytes(FILE.read_bytes())
    path = packed(evidence(), tmp_path / "bundle.zip")
    program = [sys.executable, "-I", "-S", "-X", "utf8", str(alone), "--policy", policy]
    good = subprocess.run([*program, str(path)], capture_output=True, cwd=tmp_path, check=False)
    assert (good.returncode, good.stderr) == (0, b"")
    packed(evidence() | {"records/13": b""}, path)
    bad = subprocess.run(
        [*program, "--json", str(path)], capture_output=True, cwd=tmp_path, check=False
    )
    assert (bad.returncode, bad.stderr) == (1, b"")
    assert json.loads(bad.stdout)["verdict"]["position"] == 13


def test_for_machines_it_says_the_same(verify: Verify) -> None:
    report = verify(altered("values.json", 0, value="李四"))
    said = json.loads(report.json())
    assert said["exit"] == 1
    assert said["verdict"]["position"] == 5
    assert [
        (each["check"], each["mark"]) for each in said["findings"] if each["mark"] is False
    ] == [("values", False)]
    assert len(said["findings"]) == len(report.findings)


# What is said to be complete.


def without(members: Members, position: int) -> Members:
    """A record left out, and everything else made to fit."""
    book = sample()
    positions = [n for n in json.loads(members["manifest.json"])["records"] if n != position]
    said = bundle(book, positions, [PROJECT, PERSON])
    kept = {name: data for name, data in members.items() if not name.startswith("records/")}
    return (
        kept
        | {name: data for name, data in said.items() if name.startswith(("records/", "tree."))}
        | {"manifest.json": said["manifest.json"], "roster.json": said["roster.json"]}
    )


def test_thirty_six_are_not_all_of_thirty_seven(verify: Verify) -> None:
    whole = sample().of(PROJECT)
    for left_out in (whole[0], whole[17], whole[-1]):
        report = verify(without(evidence(), left_out))
        assert [check for check, _ in false(report)] == ["stream"]
        assert "here: 36" in str(report)
        assert f"lacks version {whole.index(left_out) + 1}" in str(report)


def test_a_roster_that_says_thirty_six_is_not_the_one_that_was_signed(verify: Verify) -> None:
    members = without(evidence(), LAST)
    before = sample().of(PROJECT)[-2]

    def shorten(said: list[dict[str, dict[str, int]]]) -> None:
        said[0]["found"].update(length=36, last=before)

    assert false(verify(changed(members, "roster.json", shorten))) == [("stream", None)]


def test_a_stream_that_is_there_cannot_be_said_not_to_be(verify: Verify) -> None:
    for found in (None, {"stream": PERSON, "length": 2, "last": 50}):
        members = altered("roster.json", 0, found=found)
        assert ("stream", None) in false(verify(members))


@pytest.mark.parametrize(
    ("asked", "lacks"),
    [
        (("--stream", OTHER), "bring a bundle of all of it"),
        (("--range", "11-13"), "lacks record 12"),
        (("--range", "100-101"), "lacks record 100"),
    ],
)
def test_what_the_auditor_asks_for_has_to_be_there(
    verify: Verify, asked: tuple[str, str], lacks: str
) -> None:
    """Nobody lies who never said that it was; the last line says what is lacking."""
    report = verify(evidence(), *asked)
    assert (report.exit, false(report)) == (3, [])
    assert lacks in report.verdict.says


def test_a_range_has_every_record(verify: Verify) -> None:
    members = bundle(sample(), [3, 4, 6], ranges=[(3, 6)])
    assert false(verify(members)) == [("range", 5)]
    assert verify(bundle(sample(), [3, 4, 5, 6], ranges=[(3, 6)])).exit == 0


@pytest.mark.parametrize("size", [1, 7, 12])
def test_a_range_is_followed_up_to_its_first_gap(verify: Verify, size: int) -> None:
    """Whatever range of whatever records: the first that is missing, or none, is found."""
    book = Book(sample().entries[:size])
    for here in ({1, 2, 3, 5, 6, 9, 12}, {2, 3, 4, 8}, {7}, set(range(1, 13))):
        positions = {each for each in here if each <= size}
        ranges = [(first, last) for first in range(1, size + 1) for last in range(first, size + 1)]
        gaps = [
            ("range", min({*range(first, last + 1)} - positions))
            for first, last in ranges
            if not {*range(first, last + 1)} <= positions
        ]
        assert false(verify(bundle(book, positions, ranges=ranges))) == gaps


def test_streams_that_no_proof_is_about_are_not_claimed(verify: Verify) -> None:
    roster = [rostered(sample(), PERSON)]
    members = evidence() | {"roster.json": as_json(roster)}
    assert false(verify(members)) == [("roster", None)]


def test_no_second_line_of_the_roster_hides_a_false_one(verify: Verify) -> None:
    honest = rostered(sample(), PROJECT)
    lie = honest | {"found": {"stream": PROJECT, "length": 3, "last": 9}}
    for lines in ([lie, honest], [honest, lie], [honest, honest]):
        for streams in ([PROJECT], [PROJECT, PROJECT]):
            members = bundle(sample(), sample().of(PROJECT), streams)
            report = verify(members | {"roster.json": as_json(lines)})
            assert report.exit == 1
            assert "a stream twice" in str(report) or "a stream or a range twice" in str(report)


# Records and trees.


def test_a_record_with_one_byte_changed_is_not_the_one_that_was_signed(verify: Verify) -> None:
    entry = evidence()["records/13"]
    report = verify(evidence() | {"records/13": entry.replace(b"13}", b"14}")})
    assert false(report) == [("tree.sha256", None), ("tree.sm3", None)]


def test_a_record_with_another_number_is_named(verify: Verify) -> None:
    members = evidence()
    swapped = {"records/13": members["records/60"], "records/60": members["records/13"]}
    report = verify(members | swapped)
    assert false(report)[0] == ("entries", 13)
    assert report.verdict.position == 13


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"wenxiao/1", b"wenxiao/2"),
        (b"\nshizong\n", b"\nkunming\n"),
        (b"\n13\n", b"\n013\n"),
        (b"2026-01-01T13", b"2026-01-32T13"),
        (b"2026-01-01T13", b"2026-01-01T24"),
        (b"\n3\n", b"\n0\n"),
        (b"\n3\n", b"\n9999999999999999999\n"),
        (b"project/", b"project\x00"),
        (b"project/", b"project\xff"),
        (b"project/2021-1", b"project/" * 32),
    ],
)
def test_what_is_no_entry_is_named(verify: Verify, old: bytes, new: bytes) -> None:
    entry = evidence()["records/13"]
    assert old in entry
    report = verify(evidence() | {"records/13": entry.replace(old, new, 1)})
    assert ("entries", 13) in false(report)


def test_versions_have_room_for_those_between(verify: Verify) -> None:
    """Somebody who makes up his own trees still cannot skip a version in a complete range."""
    for old, new in (
        (b"\n3\n", b"\n4\n"),
        (b"\n3\n", b"\n2\n"),
        (b"2026-01-01T13", b"2025-12-31T13"),
    ):
        book = Book([*sample().entries])
        book.entries[12] = book.entries[12].replace(old, new, 1)
        report = verify(bundle(book, range(1, 14)))
        assert false(report) == [("order", 13)]


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda each: each.name)
def test_every_line_of_a_tree_is_needed_and_none_is_missing(
    verify: Verify, algorithm: Algorithm
) -> None:
    name = f"tree.{algorithm.name}"
    lines = evidence()[name].splitlines(keepends=True)
    other = base64.b64encode(bytes(32)) + b"\n"
    for wrong in (
        lines[1:],
        lines[:-1],
        lines[::-1],
        [*lines, lines[-1]],
        [*lines, b"0 100 " + other],
        [*lines[:-1], lines[-1][:-46] + other],
        [*lines, b"x"],
        [b"".join(lines)[:-1]],
    ):
        assert false(verify(evidence() | {name: b"".join(wrong)})) == [(name, None)]
