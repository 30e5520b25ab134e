"""One key, one answer, for ever; one version, one writer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from aggregates.roles import Role
from tests.doors.asking import AtTheOffice, Caller
from tests.ledger.tampering import execute, unguard

DOOR = "units/105/registration"
BUREAU = {"name": "县财政局"}
REPLAYED = "Idempotency-Replayed"


@pytest.fixture
def clerk(office: AtTheOffice) -> Caller:
    return office.somebody(Role.BUDGET_SECTION)


def test_a_repeated_request_gets_the_first_answer(office: AtTheOffice, clerk: Caller) -> None:
    first = clerk.post(DOOR, BUREAU, key="k").then(201)
    head = office.ledger.head_position()
    again = clerk.post(DOOR, BUREAU, key="k").then(201)
    assert again.json == first.json
    assert again.headers["ETag"] == first.headers["ETag"]
    assert (first.headers.get(REPLAYED), again.headers.get(REPLAYED)) == (None, "true")
    assert office.ledger.head_position() == head


def test_a_repeated_refusal_is_refused_as_before(clerk: Caller) -> None:
    clerk.post(DOOR, BUREAU).then(201)
    first = clerk.post(DOOR, BUREAU, key="k").then(409)
    again = clerk.post(DOOR, BUREAU, key="k").then(409, position=first.json["position"])
    assert again.json["breaches"] == first.json["breaches"]
    assert again.headers[REPLAYED] == "true"


def test_no_answer_that_was_changed_is_given_again(office: AtTheOffice, clerk: Caller) -> None:
    clerk.post(DOOR, BUREAU, key="k").then(201)
    unguard(office.app.engine)
    execute(office.app.engine, "UPDATE request SET outcome = 'refused'")
    clerk.post(DOOR, BUREAU, key="k").then(503).problem("history_missing")


def test_the_order_of_names_makes_no_other_request(clerk: Caller) -> None:
    superior = b'{"name": "a", "superior": null}'
    clerk.post(DOOR, superior, key="k").then(201)
    clerk.post(DOOR, b'{"superior":null,"name":"\\u0061"}', key="k").then(201)


def test_a_key_belongs_to_its_bearer(office: AtTheOffice, clerk: Caller) -> None:
    clerk.post(DOOR, BUREAU, key="k").then(201)
    other = office.somebody(Role.BUDGET_SECTION)
    other.post("units/106/registration", {"name": "县文旅局"}, key="k").then(201)


def test_many_at_once_under_one_key_are_one(clerk: Caller) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: clerk.post(DOOR, BUREAU, key="k"), range(8)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.json["position"] for answer in answers}) == 1
    assert sum(REPLAYED not in answer.headers for answer in answers) == 1


def test_of_two_who_read_the_same_version_one_writes(clerk: Caller) -> None:
    read = clerk.post(DOOR, BUREAU).then(201).headers["ETag"]
    clerk.post("units/107/registration", {"name": "县政府"}).then(201)
    move = {"superior": "107", "reason": "机构改革"}
    clerk.post("units/105/superior", move, if_match=read).then(201)
    clerk.post("units/105/superior", {"reason": "恢复"}, if_match=read).then(412, version=2)


def test_whoever_expects_a_blank_history_says_zero(clerk: Caller) -> None:
    clerk.post(DOOR, BUREAU, if_match='"0"').then(201)
    clerk.post(DOOR, BUREAU, if_match='"0"').then(412)


def test_a_repeated_request_is_no_conflict_with_itself(clerk: Caller) -> None:
    first = clerk.post(DOOR, BUREAU, key="k", if_match='"0"').then(201)
    again = clerk.post(DOOR, BUREAU, key="k", if_match='"0"').then(201)
    assert again.json == first.json
