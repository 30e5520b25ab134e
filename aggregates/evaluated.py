"""绩效评价: what one evaluation remembers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from aggregates.rulebook import Measure
from aggregates.values import Grade, Score, Term


class EvaluationMode(Term):
    """评价方式: who evaluates, and at whose order."""

    SELF = "self", "单位自评"
    DEPARTMENT = "department", "部门评价"
    FINANCE_KEY = "finance_key", "财政重点评价"
    FINANCE_REPEATED = "finance_repeated", "财政再评价"

    @property
    def is_by_finance(self) -> bool:
        return self in (EvaluationMode.FINANCE_KEY, EvaluationMode.FINANCE_REPEATED)


@dataclass
class Evaluation:
    """绩效评价: one evaluation, from its report to the decision upon it.

    ``findings`` maps each finding to the SHA-256 of its words.
    """

    id: str
    mode: EvaluationMode = EvaluationMode.SELF
    evaluated_year: int = 0
    affected_year: int = 0
    score: Score = Score(Decimal(0))
    reporter: str = ""
    reported_on: date = date.min
    findings: dict[str, str] = field(default_factory=dict)
    is_answered: bool = False
    is_objected_to: bool = False
    grade: Grade | None = None
    grader: str = ""
    recommendation: Measure | None = None
    received_on: date | None = None
    decision: Measure | None = None

    @property
    def is_reported(self) -> bool:
        """Its report is there: a correction may have left findings or a grade without one."""
        return self.reporter != ""

    @property
    def is_graded(self) -> bool:
        return self.grade is not None

    @property
    def is_received(self) -> bool:
        return self.received_on is not None

    @property
    def is_decided(self) -> bool:
        return self.decision is not None

    def recommends(self, measure: Measure) -> bool:
        return self.recommendation == measure

    def is_cancelled(self, year: int) -> bool:
        """The money of this budget year was cancelled upon it."""
        return self.decision == Measure.CANCEL and self.affected_year == year
