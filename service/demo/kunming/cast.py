"""角色表: who and what is in the paper, made complete by dividing its totals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cached_property

from aggregates.roles import Role
from aggregates.values import Fen, FundCategory, Grade
from service.demo.script import Paper, Person
from service.demo.splits import draw, pick, split, uneven

PAPER = Paper("经开区2021年预算绩效管理工作开展情况说明")
YEAR, EVALUATED_YEAR, AFFECTED_YEAR = 2021, 2020, 2022
GRAIN = 100_00
"""The paper counts in 0.01 万元, and so do the parts of its totals."""

EXCELLENT, GOOD = Grade.EXCELLENT, Grade.GOOD
GENERAL, FUND = FundCategory.GENERAL_PUBLIC, FundCategory.GOVERNMENT_FUND
CAPITAL, INSURANCE = FundCategory.STATE_CAPITAL, FundCategory.SOCIAL_INSURANCE

UNITS_NAMED = {
    "U01": "城管局",
    "U02": "规建局",
    "U03": "经开三中",
    "U04": "消防大队",
    "U05": "阿拉街道办事处",
}
NEW_BY_UNIT = ("U01", "U01", "U02", "U02", "U03", "U06")
"""Whose the six new projects are; the paper leaves the fourth unit unnamed."""
EVALUATED_UNITS = ("U04", "U05", "U07")
"""Which units are evaluated as a whole; the paper leaves the third one unnamed."""
EVALUATED_NAMED = ("国有资本经营预算支出", "研发后投入补助")
THEMES = ("道路建设", "市容环境整治", "政府采购", "水环境整治", "中小企业发展", "教育文化")
KINDS: Sequence[tuple[FundCategory, ...]] = (
    *[(GENERAL,)] * 12,
    *[(FUND,)] * 5,
    (GENERAL, FUND),
    (CAPITAL,),
    (INSURANCE,),
)
"""Of which budgets a project's money is, as often as it stands here."""

RECEIVED = tuple(date(2021, 6, 27 + day) for day in range(4))
RECEIVED_LAST = date(2021, 12, 31)
"""On which days the results arrive; the last one late, where two months on is no 31st."""

AGENCY = Person("agency", Role.AGENCY, "项目负责人", "第三方机构")
PERFORMANCE = Person("performance", Role.PERFORMANCE_SECTION, "绩效管理岗", "财政分局")
BUDGET = Person("budget", Role.BUDGET_SECTION, "预算管理岗", "财政分局")
LEADER = Person("leader", Role.BUREAU_LEADER, "分管领导", "财政分局")


def clerk(unit: str) -> Person:
    return Person(f"clerk-{unit}", Role.UNIT_CLERK, "绩效经办", unit)


@dataclass(frozen=True)
class Totals:
    """合计: what the paper publishes, and the generator divides."""

    units: int = 38
    projects: int = 665
    declared: Fen = Fen(497_578_64 * GRAIN)
    general: Fen = Fen(198_576_00 * GRAIN)
    recommended: Fen = Fen(457_230_14 * GRAIN)
    new: Fen = Fen(9_104_71 * GRAIN)
    mean: Decimal = Decimal("91.8")
    experts: int = 7
    evaluated: Fen = Fen(43_817_00 * GRAIN)
    unit_grades: Sequence[Grade] = (GOOD,) * 3
    project_grades: Sequence[Grade] = (EXCELLENT,) * 5 + (GOOD,) * 10


@dataclass(frozen=True)
class Money:
    """明细: one fund line of a project, as it was declared and as it was recommended."""

    id: str
    category: FundCategory
    declared: int = 0
    cut: int = 0

    @property
    def recommended(self) -> Fen:
        return Fen(self.declared - self.cut)


@dataclass(frozen=True)
class Undertaking:
    """演示项目: one of the 665; ``n`` counts from 0."""

    n: int
    name: str
    unit: str
    lines: tuple[Money, ...]
    is_new: bool

    @property
    def code(self) -> str:
        return f"{YEAR}-{self.n + 1:03d}"

    @property
    def subject(self) -> str:
        return f"project/{self.code}"

    @property
    def declared(self) -> Fen:
        return Fen(sum(line.declared for line in self.lines))

    @property
    def recommended(self) -> Fen:
        return Fen(sum(line.recommended for line in self.lines))


@dataclass(frozen=True)
class Evaluated:
    """评价对象: a project or unit, the grade it earns, and when its unit received the result."""

    subject: str
    name: str
    unit: str
    grade: Grade
    amount: int
    received: date

    @property
    def id(self) -> str:
        return f"PJ{EVALUATED_YEAR}-{self.subject.replace('/', '-')}"

    @property
    def item(self) -> str:
        return f"ZG-{self.id}"

    @property
    def has_finding(self) -> bool:
        return self.grade != EXCELLENT

    @property
    def problem(self) -> str:
        return f"{self.name}绩效指标不够细化，支出进度慢于计划（问题描述系演示生成）"


