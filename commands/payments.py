"""支付: what the treasury may pay, and what it was seen to pay, whether it might or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from aggregates.base import Severity
from aggregates.lines import Line
from aggregates.payments import PaymentObserved, Payments
from aggregates.project import Project
from aggregates.roles import Role
from aggregates.values import Fen, yuan
from commands.base import Case, Command, Rule, act
from commands.guards import check_known
from commands.vocabulary import BudgetYear, Code, LineId, Name, PersonName, SignedYuan

PAID_AFTER_APPROVAL = Rule(
    "payment.paid_after_approval", "项目当年预算批复之后，方可支付", basis="AN-46; 预算法 第54条"
)
LINE_IS_APPROVED = Rule(
    "payment.line_is_approved", "支付的资金明细须在批复的预算之内", basis="预算法 第13条"
)
NOT_WHILE_DEFERRED = Rule(
    "payment.not_while_deferred", "支付不得动用已决定缓拨的资金", basis="KM-35"
)
NOT_WHILE_SUSPENDED = Rule(
    "payment.not_while_suspended", "支付不得动用已决定停拨的资金", basis="KM-35; 审计法 第38条"
)
WITHIN_AVAILABLE = Rule(
    "payment.within_available", "支付不得超出该资金明细的可用余额", basis="预算法 第13条"
)
VOUCHER_IS_SEEN_ONCE = Rule(
    "payment.voucher_is_seen_once",
    "同一支付凭证的金额和资金明细须前后一致",
    basis="国库集中支付",
)
REFUND_CITES_ITS_VOUCHER = Rule(
    "payment.refund_cites_its_voucher",
    "退款的金额为负，须写明原支付凭证；支付不写原凭证",
    basis="国库集中支付",
)
REFUND_WITHIN_PAYMENT = Rule(
    "payment.refund_within_payment", "同一凭证的退款合计不得超过其支付金额", basis="国库集中支付"
)
AMOUNT_IS_NOT_ZERO = Rule(
    "payment.amount_is_not_zero", "支付或退款须有金额，不得为零", basis="国库集中支付"
)
PAYEE_IS_NAMED = Rule(
    "payment.payee_is_named",
    "收款人应写明单位或个人之一",
    basis="国库集中支付",
    severity=Severity.FLAG,
)


@dataclass(frozen=True)
class Weighed:
    """付款条件: an amount on a fund line, against what is approved, paid and held back there."""

    line: Line | None
    paid: Fen
    amount: Fen

    @property
    def is_while_deferred(self) -> bool:
        return self._is_paid_out and self.line is not None and self.line.reaches_deferred(self._sum)

    @property
    def is_while_suspended(self) -> bool:
        return (
            self._is_paid_out and self.line is not None and self.line.reaches_suspended(self._sum)
        )

    @property
    def beyond(self) -> Fen:
        """By how much it exceeds the line; nothing where money comes back."""
        if self.line is None or not self._is_paid_out:
            return Fen(0)
        return Fen(min(self.amount, max(0, self._sum - self.line.approved)))

    @property
    def _is_paid_out(self) -> bool:
        return self.amount > 0

    @property
    def _sum(self) -> int:
        """All that is paid then; a refund that arrived first makes no room by itself."""
        return max(0, self.paid) + self.amount

    def check(self, id: str, case: Case) -> None:
        """Note what speaks against paying."""
        case.require(self.line, LINE_IS_APPROVED, 明细=id)
        case.require(not self.is_while_deferred, NOT_WHILE_DEFERRED, 明细=id)
        case.require(not self.is_while_suspended, NOT_WHILE_SUSPENDED, 明细=id)
        case.require(not self.beyond, WITHIN_AVAILABLE, 明细=id, 超出=yuan(self.beyond))


def weigh(
    project: Project, payments: Payments, line: str, amount: Fen, case: Case, voucher: str = ""
) -> Weighed:
    """How an amount stands on the case's day, note made of every rule that it breaks."""
    year = payments.year
    check_known(project, case)
    case.require(amount, AMOUNT_IS_NOT_ZERO, 明细=line, 金额=yuan(amount))
    paid = payments.paid(line, besides=voucher)
    weighed = Weighed(project.line(year, line, case.on), paid, amount)
    is_approved = project.year(year).is_in_execution
    if case.require(is_approved, PAID_AFTER_APPROVAL, 年度=year):
        weighed.check(line, case)
    return weighed


def payable(project: Project, payments: Payments, line: str, amount: Fen, case: Case) -> bool:
    """可否支付: the treasury asks before it pays. The case's breaches say why not."""
    weigh(project, payments, line, amount, case)
    return not case.is_refused


@act(
    "projects/{project}/payments",
    by={Role.TREASURY_SECTION, Role.SOURCE_SYSTEM},
    basis="KM-35; 预算法 第13条",
    reads={Project},
    observed=True,
)
class ObservePayment(Command[Payments]):
    """支付: a payment or refund as the treasury's own system has it, paid on the business date.

    A refund is negative and cites its voucher; it may arrive before the payment that it undoes.
    """

    year: BudgetYear
    voucher: Annotated[Code, "支付凭证号"]
    line: LineId
    amount: Annotated[SignedYuan, "支付金额，退款为负"]
    payee: Annotated[Name, "收款单位；收款人是个人的，不写在此处"] = ""
    payee_person: Annotated[PersonName, "收款个人的姓名，不入记录，只留摘要"] = ""
    refunds: Annotated[Code, "退款所冲销的原支付凭证，支付不填"] = ""

    def subject(self, code: str) -> str:
        return Payments.code_of(code, self.year)

    def decide(self, payments: Payments, case: Case, /) -> PaymentObserved:
        project = case.read(Project, payments.project)
        weighed = weigh(project, payments, self.line, self.amount, case, self.voucher)
        self._check_voucher(payments, case)
        is_named = bool(self.payee) != bool(self.payee_person)
        case.require(is_named, PAYEE_IS_NAMED, 凭证=self.voucher)
        return PaymentObserved(
            self.voucher,
            self.year,
            self.line,
            self.amount,
            case.on,
            project.belongs_to,
            self.payee,
            case.commit(self.payee_person) if self.payee_person else "",
            self.refunds,
            weighed.is_while_suspended,
            weighed.is_while_deferred,
            weighed.beyond,
        )

    def _check_voucher(self, payments: Payments, case: Case) -> None:
        seen = payments.vouchers.get(self.voucher)
        is_same = seen is None or (seen.line, seen.amount) == (self.line, self.amount)
        case.require(
            is_same, VOUCHER_IS_SEEN_ONCE, 凭证=self.voucher, 已登记=seen and yuan(seen.amount)
        )
        is_refund = self.amount < 0
        case.require(is_refund == bool(self.refunds), REFUND_CITES_ITS_VOUCHER, 凭证=self.voucher)
        if is_refund and (paid := payments.vouchers.get(self.refunds)):
            back = payments.refunded(self.refunds, besides=self.voucher) - self.amount
            case.require(back <= paid.amount, REFUND_WITHIN_PAYMENT, 退款合计=yuan(back))
