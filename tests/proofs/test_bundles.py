"""Bundles: a part of a ledger that somebody believes who has nothing of ours but one program."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from io import BytesIO
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from aggregates.base import Actor, Document, Envelope, Record, RecordCorrected, Replacement
from aggregates.person import Person
from aggregates.roles import Role
from aggregates.unit import Unit, UnitRegistered
from commands.base import ACTS
from service.desk import Desk
from service.ledger.application import Ledger
from service.ledger.errors import HistoryMissing
from service.ledger.hashes import SHA256
from service.ledger.trees import Frontier
from service.proofs import bundles
from service.proofs.bundles import BadQuestion, NotCovered, TooMuch, Wanted, gaps, papers_of
from service.proofs.checkpoints import base64_of
from service.proofs.notes import PublicKey
from service.proofs.rounds import keys_of
from service.release import CONSOLE
from service.request import understand
from service.settings import Settings
from tests.ledger.cast import AGENCY, PROJECT
from tests.ledger.tampering import changed, execute, rows, unguard
from tests.proofs.cast import SLUG, add, announce, sealed_office
from tests.proofs.checking import Auditor, bundle, members, seal
from tests.proofs.test_notes import witness

PAPER = Document("县财字〔2021〕7号", date(2021, 3, 1), "5e" * 32)
STREAM, RANGE, RECORD = Wanted(streams=(PROJECT,)), Wanted(ranges=((40, 60),)), Wanted((7, 250))


@pytest.fixture
def ledger(engine: Engine, settings: Settings) -> Ledger:
    """301 records are sealed: one of the ledger's own, 37 of an agency, the rest of a project."""
    ledger = sealed_office(engine, settings, records=100)
    add(ledger, 37, AGENCY)
    add(ledger, 163)
    seal(ledger, settings)
    return ledger


@pytest.fixture
def auditor(tmp_path: Path, ledger: Ledger, settings: Settings) -> Auditor:
    auditor = Auditor(tmp_path)
    auditor.told_the_keys_of(ledger, settings)
    return auditor


@pytest.mark.parametrize(
    "wanted",
    [
        RECORD,
        STREAM,
        RANGE,
        Wanted((1, 301), (AGENCY, "project/none"), ((1, 3), (256, 257))),
        Wanted(streams=("project/none",)),
        Wanted(ranges=((1, 301),)),
    ],
)
def test_a_bundle_is_believed(
    wanted: Wanted, ledger: Ledger, settings: Settings, auditor: Auditor
) -> None:
    verdict = auditor.checks(bundle(ledger, settings, wanted))
    assert (verdict.exit, verdict.false()) == (0, [])


def test_it_holds_what_was_asked_for(ledger: Ledger, settings: Settings) -> None:
    found = members(bundle(ledger, settings, Wanted((7, 250), (AGENCY,), ((40, 42),))))
    positions = [7, 40, 41, 42, *range(102, 139), 250]
    manifest = json.loads(found["manifest.json"])
    assert manifest["records"] == positions
    assert manifest["complete"] == {"streams": [AGENCY], "ranges": [[40, 42]]}
    entries = {each.id: each.entry for each in ledger.records_in.select_notifications(1, 1_000)}
    assert {name: found[name] for name in found if name.startswith("records/")} == {
        f"records/{n}": entries[n] for n in positions
    }


def test_it_is_as_of_the_last_checkpoint(ledger: Ledger, settings: Settings) -> None:
    add(ledger, 5)
    for wanted in (Wanted((302,)), Wanted(ranges=((301, 302),)), STREAM):
        with pytest.raises(NotCovered):
            bundle(ledger, settings, wanted)
    (listed,) = json.loads(
        members(bundle(ledger, settings, Wanted(streams=(AGENCY,))))["roster.json"]
    )
    assert listed["found"] == {"stream": AGENCY, "length": 37, "last": 138}
    seal(ledger, settings)
    (listed,) = json.loads(members(bundle(ledger, settings, STREAM))["roster.json"])
    assert listed["found"] == {"stream": PROJECT, "length": 268, "last": 306}


def test_what_is_asked_for_twice_is_there_once(
    ledger: Ledger, settings: Settings, auditor: Auditor
) -> None:
    wanted = Wanted((7, 7), (AGENCY, AGENCY), ((5, 9), (5, 9), (8, 12)))
    verdict = auditor.checks(bundle(ledger, settings, wanted))
    assert (verdict.exit, verdict.false()) == (0, [])


@pytest.mark.parametrize("asked", [{}, {"ranges": ((3, 2),)}])
def test_nothing_is_no_question(asked: dict[str, Any]) -> None:
    with pytest.raises(BadQuestion):
        Wanted(**asked)


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted((302,)),
        Wanted((0,)),
        Wanted((2**70,)),
        Wanted(ranges=((1, 302),)),
        Wanted(ranges=((1, 10**30),)),
    ],
)
def test_what_the_checkpoint_does_not_cover_is_not_bundled(
    wanted: Wanted, ledger: Ledger, settings: Settings
) -> None:
    with pytest.raises(NotCovered):
        bundle(ledger, settings, wanted)


