"""通用规则: what every act is held to, whatever it is about."""

from __future__ import annotations

from aggregates.accountable import Accountable
from aggregates.base import Aggregate, Severity
from aggregates.office import OFFICE, Office
from aggregates.roles import WITHOUT_POST, Role
from commands.base import Case, Rule

NOT_BEFORE_IT_HAPPENED = Rule(
    "time.not_before_it_happened", "业务日期不得晚于登记日期", basis="档案法实施条例 第39条"
)
SUBJECT_IS_KNOWN = Rule(
    "subject.is_known", "所办理的项目须已入储备，预算单位须已登记", basis="AN-06; SZ-30"
)
RECORDED_IN_TIME = Rule(
    "time.recorded_in_time",
    "业务发生后应在规定天数内登记",
    basis="档案法实施条例 第39条",
    severity=Severity.FLAG,
)
IN_ORDER = Rule(
    "time.in_order",
    "业务日期应不早于该对象已登记的最近业务日期",
    basis="档案法实施条例 第39条",
    severity=Severity.FLAG,
)
TAKEN_OVER_BY_THE_OPERATOR = Rule(
    "time.taken_over_by_the_operator",
    "期初数只由系统管理员补登，或者由来源系统报送",
    basis="档案法实施条例 第39条",
)
HOLDS_THE_ROLE = Rule(
    "office.holds_the_role", "办理人在登记当日须任有该角色的岗位", basis="审计法 第15条; KM-51"
)
SYSTEM_NAMES_ITS_ACTOR = Rule(
    "office.system_names_its_actor",
    "业务系统代为报送时所称的办理人须有岗位登记",
    basis="SZ-33",
    severity=Severity.FLAG,
)
ROW_STAYS = Rule(
    "source.row_stays",
    "来源行的后续版本须登记在首次登记该行的对象之下",
    basis="档案法实施条例 第39条",
)
ROW_WAS_THERE = Rule(
    "source.row_was_there",
    "来源行送达并登记之后，方可撤回",
    basis="档案法实施条例 第39条",
)


def check_always(it: Aggregate, case: Case, *, begins: bool) -> None:
    """What is looked at whatever is asked; ``begins``: the act enters what it is about."""
    if not begins:
        check_known(it, case)
    check_time(it, case)
    check_office(case)


def check_known(it: Aggregate, case: Case) -> None:
    """A project or unit is there before anything is done about it."""
    if isinstance(it, Accountable):
        case.require(not it.is_blank, SUBJECT_IS_KNOWN, 未见=it.id)


def check_time(it: Aggregate, case: Case) -> None:
    """Nothing is recorded before it happened; what is recorded late, or before what is already
    there, says so. What was taken over from before is not late, but not everybody may say so.
    """
    case.require(case.on <= case.today, NOT_BEFORE_IT_HAPPENED, 业务日期=case.on)
    is_in_order = case.observed or case.on >= it.latest_on
    case.require(is_in_order, IN_ORDER, 业务日期=case.on, 最近业务日期=it.latest_on)
    if case.opening:
        may_say_so = case.observed or case.role == Role.OPERATOR
        case.require(may_say_so, TAKEN_OVER_BY_THE_OPERATOR, 角色=case.role)
    else:
        late = (case.today - case.on).days
        case.require(late <= case.rule_set.backdate_days, RECORDED_IN_TIME, 迟登天数=late)


def check_office(case: Case) -> None:
    """Whoever acts holds the role that day; a front office's word for it is only flagged."""
    if case.role in WITHOUT_POST:
        return
    rule = SYSTEM_NAMES_ITS_ACTOR if case.actor.asserted else HOLDS_THE_ROLE
    office = case.read(Office, OFFICE)
    post = office.assignment(case.actor.person, case.role, case.today)
    case.require(post, rule, 人员=case.actor.person, 角色=case.role)


def check_row(first: int | None, case: Case, *, is_deleted: bool) -> None:
    """A row of another system is read on in the history where it was first seen, at ``first``."""
    if first is None:
        row = case.source and case.source.row
        case.need(None if is_deleted else case, ROW_WAS_THERE, 来源行=row)
    else:
        case.need(case.recorded(first), ROW_STAYS, 首次登记=first)
