"""规则: an office's rule sets (thresholds, review chain, consequences, deadlines), in versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from aggregates.base import MAIN, Aggregate, Fact, Severity
from aggregates.values import (
    Bands,
    ExAnteCriterion,
    Fen,
    Grade,
    ProjectClass,
    ReviewStage,
    Term,
)


class AfterReview(Term):
    """What a goal review's grade leads to (consequence table A)."""

    ENTER = "enter", "进入预算安排"
    AMEND_THEN_ENTER = "amend_then_enter", "修改完善后进入预算安排"
    RESUBMIT = "resubmit", "修改完善后重报审核"
    EXCLUDE = "exclude", "不进入预算安排"


class Measure(Term):
    """What an evaluation's grade recommends (consequence table B), or what is decided upon it."""

    PRIORITY_SUPPORT = "priority_support", "重点支持"
    SUPPORT_AFTER_RECTIFICATION = "support_after_rectification", "整改完成后支持"
    REDUCE = "reduce", "扣减资金额度"
    CANCEL = "cancel", "取消资金安排"


TABLE_A: Mapping[Grade, AfterReview] = {
    Grade.EXCELLENT: AfterReview.ENTER,
    Grade.GOOD: AfterReview.AMEND_THEN_ENTER,
    Grade.FAIR: AfterReview.RESUBMIT,
    Grade.POOR: AfterReview.EXCLUDE,
}
TABLE_B: Mapping[Grade, Measure] = {
    Grade.EXCELLENT: Measure.PRIORITY_SUPPORT,
    Grade.GOOD: Measure.SUPPORT_AFTER_RECTIFICATION,
    Grade.FAIR: Measure.REDUCE,
    Grade.POOR: Measure.CANCEL,
}


@dataclass(frozen=True)
class RuleSet:
    """规则集: what one office has decided wherever the national rules leave a choice.

    Every value is a parameter with the national or customary default. ``severities`` says for a
    rule's id whether its breach refuses, is flagged, or does not concern this office (``off``).
    """

    name: str = "default"
    title: str = "通用规则"
    effective_from: date = date(2018, 9, 1)
    documents: tuple[str, ...] = ("中发〔2018〕34号",)
    severities: Mapping[str, Severity] = field(default_factory=dict)

    review_chain: tuple[ReviewStage, ...] = (
        ReviewStage.COUNTERPART_SECTION,
        ReviewStage.PERFORMANCE_SECTION,
    )
    review_bands: Bands = Bands()
    after_review: Mapping[Grade, AfterReview] = field(default_factory=lambda: TABLE_A)
    goal_classes: tuple[ProjectClass, ...] = (
        ProjectClass.OPERATING_OTHER,
        ProjectClass.SPECIFIC_TARGET,
    )

    ex_ante_criteria: tuple[ExAnteCriterion, ...] = tuple(ExAnteCriterion)
    ex_ante_threshold: Fen = Fen(500_000_00)
    ex_ante_bands: Bands = Bands()

    evaluation_bands: Bands = Bands()
    after_evaluation: Mapping[Grade, Measure] = field(default_factory=lambda: TABLE_B)
    unit_opinion_days: int = 10

    rectification_months: int = 2
    backdate_days: int = 30
    deadline_skips_holidays: bool = False
    holidays: tuple[date, ...] = ()

    def severity(self, rule: str, default: Severity) -> Severity:
        """What a breach of this rule leads to here."""
        return self.severities.get(rule, default)


DEFAULT = RuleSet()
"""In force, as version 0, until the office publishes its own."""


@dataclass
class RuleBook(Aggregate, kind="rulebook", collection="rulebook"):
    """规则集各版: all that an office has published, the last one first in doubt."""

    versions: dict[int, RuleSet] = field(default_factory=dict)

    def in_force(self, on: date) -> tuple[int, RuleSet]:
        """Version and rule set in force on a day: latest effective date, then latest version."""
        begun = [(s.effective_from, n) for n, s in self.versions.items() if s.effective_from <= on]
        if not begun:
            return 0, DEFAULT
        _, version = max(begun)
        return version, self.versions[version]


RULEBOOK = MAIN


class RuleSetPublished(
    Fact[RuleBook], topic="rules.published", says="发布规则集第 {edition} 版《{title}》"
):
    """发布规则集: from its effective date on, acts are decided by this version."""

    edition: int
    title: str
    rule_set: RuleSet

    def apply(self, book: RuleBook, /) -> None:
        book.versions[self.edition] = self.rule_set
