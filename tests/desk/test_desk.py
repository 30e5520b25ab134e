"""One road into the ledger: what the desk promises for every act."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from aggregates.base import KINDS, Actor, RecordCorrected, Replacement, Severity
from aggregates.ledger import ActRefused
from aggregates.office import Token
from aggregates.roles import Role
from aggregates.unit import Unit, UnitRegistered
from commands.base import ACTS, MOST_BREACHES, RULES
from service.desk import Desk, KeyUsedOtherwise
from service.ledger.application import Ledger
from service.request import Forbidden, Malformed, NotFound, understand
from service.sitting import VersionMoved
from tests.desk.conftest import CONSOLE, NEVER, TREASURY, Ask, asked

AGRICULTURE = {"name": "农业农村局"}
TRANSPORT = {"name": "交通运输局"}


def seen_in(row: str, revision: str, **more: Any) -> dict[str, Any]:
    """The circumstances of something that another system's row says has happened."""
    source = {"system": "treasury", "table": "units", "row": row, "revision": revision, **more}
    return {"case": {"source": source}}


def test_what_is_allowed_is_recorded_once(ask: Ask, ledger: Ledger) -> None:
    outcome = ask("register_unit", "unit/117", AGRICULTURE)
    (record,) = outcome.records
    assert (record.stream, record.version, record.position) == ("unit/117", 1, 1)
    assert record.fact == UnitRegistered("农业农村局", "", 1)
    assert ledger.history("unit/117") == [record]


def test_a_refusal_is_kept_beside_and_the_history_does_not_move(ask: Ask, ledger: Ledger) -> None:
    ask("register_unit", "unit/117", AGRICULTURE)
    outcome = ask("register_unit", "unit/117", AGRICULTURE)
    (refusal,) = outcome.records
    assert not outcome.is_recorded
    assert refusal.stream == "refusals/unit/117"
    assert isinstance(refusal.fact, ActRefused)
    assert [breach.rule for breach in refusal.fact.breaches] == ["unit.registered_once"]
    assert ledger.load(Unit, "117").version == 1


def test_a_refusal_says_what_refuses_and_nothing_that_is_only_flagged(ask: Ask) -> None:
    ask("register_unit", "unit/117", AGRICULTURE)
    again = AGRICULTURE | {"superior": "117", "case": {"occurred_on": "2021-01-01"}}
    refused = ask("register_unit", "unit/117", again).records[0].fact
    severities = {breach.severity for breach in refused.breaches}
    assert severities == {Severity.FLAG, Severity.REFUSE}
    told = [RULES[b.rule].sentence for b in refused.breaches if b.severity == Severity.REFUSE]
    assert len(told) == 2
    assert refused.sentence() == f"拒绝办理 登记预算单位: {'；'.join(told)}"


def test_the_same_key_gets_the_first_answer_for_ever(ask: Ask, ledger: Ledger) -> None:
    first = ask("register_unit", "unit/117", AGRICULTURE, key="once")
    refused = ask("register_unit", "unit/117", AGRICULTURE, key="twice")
    again = ask("register_unit", "unit/117", AGRICULTURE, key="once")
    still_refused = ask("register_unit", "unit/117", AGRICULTURE, key="twice")
    assert again.repeated
    assert (again.outcome, again.records) == (first.outcome, first.records)
    assert (still_refused.outcome, still_refused.records) == (refused.outcome, refused.records)
    assert ledger.head_position() == 2


def test_a_key_is_not_good_for_another_request(ask: Ask, ledger: Ledger) -> None:
    ask("register_unit", "unit/117", AGRICULTURE, key="once")
    with pytest.raises(KeyUsedOtherwise):
        ask("register_unit", "unit/118", AGRICULTURE, key="once")
    assert ledger.head_position() == 1


def test_a_key_belongs_to_its_principal(ask: Ask, ledger: Ledger) -> None:
    other = Token("other", "", (Role.OPERATOR,), NEVER, system="other")
    ask("register_unit", "unit/117", AGRICULTURE, key="once")
    ask("register_unit", "unit/118", TRANSPORT, key="once", token=other)
    assert ledger.head_position() == 2


