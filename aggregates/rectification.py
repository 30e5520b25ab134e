"""整改: what happens to a problem that somebody has to put right."""

from __future__ import annotations

from datetime import date

from aggregates.accountable import Accountable
from aggregates.base import Fact
from aggregates.item import Item, ItemCause, ItemState
from aggregates.values import Fen


def _item(it: Accountable, id: str) -> Item:
    return it.items.setdefault(id, Item(id))


class RectificationOrdered(
    Fact[Accountable],
    topic="rectification.ordered",
    says="交办整改 {item}，责任单位 {responsible}，{due} 前反馈: {problem}",
):
    """交办整改: one problem, word for word, to be put right by a day.

    An evaluation's finding is named by ``evaluation`` and ``finding``, any other cause by its
    ``document``'s number; ``amount`` is what has to be recovered.
    """

    item: str
    cause: ItemCause
    problem: str
    digest: str
    responsible: str
    received_on: date
    due: date
    amount: Fen = Fen(0)
    evaluation: str = ""
    finding: str = ""
    document: str = ""

    def apply(self, it: Accountable, /) -> None:
        item = _item(it, self.item)
        item.responsible = self.responsible
        item.due = self.due
        item.ordered = self.amount


class RectificationReported(
    Fact[Accountable],
    topic="rectification.reported",
    says="反馈整改 {item}: {result}",
):
    """反馈整改: the responsible unit said what it did; each paper that shows it by its SHA-256."""

    item: str
    result: str
    evidence: tuple[str, ...]
    reporter: str

    def apply(self, it: Accountable, /) -> None:
        item = _item(it, self.item)
        item.state = ItemState.REPORTED
        item.reporter = self.reporter


class RectificationRejected(
    Fact[Accountable], topic="rectification.rejected", says="退回整改 {item}: {reason}"
):
    """退回整改: what was done does not put the problem right."""

    item: str
    reason: str
    verifier: str

    def apply(self, it: Accountable, /) -> None:
        _item(it, self.item).state = ItemState.REJECTED


class RectificationVerified(
    Fact[Accountable], topic="rectification.verified", says="核实整改 {item}: {remark}"
):
    """核实整改: somebody outside the responsible unit looked, and found the problem put right."""

    item: str
    verifier: str
    remark: str = ""

    def apply(self, it: Accountable, /) -> None:
        _item(it, self.item).state = ItemState.VERIFIED


class RectificationClosed(Fact[Accountable], topic="rectification.closed", says="整改 {item} 销号"):
    """整改销号: verified, and nothing of what had to be recovered is outstanding."""

    item: str

    def apply(self, it: Accountable, /) -> None:
        _item(it, self.item).state = ItemState.CLOSED


class RecoveryRecorded(
    Fact[Accountable],
    topic="rectification.recovery_recorded",
    says="整改 {item} 收回 {amount:yuan}，尚未收回 {outstanding:yuan}",
):
    """登记收回: money that an item orders to be recovered has come back."""

    item: str
    amount: Fen
    outstanding: Fen

    def apply(self, it: Accountable, /) -> None:
        item = _item(it, self.item)
        item.recovered = Fen(item.recovered + self.amount)
