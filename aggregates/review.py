"""审核: opinions on a goal, stage by stage, and what follows from them."""

from __future__ import annotations

from aggregates.accountable import Accountable
from aggregates.base import Fact
from aggregates.rulebook import AfterReview
from aggregates.values import Fen, Grade, Percent, ReviewStage, Score, Term


class Verdict(Term):
    """审核意见: the goal goes on to the next stage, or back to those who submitted it."""

    PASS = "pass", "同意"
    RETURN = "return", "退回修改"


class OpinionGiven(
    Fact[Accountable],
    topic="review.opinion_given",
    says="{stage}: {verdict}（{year} 年度目标第 {version} 版）{comments}",
):
    """审核意见: one person's opinion on one version of a goal, at one stage."""

    year: int
    version: int
    stage: ReviewStage
    reviewer: str
    verdict: Verdict
    comments: str = ""
    score: Score | None = None
    recommended: Fen | None = None

    def apply(self, it: Accountable, /) -> None:
        goal = it.open_year(self.year).goal
        if self.verdict == Verdict.PASS:
            goal.pass_stage(self.version, self.stage, self.reviewer)
        else:
            goal.send_back(self.version)


class CollectiveOpinionGiven(
    Fact[Accountable],
    topic="review.collective_opinion_given",
    says="集中会审（{meeting}）: {verdict}（{year} 年度目标第 {version} 版）{comments}",
):
    """集中会审意见: what a meeting decided about one version of a goal, in nobody's own name."""

    meeting: str
    year: int
    version: int
    verdict: Verdict
    comments: str = ""
    recommended: Fen | None = None

    def apply(self, it: Accountable, /) -> None:
        goal = it.open_year(self.year).goal
        if self.verdict == Verdict.PASS:
            goal.pass_stage(self.version, ReviewStage.COLLECTIVE, "")
        else:
            goal.send_back(self.version)


class GoalReviewConcluded(
    Fact[Accountable],
    topic="review.concluded",
    says="审核结论 {grade}（{score} 分）: 建议 {recommended:yuan}，审减 {rate}%，{consequence}",
):
    """审核结论: the grade of a goal, the sum recommended, and what follows from the grade."""

    year: int
    version: int
    score: Score
    grade: Grade
    declared: Fen
    recommended: Fen
    reduction: Fen
    rate: Percent
    consequence: AfterReview
    comments: str = ""
    reason: str = ""

    def apply(self, it: Accountable, /) -> None:
        goal = it.open_year(self.year).goal
        goal.consequence, goal.recommended = self.consequence, self.recommended
        goal.is_returned = self.consequence == AfterReview.RESUBMIT
