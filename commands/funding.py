"""资金缓停拨: money is deferred or suspended for a cause, and resumed when the cause is settled."""

from __future__ import annotations

from typing import Annotated

from aggregates.funding import FundsDeferred, FundsResumed, FundsSuspended, HoldExecuted
from aggregates.item import Item
from aggregates.lines import Grounds, HeldLine, Hold, HoldCause, HoldKind
from aggregates.project import Project
from aggregates.roles import Role
from aggregates.unit import Unit
from aggregates.values import FundLine, yuan
from commands.base import Case, Command, Rule, act
from commands.vocabulary import BudgetYear, Code, ItemId, PersonId, Reason, Remark

DECIDERS = frozenset({Role.PERFORMANCE_SECTION, Role.BUREAU_LEADER, Role.BUREAU_PARTY_COMMITTEE})

HOLD_IS_NEW = Rule("funding.hold_is_new", "缓停拨编号不得重复使用", basis="KM-35")
HOLDS_APPROVED_LINES = Rule(
    "funding.holds_approved_lines", "缓拨停拨须列明已批复的资金明细", basis="KM-35; 审计法 第38条"
)
SCOPE_IS_EXACT = Rule(
    "funding.scope_is_exact",
    "每条资金明细只列一次；写明金额的，须大于零且不超过批复金额",
    basis="KM-35; 审计法 第38条",
)
CAUSE_IS_NAMED = Rule(
    "funding.cause_is_named",
    "缓拨停拨须写明依据：整改不到位的列出整改事项，其他的写明文号",
    basis="KM-34; KM-35; 审计法 第38条",
)
ITEM_IS_A_CAUSE = Rule(
    "funding.item_is_a_cause", "只有整改不到位或者逾期的事项，才能作为缓拨停拨的依据", basis="KM-35"
)
HELD_ONCE = Rule("funding.held_once", "同一资金明细不得因同一依据重复缓拨或停拨", basis="KM-35")
HOLD_IS_KNOWN = Rule("funding.hold_is_known", "所办理的缓拨或停拨须已登记", basis="KM-36")
RESUMED_ONCE = Rule("funding.resumed_once", "每项缓拨或停拨只解除一次", basis="KM-36")
RESUMED_AFTERWARDS = Rule(
    "funding.resumed_afterwards", "恢复拨付的日期不得早于缓拨停拨之日", basis="KM-36"
)
ITEMS_ARE_CLOSED = Rule(
    "funding.items_are_closed", "作为依据的整改事项全部销号之后，方可恢复拨付", basis="KM-36"
)
LIFTED_BY_DOCUMENT = Rule(
    "funding.lifted_by_document",
    "因审计通知或监控问题缓停拨的，凭审计机关的解除通知或整改核实文书恢复拨付",
    basis="审计法 第38条; KM-36",
)
EXECUTED_BY_ANOTHER = Rule(
    "funding.executed_by_another", "缓拨停拨的决定人不得自行执行", basis="KM-51"
)

HoldId = Annotated[Code, "缓停拨编号"]


class HoldFunds(Command[Project]):
    """缓停拨: what a deferral and a suspension have in common.

    ``items`` are the project's own or its unit's.
    """

    hold: HoldId
    year: BudgetYear
    scope: tuple[HeldLine, ...]
    cause: HoldCause
    reason: Reason
    items: Annotated[tuple[ItemId, ...], "作为依据的整改事项"] = ()
    document: Annotated[Remark, "作为依据的监控报告或审计通知的文号"] = ""

    @property
    def grounds(self) -> Grounds:
        return Grounds(self.cause, self.items, self.document)

    def check(self, kind: HoldKind, project: Project, case: Case) -> None:
        case.require(self.hold not in project.funding.holds, HOLD_IS_NEW, 编号=self.hold)
        self._check_scope(project, case)
        self._check_cause(project, case)
        lines = (each.line for each in self.scope)
        held = [x for x in lines if project.funding.is_held(self.year, x, kind, self.grounds)]
        case.require(not held, HELD_ONCE, 明细=held)

    def _check_scope(self, project: Project, case: Case) -> None:
        approved = project.year(self.year)
        lines = [each.line for each in self.scope]
        unknown = [line for line in lines if approved.line(line) is None]
        case.require(lines and not unknown, HOLDS_APPROVED_LINES, 明细=unknown)
        case.require(len(set(lines)) == len(lines), SCOPE_IS_EXACT, 明细=lines)
        for each in self.scope:
            _check_amount(each, approved.line(each.line), case)

    def _check_cause(self, project: Project, case: Case) -> None:
        rests_on_items = self.cause == HoldCause.RECTIFICATION
        named = self.items if rests_on_items else self.document
        case.require(named, CAUSE_IS_NAMED, 依据=self.cause)
        for each in self.items:
            item = item_near(project, each, case)
            is_cause = item and (item.is_rejected or item.is_overdue(case.on))
            case.require(is_cause, ITEM_IS_A_CAUSE, 事项=each, 状态=item and item.state)


