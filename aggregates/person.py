"""人员: known elsewhere by an id; a person's own data are only here, beside the records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from aggregates.base import Aggregate, Fact, Record


@dataclass
class Holder(Aggregate):
    """个人数据所在的历史: its records hold digests of values that may be withheld."""


@dataclass
class Person(Holder, kind="person"):
    """人员: registered, or not yet."""

    is_registered: bool = False


class PersonRegistered(Fact[Person], topic="person.registered", personal=("name", "telephone")):
    """登记人员: a person's data are committed; the record holds their digests."""

    name: str
    telephone: str = ""

    def apply(self, person: Person, /) -> None:
        person.is_registered = True


class PersonValueWithheld(
    Fact[Holder], topic="person.value_withheld", says="依 {order} 不再提供个人数据: {reason}"
):
    """停止提供个人数据: the value behind this digest is gone; every proof still holds."""

    digest: str
    order: str
    reason: str


def provided(history: Iterable[Record[Any]]) -> set[str]:
    """The digests in a history whose values have not been withheld, corrected meanwhile or not."""
    held, withheld = set[str](), set[str]()
    for record in history:
        held |= {*record.fact.digests}
        if isinstance(record.fact, PersonValueWithheld):
            withheld.add(record.fact.digest)
    return held - withheld
