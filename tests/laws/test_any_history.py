"""Anyone asks anything of a few projects and units, in any order: what holds in spite of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from functools import partial
from itertools import count
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, note, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine

from aggregates.base import KINDS, Aggregate, Fact, Record, RecordCorrected, fold, kind_of
from aggregates.correction import Correctable
from aggregates.ledger import Refusals
from aggregates.roles import Role
from commands.base import ACTS
from commands.correction import CorrectRecord
from service.ledger.body import decode, encode
from service.replacing import fact_schema
from service.request import is_our_own
from service.sitting import Outcome
from tests.laws.nevers import look_for_nevers
from tests.laws.road import ROAD
from tests.laws.world import DAYS, SOURCES, Ask, World, roles_of
from tests.words import OURS, PEOPLE, anything

ANY_ACT = st.sampled_from(sorted(ACTS))
FEW_ACTS = st.lists(ANY_ACT, min_size=4, max_size=4, unique=True)
OTHERWISE = (
    "time_passes",
    "any_fact_happens_to_any_history",
    "somebody_corrects_a_record",
    "the_last_act_is_asked_again_under_its_key",
)
POSSIBLE = st.just("whatever_is_possible")
AGAIN = st.just("somebody_does_nearly_the_same_again")
EVENTS = st.one_of(POSSIBLE, POSSIBLE, POSSIBLE, AGAIN, ANY_ACT, st.sampled_from(OTHERWISE))
SEEDS = st.integers(0, 2**16)
COMMANDS = {name: anything(act.command) for name, act in ACTS.items()}
FACTS = OURS.facts()
SEEN = st.sampled_from(SOURCES)
SOMETIMES_SEEN = st.one_of(*[st.none()] * 9, SEEN)


class AnyHistory(RuleBasedStateMachine):
    """Every act is asked as often as any other, mostly where it is allowed.

    ``occurred`` counts what followed from being asked, not what the ordinary road left behind.
    """

    def __init__(
        self, engine: Engine, occurred: Counter[type[Fact[Any]]], names: Iterator[str]
    ) -> None:
        super().__init__()
        self.world, self.occurred = World(engine, next(names)), occurred

    @initialize(
        steps=st.one_of(st.integers(0, len(ROAD)), st.just(len(ROAD))),
        left_out=st.sets(st.integers(len(ROAD) // 2, len(ROAD)), max_size=4),
    )
    def begin_on_the_ordinary_road(self, steps: int, left_out: set[int]) -> None:
        """Begin anywhere on it, so that its far end is explored as well; maybe by a shorter way."""
        road = [ask for number, ask in enumerate(ROAD[:steps]) if number not in left_out]
        for ask, outcome in zip(road, self.world.follow(road), strict=True):
            assert outcome.is_recorded or left_out, outcome.records[0].fact.sentence()
            self.examine(ask, outcome)

    @rule(dice=st.data())
    def something_happens(self, dice: st.DataObject) -> None:
        """One rule for everything: of many, hypothesis would leave most out of each run."""
        event = dice.draw(EVENTS, "event")
        if event in ACTS:
            self.ask_and_count(dice.draw(asks(self.world, event), event))
        else:
            getattr(self, event)(dice)

    def whatever_is_possible(self, dice: st.DataObject) -> None:
        """Of a few acts, the first that somebody would be allowed to do; rarely done ones first."""
        names = dice.draw(FEW_ACTS, "acts")
        for name in sorted(names, key=lambda name: len(self.world.granted.get(name, ()))):
            ask = dice.draw(asks(self.world, name), name)
            if self.world.reluctance(ask) == 0:
                self.ask_and_count(ask)
                break

    def somebody_does_nearly_the_same_again(self, dice: st.DataObject) -> None:
        """What was allowed once, with another word: where it says *once*, this is how to see it."""
        if self.world.granted:
            again = dice.draw(st.sampled_from(sorted(self.world.granted)), "act")
            ask = dice.draw(st.sampled_from(self.world.granted[again]), "once")
            self.ask_and_count(self.world.nearly(ask, Random(dice.draw(SEEDS, "another word"))))

    def time_passes(self, dice: st.DataObject) -> None:
        self.world.pass_days(dice.draw(st.sampled_from([1, 10, 31, 62, 366]), "days"))

    def any_fact_happens_to_any_history(self, dice: st.DataObject) -> None:
        """What happened, happened: to a blank history, and to every one that there is."""
        fact = dice.draw(FACTS, "fact")
        kinds = [kind for kind in KINDS.values() if issubclass(kind, fact.about)]
        for it in [kind.of("blank") for kind in kinds] + self.histories(*kinds):
            touched = deepcopy(it)
            fact.apply(touched)
            assert touched.version == it.version
        assert fact.sentence()

    def somebody_corrects_a_record(self, dice: st.DataObject) -> None:
        """Another word in what was recorded; by somebody who may do the act that it came from."""
        correctable = [r for r in self.world.records if issubclass(kind_of(r.stream), Correctable)]
        if correctable:
            record = dice.draw(st.sampled_from(correctable), "record")
            chance = Random(dice.draw(SEEDS, "another word"))
            other = OURS.varied(type(record.fact), record.fact, chance)
            entitled = ACTS[record.envelope.act].by & CorrectRecord.act.by
            self.ask_and_count(
                Ask(
                    CorrectRecord(record.position, "登记有误", told_at_a_door(other)),
                    kind_of(record.stream),
                    record.stream.partition("/")[2],
                    "sun",
                    chance.choice(sorted(entitled or CorrectRecord.act.by)),
                )
            )

    def the_last_act_is_asked_again_under_its_key(self, _: st.DataObject) -> None:
        self.world.repeat()

    @invariant()
    def what_is_remembered_is_what_was_recorded(self) -> None:
        """Replay gives the live state; so no decision, carried out or not, has changed anything."""
        for it in self.histories():
            assert it == fold(type(it).of(it.code), self.world.of(it.id))

    @invariant()
    def corrected_histories_read_as_if_they_had_been_right(self) -> None:
        for it in self.histories(Correctable):
            if it.corrections:
                right = fold(type(it).of(it.code), as_if_right(self.world.of(it.id)))
                assert replace(right, version=it.version, corrections=it.corrections) == it

    def histories(self, *kinds: type[Aggregate]) -> list[Aggregate]:
        """Those that the ledger has in its memory."""
        known = self.world.ledger._known.values()
        return [it for it in known if not kinds or isinstance(it, kinds)]

    def ask(self, ask: Ask) -> Outcome | None:
        note(f"{self.world.now:%Y-%m-%d} {ask}")
        outcome = self.world.carry_out(ask)
        if outcome is not None:
            note(f"    {outcome.outcome}: {[r.fact.sentence() for r in outcome.records]}")
            self.examine(ask, outcome)
        return outcome

    def examine(self, ask: Ask, outcome: Outcome) -> None:
        """Hold every new record to what must be true of it."""
        if not outcome.is_recorded:
            assert {kind_of(r.stream) for r in outcome.records} == {Refusals}
        for record in outcome.records:
            before = self.world.records[: record.position - 1]
            assert self.world.records[record.position - 1] == record
            assert record.version == 1 + sum(r.stream == record.stream for r in before)
            assert_stable(record)
            if outcome.is_recorded:
                assert_declared(record, ask, before)
                look_for_nevers(record, before)

    def ask_and_count(self, ask: Ask) -> None:
        outcome = self.ask(ask)
        if outcome is not None:
            self.occurred.update(type(record.fact) for record in outcome.records)


def told_at_a_door(fact: Fact[Any]) -> dict[str, Any]:
    """A fact as somebody would write it who corrects a record; of a correction nobody can."""
    told: Any = {} if isinstance(fact, RecordCorrected) else fact_schema(type(fact)).dump(fact)
    return dict(told)


def assert_stable(record: Record[Any]) -> None:
    """What was written reads back equal, and is written again in the same bytes."""
    body = encode(record.envelope, record.fact)
    assert decode(record.fact.TOPIC, body) == (record.envelope, record.fact)
    assert encode(*decode(record.fact.TOPIC, body)) == body


def assert_declared(record: Record[Any], ask: Ask, before: list[Record[Any]]) -> None:
    """An act leads to facts that it has announced, about histories of their kind."""
    assert issubclass(kind_of(record.stream), record.fact.about)
    if isinstance(record.fact, RecordCorrected):
        (original,) = (r for r in before if r.position == record.fact.position)
        replacement = record.fact.replacement
        assert original.stream == record.stream
        assert replacement is None or issubclass(kind_of(record.stream), replacement.fact.about)
    else:
        assert isinstance(record.fact, ask.act.facts)


def as_if_right(history: list[Record[Any]]) -> Iterator[Record[Any]]:
    """A history in which what was corrected had been recorded rightly at once."""
    corrected = {r.fact.position: r.fact for r in history if isinstance(r.fact, RecordCorrected)}
    for record in history:
        correction = corrected.get(record.position)
        if correction is None and not isinstance(record.fact, RecordCorrected):
            yield record
        elif correction is not None and correction.replacement is not None:
            yield replace(record, fact=correction.replacement.fact)


@st.composite
def asks(draw: st.DrawFn, world: World, name: str) -> Ask:
    """Somebody asks for an act: any words, then mostly others until it would be allowed.

    Or it is said to have happened elsewhere; then as often against the rules as not.
    """
    act, chance = ACTS[name], Random(draw(SEEDS))
    kind, code = chance.choice(world.subjects(act))
    ask = Ask(
        draw(COMMANDS[name]),
        kind,
        code,
        chance.choice(PEOPLE),
        chance.choice(roles_of(act)),
        is_personal=chance.random() < 0.1,
        on=chance.choice(DAYS),
    )
    seen = draw(SEEN if act.observed else SOMETIMES_SEEN)
    if draw(st.integers(0, 5)) < (3 if seen else 5):
        ask = world.persuaded(ask, chance)
    if seen is None or is_our_own(act):
        return ask
    seen = replace(seen, table=f"{name}-{ask.code}")
    return replace(ask, role=Role.SOURCE_SYSTEM, source=seen, is_personal=False)


@pytest.mark.timeout(900)  # a failure may take minutes to shrink
def test_any_history(sqlite_engine: Engine) -> None:
    """The laws hold; and they were put to the test, for everything that can happen has happened.

    In rounds of ten worlds: after ten, hypothesis would make every world six times, nearly alike.
    """
    occurred: Counter[type[Fact[Any]]] = Counter()
    names = (f"world-{number}" for number in count(1))
    for number in range(settings().max_examples // 7):
        machine: Any = partial(AnyHistory, sqlite_engine, occurred, names)
        if settings().derandomize:
            machine = seed(number)(machine)
        run_state_machine_as_test(machine, settings=TEN_WORLDS)
    possible = {fact for act in ACTS.values() for fact in act.facts}
    assert sorted(fact.TOPIC for fact in possible - set(occurred)) == [], occurred


TEN_WORLDS = settings(
    max_examples=10,
    stateful_step_count=50,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ],
)