@act("projects/{project}/deferral", by=DECIDERS, basis="KM-35", reads={Unit})
class DeferFunds(HoldFunds):
    """缓拨: what is approved on these lines is to be paid later."""

    def decide(self, project: Project, case: Case, /) -> FundsDeferred:
        self.check(HoldKind.DEFERRAL, project, case)
        return FundsDeferred(
            self.hold,
            self.year,
            self.scope,
            self.grounds,
            self.reason,
            case.actor.person,
            case.on,
        )


@act("projects/{project}/suspension", by=DECIDERS, basis="KM-35; 审计法 第38条", reads={Unit})
class SuspendFunds(HoldFunds):
    """停拨: nothing more is to be paid on these lines until the cause is settled."""

    def decide(self, project: Project, case: Case, /) -> FundsSuspended:
        self.check(HoldKind.SUSPENSION, project, case)
        return FundsSuspended(
            self.hold,
            self.year,
            self.scope,
            self.grounds,
            self.reason,
            case.actor.person,
            case.on,
        )


@act("projects/{project}/resumption", by=DECIDERS, basis="KM-36; 审计法 第38条", reads={Unit})
class ResumeFunds(Command[Project]):
    """恢复拨付: the cause of a deferral or suspension is settled."""

    hold: HoldId
    reason: Reason
    document: Annotated[Remark, "解除通知或核实文书的文号"] = ""

    def decide(self, project: Project, case: Case, /) -> FundsResumed:
        hold = hold_of(project, self.hold, case)
        case.require(hold.is_open, RESUMED_ONCE, 解除=hold.until)
        case.require(case.on >= hold.since, RESUMED_AFTERWARDS, 缓停拨=hold.since)
        self._check_cause(hold, project, case)
        return FundsResumed(
            self.hold,
            hold.year,
            hold.kind,
            hold.scope,
            self.reason,
            self.document,
            case.actor.person,
            case.on,
        )

    def _check_cause(self, hold: Hold, project: Project, case: Case) -> None:
        items = {each: item_near(project, each, case) for each in hold.grounds.items}
        unsettled = [each for each, item in items.items() if not (item and item.is_closed)]
        case.require(not unsettled, ITEMS_ARE_CLOSED, 事项=unsettled)
        rests_on_items = hold.grounds.cause == HoldCause.RECTIFICATION
        case.require(rests_on_items or self.document, LIFTED_BY_DOCUMENT, 依据=hold.grounds)


@act(
    "projects/{project}/hold-execution",
    by={Role.TREASURY_SECTION, Role.SOURCE_SYSTEM},
    basis="KM-35; 审计法 第38条",
    observed=True,
)
class ObserveHoldExecution(Command[Project]):
    """执行缓停拨: the treasury was seen to carry out a deferral or suspension."""

    hold: HoldId
    executor: Annotated[PersonId, "执行人"]

    def decide(self, project: Project, case: Case, /) -> HoldExecuted:
        hold = hold_of(project, self.hold, case)
        case.require(self.executor != hold.decider, EXECUTED_BY_ANOTHER, 人员=self.executor)
        return HoldExecuted(self.hold, hold.year, self.executor, case.on)


def hold_of(project: Project, id: str, case: Case) -> Hold:
    """The deferral or suspension that an act is about."""
    return case.need(project.funding.holds.get(id), HOLD_IS_KNOWN, 编号=id)


def item_near(project: Project, id: str, case: Case) -> Item | None:
    """An item of the project, or of the unit that answers for it."""
    return project.item(id) or case.read(Unit, project.unit).item(id)


def _check_amount(held: HeldLine, approved: FundLine | None, case: Case) -> None:
    if held.amount is None or approved is None:
        return
    is_within = 0 < held.amount <= approved.amount
    case.require(is_within, SCOPE_IS_EXACT, 明细=held.line, 金额=yuan(held.amount))
