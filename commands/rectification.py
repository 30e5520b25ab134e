"""整改: problems are handed over one by one, put right, looked at by others, and closed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from aggregates.accountable import Accountable
from aggregates.base import Severity
from aggregates.item import Item, ItemCause
from aggregates.rectification import (
    RecoveryRecorded,
    RectificationClosed,
    RectificationOrdered,
    RectificationRejected,
    RectificationReported,
    RectificationVerified,
)
from aggregates.roles import UNIT, Role
from aggregates.values import Fen, yuan
from commands.base import Case, Command, Rule, act
from commands.deadlines import due_in_months
from commands.evaluation import digest_of, reported
from commands.vocabulary import (
    DocumentNumber,
    EvaluationId,
    Evidence,
    FindingId,
    ItemId,
    Reason,
    Remark,
    Text,
)

OVERSEERS = frozenset({Role.PERFORMANCE_SECTION, Role.COUNTERPART_SECTION})

ITEMS_ARE_NEW = Rule(
    "rectification.items_are_new", "整改事项须至少列明一项，编号不得重复使用", basis="CN-11"
)
RECEIVED_FIRST = Rule(
    "rectification.received_first", "单位签收评价结果之后，方可据以交办整改", basis="KM-31"
)
FINDING_IS_REPORTED = Rule(
    "rectification.finding_is_reported", "交办的问题须出自该评价报告", basis="CN-11"
)
FINDING_IS_VERBATIM = Rule(
    "rectification.finding_is_verbatim", "交办的问题须与评价报告的原文一字不差", basis="CN-12"
)
EVALUATION_IS_CITED = Rule(
    "rectification.evaluation_is_cited",
    "绩效评价发现的问题，按其评价报告交办",
    basis="CN-11; CN-12",
)
DUE_AFTER_RECEIPT = Rule(
    "rectification.due_after_receipt", "整改期限须在收到文书之后", basis="KM-31; 审计法 第54条"
)
ITEM_IS_KNOWN = Rule("rectification.item_is_known", "所办理的整改事项须已交办", basis="CN-11")
REPORTED_BY_ITS_UNIT = Rule(
    "rectification.reported_by_its_unit", "整改情况由责任单位自行反馈", basis="CN-13; CN-17"
)
REPORTED_WITH_EVIDENCE = Rule(
    "rectification.reported_with_evidence", "反馈整改须附佐证材料", basis="KM-33; CN-17"
)
REPORTED_WHEN_AWAITED = Rule(
    "rectification.reported_when_awaited", "整改情况尚未反馈或已被退回的，方可反馈", basis="CN-13"
)
DEADLINE_IS_MET = Rule(
    "rectification.deadline_is_met",
    "整改情况应在期限之内反馈",
    basis="KM-31",
    severity=Severity.FLAG,
)
JUDGED_WHEN_REPORTED = Rule(
    "rectification.judged_when_reported", "整改情况反馈之后，方可核实或退回", basis="KM-34"
)
JUDGED_BY_ANOTHER_UNIT = Rule(
    "rectification.judged_by_another_unit", "整改不得由责任单位自行核实", basis="KM-34; KM-51"
)
JUDGED_BY_ANOTHER_PERSON = Rule(
    "rectification.judged_by_another_person", "整改不得由反馈整改的人核实", basis="KM-34; KM-51"
)
CLOSED_WHEN_VERIFIED = Rule(
    "rectification.closed_when_verified", "整改核实之后，方可销号", basis="KM-34; KM-36"
)
RECOVERED_IN_FULL = Rule(
    "rectification.recovered_in_full", "责令收回的资金全部收回之后，方可销号", basis="CN-25"
)
RECOVERED_WITHIN_ORDER = Rule(
    "rectification.recovered_within_order",
    "收回的金额须大于零，且不超过责令收回而尚未收回的金额",
    basis="CN-25",
)

ToRecover = Annotated[Fen, "责令收回的金额"]


@dataclass(frozen=True)
class FindingToRectify:
    """整改事项: an item, the finding that it rests on, in its own words, and what to recover."""

    item: ItemId
    finding: FindingId
    problem: Annotated[Text, "问题，与评价报告的原文一致"]
    amount: ToRecover = Fen(0)


@dataclass(frozen=True)
class ProblemToRectify:
    """整改事项: an item, the problem in the document's words, and what to recover."""

    item: ItemId
    problem: Annotated[Text, "问题，与文书原文一致"]
    amount: ToRecover = Fen(0)


@act("{accountable}/rectification", by=OVERSEERS, basis="KM-31; CN-11; CN-12; CN-25")
class OrderRectification(Command[Accountable]):
    """交办整改: an evaluation's findings become items, due so many months after its receipt."""

    evaluation: EvaluationId
    items: tuple[FindingToRectify, ...]

    def decide(self, it: Accountable, case: Case, /) -> list[RectificationOrdered]:
        evaluation = reported(it, self.evaluation, case)
        _check_new([each.item for each in self.items], it, case)
        for each in self.items:
            self._check_finding(each, evaluation.findings.get(each.finding), case)
        received = case.need(evaluation.received_on, RECEIVED_FIRST, 评价=self.evaluation)
        due = due_in_months(received, case.rule_set.rectification_months, case.rule_set)
        return [
            RectificationOrdered(
                each.item,
                ItemCause.EVALUATION,
                each.problem,
                digest_of(each.problem),
                it.belongs_to,
                received,
                due,
                each.amount,
                evaluation=self.evaluation,
                finding=each.finding,
            )
            for each in self.items
        ]

    def _check_finding(self, asked: FindingToRectify, digest: str | None, case: Case) -> None:
        if case.require(digest, FINDING_IS_REPORTED, 问题=asked.finding):
            is_verbatim = digest_of(asked.problem) == digest
            case.require(is_verbatim, FINDING_IS_VERBATIM, 问题=asked.finding)


