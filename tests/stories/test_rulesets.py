"""规则集: the papers of two offices as files, read as any request, and in force as they say."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from importlib.resources import files
from typing import Any

import pytest

from aggregates.base import Severity
from aggregates.evaluated import EvaluationMode
from aggregates.evaluation import EvaluationAnswered, EvaluationReceived, FindingReported
from aggregates.project import Project
from aggregates.roles import Role
from aggregates.rulebook import (
    RULEBOOK,
    TABLE_A,
    TABLE_B,
    AfterReview,
    Measure,
    RuleBook,
    RuleSet,
    RuleSetPublished,
)
from aggregates.values import Bands, Fen, Grade, ReviewStage
from commands import evaluation, goal
from commands.base import RULES
from commands.evaluation import GradeEvaluation, ReportEvaluation, digest_of
from commands.goal import SubmitGoal
from commands.rectification import FindingToRectify, OrderRectification
from commands.rulebook import PublishRuleSet
from service.schemas import schema_of
from tests.scenario import given, history
from tests.stories.cast import PAPER, UNIT, indicators, lines, reserved, score
from tests.stories.evaluation_cast import graded, reported

SHIPPED = files("service") / "rulesets"
LOCAL_NAMES = ["shizong", "kunming_edz"]


def loaded(name: str) -> RuleSet:
    told: Any = json.loads((SHIPPED / f"{name}.json").read_text("utf-8"))
    return RuleSet(**schema_of(RuleSet).load(told))


SHIZONG, KUNMING_EDZ = loaded("shizong"), loaded("kunming_edz")


def test_every_shipped_file_is_known_here() -> None:
    assert {path.name for path in SHIPPED.iterdir()} == {f"{name}.json" for name in LOCAL_NAMES}


@pytest.mark.parametrize("name", LOCAL_NAMES)
def test_a_shipped_rule_set_can_be_published(name: str) -> None:
    rule_set = loaded(name)
    assert rule_set.name == name
    told = given(RuleBook, code=RULEBOOK).when(PublishRuleSet(1, rule_set))
    told.then(RuleSetPublished(1, rule_set.title, rule_set))


@pytest.mark.parametrize("name", LOCAL_NAMES)
def test_a_shipped_rule_set_is_in_force_from_its_day_on(name: str) -> None:
    rule_set = loaded(name)
    book = history(RuleBook, RuleSetPublished(1, rule_set.title, rule_set), code=RULEBOOK)
    assert isinstance(book, RuleBook)
    day_before = rule_set.effective_from.replace(year=rule_set.effective_from.year - 1, month=12)
    assert book.in_force(rule_set.effective_from) == (1, rule_set)
    assert book.in_force(day_before)[0] == 0


@pytest.mark.parametrize("name", LOCAL_NAMES)
def test_a_shipped_rule_set_changes_only_rules_that_exist(name: str) -> None:
    assert set(loaded(name).severities) <= set(RULES)


# Shizong: five stages, table A, and two things that others only mark


def test_shizong_has_its_papers_and_its_chain() -> None:
    assert SHIZONG.documents == tuple(f"师财绩〔2020〕{n}号" for n in range(1, 6))
    assert SHIZONG.effective_from == date(2020, 1, 1)
    assert SHIZONG.review_chain == (
        ReviewStage.DEPARTMENT,
        ReviewStage.COUNTERPART_SECTION,
        ReviewStage.PERFORMANCE_SECTION,
        ReviewStage.BUDGET_SECTION,
        ReviewStage.COLLECTIVE,
    )


def test_shizong_has_table_a() -> None:
    assert SHIZONG.after_review == TABLE_A
    assert SHIZONG.after_review[Grade.FAIR] == AfterReview.RESUBMIT
    assert SHIZONG.review_bands == Bands()
    assert SHIZONG.ex_ante_threshold == Fen(500_000_00)


def test_in_shizong_self_evaluation_waits_for_the_final_accounts() -> None:
    asked = ReportEvaluation(
        "E1", EvaluationMode.SELF, 2019, 2020, 2021, "公路养护中心", score("92"), Grade.EXCELLENT
    )
    told = given(Project, reserved).by("clerk", Role.UNIT_CLERK, UNIT)
    told.under(SHIZONG).when(asked).refused(evaluation.SELF_AFTER_FINAL_ACCOUNTS)
    told = given(Project, reserved).by("clerk", Role.UNIT_CLERK, UNIT)
    told.under(KUNMING_EDZ).when(asked).flagged(evaluation.SELF_AFTER_FINAL_ACCOUNTS)


def test_in_shizong_nobody_files_for_the_unit() -> None:
    asked = SubmitGoal(2021, "管好养好农村公路", indicators, lines, plan=PAPER)
    for rule_set, severity in ((SHIZONG, Severity.REFUSE), (KUNMING_EDZ, Severity.FLAG)):
        told = given(Project, reserved).under(rule_set)
        told.by("wang", Role.COUNTERPART_SECTION, "finance", on_behalf_of=UNIT).when(asked)
        found = {breach.rule: breach.severity for breach in told.case.breaches}
        assert found[goal.NOT_ON_BEHALF.id] == severity


# Kunming EDZ: goals read by outsiders, table B, two months


def test_kunming_edz_has_its_papers_and_its_chain() -> None:
    assert KUNMING_EDZ.documents == ("昆经开办〔2020〕47号", "昆经开财〔2020〕53号")
    assert KUNMING_EDZ.review_chain == (
        ReviewStage.THIRD_PARTY,
        ReviewStage.PERFORMANCE_SECTION,
    )


def test_kunming_edz_has_table_b() -> None:
    assert KUNMING_EDZ.after_evaluation == TABLE_B
    fair = replace(reported, score=score("61"))
    told = given(Project, reserved, fair, EvaluationAnswered("E1", "无异议", objects=False))
    told.by("zhao", Role.PERFORMANCE_SECTION).under(KUNMING_EDZ)
    told.when(GradeEvaluation("E1", score("61"), Grade.FAIR)).then(
        replace(
            graded,
            score=score("61"),
            grade=Grade.FAIR,
            recommendation=Measure.REDUCE,
            reported_score=score("61"),
        )
    )


def test_kunming_edz_gives_two_months_from_receipt() -> None:
    words = "未按项目设置辅助台账"
    found = FindingReported("E1", "F1", words, digest_of(words))
    received = EvaluationReceived("E1", date(2021, 12, 31))
    told = given(Project, reserved, reported, found, received).by("zhao", Role.PERFORMANCE_SECTION)
    told.under(KUNMING_EDZ)
    told.when(OrderRectification("E1", (FindingToRectify("R1", "F1", words),)))
    (ordered,) = told.facts
    assert ordered.due == date(2022, 2, 28)
