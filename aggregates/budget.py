"""预算批复: the budget of a year, approved together with its goal."""

from __future__ import annotations

from aggregates.accountable import Accountable
from aggregates.base import Fact
from aggregates.values import Fen, FundLine


class BudgetApproved(
    Fact[Accountable],
    topic="budget.approved",
    says="{document} 批复 {year} 年度预算 {amount:yuan}，同步批复绩效目标第 {goal_version} 版",
):
    """同步批复预算和绩效目标: one document fixes what is spent and what it is to achieve.

    ``goal_version`` is 0 where the project's class needs no goal.
    """

    year: int
    document: str
    goal_version: int
    lines: tuple[FundLine, ...]
    amount: Fen

    def apply(self, it: Accountable, /) -> None:
        it.open_year(self.year).approved = self.lines
