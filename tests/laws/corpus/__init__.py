"""Examples of every fact that was ever shipped, in the form in which it was first recorded.

``facts.json`` and ``terms.json`` only grow: ``python -m tests.laws.corpus --add`` appends what they
do not know yet. A line is never changed, for somewhere there are records like it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, get_args

from aggregates.base import FACTS, Envelope
from tests.words import hints_of

HERE = Path(__file__).parent
FACTS_FILE, TERMS_FILE = HERE / "facts.json", HERE / "terms.json"


@dataclass(frozen=True)
class Line:
    """One recorded example: its topic, and its body as JSON."""

    topic: str
    body: Mapping[str, Mapping[str, Any]]


def lines() -> list[Line]:
    """Every example that was ever shipped."""
    return [Line(**told) for told in _read(FACTS_FILE) or []]


def untold() -> set[tuple[str, str]]:
    """The topics of which no example tells a field, of the fact or of the envelope."""
    told = {(line.topic, name) for line in lines() for name in line.body["fact"]}
    facts = {(topic, name) for topic in FACTS for name in hints_of(FACTS[topic])}
    told_around = {name for line in lines() for name in line.body["envelope"]}
    return facts - told | {(min(FACTS), name) for name in set(hints_of(Envelope)) - told_around}


def terms() -> dict[str, list[str]]:
    """The codes of every enumeration, as far as they were ever shipped."""
    return _read(TERMS_FILE) or {}


def terms_in_use() -> dict[str, list[str]]:
    """The codes of every enumeration that facts and envelopes are made of."""
    seen = set[Any]()
    recorded: list[Any] = [*FACTS.values(), Envelope]
    enums = {each for cls in recorded for each in _enums(cls, seen)}
    return {each.__name__: [term.value for term in each] for each in enums}


def _read(file: Path) -> Any:
    return json.loads(file.read_text("utf-8")) if file.exists() else None


def _enums(hint: Any, seen: set[Any]) -> Iterator[type[Enum]]:
    if isinstance(hint, type) and issubclass(hint, Enum):
        yield hint
    elif hint not in seen:
        seen.add(hint)
        for inner in hints_of(hint).values() if is_dataclass(hint) else get_args(hint):
            yield from _enums(inner, seen)
