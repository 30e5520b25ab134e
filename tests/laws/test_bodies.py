"""How records are written down: one form, for ever; and everything ever written is read again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregates.base import FACTS, KINDS, Envelope, Fact, Record, fold
from service.ledger.body import decode, encode, plain
from tests.laws.corpus import Line, lines, terms, terms_in_use, untold
from tests.words import WORDS, Dictionary, Word

TEXT = Word(("",), st.text())
WHOLE_NUMBER = Word((0,), st.integers(-(2**53), 2**53))
WILD = Dictionary(
    {
        **WORDS,
        **{hint: TEXT for hint in WORDS if str in (hint, *get_args(hint)[:1])},
        int: WHOLE_NUMBER,
        Mapping[str, str]: Word(({},), st.dictionaries(st.text(), st.text())),
    }
)
"""All that a fact can hold, also what no door would let in."""


def written(topic: str) -> st.SearchStrategy[tuple[Envelope, Fact[Any]]]:
    return st.tuples(WILD.anything(Envelope), WILD.anything(FACTS[topic]))


@pytest.mark.parametrize("topic", sorted(FACTS))
@settings(max_examples=settings().max_examples // 5)
@given(st.data())
def test_what_is_written_is_read_back(topic: str, dice: st.DataObject) -> None:
    """And in one form only: sorted keys, no spaces, UTF-8, no floats, as any JSON library would."""
    envelope, fact = dice.draw(written(topic))
    body = encode(envelope, fact)
    assert decode(topic, body) == (envelope, fact)
    assert encode(*decode(topic, body)) == body
    told = json.loads(body, parse_float=no_float)
    canonical = json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert body == canonical.encode()


def no_float(text: str) -> float:
    raise AssertionError(f"{text} is a float")


@pytest.mark.parametrize("line", lines(), ids=[f"{n}-{x.topic}" for n, x in enumerate(lines(), 1)])
def test_whatever_was_ever_recorded_is_read_for_ever(line: Line) -> None:
    """It decodes, nothing of it is lost, and it happens to every history of its kind."""
    envelope, fact = decode(line.topic, json.dumps(line.body).encode())
    read = {"envelope": plain(envelope), "fact": plain(fact)}
    for part, told in line.body.items():
        assert told.items() <= read[part].items()
    assert fact.sentence()
    for kind in KINDS.values():
        if issubclass(kind, fact.about):
            it = kind.of("anywhere")
            assert fold(it, [Record(it.id, 1, envelope, fact, position=1)]).version == 1


def test_every_field_of_every_fact_has_an_example() -> None:
    """A new fact or field gets its line by ``python -m tests.laws.corpus --add``."""
    assert untold() == set()


def test_no_term_is_ever_taken_away() -> None:
    """A code of an enumeration stays; a new one is added to the corpus as facts are."""
    assert {name: sorted(codes) for name, codes in terms().items()} == {
        name: sorted(codes) for name, codes in terms_in_use().items()
    }
