"""更正: what was recorded wrongly is read otherwise from here on, and everybody sees it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from aggregates.base import Envelope, Fact, Record, RecordCorrected, Replacement, Source
from aggregates.budget import BudgetApproved
from aggregates.evaluated import EvaluationMode
from aggregates.evaluation import EvaluationReported
from aggregates.office import Office
from aggregates.payments import PaymentObserved, Payments
from aggregates.project import Project
from aggregates.roles import Role
from aggregates.unit import Unit
from aggregates.values import Fen, FundCategory, FundLine, FundOrigin, Grade
from commands import correction
from commands.correction import CorrectRecord
from commands.evaluation import ReportEvaluation
from service.replacing import fact_from, fact_schema
from tests.scenario import SOMEBODY, TODAY, Scenario, given
from tests.stories.cast import UNIT, reserved, score, unit
from tests.stories.evaluation_cast import reported

STREAM = "2021-017.2021"
as_it_should_be = replace(reported, score=score("58"), proposed_grade=Grade.POOR)
corrected = RecordCorrected(2, "得分录入错误", Replacement(as_it_should_be))
restored = RecordCorrected(2, "原得分无误", Replacement(reported))
withdrawn = RecordCorrected(2, "来源记录已删除")
line = FundLine("L1", FundCategory.GENERAL_PUBLIC, FundOrigin.OWN_LEVEL, Fen(500_00))
approved = BudgetApproved(2021, "财预〔2021〕1号", 1, (line,), Fen(500_00))
paid = PaymentObserved("V1", 2021, "L1", Fen(300_00), date(2021, 2, 10), UNIT, "公路养护公司")


def correct(fact: Fact[Any], reason: str, position: int = 2) -> CorrectRecord:
    return CorrectRecord(position, reason, content(fact))


def content(fact: Fact[Any]) -> dict[str, Any]:
    """A fact as somebody would write it at a door."""
    told: Any = fact_schema(type(fact)).dump(fact)
    return dict(told)


as_asked = correct(as_it_should_be, "得分录入错误")
ROW = Source("国库", "凭证", "7", "1")
withdraw = CorrectRecord(2, "来源记录已删除")


def at_the_agency(*facts: Fact[Any]) -> Scenario:
    """The project's second record reports the evaluation."""
    told = _recorded(given(Project, reserved, *facts), reserved, *facts)
    return told.by("expert", Role.AGENCY)


def at_the_source(*facts: Fact[Any]) -> Scenario:
    told = _recorded(given(Payments, *facts, code=STREAM), *facts, source=ROW)
    return told.by("treasury", Role.SOURCE_SYSTEM).observed(replace(ROW, revision="2"))


def _recorded(
    told: Scenario,
    *facts: Fact[Any],
    act: str = ReportEvaluation.act.name,
    source: Source | None = None,
) -> Scenario:
    """What the ledger knows of this history: facts by position, each with the act behind it."""
    envelope = Envelope("token", SOMEBODY, TODAY, act, source=source)
    records = [Record(told.subject.id, n, envelope, f, n) for n, f in enumerate(facts, start=1)]
    known = {record.position: record for record in records}
    told.case.recorded, told.case.fact = known.get, fact_from
    return told


def test_a_record_is_replaced_for_a_reason() -> None:
    at_the_agency(reported).when(as_asked).then(corrected)


def test_what_was_corrected_reads_otherwise_and_counts_once() -> None:
    it = at_the_agency(reported, corrected).subject
    assert isinstance(it, Project)
    assert it.evaluations["E1"].score == score("58")
    again = at_the_agency(reported, corrected, restored).subject
    assert isinstance(again, Project)
    assert again.evaluations["E1"].score == score("85")
    gone = at_the_agency(reported, withdrawn).subject
    assert isinstance(gone, Project)
    assert gone.evaluations == {}


def test_a_unit_and_its_payments_are_corrected_alike() -> None:
    told = given(Unit, unit, reported, code=UNIT)
    _recorded(told, unit, reported).by("expert", Role.AGENCY).when(as_asked).then(corrected)
    less = replace(paid, amount=Fen(200_00))
    expected = RecordCorrected(1, "凭证更正", Replacement(less))
    at_the_source(paid).when(correct(less, "凭证更正", position=1)).then(expected)


def test_the_offices_own_histories_have_no_such_act() -> None:
    assert set(CorrectRecord.act.paths) == {
        "projects/{project}/corrections",
        "units/{unit}/corrections",
        "payments/{payments}/corrections",
    }
    assert Office not in CorrectRecord.act.paths.values()


def test_only_a_record_of_this_history_is_corrected() -> None:
    elsewhere = replace(as_asked, position=9)
    at_the_agency(reported).when(elsewhere).refused(correction.RECORD_IS_ITS_OWN)


def test_a_correction_is_not_corrected_but_the_original_again() -> None:
    told = at_the_agency(reported, corrected).when(replace(as_asked, position=3))
    told.refused(correction.ORIGINAL_IS_CORRECTED)
    again = correct(reported, "原得分无误")
    at_the_agency(reported, corrected).when(again).then(restored)


