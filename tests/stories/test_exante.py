"""A panel asks whether a new project is worth its money."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from aggregates.base import Fact
from aggregates.exante import (
    Adjustment,
    Answer,
    ExAnteConditionMet,
    PanelScore,
)
from aggregates.project import Project
from aggregates.roles import Role
from aggregates.unit import Unit
from aggregates.values import ExAnteCriterion, Fen, Grade, Quantity
from commands import exante as rules
from commands.exante import ConcludeExAnteEvaluation, MeetExAnteCondition
from commands.unit import SPEAKS_FOR_ITS_OWN
from tests.scenario import given
from tests.stories.cast import (
    DEPARTMENT,
    EVIDENCE,
    UNIT,
    answers,
    evaluated_adversely,
    evaluated_ex_ante,
    evaluated_on_condition,
    new_and_major,
    panel,
    percent,
    score,
    unit,
)

conclude = ConcludeExAnteEvaluation(
    answers=answers, panel=panel, declared=Fen(1_000_000_00), recommended=Fen(1_000_000_00)
)
met = ExAnteConditionMet(EVIDENCE, "用地手续已补齐")
meet = MeetExAnteCondition(EVIDENCE, "用地手续已补齐")

road_cleaning = replace(new_and_major, name="道路清扫保洁", demanded=Fen(12_628_207_00))
shorter_roads = Adjustment(
    "保洁里程", "公里", Quantity(Decimal("235.8")), Quantity(Decimal("215.8"))
)


def test_the_mean_of_the_panel_gives_the_grade() -> None:
    given(Project, new_and_major).when(conclude).then(evaluated_ex_ante)


def test_a_third_of_a_hundredth_rounds_down() -> None:
    thirds = tuple(
        PanelScore(f"expert-{n}", "university", score(value))
        for n, value in enumerate(("89.99", "90.00", "89.99"), start=1)
    )
    given(Project, new_and_major).when(replace(conclude, panel=thirds)).then(
        replace(evaluated_ex_ante, panel=thirds, mean=score("89.99"), grade=Grade.GOOD)
    )


def test_half_a_hundredth_rounds_up() -> None:
    halves = (
        PanelScore("expert-1", "university", score("89.99")),
        PanelScore("expert-2", "university", score("90")),
    )
    given(Project, new_and_major).when(replace(conclude, panel=halves)).then(
        replace(evaluated_ex_ante, panel=halves, mean=score("90.00"))
    )


def test_roads_are_measured_again_and_cost_less() -> None:
    less = replace(
        conclude,
        declared=Fen(12_628_207_00),
        recommended=Fen(10_145_209_00),
        adjustments=(shorter_roads,),
    )
    given(Project, road_cleaning).when(less).then(
        replace(
            evaluated_ex_ante,
            declared=Fen(12_628_207_00),
            recommended=Fen(10_145_209_00),
            reduction=Fen(2_482_998_00),
            rate=percent("19.66"),
            adjustments=(shorter_roads,),
        )
    )


def test_a_project_that_asks_for_nothing_is_cut_by_nothing() -> None:
    free = replace(conclude, declared=Fen(0), recommended=Fen(0))
    given(Project, replace(new_and_major, demanded=Fen(0))).when(free).then(
        replace(evaluated_ex_ante, declared=Fen(0), recommended=Fen(0))
    )


def test_an_ex_ante_evaluation_is_of_a_project_in_the_reserve() -> None:
    unknown = replace(conclude, declared=Fen(0), recommended=Fen(0))
    given(Project).when(unknown).refused(rules.RESERVED_FIRST)


def test_a_favourable_evaluation_is_not_repeated() -> None:
    given(Project, new_and_major, evaluated_ex_ante).when(conclude).refused(
        rules.AGAIN_AFTER_REVISION
    )


def test_a_revised_project_is_evaluated_again() -> None:
    given(Project, new_and_major, evaluated_adversely).when(conclude).then(
        replace(evaluated_ex_ante, round=2)
    )


def test_every_criterion_is_answered() -> None:
    given(Project, new_and_major).when(replace(conclude, answers=answers[:4])).refused(
        rules.CRITERIA_ARE_ANSWERED
    )


def test_an_empty_answer_is_none() -> None:
    silent = (*answers[:4], Answer(ExAnteCriterion.FUNDING_COMPLIANCE, ""))
    given(Project, new_and_major).when(replace(conclude, answers=silent)).refused(
        rules.CRITERIA_ARE_ANSWERED
    )


def test_an_office_may_ask_four_of_the_five_criteria() -> None:
    four = tuple(ExAnteCriterion)[:4]
    given(Project, new_and_major).under(ex_ante_criteria=four).when(
        replace(conclude, answers=answers[:4])
    ).then(replace(evaluated_ex_ante, answers=answers[:4]))


def test_a_panel_without_experts_has_no_mean() -> None:
    given(Project, new_and_major).when(replace(conclude, panel=())).refused(rules.PANEL_HAS_SCORED)


def test_an_expert_scores_once() -> None:
    twice = (*panel, panel[0])
    given(Project, new_and_major).when(replace(conclude, panel=twice)).refused(
        rules.EXPERT_SCORES_ONCE
    )


def test_whoever_stepped_aside_does_not_score() -> None:
    given(Project, new_and_major).when(replace(conclude, recused=("expert-1",))).refused(
        rules.RECUSED_DO_NOT_SCORE
    )


def test_whoever_stepped_aside_is_named() -> None:
    given(Project, new_and_major).when(replace(conclude, recused=("expert-9",))).then(
        replace(evaluated_ex_ante, recused=("expert-9",))
    )


def test_nobody_scores_the_project_of_their_own_unit() -> None:
    own = (*panel, PanelScore("expert-3", UNIT, score("100")))
    given(Project, new_and_major).when(replace(conclude, panel=own)).refused(
        rules.EXPERT_IS_INDEPENDENT
    )


def test_another_sum_than_was_first_asked_for_is_marked() -> None:
    more = replace(conclude, declared=Fen(1_200_000_00))
    given(Project, new_and_major).when(more).flagged(rules.DECLARED_AS_DEMANDED)


def test_nobody_recommends_more_than_was_declared_without_a_reason() -> None:
    more = replace(conclude, recommended=Fen(1_000_000_01))
    given(Project, new_and_major).when(more).refused(rules.RECOMMENDED_WITHIN_DECLARED)


def test_a_reason_may_justify_more_than_was_declared() -> None:
    more = replace(conclude, recommended=Fen(1_100_000_00), reason="漏报监理费")
    given(Project, new_and_major).when(more).then(
        replace(
            evaluated_ex_ante,
            recommended=Fen(1_100_000_00),
            reduction=Fen(-100_000_00),
            rate=percent("-10.00"),
            reason="漏报监理费",
        )
    )


def test_material_asked_for_is_completed() -> None:
    given(Project, new_and_major, evaluated_on_condition).when(meet).then(met)


@pytest.mark.parametrize(
    ("role", "organisation"),
    [
        (Role.UNIT_CLERK, UNIT),
        (Role.UNIT_HEAD, DEPARTMENT),
        (Role.COUNTERPART_SECTION, "bureau"),
    ],
)
def test_material_is_completed_by_the_unit_or_for_it(role: Role, organisation: str) -> None:
    told = given(Project, new_and_major, evaluated_on_condition).and_given(Unit, unit, code=UNIT)
    told.by("li", role, organisation).when(meet).then(met)


def test_material_is_not_completed_by_another_unit() -> None:
    told = given(Project, new_and_major, evaluated_on_condition).and_given(Unit, unit, code=UNIT)
    told.by("li", Role.UNIT_CLERK, "999").when(meet).refused(SPEAKS_FOR_ITS_OWN)


@pytest.mark.parametrize(
    "history",
    [(new_and_major, evaluated_ex_ante), (new_and_major, evaluated_on_condition, met)],
    ids=["nothing was asked for", "it has been completed"],
)
def test_nothing_is_completed_that_is_not_open(history: tuple[Fact[Any], ...]) -> None:
    given(Project, *history).when(meet).refused(rules.CONDITION_IS_OPEN)
