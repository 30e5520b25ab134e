"""The ordinary road: one project from the register of its unit to the money paid again."""

from __future__ import annotations

from decimal import Decimal
from hashlib import sha256
from typing import Any

from aggregates.base import MAIN
from aggregates.evaluated import EvaluationMode
from aggregates.exante import PanelScore
from aggregates.lines import HeldLine, HoldCause
from aggregates.payments import Payments
from aggregates.project import Project
from aggregates.review import Verdict
from aggregates.roles import Role
from aggregates.rulebook import Measure
from aggregates.values import Fen, Grade, ProjectClass, ReviewStage, Score
from commands.base import Command
from commands.budget import ApproveBudget
from commands.evaluation import (
    AnswerEvaluation,
    DecideApplication,
    FindingGiven,
    GradeEvaluation,
    ReceiveEvaluation,
    ReportEvaluation,
)
from commands.exante import ConcludeExAnteEvaluation, MeetExAnteCondition
from commands.funding import ObserveHoldExecution, ResumeFunds, SuspendFunds
from commands.goal import AmendGoal, SubmitGoal
from commands.office import AssignPerson, IssueToken
from commands.payments import ObservePayment
from commands.person import RegisterPerson
from commands.rectification import (
    CloseRectification,
    FindingToRectify,
    OrderRectification,
    RecordRecovery,
    RejectRectification,
    ReportRectification,
    VerifyRectification,
)
from commands.reserve import AdmitProject, ReserveProject
from commands.review import ConcludeGoalReview, GiveOpinion
from commands.unit import RegisterUnit
from service.request import SourceGiven
from tests.laws.world import BEGIN, NEVER, Ask
from tests.words import ALL_CRITERIA, BOND, OWN, WHOLE

DIGEST = sha256(b"").hexdigest()
PROBLEM = "未按规定公开"
SUM = Fen(OWN.amount + BOND.amount)


def _score(text: str) -> Score:
    return Score(Decimal(text))


def _office(command: Command[Any], code: str = MAIN) -> Ask:
    return Ask(command, command.about(), code, "sun", Role.OPERATOR)


def _unit(command: Command[Any]) -> Ask:
    return Ask(command, Project, "2021-017", "li", Role.UNIT_HEAD)


def _by(person: str, role: Role, command: Command[Any]) -> Ask:
    return Ask(command, Project, "2021-017", person, role)


def _seen(row: str, command: Command[Any]) -> Ask:
    source = SourceGiven("treasury", "vouchers", row, "1")
    return Ask(
        command, Project, "2021-017", "wang", Role.SOURCE_SYSTEM, on=BEGIN.date(), source=source
    )


def _paid(row: str, amount: int) -> Ask:
    ask = _seen(row, ObservePayment(2021, f"V{row}", "L1", Fen(amount), payee="养护公司"))
    return Ask(**(vars(ask) | {"kind": Payments}))


def _hand_over() -> OrderRectification:
    return OrderRectification("A", (FindingToRectify("Z1", "Z1", PROBLEM, Fen(1)),))


ROAD: tuple[Ask, ...] = (
    _office(RegisterUnit("交通局"), "101"),
    _office(RegisterUnit("公路站", "101"), "101001"),
    _office(AssignPerson("sun", Role.BUREAU_LEADER, "局长", "bureau", BEGIN.date())),
    _office(IssueToken("A", "0a" * 32, (Role.UNIT_CLERK,), NEVER, person="li")),
    _office(RegisterPerson("李四", "13800000000"), "li"),
    _unit(
        ReserveProject(
            "道路养护",
            "101001",
            ProjectClass.SPECIFIC_TARGET,
            2021,
            2022,
            is_new=True,
            is_major=True,
            demanded=SUM,
        )
    ),
    _by(
        "zhao",
        Role.PERFORMANCE_SECTION,
        ConcludeExAnteEvaluation(
            ALL_CRITERIA,
            (PanelScore("zhang", "102", _score("91.8")),),
            SUM,
            SUM,
            condition="补充资料",
        ),
    ),
    _unit(MeetExAnteCondition(DIGEST, "已补充")),
    _unit(SubmitGoal(2021, "道路通畅", WHOLE, (OWN, BOND), plan=DIGEST)),
    _by(
        "zhao",
        Role.COUNTERPART_SECTION,
        GiveOpinion(2021, 1, ReviewStage.COUNTERPART_SECTION, Verdict.PASS),
    ),
    _by(
        "sun",
        Role.PERFORMANCE_SECTION,
        GiveOpinion(2021, 1, ReviewStage.PERFORMANCE_SECTION, Verdict.PASS),
    ),
    _by(
        "sun",
        Role.PERFORMANCE_SECTION,
        ConcludeGoalReview(2021, 1, _score("89.99"), Grade.GOOD, SUM),
    ),
    _unit(AmendGoal(2021, "道路更通畅", WHOLE, (OWN, BOND), "已协商", plan=DIGEST)),
    _by("sun", Role.BUDGET_SECTION, AdmitProject(2021)),
    _by("sun", Role.BUDGET_SECTION, ApproveBudget(2021, "财预〔2021〕1号", (OWN, BOND))),
    _paid("1", 1_00),
    _by(
        "zhao",
        Role.PERFORMANCE_SECTION,
        ReportEvaluation(
            "A",
            EvaluationMode.FINANCE_KEY,
            2020,
            2021,
            2022,
            "评价组",
            _score("79.99"),
            Grade.FAIR,
            (FindingGiven("Z1", PROBLEM),),
        ),
    ),
    _unit(AnswerEvaluation("A", "无异议", objects=False)),
    _by("sun", Role.BUREAU_LEADER, GradeEvaluation("A", _score("79.99"), Grade.FAIR)),
    _unit(ReceiveEvaluation("A")),
    _by("zhao", Role.BUDGET_SECTION, DecideApplication("A", 2022, Measure.REDUCE, Fen(1))),
    _by("zhao", Role.PERFORMANCE_SECTION, _hand_over()),
    _unit(ReportRectification("Z1", "已公开", (DIGEST,))),
    _by("zhao", Role.PERFORMANCE_SECTION, RejectRectification("Z1", "没有公开")),
    _by(
        "sun",
        Role.BUREAU_LEADER,
        SuspendFunds("A", 2021, (HeldLine("L1"),), HoldCause.RECTIFICATION, "逾期", ("Z1",)),
    ),
    _seen("2", ObserveHoldExecution("A", "zhao")),
    _paid("3", 1_00),
    _unit(ReportRectification("Z1", "已公开", (DIGEST,))),
    _by("zhao", Role.PERFORMANCE_SECTION, VerifyRectification("Z1")),
    _by("zhao", Role.PERFORMANCE_SECTION, RecordRecovery("Z1", Fen(1))),
    _by("zhao", Role.PERFORMANCE_SECTION, CloseRectification("Z1")),
    _by("sun", Role.BUREAU_LEADER, ResumeFunds("A", "整改完成")),
)
