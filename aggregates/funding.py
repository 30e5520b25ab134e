"""资金缓停拨: what is decided about money that is not to be paid for the time being."""

from __future__ import annotations

from datetime import date

from aggregates.base import Fact
from aggregates.lines import Grounds, HeldLine, Hold, HoldKind
from aggregates.project import Project


class FundsDeferred(
    Fact[Project], topic="funds.deferred", says="缓拨 {year} 年度 {scope}（{grounds}）: {reason}"
):
    """缓拨: what is approved on these lines is paid later."""

    hold: str
    year: int
    scope: tuple[HeldLine, ...]
    grounds: Grounds
    reason: str
    decider: str
    since: date

    def apply(self, project: Project, /) -> None:
        _hold(project, HoldKind.DEFERRAL, self)


class FundsSuspended(
    Fact[Project], topic="funds.suspended", says="停拨 {year} 年度 {scope}（{grounds}）: {reason}"
):
    """停拨: nothing more is paid on these lines until the cause is settled."""

    hold: str
    year: int
    scope: tuple[HeldLine, ...]
    grounds: Grounds
    reason: str
    decider: str
    since: date

    def apply(self, project: Project, /) -> None:
        _hold(project, HoldKind.SUSPENSION, self)


class FundsResumed(
    Fact[Project], topic="funds.resumed", says="恢复拨付 {year} 年度 {scope}（{hold}）: {reason}"
):
    """恢复拨付: the cause is settled, and the lines may be paid again from this day on."""

    hold: str
    year: int
    kind: HoldKind
    scope: tuple[HeldLine, ...]
    reason: str
    document: str
    decider: str
    resumed_on: date

    def apply(self, project: Project, /) -> None:
        project.funding.release(self.hold, self.resumed_on)


class HoldExecuted(
    Fact[Project], topic="funds.hold_executed", says="{executor} 执行缓停拨 {hold}（{executed_on}）"
):
    """执行缓停拨: the treasury has taken a deferral or suspension into its own system.

    It is there to be read: what is held back rests on the decision, executed or not.
    """

    hold: str
    year: int
    executor: str
    executed_on: date


def _hold(project: Project, kind: HoldKind, held: FundsDeferred | FundsSuspended) -> None:
    project.funding.holds[held.hold] = Hold(
        held.hold, kind, held.year, held.scope, held.grounds, held.decider, held.since
    )
