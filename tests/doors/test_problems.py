"""The contract of `service.http.problems`, held against every way to fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest

from aggregates.roles import Role
from aggregates.unit import Unit, UnitRegistered
from service.desk import Busy
from service.http.app import Wenxiao
from service.http.bearer import OPEN
from service.http.problems import KINDS
from service.ledger.entry import MalformedEntry
from service.ledger.errors import OutcomeUnknown, StorageUnavailable
from service.proofs.custody import Custody, Objection
from service.proofs.notes import BadNote
from tests.doors.asking import NOW, Answer, AtTheOffice, Caller, served

DOOR = "units/105/registration"
GOOD = {"name": "县教育局"}
BUREAU = UnitRegistered("县财政局", "", 1)

Failing = Callable[[AtTheOffice, Caller], Answer]


def _repeated_otherwise(_: AtTheOffice, clerk: Caller) -> Answer:
    clerk.post(DOOR, GOOD, key="once").then(201)
    return clerk.post(DOOR, {"name": "县文旅局"}, key="once")


def _row_told_otherwise(office: AtTheOffice, _: Caller) -> Answer:
    treasury = office.somebody(Role.SOURCE_SYSTEM, system="国库")
    seen = {"system": "国库", "table": "单位", "row": "7", "revision": "1"}
    treasury.post(DOOR, GOOD | {"case": {"source": seen}}).then(201)
    return treasury.post(DOOR, {"name": "县文旅局", "case": {"source": seen}})


def _of_another_system(office: AtTheOffice, _: Caller) -> Answer:
    treasury = office.somebody(Role.SOURCE_SYSTEM, system="国库")
    seen = {"system": "预算", "table": "单位", "row": "7", "revision": "1"}
    return treasury.post(DOOR, GOOD | {"case": {"source": seen}})


def _later_than_now(office: AtTheOffice, clerk: Caller) -> Answer:
    late = (office.clock() + timedelta(seconds=61)).isoformat()
    return clerk.post(DOOR, GOOD | {"case": {"submitted_at": late}})


def _twice(_: AtTheOffice, clerk: Caller) -> Answer:
    clerk.post(DOOR, GOOD).then(201)
    return clerk.post(DOOR, GOOD)


def _after_the_clock_was_set_back(office: AtTheOffice, clerk: Caller) -> Answer:
    office.clock.advance(hours=-1)
    return clerk.post(DOOR, GOOD)


def _on_less_than_was_seen(office: AtTheOffice, clerk: Caller) -> Answer:
    settings = office.app.settings
    Custody(Path(settings.custody), office.slug).note_objection(Objection("audit", 1_000))
    with served(settings.database_url, office.clock, custody=settings.custody) as begun:
        return replace(clerk, office=AtTheOffice(begun, office.clock)).post(DOOR, GOOD)


def _with_a_checkpoint_that_is_none(office: AtTheOffice, clerk: Caller) -> Answer:
    settings = office.app.settings
    Custody(Path(settings.custody), office.slug).checkpoint_file.write_text("secret")
    with served(settings.database_url, office.clock, custody=settings.custody) as begun:
        return replace(clerk, office=AtTheOffice(begun, office.clock)).post(DOOR, GOOD)


def _too_much_for_a_record(office: AtTheOffice, _: Caller) -> Answer:
    leader = office.somebody(Role.BUREAU_LEADER)
    rule_set = {"documents": ["号" * 1000] * 100}
    return leader.post("rulebook/editions", {"edition": 1, "rule_set": rule_set})


def _in_pieces(_: AtTheOffice, clerk: Caller) -> Answer:
    pieces = {"wsgi.input_terminated": True}
    return clerk.post(DOOR, environ_overrides=pieces, input_stream=BytesIO(b" " * 5_000_000))


WAYS: dict[str, tuple[int, str, Failing]] = {
    "no JSON": (400, "broken_json", lambda _, it: it.post(DOOR, b"{")),
    "no body": (400, "broken_json", lambda _, it: it.post(DOOR, b"")),
    "a name twice": (400, "broken_json", lambda _, it: it.post(DOOR, b'{"a": 1, "a": 2}')),
    "NaN": (400, "broken_json", lambda _, it: it.post(DOOR, b'{"name": NaN}')),
    "minus Infinity": (400, "broken_json", lambda _, it: it.post(DOOR, b'{"a": -Infinity}')),
    "a huge number": (400, "broken_json", lambda _, it: it.post(DOOR, b'{"a": %d}' % 10**40)),
    "endless digits": (400, "broken_json", lambda _, it: it.post(DOOR, b"9" * 100_000)),
    "deep arrays": (400, "broken_json", lambda _, it: it.post(DOOR, b"[" * 200_000)),
    "deep objects": (400, "broken_json", lambda _, it: it.post(DOOR, b'{"a":' * 40 + b"}" * 40)),
    "half a character": (400, "broken_json", lambda _, it: it.post(DOOR, b'{"\\ud800": 1}')),
    "not UTF-8": (400, "broken_json", lambda _, it: it.post(DOOR, '{"name":"县"}'.encode("gbk"))),
    "a byte order mark": (400, "broken_json", lambda _, it: it.post(DOOR, b"\xef\xbb\xbf{}")),
    "no key": (400, "bad_header", lambda _, it: it.post(DOOR, GOOD, key="")),
    "a long key": (400, "bad_header", lambda _, it: it.post(DOOR, GOOD, key="k" * 201)),
    "a key with blanks": (400, "bad_header", lambda _, it: it.post(DOOR, GOOD, key="a b")),
    "two keys": (400, "bad_header", lambda _, it: it.post(DOOR, GOOD, key="a,b")),
    "a strange If-Match": (400, "bad_header", lambda _, it: it.post(DOOR, GOOD, if_match="5")),
    "a weak If-Match": (400, "bad_header", lambda _, it: it.post(DOOR, GOOD, if_match='W/"5"')),
    "no token": (401, "unauthorized", lambda o, _: o.stranger().post(DOOR, GOOD)),
    "no such ledger": (401, "unauthorized", lambda _, it: it.post("/v1/elsewhere/" + DOOR, GOOD)),
    "no ledger's name": (401, "unauthorized", lambda _, it: it.post("/v1/A_B/" + DOOR, GOOD)),
    "an unknown token": (401, "unauthorized", lambda o, _: o.stranger("guess").post(DOOR, GOOD)),
    "another role": (403, "forbidden", lambda o, _: o.somebody(Role.AUDITOR).post(DOOR, GOOD)),
    "a row of another system": (403, "forbidden", _of_another_system),
    "no such route": (404, "not_found", lambda _, it: it.get("/v2/")),
    "another method": (405, "method_not_allowed", lambda _, it: it.ask("PUT", DOOR, headers={})),
    "a broken rule": (409, "refused", _twice),
    "a moved version": (412, "version_moved", lambda _, it: it.post(DOOR, GOOD, if_match='"5"')),
    "5 MB": (413, "body_too_large", lambda _, it: it.post(DOOR, b" " * 5_000_000)),
    "5 MB in pieces": (413, "body_too_large", _in_pieces),
    "too much for a record": (413, "record_too_large", _too_much_for_a_record),
    "a form": (
        415,
        "not_json",
        lambda _, it: it.post(DOOR, headers={"Content-Type": "text/plain"}),
    ),
    "another encoding": (
        415,
        "not_json",
        lambda _, it: it.post(DOOR, headers={"Content-Type": "application/json; charset=gbk"}),
    ),
    "compressed": (
        415,
        "not_json",
        lambda _, it: it.post(DOOR, headers={"Content-Encoding": "gzip"}),
    ),
    "a list": (422, "malformed", lambda _, it: it.post(DOOR, b"[]")),
    "an unknown field": (422, "malformed", lambda _, it: it.post(DOOR, GOOD | {"x": 1})),
    "an unknown parameter": (422, "malformed", lambda _, it: it.post(DOOR + "?x=1", GOOD)),
    "a code that is none": (422, "malformed", lambda _, it: it.post("units/一/registration", GOOD)),
    "a control character": (422, "malformed", lambda _, it: it.post(DOOR, {"name": "a\0b"})),
    "a key used otherwise": (422, "key_used_otherwise", _repeated_otherwise),
    "a revision used otherwise": (422, "revision_used_otherwise", _row_told_otherwise),
    "resting on nothing": (
        422,
        "malformed",
        lambda _, it: it.post(DOOR, GOOD | {"case": {"because": [1_000]}}),
    ),
    "later than now": (422, "malformed", _later_than_now),
    "records that are missing": (503, "history_missing", _on_less_than_was_seen),
    "custody that cannot be read": (503, "unreadable", _with_a_checkpoint_that_is_none),
    "a clock set back": (503, "clock_behind", _after_the_clock_was_set_back),
}


@pytest.fixture
def clerk(office: AtTheOffice) -> Caller:
    return office.somebody(Role.BUDGET_SECTION)


@pytest.fixture
def unit(office: AtTheOffice) -> Caller:
    return office.somebody(Role.UNIT_HEAD)


@pytest.mark.parametrize("way", WAYS)
def test_whatever_fails_is_told_in_one_shape(office: AtTheOffice, clerk: Caller, way: str) -> None:
    status, kind, fail = WAYS[way]
    answer = fail(office, clerk).then(status).problem(kind)
    assert ("Retry-After" in answer.headers) == (status == 503)
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)
    assert answer.headers.get("Allow") == ("POST" if status == 405 else None)
    assert "errors" in answer.json or kind not in {"malformed", "bad_header"}
    if kind not in {"refused", "key_used_otherwise", "revision_used_otherwise"}:
        assert office.ledger.load(Unit, "105").is_blank


def test_json_that_is_none_is_told_where_it_breaks(clerk: Caller) -> None:
    answer = clerk.post(DOOR, b'{"name": }').then(400).problem("broken_json")
    assert answer.json["detail"] == "第 1 行第 10 列不合 JSON 语法"


def test_the_clock_is_told_as_the_offices_have_it(office: AtTheOffice, clerk: Caller) -> None:
    answer = _after_the_clock_was_set_back(office, clerk).then(503)
    assert answer.json["detail"].count("+08:00") == 2


def test_a_cure_is_named_where_there_is_one(office: AtTheOffice, clerk: Caller) -> None:
    office.given(Unit, BUREAU, code="105")
    moved = clerk.post("units/105/superior", {"reason": "机构改革"}, if_match='"7"')
    moved.then(412, version=1)


def test_all_faults_of_a_request_come_at_once(unit: Caller) -> None:
    body = {
        "indicators": [{"weight": "7.123", "nme": "里程"}],
        "case": {"actor": {"person": "a b"}, "occurred_on": "2021-02-30"},
    }
    faults = unit.post("projects/一/goal", body).then(422).faults
    assert {
        "project",
        "/year",
        "/indicators/0/weight",
        "/indicators/0/nme",
        "/indicators/0/name",
        "/case/actor/person",
        "/case/occurred_on",
    } <= faults.keys()


@pytest.mark.parametrize("sum_", ["1.005", "1e3", "-1", "１", "01", 1, 1.5, "", None])
def test_a_sum_is_told_in_yuan_exactly_or_not_at_all(unit: Caller, sum_: object) -> None:
    asked = unit.post("projects/1/reserve", {"demanded": sum_}).then(422)
    assert "/demanded" in asked.faults


ERRORS = {
    "busy": Busy("…"),
    "outcome_unknown": OutcomeUnknown("password=secret"),
    "storage_unavailable": StorageUnavailable("password=secret"),
    "malformed": MalformedEntry("secret"),
    "unreadable": BadNote("secret"),
    "internal": RuntimeError("secret"),
}


@pytest.fixture
def failing(database_url: str) -> Iterator[Wenxiao]:
    """An application with a door behind which this and that goes wrong."""

    def fail(name: str) -> str:
        raise ERRORS[name]

    setattr(fail, OPEN, True)
    with served(database_url) as app:
        app.add_url_rule("/fail/<name>", view_func=fail)
        yield app


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_inside_is_told_without_its_words(failing: Wenxiao, name: str) -> None:
    answer = failing.test_client().get(f"/fail/{name}")
    assert answer.json is not None
    assert answer.json["type"] == KINDS[name].type if name != "internal" else True
    assert answer.status_code == KINDS[name].status
    assert "secret" not in answer.text
    assert answer.json["request"] == answer.headers["X-Request-Id"]
    assert answer.headers.get("Retry-After", "0") == str(KINDS[name].retry_after)


@pytest.mark.parametrize("url", ["sqlite:////no/such.sqlite", "postgresql://localhost:1/none"])
def test_a_database_that_is_away_is_told_as_such(url: str) -> None:
    headers = {"Authorization": "Bearer secret"}
    with served(url) as app:
        answer = app.test_client().post("/v1/shizong/units/105/registration", headers=headers)
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["type"] == KINDS["storage_unavailable"].type


def test_a_confirmed_clock_lets_the_ledger_go_on(office: AtTheOffice, clerk: Caller) -> None:
    office.clock.now = NOW - timedelta(seconds=59)
    clerk.post(DOOR, GOOD).then(201)