def test_whoever_expects_another_version_changes_nothing(ask: Ask, ledger: Ledger) -> None:
    ask("register_unit", "unit/117", AGRICULTURE, key="once", expected=0)
    with pytest.raises(VersionMoved) as moved:
        ask("move_unit", "unit/117", {"reason": "改革"}, expected=0)
    assert moved.value.version == 1
    assert ledger.head_position() == 1


def test_a_repetition_is_answered_even_though_the_version_has_moved(ask: Ask) -> None:
    first = ask("register_unit", "unit/117", AGRICULTURE, key="once", expected=0)
    again = ask("register_unit", "unit/117", AGRICULTURE, key="once", expected=0)
    assert again.repeated
    assert again.records == first.records


def test_two_desks_never_decide_on_what_is_no_longer_true(ledger: Ledger) -> None:
    """The second desk remembers a blank unit; the first registers it meanwhile."""
    here, there = Desk(ledger), Desk(Ledger(ledger.engine, "office"))
    there.ledger.recall(Unit, "117")
    here.carry_out(asked("register_unit", "unit/117", AGRICULTURE, key="here"))
    outcome = there.carry_out(asked("register_unit", "unit/117", TRANSPORT, key="there"))
    assert not outcome.is_recorded
    assert ledger.fold(Unit, "117").version == 1


def test_what_was_only_read_is_checked_as_well(ledger: Ledger) -> None:
    """The second desk remembers that the superior is not registered, and refuses nobody for it."""
    here, there = Desk(ledger), Desk(Ledger(ledger.engine, "office"))
    there.ledger.recall(Unit, "100")
    here.carry_out(asked("register_unit", "unit/100", TRANSPORT, key="here"))
    below = {"name": "公路养护中心", "superior": "100"}
    assert there.carry_out(asked("register_unit", "unit/117", below, key="there")).is_recorded


def test_nobody_is_turned_away_on_what_is_no_longer_true(ledger: Ledger) -> None:
    """The second desk remembers a blank unit, of which this token may know nothing."""
    here, there = Desk(ledger), Desk(Ledger(ledger.engine, "office"))
    scoped = Token("scoped", "", (Role.OPERATOR,), NEVER, system="scoped", unit="100")
    for code, above in (("100", None), ("117", "100")):
        there.ledger.recall(Unit, code)
        body = {"name": "交通运输局", "superior": above}
        here.carry_out(asked("register_unit", f"unit/{code}", body, key=code))
    move = asked("move_unit", "unit/117", {"reason": "改革"}, key="move", token=scoped)
    assert there.carry_out(move).is_recorded


def test_nobody_acts_beyond_the_token(ask: Ask, ledger: Ledger) -> None:
    clerk = Token("wang", "", (Role.UNIT_CLERK,), NEVER, person="wang", unit="117")
    with pytest.raises(Forbidden, match="登记预算单位由"):
        ask("register_unit", "unit/117", AGRICULTURE, token=clerk)
    with pytest.raises(NotFound):
        ask("register_unit", "unit/118", AGRICULTURE, token=clerk)
    with pytest.raises(Forbidden, match="其他系统"):
        ask("register_unit", "unit/117", AGRICULTURE | seen_in("1", "a"), token=clerk)
    assert ledger.head_position() == 0


def test_a_subtree_reaches_down_and_not_up(ask: Ask) -> None:
    above = Token("above", "", (Role.OPERATOR,), NEVER, system="above", unit="100")
    ask("register_unit", "unit/100", TRANSPORT)
    ask("register_unit", "unit/117", {"name": "公路养护中心", "superior": "100"})
    ask("register_unit", "unit/200", AGRICULTURE)
    assert ask("move_unit", "unit/117", {"reason": "改革"}, token=above).is_recorded
    with pytest.raises(NotFound):
        ask("move_unit", "unit/200", {"reason": "改革"}, token=above)


