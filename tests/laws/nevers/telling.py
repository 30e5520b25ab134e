"""How it is told what never happens: sentences, and what they may look at.

Each sentence looks at one new record and at everything that was recorded before it. It holds for
acts that somebody was allowed to do: not for what was only observed, and not where an office's rule
set has turned a refusal into a flag, or refusals off.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from aggregates.base import Fact, Record, RecordCorrected, Severity
from aggregates.rulebook import DEFAULT, RULEBOOK, RuleBook, RuleSet, RuleSetPublished
from commands.base import RULES

Sentence = Callable[[Any, Record[Any], "Before"], None]

NEVERS: dict[type[Fact[Any]], list[Sentence]] = defaultdict(list)


def never(*kinds: type[Fact[Any]]) -> Callable[[Sentence], Sentence]:
    """A sentence about every new fact of these kinds."""

    def keep(sentence: Sentence) -> Sentence:
        for kind in kinds:
            NEVERS[kind].append(sentence)
        return sentence

    return keep


class Before:
    """What had happened, corrections taken into account, when a record was made."""

    def __init__(self, told: Iterable[tuple[str, Fact[Any]]]) -> None:
        self.told = list(told)

    def all(self, stream: str, *kinds: type[Fact[Any]], **told: object) -> list[Any]:
        """The facts of these kinds in a history whose fields have these values."""
        return [
            fact
            for where, fact in self.told
            if where == stream
            and isinstance(fact, kinds)
            and all(getattr(fact, name) == value for name, value in told.items())
        ]

    def last(self, stream: str, *kinds: type[Fact[Any]], **told: object) -> Any:
        return next(reversed(self.all(stream, *kinds, **told)), None)

    def since(self, stream: str, *kinds: type[Fact[Any]], **told: object) -> Before:
        """What happened after the last of these facts."""
        last, begin = self.last(stream, *kinds, **told), 0
        for place, (_, fact) in enumerate(self.told, start=1):
            begin = place if fact is last else begin
        return Before(self.told[begin:])

    def rule_set(self, edition: int) -> RuleSet:
        found = self.last(RuleBook.stream(RULEBOOK), RuleSetPublished, edition=edition)
        return found.rule_set if found else DEFAULT


def _as_corrected(records: Sequence[Record[Any]]) -> Iterator[tuple[str, Fact[Any]]]:
    corrected = {
        r.fact.position: r.fact.replacement for r in records if isinstance(r.fact, RecordCorrected)
    }
    for record in records:
        replacement = corrected.get(record.position)
        if replacement is not None:
            yield record.stream, replacement.fact
        elif record.position not in corrected:
            yield record.stream, record.fact


def look_for_nevers(new: Record[Any], earlier: Sequence[Record[Any]]) -> None:
    """Raise ``AssertionError`` where something happened that never happens."""
    before = Before(_as_corrected(earlier))
    if not (new.envelope.observed or _is_forgiven(new, before.rule_set(new.envelope.rule_set))):
        for sentence in NEVERS.get(type(new.fact), ()):
            sentence(new.fact, new, before)


def _is_forgiven(new: Record[Any], rule_set: RuleSet) -> bool:
    """A rule that refuses elsewhere was only flagged, or may not have been looked at."""
    off = (rule for rule, severity in rule_set.severities.items() if severity == Severity.OFF)
    breached = (breach.rule for breach in new.envelope.breaches)
    return any(RULES[rule].severity == Severity.REFUSE for rule in chain(off, breached))
