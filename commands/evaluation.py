"""绩效评价: reported, answered by the unit, graded, received, and applied to a later budget."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Annotated

from aggregates.accountable import Accountable
from aggregates.base import Severity
from aggregates.evaluated import Evaluation, EvaluationMode
from aggregates.evaluation import (
    ApplicationDecided,
    EvaluationAnswered,
    EvaluationGraded,
    EvaluationReceived,
    EvaluationReported,
    FindingReported,
)
from aggregates.office import OFFICE, Office
from aggregates.roles import UNIT, Role
from aggregates.rulebook import Measure
from aggregates.values import Fen, Grade, Score
from commands.base import Case, Command, Rule, act, repeated
from commands.deadlines import due_in_days
from commands.vocabulary import Code, EvaluationId, FindingId, Name, Remark, Text, Year

LEADERS = frozenset({Role.BUREAU_LEADER, Role.BUREAU_PARTY_COMMITTEE})
REPORTERS: Mapping[EvaluationMode, frozenset[Role]] = {
    EvaluationMode.SELF: UNIT,
    EvaluationMode.DEPARTMENT: frozenset({Role.SUPERIOR_DEPARTMENT, Role.AGENCY}),
    EvaluationMode.FINANCE_KEY: frozenset({Role.PERFORMANCE_SECTION, Role.AGENCY}),
    EvaluationMode.FINANCE_REPEATED: frozenset({Role.PERFORMANCE_SECTION, Role.AGENCY}),
}
"""Who reports which evaluation; an agency proposes, it never grades."""

SUBJECT_IS_ENTERED = Rule(
    "evaluation.subject_is_entered", "评价对象须是已入储备的项目或已登记的单位", basis="KM-26"
)
REPORTED_ONCE = Rule("evaluation.reported_once", "评价编号不得重复使用", basis="KM-29")
YEARS_IN_ORDER = Rule(
    "evaluation.years_in_order",
    "评价工作不早于被评价年度，结果应用于被评价年度之后的预算",
    basis="KM-32; CN-14",
)
EVALUATOR_FITS_MODE = Rule(
    "evaluation.evaluator_fits_mode",
    "自评由本单位报告，部门评价由主管部门、财政评价由绩效股报告，后两者可由受托机构报告",
    basis="KM-26; 财预〔2020〕10号",
)
SELF_AFTER_FINAL_ACCOUNTS = Rule(
    "evaluation.self_after_final_accounts",
    "单位自评宜在部门决算批复之后进行",
    basis="SZ-25; AN-26",
    severity=Severity.FLAG,
)
FINDINGS_DIFFER = Rule("evaluation.findings_differ", "同一报告中的问题编号不得重复", basis="CN-11")
PROPOSAL_FITS_SCORE = Rule(
    "evaluation.proposal_fits_score",
    "报告建议的等级应与其得分所在的分数段一致",
    basis="KM-18; 财预〔2020〕10号",
    severity=Severity.FLAG,
)
IS_REPORTED = Rule("evaluation.is_reported", "所办理的评价须已有报告", basis="KM-29")
BY_THE_EVALUATED_UNIT = Rule(
    "evaluation.by_the_evaluated_unit", "评价意见和签收由被评价单位自行办理", basis="KM-29; KM-31"
)
ANSWERED_BEFORE_GRADING = Rule(
    "evaluation.answered_before_grading", "单位意见应在评定等级之前提出", basis="财预〔2020〕10号"
)
GRADED_ONCE = Rule("evaluation.graded_once", "每项评价只评定一次等级", basis="KM-28")
GRADE_FITS_SCORE = Rule(
    "evaluation.grade_fits_score", "等级须与得分所在的分数段一致", basis="KM-18; 财预〔2020〕10号"
)
GRADED_BY_ANOTHER = Rule(
    "evaluation.graded_by_another", "报告评价结果的人不得自行评定等级", basis="KM-51; DL-40"
)
CHANGE_IS_EXPLAINED = Rule(
    "evaluation.change_is_explained",
    "改变报告的得分，或者单位提出异议的，评定时须说明理由",
    basis="财预〔2020〕10号",
)
UNIT_IS_HEARD = Rule(
    "evaluation.unit_is_heard",
    "评定等级之前应听取单位意见，或者等到征求意见的期限届满",
    basis="财预〔2020〕10号",
    severity=Severity.FLAG,
)
GRADED_FIRST = Rule(
    "evaluation.graded_first", "评价评定等级之后，方可签收和决定结果应用", basis="KM-29; KM-37"
)
RECEIVED_ONCE = Rule("evaluation.received_once", "评价结果只签收一次", basis="KM-31")
DECIDED_ONCE = Rule("evaluation.decided_once", "每项评价的结果应用只决定一次", basis="KM-32")
DECIDED_BY_ANOTHER = Rule(
    "evaluation.decided_by_another", "结果应用不得由评定等级的人决定", basis="CN-04; KM-51"
)
DEPARTURE_IS_APPROVED = Rule(
    "evaluation.departure_is_approved",
    "不按建议应用结果的，须说明理由，并经决定人以外的领导批准",
    basis="KM-41",
)
APPROVER_LEADS = Rule(
    "evaluation.approver_leads", "批准人在当日须任局领导或为局党委会成员", basis="KM-41"
)
REDUCTION_HAS_AN_AMOUNT = Rule(
    "evaluation.reduction_has_an_amount",
    "扣减资金额度须写明大于零的金额，其他应用方式不写金额",
    basis="KM-39",
)
TAKES_NOTHING_BACK = Rule(
    "evaluation.takes_nothing_back",
    "评价结果只影响以后年度的预算，不追回被评价年度已经支付的资金",
    basis="KM-32; KM-40",
)


@dataclass(frozen=True)
class FindingGiven:
    """发现的问题: one finding, word for word as the report has it."""

    finding: FindingId
    words: Annotated[Text, "问题的原文"]


def digest_of(words: str) -> str:
    """SHA-256 of a text as it stands, so that nobody reads it otherwise later."""
    return sha256(words.encode()).hexdigest()


@act(
    "{accountable}/evaluations",
    by={*UNIT, Role.SUPERIOR_DEPARTMENT, Role.PERFORMANCE_SECTION, Role.AGENCY},
    basis="KM-26; KM-29; CN-11; CN-12; 财预〔2020〕10号",
)
class ReportEvaluation(Command[Accountable]):
    """报告评价结果: an evaluator proposes a score and a grade, and hands over what was found."""

    evaluation: EvaluationId
    mode: EvaluationMode
    evaluated_year: Annotated[Year, "被评价年度"]
    work_year: Annotated[Year, "评价工作年度"]
    affected_year: Annotated[Year, "结果应用的预算年度"]
    evaluator: Annotated[Name, "评价机构或评价组"]
    score: Score
    proposed_grade: Annotated[Grade, "建议等级"]
    findings: tuple[FindingGiven, ...] = ()
    accounts_approved_on: Annotated[date, "部门决算批复日期"] | None = None
    amount: Annotated[Fen, "被评价的资金"] = Fen(0)

    def decide(self, it: Accountable, case: Case, /) -> list[EvaluationReported | FindingReported]:
        case.require(it.is_entered, SUBJECT_IS_ENTERED, 编码=it.code)
        case.require(not it.evaluation(self.evaluation), REPORTED_ONCE, 评价=self.evaluation)
        self._check_evaluator(it, case)
        self._check_years(case)
        self._check_content(case)
        return [self._report(case), *self._findings()]

    def _check_evaluator(self, it: Accountable, case: Case) -> None:
        is_own = self.mode != EvaluationMode.SELF or case.actor.organisation == it.belongs_to
        fits = is_own and case.role in REPORTERS[self.mode]
        case.require(fits, EVALUATOR_FITS_MODE, 评价方式=self.mode, 角色=case.role)

    def _check_years(self, case: Case) -> None:
        in_order = self.evaluated_year <= self.work_year <= self.affected_year
        is_later = self.evaluated_year < self.affected_year
        years = {"被评价": self.evaluated_year, "工作": self.work_year, "应用": self.affected_year}
        case.require(in_order and is_later, YEARS_IN_ORDER, **years)
        approved = self.accounts_approved_on
        is_time = approved is not None and approved <= case.on
        is_self = self.mode == EvaluationMode.SELF
        case.require(is_time or not is_self, SELF_AFTER_FINAL_ACCOUNTS, 决算批复日期=approved)

    def _check_content(self, case: Case) -> None:
        twice = repeated(each.finding for each in self.findings)
        case.require(not twice, FINDINGS_DIFFER, 问题=twice)
        band = case.rule_set.evaluation_bands.grade(self.score)
        case.require(self.proposed_grade == band, PROPOSAL_FITS_SCORE, 分数段=band)

    def _report(self, case: Case) -> EvaluationReported:
        return EvaluationReported(
            self.evaluation,
            self.mode,
            self.evaluated_year,
            self.work_year,
            self.affected_year,
            self.evaluator,
            self.score,
            self.proposed_grade,
            case.actor.person,
            case.on,
            self.accounts_approved_on,
            self.amount,
        )

    def _findings(self) -> Iterable[FindingReported]:
        return (
            FindingReported(self.evaluation, each.finding, each.words, digest_of(each.words))
            for each in self.findings
        )


@act("{accountable}/evaluations/answer", by=UNIT, basis="KM-29; 财预〔2020〕10号")
class AnswerEvaluation(Command[Accountable]):
    """单位意见: the evaluated unit agrees with the report or objects to it, before it counts."""

    evaluation: EvaluationId
    opinion: Annotated[Text, "单位意见"]
    objects: Annotated[bool, "是否有异议"]

    def decide(self, it: Accountable, case: Case, /) -> EvaluationAnswered:
        evaluation = reported(it, self.evaluation, case)
        _check_unit(it, case)
        is_open = not evaluation.is_graded
        case.require(is_open, ANSWERED_BEFORE_GRADING, 等级=evaluation.grade)
        return EvaluationAnswered(self.evaluation, self.opinion, self.objects)


@act(
    "{accountable}/evaluations/grade",
    by={Role.PERFORMANCE_SECTION, *LEADERS},
    basis="KM-28; KM-37; 财预〔2020〕10号",
)
class GradeEvaluation(Command[Accountable]):
    """评定等级: finance settles score and grade; table B's recommendation is a conclusion."""

    evaluation: EvaluationId
    score: Score
    grade: Grade
    reason: Annotated[Remark, "理由，改变报告的得分或者单位有异议时必填"] = ""

    def decide(self, it: Accountable, case: Case, /) -> EvaluationGraded:
        evaluation = reported(it, self.evaluation, case)
        case.require(not evaluation.is_graded, GRADED_ONCE, 等级=evaluation.grade)
        band = case.rule_set.evaluation_bands.grade(self.score)
        case.require(self.grade == band, GRADE_FITS_SCORE, 得分=self.score, 分数段=band)
        person = case.actor.person
        case.require(person != evaluation.reporter, GRADED_BY_ANOTHER, 人员=person)
        self._check_opinion(evaluation, case)
        return EvaluationGraded(
            self.evaluation,
            self.score,
            self.grade,
            recommendation(evaluation.mode, self.grade, case),
            evaluation.score,
            person,
            self.reason,
        )

    def _check_opinion(self, evaluation: Evaluation, case: Case) -> None:
        is_changed = self.score != evaluation.score or evaluation.is_objected_to
        case.require(self.reason or not is_changed, CHANGE_IS_EXPLAINED, 报告得分=evaluation.score)
        is_own = evaluation.mode == EvaluationMode.SELF
        end = due_in_days(evaluation.reported_on, case.rule_set.unit_opinion_days, case.rule_set)
        is_heard = is_own or evaluation.is_answered or end < case.on
        case.require(is_heard, UNIT_IS_HEARD, 期限=end)


