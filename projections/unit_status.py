"""单位现状: the register of budget units, who stands above whom, and what each still has to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import sqlalchemy as sa

from aggregates.base import Record
from aggregates.unit import Unit, UnitMoved, UnitRegistered
from projections.changes import Rows
from projections.places import Place
from projections.standing import AccountableRow, StandingModel


@dataclass
class UnitStatus(AccountableRow):
    """单位现状: its name, the unit above it (none at the first level), its level, its items."""

    name: str = ""
    superior: str = ""
    level: int = 0


class UnitStatusModel(StandingModel[UnitStatus], name="unit_status", of=Unit):
    """单位现状: one row per unit."""

    INDEXES: ClassVar[tuple[tuple[str, ...], ...]] = (("superior",),)

    def registered(self, rows: Rows[UnitStatus], it: Record[UnitRegistered]) -> None:
        unit = rows.only
        unit.name, unit.superior, unit.level = it.fact.name, it.fact.superior, it.fact.level

    def moved(self, rows: Rows[UnitStatus], it: Record[UnitMoved]) -> None:
        rows.only.superior, rows.only.level = it.fact.superior, it.fact.level

    @property
    def register(self) -> UnitStatusModel:
        return self

    def answered_by(self, units: sa.Select[tuple[str]]) -> sa.ColumnElement[bool]:
        return _code(self.table).in_(units)

    def below(self, place: Place, unit: str) -> sa.Select[tuple[str]]:
        """The codes of a unit and of all below it as of a place; none if it was not known then."""
        c = self.table.c
        itself = sa.select(_code(self.table).label("code")).where(
            self.visible(place), c.stream == Unit.stream(unit)
        )
        tree = itself.cte(recursive=True)  # one question may ask for two trees
        next_level = sa.select(_code(self.table)).where(
            self.visible(place), c.superior == tree.c.code
        )
        return sa.select(tree.union(next_level).c.code)


def _code(table: sa.Table) -> sa.ColumnElement[str]:
    return sa.func.substr(table.c.stream, len(Unit.stream("")) + 1)


UNITS = UnitStatusModel()
