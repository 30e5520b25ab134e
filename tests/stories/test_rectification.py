"""整改: handed over word for word, put right by a day, looked at by others, closed when done."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from aggregates.base import Fact
from aggregates.evaluation import EvaluationReceived, FindingReported
from aggregates.item import Item, ItemCause
from aggregates.project import Project
from aggregates.rectification import (
    RecoveryRecorded,
    RectificationClosed,
    RectificationOrdered,
    RectificationRejected,
    RectificationReported,
    RectificationVerified,
)
from aggregates.roles import Role
from aggregates.unit import Unit
from aggregates.values import Fen
from commands import evaluation, rectification
from commands.evaluation import digest_of
from commands.rectification import (
    CloseRectification,
    FindingToRectify,
    OrderRectification,
    OrderRectificationByDocument,
    ProblemToRectify,
    RecordRecovery,
    RejectRectification,
    ReportRectification,
    VerifyRectification,
)
from tests.scenario import Scenario, given, history
from tests.stories.cast import EVIDENCE, UNIT, reserved, unit
from tests.stories.evaluation_cast import reported as evaluated

ORDERED_ON, DUE, TOO_LATE = date(2021, 6, 1), date(2021, 8, 10), date(2021, 8, 11)
LEDGER_MISSING, INTEREST = "未按项目设置辅助台账", "欠款利息计算错误"
found = FindingReported("E1", "F1", LEDGER_MISSING, digest_of(LEDGER_MISSING))
interest_found = FindingReported("E1", "F2", INTEREST, digest_of(INTEREST))
received = EvaluationReceived("E1", date(2021, 6, 10))
ordered = RectificationOrdered(
    item="R1",
    cause=ItemCause.EVALUATION,
    problem=LEDGER_MISSING,
    digest=digest_of(LEDGER_MISSING),
    responsible=UNIT,
    received_on=date(2021, 6, 10),
    due=DUE,
    evaluation="E1",
    finding="F1",
)
money_ordered = replace(
    ordered,
    item="R2",
    problem=INTEREST,
    digest=digest_of(INTEREST),
    amount=Fen(158_000_00),
    finding="F2",
)
reported = RectificationReported("R1", "已补设台账", (EVIDENCE,), "clerk")
rejected = RectificationRejected("R1", "台账缺三季度", "zhao")
verified = RectificationVerified("R1", "zhao", "现场查看")
closed = RectificationClosed("R1")
money_verified = RectificationVerified("R2", "zhao")
partly_recovered = RecoveryRecorded("R2", Fen(100_000_00), Fen(58_000_00))
recovered = RecoveryRecorded("R2", Fen(58_000_00), Fen(0))

from_evaluation = OrderRectification("E1", (FindingToRectify("R1", "F1", LEDGER_MISSING),))
by_audit = OrderRectificationByDocument(
    ItemCause.AUDIT,
    "昆审决〔2021〕12号",
    date(2021, 6, 10),
    (ProblemToRectify("R2", INTEREST, Fen(158_000_00)),),
    due=date(2021, 7, 1),
)
report = ReportRectification("R1", "已补设台账", (EVIDENCE,))
reject = RejectRectification("R1", "台账缺三季度")
verify = VerifyRectification("R1", "现场查看")


def at_the_section(*facts: Fact[Any]) -> Scenario:
    told = given(Project, reserved, *facts)
    return told.by("zhao", Role.PERFORMANCE_SECTION, "finance").on(ORDERED_ON)


def at_the_unit(*facts: Fact[Any]) -> Scenario:
    return given(Project, reserved, *facts).by("clerk", Role.UNIT_CLERK, UNIT).on(DUE)


def item(*facts: Fact[Any], id: str = "R1") -> Item:
    it = history(Project, reserved, *facts)
    assert isinstance(it, Project)
    found_item = it.item(id)
    assert found_item is not None
    return found_item


# Ordered


def test_findings_are_handed_over_one_by_one() -> None:
    both = OrderRectification(
        "E1",
        (
            FindingToRectify("R1", "F1", LEDGER_MISSING),
            FindingToRectify("R2", "F2", INTEREST, Fen(158_000_00)),
        ),
    )
    told = at_the_section(evaluated, found, interest_found, received)
    told.when(both).then(ordered, money_ordered)


def test_a_unit_as_a_whole_has_items_too() -> None:
    told = given(Unit, unit, evaluated, found, received, code=UNIT).by(
        "zhao", Role.PERFORMANCE_SECTION
    )
    told.when(from_evaluation).then(ordered)


def test_nothing_is_ordered_from_an_evaluation_that_is_not_there() -> None:
    at_the_section().when(from_evaluation).refused(evaluation.IS_REPORTED)


def test_the_term_begins_with_receipt() -> None:
    at_the_section(evaluated, found).when(from_evaluation).refused(rectification.RECEIVED_FIRST)


def test_the_term_is_the_offices_own() -> None:
    told = at_the_section(evaluated, found, received).under(rectification_months=3)
    told.when(from_evaluation).then(replace(ordered, due=date(2021, 9, 10)))


def test_an_item_is_numbered_once() -> None:
    told = at_the_section(evaluated, found, received, ordered).when(from_evaluation)
    told.refused(rectification.ITEMS_ARE_NEW)
    twice = replace(from_evaluation, items=from_evaluation.items * 2)
    at_the_section(evaluated, found, received).when(twice).refused(rectification.ITEMS_ARE_NEW)
    none = replace(from_evaluation, items=())
    at_the_section(evaluated, found, received).when(none).refused(rectification.ITEMS_ARE_NEW)


def test_what_was_not_found_is_not_ordered() -> None:
    told = at_the_section(evaluated, interest_found, received).when(from_evaluation)
    told.refused(rectification.FINDING_IS_REPORTED)


def test_nobody_softens_a_finding() -> None:
    softer = OrderRectification("E1", (FindingToRectify("R1", "F1", "台账有待完善"),))
    told = at_the_section(evaluated, found, received).when(softer)
    told.refused(rectification.FINDING_IS_VERBATIM)


def test_an_audit_decision_fixes_its_own_day() -> None:
    expected = replace(
        money_ordered,
        cause=ItemCause.AUDIT,
        due=date(2021, 7, 1),
        evaluation="",
        finding="",
        document="昆审决〔2021〕12号",
    )
    at_the_section().when(by_audit).then(expected)
    without_day = replace(by_audit, due=None)
    at_the_section().when(without_day).then(replace(expected, due=DUE))


def test_a_day_before_receipt_is_no_term() -> None:
    asked = replace(by_audit, due=date(2021, 6, 10))
    at_the_section().when(asked).refused(rectification.DUE_AFTER_RECEIPT)


def test_an_evaluation_is_not_cited_by_document() -> None:
    asked = replace(by_audit, cause=ItemCause.EVALUATION)
    at_the_section().when(asked).refused(rectification.EVALUATION_IS_CITED)


def test_items_by_document_are_numbered_once_too() -> None:
    told = at_the_section(money_ordered).when(by_audit)
    told.refused(rectification.ITEMS_ARE_NEW)


# Reported


def test_the_unit_reports_with_evidence_on_the_last_day() -> None:
    at_the_unit(ordered).when(report).then(reported)


def test_a_report_after_the_last_day_leaves_a_mark() -> None:
    told = at_the_unit(ordered).on(TOO_LATE).when(report)
    told.flagged(rectification.DEADLINE_IS_MET, then=[reported])


def test_nobody_reports_an_item_that_is_not_there() -> None:
    at_the_unit().when(report).refused(rectification.ITEM_IS_KNOWN)


def test_nobody_reports_for_the_unit() -> None:
    told = at_the_unit(ordered).by("clerk", Role.UNIT_CLERK, "118").when(report)
    told.refused(rectification.REPORTED_BY_ITS_UNIT)


def test_a_report_without_evidence_is_refused() -> None:
    told = at_the_unit(ordered).when(replace(report, evidence=()))
    told.refused(rectification.REPORTED_WITH_EVIDENCE)


@pytest.mark.parametrize("later", [(), (verified,), (verified, closed)])
def test_it_is_reported_once(later: tuple[Fact[Any], ...]) -> None:
    told = at_the_unit(ordered, reported, *later).when(report)
    told.refused(rectification.REPORTED_WHEN_AWAITED)


def test_after_a_rejection_it_is_reported_again() -> None:
    at_the_unit(ordered, reported, rejected).when(report).then(reported)


# Judged


def test_what_does_not_put_it_right_goes_back() -> None:
    at_the_section(ordered, reported).when(reject).then(rejected)


def test_what_puts_it_right_is_verified() -> None:
    at_the_section(ordered, reported).when(verify).then(verified)


@pytest.mark.parametrize("judge", [reject, verify])
def test_only_a_report_is_judged(judge: RejectRectification | VerifyRectification) -> None:
    at_the_section(ordered).when(judge).refused(rectification.JUDGED_WHEN_REPORTED)
    again = at_the_section(ordered, reported, rejected).when(judge)
    again.refused(rectification.JUDGED_WHEN_REPORTED)
    at_the_section().when(judge).refused(rectification.ITEM_IS_KNOWN)


@pytest.mark.parametrize("judge", [reject, verify])
def test_no_unit_judges_itself(judge: RejectRectification | VerifyRectification) -> None:
    told = at_the_section(ordered, reported).by("head", Role.PERFORMANCE_SECTION, UNIT)
    told.when(judge).refused(rectification.JUDGED_BY_ANOTHER_UNIT)


@pytest.mark.parametrize("judge", [reject, verify])
def test_nobody_judges_his_own_report(judge: RejectRectification | VerifyRectification) -> None:
    told = at_the_section(ordered, reported).by("clerk", Role.PERFORMANCE_SECTION, "finance")
    told.when(judge).refused(rectification.JUDGED_BY_ANOTHER_PERSON)


# Closed


def test_what_is_verified_is_closed() -> None:
    at_the_section(ordered, reported, verified).when(CloseRectification("R1")).then(closed)


@pytest.mark.parametrize("before", [(), (reported,), (reported, verified, closed)])
def test_only_what_is_verified_is_closed(before: tuple[Fact[Any], ...]) -> None:
    told = at_the_section(ordered, *before).when(CloseRectification("R1"))
    told.refused(rectification.CLOSED_WHEN_VERIFIED)


def test_money_comes_back_in_parts() -> None:
    told = at_the_section(money_ordered).when(RecordRecovery("R2", Fen(100_000_00)))
    told.then(partly_recovered)
    rest = at_the_section(money_ordered, partly_recovered)
    rest.when(RecordRecovery("R2", Fen(58_000_00))).then(recovered)


@pytest.mark.parametrize("amount", [0, 58_000_01])
def test_no_more_comes_back_than_was_ordered(amount: int) -> None:
    told = at_the_section(money_ordered, partly_recovered)
    told.when(RecordRecovery("R2", Fen(amount))).refused(rectification.RECOVERED_WITHIN_ORDER)


def test_nothing_is_closed_while_money_is_outstanding() -> None:
    told = at_the_section(money_ordered, partly_recovered, money_verified)
    told.when(CloseRectification("R2")).refused(rectification.RECOVERED_IN_FULL)
    done = at_the_section(money_ordered, partly_recovered, money_verified, recovered)
    done.when(CloseRectification("R2")).then(RectificationClosed("R2"))


# Overdue: a question, never a fact


@pytest.mark.parametrize("facts", [(ordered,), (ordered, reported, rejected)])
def test_an_item_is_overdue_when_its_day_has_passed_and_a_report_is_owed(
    facts: tuple[Fact[Any], ...],
) -> None:
    assert item(*facts).is_overdue(TOO_LATE)
    assert not item(*facts).is_overdue(DUE)


@pytest.mark.parametrize(
    "facts",
    [
        (ordered, reported),
        (ordered, reported, verified),
        (ordered, reported, verified, closed),
        (rejected,),
    ],
)
def test_nothing_is_overdue_that_is_reported_or_has_no_day(facts: tuple[Fact[Any], ...]) -> None:
    assert not item(*facts).is_overdue(TOO_LATE)
