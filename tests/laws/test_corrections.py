"""What a correction may change, and that whatever was recorded can be told again at a door."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

import pytest
from sqlalchemy import Engine

from aggregates.base import FACTS, Fact, kind_of
from aggregates.correction import MAY_BE_CORRECTED, Correctable, standing
from service.replacing import fact_from, fact_schema
from tests.laws.road import ROAD
from tests.laws.test_declarations import within
from tests.laws.world import World
from tests.words import CALLED


def test_names_of_people_and_things_are_never_corrected() -> None:
    assert sorted(MAY_BE_CORRECTED & CALLED.keys()) == []


def test_all_that_may_be_corrected_is_a_word_of_some_fact() -> None:
    said = {f.name for fact in FACTS.values() for each in within(fact) for f in _fields(each)}
    assert sorted(MAY_BE_CORRECTED - said) == []


@pytest.mark.parametrize("fact", [f for f in FACTS.values() if issubclass(f.about, Correctable)])
def test_every_fact_that_is_corrected_has_something_that_stays(fact: type[Fact[Any]]) -> None:
    """But for a condition that was met, of which a project has one at a time."""
    stays = {f.name for f in _fields(fact)} - MAY_BE_CORRECTED
    assert stays or fact.TOPIC == "ex_ante.condition_met"


def test_what_was_recorded_is_told_at_a_door_as_it_was(sqlite_engine: Engine) -> None:
    """So nobody who corrects one word is refused for another, which was right."""
    world = World(sqlite_engine, "told-again")
    world.follow(ROAD)
    told = [r.fact for r in world.records if issubclass(kind_of(r.stream), Correctable)]
    assert len({type(fact) for fact in told}) > 20
    for fact in told:
        again = fact_from(type(fact), _told(fact))
        assert again == fact
        assert [*standing(again)] == [*standing(fact)]


def _told(fact: Fact[Any]) -> dict[str, Any]:
    told: Any = fact_schema(type(fact)).dump(fact)
    return dict(told)


def _fields(hint: Any) -> tuple[Any, ...]:
    return fields(hint) if is_dataclass(hint) else ()
