"""指标: what the paper of Shizong publishes, and what its chain and its four grades lead to."""

from __future__ import annotations

from collections.abc import Callable

from aggregates.base import Record
from aggregates.budget import BudgetApproved
from aggregates.goal import GoalAmended, GoalSubmitted
from aggregates.meeting import CollectiveReviewHeld
from aggregates.reserve import ProjectAdmitted, ProjectReserved
from aggregates.review import CollectiveOpinionGiven, GoalReviewConcluded, OpinionGiven
from aggregates.rulebook import AfterReview
from aggregates.unit import UnitRegistered
from aggregates.values import Grade, ReviewStage, percentage
from commands.goal import NOT_AFTER_EXCLUSION
from commands.reserve import PASSED_REVIEW
from service.demo.evidence import Evidence, Found, count, every, wan
from service.demo.figures import derived, fitted

CHAIN = (
    ReviewStage.DEPARTMENT,
    ReviewStage.COUNTERPART_SECTION,
    ReviewStage.PERFORMANCE_SECTION,
    ReviewStage.BUDGET_SECTION,
    ReviewStage.COLLECTIVE,
)
Conclusion = Record[GoalReviewConcluded]


def _first_level(evidence: Evidence) -> list[Record[UnitRegistered]]:
    return [record for record in evidence.of(UnitRegistered) if record.fact.level == 1]


def _townships(evidence: Evidence) -> Found:
    return count([r for r in _first_level(evidence) if "乡镇街道" in r.fact.name], "家")


def _covered(evidence: Evidence) -> Found:
    units = {record.stream for record in _first_level(evidence)}
    with_goal = units & set(evidence.latest(GoalSubmitted))
    return Found(f"{len(with_goal)}/{len(units)}")


# Projects


def _goals(evidence: Evidence) -> dict[str, Record[GoalSubmitted]]:
    """The latest goal of each project."""
    latest = evidence.latest(GoalSubmitted)
    return {stream: it for stream, it in latest.items() if stream.startswith("project/")}


def _declared(evidence: Evidence) -> int:
    return sum(record.fact.declared for record in _goals(evidence).values())


def _managed(evidence: Evidence) -> Found:
    """The share of what is in the reserve for which a goal was set."""
    demanded = sum(it.demanded for it in evidence.facts(ProjectReserved))
    return Found(f"{percentage(_declared(evidence), demanded, 0)} %")


def _concluded(evidence: Evidence) -> list[Conclusion]:
    """Conclusions on projects, those on a first version before those on a second one."""
    return [r for r in evidence.of(GoalReviewConcluded) if r.stream.startswith("project/")]


def _stages(evidence: Evidence, it: Conclusion) -> tuple[ReviewStage, ...]:
    """Who passed this version, in the order in which it happened."""
    alone = [(r, r.fact.version, r.fact.stage) for r in evidence.of(OpinionGiven)]
    together = [
        (r, r.fact.version, ReviewStage.COLLECTIVE) for r in evidence.of(CollectiveOpinionGiven)
    ]
    of_version = (
        (record.position, stage)
        for record, version, stage in (*alone, *together)
        if (record.stream, version) == (it.stream, it.fact.version)
    )
    return tuple(stage for _, stage in sorted(of_version))


def _five_stages(evidence: Evidence) -> Found:
    return every(_stages(evidence, it) == CHAIN for it in _concluded(evidence))


def _one_sitting(evidence: Evidence) -> Found:
    """The sitting that looked at most projects."""
    held = evidence.facts(CollectiveReviewHeld)
    of_projects = [[s for s in it.subjects if s.startswith("project/")] for it in held]
    return Found(f"{max(map(len, of_projects))} 个项目")


# The four grades


def _follows(
    grade: Grade, consequence: AfterReview, holds: Callable[[Evidence, Conclusion], object]
) -> Callable[[Evidence], Found]:
    """The consequence of a grade, if every goal so graded bears it and went the way it says."""

    def found(evidence: Evidence) -> Found:
        graded = [it for it in _concluded(evidence) if it.fact.grade == grade]
        as_told = [
            it.fact.consequence == consequence and bool(holds(evidence, it)) for it in graded
        ]
        is_so = graded and all(as_told)
        return Found(consequence.label if is_so else "并非如此", f"{sum(as_told)}/{len(graded)}")

    return found


