"""事前绩效评估: is the project worth its money, asked before there is any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from aggregates.base import Fact
from aggregates.project import ExAnte, Project
from aggregates.values import ExAnteCriterion, Fen, Grade, Percent, Quantity, Score


@dataclass(frozen=True)
class PanelScore:
    """专家评分: what one expert gives the project, and whom the expert works for."""

    expert: Annotated[str, "专家编号"]
    organisation: Annotated[str, "专家所在单位；是预算单位的，为其编码"]
    score: Score


@dataclass(frozen=True)
class Adjustment:
    """核定调整的数量: a quantity of the plan, such as the length of a road, before and after."""

    name: Annotated[str, "调整的内容"]
    unit: Annotated[str, "计量单位"]
    before: Annotated[Quantity, "核定前"]
    after: Annotated[Quantity, "核定后"]


@dataclass(frozen=True)
class Answer:
    """评估意见: what was found on one criterion."""

    criterion: ExAnteCriterion
    finding: Annotated[str, "评估意见"]


class ExAnteEvaluationConcluded(
    Fact[Project],
    topic="ex_ante.concluded",
    says="事前评估 {grade}（平均 {mean} 分）: 申报 {declared:yuan}，建议 {recommended:yuan}",
):
    """事前绩效评估结论: the panel's mean, its grade, and the sum that it recommends.

    ``condition`` is what has to be done first; without one the recommendation stands by itself.
    A project that was sent back is evaluated again: ``round`` counts.
    """

    round: int
    answers: tuple[Answer, ...]
    panel: tuple[PanelScore, ...]
    recused: tuple[str, ...]
    mean: Score
    grade: Grade
    declared: Fen
    recommended: Fen
    reduction: Fen
    rate: Percent
    adjustments: tuple[Adjustment, ...] = ()
    condition: str = ""
    reason: str = ""

    def apply(self, project: Project, /) -> None:
        project.ex_ante = ExAnte(self.round, self.grade, bool(self.condition))


class ExAnteConditionMet(
    Fact[Project], topic="ex_ante.condition_met", says="已按事前评估意见补充完善: {remark}"
):
    """事前评估条件落实: what the panel asked for is there; ``evidence`` is its SHA-256."""

    evidence: str
    remark: str

    def apply(self, project: Project, /) -> None:
        project.ex_ante.has_open_condition = False
