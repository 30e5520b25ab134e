"""事前绩效评估: a panel asks whether a new project is worth its money, and what it should get."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from aggregates.base import Severity
from aggregates.exante import (
    Adjustment,
    Answer,
    ExAnteConditionMet,
    ExAnteEvaluationConcluded,
    PanelScore,
)
from aggregates.project import Project
from aggregates.roles import UNIT, Role
from aggregates.unit import Unit
from aggregates.values import Fen, Score, reduction, rounded, yuan
from commands.base import Case, Command, Rule, act, repeated
from commands.unit import check_speaker, unit_of
from commands.vocabulary import Evidence, PersonId, Remark, Text

RESERVED_FIRST = Rule(
    "ex_ante.reserved_first", "项目入储备之后，方可开展事前绩效评估", basis="AN-05; DL-15"
)
AGAIN_AFTER_REVISION = Rule(
    "ex_ante.again_after_revision",
    "事前评估结果为优或良的，不再重复评估；其余结果经补充完善后可重新评估",
    basis="SZ-10",
)
CRITERIA_ARE_ANSWERED = Rule(
    "ex_ante.criteria_are_answered",
    "规则集要求的各项事前评估内容均须有评估意见",
    basis="AN-15; SZ-09; DL-16; CN-18",
)
PANEL_HAS_SCORED = Rule("ex_ante.panel_has_scored", "事前评估至少须有一名专家评分", basis="KM-15")
EXPERT_SCORES_ONCE = Rule("ex_ante.expert_scores_once", "每名专家只评一次分", basis="KM-15")
RECUSED_DO_NOT_SCORE = Rule(
    "ex_ante.recused_do_not_score", "已经回避的专家不得评分", basis="KM-15; AN-14"
)
EXPERT_IS_INDEPENDENT = Rule(
    "ex_ante.expert_is_independent", "专家不得来自被评估项目的申请单位", basis="AN-14"
)
DECLARED_AS_DEMANDED = Rule(
    "ex_ante.declared_as_demanded",
    "评估的申报金额应与入储备时的申请资金一致",
    basis="KM-16; CN-20",
    severity=Severity.FLAG,
)
RECOMMENDED_WITHIN_DECLARED = Rule(
    "ex_ante.recommended_within_declared",
    "建议金额高于申报金额的，须说明理由",
    basis="CN-20; KM-19",
)
CONDITION_IS_OPEN = Rule(
    "ex_ante.condition_is_open", "落实的须是尚待落实的事前评估意见", basis="KM-19; SZ-10"
)


@act(
    "projects/{project}/ex-ante-evaluation",
    by={Role.PERFORMANCE_SECTION, Role.COUNTERPART_SECTION, Role.SUPERIOR_DEPARTMENT},
    basis="AN-05; AN-15; CN-31; DL-15; DL-16; KM-16",
)
class ConcludeExAnteEvaluation(Command[Project]):
    """事前绩效评估结论: answers to the criteria, scores of the experts, and a sum."""

    answers: Annotated[tuple[Answer, ...], "各项评估内容的意见"]
    panel: tuple[PanelScore, ...]
    declared: Annotated[Fen, "申报金额"]
    recommended: Annotated[Fen, "建议金额"]
    recused: Annotated[tuple[PersonId, ...], "回避的专家"] = ()
    adjustments: tuple[Adjustment, ...] = ()
    condition: Annotated[Remark, "须先补充完善的内容，空为无"] = ""
    reason: Annotated[Remark, "理由，建议金额高于申报金额时必填"] = ""

    def decide(self, project: Project, case: Case, /) -> ExAnteEvaluationConcluded:
        case.require(project.is_in_reserve, RESERVED_FIRST, 项目=project.code)
        is_settled = project.ex_ante.is_favourable
        case.require(not is_settled, AGAIN_AFTER_REVISION, 上次结果=project.ex_ante.grade)
        self._check_criteria(case)
        self._check_panel(project, case)
        self._check_sums(project, case)
        return self._conclusion(project, case)

    def _check_criteria(self, case: Case) -> None:
        answered = {answer.criterion for answer in self.answers if answer.finding}
        missing = [each for each in case.rule_set.ex_ante_criteria if each not in answered]
        case.require(not missing, CRITERIA_ARE_ANSWERED, 缺少=missing)

    def _check_panel(self, project: Project, case: Case) -> None:
        """Every expert scores once, has not stepped aside, and works for somebody else."""
        experts = [each.expert for each in self.panel]
        twice = repeated(experts)
        case.require(not twice, EXPERT_SCORES_ONCE, 专家=twice)
        recused = sorted(set(experts) & set(self.recused))
        case.require(not recused, RECUSED_DO_NOT_SCORE, 专家=recused)
        partial = [each.expert for each in self.panel if each.organisation == project.unit]
        case.require(not partial, EXPERT_IS_INDEPENDENT, 专家=partial, 申请单位=project.unit)

    def _check_sums(self, project: Project, case: Case) -> None:
        is_as_demanded = self.declared == project.demanded
        case.require(is_as_demanded, DECLARED_AS_DEMANDED, 入储备时=yuan(project.demanded))
        is_within = self.recommended <= self.declared or self.reason
        case.require(is_within, RECOMMENDED_WITHIN_DECLARED, 申报=yuan(self.declared))

    def _conclusion(self, project: Project, case: Case) -> ExAnteEvaluationConcluded:
        mean = self._mean(case)
        cut, rate = reduction(self.declared, self.recommended)
        return ExAnteEvaluationConcluded(
            project.ex_ante.rounds + 1,
            self.answers,
            self.panel,
            self.recused,
            mean,
            case.rule_set.ex_ante_bands.grade(mean),
            self.declared,
            self.recommended,
            cut,
            rate,
            self.adjustments,
            self.condition,
            self.reason,
        )

    def _mean(self, case: Case) -> Score:
        scores = case.need(self.panel or None, PANEL_HAS_SCORED, 回避=self.recused)
        return Score(rounded(sum((each.score for each in scores), Decimal(0)) / len(scores), 2))


@act(
    "projects/{project}/ex-ante-evaluation/condition",
    by={*UNIT, Role.COUNTERPART_SECTION, Role.PERFORMANCE_SECTION},
    basis="KM-19; SZ-10",
    reads={Unit},
)
class MeetExAnteCondition(Command[Project]):
    """落实事前评估意见: what the panel asked for has been completed."""

    evidence: Evidence
    remark: Annotated[Text, "补充完善的情况"]

    def decide(self, project: Project, case: Case, /) -> ExAnteConditionMet:
        case.require(project.ex_ante.has_open_condition, CONDITION_IS_OPEN, 项目=project.code)
        check_speaker(unit_of(project, case), case)
        return ExAnteConditionMet(self.evidence, self.remark)
