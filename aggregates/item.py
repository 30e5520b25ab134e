"""整改事项: what one rectification item remembers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from aggregates.values import Fen, Term


class ItemCause(Term):
    """整改来源: where the problem was found."""

    EVALUATION = "evaluation", "绩效评价"
    MONITORING = "monitoring", "绩效监控"
    AUDIT = "audit", "审计"
    FINANCIAL_SUPERVISION = "financial_supervision", "财会监督"
    CONGRESS = "congress", "人大监督"


class ItemState(Term):
    """整改状态: how far an item has come."""

    OPEN = "open", "整改中"
    REPORTED = "reported", "已反馈"
    REJECTED = "rejected", "整改不到位"
    VERIFIED = "verified", "已核实"
    CLOSED = "closed", "已销号"


@dataclass
class Item:
    """整改事项: one problem that somebody has to put right by a day."""

    id: str
    responsible: str = ""
    due: date = date.max
    ordered: Fen = Fen(0)
    recovered: Fen = Fen(0)
    reporter: str = ""
    state: ItemState = ItemState.OPEN

    @property
    def awaits_report(self) -> bool:
        """The responsible unit has to act: nothing reported yet, or not well enough."""
        return self.state in (ItemState.OPEN, ItemState.REJECTED)

    @property
    def is_reported(self) -> bool:
        return self.state == ItemState.REPORTED

    @property
    def is_rejected(self) -> bool:
        return self.state == ItemState.REJECTED

    @property
    def is_verified(self) -> bool:
        return self.state == ItemState.VERIFIED

    @property
    def is_closed(self) -> bool:
        return self.state == ItemState.CLOSED

    def is_overdue(self, on: date) -> bool:
        """The day has passed and the unit still owes its report."""
        return self.awaits_report and self.due < on

    @property
    def outstanding(self) -> Fen:
        """What was ordered to be recovered and has not come back."""
        return Fen(self.ordered - self.recovered)
