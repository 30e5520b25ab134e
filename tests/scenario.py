"""``given`` what happened, ``when`` this is asked, ``then`` these are the facts, or the refusal.

Told once, used everywhere::

    given(Project, reserved, submitted).by("wang", Role.BUDGET_SECTION).when(
        GiveOpinion(...)
    ).refused(review.STAGES_IN_ORDER)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any, Self

from aggregates.base import Actor, Aggregate, Envelope, Fact, Record, Severity, Source, fold
from aggregates.person import provided
from aggregates.roles import Role
from aggregates.rulebook import DEFAULT, RuleSet
from commands.base import Case, Command, Into, Rule, Undecided

SOMEWHERE = "2021-017"
SOMEBODY = Actor("somebody", Role.OPERATOR)
TODAY = date(2021, 3, 1)


def happened(facts: Iterable[Fact[Any]], stream: str) -> list[Record[Any]]:
    """The records of these facts, in this order."""
    envelope = Envelope("token", SOMEBODY, TODAY, "given")
    return [Record(stream, n, envelope, fact, n) for n, fact in enumerate(facts, start=1)]


def history(kind: type[Aggregate], *facts: Fact[Any], code: str = SOMEWHERE) -> Aggregate:
    """An aggregate to which these facts happened, in this order."""
    return fold(kind.of(code), happened(facts, kind.stream(code)))


class Scenario:
    """One case: what happened before, who asks, when, under which rule set, and what is asked."""

    def __init__(self, subject: Aggregate) -> None:
        self.subject = subject
        self.others: dict[str, Aggregate] = {subject.id: subject}
        self.case = Case(SOMEBODY, TODAY, TODAY, self._history, lambda: bytes(16))

    def _history(self, kind: type[Aggregate], code: str) -> Aggregate:
        return self.others.get(kind.stream(code)) or kind.of(code)

    def and_given(self, kind: type[Aggregate], *facts: Fact[Any], code: str = SOMEWHERE) -> Self:
        other = history(kind, *facts, code=code)
        self.others[other.id] = other
        return self

    def by(self, person: str, role: Role, organisation: str = "", **named: Any) -> Self:
        self.case.actor = Actor(person, role, organisation=organisation, **named)
        return self

    def on(self, day: date, today: date | None = None) -> Self:
        self.case.on, self.case.today = day, today or day
        return self

    def under(self, rule_set: RuleSet = DEFAULT, **changes: Any) -> Self:
        self.case.rule_set = replace(rule_set, **changes)
        return self

    def observed(self, source: Source | None = None) -> Self:
        self.case.observed, self.case.source = True, source
        return self

    def when(self, command: Command[Any]) -> Self:
        self.facts: list[Any] = []
        try:
            decided = command.decide(self.subject, self.case)
        except Undecided:
            return self
        if isinstance(decided, Fact):
            self.facts = [decided]
        elif isinstance(decided, Iterable):
            self.facts = list(decided)
        return self

    def then(self, *expected: Fact[Any] | Into[Any]) -> None:
        """These facts and no breach."""
        assert self.case.breaches == []
        assert self.facts == list(expected)

    def refused(self, *rules: Rule) -> None:
        """Exactly these rules refuse; others may have flagged."""
        assert self._breached(Severity.REFUSE) == {rule.id for rule in rules}

    def flagged(self, *rules: Rule, then: Iterable[Fact[Any] | Into[Any]] | None = None) -> None:
        """Exactly these rules were flagged, none refused, and the facts follow."""
        assert self._breached(Severity.REFUSE) == set()
        assert self._breached(Severity.FLAG) == {rule.id for rule in rules}
        assert self.facts
        if then is not None:
            assert self.facts == list(then)

    def recorded_with(self, *rules: Rule) -> None:
        """Observed: the facts are recorded in spite of these breaches."""
        assert self.case.observed
        assert self.facts
        assert {breach.rule for breach in self.case.breaches} == {rule.id for rule in rules}

    def _breached(self, severity: Severity) -> set[str]:
        return {breach.rule for breach in self.case.breaches if breach.severity == severity}


def given(kind: type[Aggregate], *facts: Fact[Any], code: str = SOMEWHERE) -> Scenario:
    told = Scenario(history(kind, *facts, code=code))
    told.case.provided = lambda: provided(happened(facts, told.subject.id))
    return told
