"""角色表: what the paper names, with its own figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from aggregates.roles import Role
from aggregates.values import ExAnteCriterion, Fen
from service.demo.script import Paper, Person

PAPER = Paper("常宁市重点项目绩效目标情况")
WORK_YEAR, EVALUATED_YEAR, AFFECTED_YEAR = 2021, 2020, 2022

UNITS: Mapping[str, str] = {
    "nyncj": "市农业农村局",
    "cl": "市残联",
    "xcgl": "乡村公路服务所",
    "xlz": "西岭镇",
    "glz": "官岭镇",
}
EVALUATED = ("cl", "xcgl", "xlz", "glz")
"""Which units were evaluated as a whole."""

CRITERIA = (
    ExAnteCriterion.NECESSITY,
    ExAnteCriterion.ECONOMY,
    ExAnteCriterion.GOAL_RATIONALITY,
    ExAnteCriterion.FEASIBILITY,
)
"""The four questions that the paper names."""

ROAD, INTEREST, FIRE = "dlbj", "ZG-cl-1", "ZG-cl-2"

AGENCY = Person("agency", Role.AGENCY, "项目负责人", "第三方机构")
PERFORMANCE = Person("performance", Role.PERFORMANCE_SECTION, "绩效管理岗", "市财政局")
BUDGET = Person("budget", Role.BUDGET_SECTION, "预算管理岗", "市财政局")


def clerk(unit: str) -> Person:
    return Person(f"clerk-{unit}", Role.UNIT_CLERK, "绩效经办", unit)


@dataclass(frozen=True)
class Cast:
    """角色表: the figures of the paper, and the days that it does not give."""

    declared: Fen = Fen(12_628_207_00)
    recommended: Fen = Fen(10_145_209_00)
    length: str = "235.8"
    settled_length: str = "215.8"
    interest: Fen = Fen(158_000_00)
    years: tuple[int, int] = (2022, 2024)
    received: date = date(2021, 9, 10)

    @property
    def adjustments(self) -> tuple[tuple[str, str, str, str], ...]:
        """Name, measure, before and after; what was added is counted from nothing."""
        return (
            ("保洁里程", "公里", self.length, self.settled_length),
            ("增设安全主管", "名", "0", "1"),
            ("增设垃圾压缩车", "辆", "0", "1"),
            ("增设司机", "人", "0", "1"),
        )
