"""绩效评价: what happens to an evaluation, from its report to the decision upon it."""

from __future__ import annotations

from datetime import date

from aggregates.accountable import Accountable
from aggregates.base import Fact
from aggregates.evaluated import Evaluation, EvaluationMode
from aggregates.rulebook import Measure
from aggregates.values import Fen, Grade, Score


def _evaluation(it: Accountable, id: str) -> Evaluation:
    return it.evaluations.setdefault(id, Evaluation(id))


class EvaluationReported(
    Fact[Accountable],
    topic="evaluation.reported",
    says="{evaluator} 报告 {evaluated_year} 年度{mode} {evaluation}: "
    "{score} 分，建议评为{proposed_grade}",
):
    """报告评价结果: an evaluator proposed a score; what was found follows, finding by finding.

    ``affected_year`` is the budget year that the result is to be applied to, ``amount`` the money
    whose use was evaluated.
    """

    evaluation: str
    mode: EvaluationMode
    evaluated_year: int
    work_year: int
    affected_year: int
    evaluator: str
    score: Score
    proposed_grade: Grade
    reporter: str
    reported_on: date
    accounts_approved_on: date | None = None
    amount: Fen = Fen(0)

    def apply(self, it: Accountable, /) -> None:
        evaluation = _evaluation(it, self.evaluation)
        evaluation.mode = self.mode
        evaluation.evaluated_year = self.evaluated_year
        evaluation.affected_year = self.affected_year
        evaluation.score = self.score
        evaluation.reporter = self.reporter
        evaluation.reported_on = self.reported_on


class FindingReported(
    Fact[Accountable],
    topic="evaluation.finding_reported",
    says="评价 {evaluation} 发现问题 {finding}: {words}",
):
    """评价发现问题: one problem in the report's own words, with the SHA-256 of them."""

    evaluation: str
    finding: str
    words: str
    digest: str

    def apply(self, it: Accountable, /) -> None:
        _evaluation(it, self.evaluation).findings[self.finding] = self.digest


class EvaluationAnswered(
    Fact[Accountable],
    topic="evaluation.answered",
    says="单位对评价 {evaluation} 提出意见: {opinion}",
):
    """单位意见: the evaluated unit said what it thinks of the report before it counts."""

    evaluation: str
    opinion: str
    objects: bool

    def apply(self, it: Accountable, /) -> None:
        evaluation = _evaluation(it, self.evaluation)
        evaluation.is_answered = True
        evaluation.is_objected_to = self.objects


class EvaluationGraded(
    Fact[Accountable],
    topic="evaluation.graded",
    says="评价 {evaluation} 评定 {score} 分、等级{grade}；结果应用建议: {recommendation}",
):
    """评定等级: finance settled score and grade; ``recommendation`` is what table B says to it."""

    evaluation: str
    score: Score
    grade: Grade
    recommendation: Measure | None
    reported_score: Score
    grader: str
    reason: str = ""

    def apply(self, it: Accountable, /) -> None:
        evaluation = _evaluation(it, self.evaluation)
        evaluation.score = self.score
        evaluation.grade = self.grade
        evaluation.recommendation = self.recommendation
        evaluation.grader = self.grader


class EvaluationReceived(
    Fact[Accountable],
    topic="evaluation.received",
    says="单位于 {received_on} 收到评价 {evaluation} 的结果",
):
    """签收评价结果: the unit has the graded result; its term of rectification begins to run."""

    evaluation: str
    received_on: date

    def apply(self, it: Accountable, /) -> None:
        _evaluation(it, self.evaluation).received_on = self.received_on


class ApplicationDecided(
    Fact[Accountable],
    topic="evaluation.application_decided",
    says="评价 {evaluation} 结果应用于 {budget_year} 年度预算: {measure} {amount:yuan}",
):
    """决定结果应用: what follows from the evaluation for a later year's budget.

    ``follows`` the recommendation, or departs from it for a reason that somebody above approved.
    """

    evaluation: str
    budget_year: int
    measure: Measure
    amount: Fen
    recommendation: Measure | None
    follows: bool
    decider: str
    reason: str = ""
    approver: str = ""

    def apply(self, it: Accountable, /) -> None:
        evaluation = _evaluation(it, self.evaluation)
        evaluation.decision = self.measure
        evaluation.affected_year = self.budget_year
