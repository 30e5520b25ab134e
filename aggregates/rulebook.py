"""规则: an office's rule sets (thresholds, review chain, consequences, deadlines), in versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated

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
    """结果应用方式: what a grade recommends (consequence table B), or what is decided upon it."""

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

    name: Annotated[str, "规则集名称"] = "default"
    title: Annotated[str, "标题"] = "通用规则"
    effective_from: Annotated[date, "施行日期"] = date(2018, 9, 1)
    documents: Annotated[tuple[str, ...], "规则集所依据的文件"] = ("中发〔2018〕34号",)
    severities: Annotated[
        Mapping[str, Severity], "各规则在本单位的后果: refuse 拒绝，flag 标注，off 不适用"
    ] = field(default_factory=dict)

    review_chain: Annotated[tuple[ReviewStage, ...], "审核链，依次"] = (
        ReviewStage.COUNTERPART_SECTION,
        ReviewStage.PERFORMANCE_SECTION,
    )
    review_bands: Annotated[Bands, "目标审核等级的分数线"] = Bands()
    after_review: Annotated[Mapping[Grade, AfterReview], "目标审核各等级的处理"] = field(
        default_factory=lambda: TABLE_A
    )
    goal_classes: Annotated[tuple[ProjectClass, ...], "须有绩效目标的项目类别"] = (
        ProjectClass.OPERATING_OTHER,
        ProjectClass.SPECIFIC_TARGET,
    )

    ex_ante_criteria: Annotated[tuple[ExAnteCriterion, ...], "必须评估的内容"] = tuple(
        ExAnteCriterion
    )
    ex_ante_threshold: Annotated[Fen, "新增项目应列为重大项目的申请金额"] = Fen(500_000_00)
    ex_ante_bands: Annotated[Bands, "事前评估等级的分数线"] = Bands()

    evaluation_bands: Annotated[Bands, "评价等级的分数线"] = Bands()
    after_evaluation: Annotated[Mapping[Grade, Measure], "评价各等级的结果应用"] = field(
        default_factory=lambda: TABLE_B
    )
    unit_opinion_days: Annotated[int, "征求单位意见的天数"] = 10

    rectification_months: Annotated[int, "签收之后的整改期限，月数"] = 2
    backdate_days: Annotated[int, "业务发生后应在多少天内登记"] = 30
    deadline_skips_holidays: Annotated[bool, "期限届满日遇休息日是否顺延"] = False
    holidays: Annotated[tuple[date, ...], "周末以外的休息日"] = ()

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
