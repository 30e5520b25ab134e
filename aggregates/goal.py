"""绩效目标: what a year's money is to achieve, as it was submitted and as it was amended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from aggregates.accountable import Accountable, Goal
from aggregates.base import Fact
from aggregates.values import Fen, FundLine, Indicator


@dataclass(frozen=True)
class TaskBudget:
    """年度任务: one of a unit's main tasks of a year, and what it is to cost."""

    name: Annotated[str, "任务名称"]
    amount: Annotated[Fen, "金额"]


class GoalSubmitted(
    Fact[Accountable],
    topic="goal.submitted",
    says="申报 {year} 年度绩效目标第 {version} 版，申请资金 {declared:yuan}",
):
    """申报绩效目标: the unit says what the money is for, and how its effect will be measured."""

    year: int
    version: int
    submitter: str
    objective: str
    indicators: tuple[Indicator, ...]
    lines: tuple[FundLine, ...]
    tasks: tuple[TaskBudget, ...]
    plan: str
    declared: Fen

    def apply(self, it: Accountable, /) -> None:
        it.open_year(self.year).goal = Goal(self.version, self.submitter, self.declared)


class GoalAmended(
    Fact[Accountable],
    topic="goal.amended",
    says="修改完善 {year} 年度绩效目标（第 {version} 版）: {agreed}",
):
    """修改完善绩效目标: unit and reviewers agreed on a better version, without another review."""

    year: int
    version: int
    submitter: str
    objective: str
    indicators: tuple[Indicator, ...]
    lines: tuple[FundLine, ...]
    tasks: tuple[TaskBudget, ...]
    plan: str
    declared: Fen
    agreed: str

    def apply(self, it: Accountable, /) -> None:
        goal = it.open_year(self.year).goal
        goal.version, goal.declared, goal.is_amended = self.version, self.declared, True
