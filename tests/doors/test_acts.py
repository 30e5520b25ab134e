"""Acts over HTTP: recorded, refused, repeated; and every one of them has its door."""

from __future__ import annotations

from aggregates.roles import Role
from aggregates.unit import Unit, UnitRegistered
from commands.base import ACTS
from tests.doors.asking import AtTheOffice, the_document

EDUCATION = UnitRegistered("县教育局", "", 1)
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


def test_every_act_has_its_door_and_its_page(office: AtTheOffice) -> None:
    stranger, expired = office.stranger(), office.somebody(Role.AGENCY, days=0)
    paths = the_document()["paths"]
    for act in ACTS.values():
        for path in act.paths:
            assert paths[f"/v1/{{ledger}}/{path}"]["post"]["summary"] == act.title
            door = path.replace("{", "").replace("}", "")
            stranger.post(door).then(401).problem("unauthorized")
            expired.post(door).then(401).problem("unauthorized")


def test_every_act_is_closed_to_those_whom_it_does_not_name(office: AtTheOffice) -> None:
    """A role that an act does not name is told so, before anything else is looked at."""
    bearers = {role: office.somebody(role) for role in Role if role is not Role.SOURCE_SYSTEM}
    for act in ACTS.values():
        outsider = next(role for role in bearers if role not in act.by)
        for path in act.paths:
            door = path.replace("{", "").replace("}", "")
            bearers[outsider].post(door).then(403).problem("forbidden")
