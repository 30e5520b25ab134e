"""How to make up a value for every word of the vocabulary, and for all that is made of words.

Every word has a *few* values, so that histories meet in the same line and item, and so that rules
stand at the point where they change their mind; and, where the doors let in more, *free* ones.
A word without an entry here is a ``KeyError``: whoever invents one says what may be said with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache, cached_property
from random import Random
from types import NoneType, UnionType
from typing import Annotated, Any, NewType, Union, cast, get_args, get_origin, get_type_hints

from hypothesis import strategies as st
from marshmallow.fields import Field

from aggregates.base import FACTS, Breach, Fact, RecordCorrected, Replacement, Severity
from aggregates.exante import Answer
from aggregates.roles import Role
from aggregates.rulebook import AfterReview, Measure, RuleSet
from aggregates.values import (
    Bands,
    ExAnteCriterion,
    Fen,
    FundCategory,
    FundLine,
    FundOrigin,
    Grade,
    Indicator,
    IndicatorKind,
    Percent,
    Quantity,
    ReviewStage,
    Score,
    Sign,
)
from commands import vocabulary as v
from commands.base import RULES
from commands.correction import Content
from commands.goal import OptionalDigest
from commands.office import OptionalCode, Roles
from commands.person import Telephone

UNITS = ("101", "101001", "102")
PROJECTS = ("2021-017", "2021-018")
PEOPLE = ("zhang", "li", "wang", "zhao", "sun")
LINES = ("L1", "L2")
ITEMS = ("Z1", "Z2")
CODES = ("A", "B")
YEARS = (2021, 2022, 2020)


@dataclass(frozen=True)
class Word:
    """The few values in which histories meet, and whatever else may be said."""

    few: tuple[Any, ...]
    free: st.SearchStrategy[Any] | None = None

    @cached_property
    def anything(self) -> st.SearchStrategy[Any]:
        """Mostly one of the few."""
        few = st.sampled_from(self.few)
        return few if self.free is None else st.one_of(*[few] * 9, self.free)


def _word(*few: Any, free: st.SearchStrategy[Any] | None = None) -> Word:
    return Word(few, free)


def _text(shortest: int, longest: int) -> st.SearchStrategy[str]:
    printable = st.characters(exclude_categories=["Cc", "Cs"])
    return st.text(printable, min_size=shortest, max_size=longest)


def _decimals(lowest: int, highest: int, places: int = 2) -> st.SearchStrategy[Decimal]:
    return st.decimals(lowest, highest, places=places)


def _scores(*scores: str) -> tuple[Score, ...]:
    return tuple(Score(Decimal(score)) for score in scores)


def _indicator(kind: IndicatorKind, weight: int) -> Indicator:
    return Indicator(kind, f"{kind.label}名称", Sign.AT_LEAST, "1", "项", Percent(Decimal(weight)))


def _line(id: str, amount: int, origin: FundOrigin = FundOrigin.OWN_LEVEL) -> FundLine:
    return FundLine(id, FundCategory.GENERAL_PUBLIC, origin, Fen(amount))


_codes = st.text("0aZ", min_size=1, max_size=1).flatmap(
    lambda first: st.text("0aZ._-", max_size=63).map(lambda rest: first + rest)
)
_digests = st.binary(min_size=32, max_size=32).map(bytes.hex)
_instants = st.datetimes(datetime(1950, 1, 1), datetime(2199, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
_years = st.integers(1990, 2100)
_small = st.integers(-(2**53), 2**53)
_sums = st.integers(0, 10**15 - 1).map(Fen)

COST, OUTPUT = _indicator(IndicatorKind.COST, 10), _indicator(IndicatorKind.OUTPUT, 50)
EFFECT, PLEASED = _indicator(IndicatorKind.EFFECT, 30), _indicator(IndicatorKind.SATISFACTION, 10)
WHOLE = (COST, OUTPUT, EFFECT, PLEASED)
OWN, BOND = _line("L1", 600_000_00), _line("L2", 400_000_00, FundOrigin.SPECIAL_BOND)
ALL_CRITERIA = tuple(Answer(criterion, "有") for criterion in ExAnteCriterion)

MONTH_ENDS = (
    date(2020, 2, 29),
    date(2020, 12, 31),
    date(2021, 2, 28),
    date(2021, 3, 1),
    date(2021, 4, 30),
    date(2021, 8, 31),
    date(2022, 12, 31),
)
FLAGGED = tuple(sorted(rule.id for rule in RULES.values() if rule.severity == Severity.FLAG))
LOOSE = tuple(sorted(rule.id for rule in RULES.values() if not rule.is_firm))
FIVE_STAGES = RuleSet(
    name="five-stages",
    title="五环节审核",
    review_chain=(
        ReviewStage.DEPARTMENT,
        ReviewStage.COUNTERPART_SECTION,
        ReviewStage.PERFORMANCE_SECTION,
        ReviewStage.BUDGET_SECTION,
        ReviewStage.COLLECTIVE,
    ),
    severities=dict.fromkeys(FLAGGED, Severity.REFUSE),
)
ONE_MEETING = RuleSet(
    name="meeting",
    title="只开会",
    review_chain=(ReviewStage.COLLECTIVE,),
    severities=dict.fromkeys(FLAGGED, Severity.OFF),
    rectification_months=1,
    deadline_skips_holidays=True,
    holidays=(date(2021, 5, 3),),
)
LENIENT = RuleSet(
    name="lenient",
    title="从宽",
    effective_from=date(2021, 1, 1),
    severities=dict.fromkeys(LOOSE, Severity.FLAG),
    unit_opinion_days=0,
    backdate_days=0,
    review_bands=Bands(Score(Decimal(80)), Score(Decimal(60)), Score(Decimal(0))),
)
INDIFFERENT = RuleSet(
    name="indifferent", title="不管", severities=dict.fromkeys(LOOSE, Severity.OFF)
)
RULE_SETS = (RuleSet(), FIVE_STAGES, ONE_MEETING, LENIENT, INDIFFERENT)


SubjectCode = NewType("SubjectCode", str)
"""A code of a project or a unit: what a meeting decides upon."""

_WORDS: dict[Any, Word] = {
    v.Name: _word("101", "财审〔2021〕8号", free=_text(1, 200)),
    v.Text: _word("未按规定公开", "已按要求补充完善", free=_text(1, 100)),
    v.Remark: _word("", "同意", "财审〔2021〕8号", free=_text(0, 100)),
    v.Code: _word(*CODES, free=_codes),
    v.UnitCode: _word(*UNITS, free=_codes),
    v.PersonId: _word(*PEOPLE, free=_codes),
    v.ItemId: _word(*ITEMS, free=_codes),
    v.FindingId: _word(*ITEMS, free=_codes),
    v.LineId: _word(*LINES, free=_codes),
    v.Digest: _word("0a" * 32, "0b" * 32, free=_digests),
    v.Year: _word(*YEARS, free=_years),
    v.Count: _word(1, 2, 3, free=st.integers(1, 1_000_000)),
    v.Position: _word(1, 2, 3, free=st.integers(1, 2**53)),
    v.Size: _word(0, 1, 300, free=st.integers(0, 2**53)),
    v.SignedYuan: _word(
        *map(Fen, (600_000_00, 1, -1, 400_000_00, -600_000_00, 0)),
        free=st.one_of(_sums, _sums.map(lambda fen: Fen(-fen))),
    ),
    v.PersonName: _word("张三", "李四", free=_text(1, 200)),
    Telephone: _word("13800000000", free=_text(1, 40)),
    OptionalDigest: _word("0a" * 32, "", free=_digests),
    OptionalCode: _word("", "zhang", "101", free=_text(1, 64)),
    Role: _word(
        Role.BUREAU_LEADER, Role.PERFORMANCE_SECTION, Role.UNIT_CLERK, free=st.sampled_from(Role)
    ),
    Roles: _word((Role.UNIT_CLERK,), (Role.AUDITOR, Role.DISCIPLINE), tuple(Role)),
    Content: _word({}, {"year": 2021}, {"reason": 1.5}, {"name": "", "unit": "101"}),
    SubjectCode: _word(*PROJECTS, *UNITS),
    Fen: _word(
        *map(Fen, (600_000_00, 400_000_00, 0, 1, 499_999_99, 500_000_00, 1_000_000_00)),
        free=_sums,
    ),
    Score: _word(
        *_scores("90", "89.99", "80", "79.99", "60", "59.99", "0", "100"),
        free=_decimals(0, 100),
    ),
    Percent: _word(Percent(Decimal(50)), Percent(Decimal(0)), free=_decimals(0, 100)),
    Quantity: _word(
        Quantity(Decimal("3.5")), Quantity(Decimal(0)), free=_decimals(0, 999_999, places=4)
    ),
    bool: _word(True, False),  # noqa: FBT003
    str: _word("", *LINES, *UNITS, *PEOPLE, "有", free=_text(0, 50)),
    int: _word(0, 1, 2, 2021, free=_small),
    date: _word(*MONTH_ENDS, free=st.dates(date(1950, 1, 1), date(2199, 12, 31))),
    datetime: _word(
        datetime(2021, 3, 1, tzinfo=UTC), datetime(2021, 3, 2, tzinfo=UTC), free=_instants
    ),
    Mapping[str, str]: _word({}, {"年度": "2021"}),
    Mapping[str, Severity]: _word(
        {}, {FLAGGED[0]: Severity.REFUSE}, {"no.such_rule": Severity.FLAG}
    ),
    Mapping[Grade, AfterReview]: _word(RuleSet().after_review),
    Mapping[Grade, Measure]: _word(RuleSet().after_evaluation, {}),
    tuple[Indicator, ...]: _word(WHOLE, WHOLE[1:], (OUTPUT,), ()),
    tuple[FundLine, ...]: _word((OWN, BOND), (OWN,), (), (OWN, OWN)),
    tuple[Answer, ...]: _word(ALL_CRITERIA, ALL_CRITERIA[1:], ()),
    tuple[Breach, ...]: _word((), (Breach(FLAGGED[0], Severity.FLAG, {"年度": "2021"}),)),
}

CALLED: Mapping[str, Any] = {
    "approver": v.PersonId,
    "attendees": tuple[v.PersonId, ...],
    "code": SubjectCode,
    "decider": v.PersonId,
    "evaluation": v.Code,
    "expert": v.PersonId,
    "finding": v.ItemId,
    "grader": v.PersonId,
    "hold": v.Code,
    "item": v.ItemId,
    "line": v.LineId,
    "person": v.PersonId,
    "reporter": v.PersonId,
    "responsible": v.UnitCode,
    "reviewer": v.PersonId,
    "submitter": v.PersonId,
    "superior": v.UnitCode,
    "unit": v.UnitCode,
    "verifier": v.PersonId,
    "version": v.Count,
    "voucher": v.Code,
    "year": v.Year,
}
"""Where a type says little (a text, a number, a code), the field's name says which word it is."""


