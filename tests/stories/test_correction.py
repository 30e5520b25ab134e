"""更正: what was recorded wrongly is read otherwise from here on, and everybody sees it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from aggregates.base import Envelope, Fact, Record, RecordCorrected, Replacement
from aggregates.evaluated import EvaluationMode
from aggregates.evaluation import EvaluationReported
from aggregates.office import Office
from aggregates.payments import PaymentObserved, Payments
from aggregates.project import Project
from aggregates.roles import Role
from aggregates.unit import Unit
from aggregates.values import Fen, Grade
from commands import correction
from commands.correction import CorrectRecord
from commands.evaluation import ReportEvaluation
from service.ledger.body import fact_from, plain
from tests.scenario import SOMEBODY, TODAY, Scenario, given
from tests.stories.cast import UNIT, reserved, score, unit

STREAM = "2021-017.2021"
reported = EvaluationReported(
    evaluation="E1",
    mode=EvaluationMode.FINANCE_KEY,
    evaluated_year=2020,
    work_year=2021,
    affected_year=2022,
    evaluator="云岭会计师事务所",
    score=score("85"),
    proposed_grade=Grade.GOOD,
    reporter="expert",
    reported_on=date(2021, 2, 10),
)
as_it_should_be = replace(reported, score=score("58"), proposed_grade=Grade.POOR)
corrected = RecordCorrected(2, "得分录入错误", Replacement(as_it_should_be))
restored = RecordCorrected(2, "原得分无误", Replacement(reported))
withdrawn = RecordCorrected(2, "来源记录已删除")
paid = PaymentObserved("V1", 2021, "L1", Fen(300_00), date(2021, 2, 10), UNIT, "公路养护公司")


def correct(fact: Fact[Any], reason: str, position: int = 2) -> CorrectRecord:
    return CorrectRecord(position, reason, fact.TOPIC, plain(fact))


as_asked = correct(as_it_should_be, "得分录入错误")
withdraw = CorrectRecord(2, "来源记录已删除")


def at_the_agency(*facts: Fact[Any]) -> Scenario:
    """The project's second record reports the evaluation."""
    told = _recorded(given(Project, reserved, *facts), reserved, *facts)
    return told.by("expert", Role.AGENCY)


def at_the_source(*facts: Fact[Any]) -> Scenario:
    told = _recorded(given(Payments, *facts, code=STREAM), *facts)
    return told.by("treasury", Role.SOURCE_SYSTEM).observed()


def _recorded(told: Scenario, *facts: Fact[Any]) -> Scenario:
    """What the ledger knows of this history: facts by position, each with the act behind it."""
    act = ReportEvaluation.act.name
    envelope = Envelope("token", SOMEBODY, TODAY, act)
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


@pytest.mark.parametrize("topic", ["office.person_assigned", "record.corrected", "no.such.thing"])
def test_a_replacement_is_a_record_of_the_same_kind_of_history(topic: str) -> None:
    asked = replace(as_asked, topic=topic)
    at_the_agency(reported).when(asked).refused(correction.TOPIC_FITS)


@pytest.mark.parametrize("content", [None, {}, {**plain(reported), "score": ["85"]}])
def test_a_replacement_has_the_form_of_its_kind(content: dict[str, Any] | None) -> None:
    asked = replace(as_asked, content=content)
    at_the_agency(reported).when(asked).refused(correction.CONTENT_FITS)


def test_a_correction_changes_something() -> None:
    same = correct(reported, "无误")
    at_the_agency(reported).when(same).refused(correction.CORRECTION_CHANGES)
    told = at_the_agency(reported, corrected).when(as_asked)
    told.refused(correction.CORRECTION_CHANGES)


def test_what_its_source_deleted_is_withdrawn() -> None:
    asked = replace(withdraw, position=1)
    at_the_source(paid).when(asked).then(RecordCorrected(1, "来源记录已删除"))


def test_nobody_here_withdraws_a_record() -> None:
    told = at_the_agency(reported).when(withdraw)
    told.refused(correction.WITHDRAWN_AT_ITS_SOURCE)


def test_what_is_withdrawn_may_come_back() -> None:
    at_the_agency(reported, withdrawn).when(correct(reported, "原得分无误")).then(restored)
    told = at_the_agency(reported, withdrawn).observed().when(withdraw)
    told.recorded_with(correction.CORRECTION_CHANGES)
