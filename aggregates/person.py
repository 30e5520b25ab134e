"""人员: known elsewhere by an id; name and telephone number only here, by digest."""

from __future__ import annotations

from dataclasses import dataclass, field

from aggregates.base import Aggregate, Fact


@dataclass
class Person(Aggregate, kind="person"):
    """人员: the digests of the values that have not been withheld."""

    is_registered: bool = False
    digests: set[str] = field(default_factory=set)


class PersonRegistered(Fact[Person], topic="person.registered", personal=("name", "telephone")):
    """登记人员: a person's data are committed; the record holds their digests."""

    name: str
    telephone: str = ""

    def apply(self, person: Person, /) -> None:
        person.is_registered = True
        person.digests |= {*self.digests}


class PersonValueWithheld(
    Fact[Person], topic="person.value_withheld", says="依 {order} 不再提供个人数据: {reason}"
):
    """停止提供个人数据: the value behind this digest is gone; every proof still holds."""

    digest: str
    order: str
    reason: str

    def apply(self, person: Person, /) -> None:
        person.digests.discard(self.digest)
