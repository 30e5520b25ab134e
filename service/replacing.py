"""更正内容: a fact that stands in for another one, in the form and bounds of the doors.

It is said in the words in which the act was asked from which such a fact follows; for what the act
concluded by itself, the type says which word it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import MISSING, fields
from typing import Any, cast, get_type_hints

import marshmallow as ma

from aggregates.base import Fact
from aggregates.values import Fen
from commands.base import ACTS
from commands.vocabulary import MoneyField
from service.request import pointed
from service.schemas import Strict, field_of, schema_of

CONCLUDED: Mapping[Any, ma.fields.Field[Any]] = {
    Fen: MoneyField(signed=True),
    int: ma.fields.Integer(strict=True, validate=ma.validate.Range(0, 1_000_000)),
}
"""What an act concludes may be less than nothing, as few sums at the doors are."""


def fact_from(kind: type[Fact[Any]], told: Mapping[str, Any]) -> Fact[Any]:
    """The fact of a kind that a JSON object tells.

    Raises ``ValueError`` with every fault in one sentence.
    """
    try:
        return kind(**fact_schema(kind).load(told))
    except ma.ValidationError as error:
        faults = pointed(error.messages)
        sentence = "；".join(f"{at or '/'}: {'、'.join(faults[at])}" for at in faults)
        raise ValueError(sentence) from error


def fact_schema(kind: type[Fact[Any]]) -> ma.Schema:
    """The schema in which a fact is told by hand."""
    asked = [dict(_asked(act.command)) for act in ACTS.values() if kind in act.facts]
    hints = get_type_hints(kind)
    made = deepcopy(schema_of(cast("Any", kind)).declared_fields)
    for name, derived in made.items():
        words = [each[name] for each in asked if each.get(name, (None,))[0] == hints[name]]
        if words and len(words) == len(asked):
            made[name] = _like(derived, field_of(words[0][1]))
        elif hints[name] in CONCLUDED:
            made[name] = _like(derived, deepcopy(CONCLUDED[hints[name]]))
    return Strict.from_dict(made, name=kind.__name__)()


def _like(derived: ma.fields.Field[Any], word: ma.fields.Field[Any]) -> ma.fields.Field[Any]:
    word.required, word.allow_none = derived.required, derived.allow_none
    return word


def _asked(command: type[Any]) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """What a command cannot do without: the bare type of each field, and its word."""
    bare, words = get_type_hints(command), get_type_hints(command, include_extras=True)
    for declared in fields(command):
        if declared.default is MISSING and declared.default_factory is MISSING:
            yield declared.name, (bare[declared.name], words[declared.name])
