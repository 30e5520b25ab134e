"""The stand-alone verifier on what stands beside the records: committed values, and papers."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest

from tests.proofs.bundles import (
    NAME,
    OTHER,
    PERSON,
    SALT,
    Book,
    Members,
    altered,
    bundle,
    changed,
    committed,
    evidence,
    kept,
)
from tests.proofs.verdicts import Verify, false


def test_a_value_is_the_one_that_was_committed_to(verify: Verify) -> None:
    for change in (
        {"value": "李四"},
        {"salt": "00" * 16},
        {"salt": SALT.hex().upper()},
        {"salt": SALT.hex()[2:]},
    ):
        members = altered("values.json", 0, **change)
        assert false(verify(members)) == [("values", 5)]


@pytest.mark.parametrize("salt", ["", "zz", SALT.hex()[2:], SALT.hex().upper(), f"{SALT.hex()}\n"])
def test_a_salt_that_is_none_is_not_taken_for_an_empty_one(verify: Verify, salt: str) -> None:
    """The digest of nothing is committed to by whoever names an empty file, and is no value's."""
    book = Book()
    for data in (b"", "任意".encode(), bytes(range(15)) + "任意".encode()):
        book.write(PERSON, rules=sha256(data).hexdigest())
    for entry in book.parsed:
        digest = json.loads(entry.body)["fact"]["rules"]
        place = {"position": entry.position, "field": "rules", "digest": digest}
        members = bundle(book, [1, 2, 3], values=[place | {"salt": salt, "value": "任意"}])
        assert false(verify(members)) == [("values", entry.position)]


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


def test_a_record_has_one_paper(verify: Verify) -> None:
    members = changed(evidence(), "attachments.json", lambda said: said.append(said[0]))
    assert false(verify(members)) == [("bundle", None)]


def test_papers_are_counted_and_one_record_is_no_records(verify: Verify) -> None:
    book = Book()
    book.write(PERSON)
    book.write(PERSON)
    said = str(verify(bundle(book, [1])))
    assert "附件 papers: 0\n" in said
    assert "登记项 entries: 1 条 · record; 1 个流 · stream\n" in said
    assert "包外记录 other records: 1 条 · record: 不在包内" in said
    members = altered("attachments.json", 0)
    assert "附件 papers: 1: 记录确曾提到" in str(verify(members))


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


def test_a_record_that_is_not_here_may_have_withheld_a_value_and_this_is_not_proven(
    verify: Verify,
) -> None:
    report = verify(altered("values.json", 1, withheld_by=52))
    assert report.exit == 3
    assert "– 承诺的值" in str(report)
    assert "[52]" in str(report)


@pytest.mark.parametrize("position", [0, 101, 2**63 - 1])
def test_a_record_that_is_not_sealed_withheld_nothing(verify: Verify, position: int) -> None:
    members = altered("values.json", 1, withheld_by=position)
    assert false(verify(members)) == [("values", position)]


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