@pytest.mark.parametrize(
    "wanted", [STREAM, Wanted(ranges=((1, 101),)), Wanted(ranges=((1, 60), (61, 120)))]
)
def test_too_much_for_one_bundle_is_refused(
    wanted: Wanted, ledger: Ledger, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundles, "MOST_RECORDS", 100)
    with pytest.raises(TooMuch, match="100 records"):
        bundle(ledger, settings, wanted)


def test_nor_is_more_than_its_readers_take(
    ledger: Ledger, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundles, "MOST_BYTES", 1_000)
    with pytest.raises(TooMuch, match="entries"):
        bundle(ledger, settings, STREAM)


def test_nor_of_more_streams_or_ranges_than_its_readers_take(
    ledger: Ledger, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundles, "MOST_COMPLETE", 2)
    three = tuple((n, n) for n in (1, 2, 3))
    assert bundle(ledger, settings, Wanted(ranges=three[:2]))
    for wanted in (Wanted(ranges=three), Wanted(streams=(PROJECT, AGENCY, "project/none"))):
        with pytest.raises(TooMuch, match="more than 2 streams or ranges"):
            bundle(ledger, settings, wanted)


def test_what_is_missing_in_the_database_is_not_passed_over(
    ledger: Ledger, settings: Settings, engine: Engine
) -> None:
    unguard(engine)
    execute(engine, "DELETE FROM record WHERE position = 50")
    with pytest.raises(HistoryMissing, match="record 50"):
        bundle(ledger, settings, RANGE)


@pytest.fixture
def wang(ledger: Ledger, settings: Settings) -> Ledger:
    """A person was registered, and his telephone number withheld later on."""
    about_wang(ledger, "register_person", name="王建国", telephone="13800000000")
    seal(ledger, settings)
    (registered,) = (each.fact for each in ledger.history("person/wang"))
    order = {"order": "信息公开办〔2021〕3号", "reason": "本人申请"}
    about_wang(ledger, "withhold_person_value", digest=registered.telephone, **order)
    return ledger


def about_wang(ledger: Ledger, act: str, **asked: str) -> None:
    """The operator asks for an act."""
    request = understand(ACTS[act], Person, "wang", asked, token=CONSOLE, key=act)
    assert Desk(ledger).carry_out(request).is_recorded


def test_personal_values_go_with_the_records_that_know_them_by_digest(
    wang: Ledger, settings: Settings, auditor: Auditor
) -> None:
    before = members(bundle(wang, settings, Wanted((302,))))
    assert [each["value"] for each in json.loads(before["values.json"])] == ["王建国"]
    seal(wang, settings)
    verdict = auditor.checks(bundle(wang, settings, Wanted((302,))))
    assert verdict.exit == 0
    assert "values" in verdict.true()


def test_each_is_said_to_be_of_the_field_that_has_its_digest(
    wang: Ledger, settings: Settings, auditor: Auditor
) -> None:
    (registered, _) = (each.fact for each in wang.history("person/wang"))
    corrected = RecordCorrected(302, "无电话", Replacement(replace(registered, telephone="")))
    by_hand = Envelope("correct_record", Actor("p1", Role.OPERATOR), date(2021, 3, 1), "r1")
    wang.append([Record("person/wang", 3, by_hand, corrected)])
    seal(wang, settings)
    made = bundle(wang, settings, Wanted(streams=("person/wang",)))
    told = [(it["position"], it["field"]) for it in json.loads(members(made)["values.json"])]
    assert told == [(302, "name"), (302, "telephone"), (304, "replacement.fact.name")]
    verdict = auditor.checks(made)
    assert verdict.exit == 0
    named = ("person.registered name", "record.corrected replacement.fact.name")
    assert all(each in verdict.said("values") for each in named)


def test_the_order_that_withholds_a_value_goes_with_it(wang: Ledger, settings: Settings) -> None:
    seal(wang, settings)
    found = members(bundle(wang, settings, Wanted((302,))))
    assert json.loads(found["manifest.json"])["records"] == [302, 303]
    assert "records/303" in found
    assert [each.get("withheld_by") for each in json.loads(found["values.json"])] == [None, 303]


@pytest.mark.parametrize("column", ["salt", "value"])
def test_a_value_that_was_not_committed_to_is_not_handed_out(
    engine: Engine, wang: Ledger, settings: Settings, column: str
) -> None:
    unguard(engine)
    (row,) = rows(engine, "committed_value", "value IS NOT NULL")
    with changed(engine, row, **{column: b"x"}), pytest.raises(HistoryMissing, match="what value"):
        bundle(wang, settings, Wanted((302,)))


def test_a_value_that_is_gone_is_not_passed_over(
    wang: Ledger, settings: Settings, engine: Engine
) -> None:
    unguard(engine)
    execute(engine, "DELETE FROM committed_value")
    with pytest.raises(HistoryMissing, match="value"):
        bundle(wang, settings, Wanted((302,)))