def test_all_faults_of_a_body_come_at_once(ask: Ask) -> None:
    body = {"name": "", "colour": "red", "case": {"occurred_on": "soon", "because": [0]}}
    with pytest.raises(Malformed) as malformed:
        ask("register_unit", "unit/117", body)
    assert set(malformed.value.faults) == {
        "/name",
        "/colour",
        "/case/occurred_on",
        "/case/because/0",
    }


def test_no_system_tells_us_whom_we_have_come_to_trust(ask: Ask, ledger: Ledger) -> None:
    token = {"token": "mine", "digest": "ab" * 32, "roles": ["operator"], "system": "treasury"}
    issued = token | {"expires_at": "2099-01-01T00:00:00+08:00"} | seen_in("7", "a")
    with pytest.raises(Forbidden, match="只在本系统办理"):
        ask("issue_token", "office/main", issued, token=TREASURY)
    assert ledger.head_position() == 0


def test_a_system_tells_of_its_own_rows_only(ask: Ask, ledger: Ledger) -> None:
    """Or it could take the name of a row that another system has yet to tell of."""
    for person, system in (("", "bank"), ("wang", "")):
        other = Token("other", "", (Role.SOURCE_SYSTEM,), NEVER, person, system=system)
        with pytest.raises(Forbidden, match="只能凭该系统的令牌"):
            ask("register_unit", "unit/117", AGRICULTURE | seen_in("7", "a"), token=other)
    assert ledger.head_position() == 0


def test_nothing_rests_on_what_is_still_to_come(ask: Ask, ledger: Ledger) -> None:
    now = ledger.clock()
    ask("register_unit", "unit/117", AGRICULTURE)
    case = {"because": [1, 2], "submitted_at": (now + timedelta(days=1)).isoformat()}
    with pytest.raises(Malformed) as malformed:
        ask("register_unit", "unit/118", TRANSPORT | {"case": case})
    assert set(malformed.value.faults) == {"/case/because/1", "/case/submitted_at"}
    case = {"because": [1], "submitted_at": (now + timedelta(seconds=30)).isoformat()}
    assert ask("register_unit", "unit/118", TRANSPORT | {"case": case}).is_recorded


def test_a_correction_is_not_told_as_a_deleted_row(ask: Ask, ledger: Ledger) -> None:
    ask("register_unit", "unit/117", AGRICULTURE | seen_in("7", "a"), token=TREASURY)
    wrong = {"position": 1, "reason": "单位名称有误"}
    with pytest.raises(Malformed) as malformed:
        ask("correct_record", "unit/117", wrong | seen_in("7", "b", deleted=True), token=TREASURY)
    assert [*malformed.value.faults] == ["/case/source/deleted"]
    ask("correct_record", "unit/117", wrong | seen_in("7", "b"), token=TREASURY)
    assert not ledger.fold(Unit, "117").is_registered


def test_an_unchanged_source_row_is_recorded_once(ask: Ask, ledger: Ledger) -> None:
    first = ask("register_unit", "unit/117", AGRICULTURE | seen_in("7", "a"), token=TREASURY)
    again = ask("register_unit", "unit/117", AGRICULTURE | seen_in("7", "a"), token=TREASURY)
    assert again.repeated
    assert again.records == first.records
    assert ledger.head_position() == 1


def test_a_changed_source_row_corrects_what_it_said_first(ask: Ask, ledger: Ledger) -> None:
    ask("register_unit", "unit/117", AGRICULTURE | seen_in("7", "a"), token=TREASURY)
    moved = {"name": "农业农村局", "superior": None}
    outcome = ask("register_unit", "unit/117", moved | seen_in("7", "b"), token=TREASURY)
    (record,) = outcome.records
    assert isinstance(record.fact, RecordCorrected)
    assert record.fact.position == 1
    assert ledger.fold(Unit, "117").is_registered


def test_a_deleted_source_row_withdraws_it(ask: Ask, ledger: Ledger) -> None:
    ask("register_unit", "unit/117", AGRICULTURE | seen_in("7", "a"), token=TREASURY)
    ask(
        "register_unit",
        "unit/117",
        AGRICULTURE | seen_in("7", "b", deleted=True),
        token=TREASURY,
    )
    assert not ledger.fold(Unit, "117").is_registered
    assert ledger.fold(Unit, "117", as_of=1).is_registered


