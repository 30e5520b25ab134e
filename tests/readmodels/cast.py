"""What the stories of projects, units and their years are told with: facts, by name."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from aggregates.budget import BudgetApproved
from aggregates.evaluated import EvaluationMode
from aggregates.evaluation import (
    ApplicationDecided,
    EvaluationGraded,
    EvaluationReceived,
    EvaluationReported,
)
from aggregates.exante import ExAnteConditionMet, ExAnteEvaluationConcluded
from aggregates.funding import FundsDeferred, FundsResumed, FundsSuspended
from aggregates.goal import GoalAmended, GoalSubmitted
from aggregates.item import ItemCause
from aggregates.lines import Grounds, HeldLine, HoldCause, HoldKind
from aggregates.rectification import (
    RecoveryRecorded,
    RectificationClosed,
    RectificationOrdered,
    RectificationRejected,
    RectificationReported,
    RectificationVerified,
)
from aggregates.reserve import ProjectAdmitted
from aggregates.review import CollectiveOpinionGiven, OpinionGiven, Verdict
from aggregates.rulebook import Measure
from aggregates.values import (
    Fen,
    FundCategory,
    FundLine,
    FundOrigin,
    Grade,
    Percent,
    ReviewStage,
)
from tests.stories import cast as stories
from tests.stories.cast import score

ONE = Fen(1_000_000_00)
LESS = Fen(800_000_00)
LINE = FundLine("L1", FundCategory.GENERAL_PUBLIC, FundOrigin.OWN_LEVEL, LESS)
SCOPE = (HeldLine("L1"),)
GROUNDS = Grounds(HoldCause.RECTIFICATION, ("Z1",))
NONE = Percent(Decimal(20))
DAY, DUE, LATER = date(2022, 3, 1), date(2022, 5, 1), date(2022, 7, 1)


reserved = replace(stories.new_and_major, unit="101001")
assessed = ExAnteEvaluationConcluded(
    round=1,
    answers=(),
    panel=(),
    recused=(),
    mean=score("88"),
    grade=Grade.GOOD,
    declared=ONE,
    recommended=LESS,
    reduction=Fen(ONE - LESS),
    rate=NONE,
    condition="补充用地手续",
)
condition_met = ExAnteConditionMet("0" * 64, "已补充")
submitted = GoalSubmitted(2021, 1, "wang", "通车", (), (LINE,), (), "", ONE)
again = replace(submitted, version=2)
amended = GoalAmended(2021, 2, "wang", "通车", (), (LINE,), (), "", LESS, "补充指标")
passed = OpinionGiven(2021, 1, ReviewStage.PERFORMANCE_SECTION, "li", Verdict.PASS)
returned = replace(passed, verdict=Verdict.RETURN)
met = CollectiveOpinionGiven("2021-1", 2021, 1, Verdict.PASS)
good = replace(stories.good, declared=ONE, recommended=LESS, reduction=Fen(ONE - LESS), rate=NONE)
admitted = ProjectAdmitted(2021, 2)
approved = BudgetApproved(2021, "云财〔2021〕1号", 2, (LINE,), LESS)
evaluated = EvaluationReported(
    evaluation="E1",
    mode=EvaluationMode.FINANCE_KEY,
    evaluated_year=2021,
    work_year=2022,
    affected_year=2023,
    evaluator="甲所",
    score=score("70"),
    proposed_grade=Grade.FAIR,
    reporter="zhao",
    reported_on=DAY,
)
graded = EvaluationGraded("E1", score("71"), Grade.FAIR, Measure.REDUCE, score("70"), "li")
received = EvaluationReceived("E1", DAY)
decided = ApplicationDecided(
    "E1", 2023, Measure.REDUCE, Fen(100), Measure.REDUCE, follows=True, decider="li"
)
ordered = RectificationOrdered(
    "Z1", ItemCause.EVALUATION, "账目不清", "0" * 64, "101001", DAY, DUE, Fen(15_8000_00)
)
reported = RectificationReported("Z1", "已整改", ("0" * 64,), "wang")
rejected = RectificationRejected("Z1", "证据不足", "li")
verified = RectificationVerified("Z1", "li")
recovered = RecoveryRecorded("Z1", Fen(15_8000_00), Fen(0))
closed = RectificationClosed("Z1")
deferred = FundsDeferred("H1", 2021, SCOPE, GROUNDS, "逾期", "li", DAY)
suspended = FundsSuspended("H2", 2021, SCOPE, GROUNDS, "逾期", "li", DAY)
resumed = FundsResumed("H2", 2021, HoldKind.SUSPENSION, SCOPE, "已整改", "", "li", LATER)