@dataclass(frozen=True)
class Dictionary:
    """A set of words, and the values that can be made of them."""

    words: Mapping[Any, Word]

    def few(self, hint: Any) -> Sequence[Any]:
        """The values that a word, or an enumeration, has at hand."""
        return self.words[hint].few if hint in self.words else [*hint]

    def anything(self, hint: Any) -> st.SearchStrategy[Any]:
        """A strategy for whatever the hint allows."""
        if hint in self.words:
            return self.words[hint].anything
        if hint is Replacement:
            return self.facts().map(Replacement)
        if _is_enum(hint):
            return st.sampled_from(hint)
        if is_dataclass(hint):
            return self.made(cast("type", hint))
        inner = _inner(hint)
        if _is_optional(hint):
            return st.one_of(st.none(), self.anything(inner[0]))
        if get_origin(hint) is tuple:
            return st.lists(self.anything(inner[0]), max_size=3).map(tuple)
        return st.dictionaries(*map(self.anything, inner), max_size=3)

    def made(self, cls: type) -> st.SearchStrategy[Any]:
        """A strategy for a dataclass, each of whose fields holds whatever its hint allows."""
        hints = hints_of(cls)
        return st.builds(cls, **{name: self.anything(hints[name]) for name in hints})

    def facts(self) -> st.SearchStrategy[Fact[Any]]:
        """Anything that may have happened, but for corrections."""
        return st.one_of([self.anything(kind) for kind in _originals()])

    def some(self, hint: Any, dice: Random) -> Any:
        """A value at hand."""
        if hint in self.words or _is_enum(hint):
            return dice.choice(self.few(hint))
        if hint is Replacement:
            return Replacement(self.some(dice.choice(_originals()), dice))
        if is_dataclass(hint):
            hints = hints_of(hint)
            return cast("Any", hint)(**{n: self.some(hints[n], dice) for n in hints})
        inner = _inner(hint)
        if _is_optional(hint):
            return dice.choice([None, self.some(inner[0], dice)])
        if get_origin(hint) is tuple:
            return tuple(self.some(inner[0], dice) for _ in range(dice.randint(0, 2)))
        return dict([[self.some(each, dice) for each in inner]] * dice.randint(0, 1))

    def varied(self, hint: Any, value: Any, dice: Random) -> Any:
        """The same but for one word, for which another one at hand is said."""
        if hint not in self.words and is_dataclass(hint):
            hints = hints_of(hint)
            name = dice.choice([*hints])
            return replace(value, **{name: self.varied(hints[name], getattr(value, name), dice)})
        if hint not in self.words and get_origin(hint) is tuple and value and dice.random() < 0.8:
            return self._varied_among(_inner(hint)[0], value, dice)
        return self.some(hint, dice)

    def _varied_among(self, hint: Any, value: tuple[Any, ...], dice: Random) -> tuple[Any, ...]:
        place = dice.randrange(len(value))
        if dice.random() < 0.2:
            return (*value[:place], *value[place + 1 :])
        other = self.varied(hint, value[place], dice)
        return (*value[:place], other, *value[place + 1 :])


