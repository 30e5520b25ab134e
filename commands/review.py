"""审核: a goal goes through its chain, one opinion after the other, to a conclusion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from aggregates.accountable import Accountable, Goal
from aggregates.base import Severity
from aggregates.review import GoalReviewConcluded, OpinionGiven, Verdict
from aggregates.roles import Role
from aggregates.unit import Unit
from aggregates.values import Fen, Grade, ReviewStage, Score, reduction, yuan
from commands.base import Case, Command, Rule, act
from commands.unit import superiors, unit_of
from commands.vocabulary import BudgetYear, Count, Remark

ROLE_OF_STAGE: Mapping[ReviewStage, Role] = {
    ReviewStage.DEPARTMENT: Role.SUPERIOR_DEPARTMENT,
    ReviewStage.COUNTERPART_SECTION: Role.COUNTERPART_SECTION,
    ReviewStage.PERFORMANCE_SECTION: Role.PERFORMANCE_SECTION,
    ReviewStage.BUDGET_SECTION: Role.BUDGET_SECTION,
    ReviewStage.THIRD_PARTY: Role.AGENCY,
}
"""Who gives an opinion alone; the collective stage belongs to a meeting."""

GOAL_IS_SUBMITTED = Rule(
    "review.goal_is_submitted", "绩效目标申报之后，方可审核", basis="SZ-14; SZ-16"
)
ON_THE_CURRENT_VERSION = Rule(
    "review.on_the_current_version", "审核只针对现行版本的绩效目标", basis="SZ-16; SZ-20"
)
GOAL_IS_UNDER_REVIEW = Rule(
    "review.goal_is_under_review",
    "只审核尚未退回修改、也未作出审核结论的绩效目标",
    basis="SZ-16; SZ-20",
)
STAGE_APPLIES = Rule(
    "review.stage_applies",
    "审核环节须在本目标的审核链之内；一级单位自身的目标不设部门审核",
    basis="SZ-14; SZ-16",
)
STAGES_IN_ORDER = Rule(
    "review.stages_in_order", "各审核环节依次进行，不得越级，也不得重复", basis="SZ-16"
)
STAGE_HAS_ITS_ROLE = Rule(
    "review.stage_has_its_role",
    "各审核环节由相应的角色办理，集中会审以会议形式办理",
    basis="SZ-16",
)
DEPARTMENT_STANDS_ABOVE = Rule(
    "review.department_stands_above", "部门审核由申请单位的上级单位办理", basis="SZ-14"
)
NOT_OWN_SUBMISSION = Rule(
    "review.not_own_submission",
    "本人申报的绩效目标，本人不得参与审核、定级或批复",
    basis="SZ-16; SZ-33",
)
ONE_STAGE_EACH = Rule(
    "review.one_stage_each",
    "同一人在同一版本上应只办理一个个人审核环节",
    basis="SZ-16; KM-50",
    severity=Severity.FLAG,
)
RETURN_SAYS_WHY = Rule("review.return_says_why", "退回修改须写明意见", basis="SZ-42")
ALL_STAGES_PASSED = Rule(
    "review.all_stages_passed", "审核链各环节均已通过，方可作出审核结论", basis="SZ-16"
)
GRADE_FITS_SCORE = Rule(
    "review.grade_fits_score",
    "审核等级须与得分所在的分数段一致",
    basis="财预〔2015〕88号; SZ-18",
)
RECOMMENDED_WITHIN_DECLARED = Rule(
    "review.recommended_within_declared",
    "建议安排金额高于申报金额的，须说明理由",
    basis="KM-14; AN-12",
)

GoalVersion = Annotated[Count, "绩效目标的版次"]
Comments = Annotated[Remark, "意见，退回时必填"]
Recommended = Annotated[Fen, "建议金额"]


def chain_for(it: Accountable, case: Case) -> tuple[ReviewStage, ...]:
    """The stages that a goal goes through: nobody stands above a unit of the first level."""
    has_superior = bool(unit_of(it, case).superior)
    chain = case.rule_set.review_chain
    return tuple(s for s in chain if has_superior or s != ReviewStage.DEPARTMENT)


@act(
    "{accountable}/opinions",
    by=ROLE_OF_STAGE.values(),
    basis="SZ-14; SZ-16; SZ-42; KM-10",
    reads={Unit},
)
class GiveOpinion(Command[Accountable]):
    """审核意见: one person passes a goal at one stage, or returns it with comments."""

    year: BudgetYear
    version: GoalVersion
    stage: ReviewStage
    verdict: Verdict
    comments: Comments = ""
    score: Score | None = None
    recommended: Recommended | None = None

    def decide(self, it: Accountable, case: Case, /) -> OpinionGiven:
        goal = it.year(self.year).goal
        check_version(goal, self.version, it, case)
        check_turn(goal, self.stage, it, case)
        self._check_reviewer(goal, it, case)
        says_why = self.comments or self.verdict == Verdict.PASS
        case.require(says_why, RETURN_SAYS_WHY, 意见=self.comments)
        return OpinionGiven(
            self.year,
            self.version,
            self.stage,
            case.actor.person,
            self.verdict,
            self.comments,
            self.score,
            self.recommended,
        )

    def _check_reviewer(self, goal: Goal, it: Accountable, case: Case) -> None:
        """The right role and office, nobody's own submission, and not one person twice."""
        actor, expected = case.actor, ROLE_OF_STAGE.get(self.stage)
        case.require(case.role == expected, STAGE_HAS_ITS_ROLE, 环节=self.stage, 角色=case.role)
        if self.stage == ReviewStage.DEPARTMENT:
            above = superiors(unit_of(it, case), case)
            is_above = actor.organisation in above
            case.require(is_above, DEPARTMENT_STANDS_ABOVE, 上级=above, 单位=actor.organisation)
        case.require(actor.person != goal.submitter, NOT_OWN_SUBMISSION, 人员=actor.person)
        case.require(not goal.is_signed_by(actor.person), ONE_STAGE_EACH, 人员=actor.person)


