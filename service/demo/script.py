"""剧本: the acts of an office, in the order and on the days on which they were asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Self, TypeVar

from aggregates.roles import Role

T = TypeVar("T")

CONSOLE, FROM_PAPER, GENERATOR = "console", "demo-paper", "demo-generator"
"""Which system asks: the operator's console, one that knows the paper, or one that makes up."""

GENERATED = "演示生成"
"""How the number of every made-up document begins, and so every record that rests on one."""


@dataclass(frozen=True)
class Origin:
    """出处: what an act's content rests on, as its record shows it: system and document."""

    system: str
    document: str


@dataclass(frozen=True)
class Paper:
    """文件: a published statement, by its title; its rows are numbered in the requirement base."""

    title: str

    def says(self, rows: str, *, but: str = "") -> Origin:
        """The act's figures stand in the paper; ``but`` names what was made up around them."""
        made_up = f"；{but}系{GENERATED}" if but else ""
        return Origin(FROM_PAPER, f"《{self.title}》{rows}{made_up}")

    def rules(self, rows: str) -> Origin:
        """The paper says how it is done, the generator to whom and when."""
        return Origin(GENERATOR, f"{GENERATED}：按《{self.title}》{rows} 的做法")

    def totals(self, rows: str) -> Origin:
        """The paper has the total, the generator this part of it."""
        return Origin(GENERATOR, f"{GENERATED}：分解自《{self.title}》{rows}")


MADE_UP = Origin(GENERATOR, f"{GENERATED}：文件未载，为走完流程而设")
"""What no paper says at all: persons, days, words."""

INSTALLED = Origin(CONSOLE, f"{GENERATED}：演示环境设置")
"""What an operator sets up before anybody works."""


@dataclass(frozen=True)
class Person:
    """演示人员: somebody at a post, in one role."""

    id: str
    role: Role
    post: str
    organisation: str

    def assigned(self, since: date) -> Step:
        """Take the post."""
        return Step(
            "assign_person",
            "office/main",
            OPERATOR,
            INSTALLED,
            {
                "person": self.id,
                "role": self.role,
                "post": self.post,
                "organisation": self.organisation,
                "since": since.isoformat(),
            },
        )


OPERATOR = Person("", Role.OPERATOR, "", "")
"""Whoever sits at the console: no post, no name."""

TREASURY = Person("", Role.SOURCE_SYSTEM, "", "")
"""The treasury's own system, which shows what it has already done."""


@dataclass(frozen=True)
class Step:
    """办理: one act, asked for as a front office would ask.

    ``refused_by``: the rule that has to refuse it; ``row``: the row of the treasury's system in
    which it was observed.
    """

    act: str
    subject: str
    by: Person
    origin: Origin
    asked: Mapping[str, Any]
    refused_by: str = ""
    row: str = ""

    def refused(self, rule: str) -> Self:
        """The same act, tried at a time at which this rule does not allow it."""
        return type(self)(self.act, self.subject, self.by, self.origin, self.asked, rule, self.row)

    @property
    def body(self) -> dict[str, Any]:
        """What is posted."""
        case: dict[str, Any] = {"role": self.by.role, "document": {"number": self.origin.document}}
        if self.by.id:
            case["actor"] = {"person": self.by.id}
        if self.row:
            seen = {"system": self.origin.system, "table": "voucher", "row": self.row}
            case["source"] = {**seen, "revision": "1"}
        return {**self.asked, "case": case}


@dataclass(frozen=True)
class Scene:
    """场次: what happened on one day."""

    day: date
    title: str
    steps: tuple[Step, ...] = field(repr=False)

    @classmethod
    def on(cls, day: str, title: str, steps: Iterable[Step]) -> Self:
        return cls(date.fromisoformat(day), title, tuple(steps))

    @classmethod
    def each(cls, day: str, title: str, step: Callable[[T], Step], of: Iterable[T]) -> Self:
        """The same step for each of these."""
        return cls.on(day, title, map(step, of))
