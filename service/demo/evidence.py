"""凭据: what a ledger's records say, asked by whoever recomputes a figure.

It knows neither cast nor script: a figure is recomputed from what was recorded, or not at all.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, TypeVar

from aggregates.base import Actor, Fact, Record
from aggregates.ledger import ActRefused
from aggregates.payments import Payments
from aggregates.project import Project
from aggregates.roles import Role
from aggregates.rulebook import RULEBOOK, RuleBook, RuleSet
from aggregates.values import BEIJING, Fen, yuan
from commands.base import Case
from commands.payments import payable
from service.demo.script import GENERATED
from service.ledger.application import Ledger

F = TypeVar("F", bound=Fact[Any])

WAN = 10_000_00
"""万元 in fen."""


@dataclass(frozen=True)
class Found:
    """重算结果: a value to be held against the published one, and of how many it was counted."""

    value: str
    of: str = ""


class Evidence:
    """凭据: the records of one ledger, read once."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.records = list(ledger.every_record())

    def of(self, fact: type[F]) -> list[Record[F]]:
        """All records of a kind of fact, oldest first."""
        return [record for record in self.records if isinstance(record.fact, fact)]

    def facts(self, fact: type[F]) -> list[F]:
        return [record.fact for record in self.of(fact)]

    def latest(self, fact: type[F]) -> dict[str, Record[F]]:
        """The last record of a kind in each history."""
        return {record.stream: record for record in self.of(fact)}

    def refused(self, rule: str) -> set[str]:
        """The histories on which something was tried that a rule did not allow."""
        refusals = self.of(ActRefused)
        return {record.fact.subject for record in refusals if rule in breached(record)}

    def rule_set(self, on: date) -> RuleSet:
        """What the office had published for a day."""
        _, rule_set = self.ledger.fold(RuleBook, RULEBOOK).in_force(on)
        return rule_set

    def payable(self, project: str, year: int, line: str, on: date) -> bool:
        """Whether the treasury might have paid one yuan on a day, by what was recorded then."""
        as_of = self.ledger.position_at(datetime.combine(on, time.max, BEIJING))
        case = Case(
            actor=Actor("", Role.TREASURY_SECTION),
            on=on,
            today=on,
            histories=lambda kind, code: self.ledger.fold(kind, code, as_of),
            salt=bytes,
            rule_set=self.rule_set(on),
        )
        payments = case.read(Payments, Payments.code_of(project, year))
        return payable(case.read(Project, project), payments, line, Fen(100), case)

    def generated(self) -> int:
        """How many records say that they rest on something made up."""
        papers = (record.envelope.document for record in self.records)
        return sum(paper is not None and paper.number.startswith(GENERATED) for paper in papers)


def wan(fen: int) -> str:
    """万元 as papers write them: whole, or with two places and more only where they are needed."""
    value = (Decimal(fen) / WAN).normalize()
    places = -int(value.as_tuple().exponent)
    return f"{value:,.{0 if places <= 0 else max(2, places)}f} 万元"


def in_yuan(fen: int) -> str:
    """Yuan, without fen where there are none."""
    return f"{Decimal(yuan(fen)):,.{2 if fen % 100 else 0}f} 元"


def every(checks: Iterable[object]) -> Found:
    """Whether something holds for all of at least one."""
    held = [bool(check) for check in checks]
    is_all = held and all(held)
    return Found("全部" if is_all else "并非全部", f"{sum(held)}/{len(held)}")


def count(things: Iterable[object], measure: str) -> Found:
    return Found(f"{len(list(things))} {measure}")


def two_months_after(day: date) -> date:
    """The same day two calendar months on, or the last of that month: told apart from the rules."""
    year, month = divmod(day.year * 12 + day.month + 1, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def breached(record: Record[Any]) -> set[str]:
    """The rules that a record says were broken."""
    return {breach.rule for breach in record.envelope.breaches}


def yes(answer: object) -> Found:
    return Found("可" if answer else "不可")