@act(
    "{accountable}/review",
    by={Role.PERFORMANCE_SECTION, Role.BUDGET_SECTION, Role.BUREAU_PARTY_COMMITTEE},
    basis="财预〔2015〕88号 第25条; SZ-18; SZ-19; SZ-20; SZ-21",
    reads={Unit},
)
class ConcludeGoalReview(Command[Accountable]):
    """审核结论: score, grade and the sum recommended; the grade decides what follows."""

    year: BudgetYear
    version: GoalVersion
    score: Score
    grade: Grade
    recommended: Recommended
    comments: Annotated[Remark, "意见"] = ""
    reason: Annotated[Remark, "理由，建议金额高于申报金额时必填"] = ""

    def decide(self, it: Accountable, case: Case, /) -> GoalReviewConcluded:
        goal = it.year(self.year).goal
        check_version(goal, self.version, it, case)
        self._check_outcome(goal, it, case)
        case.require(case.actor.person != goal.submitter, NOT_OWN_SUBMISSION, 人员=goal.submitter)
        cut, rate = reduction(goal.declared, self.recommended)
        return GoalReviewConcluded(
            self.year,
            self.version,
            self.score,
            self.grade,
            goal.declared,
            self.recommended,
            cut,
            rate,
            case.rule_set.after_review[self.grade],
            self.comments,
            self.reason,
        )

    def _check_outcome(self, goal: Goal, it: Accountable, case: Case) -> None:
        """Every stage has passed; grade and sum follow from what was looked at."""
        missing = goal.next_stage(chain_for(it, case))
        case.require(missing is None, ALL_STAGES_PASSED, 未办环节=missing)
        due = case.rule_set.review_bands.grade(self.score)
        case.require(self.grade == due, GRADE_FITS_SCORE, 得分=self.score, 应为=due)
        is_within = self.recommended <= goal.declared or self.reason
        case.require(is_within, RECOMMENDED_WITHIN_DECLARED, 申报=yuan(goal.declared))


def check_version(goal: Goal, version: int, it: Accountable, case: Case) -> None:
    """An opinion is about the version that is there now, while somebody's opinion is awaited."""
    if not case.require(goal.is_submitted, GOAL_IS_SUBMITTED, 编码=it.code):
        return
    is_current = version == goal.version
    case.require(is_current, ON_THE_CURRENT_VERSION, 编码=it.code, 现行版本=goal.version)
    case.require(goal.is_under_review, GOAL_IS_UNDER_REVIEW, 编码=it.code)


def check_turn(goal: Goal, stage: ReviewStage, it: Accountable, case: Case) -> None:
    """The stage belongs to this goal's chain, and it is the next one."""
    chain = chain_for(it, case)
    if case.require(stage in chain, STAGE_APPLIES, 编码=it.code, 环节=stage):
        due = goal.next_stage(chain)
        case.require(stage == due, STAGES_IN_ORDER, 编码=it.code, 环节=stage, 应办=due)
