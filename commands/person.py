"""人员: persons are registered, and their data withheld when an order says so."""

from __future__ import annotations

from typing import Annotated

from aggregates.person import Holder, Person, PersonRegistered, PersonValueWithheld
from aggregates.roles import Role
from commands.base import Case, Command, Rule, act
from commands.vocabulary import Digest, Name, PersonName, Reason, TextField

REGISTERED_ONCE = Rule("person.registered_once", "人员只登记一次", basis="KM-51")
VALUE_IS_THERE = Rule(
    "person.value_is_there",
    "停止提供的数据须在该对象的记录之中，且尚在提供",
    basis="个人信息保护法 第47条",
)

Telephone = Annotated[str, TextField(40, metadata={"personal": True})]


@act(
    "persons/{person}/registration",
    by={Role.OFFICE_ADMINISTRATOR, Role.OPERATOR},
    basis="KM-51; 个人信息保护法 第34条",
)
class RegisterPerson(Command[Person]):
    """登记人员: name and telephone number are kept beside the ledger, their digests in it."""

    name: Annotated[PersonName, "姓名，不入记录，只留摘要"]
    telephone: Annotated[Telephone, "电话，不入记录，只留摘要"] | None = None

    def decide(self, person: Person, case: Case, /) -> PersonRegistered:
        case.require(not person.is_registered, REGISTERED_ONCE, 人员=person.code)
        telephone = case.commit(self.telephone) if self.telephone else ""
        return PersonRegistered(case.commit(self.name), telephone)


@act(
    "{holder}/withholding",
    by={Role.OFFICE_ADMINISTRATOR, Role.BUREAU_LEADER, Role.OPERATOR},
    basis="个人信息保护法 第47条",
)
class WithholdPersonValue(Command[Holder]):
    """停止提供个人数据: by an order, a value goes for good; every proof still holds.

    It is a person's own, a payee's name, or the text of a line that an import could not place.
    """

    digest: Annotated[Digest, "所停止提供的数据的摘要"]
    order: Annotated[Name, "据以停止提供的文书"]
    reason: Reason

    def decide(self, it: Holder, case: Case, /) -> PersonValueWithheld:
        case.require(self.digest in case.provided(), VALUE_IS_THERE, 摘要=self.digest)
        case.withhold(self.digest)
        return PersonValueWithheld(self.digest, self.order, self.reason)
