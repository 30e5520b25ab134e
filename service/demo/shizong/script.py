"""剧本: submitted, passed from stage to stage, decided upon in one sitting, and what follows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from aggregates.review import Verdict
from aggregates.values import Fen, Grade, ReviewStage, yuan
from commands.goal import NOT_AFTER_EXCLUSION
from commands.reserve import PASSED_REVIEW
from service.demo import forms
from service.demo.script import MADE_UP, Person, Scene, Step
from service.demo.shizong.cast import (
    BUDGET,
    COMMITTEE,
    COUNTERPART,
    LEADER,
    OFFICERS,
    PAPER,
    PERFORMANCE,
    YEAR,
    Cast,
    Undertaking,
    clerk,
    department,
)
from service.demo.splits import digest

OF_PROJECTS, OF_UNITS = PAPER.totals("SZ-22"), PAPER.totals("SZ-30")
OF_CHAIN, BY_THE_PAPER = PAPER.rules("SZ-16"), PAPER.rules("SZ-18 至 SZ-21")
DOCUMENT = "演示批复〔2020〕1号"
EXCELLENT, GOOD, FAIR, POOR = Grade


@dataclass(frozen=True)
class Reviewed:
    """送审目标: a version of a goal on its way through the chain, and what it will be graded."""

    subject: str
    version: int
    declared: Fen
    grade: Grade
    superior: str = ""

    @property
    def code(self) -> str:
        return self.subject.partition("/")[2]

    @property
    def recommended(self) -> Fen:
        """What is excluded is recommended nothing."""
        return Fen(0) if self.grade == POOR else self.declared

    @property
    def score(self) -> Decimal:
        return forms.score_within(self.grade, f"{self.subject}/{self.version}")


def scenes(cast: Cast) -> Iterator[Scene]:
    """The arrangement of one year's budget."""
    yield from _prepared(cast)
    yield from _units(cast)
    yield from _projects(cast)
    yield from _after_review(cast)
    yield from _again(cast)
    yield from _arranged(cast)


# The register


def _prepared(cast: Cast) -> Iterator[Scene]:
    clerks = map(clerk, (*cast.first_level, *cast.second_level))
    above = (department(unit) for unit in sorted({each.superior for each in cast.projects}))
    people, since = [*OFFICERS, *clerks, *above], date(2020, 1, 2)
    yield Scene.on("2020-01-02", "任职", (each.assigned(since) for each in people))
    yield Scene.each("2020-01-03", "登记一级预算单位", _registered, cast.first_level.items())
    yield Scene.each("2020-01-03", "登记所属单位", _registered_below, cast.second_level.items())
    yield Scene.each("2020-01-06", "项目入储备", _reserved, cast.projects)


def _registered(unit: tuple[str, str]) -> Step:
    code, name = unit
    return Step("register_unit", f"unit/{code}", BUDGET, OF_UNITS, forms.unit(name))


def _registered_below(unit: tuple[str, str]) -> Step:
    code, name = unit
    body = forms.unit(name, superior=code.partition("-")[0])
    return Step("register_unit", f"unit/{code}", BUDGET, MADE_UP, body)


def _reserved(it: Undertaking) -> Step:
    body = forms.reserve(it.name, it.unit, (YEAR, YEAR), it.declared)
    return Step("reserve_project", it.subject, clerk(it.unit), OF_PROJECTS, body)


# The chain


def _units(cast: Cast) -> Iterator[Scene]:
    """The overall goals: nobody stands above a unit of the first level."""
    goals = [Reviewed(f"unit/{code}", 1, Fen(0), EXCELLENT) for code in cast.first_level]
    yield Scene.each("2020-01-07", "申报单位整体绩效目标", _submitted_overall, cast.first_level)
    yield from _chain("01", goals, ("2020-01-08", "2020-01-09", "2020-01-09", "2020-01-09"))


def _submitted_overall(code: str) -> Step:
    body = forms.goal(YEAR, "完成年度主要职责任务（目标系演示生成）", [], code)
    return Step("submit_goal", f"unit/{code}", clerk(code), OF_UNITS, body)


def _projects(cast: Cast) -> Iterator[Scene]:
    goals = [
        Reviewed(each.subject, 1, each.declared, each.grade, each.superior)
        for each in cast.projects
    ]
    yield Scene.each("2020-01-10", "申报项目绩效目标", _submitted, cast.projects)
    yield from _chain("02", goals, ("2020-01-13", "2020-01-14", "2020-01-15", "2020-01-16"))


def _submitted(it: Undertaking) -> Step:
    return Step("submit_goal", it.subject, clerk(it.unit), OF_PROJECTS, _goal(it))


