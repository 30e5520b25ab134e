"""A budget year as it stands, told as stories."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aggregates.base import Fact
from aggregates.rulebook import AfterReview, Measure
from aggregates.values import (
    Grade,
    ReviewStage,
)
from projections.year_status import YEARS, Stage, YearStatus
from tests.readmodels.cast import (
    DAY,
    LATER,
    LESS,
    LINE,
    ONE,
    admitted,
    again,
    amended,
    approved,
    decided,
    deferred,
    evaluated,
    good,
    graded,
    met,
    passed,
    received,
    resumed,
    returned,
    submitted,
    suspended,
)
from tests.readmodels.source import Source
from tests.stories.cast import score


def years(*facts: Fact[Any]) -> dict[int, YearStatus]:
    """The budget years of a project to which this happened."""
    source = Source()
    for fact in facts:
        source.add("project/A", fact)
    return {row.year: row for row in YEARS.fold("project/A", source.kept)}


def year(*facts: Fact[Any]) -> YearStatus:
    return years(*facts)[2021]


@pytest.mark.parametrize(
    ("facts", "stage"),
    [
        ((submitted,), Stage.SUBMITTED),
        ((submitted, passed), Stage.UNDER_REVIEW),
        ((submitted, passed, returned), Stage.RETURNED),
        ((submitted, met), Stage.UNDER_REVIEW),
        ((submitted, good), Stage.TO_BE_AMENDED),
        ((submitted, replace(good, consequence=AfterReview.ENTER)), Stage.PASSED),
        ((submitted, replace(good, consequence=AfterReview.RESUBMIT)), Stage.RETURNED),
        ((submitted, replace(good, consequence=AfterReview.EXCLUDE)), Stage.EXCLUDED),
        ((submitted, good, amended), Stage.PASSED),
        ((submitted, good, amended, admitted), Stage.ADMITTED),
        ((submitted, good, amended, admitted, approved), Stage.APPROVED),
        ((approved, evaluated), Stage.EVALUATED),
        ((approved, evaluated, graded), Stage.GRADED),
        ((approved, evaluated, graded, received), Stage.RECEIVED),
        ((approved, evaluated, graded, received, decided), Stage.DECIDED),
        ((approved, suspended), Stage.APPROVED),
        ((suspended,), Stage.PLANNED),
    ],
)
def test_a_year_is_at_its_last_step(facts: tuple[Fact[Any], ...], stage: Stage) -> None:
    assert year(*facts).stage == stage


def test_a_goal_submitted_again_is_reviewed_from_the_beginning() -> None:
    now = year(submitted, passed, good, again)
    assert (now.goal_version, now.passed_stages, now.review_grade) == (2, (), None)
    assert (now.recommended, now.reduction) == (None, None)


def test_an_opinion_on_a_superseded_version_moves_nothing() -> None:
    assert year(submitted, again, passed) == year(submitted, again)


def test_each_stage_counts_once() -> None:
    now = year(submitted, passed, met, passed)
    assert now.passed_stages == (ReviewStage.COLLECTIVE, ReviewStage.PERFORMANCE_SECTION)


def test_the_sums_of_a_year_are_those_that_were_concluded_and_approved() -> None:
    now = year(submitted, good, amended, approved)
    assert (now.declared, now.recommended, now.reduction, now.budget) == (
        LESS,
        LESS,
        ONE - LESS,
        LESS,
    )
    assert (now.lines, now.budget_document) == ((LINE,), "云财〔2021〕1号")


def test_lines_are_held_back_until_they_are_resumed() -> None:
    held = year(approved, deferred, suspended)
    assert (held.deferred_lines, held.suspended_lines, held.is_suspended) == (
        ("L1",),
        ("L1",),
        True,
    )
    free = year(approved, deferred, suspended, resumed)
    assert (free.deferred_lines, free.suspended_lines, free.is_suspended) == (("L1",), (), False)
    assert free.holds["H2"].until == LATER


def test_what_was_never_held_back_cannot_be_resumed() -> None:
    assert year(approved, resumed) == year(approved)
    assert years(resumed) == {}


def test_an_evaluation_belongs_to_the_year_that_it_looks_at() -> None:
    found = years(approved, replace(approved, year=2022), evaluated, graded, received, decided)
    assert found[2022].evaluations == {}
    assert (found[2021].score, found[2021].grade) == (score("71"), Grade.FAIR)
    evaluation = found[2021].evaluations["E1"]
    assert (evaluation.recommendation, evaluation.decision) == (Measure.REDUCE, Measure.REDUCE)
    assert (evaluation.affected_year, evaluation.received_on) == (2023, DAY)


def test_of_an_evaluation_that_nobody_reported_there_is_no_year() -> None:
    assert years(graded, received, decided) == {}
