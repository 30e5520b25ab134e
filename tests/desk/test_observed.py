"""A row of another system is recorded once in each revision, whoever delivers it, and only here."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import pytest

from aggregates.base import Record, RecordCorrected, Replacement, fold
from aggregates.evaluation import EvaluationReported, FindingReported
from aggregates.ledger import LineUnplaced
from aggregates.office import Token
from aggregates.payments import Payments
from aggregates.project import Project
from aggregates.roles import Role
from aggregates.unit import Unit, UnitRegistered
from commands.base import ACTS
from service import importing
from service.desk import Desk
from service.importing import Import, NotAllPlaced, importer
from service.ledger.application import Ledger
from service.ledger.errors import NotAsKept
from service.observing import RevisionUsedOtherwise
from service.request import is_our_own
from tests.desk.conftest import NEVER, TREASURY, Ask, asked
from tests.ledger.tampering import execute, unguard

AGRICULTURE = {"name": "农业农村局"}
TRANSPORT = {"name": "交通运输局"}
ELSEWHERE = Token("exchange", "", (Role.SOURCE_SYSTEM,), NEVER, system="treasury")


def told(body: dict[str, Any], revision: str, row: str = "7", **more: Any) -> dict[str, Any]:
    """A body with the row, in a revision, that it was seen in; ``more`` of the source or case."""
    of_source: dict[str, Any] = {k: more.pop(k) for k in ("batch", "deleted") if k in more}
    source = {"system": "treasury", "table": "t", "row": row, "revision": revision, **of_source}
    return body | {"case": {"source": source, **more}}


def test_a_revision_with_another_content_is_turned_away(ask: Ask, ledger: Ledger) -> None:
    ask("register_unit", "unit/117", told(AGRICULTURE, "a"), token=TREASURY)
    with pytest.raises(RevisionUsedOtherwise, match="以新的版本报送"):
        ask("register_unit", "unit/117", told(TRANSPORT, "a"), token=TREASURY)
    with pytest.raises(RevisionUsedOtherwise):
        ask("register_unit", "unit/117", told(AGRICULTURE, "a", deleted=True), token=TREASURY)
    assert ledger.head_position() == 1


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE request SET positions = '[]'",
        "UPDATE request SET body = salt",
        "DELETE FROM request",
        "DELETE FROM record",
    ],
)
def test_nothing_rests_on_a_source_row_whose_request_was_changed(
    ask: Ask, ledger: Ledger, damage: str
) -> None:
    ask("register_unit", "unit/117", told(AGRICULTURE, "a"), token=TREASURY)
    unguard(ledger.engine)
    execute(ledger.engine, damage)
    for revision in ("a", "b"):
        with pytest.raises(NotAsKept, match="see wenxiao verify"):
            ask("register_unit", "unit/117", told(AGRICULTURE, revision), token=TREASURY)


def test_a_revision_with_another_payee_is_turned_away(ask: Ask) -> None:
    where = "observe_payment", "payments/2021-017"
    paid = payment("1.00") | {"payee_person": "王小二"}
    del paid["payee"]
    first = ask(*where, told(paid, "a"), token=TREASURY)
    again = ask(*where, told(paid, "a"), token=ELSEWHERE)
    assert again.repeated
    assert again.records == first.records
    with pytest.raises(RevisionUsedOtherwise):
        ask(*where, told(paid | {"payee_person": "王小三"}, "a"), token=TREASURY)


def test_a_correction_of_a_payment_to_a_person_is_repeated(ask: Ask) -> None:
    paid = payment("1.00") | {"payee_person": "王小二"}
    del paid["payee"]
    (record,) = ask("observe_payment", "payments/2021-017", told(paid, "a"), token=TREASURY).records
    content = paid | {"amount": "2.00", "paid_on": str(record.fact.paid_on), "unit": ""}
    content["payee_digest"] = record.fact.payee_digest
    del content["payee_person"]
    right = told({"position": record.position, "reason": "金额有误", "content": content}, "b")
    where = "correct_record", "payments/2021-017.2021", right
    first = ask(*where, key="right", token=TREASURY)
    assert first.is_recorded
    assert ask(*where, key="right", token=TREASURY).records == first.records


def test_a_revision_is_the_same_however_it_is_delivered(ask: Ask) -> None:
    first = ask("register_unit", "unit/117", told(AGRICULTURE, "a", batch="1"), token=TREASURY)
    late: dict[str, Any] = {
        "submitted_at": "2021-03-01T09:00:00+08:00",
        "because": [1],
        "opening": True,
    }
    body = told(AGRICULTURE, "a", batch="2", **late)
    again = ask("register_unit", "unit/117", body, token=ELSEWHERE)
    assert again.repeated
    assert again.records == first.records


def test_nobody_is_shown_what_a_row_led_to_elsewhere(ask: Ask) -> None:
    """Who may act on one unit, and names a row of another, is not told what stands there."""
    small = Token("small", "", (Role.SOURCE_SYSTEM,), NEVER, system="treasury", unit="118")
    ask("register_unit", "unit/118", TRANSPORT)
    secret = ask("register_unit", "unit/117", told(AGRICULTURE, "a"), token=TREASURY)
    outcome = ask("register_unit", "unit/118", told(AGRICULTURE, "a"), token=small)
    assert not outcome.is_recorded
    assert secret.records[0] not in outcome.records
    assert "农业" not in str(outcome.records)


def test_a_correction_is_not_answered_with_what_it_corrects(ask: Ask) -> None:
    ask("register_unit", "unit/117", told(AGRICULTURE, "a"), token=TREASURY)
    content = {"name": "农业局", "superior": "", "level": 1}
    right = {"position": 1, "reason": "单位名称有误", "content": content}
    with pytest.raises(RevisionUsedOtherwise):
        ask("correct_record", "unit/117", told(right, "a"), token=TREASURY)


def test_an_import_does_not_place_a_revision_with_another_content(ask: Ask, ledger: Ledger) -> None:
    ask("register_unit", "unit/117", told(AGRICULTURE, "a"), token=TREASURY)
    lines = (
        {"act": "register_unit", "on": "117", "body": told(body, "a")}
        for body in (AGRICULTURE, TRANSPORT)
    )
    file = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines).encode()
    (tally,) = Import(ledger, importer("budget"), "nightly").run(BytesIO(file))
    assert (tally.recorded, tally.repeated, tally.unplaced) == (0, 1, 1)
    (kept,) = [r.fact for r in ledger.every_record() if isinstance(r.fact, LineUnplaced)]
    assert "以新的版本报送" in kept.problem


@pytest.mark.parametrize("chunk", [1, 200])
def test_what_a_line_rests_on_does_not_hang_on_where_a_chunk_ends(
    chunk: int, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK", chunk)
    lines = [
        {"act": "register_unit", "on": str(117 + n), "body": told(AGRICULTURE, "1", str(n), **why)}
        for n, why in enumerate(({}, {"because": [1]}, {"because": [3]}))
    ]
    bad: dict[int, str] = {}
    way = Import(ledger, importer("budget"), "nightly", bad.__setitem__)
    *_, tally = way.run(BytesIO("\n".join(map(json.dumps, lines)).encode()))
    assert (tally.recorded, tally.unplaced) == (2, 1)
    assert bad == {3: "/case/because/0: 台账中没有这个位置"}


def test_of_lines_that_go_together_the_one_that_is_too_long_is_named(ledger: Ledger) -> None:
    long = {"kind": "output", "sign": "ge", "value": "1", "unit": "公里", "weight": "0.5"}
    goal = {
        "year": 2021,
        "objective": "路况改善",
        "indicators": [long | {"name": f"{n}{'长' * 190}"} for n in range(200)],
        "lines": [],
        "plan": "ab" * 32,
    }
    lines = [
        {"act": "register_unit", "on": "117", "body": told(AGRICULTURE, "1")},
        {"act": "submit_goal", "on": {"project": "2021-017"}, "body": told(goal, "1", "8")},
    ]
    file = BytesIO("\n".join(map(json.dumps, lines)).encode())
    with pytest.raises(NotAllPlaced) as told_of:
        Import(ledger, importer("budget"), "nightly").run_together(file)
    assert [*told_of.value.bad] == [2]
    assert "is the limit" in told_of.value.bad[2]
    assert ledger.head_position() == 0


OUR_HOUSE = [name for name, act in ACTS.items() if is_our_own(act)]


@pytest.mark.parametrize("act", OUR_HOUSE)
@pytest.mark.parametrize("source", [{}, {"source": {"system": "treasury", "table": "t"}}])
def test_no_file_keeps_the_office_s_own_house(
    act: str, source: dict[str, Any], ledger: Ledger
) -> None:
    """Whoever may do it here, and whatever it says: no post, rule or person's data by a file."""
    line = {"act": act, "on": "wang", "body": {"case": source}}
    bad: dict[int, str] = {}
    way = Import(ledger, importer("budget"), "nightly", bad.__setitem__)
    (tally,) = way.run(BytesIO(json.dumps(line).encode()))
    assert (tally.recorded, tally.unplaced) == (0, 1)
    assert bad[1].endswith("只在本系统办理，不能以文件导入")