def test_papers_are_named_by_their_digests(
    ledger: Ledger, settings: Settings, auditor: Auditor
) -> None:
    envelope = Envelope(
        "register_unit", Actor("p1", Role.OPERATOR), date(2021, 3, 1), "r1", document=PAPER
    )
    registered = UnitRegistered("县教育局", "", 1)
    ledger.append([Record(Unit.stream("105"), 0, envelope, registered)])
    seal(ledger, settings)
    made = bundle(ledger, settings, Wanted((302,)))
    (told,) = json.loads(members(made)["attachments.json"])
    assert told == {"position": 302, "digest": PAPER.digest, "number": PAPER.number}
    assert auditor.checks(made).exit == 0


@pytest.mark.parametrize("body", [b"", b"[1]", b'{"envelope": {"document": null}}', b"\xff"])
def test_an_unreadable_record_names_no_paper(body: bytes) -> None:
    """It is for the auditor to see what became of it."""
    assert [*papers_of(7, b"\n" * 8 + body)] == []


def test_the_office_says_which_keys_it_has(ledger: Ledger, settings: Settings) -> None:
    (old,) = keys_of(ledger, settings).known.keys
    made = members(bundle(ledger, settings, RECORD))
    assert made["policy"].decode() == f"log {old}\nquorum none\n"
    assert "retired" not in made
    new = keys_of(ledger, settings).rotate("每年更换")
    made = members(bundle(ledger, settings, RECORD))
    assert made["policy"].decode() == f"log {old}\nlog {new}\nquorum none\n"
    assert made["retired"].decode() == f"{old} 301\n"


def test_a_bundle_is_believed_whatever_is_on_record_as_a_key(
    ledger: Ledger, settings: Settings, auditor: Auditor
) -> None:
    """What is no key, or no log's, or one under another name too."""
    (ours,) = keys_of(ledger, settings).known.keys
    alias = replace(PublicKey.parse(ours), name="wenxiao.local/other")
    announce(ledger, "no key", "a\nquorum none", str(witness().public), str(alias))
    seal(ledger, settings)
    made = bundle(ledger, settings, RECORD)
    assert auditor.checks(made).exit == 0
    assert members(made)["policy"].decode() == f"log {ours}\nquorum none\n"


def test_or_hands_on_the_policy_that_it_keeps_itself(
    ledger: Ledger, settings: Settings, tmp_path: Path
) -> None:
    (key,) = keys_of(ledger, settings).known.keys
    file = tmp_path / "office.policy"
    file.write_text(f"# ours\nlog {key}\nquorum none\n")
    made = members(bundle(ledger, replace(settings, policy=str(file)), RECORD))
    assert made["policy"] == file.read_bytes()


def test_the_writer_tells_how_far_it_has_come(
    ledger: Ledger, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from service.proofs.prover import Prover

    monkeypatch.setattr(bundles, "PORTION", 100)
    heard: list[tuple[int, int]] = []
    Prover(ledger, settings).bundle(STREAM, BytesIO(), lambda *told: heard.append(told))
    assert heard == [(100, 263), (200, 263), (263, 263)]


def every_choice(most: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Every set of records of every small ledger."""
    for size in range(1, most):
        for many in range(size + 1):
            yield from ((size, chosen) for chosen in combinations(range(1, size + 1), many))


def test_the_gaps_are_the_largest_subtrees_without_a_record_of_every_small_ledger() -> None:
    for size, chosen in every_choice(9):
        require_gaps(size, chosen)


@given(st.data())
def test_and_of_larger_ones(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 5_000))
    chosen = data.draw(st.sets(st.integers(1, size), max_size=30))
    require_gaps(size, tuple(sorted(chosen)))


def require_gaps(size: int, chosen: tuple[int, ...]) -> None:
    """With the records they cover every leaf once, in order; no two of them could be one."""
    found = [*gaps(chosen, size)]
    covered = [range(n << h, n + 1 << h) for h, n in found]
    leaves = sorted([*(n for each in covered for n in each), *(n - 1 for n in chosen)])
    assert leaves == [*range(size)]
    assert covered == sorted(covered, key=lambda each: each.start)
    mergeable = [
        h
        for (h, n), (other, m) in combinations(found, 2)
        if h == other and n ^ 1 == m and (n >> 1) + 1 << h + 1 <= size
    ]
    assert mergeable == []


def test_the_name_of_the_ledger_is_in_it(ledger: Ledger, settings: Settings) -> None:
    made = members(bundle(ledger, settings, RECORD))
    told = json.loads(made["manifest.json"])
    assert (told["ledger"], told["origin"]) == (SLUG, f"wenxiao.local/{SLUG}")
    assert told["origin"] in made["cover.html"].decode()


def test_the_roots_follow_from_a_bundle_of_everything(ledger: Ledger, settings: Settings) -> None:
    made = members(bundle(ledger, settings, Wanted(ranges=((1, 301),))))
    entries = (made[f"records/{n}"] for n in range(1, 302))
    root = Frontier(SHA256).grown(map(SHA256.leaf, entries)).root
    assert made["checkpoint"].decode().split("\n")[2] == base64_of(root)
    assert made["tree.sha256"] == made["tree.sm3"] == b""
