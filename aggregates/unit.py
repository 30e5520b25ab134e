"""预算单位: who spends, and who stands above it."""

from __future__ import annotations

from dataclasses import dataclass

from aggregates.accountable import Accountable
from aggregates.base import Fact


@dataclass
class Unit(Accountable, kind="unit"):
    """预算单位: registered under its superior; answers for its overall performance."""

    superior: str = ""
    level: int = 0
    is_registered: bool = False

    @property
    def belongs_to(self) -> str:
        return self.code

    @property
    def is_entered(self) -> bool:
        return self.is_registered


class UnitRegistered(
    Fact[Unit], topic="unit.registered", says="登记预算单位 {name}（第 {level} 级）"
):
    """登记预算单位: a unit joins the register, under its superior or at the first level."""

    name: str
    superior: str
    level: int

    def apply(self, unit: Unit, /) -> None:
        unit.is_registered = True
        unit.superior, unit.level = self.superior, self.level


class UnitMoved(
    Fact[Unit], topic="unit.moved", says="上级单位由“{former}”改为“{superior}”: {reason}"
):
    """调整隶属关系: the unit answers to another superior from here on."""

    former: str
    superior: str
    level: int
    reason: str

    def apply(self, unit: Unit, /) -> None:
        unit.superior, unit.level = self.superior, self.level