def test_a_correction_that_was_seen_elsewhere_is_not_wrapped_in_another(ask: Ask) -> None:
    ask("register_unit", "unit/117", AGRICULTURE | seen_in("7", "a"), token=TREASURY)
    told = {"name": "交通运输局", "superior": "", "level": 1}
    right = {"position": 1, "reason": "单位名称有误", "content": told}
    (record,) = ask("correct_record", "unit/117", right | seen_in("7", "b"), token=TREASURY).records
    assert record.fact.replacement == Replacement(UnitRegistered("交通运输局", "", 1))


def test_a_source_row_stays_in_the_history_where_it_was_first_seen(
    ask: Ask, ledger: Ledger
) -> None:
    ask("register_unit", "unit/117", AGRICULTURE | seen_in("7", "a"), token=TREASURY)
    elsewhere = ask("register_unit", "unit/118", AGRICULTURE | seen_in("7", "b"), token=TREASURY)
    assert not elsewhere.is_recorded
    assert [record.stream for record in elsewhere.records] == ["refusals/unit/118"]
    assert ledger.fold(Unit, "117").is_registered


def test_a_source_row_that_was_deleted_before_it_came_is_not_recorded(
    ask: Ask, ledger: Ledger
) -> None:
    gone = AGRICULTURE | seen_in("7", "b", deleted=True)
    assert not ask("register_unit", "unit/117", gone, token=TREASURY).is_recorded
    assert not ledger.fold(Unit, "117").is_registered


def test_a_persons_name_is_beside_the_ledger_and_can_be_withheld(ask: Ask, ledger: Ledger) -> None:
    outcome = ask("register_person", "person/wang", {"name": "王芳"}, key="wang")
    (record,) = outcome.records
    digest = record.fact.name
    known = ledger.records_in.find_value(bytes.fromhex(digest))
    assert known is not None
    assert known.value == "王芳"
    row = ledger.records_in.find_request(CONSOLE.id, "wang")
    assert row is not None
    assert "王芳" not in row.body.decode()
    order = {"digest": digest, "order": "师财发〔2021〕3号", "reason": "本人申请"}
    assert ask("withhold_person_value", "person/wang", order).is_recorded
    assert ledger.records_in.find_value(bytes.fromhex(digest)) is None


def test_a_requests_row_knows_no_name_that_could_be_tried_out(ask: Ask, ledger: Ledger) -> None:
    """All that it says of the request can be told without the name."""
    ask("register_person", "person/wang", {"name": "王芳", "telephone": "13800000000"}, key="wang")
    row = ledger.records_in.find_request(CONSOLE.id, "wang")
    assert row is not None
    assert row.digest == sha256(row.salt + row.body).digest()


def test_a_key_is_not_good_for_another_persons_data(ask: Ask) -> None:
    wang = {"name": "王芳", "telephone": "13800000000"}
    first = ask("register_person", "person/wang", wang, key="wang")
    swapped = {"name": wang["telephone"], "telephone": wang["name"]}
    for other in ({"name": "王敏"}, {"telephone": "13900000000"}, {"telephone": None}, swapped):
        with pytest.raises(KeyUsedOtherwise):
            ask("register_person", "person/wang", wang | other, key="wang")
    order = {"digest": first.records[0].fact.name, "order": "〔2021〕3号", "reason": "本人申请"}
    ask("withhold_person_value", "person/wang", order)
    assert ask("register_person", "person/wang", wang, key="wang").repeated
    with pytest.raises(KeyUsedOtherwise):
        ask("register_person", "person/wang", wang | {"telephone": "13900000000"}, key="wang")