def test_two_revisions_at_once_never_both_begin_a_history(ledger: Ledger) -> None:
    desks = [Desk(ledger), Desk(Ledger(ledger.engine, "office"))]

    def carry_out(number: int) -> str:
        body = told(AGRICULTURE, f"revision {number}")
        subject = f"unit/{117 + number % 2}"
        request = asked("register_unit", subject, body, key=f"k{number}", token=TREASURY)
        return desks[number // 2 % 2].carry_out(request).records[0].stream

    with ThreadPoolExecutor(8) as threads:
        streams = Counter(threads.map(carry_out, range(8)))
    begun = [unit for unit in ("unit/117", "unit/118") if ledger.history(unit)]
    assert len(begun) == 1
    assert streams[begun[0]] == 4


EVALUATION = {
    "evaluation": "E1",
    "mode": "department",
    "evaluated_year": 2021,
    "work_year": 2022,
    "affected_year": 2023,
    "evaluator": "财政局",
    "score": "85",
    "proposed_grade": "good",
}


def report(*findings: str, score: str = "85") -> dict[str, Any]:
    given = [{"finding": words, "words": words} for words in findings]
    return EVALUATION | {"score": score, "findings": given}


def now(ledger: Ledger) -> list[str]:
    """What the evaluation's history says today, corrected: its findings and its score."""
    history: list[Record[Any]] = ledger.history("project/2021-017")
    corrected = fold(Project.of("2021-017"), history).corrections
    said = []
    for record in history:
        fact = record.fact
        if record.position in corrected:
            replacement = corrected[record.position].replacement
            fact = replacement.fact if replacement else None
        if isinstance(fact, FindingReported):
            said.append(fact.finding)
        if isinstance(fact, EvaluationReported):
            said.append(str(fact.score))
    return said


def test_a_revision_corrects_every_record_of_its_row(ask: Ask, ledger: Ledger) -> None:
    where = "report_evaluation", "project/2021-017"
    ask(*where, told(report("a", "b", "c"), "1"), token=TREASURY)
    assert now(ledger) == ["85", "a", "b", "c"]
    outcome = ask(*where, told(report("a", "d", score="86"), "2"), token=TREASURY)
    assert all(isinstance(record.fact, RecordCorrected) for record in outcome.records)
    assert now(ledger) == ["86", "a", "d"]


def test_a_revision_adds_what_its_row_has_more(ask: Ask, ledger: Ledger) -> None:
    where = "report_evaluation", "project/2021-017"
    ask(*where, told(report("a"), "1"), token=TREASURY)
    ask(*where, told(report("a", "b"), "2"), token=TREASURY)
    assert now(ledger) == ["85", "a", "b"]
    ask(*where, told(report("a", "c"), "3"), token=TREASURY)
    assert now(ledger) == ["85", "a", "c"]


def test_a_deleted_row_takes_all_its_records_with_it(ask: Ask, ledger: Ledger) -> None:
    where = "report_evaluation", "project/2021-017"
    ask(*where, told(report("a", "b"), "1"), token=TREASURY)
    ask(*where, told(report("a", "b"), "2", deleted=True), token=TREASURY)
    assert now(ledger) == []
    ask(*where, told(report("a", "b"), "3"), token=TREASURY)
    assert now(ledger) == ["85", "a", "b"]


def payment(amount: str) -> dict[str, Any]:
    return {"year": 2021, "voucher": "V1", "line": "L1", "amount": amount, "payee": "某公司"}


def test_a_revision_is_judged_without_its_own_earlier_records(ask: Ask, ledger: Ledger) -> None:
    """The voucher has been seen once: in this very row."""

    def breaches(revision: str, row: str, amount: str) -> set[str]:
        body = told(payment(amount), revision, row)
        (record,) = ask("observe_payment", "payments/2021-017", body, token=TREASURY).records
        return {breach.rule for breach in record.envelope.breaches}

    assert "payment.voucher_is_seen_once" not in breaches("1", "7", "1.00")
    assert "payment.voucher_is_seen_once" not in breaches("2", "7", "2.00")
    assert "payment.voucher_is_seen_once" in breaches("1", "8", "3.00")
    assert ledger.fold(Payments, "2021-017.2021").version == 3


def test_revisions_count_in_the_order_of_their_arrival(ask: Ask, ledger: Ledger) -> None:
    ask("register_unit", "unit/117", told({"name": "乙"}, "2"), token=TREASURY)
    ask("register_unit", "unit/117", told({"name": "甲"}, "1"), token=TREASURY)
    (replaced,) = ledger.fold(Unit, "117").corrections.values()
    assert replaced.replacement == Replacement(UnitRegistered("甲", "", 1))
