"""资金明细: what a project's approved money remembers, line by line and year by year."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated

from aggregates.values import Fen, FundLine, Term, yuan


class HoldKind(Term):
    """缓拨或停拨: paid later, or not until the cause is settled."""

    DEFERRAL = "deferral", "缓拨"
    SUSPENSION = "suspension", "停拨"


class HoldCause(Term):
    """缓停拨依据: what may hold money back. An item that is merely open may not."""

    RECTIFICATION = "rectification", "整改不到位或逾期"
    MONITORING = "monitoring", "监控发现严重问题"
    AUDIT = "audit", "审计机关通知"


@dataclass(frozen=True)
class HeldLine:
    """缓拨或停拨的资金明细: a fund line and how much of it; without an amount all of it."""

    line: Annotated[str, "资金明细编号"]
    amount: Annotated[Fen, "缓拨或停拨的金额，不填为全部"] | None = None

    def __str__(self) -> str:
        return self.line if self.amount is None else f"{self.line} {yuan(self.amount)} 元"


@dataclass(frozen=True)
class Grounds:
    """缓停拨事由: the rectification items, or the number of the document, that it rests on."""

    cause: HoldCause
    items: tuple[str, ...] = ()
    document: str = ""

    def __str__(self) -> str:
        return "、".join((self.cause.label, *self.items, *filter(None, (self.document,))))


@dataclass
class Hold:
    """缓拨或停拨: what is held back, why, since when, until when (that day not included)."""

    id: str
    kind: HoldKind
    year: int
    scope: tuple[HeldLine, ...]
    grounds: Grounds
    decider: str
    since: date = date.min
    until: date | None = None

    @property
    def is_open(self) -> bool:
        return self.until is None

    def touches(self, line: str) -> bool:
        return any(each.line == line for each in self.scope)

    def amount_of(self, line: FundLine) -> Fen:
        """How much of an approved line it holds back: what it says, or everything."""
        of_line = (each.amount for each in self.scope if each.line == line.id)
        return Fen(sum(line.amount if amount is None else amount for amount in of_line))

    def covers(self, day: date) -> bool:
        return self.since <= day and (self.until is None or day < self.until)


@dataclass(frozen=True)
class Line:
    """资金明细: one approved line on a day, with what is held back of it then."""

    id: str
    approved: Fen
    deferred: Fen = Fen(0)
    suspended: Fen = Fen(0)

    @property
    def is_deferred(self) -> bool:
        return self.deferred > 0

    @property
    def is_suspended(self) -> bool:
        return self.suspended > 0

    def reaches_deferred(self, paid: int) -> bool:
        """So much in all cannot be paid without touching what is deferred."""
        return self.is_deferred and paid > self.approved - self.deferred

    def reaches_suspended(self, paid: int) -> bool:
        """So much in all cannot be paid without touching what is suspended."""
        return self.is_suspended and paid > self.approved - self.suspended


@dataclass
class Funding:
    """项目资金: every hold there ever was on a project's money."""

    holds: dict[str, Hold] = field(default_factory=dict)

    def release(self, hold: str, on: date) -> None:
        found = self.holds.get(hold)
        if found is not None:
            found.until = on

    def is_held(self, year: int, line: str, kind: HoldKind, grounds: Grounds) -> bool:
        """Held back already, in the same way and for the same reason."""
        alike = (h for h in self._on(year, line) if (h.kind, h.grounds) == (kind, grounds))
        return any(hold.is_open for hold in alike)

    def line(self, year: int, approved: FundLine, on: date) -> Line:
        """An approved line as it stands on a day."""
        held = {
            kind: sum(
                hold.amount_of(approved)
                for hold in self._on(year, approved.id)
                if hold.kind == kind and hold.covers(on)
            )
            for kind in HoldKind
        }
        return Line(
            approved.id,
            approved.amount,
            deferred=Fen(held[HoldKind.DEFERRAL]),
            suspended=Fen(held[HoldKind.SUSPENSION]),
        )

    def _on(self, year: int, line: str) -> Iterable[Hold]:
        return (h for h in self.holds.values() if h.year == year and h.touches(line))