def test_a_unit_pays_under_its_own_token_from_the_first_day(ask: Ask, ledger: Ledger) -> None:
    """Nothing has been paid yet, and still the project's unit is who answers."""
    paying = Token("pay-117", "", (Role.SOURCE_SYSTEM,), NEVER, system="treasury", unit="117")
    ask("register_unit", "unit/117", AGRICULTURE)
    project = {
        "name": "农村公路养护",
        "unit": "117",
        "project_class": "specific_target",
        "first_year": 2021,
        "last_year": 2023,
        "is_new": False,
        "is_major": False,
        "demanded": "100.00",
    }
    ask("reserve_project", "project/2021-017", project | seen_in("9", "a"), token=TREASURY)
    paid = {"year": 2021, "voucher": "V1", "line": "L1", "amount": "5.00", "payee": "某公司"}
    found = ACTS["observe_payment"]
    asked_for = understand(
        found, KINDS["payments"], "2021-017", paid | seen_in("1", "a"), token=paying, key="pay"
    )
    outcome = Desk(ledger).carry_out(asked_for)
    assert outcome.is_recorded
    assert outcome.records[0].stream == "payments/2021-017.2021"


def test_no_system_speaks_for_people_of_other_units(ask: Ask) -> None:
    front = Token("front", "", (Role.OPERATOR,), NEVER, system="front", unit="100")
    ask("register_unit", "unit/100", TRANSPORT)
    ask("register_unit", "unit/117", {"name": "公路养护中心", "superior": "100"})
    ask("register_unit", "unit/200", AGRICULTURE)
    named = {"person": "wang", "organisation": "200"}
    with pytest.raises(Forbidden, match="代其所属单位"):
        ask("move_unit", "unit/117", {"reason": "改革", "case": {"actor": named}}, token=front)
    own = {"person": "wang", "organisation": "117"}
    moved = ask("move_unit", "unit/117", {"reason": "改革", "case": {"actor": own}}, token=front)
    assert moved.is_recorded


def test_a_system_names_who_acts_where_it_does_not_tell_of_a_row(ask: Ask) -> None:
    front = Token("front", "", (Role.BUDGET_SECTION,), NEVER, system="front")
    with pytest.raises(Malformed) as nobody:
        ask("register_unit", "unit/117", AGRICULTURE, token=front)
    assert nobody.value.faults == {"/case/actor": ["业务系统代为办理的，须写明办理人"]}
    named = AGRICULTURE | {"case": {"actor": {"person": "wang"}}}
    (record,) = ask("register_unit", "unit/117", named, token=front).records
    assert (record.envelope.actor.person, record.envelope.actor.role) == ("wang", "budget_section")
    told = ask("register_unit", "unit/118", AGRICULTURE | seen_in("1", "a"), token=TREASURY)
    assert told.records[0].envelope.actor == Actor("treasury", Role.SOURCE_SYSTEM)


@pytest.mark.parametrize("held", [Role.BUDGET_SECTION, Role.OFFICE_ADMINISTRATOR])
def test_who_may_act_in_several_roles_acts_in_the_one_of_the_post(ask: Ask, held: Role) -> None:
    post = {"person": "wang", "role": held, "post": "科员", "organisation": "finance"}
    ask("assign_person", "office/main", post | {"since": "2021-01-01"})
    both = (Role.BUDGET_SECTION, Role.OFFICE_ADMINISTRATOR)
    token = Token("wang-1", "", both, NEVER, person="wang")
    outcome = ask("register_unit", "unit/117", AGRICULTURE, token=token)
    assert outcome.is_recorded
    assert outcome.records[0].envelope.actor == Actor("wang", held, "科员", "finance")


def test_a_very_long_refusal_is_still_kept(ask: Ask) -> None:
    lines = [
        {"subject": "project", "code": f"P{n}", "year": 2021, "version": 1, "verdict": "pass"}
        for n in range(300)
    ]
    review = {"lines": lines, "attendees": ["a", "b"], "minutes": "ab" * 32, "dissents": []}
    review |= {"case": {"actor": {"person": "chen"}}}
    leader = Token("leader", "", (Role.BUREAU_LEADER,), NEVER, system="front")
    outcome = ask("hold_collective_review", "meeting/2021-1", review, token=leader)
    assert not outcome.is_recorded
    assert len(outcome.records[0].fact.breaches) == MOST_BREACHES
