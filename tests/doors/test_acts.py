"""Acts over HTTP: recorded, refused, repeated; and every one of them has its door."""

from __future__ import annotations

import pytest

from aggregates.roles import Role
from aggregates.unit import Unit, UnitRegistered
from commands.base import ACTS
from tests.doors.asking import AtTheOffice, document_of

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


@pytest.mark.parametrize("name", ACTS)
def test_every_act_has_its_door_and_its_page(office: AtTheOffice, name: str) -> None:
    act = ACTS[name]
    paths = document_of(office.app)["paths"]
    stranger, nobody = office.stranger(), office.somebody(Role.AGENCY, days=0)
    for path in act.paths:
        assert paths[f"/v1/{{ledger}}/{path}"]["post"]["summary"] == act.title
        filled = path.replace("{", "").replace("}", "")
        stranger.post(filled).then(401).problem("unauthorized")
        nobody.post(filled).then(401).problem("unauthorized")
