"""角色表: seventy units of the first level, and thirty-four projects of units below them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from aggregates.roles import Role
from aggregates.values import Fen, Grade
from service.demo.script import Paper, Person
from service.demo.splits import pick, split, uneven

PAPER = Paper("师宗县2020年预算绩效开展工作情况")
YEAR = 2020
GRAIN = 10_000_00
"""The paper counts in whole 万元, and so do the parts of its total."""

THEMES = ("农村公路", "农田水利", "环境整治", "文化体育", "卫生健康", "教育设施", "产业扶持")

COUNTERPART = Person("counterpart", Role.COUNTERPART_SECTION, "业务股股长", "县财政局")
PERFORMANCE = Person("performance", Role.PERFORMANCE_SECTION, "绩效管理股股长", "县财政局")
BUDGET = Person("budget", Role.BUDGET_SECTION, "预算股股长", "县财政局")
COMMITTEE = Person("committee", Role.BUREAU_PARTY_COMMITTEE, "局党委书记", "县财政局")
LEADER = Person("leader", Role.BUREAU_LEADER, "分管副局长", "县财政局")
OFFICERS = (COUNTERPART, PERFORMANCE, BUDGET, COMMITTEE, LEADER)


def clerk(unit: str) -> Person:
    return Person(f"clerk-{unit}", Role.UNIT_CLERK, "绩效经办", unit)


def department(unit: str) -> Person:
    return Person(f"department-{unit}", Role.SUPERIOR_DEPARTMENT, "预算管理岗", unit)


@dataclass(frozen=True)
class Totals:
    """合计: what the paper publishes; how many earn which grade it does not say."""

    departments: int = 60
    townships: int = 10
    projects: int = 34
    declared: Fen = Fen(3_692 * GRAIN)
    grades: Sequence[Grade] = (
        *[Grade.EXCELLENT] * 22,
        *[Grade.GOOD] * 8,
        *[Grade.FAIR] * 3,
        Grade.POOR,
    )


@dataclass(frozen=True)
class Undertaking:
    """演示项目: one of the thirty-four, and the grade that its first version earns."""

    code: str
    name: str
    unit: str
    superior: str
    declared: Fen
    grade: Grade

    @property
    def subject(self) -> str:
        return f"project/{self.code}"


@dataclass(frozen=True)
class Cast:
    """角色表: units by code, and the projects."""

    totals: Totals = Totals()

    @cached_property
    def first_level(self) -> dict[str, str]:
        """Departments, then townships and streets."""
        departments = range(1, self.totals.departments + 1)
        townships = range(1, self.totals.townships + 1)
        return {f"B{n:02d}": f"县级部门 {n:02d}（生成）" for n in departments} | {
            f"X{n:02d}": f"乡镇街道 {n:02d}（生成）" for n in townships
        }

    @property
    def second_level(self) -> dict[str, str]:
        """The units below that ask for the money, by code, with the name of each."""
        return {each.unit: f"{each.superior} 所属单位（生成）" for each in self.projects}

    @cached_property
    def projects(self) -> list[Undertaking]:
        """Two of each unit of the second level."""
        amounts = split(self.totals.declared, uneven("shizong", self.totals.projects), GRAIN)
        return [
            self._project(n, Fen(amount), grade)
            for n, (amount, grade) in enumerate(zip(amounts, self.totals.grades, strict=True))
        ]

    def graded(self, grade: Grade) -> list[Undertaking]:
        return [each for each in self.projects if each.grade == grade]

    def _project(self, n: int, amount: Fen, grade: Grade) -> Undertaking:
        superior = f"B{n // 2 + 1:02d}"
        name = f"{pick(f'shizong/{n}', THEMES)}项目 {n + 1:02d}（生成）"
        return Undertaking(f"{YEAR}-{n + 1:02d}", name, f"{superior}-1", superior, amount, grade)