@dataclass(frozen=True)
class Cast:
    """角色表: units, projects and evaluations, every sum of them exact."""

    totals: Totals = Totals()

    @cached_property
    def units(self) -> dict[str, str]:
        """Names by code."""
        codes = (f"U{n + 1:02d}" for n in range(self.totals.units))
        return {code: UNITS_NAMED.get(code, f"预算单位 {code[1:]}（生成）") for code in codes}

    @cached_property
    def projects(self) -> list[Undertaking]:
        """First the new ones, then those that are evaluated after the year, then all others."""
        lines = self._with_cuts(self._with_sums(self._blank_lines()))
        return [
            Undertaking(n, self._name(n), self._unit(n), tuple(lines[n]), self._is_new(n))
            for n in range(self.totals.projects)
        ]

    @property
    def new(self) -> list[Undertaking]:
        return self.projects[: len(NEW_BY_UNIT)]

    @property
    def evaluated_projects(self) -> list[Undertaking]:
        first = len(NEW_BY_UNIT)
        return self.projects[first : first + len(self.totals.project_grades)]

    @cached_property
    def evaluated(self) -> list[Evaluated]:
        """What is evaluated, with its share of the sum, and when its unit has the result."""
        subjects = [(f"unit/{code}", self.units[code], code) for code in EVALUATED_UNITS]
        subjects += [(each.subject, each.name, each.unit) for each in self.evaluated_projects]
        grades = [*self.totals.unit_grades, *self.totals.project_grades]
        amounts = split(self.totals.evaluated, uneven("evaluated", len(grades)), GRAIN)
        days = [RECEIVED[n % len(RECEIVED)] for n in range(len(grades) - 1)] + [RECEIVED_LAST]
        return [
            Evaluated(*subject, grade, amount, day)
            for subject, grade, amount, day in zip(subjects, grades, amounts, days, strict=True)
        ]

    @property
    def found_wanting(self) -> list[Evaluated]:
        """What has to be put right."""
        return [each for each in self.evaluated if each.has_finding]

    @property
    def stopped(self) -> tuple[Undertaking, Evaluated]:
        """The project whose money is stopped, for what was reported did not put it right."""
        evaluated = next(each for each in self.found_wanting if each.subject[0] == "p")
        return next(p for p in self.projects if p.subject == evaluated.subject), evaluated

    def _is_new(self, n: int) -> bool:
        return n < len(NEW_BY_UNIT)

    def _unit(self, n: int) -> str:
        """Every unit has a project before any has its second one."""
        if self._is_new(n):
            return NEW_BY_UNIT[n]
        rank = n - len(NEW_BY_UNIT)
        number = rank if rank < self.totals.units else draw(f"unit/{n}", self.totals.units)
        return f"U{number + 1:02d}"

    def _name(self, n: int) -> str:
        rank = n - len(NEW_BY_UNIT)
        if 0 <= rank < len(EVALUATED_NAMED):
            return EVALUATED_NAMED[rank]
        return f"{pick(f'theme/{n}', THEMES)}项目 {n + 1:03d}（生成）"

    def _categories(self, n: int) -> tuple[FundCategory, ...]:
        rank = n - len(NEW_BY_UNIT)
        if rank == 0:
            return (CAPITAL,)
        is_plain = rank < len(self.totals.project_grades)
        return (GENERAL,) if is_plain else pick(f"kind/{n}", KINDS)

    def _blank_lines(self) -> list[list[Money]]:
        return [
            [Money(f"L{k}", kind) for k, kind in enumerate(self._categories(n), 1)]
            for n in range(self.totals.projects)
        ]

    def _with_sums(self, lines: list[list[Money]]) -> list[list[Money]]:
        """Declared sums: of the new projects, of the rest of the general budget, of the others."""
        totals = {
            "new": self.totals.new,
            "general": self.totals.general - self.totals.new,
            "other": self.totals.declared - self.totals.general,
        }
        pools = [self._pool(n, line) for n, each in enumerate(lines) for line in each]
        sums = {
            pool: iter(split(whole, uneven(f"declared/{pool}", pools.count(pool)), GRAIN))
            for pool, whole in totals.items()
        }
        return [
            [replace(line, declared=next(sums[self._pool(n, line)])) for line in each]
            for n, each in enumerate(lines)
        ]

    def _pool(self, n: int, line: Money) -> str:
        if self._is_new(n):
            return "new"
        return "general" if line.category == GENERAL else "other"

    def _with_cuts(self, lines: list[list[Money]]) -> list[list[Money]]:
        """What the review takes off: nothing of a third of the projects, nor of the new ones."""
        whole = self.totals.declared - self.totals.recommended
        weights = [
            self._severity(n) * line.declared for n, each in enumerate(lines) for line in each
        ]
        cuts = iter(split(whole, weights, GRAIN))
        return [[replace(line, cut=next(cuts)) for line in each] for each in lines]

    def _severity(self, n: int) -> int:
        is_spared = self._is_new(n) or draw(f"spared/{n}", 3) == 0
        return 0 if is_spared else 20 + draw(f"severity/{n}", 80)
