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
    NAME,
    OTHER,
    PERSON,
    POLICY,
    PROJECT,
    SALT,
    Book,
    Members,
    as_json,
    bundle,
    changed,
    committed,
    evidence,
    kept,
    packed,
    rostered,
    sample,
)
from tests.proofs.verdicts import Verify, false, written

FILE = Path(wenxiao_verify.__file__)
LAST = sample().of(PROJECT)[-1]


def altered(name: str, nth: int, **change: object) -> Members:
    """The honest bundle, with something else in one line of a JSON member."""
    return changed(evidence(), name, lambda said: said[nth].update(change))


def test_an_honest_bundle_is_true(verify: Verify) -> None:
    report = verify(evidence(), "--stream", PROJECT, "--range", "13-13")
    assert report.exit == 0
    assert not false(report)
    said = str(report)
    assert f"{PROJECT}: 37 条俱在，末条 · records, all here, the last at {LAST}" in said
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
        assert "here 36" in str(report)
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


def test_what_the_auditor_asks_for_has_to_be_there(verify: Verify) -> None:
    assert false(verify(evidence(), "--stream", "unit/江滨街道")) == [("stream", None)]
    assert false(verify(evidence(), "--range", "11-13")) == [("range", 12)]
    assert false(verify(evidence(), "--range", "100-101"))[0] in {("range", 100), ("range", 101)}


def test_a_range_has_every_record(verify: Verify) -> None:
    members = bundle(sample(), [3, 4, 6], ranges=[(3, 6)])
    assert false(verify(members)) == [("range", 5)]
    assert verify(bundle(sample(), [3, 4, 5, 6], ranges=[(3, 6)])).exit == 0


def test_streams_that_no_proof_is_about_are_not_claimed(verify: Verify) -> None:
    roster = [rostered(sample(), PERSON)]
    members = evidence() | {"roster.json": as_json(roster)}
    assert {check for check, _ in false(verify(members))} == {"roster", "stream"}


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


# What stands beside the records.


def test_a_value_is_the_one_that_was_committed_to(verify: Verify) -> None:
    for change in (
        {"value": "李四"},
        {"salt": "00" * 16},
        {"salt": SALT.hex().upper()},
        {"salt": SALT.hex()[2:]},
    ):
        members = altered("values.json", 0, **change)
        assert false(verify(members)) == [("values", 5)]


def claimed(position: int, field: str, value: str) -> Members:
    """The honest bundle, and one value more in it."""
    line = kept(position, field, value)
    return changed(evidence(), "values.json", lambda said: said.append(line))


@pytest.mark.parametrize(("position", "field"), [(5, "alias"), (13, "name"), (60, "said.name")])
def test_a_value_that_no_record_commits_to_is_none(
    verify: Verify, position: int, field: str
) -> None:
    assert false(verify(claimed(position, field, "李四"))) == [("values", position)]


def test_a_value_is_of_a_record_that_is_there(verify: Verify) -> None:
    assert false(verify(claimed(6, "name", NAME))) == [("values", 6)]


def test_a_field_has_one_value(verify: Verify) -> None:
    assert false(verify(claimed(5, "name", NAME))) == [("bundle", None)]


def nested(depth: int, value: object) -> object:
    return {"it": nested(depth - 1, value)} if depth else value


EVIDENCE = Book()
EVIDENCE.write(
    PERSON,
    name=committed(NAME),
    Name=committed(NAME),
    evidence=committed("李四"),
    of={"it": committed("王")},
    deep=nested(8, committed("王")),
)


@pytest.mark.parametrize(
    ("field", "value", "is_there"),
    [
        ("name", NAME, True),
        ("name", "李四", False),
        ("evidence", "李四", True),
        ("evidence", NAME, False),
        ("of.it", "王", True),
        ("of", "王", False),
        ("it", "王", False),
        ("of.it.it", "王", False),
        ("", NAME, False),
        ("Name", NAME, False),
        ("deep" + 8 * ".it", "王", False),
        (1_000_000 * ".", NAME, False),
    ],
    ids=lambda each: repr(each)[:12],
)
def test_a_value_is_that_of_its_own_field_and_of_no_other(
    verify: Verify, field: str, value: str, *, is_there: bool
) -> None:
    """Whoever may name any digest as evidence cannot make of it what a person is called."""
    report = verify(bundle(EVIDENCE, [1], values=[kept(1, field, value)]))
    assert false(report) == ([] if is_there else [("values", 1)])
    assert not is_there or f"所在栏 · in project.reported {field}" in str(report)


def test_a_value_is_withheld_only_where_there_was_one(verify: Verify) -> None:
    book = Book()
    book.write(PERSON, name=NAME)
    line = {"position": 1, "field": "name", "digest": NAME, "withheld_by": 2}
    assert false(verify(bundle(book, [1], values=[line]))) == [("values", 1)]


def test_what_says_a_key_twice_commits_to_nothing(verify: Verify) -> None:
    """One reader would find one value there, and another reader another."""
    book = Book()
    book.write(PERSON, name=committed(NAME))
    twice = b'"fact": {"name": "", '
    book.entries[0] = book.entries[0].replace(b'"fact": {', twice)
    assert twice in book.entries[0]
    assert false(verify(bundle(book, [1], values=[kept(1, "name", NAME)]))) == [("values", 1)]


def test_a_paper_is_no_value_that_somebody_committed_to(verify: Verify) -> None:
    """Whoever may choose the file has chosen its first sixteen bytes for a salt."""
    book = Book()
    book.write(PERSON, paper=committed("李四"))
    for field in ("digest", "document.digest", "envelope.document.digest"):
        report = verify(bundle(book, [1], values=[kept(1, field, "李四")]))
        assert false(report) == [("values", 1)]


def test_only_a_record_that_withheld_a_value_excuses_its_absence(verify: Verify) -> None:
    for position in (5, 13):
        members = altered("values.json", 1, withheld_by=position)
        assert false(verify(members)) == [("values", position)]


def test_a_record_that_is_not_here_may_have_withheld_a_value_and_this_is_said(
    verify: Verify,
) -> None:
    report = verify(altered("values.json", 1, withheld_by=52))
    assert report.exit == 0
    assert "– 承诺的值" in str(report)
    assert "[52]" in str(report)


@pytest.mark.parametrize(
    ("change", "position"),
    [
        ({"position": 13}, 13),
        ({"position": 61}, 61),
        ({"number": "豫财〔2021〕8号"}, 60),
        ({"number": OTHER}, 60),
        ({"number": ""}, 60),
        ({"digest": committed(NAME)}, 60),
        ({"position": 13, "digest": "", "number": ""}, 13),
    ],
)
def test_a_paper_is_named_by_its_record(
    verify: Verify, change: dict[str, object], position: int
) -> None:
    members = altered("attachments.json", 0, **change)
    assert false(verify(members)) == [("attachments", position)]
