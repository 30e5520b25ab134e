"""评价结果: the unit receives it, and a leader decides what follows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aggregates.evaluation import (
    ApplicationDecided,
)
from aggregates.roles import Role
from aggregates.rulebook import Measure
from aggregates.values import Fen
from commands import evaluation
from commands.evaluation import (
    DecideApplication,
    ReceiveEvaluation,
)
from tests.stories.evaluation_cast import (
    at_the_bureau,
    at_the_unit,
    decided,
    follow,
    graded,
    graded_fair,
    graded_poor,
    received,
    reduce,
    reported,
)

# Received


def test_the_unit_receives_the_result() -> None:
    at_the_unit(reported, graded).when(ReceiveEvaluation("E1")).then(received)


def test_nothing_is_received_before_it_is_graded() -> None:
    told = at_the_unit(reported).when(ReceiveEvaluation("E1"))
    told.refused(evaluation.GRADED_FIRST)


def test_a_result_is_received_once() -> None:
    told = at_the_unit(reported, graded, received).when(ReceiveEvaluation("E1"))
    told.refused(evaluation.RECEIVED_ONCE)


def test_nobody_receives_for_the_unit() -> None:
    told = at_the_unit(reported, graded).by("clerk", Role.UNIT_CLERK, "118")
    told.when(ReceiveEvaluation("E1")).refused(evaluation.BY_THE_EVALUATED_UNIT)


# Applied


def test_the_recommendation_is_followed() -> None:
    at_the_bureau(reported, graded, received).when(follow).then(decided)


def test_nothing_is_decided_upon_an_ungraded_report() -> None:
    told = at_the_bureau(reported).when(replace(follow, reason="急需", approver="chen"))
    told.refused(evaluation.GRADED_FIRST)


def test_it_is_decided_once() -> None:
    at_the_bureau(reported, graded, decided).when(follow).refused(evaluation.DECIDED_ONCE)


def test_who_graded_does_not_decide() -> None:
    told = at_the_bureau(reported, graded).by("zhao", Role.BUREAU_LEADER)
    told.when(follow).refused(evaluation.DECIDED_BY_ANOTHER)


def test_a_fair_grade_costs_money() -> None:
    expected = ApplicationDecided(
        "E1", 2022, Measure.REDUCE, Fen(50_000_00), Measure.REDUCE, follows=True, decider="li"
    )
    at_the_bureau(reported, graded_fair).when(reduce).then(expected)


def test_a_reduction_by_nothing_is_none() -> None:
    asked = replace(reduce, amount=Fen(0))
    told = at_the_bureau(reported, graded_fair).when(asked)
    told.refused(evaluation.REDUCTION_HAS_AN_AMOUNT)


def test_only_a_reduction_has_an_amount() -> None:
    asked = replace(follow, amount=Fen(1))
    at_the_bureau(reported, graded).when(asked).refused(evaluation.REDUCTION_HAS_AN_AMOUNT)


def test_a_poor_grade_cancels_what_is_to_come_and_takes_nothing_back() -> None:
    asked = DecideApplication("E1", 2022, Measure.CANCEL)
    expected = ApplicationDecided(
        "E1", 2022, Measure.CANCEL, Fen(0), Measure.CANCEL, follows=True, decider="li"
    )
    at_the_bureau(reported, graded_poor).when(asked).then(expected)
    backwards = replace(asked, budget_year=2020)
    told = at_the_bureau(reported, graded_poor).when(backwards)
    told.refused(evaluation.TAKES_NOTHING_BACK)


def test_a_departure_has_a_reason_and_a_leader_who_approved_it() -> None:
    asked = DecideApplication(
        "E1",
        2022,
        Measure.SUPPORT_AFTER_RECTIFICATION,
        reason="项目关系防汛安全",
        approver="chen",
    )
    expected = ApplicationDecided(
        "E1",
        2022,
        Measure.SUPPORT_AFTER_RECTIFICATION,
        Fen(0),
        Measure.REDUCE,
        follows=False,
        decider="li",
        reason="项目关系防汛安全",
        approver="chen",
    )
    at_the_bureau(reported, graded_fair).when(asked).then(expected)


@pytest.mark.parametrize(
    ("reason", "approver"), [("", "chen"), ("项目关系防汛安全", ""), ("项目关系防汛安全", "li")]
)
def test_a_departure_without_reason_or_second_person_is_refused(reason: str, approver: str) -> None:
    asked = replace(follow, reason=reason, approver=approver)
    told = at_the_bureau(reported, graded_fair).when(asked)
    told.refused(evaluation.DEPARTURE_IS_APPROVED)


def test_a_departure_is_not_approved_by_just_anybody() -> None:
    asked = replace(follow, reason="项目关系防汛安全", approver="wang")
    at_the_bureau(reported, graded_fair).when(asked).refused(evaluation.APPROVER_LEADS)