def _originals() -> list[type[Fact[Any]]]:
    """The kinds of facts that a correction may put in the place of another."""
    return [fact for fact in FACTS.values() if fact is not RecordCorrected]


def hints_of(cls: Any) -> dict[str, Any]:
    """What each field of a dataclass may hold."""
    found: dict[str, Any] = _hints(cls)
    return found


@cache
def _hints(cls: Any) -> dict[str, Any]:
    hints = get_type_hints(cls, include_extras=True)
    return {f.name: _called(f.name, hints[f.name]) for f in fields(cls)}


def _called(name: str, hint: Any) -> Any:
    hint = _word_of(hint)
    says_little = hint in (str, int, v.Code, tuple[str, ...])
    return _word_of(CALLED.get(name, hint)) if says_little else hint


def _word_of(hint: Any) -> Any:
    """The word itself, or what is made of words, without what fields add and call themselves."""
    if get_origin(hint) is Annotated:
        bare, *marks = get_args(hint)
        words = [mark for mark in marks if isinstance(mark, Field)]
        return Annotated[(bare, *words)] if words else _word_of(bare)
    inner = tuple(_word_of(each) for each in get_args(hint))
    made_of: Any = Union if _is_optional(hint) else get_origin(hint)
    return made_of[inner] if inner else hint


def _is_enum(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Enum)


def _is_optional(hint: Any) -> bool:
    return get_origin(hint) in (UnionType, Union)


def _inner(hint: Any) -> list[Any]:
    """What a hint is made of. A word that nobody has entered above is made of nothing."""
    if get_origin(hint) in (None, Annotated):
        raise KeyError(hint)
    return [each for each in get_args(hint) if each not in (NoneType, ...)]


WORDS = {_word_of(hint): word for hint, word in _WORDS.items()}
OURS = Dictionary(WORDS)
WORDS[RuleSet] = Word(RULE_SETS, OURS.made(RuleSet))
anything = OURS.anything