def test_who_might_not_do_it_may_not_correct_it() -> None:
    told = at_the_agency(reported).by("li", Role.BUDGET_SECTION)
    told.when(as_asked).refused(correction.CORRECTED_BY_ITS_ROLE)


def test_what_nobody_may_do_any_more_nobody_corrects() -> None:
    told = _recorded(given(Project, reserved, reported), reserved, reported, act="no_such_act")
    told.by("expert", Role.AGENCY).when(as_asked).refused(correction.CORRECTED_BY_ITS_ROLE)


FITS = content(as_it_should_be)
NO_SCORES = ("NaN", "sNaN", "-5", "101", "Infinity", "1E+999999999")


@pytest.mark.parametrize(
    "other",
    [
        {},
        {**FITS, "score": ["85"]},
        {**FITS, "remark": "没有这一项"},
        {**FITS, "reported_on": "9999-12-31"},
        {**FITS, "reported_on": "2021-W01-1"},
        {**FITS, "evaluated_year": -5},
        {**FITS, "amount": 1000},
        {**FITS, "amount": "1" + "0" * 19},
        *({**FITS, "score": bad} for bad in NO_SCORES),
        content(paid),
    ],
)
def test_a_replacement_has_the_form_that_the_doors_demand(other: dict[str, Any]) -> None:
    asked = replace(as_asked, content=other)
    at_the_agency(reported).when(asked).refused(correction.CONTENT_FITS)


def test_all_that_does_not_fit_is_said_at_once() -> None:
    bad = {**FITS, "score": "101", "work_year": "去年"}
    with pytest.raises(ValueError, match=r"/score: .*；/work_year: |/work_year: .*；/score: "):
        fact_from(EvaluationReported, bad)


@pytest.mark.parametrize(
    "other",
    [{"evaluation": "E2"}, {"reporter": "li"}, {"work_year": 2022}, {"mode": EvaluationMode.SELF}],
)
def test_who_acted_and_what_it_is_about_stay(other: dict[str, Any]) -> None:
    asked = correct(replace(as_it_should_be, **other), "换人")
    at_the_agency(reported).when(asked).refused(correction.NAMES_STAY)


def test_a_payee_known_by_digest_is_not_made_another() -> None:
    """There is nothing beside the ledger behind a digest that somebody writes."""
    to_a_person = replace(paid, payee="", payee_digest="ab" * 32)
    asked = correct(replace(to_a_person, payee_digest="cd" * 32), "收款人有误", 1)
    told = _recorded(given(Payments, to_a_person, code=STREAM), to_a_person, act="observe_payment")
    told.by("qian", Role.TREASURY_SECTION).when(asked).refused(correction.NAMES_STAY)


def test_lines_keep_their_names() -> None:
    less = replace(approved, lines=(replace(line, amount=Fen(1_00)),), amount=Fen(1_00))
    told = _recorded(given(Project, approved), approved, act="approve_budget")
    told = told.by("zhao", Role.BUDGET_SECTION)
    told.when(correct(less, "金额有误", 1)).then(RecordCorrected(1, "金额有误", Replacement(less)))
    other = replace(less, lines=(replace(line, id="L9"),))
    told.when(correct(other, "换行", 1)).refused(correction.NAMES_STAY)
    added = replace(less, lines=(line, replace(line, id="L9")))
    told = _recorded(given(Project, approved), approved, act="approve_budget")
    told.by("zhao", Role.BUDGET_SECTION).when(correct(added, "加行", 1)).refused(
        correction.NAMES_STAY
    )


def test_a_correction_changes_something() -> None:
    same = correct(reported, "无误")
    at_the_agency(reported).when(same).refused(correction.CORRECTION_CHANGES)
    told = at_the_agency(reported, corrected).when(as_asked)
    told.refused(correction.CORRECTION_CHANGES)


def test_what_its_source_deleted_is_withdrawn() -> None:
    asked = replace(withdraw, position=1)
    at_the_source(paid).when(asked).then(RecordCorrected(1, "来源记录已删除"))


@pytest.mark.parametrize("source", [None, replace(ROW, row="8"), replace(ROW, system="银行")])
def test_no_row_corrects_or_withdraws_what_another_said(source: Source | None) -> None:
    for asked in (replace(withdraw, position=1), correct(replace(paid, amount=Fen(1)), "少", 1)):
        told = at_the_source(paid).observed(source).when(asked)
        told.refused(correction.CORRECTED_BY_ITS_SOURCE)
        assert told.facts == []


def test_no_system_corrects_what_was_decided_here() -> None:
    told = at_the_agency(reported).by("treasury", Role.SOURCE_SYSTEM).observed(ROW)
    told.when(withdraw).refused(correction.CORRECTED_BY_ITS_SOURCE)
    assert told.facts == []


def test_nobody_here_withdraws_a_record() -> None:
    told = at_the_agency(reported).when(withdraw)
    told.refused(correction.WITHDRAWN_AT_ITS_SOURCE)


def test_what_is_withdrawn_may_come_back() -> None:
    at_the_agency(reported, withdrawn).when(correct(reported, "原得分无误")).then(restored)
    gone = RecordCorrected(1, "来源记录已删除")
    told = at_the_source(paid, gone).when(replace(withdraw, position=1))
    told.recorded_with(correction.CORRECTION_CHANGES)
