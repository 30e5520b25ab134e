"""Acts over HTTP: recorded, refused, repeated; and every one of them has its door."""

from __future__ import annotations

from datetime import date

from aggregates.base import Actor, Envelope
from aggregates.meeting import CollectiveReviewHeld
from aggregates.roles import Role
from aggregates.unit import Unit
from commands.base import ACTS, LONGEST_SHOWN
from commands.meeting import MOST_GOALS, MOST_PRESENT
from service.ledger.body import encode
from service.ledger.entry import LIMIT
from tests.doors.asking import AtTheOffice, the_document
from tests.doors.cast import EDUCATION

REGISTRATION = {"name": "县教育局"}


def test_what_is_recorded_is_receipted(office: AtTheOffice) -> None:
    clerk = office.somebody(Role.BUDGET_SECTION)
    answer = clerk.post("units/105/registration", REGISTRATION).then(201, act="register_unit")
    (record,) = answer.json["records"]
    assert record["stream"] == "unit/105"
    assert record["topic"] == "unit.registered"
    assert record["recorded_at"] == "2021-11-21T15:20:00+08:00"
    assert answer.headers["ETag"] == '"1"'
    assert answer.headers["Location"] == f"/v1/shizong/records/{answer.json['position']}"
    assert record["position"] == answer.json["position"] == office.ledger.head_position()


def test_a_refusal_says_every_rule_and_is_kept(office: AtTheOffice) -> None:
    office.given(Unit, EDUCATION, code="105")
    clerk = office.somebody(Role.BUDGET_SECTION)
    answer = clerk.post("units/105/registration", REGISTRATION).then(409).problem("refused")
    (breach,) = answer.json["breaches"]
    assert breach["rule"] == "unit.registered_once"
    assert breach["saw"] == {"单位": "105"}
    kept = office.ledger.record_at(answer.json["position"])
    assert kept is not None
    assert kept.stream == "refusals/unit/105"


def test_a_refusal_says_first_that_there_is_no_such_project(office: AtTheOffice) -> None:
    """And what is only marked is no reason to refuse."""
    leader = office.somebody(Role.BUREAU_LEADER)
    body = {"hold": "H1", "reason": "整改完成", "case": {"occurred_on": "2021-01-01"}}
    refused = leader.post("projects/none/resumption", body).then(409)
    told = [(it["rule"], it["severity"]) for it in refused.json["breaches"]]
    assert told == [
        ("subject.is_known", "refuse"),
        ("time.recorded_in_time", "flag"),
        ("funding.hold_is_known", "refuse"),
    ]
    first, _, last = (it["sentence"] for it in refused.json["breaches"])
    assert refused.json["detail"] == f"{first}；{last}"


def test_a_meeting_on_too_many_goals_is_told_so_before_they_are_looked_at(
    office: AtTheOffice,
) -> None:
    leader = office.somebody(Role.BUREAU_LEADER)
    line = {"year": 2021, "version": 1, "verdict": "pass"}
    body = {"lines": [line | {"code": f"P{n}"} for n in range(MOST_GOALS + 1)]}
    faults = leader.post("meetings/2021-3/collective-review", body).then(422).faults
    assert faults == {"/lines": "一次最多登记 500 项目标，其余请另行登记"}


def test_the_largest_meeting_fits_into_a_record() -> None:
    longest = "x" * 64
    actor = Actor(longest, Role.BUREAU_PARTY_COMMITTEE, "号" * LONGEST_SHOWN, "号" * LONGEST_SHOWN)
    envelope = Envelope(longest, actor, date(2021, 11, 21), "hold_collective_review", "k" * 200)
    subjects = (f"project/{longest}",) * MOST_GOALS
    held = CollectiveReviewHeld((longest,) * MOST_PRESENT, subjects, "ab" * 32)
    assert len(encode(envelope, held)) < LIMIT * 3 / 4


def test_every_act_has_its_door_and_its_page(office: AtTheOffice) -> None:
    stranger, expired = office.stranger(), office.somebody(Role.AGENCY, days=0)
    paths = the_document()["paths"]
    for act in ACTS.values():
        for path in act.doors:
            assert paths[f"/v1/{{ledger}}/{path}"]["post"]["summary"] == act.title
            door = path.replace("{", "").replace("}", "")
            stranger.post(door).then(401).problem("unauthorized")
            expired.post(door).then(401).problem("unauthorized")


def test_what_is_done_at_the_machine_has_no_door(office: AtTheOffice) -> None:
    """What the operator alone may do (keys, losses, releases) nobody with a mere token makes up."""
    operator, paths = office.somebody(Role.OPERATOR), the_document()["paths"]
    at_console = [act for act in ACTS.values() if act.at_console]
    assert at_console == [act for act in ACTS.values() if act.by == {Role.OPERATOR}] != []
    for act in at_console:
        for path in act.paths:
            assert f"/v1/{{ledger}}/{path}" not in paths
            operator.post(path).then(404)


def test_every_act_is_closed_to_those_whom_it_does_not_name(office: AtTheOffice) -> None:
    """A role that an act does not name is told so, before anything else is looked at."""
    bearers = {role: office.somebody(role) for role in Role if role is not Role.SOURCE_SYSTEM}
    for act in ACTS.values():
        outsider = next(role for role in bearers if role not in act.by)
        for path in act.doors:
            door = path.replace("{", "").replace("}", "")
            bearers[outsider].post(door).then(403).problem("forbidden")