@act("{accountable}/rectification/by-document", by=OVERSEERS, basis="CN-24; CN-25; 审计法 第54条")
class OrderRectificationByDocument(Command[Accountable]):
    """按文书交办整改: problems found elsewhere become items, by the number of the document.

    The document may fix the day itself; otherwise the office's term runs from its receipt.
    """

    cause: ItemCause
    document: DocumentNumber
    received_on: Annotated[date, "收到文书的日期"]
    items: tuple[ProblemToRectify, ...]
    due: Annotated[date, "整改期限，不填按规则集推算"] | None = None

    def decide(self, it: Accountable, case: Case, /) -> list[RectificationOrdered]:
        is_other = self.cause != ItemCause.EVALUATION
        case.require(is_other, EVALUATION_IS_CITED, 来源=self.cause)
        _check_new([each.item for each in self.items], it, case)
        months = case.rule_set.rectification_months
        due = self.due or due_in_months(self.received_on, months, case.rule_set)
        case.require(self.received_on < due, DUE_AFTER_RECEIPT, 收到=self.received_on, 期限=due)
        return [
            RectificationOrdered(
                each.item,
                self.cause,
                each.problem,
                digest_of(each.problem),
                it.belongs_to,
                self.received_on,
                due,
                each.amount,
                document=self.document,
            )
            for each in self.items
        ]


@act("{accountable}/rectification/report", by=UNIT, basis="KM-31; KM-33; CN-13; CN-17")
class ReportRectification(Command[Accountable]):
    """反馈整改: the responsible unit says what it did, with the digests of what shows it."""

    item: ItemId
    result: Annotated[Text, "整改情况"]
    evidence: tuple[Evidence, ...]

    def decide(self, it: Accountable, case: Case, /) -> RectificationReported:
        item = item_of(it, self.item, case)
        organisation = case.actor.organisation
        is_own = organisation == item.responsible
        case.require(is_own, REPORTED_BY_ITS_UNIT, 责任单位=item.responsible, 单位=organisation)
        case.require(self.evidence, REPORTED_WITH_EVIDENCE, 事项=self.item)
        case.require(item.awaits_report, REPORTED_WHEN_AWAITED, 状态=item.state)
        case.require(case.on <= item.due, DEADLINE_IS_MET, 期限=item.due)
        return RectificationReported(self.item, self.result, self.evidence, case.actor.person)


@act("{accountable}/rectification/rejection", by=OVERSEERS, basis="KM-34; KM-35")
class RejectRectification(Command[Accountable]):
    """退回整改: what was reported does not put the problem right; the unit owes it again."""

    item: ItemId
    reason: Reason

    def decide(self, it: Accountable, case: Case, /) -> RectificationRejected:
        _check_judge(item_of(it, self.item, case), case)
        return RectificationRejected(self.item, self.reason, case.actor.person)


@act("{accountable}/rectification/verification", by=OVERSEERS, basis="KM-34")
class VerifyRectification(Command[Accountable]):
    """核实整改: somebody without a part in it finds the problem put right."""

    item: ItemId
    remark: Annotated[Remark, "核实情况"] = ""

    def decide(self, it: Accountable, case: Case, /) -> RectificationVerified:
        _check_judge(item_of(it, self.item, case), case)
        return RectificationVerified(self.item, case.actor.person, self.remark)


@act("{accountable}/rectification/closure", by=OVERSEERS, basis="KM-36; CN-13; CN-25")
class CloseRectification(Command[Accountable]):
    """整改销号: nothing of the item is left to be done."""

    item: ItemId

    def decide(self, it: Accountable, case: Case, /) -> RectificationClosed:
        item = item_of(it, self.item, case)
        case.require(item.is_verified, CLOSED_WHEN_VERIFIED, 状态=item.state)
        left = item.outstanding
        case.require(left <= 0, RECOVERED_IN_FULL, 尚未收回=yuan(left))
        return RectificationClosed(self.item)


@act(
    "{accountable}/rectification/recovery",
    by={*OVERSEERS, Role.TREASURY_SECTION},
    basis="CN-25",
)
class RecordRecovery(Command[Accountable]):
    """登记收回: money that an item orders to be recovered has come back, in whole or in part."""

    item: ItemId
    amount: Annotated[Fen, "本次收回的金额"]

    def decide(self, it: Accountable, case: Case, /) -> RecoveryRecorded:
        item = item_of(it, self.item, case)
        left = Fen(item.outstanding - self.amount)
        is_within = self.amount > 0 and left >= 0
        case.require(is_within, RECOVERED_WITHIN_ORDER, 尚未收回=yuan(item.outstanding))
        return RecoveryRecorded(self.item, self.amount, left)


def item_of(it: Accountable, id: str, case: Case) -> Item:
    """The item that an act is about."""
    return case.need(it.item(id), ITEM_IS_KNOWN, 事项=id)


def _check_new(ids: list[str], it: Accountable, case: Case) -> None:
    known = [each for each in ids if it.item(each)]
    is_new = ids and not known and len(set(ids)) == len(ids)
    case.require(is_new, ITEMS_ARE_NEW, 事项=ids)


def _check_judge(item: Item, case: Case) -> None:
    """Whoever looks at a rectification has no part in it."""
    actor = case.actor
    case.require(item.is_reported, JUDGED_WHEN_REPORTED, 状态=item.state)
    is_other_unit = actor.organisation != item.responsible
    case.require(is_other_unit, JUDGED_BY_ANOTHER_UNIT, 责任单位=item.responsible)
    is_other_person = actor.person != item.reporter
    case.require(is_other_person, JUDGED_BY_ANOTHER_PERSON, 人员=actor.person)
