"""Values that facts are made of: money, scores, grades, kinds of funds, indicators, days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Annotated, NewType, Self

Fen = NewType("Fen", int)
"""Money in fen (1 yuan = 100 fen), signed; at the doors a decimal yuan string."""

Score = NewType("Score", Decimal)
"""A score of 0 to 100 with at most two places."""

Percent = NewType("Percent", Decimal)
"""A percentage; its definition says how many places it is rounded to."""

Quantity = NewType("Quantity", Decimal)
"""How much of something there is: kilometres, households; up to four places."""

BEIJING = timezone(timedelta(hours=8), "+08:00")
"""The offices' time: business dates are days of it, and so is every time shown at a door."""


def business_day(time: datetime) -> date:
    """The day on which a time falls for the offices."""
    return time.astimezone(BEIJING).date()


def yuan(fen: int) -> str:
    """Fen as a decimal yuan string: exact, never through a float."""
    sign, fen = ("-", -fen) if fen < 0 else ("", fen)
    return f"{sign}{fen // 100}.{fen % 100:02d}"


def rounded(value: Decimal, places: int) -> Decimal:
    """HALF_UP, as every published percentage here is rounded."""
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def percentage(part: int, whole: int, places: int = 2) -> Decimal:
    """part/whole in percent, HALF_UP with the places that its definition states."""
    return rounded(Decimal(part) * 100 / Decimal(whole), places)


class Term(StrEnum):
    """A code that is stored, with the label that people read."""

    label: str

    def __new__(cls, code: str, label: str = "") -> Self:
        term = str.__new__(cls, code)
        term._value_ = code
        term.label = label
        return term


class Grade(Term):
    """等级: the four grades; what follows from one depends on what was graded."""

    EXCELLENT = "excellent", "优"
    GOOD = "good", "良"
    FAIR = "fair", "中"
    POOR = "poor", "差"


class ReviewStage(Term):
    """审核环节: who looks at a goal, in the order that a rule set's chain names."""

    DEPARTMENT = "department", "部门审核"
    COUNTERPART_SECTION = "counterpart_section", "对口股室初审"
    PERFORMANCE_SECTION = "performance_section", "绩效股审核"
    BUDGET_SECTION = "budget_section", "预算股审核"
    COLLECTIVE = "collective", "集中会审"
    THIRD_PARTY = "third_party", "第三方审核"


class FundCategory(Term):
    """资金性质: the four budgets, and the two kinds of funds beside them."""

    GENERAL_PUBLIC = "general_public", "一般公共预算"
    GOVERNMENT_FUND = "government_fund", "政府性基金预算"
    STATE_CAPITAL = "state_capital", "国有资本经营预算"
    SOCIAL_INSURANCE = "social_insurance", "社会保险基金预算"
    SPECIAL_ACCOUNT = "special_account", "财政专户管理资金"
    UNIT_FUNDS = "unit_funds", "单位资金"


class FundOrigin(Term):
    """资金来源: the level or instrument that the money comes from."""

    OWN_LEVEL = "own_level", "本级"
    TRANSFER_SPECIAL = "transfer_special", "专项转移支付"
    TRANSFER_GENERAL = "transfer_general", "一般性转移支付"
    SPECIAL_BOND = "special_bond", "债券资金"
    CARRY_OVER = "carry_over", "上年结转"
    OTHER = "other", "其他"


class ProjectClass(Term):
    """项目类别: what kind of spending a project is."""

    PERSONNEL = "personnel", "人员类"
    OPERATING_PUBLIC = "operating_public", "运转类公用经费"
    OPERATING_OTHER = "operating_other", "其他运转类"
    SPECIFIC_TARGET = "specific_target", "特定目标类"


class ExAnteCriterion(Term):
    """评估内容: the five questions put to a new project."""

    NECESSITY = "necessity", "立项必要性"
    ECONOMY = "economy", "投入经济性"
    GOAL_RATIONALITY = "goal_rationality", "绩效目标合理性"
    FEASIBILITY = "feasibility", "实施方案可行性"
    FUNDING_COMPLIANCE = "funding_compliance", "筹资合规性"


class IndicatorKind(Term):
    """一级指标: the first level of the indicator system."""

    COST = "cost", "成本指标"
    OUTPUT = "output", "产出指标"
    EFFECT = "effect", "效益指标"
    SATISFACTION = "satisfaction", "满意度指标"


class Sign(Term):
    """指标性质: how an actual value is compared with the target."""

    AT_LEAST = "ge", "≥"
    AT_MOST = "le", "≤"
    EQUAL = "eq", "="
    QUALITATIVE = "qualitative", "定性"


@dataclass(frozen=True)
class FundLine:
    """资金明细: an amount of one kind of funds from one origin; ``id`` names it for payments."""

    id: Annotated[str, "资金明细编号"]
    category: FundCategory
    origin: FundOrigin
    amount: Annotated[Fen, "金额"]

    def __str__(self) -> str:
        return f"{self.category.label}·{self.origin.label} {yuan(self.amount)} 元"


@dataclass(frozen=True)
class Indicator:
    """绩效指标: what is measured, against which value, with which weight (percent)."""

    kind: IndicatorKind
    name: Annotated[str, "指标名称"]
    sign: Sign
    value: Annotated[str, "目标值"]
    unit: Annotated[str, "计量单位"]
    weight: Annotated[Percent, "权重，各项合计 100 或 90"]


@dataclass(frozen=True)
class Bands:
    """分数段: the lowest score of each grade; what is below the last is 差."""

    excellent: Annotated[Score, "优的最低分"] = Score(Decimal(90))
    good: Annotated[Score, "良的最低分"] = Score(Decimal(80))
    fair: Annotated[Score, "中的最低分"] = Score(Decimal(60))

    def grade(self, score: Decimal) -> Grade:
        """The grade of a score of 0 to 100."""
        if score >= self.excellent:
            return Grade.EXCELLENT
        if score >= self.good:
            return Grade.GOOD
        return Grade.FAIR if score >= self.fair else Grade.POOR


def total(lines: tuple[FundLine, ...]) -> Fen:
    """The sum of fund lines."""
    return Fen(sum(line.amount for line in lines))


def reduction(declared: Fen, recommended: Fen) -> tuple[Fen, Percent]:
    """审减: what a recommendation takes off, and its share of the declared sum (two places)."""
    cut = Fen(declared - recommended)
    return cut, Percent(percentage(cut, declared) if declared else rounded(Decimal(0), 2))