def _goal(it: Undertaking) -> forms.Body:
    lines = [forms.line("L1", it.declared)]
    return forms.goal(YEAR, f"完成{it.name}年度任务", lines, it.code)


def _chain(meeting: str, goals: Sequence[Reviewed], days: Sequence[str]) -> Iterator[Scene]:
    """Stage by stage, one sitting over all of them, and the conclusion on each."""
    first, second, third, last = days
    above = [each for each in goals if each.superior]
    if above:
        stage = ReviewStage.DEPARTMENT
        yield Scene.on(
            first, stage.label, (_opinion(e, department(e.superior), stage) for e in above)
        )
    for day, by, stage in (
        (first, COUNTERPART, ReviewStage.COUNTERPART_SECTION),
        (second, PERFORMANCE, ReviewStage.PERFORMANCE_SECTION),
        (third, BUDGET, ReviewStage.BUDGET_SECTION),
    ):
        yield Scene.on(day, stage.label, [_opinion(each, by, stage) for each in goals])
    yield Scene.on(last, ReviewStage.COLLECTIVE.label, [_sitting(meeting, goals)])
    yield Scene.each(last, "审核结论", _concluded, goals)


def _opinion(it: Reviewed, by: Person, stage: ReviewStage) -> Step:
    body = forms.opinion(YEAR, it.version, stage, Verdict.PASS)
    return Step("give_opinion", it.subject, by, OF_CHAIN, body)


def _sitting(meeting: str, goals: Sequence[Reviewed]) -> Step:
    """One act for all of them."""
    lines = [
        {
            "subject": each.subject.partition("/")[0],
            "code": each.code,
            "year": YEAR,
            "version": each.version,
            "verdict": Verdict.PASS.value,
            "recommended": yuan(each.recommended),
        }
        for each in goals
    ]
    body = {
        "lines": lines,
        "attendees": [each.id for each in OFFICERS],
        "minutes": digest(f"会议纪要 {YEAR}-{meeting}"),
    }
    subject = f"meeting/{YEAR}-{meeting}"
    return Step("hold_collective_review", subject, COMMITTEE, OF_CHAIN, body)


def _concluded(it: Reviewed) -> Step:
    body = forms.conclusion(YEAR, it.version, it.score, it.grade, it.recommended)
    return Step("conclude_goal_review", it.subject, PERFORMANCE, BY_THE_PAPER, body)


# What follows from a grade


def _after_review(cast: Cast) -> Iterator[Scene]:
    """Who tries to enter too early is refused; what is good is amended first."""
    early = [*cast.graded(GOOD), *cast.graded(FAIR), *cast.graded(POOR)]
    tried = [_admitted(each).refused(PASSED_REVIEW.id) for each in early]
    yield Scene.on("2020-01-17", "未达条件不得纳入项目库", tried)
    out = [_submitted(each).refused(NOT_AFTER_EXCLUSION.id) for each in cast.graded(POOR)]
    yield Scene.on("2020-01-17", "审核为差的不再受理", out)
    yield Scene.each("2020-01-19", "修改完善绩效目标", _amended, cast.graded(GOOD))


def _amended(it: Undertaking) -> Step:
    body = _goal(it) | {"agreed": "与单位协商，补充完善指标（演示生成）"}
    return Step("amend_goal", it.subject, clerk(it.unit), BY_THE_PAPER, body)


def _again(cast: Cast) -> Iterator[Scene]:
    """What was fair goes through the whole chain once more."""
    fair = cast.graded(FAIR)
    goals = [Reviewed(it.subject, 2, it.declared, EXCELLENT, it.superior) for it in fair]
    yield Scene.each("2020-01-19", "重报绩效目标", _submitted, fair)
    yield from _chain("03", goals, ("2020-01-20", "2020-01-20", "2020-01-21", "2020-01-21"))


def _arranged(cast: Cast) -> Iterator[Scene]:
    """What passed enters the library and is given its budget."""
    passed = [each for each in cast.projects if each.grade != POOR]
    yield Scene.each("2020-01-22", "纳入项目库", _admitted, passed)
    yield Scene.each("2020-02-07", "批复预算和绩效目标", _approved, passed)


def _admitted(it: Undertaking) -> Step:
    return Step("admit_project", it.subject, BUDGET, BY_THE_PAPER, {"year": YEAR})


def _approved(it: Undertaking) -> Step:
    body = forms.budget(YEAR, DOCUMENT, [forms.line("L1", it.declared)])
    return Step("approve_budget", it.subject, LEADER, OF_PROJECTS, body)
