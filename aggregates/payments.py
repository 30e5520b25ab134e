"""支付: what the treasury was seen to pay on one project in one budget year."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from aggregates.base import Fact
from aggregates.correction import Correctable
from aggregates.person import Holder
from aggregates.values import Fen


@dataclass(frozen=True)
class Payment:
    """支付: on which line and how much; negative where money came back on an earlier voucher."""

    line: str
    amount: Fen
    refunds: str = ""


@dataclass
class Payments(Correctable, Holder, kind="payments", collection="payments"):
    """支付: vouchers seen, and what they sum to on each fund line. Its code is project.year."""

    unit: str = ""
    vouchers: dict[str, Payment] = field(default_factory=dict)
    sums: dict[str, Fen] = field(default_factory=dict)

    @classmethod
    def code_of(cls, project: str, year: int) -> str:
        return f"{project}.{year}"

    @property
    def project(self) -> str:
        return self.code.rpartition(".")[0]

    @property
    def year(self) -> int:
        _, _, year = self.code.rpartition(".")
        return int(year) if year.isdecimal() else 0

    @property
    def belongs_to(self) -> str:
        return self.unit

    def paid(self, line: str, *, besides: str = "") -> Fen:
        """Paid on a line so far, refunds taken off, one voucher left out."""
        left_out = self.vouchers.get(besides)
        of_it = left_out.amount if left_out and left_out.line == line else 0
        return Fen(self.sums.get(line, 0) - of_it)

    def refunded(self, voucher: str, *, besides: str = "") -> Fen:
        """What has come back of a payment, one refund's voucher left out; not negative."""
        back = (p.amount for v, p in self.vouchers.items() if p.refunds == voucher and v != besides)
        return Fen(-sum(back))

    def count(self, voucher: str, payment: Payment) -> None:
        """Take in a payment. A voucher seen again counts as it was seen last, never twice."""
        self.sums[payment.line] = Fen(self.paid(payment.line, besides=voucher) + payment.amount)
        earlier = self.vouchers.get(voucher)
        if earlier is not None and earlier.line != payment.line:
            self.sums[earlier.line] = Fen(self.sums[earlier.line] - earlier.amount)
        self.vouchers[voucher] = payment


class PaymentObserved(
    Fact[Payments],
    topic="payment.observed",
    says="支付凭证 {voucher}: {line} {to_whom}支付 {amount:yuan}",
    personal=("payee_digest",),
):
    """支付: the treasury paid (or, negative, money came back), whatever the rules say to it.

    A natural person's name is not here but its committed digest, in ``payee_digest``.
    The conclusions say how it stood on the day of payment.
    """

    voucher: str
    year: int
    line: str
    amount: Fen
    paid_on: date
    unit: str
    payee: str = ""
    payee_digest: str = ""
    refunds: str = ""
    while_suspended: bool = False
    while_deferred: bool = False
    beyond_available: Fen = Fen(0)

    @property
    def to_whom(self) -> str:
        """The payee as a sentence names it; a person is not named, and nobody may have been."""
        payee = self.payee or ("个人" if self.payee_digest else "")
        return f"向 {payee} " if payee else ""

    def apply(self, payments: Payments, /) -> None:
        payments.unit = self.unit or payments.unit
        payments.count(self.voucher, Payment(self.line, self.amount, self.refunds))
