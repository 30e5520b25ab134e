"""预算单位: units join the register and change their superior."""

from __future__ import annotations

from typing import Annotated

from aggregates.accountable import Accountable
from aggregates.base import Severity
from aggregates.roles import UNIT, Role
from aggregates.unit import Unit, UnitMoved, UnitRegistered
from commands.base import Case, Command, Rule, act
from commands.vocabulary import Name, Reason, UnitCode

REGISTRY = {Role.BUDGET_SECTION, Role.OFFICE_ADMINISTRATOR, Role.OPERATOR}

REGISTERED_ONCE = Rule("unit.registered_once", "预算单位只登记一次", basis="SZ-30; AN-09")
SUPERIOR_EXISTS = Rule("unit.superior_exists", "上级单位须先行登记", basis="SZ-14")
NO_CIRCLE = Rule("unit.no_circle", "上级单位不得是本单位，也不得是本单位的下级", basis="SZ-14")
REGISTERED_FIRST = Rule(
    "unit.registered_first", "预算单位登记之后，方可调整隶属关系", basis="SZ-30; AN-09"
)
MOVES_ELSEWHERE = Rule("unit.moves_elsewhere", "调整后的上级单位须与现行的不同", basis="SZ-14")
SPEAKS_FOR_ITS_OWN = Rule(
    "unit.speaks_for_its_own",
    "单位人员只为本单位、所属下级单位或委托其办理的单位办理",
    basis="SZ-11; SZ-14; SZ-33",
)
ENTRUSTED_ON_RECORD = Rule(
    "unit.entrusted_on_record",
    "受其他单位委托代为办理的，其委托应有登记",
    basis="SZ-33",
    severity=Severity.FLAG,
)
SPEAKERS = UNIT | {Role.SUPERIOR_DEPARTMENT}
"""Who acts for a unit; others act for an office, or hand in what a system has seen."""

Superior = Annotated[UnitCode, "上级单位编码，空为一级单位"]


def unit_of(it: Accountable, case: Case) -> Unit:
    """The unit that answers for a project, or the unit itself; a blank one where none is known."""
    if isinstance(it, Unit):
        return it
    return case.read(Unit, it.unit) if it.unit else Unit.of("")


def superiors(unit: Unit, case: Case) -> list[str]:
    """The codes above a unit, nearest first."""
    above: list[str] = []
    while unit.superior and unit.superior not in above:
        above.append(unit.superior)
        unit = case.read(Unit, unit.superior)
    return above


def check_speaker(unit: Unit, case: Case) -> None:
    """Whoever acts for a unit belongs to it or to one above it.

    That one of these has asked others to is nowhere on record: where a business system says so it
    is marked, and nobody says so for himself.
    """
    actor = case.actor
    own = {unit.code, *superiors(unit, case)}
    is_own = case.role not in SPEAKERS or actor.organisation in own
    is_entrusted = not is_own and actor.asserted and actor.on_behalf_of in own
    shown = {"申请单位": unit.code, "单位": actor.organisation}
    case.require(is_own or is_entrusted, SPEAKS_FOR_ITS_OWN, **shown)
    case.require(not is_entrusted, ENTRUSTED_ON_RECORD, **shown, 委托单位=actor.on_behalf_of)


def _level_below(code: str, unit: Unit, case: Case) -> int:
    """The level of a unit under this superior, which has to exist and may not stand below it."""
    if not code:
        return 1
    superior = case.read(Unit, code)
    case.require(superior.is_registered, SUPERIOR_EXISTS, 上级单位=code)
    case.require(unit.code not in (code, *superiors(superior, case)), NO_CIRCLE, 上级单位=code)
    return superior.level + 1


@act(
    "units/{unit}/registration",
    by=REGISTRY,
    basis="SZ-14; SZ-30; AN-09",
    reads={Unit},
    begins=True,
)
class RegisterUnit(Command[Unit]):
    """登记预算单位: without a superior it is a unit of the first level."""

    name: Annotated[Name, "单位名称"]
    superior: Superior | None = None

    def decide(self, unit: Unit, case: Case, /) -> UnitRegistered:
        case.require(not unit.is_registered, REGISTERED_ONCE, 单位=unit.code)
        superior = self.superior or ""
        return UnitRegistered(self.name, superior, _level_below(superior, unit, case))


@act("units/{unit}/superior", by=REGISTRY, basis="SZ-14; AN-09", reads={Unit})
class MoveUnit(Command[Unit]):
    """调整隶属关系: a reform puts the unit under another superior, or under none."""

    reason: Reason
    superior: Superior | None = None

    def decide(self, unit: Unit, case: Case, /) -> UnitMoved:
        superior = self.superior or ""
        case.require(unit.is_registered, REGISTERED_FIRST, 单位=unit.code)
        case.require(superior != unit.superior, MOVES_ELSEWHERE, 上级单位=superior)
        level = _level_below(superior, unit, case)
        return UnitMoved(unit.superior, superior, level, self.reason)
