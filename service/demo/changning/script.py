"""剧本: an ex-ante evaluation that saves money, and four units evaluated as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from aggregates.evaluated import EvaluationMode
from aggregates.values import Grade, ProjectClass, yuan
from service.demo import forms
from service.demo.changning.cast import (
    AFFECTED_YEAR,
    AGENCY,
    BUDGET,
    CRITERIA,
    EVALUATED,
    EVALUATED_YEAR,
    FIRE,
    INTEREST,
    PAPER,
    PERFORMANCE,
    ROAD,
    UNITS,
    WORK_YEAR,
    Cast,
    clerk,
)
from service.demo.script import MADE_UP, Scene, Step

GRADE = Grade.GOOD
OF_UNITS = PAPER.says("CN-16、CN-17", but="得分和等级")
INTEREST_WRONG = "办公楼工程欠款的利息计算错误，多计部分应予收回（按 CN-25 转述）"
FIRE_RISK = "房屋因消防验收不合格未能按约出租，存在合同风险，须提前做好预案（按 CN-26 转述）"
COMMON = "内部控制、项目管理和财务管理须加强（按 CN-42 转述）"


def scenes(cast: Cast) -> Iterator[Scene]:
    """What the paper tells of one year's work."""
    since = date(2021, 1, 4)
    people = [AGENCY, PERFORMANCE, BUDGET, *map(clerk, UNITS)]
    yield Scene.on("2021-01-04", "任职", (each.assigned(since) for each in people))
    yield Scene.on("2021-01-05", "登记预算单位", map(_registered, UNITS))
    yield from _road(cast)
    yield Scene.on("2021-08-02", "报告评价结果", map(_reported, EVALUATED))
    yield Scene.on("2021-08-09", "单位意见", map(_answered, EVALUATED))
    yield Scene.on("2021-08-30", "评定等级", map(_graded, EVALUATED))
    yield Scene.on(cast.received.isoformat(), "签收评价结果", map(_received, EVALUATED))
    yield Scene.on("2021-09-13", "交办整改", (_ordered(unit, cast) for unit in EVALUATED))


def _registered(code: str) -> Step:
    origin = PAPER.says("CN-16、CN-20")
    return Step("register_unit", f"unit/{code}", BUDGET, origin, forms.unit(UNITS[code]))


# The road


def _road(cast: Cast) -> Iterator[Scene]:
    yield Scene.on("2021-04-12", "项目入储备", [_reserved(cast)])
    yield Scene.on("2021-06-21", "事前绩效评估", [_asked_ex_ante(cast)])


def _reserved(cast: Cast) -> Step:
    body = forms.reserve(
        "国、省、县道保洁", "nyncj", cast.years, cast.declared, is_new_and_major=True
    ) | {"project_class": ProjectClass.SPECIFIC_TARGET.value}
    origin = PAPER.says("CN-18、CN-20", but="起止年度")
    return Step("reserve_project", f"project/{ROAD}", clerk("nyncj"), origin, body)


def _asked_ex_ante(cast: Cast) -> Step:
    names = ("name", "unit", "before", "after")
    body = {
        "answers": forms.answers(CRITERIA, "已实地勘察并作市场调查（意见系演示生成）"),
        "panel": [
            {"expert": f"expert-{n}", "organisation": "第三方机构（生成）", "score": score}
            for n, score in enumerate(("83.0", "84.5", "86.0"), 1)
        ],
        "declared": yuan(cast.declared),
        "recommended": yuan(cast.recommended),
        "adjustments": [dict(zip(names, each, strict=True)) for each in cast.adjustments],
        "condition": "服务方给全员投保意外险并交发票；未投保的，由主管单位代缴并扣款",
    }
    origin = PAPER.says("CN-19 至 CN-22", but="专家评分")
    return Step("conclude_ex_ante_evaluation", f"project/{ROAD}", PERFORMANCE, origin, body)


# The units


def _id(unit: str) -> str:
    return f"PJ{EVALUATED_YEAR}-{unit}"


def _findings(unit: str) -> dict[str, str]:
    return {"1": INTEREST_WRONG, "2": FIRE_RISK} if unit == "cl" else {"1": COMMON}


def _reported(unit: str) -> Step:
    findings = [{"finding": n, "words": words} for n, words in _findings(unit).items()]
    body = {
        "evaluation": _id(unit),
        "mode": EvaluationMode.FINANCE_KEY.value,
        "evaluated_year": EVALUATED_YEAR,
        "work_year": WORK_YEAR,
        "affected_year": AFFECTED_YEAR,
        "evaluator": "第三方机构（生成）",
        "score": str(forms.score_within(GRADE, _id(unit))),
        "proposed_grade": GRADE.value,
        "findings": findings,
    }
    return Step("report_evaluation", f"unit/{unit}", AGENCY, OF_UNITS, body)


def _answered(unit: str) -> Step:
    body = {"evaluation": _id(unit), "opinion": "无异议", "objects": False}
    return Step("answer_evaluation", f"unit/{unit}", clerk(unit), MADE_UP, body)


def _graded(unit: str) -> Step:
    score = str(forms.score_within(GRADE, _id(unit)))
    body = {"evaluation": _id(unit), "score": score, "grade": GRADE.value}
    return Step("grade_evaluation", f"unit/{unit}", PERFORMANCE, OF_UNITS, body)


def _received(unit: str) -> Step:
    return Step(
        "receive_evaluation", f"unit/{unit}", clerk(unit), MADE_UP, {"evaluation": _id(unit)}
    )


def _ordered(unit: str, cast: Cast) -> Step:
    """The interest has to come back; whatever else was found has no sum."""
    codes = {"1": INTEREST, "2": FIRE} if unit == "cl" else {"1": f"ZG-{unit}-1"}
    items = [
        {"item": codes[n], "finding": n, "problem": words}
        | ({"amount": yuan(cast.interest)} if codes[n] == INTEREST else {})
        for n, words in _findings(unit).items()
    ]
    origin = PAPER.says("CN-25、CN-26" if unit == "cl" else "CN-42", but="日期")
    body = {"evaluation": _id(unit), "items": items}
    return Step("order_rectification", f"unit/{unit}", PERFORMANCE, origin, body)
