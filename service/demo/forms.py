"""表单: bodies of acts that more than one office fills in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from aggregates.review import Verdict
from aggregates.values import (
    ExAnteCriterion,
    Fen,
    FundCategory,
    FundOrigin,
    Grade,
    Indicator,
    IndicatorKind,
    Percent,
    ProjectClass,
    ReviewStage,
    Sign,
    yuan,
)
from service.demo.splits import digest, draw

Body = dict[str, Any]

LOWEST: Mapping[Grade, int] = {
    Grade.EXCELLENT: 90,
    Grade.GOOD: 80,
    Grade.FAIR: 60,
    Grade.POOR: 30,
}
"""Where the scores drawn for a grade begin; ten points above, they end."""

INDICATORS = (
    Indicator(
        IndicatorKind.OUTPUT, "年度任务完成率", Sign.AT_LEAST, "100", "%", Percent(Decimal(50))
    ),
    Indicator(
        IndicatorKind.EFFECT, "预期效益实现", Sign.QUALITATIVE, "达到预期", "", Percent(Decimal(30))
    ),
    Indicator(
        IndicatorKind.SATISFACTION, "服务对象满意度", Sign.AT_LEAST, "90", "%", Percent(Decimal(20))
    ),
)


def unit(name: str, superior: str | None = None) -> Body:
    return {"name": name, **({"superior": superior} if superior else {})}


def reserve(
    name: str,
    unit: str,
    years: tuple[int, int],
    demanded: Fen,
    *,
    is_new_and_major: bool = False,
    project_class: ProjectClass = ProjectClass.SPECIFIC_TARGET,
) -> Body:
    return {
        "name": name,
        "unit": unit,
        "project_class": project_class.value,
        "first_year": years[0],
        "last_year": years[1],
        "is_new": is_new_and_major,
        "is_major": is_new_and_major,
        "demanded": yuan(demanded),
    }


def line(id: str, amount: Fen, category: FundCategory = FundCategory.GENERAL_PUBLIC) -> Body:
    """资金明细: money of the office's own level."""
    return {
        "id": id,
        "category": category.value,
        "origin": FundOrigin.OWN_LEVEL.value,
        "amount": yuan(amount),
    }


def goal(year: int, objective: str, lines: Sequence[Body], plan: str) -> Body:
    return {
        "year": year,
        "objective": objective,
        "indicators": [_indicator(each) for each in INDICATORS],
        "lines": list(lines),
        "plan": digest(f"实施方案 {plan}"),
    }


def _indicator(each: Indicator) -> Body:
    return {
        "kind": each.kind.value,
        "name": each.name,
        "sign": each.sign.value,
        "value": each.value,
        "unit": each.unit,
        "weight": str(each.weight),
    }


def opinion(year: int, version: int, stage: ReviewStage, verdict: Verdict) -> Body:
    return {
        "year": year,
        "version": version,
        "stage": stage.value,
        "verdict": verdict.value,
    }


def conclusion(year: int, version: int, score: Decimal, grade: Grade, recommended: Fen) -> Body:
    return {
        "year": year,
        "version": version,
        "score": str(score),
        "grade": grade.value,
        "recommended": yuan(recommended),
    }


def budget(year: int, document: str, lines: Sequence[Body]) -> Body:
    return {"year": year, "document": document, "lines": list(lines)}


def answers(criteria: Iterable[ExAnteCriterion], finding: str) -> list[Body]:
    return [{"criterion": each.value, "finding": finding} for each in criteria]


def score_within(grade: Grade, name: str) -> Decimal:
    """A score that earns this grade, with one place, drawn by name."""
    return Decimal(LOWEST[grade] * 10 + draw(f"score/{name}", 100)) / 10