def recommendation(mode: EvaluationMode, grade: Grade, case: Case) -> Measure | None:
    """What table B says to a grade given by finance; other evaluations have no such consequence."""
    return case.rule_set.after_evaluation.get(grade) if mode.is_by_finance else None


@act("{accountable}/evaluations/receipt", by=UNIT, basis="KM-29; KM-31")
class ReceiveEvaluation(Command[Accountable]):
    """签收评价结果: the unit has it from this day; the term of rectification begins to run."""

    evaluation: EvaluationId

    def decide(self, it: Accountable, case: Case, /) -> EvaluationReceived:
        evaluation = reported(it, self.evaluation, case)
        _check_unit(it, case)
        case.require(evaluation.is_graded, GRADED_FIRST, 评价=self.evaluation)
        case.require(not evaluation.is_received, RECEIVED_ONCE, 签收=evaluation.received_on)
        return EvaluationReceived(self.evaluation, case.on)


@act(
    "{accountable}/evaluations/decision",
    by={Role.BUDGET_SECTION, *LEADERS},
    basis="KM-32; KM-37; KM-38; KM-39; KM-40; KM-41",
    reads={Office},
)
class DecideApplication(Command[Accountable]):
    """决定结果应用: follow the recommendation for a later year's budget, or depart from it."""

    evaluation: EvaluationId
    budget_year: Annotated[Year, "决定所针对的预算年度"]
    measure: Measure
    amount: Annotated[Fen, "扣减的金额，其他应用方式不填"] = Fen(0)
    reason: Annotated[Remark, "理由，不按建议应用结果时必填"] = ""
    approver: Annotated[Code, "批准人，不按建议应用结果时填写"] = ""

    def decide(self, it: Accountable, case: Case, /) -> ApplicationDecided:
        evaluation = reported(it, self.evaluation, case)
        case.require(evaluation.is_graded, GRADED_FIRST, 评价=self.evaluation)
        case.require(not evaluation.is_decided, DECIDED_ONCE, 决定=evaluation.decision)
        person = case.actor.person
        case.require(person != evaluation.grader, DECIDED_BY_ANOTHER, 人员=person)
        is_later = self.budget_year > evaluation.evaluated_year
        case.require(is_later, TAKES_NOTHING_BACK, 被评价年度=evaluation.evaluated_year)
        is_reduction = self.measure == Measure.REDUCE
        case.require((self.amount > 0) == is_reduction, REDUCTION_HAS_AN_AMOUNT, 应用=self.measure)
        follows = evaluation.recommends(self.measure)
        if not follows:
            self._check_departure(evaluation, case)
        return ApplicationDecided(
            self.evaluation,
            self.budget_year,
            self.measure,
            self.amount,
            evaluation.recommendation,
            follows,
            person,
            self.reason,
            self.approver,
        )

    def _check_departure(self, evaluation: Evaluation, case: Case) -> None:
        is_another = self.approver not in ("", case.actor.person)
        is_argued = self.reason and is_another
        suggested = evaluation.recommendation
        if case.require(is_argued, DEPARTURE_IS_APPROVED, 建议=suggested, 批准人=self.approver):
            office = case.read(Office, OFFICE)
            leads = any(office.assignment(self.approver, role, case.on) for role in LEADERS)
            case.require(leads, APPROVER_LEADS, 批准人=self.approver)


def reported(it: Accountable, id: str, case: Case) -> Evaluation:
    """The evaluation that an act is about."""
    return case.need(it.evaluation(id), IS_REPORTED, 评价=id)


def _check_unit(it: Accountable, case: Case) -> None:
    organisation = case.actor.organisation
    is_own = organisation == it.belongs_to
    case.require(is_own, BY_THE_EVALUATED_UNIT, 被评价单位=it.belongs_to, 单位=organisation)
