"""Dataclasses as marshmallow schemas: one bridge for requests, rule sets and replaced facts."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, cast, get_args, get_origin, get_type_hints

import marshmallow as ma

from aggregates.base import title_of
from aggregates.values import Term
from commands.vocabulary import FIELDS, CodeField, TextField

BARE: Mapping[Any, ma.fields.Field[Any]] = {
    **FIELDS,
    str: TextField(2000, shortest=0),
    int: ma.fields.Integer(strict=True, validate=ma.validate.Range(-(2**53), 2**53)),
}
MOST_ELEMENTS = 2000
"""The longest list that a request may contain."""


class Strict(ma.Schema):
    """Every field that is not declared is refused."""

    class Meta:
        unknown = ma.RAISE


class TupleOf(ma.fields.List[Any]):
    """A list at the doors, a tuple inside, so that what was asked stays as it was."""

    def _deserialize(self, *args: Any, **kwargs: Any) -> Any:
        return tuple(super()._deserialize(*args, **kwargs))


class Made(ma.fields.Nested):
    """An object at the doors, a dataclass inside."""

    def __init__(self, cls: type, **kwargs: Any) -> None:
        super().__init__(schema_of(cls), **kwargs)
        self.cls = cls

    def _deserialize(self, *args: Any, **kwargs: Any) -> Any:
        return self.cls(**super()._deserialize(*args, **kwargs))


@cache
def schema_of(cls: Any) -> ma.Schema:
    """The schema of a dataclass; its fields are words of the vocabulary or made of them.

    Loading gives the keyword arguments of the dataclass, every fault at once.
    """
    hints = get_type_hints(cls, include_extras=True)
    made = {f.name: _described(f, hints[f.name]) for f in fields(cls)}
    return Strict.from_dict(made, name=cls.__name__)()


def _described(declared: Field[Any], hint: Any) -> ma.fields.Field[Any]:
    """A field with what it is called, and with the labels of its codes."""
    field = _optional_or_not(declared, hint)
    told = called(hint)
    if isinstance(field, ma.fields.Enum) and issubclass(field.enum, Term):
        told = labelled(told, field.enum)
    if told:
        field.metadata = {**field.metadata, "description": told}
    return field


def called(hint: Any) -> str:
    """What a field of this type is called: the last text beside the type, or else its title.

    A ``PersonId`` is 人员编号, an ``Annotated[PersonId, "执行人"]`` is 执行人. Nothing where the
    type says nothing and no text stands beside it.
    """
    if get_origin(hint) is Annotated:
        bare, *marks = get_args(hint)
        words = [mark for mark in marks if isinstance(mark, str)]
        return words[-1] if words else called(bare)
    if get_origin(hint) in (tuple, UnionType, Union):
        return called(get_args(hint)[0])
    has_title = isinstance(hint, type) and (issubclass(hint, Term) or is_dataclass(hint))
    return title_of(hint) if has_title else ""


def labelled(description: str, terms: type[Term]) -> str:
    """What a field is called, and what each of its codes means."""
    return f"{description}: " + "，".join(f"{each.value} {each.label}" for each in terms)


def _optional_or_not(declared: Field[Any], hint: Any) -> ma.fields.Field[Any]:
    is_nullable = get_origin(hint) in (UnionType, Union) and NoneType in get_args(hint)
    if is_nullable:
        (hint,) = (each for each in get_args(hint) if each is not NoneType)
    field = field_of(hint)
    field.allow_none = is_nullable
    field.required = declared.default is MISSING and declared.default_factory is MISSING
    return field


def field_of(hint: Any) -> ma.fields.Field[Any]:
    """The field for a type: chosen by hand, of the vocabulary, or derived."""
    if get_origin(hint) is Annotated:
        return _annotated(*get_args(hint))
    if hint in BARE:
        return deepcopy(BARE[hint])
    if get_origin(hint) is tuple:
        longest = ma.validate.Length(0, MOST_ELEMENTS)
        return TupleOf(field_of(get_args(hint)[0]), validate=longest)
    if isinstance(get_origin(hint), type) and issubclass(get_origin(hint), Mapping):
        keys, values = get_args(hint)
        return ma.fields.Dict(_key_of(keys), field_of(values))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return ma.fields.Enum(hint, by_value=True)
    if is_dataclass(hint):
        return Made(hint)  # type: ignore[arg-type]
    raise TypeError(f"the vocabulary has no word for {hint}")


def _annotated(bare: Any, *marks: Any) -> ma.fields.Field[Any]:
    """The field of a word, with the marks that go with it: how long a list may be."""
    chosen = [mark for mark in marks if isinstance(mark, ma.fields.Field)]
    field = deepcopy(chosen[0]) if chosen else field_of(bare)
    if get_origin(bare) is tuple and not isinstance(field, TupleOf):
        field = _as_tuple(cast("ma.fields.List[Any]", field))
    for mark in marks:
        if isinstance(mark, ma.validate.Length):
            field.validators = [mark]
    return field


def _key_of(hint: Any) -> ma.fields.Field[Any]:
    return CodeField() if hint is str else field_of(hint)


def _as_tuple(field: ma.fields.List[Any]) -> ma.fields.List[Any]:
    return TupleOf(field.inner, validate=field.validators, metadata=field.metadata)