def _entered(evidence: Evidence, it: Conclusion) -> bool:
    """Admitted with this very version."""
    admitted = evidence.latest(ProjectAdmitted).get(it.stream)
    return admitted is not None and admitted.fact.goal_version == it.fact.version


def _amended_then_entered(evidence: Evidence, it: Conclusion) -> bool:
    amended = evidence.latest(GoalAmended).get(it.stream)
    admitted = evidence.latest(ProjectAdmitted).get(it.stream)
    return (
        amended is not None
        and admitted is not None
        and it.position < amended.position < admitted.position
        and admitted.fact.goal_version == amended.fact.version
    )


def _resubmitted(evidence: Evidence, it: Conclusion) -> bool:
    """A second version went through the whole chain before anything was admitted."""
    again = [
        each
        for each in _concluded(evidence)
        if each.stream == it.stream and each.fact.version == it.fact.version + 1
    ]
    return bool(again) and _stages(evidence, again[0]) == CHAIN and _entered(evidence, again[0])


def _stayed_out(evidence: Evidence, it: Conclusion) -> bool:
    is_in = it.stream in evidence.latest(ProjectAdmitted)
    is_paid = it.stream in evidence.latest(BudgetApproved)
    is_shut_out = it.stream in evidence.refused(NOT_AFTER_EXCLUSION.id)
    return not is_in and not is_paid and is_shut_out


def _arranged_in_order(evidence: Evidence) -> Found:
    """Nothing was approved that had not been admitted on a goal that passed."""
    admitted = evidence.latest(ProjectAdmitted)
    return every(
        record.stream in admitted
        and admitted[record.stream].position < record.position
        and admitted[record.stream].fact.goal_version == record.fact.goal_version
        for record in evidence.of(BudgetApproved)
    )


def _too_early(evidence: Evidence) -> Found:
    """Whatever was not excellent at first was tried at once, and not allowed."""
    first = [it for it in _concluded(evidence) if it.fact.version == 1]
    refused = evidence.refused(PASSED_REVIEW.id)
    return every(it.stream in refused for it in first if it.fact.grade != Grade.EXCELLENT)


FIGURES = (
    fitted("一级预算单位", "70 家", "SZ-30", lambda e: count(_first_level(e), "家")),
    fitted("其中乡镇街道", "10 家", "SZ-30", _townships),
    derived("单位整体绩效目标覆盖", "70/70", "SZ-30", _covered),
    fitted("特定目标类项目", "34 个", "SZ-22", lambda e: count(_goals(e), "个")),
    fitted("项目金额", "3,692 万元", "SZ-22", lambda e: Found(wan(_declared(e)))),
    derived("绩效目标管理规模", "100 %", "SZ-22", _managed),
    derived("五个环节依次审核", "全部", "SZ-16", _five_stages),
    derived("一次会审的项目", "34 个项目", "SZ-16", _one_sitting),
    derived(
        "审核为优",
        AfterReview.ENTER.label,
        "SZ-18",
        _follows(Grade.EXCELLENT, AfterReview.ENTER, _entered),
    ),
    derived(
        "审核为良",
        AfterReview.AMEND_THEN_ENTER.label,
        "SZ-19",
        _follows(Grade.GOOD, AfterReview.AMEND_THEN_ENTER, _amended_then_entered),
    ),
    derived(
        "审核为中",
        AfterReview.RESUBMIT.label,
        "SZ-20",
        _follows(Grade.FAIR, AfterReview.RESUBMIT, _resubmitted),
    ),
    derived(
        "审核为差",
        AfterReview.EXCLUDE.label,
        "SZ-21",
        _follows(Grade.POOR, AfterReview.EXCLUDE, _stayed_out),
    ),
    derived("未达条件不能入库", "全部", "SZ-19 至 SZ-21", _too_early),
    derived("先入库，后批复", "全部", "AN-06、DL-24", _arranged_in_order),
)
