"""The cast of the stories: one unit, one project, and what usually happens to it in a year."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from aggregates.budget import BudgetApproved
from aggregates.exante import Answer, ExAnteEvaluationConcluded, PanelScore
from aggregates.goal import GoalAmended, GoalSubmitted
from aggregates.reserve import ProjectAdmitted, ProjectReserved
from aggregates.review import GoalReviewConcluded, OpinionGiven, Verdict
from aggregates.rulebook import AfterReview
from aggregates.unit import UnitRegistered
from aggregates.values import (
    ExAnteCriterion,
    Fen,
    FundCategory,
    FundLine,
    FundOrigin,
    Grade,
    Indicator,
    IndicatorKind,
    Percent,
    ProjectClass,
    ReviewStage,
    Score,
    Sign,
)

UNIT = "117"
DEPARTMENT = "100"
PAPER = "ab" * 32
EVIDENCE = "cd" * 32


def score(value: str) -> Score:
    return Score(Decimal(value))


def percent(value: str) -> Percent:
    return Percent(Decimal(value))


# The register

department = UnitRegistered("市交通运输局", "", 1)
unit = UnitRegistered("公路养护中心", DEPARTMENT, 2)
first_level_unit = UnitRegistered("公路养护中心", "", 1)

# The reserve

reserved = ProjectReserved(
    name="农村公路养护",
    unit=UNIT,
    project_class=ProjectClass.SPECIFIC_TARGET,
    first_year=2021,
    last_year=2023,
    is_new=False,
    is_major=False,
    demanded=Fen(1_000_000_00),
)
new_and_major = replace(reserved, is_new=True, is_major=True)
personnel = replace(reserved, project_class=ProjectClass.PERSONNEL)

# The ex-ante evaluation

answers = tuple(Answer(criterion, "已作论证") for criterion in ExAnteCriterion)
panel = (
    PanelScore("expert-1", "yunnan-university", score("92.5")),
    PanelScore("expert-2", "audit-office", score("91.1")),
)
evaluated_ex_ante = ExAnteEvaluationConcluded(
    round=1,
    answers=answers,
    panel=panel,
    recused=(),
    mean=score("91.80"),
    grade=Grade.EXCELLENT,
    declared=Fen(1_000_000_00),
    recommended=Fen(1_000_000_00),
    reduction=Fen(0),
    rate=percent("0.00"),
)
evaluated_on_condition = replace(evaluated_ex_ante, condition="补充完善用地手续")
evaluated_adversely = replace(evaluated_ex_ante, mean=score("50.00"), grade=Grade.POOR)

# The goal

kilometres = Indicator(
    IndicatorKind.OUTPUT, "养护里程", Sign.AT_LEAST, "120", "公里", percent("50")
)
safety = Indicator(IndicatorKind.EFFECT, "事故下降", Sign.AT_LEAST, "10", "%", percent("40"))
indicators = (kilometres, safety)
own_line = FundLine("L1", FundCategory.GENERAL_PUBLIC, FundOrigin.OWN_LEVEL, Fen(800_000_00))
province_line = FundLine(
    "L2", FundCategory.GENERAL_PUBLIC, FundOrigin.TRANSFER_SPECIAL, Fen(200_000_00)
)
lines = (own_line, province_line)
submitted = GoalSubmitted(
    year=2021,
    version=1,
    submitter="clerk",
    objective="管好养好农村公路",
    indicators=indicators,
    lines=lines,
    tasks=(),
    plan=PAPER,
    declared=Fen(1_000_000_00),
)
resubmitted = replace(submitted, version=2)

# Its review, by the default chain of two sections

first_opinion = OpinionGiven(2021, 1, ReviewStage.COUNTERPART_SECTION, "wang", Verdict.PASS)
second_opinion = OpinionGiven(2021, 1, ReviewStage.PERFORMANCE_SECTION, "zhao", Verdict.PASS)
returned = OpinionGiven(
    2021, 1, ReviewStage.COUNTERPART_SECTION, "wang", Verdict.RETURN, "指标不够量化"
)
reviewed = (submitted, first_opinion, second_opinion)
excellent = GoalReviewConcluded(
    year=2021,
    version=1,
    score=score("92"),
    grade=Grade.EXCELLENT,
    declared=Fen(1_000_000_00),
    recommended=Fen(918_900_00),
    reduction=Fen(81_100_00),
    rate=percent("8.11"),
    consequence=AfterReview.ENTER,
)
good = replace(
    excellent, score=score("85"), grade=Grade.GOOD, consequence=AfterReview.AMEND_THEN_ENTER
)
fair = replace(excellent, score=score("70"), grade=Grade.FAIR, consequence=AfterReview.RESUBMIT)
poor = replace(excellent, score=score("40"), grade=Grade.POOR, consequence=AfterReview.EXCLUDE)
amended = GoalAmended(
    year=2021,
    version=2,
    submitter="clerk",
    objective="管好养好农村公路",
    indicators=indicators,
    lines=lines,
    tasks=(),
    plan=PAPER,
    declared=Fen(1_000_000_00),
    agreed="补充满意度指标",
)

# The library and the budget

admitted = ProjectAdmitted(2021, 1)
approved = BudgetApproved(2021, "师财预〔2021〕8号", 1, lines, Fen(1_000_000_00))
