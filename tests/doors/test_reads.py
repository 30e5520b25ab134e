"""What stands, what was recorded and who answers for it: at a position, and no farther."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from urllib.parse import quote

import pytest

from aggregates.project import Project
from aggregates.roles import Role
from aggregates.unit import Unit, UnitMoved
from service.projector import Projector
from tests.doors.asking import AtTheOffice, Caller
from tests.doors.cast import goal, registered, reserved


def codes(caller: Caller, path: str, **query: object) -> list[str]:
    answer = caller.get(path, **query).then(200)
    return [item["code"] for item in answer.json["items"]]


def told_of(caller: Caller, **query: object) -> set[str]:
    """The histories of which the chain tells."""
    return {row["stream"] for row in caller.get("accountability", **query).then(200).json["items"]}


def test_a_project_is_told_with_its_years(auditor: Caller) -> None:
    answer = auditor.get("projects/school").then(200, version=2)
    project = answer.json["project"]
    assert project["demanded"] == "1200000.00"
    assert project["unit"] == "105001"
    (year,) = project["years"]
    assert (year["year"], year["stage"], year["declared"]) == (2021, "submitted", "1000000.05")
    assert answer.headers["ETag"] == '"2"'


def test_a_unit_is_told_with_its_superior(auditor: Caller) -> None:
    unit = auditor.get("units/105001").then(200).json["unit"]
    assert (unit["name"], unit["superior"], unit["level"]) == ("第一中学", "105", 2)


@pytest.fixture(scope="module")
def reader(quiet_office: AtTheOffice) -> Caller:
    """An auditor of the register."""
    found = registered(quiet_office).somebody(Role.AUDITOR)
    quiet_office.projected()
    return found


@pytest.mark.parametrize("path", ["projects/none", "units/none", "projects/a%00b", "units/一"])
@pytest.mark.parametrize("more", ["", "/records", "/history"])
def test_what_is_not_there_is_not_there(reader: Caller, path: str, more: str) -> None:
    reader.get(path + more).then(404).problem("not_found")


def test_a_state_is_told_as_of_a_position(register: AtTheOffice, auditor: Caller) -> None:
    before = register.ledger.head_position()
    register.given(Project, goal(2_000_000_00, 2), code="school").projected()
    then = auditor.get("projects/school", as_of=before).then(200, as_of=before, version=2)
    now = auditor.get("projects/school").then(200, version=3)
    assert then.json["project"]["years"][0]["declared"] == "1000000.05"
    assert now.json["project"]["years"][0]["declared"] == "2000000.00"
    auditor.get("projects/school", as_of=1).then(404)


def test_a_state_is_told_as_of_a_time_and_of_a_day(register: AtTheOffice, auditor: Caller) -> None:
    before = register.ledger.head_position()
    register.clock.advance(days=1)
    register.given(Project, goal(2_000_000_00, 2), code="school").projected()
    for moment in ("2021-11-21T15:20:00+08:00", "2021-11-21T07:20:00Z", "2021-11-21"):
        auditor.get("projects/school", as_of=moment).then(200, as_of=before)
    auditor.get("projects/school", as_of="2021-11-22").then(200, as_of=before + 1)


def test_what_a_clock_ahead_has_recorded_is_not_still_to_come(
    register: AtTheOffice, auditor: Caller
) -> None:
    before = register.ledger.head_position()
    register.clock.advance(seconds=50)
    register.given(Project, goal(2_000_000_00, 2), code="school").projected()
    register.clock.advance(seconds=-50)
    auditor.get("projects/school", as_of="2021-11-21").then(200, as_of=before + 1)
    auditor.get("projects/school", as_of="2021-11-21T15:20:49+08:00").then(200, as_of=before)
    auditor.get("projects/school", as_of="2021-11-21T15:20:51+08:00").then(422).problem("malformed")


def test_a_time_before_the_last_record_and_any_position_say_the_same_for_ever(
    register: AtTheOffice, auditor: Caller
) -> None:
    register.clock.advance(seconds=50)
    register.given(Project, goal(2_000_000_00, 2), code="school").projected()
    position = register.ledger.head_position()
    settled, open_ended = "2021-11-21T15:20:49+08:00", "2021-11-21T15:20:50+08:00"
    register.clock.advance(seconds=-30)
    for later in range(2):
        auditor.get("projects/school", as_of=settled).then(200, as_of=position - 1, version=2)
        auditor.get("projects/school", as_of=open_ended).then(200, as_of=position + later)
        auditor.get("projects/school", as_of=position).then(200, as_of=position, version=3)
        register.given(Project, goal(3_000_000_00, 3), code="school").projected()


@pytest.mark.parametrize(
    "as_of",
    [
        *("-1", "1.0", "01", "9" * 20, "2021-02-30", "2021-11-21T15:20:00", "today", ""),
        *("2021-W05-1", "2021-W05-1T15:20:00Z", "2021-11-21T15:20Z", "20211121T152000Z"),
        *("2021-11-21 15:20:00Z", "2021-11-21T15:20:00+08", "2021-11-21T25:20:00Z"),
    ],
)
def test_a_moment_that_is_none_is_refused(reader: Caller, as_of: str) -> None:
    faults = reader.get("projects/school", as_of=as_of).then(422).problem("malformed").faults
    assert set(faults) == {"as_of"}


def test_nothing_is_told_before_it_is_known(register: AtTheOffice, auditor: Caller) -> None:
    register.given(Project, goal(2_000_000_00, 2), code="school")
    head = register.ledger.head_position()
    for query in (
        {"as_of": head},
        {"at_least": head},
        {"at_least": head + 1},
    ):
        answer = auditor.get("projects", **query).then(503).problem("behind")
        assert answer.headers["Retry-After"] == "1"
    assert auditor.get("projects").then(200).json["as_of"] < head


def test_nothing_is_told_of_what_is_still_to_come(register: AtTheOffice, auditor: Caller) -> None:
    beyond = register.ledger.head_position() + 1
    for as_of in (beyond, "2021-11-22", "2021-11-21T16:00:00+08:00"):
        for path in ("projects", "projects/school", "projects/school/records", "office/tokens"):
            answer = auditor.get(path, as_of=as_of).then(422).problem("malformed")
            assert set(answer.faults) == {"as_of"}


def test_what_has_not_been_read_yet_is_not_said_to_be_missing(
    register: AtTheOffice, auditor: Caller
) -> None:
    register.given(Project, reserved("106"), code="theatre")
    auditor.get("projects/theatre").then(503).problem("behind")
    auditor.get("projects/theatre", as_of=1).then(404)
    auditor.get("projects/theatre/history").then(200, items=[])


def test_whoever_has_just_recorded_waits_for_it(register: AtTheOffice, auditor: Caller) -> None:
    register.app.settings = register.app.settings.__class__(wait_seconds=30)
    register.given(Project, goal(2_000_000_00, 2), code="school")
    head = register.ledger.head_position()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(auditor.get, "projects/school", at_least=head)
        Projector(register.app.engine, register.ledger).catch_up()
        waiting.result().then(200, as_of=head, version=3)


def test_a_list_is_filtered(auditor: Caller) -> None:
    assert codes(auditor, "projects") == ["museum", "school"]
    assert codes(auditor, "projects", unit="106") == ["museum"]
    assert codes(auditor, "projects", within="105") == ["school"]
    assert codes(auditor, "projects", year=2021, stage="submitted") == ["school"]
    assert codes(auditor, "projects", is_suspended="true") == []
    assert codes(auditor, "units", within="105") == ["105", "105001"]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("x=1", "x"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=1.0", "limit"),
        ("limit=1&limit=2", "limit"),
        ("stage=nowhere", "stage"),
        ("is_suspended=1", "is_suspended"),
        ("unit=a%20b", "unit"),
        ("unit=%00", "unit"),
        ("year=20210", "year"),
        ("overdue_on=2021-02-30", "overdue_on"),
        ("overdue_on=2021-W05-1", "overdue_on"),
    ],
)
def test_a_filter_that_says_nothing_is_refused(reader: Caller, query: str, parameter: str) -> None:
    assert set(reader.get(f"projects?{query}").then(422).faults) == {parameter}


def test_pages_follow_each_other_as_of_one_position(register: AtTheOffice, auditor: Caller) -> None:
    first = auditor.get("projects", limit=1).then(200)
    register.given(Project, reserved("106"), code="theatre").projected()
    second = auditor.get("projects", limit=1, cursor=first.json["next"]).then(200, next=None)
    told = [page.json["items"][0]["code"] for page in (first, second)]
    assert told == ["museum", "school"]
    assert second.json["as_of"] == first.json["as_of"]


def test_a_cursor_belongs_to_its_question(auditor: Caller) -> None:
    cursor = auditor.get("projects", limit=1, year=2021).then(200).json["next"]
    assert cursor is None
    cursor = auditor.get("projects", limit=1).then(200).json["next"]
    auditor.get("projects", limit=2, cursor=cursor).then(200)
    for path, query in (
        ("projects", {"unit": "106"}),
        ("units", {}),
        ("accountability", {}),
        ("projects", {"as_of": "1"}),
    ):
        auditor.get(path, cursor=cursor, **query).then(400).problem("bad_cursor")


@pytest.mark.parametrize("cursor", ["x", "", "W10", "é", "=", "bnVsbA", "W1tdLDEsIiJd"])
def test_a_cursor_that_is_none_is_refused(reader: Caller, cursor: str) -> None:
    reader.get(f"projects?cursor={quote(cursor)}").then(400).problem("bad_cursor")


def test_nobody_sees_beyond_their_subtree(education: Caller) -> None:
    assert codes(education, "projects") == ["school"]
    assert codes(education, "units") == ["105", "105001"]
    assert codes(education, "projects", unit="106") == []
    assert codes(education, "projects", within="106") == []
    assert codes(education, "projects", within="105001") == ["school"]
    education.get("projects/school").then(200)
    for path in ("projects/museum", "units/106", "projects/museum/history", "units/106/records"):
        education.get(path).then(404).problem("not_found")


def test_a_unit_that_moves_takes_its_projects_along(
    register: AtTheOffice, education: Caller
) -> None:
    register.given(Unit, UnitMoved("105", "106", 2, "机构改革"), code="105001").projected()
    education.get("projects/school").then(404)
    assert codes(education, "projects") == []


def test_a_move_shows_in_one_history_at_once_and_in_lists_when_it_is_read(
    register: AtTheOffice, education: Caller
) -> None:
    register.given(Unit, UnitMoved("105", "106", 2, "机构改革"), code="105001")
    education.get("units/105001").then(404)
    assert codes(education, "units") == ["105", "105001"]
    moved = register.ledger.head_position()
    education.get("units", at_least=moved).then(503).problem("behind")
    register.projected()
    assert codes(education, "units", at_least=moved) == ["105"]


def test_who_sees_the_past_is_judged_by_the_units_of_today(
    register: AtTheOffice, education: Caller
) -> None:
    culture = register.somebody(Role.UNIT_HEAD, unit="106")
    before = register.ledger.head_position()
    register.given(Unit, UnitMoved("105", "106", 2, "机构改革"), code="105001").projected()
    assert codes(culture, "projects", as_of=before) == ["museum", "school"]
    assert codes(culture, "units", as_of=before) == ["105001", "106"]
    assert codes(education, "projects", as_of=before) == []
    assert codes(education, "units", as_of=before) == ["105"]
    for path in ("projects/school", "projects/school/history", "projects/school/as-happened"):
        culture.get(path, as_of=before).then(200)
        education.get(path, as_of=before).then(404)
    assert told_of(culture, as_of=before) == {
        "unit/105001",
        "unit/106",
        "project/museum",
        "project/school",
    }
    assert told_of(education, as_of=before) == {"unit/105"}
    history = culture.get("projects/school/history", as_of=before).then(200).json["items"]
    assert [row["topic"] for row in history] == ["project.reserved", "goal.submitted"]


def test_whose_a_project_was_is_told_as_of_then(register: AtTheOffice, auditor: Caller) -> None:
    before = register.ledger.head_position()
    register.given(Unit, UnitMoved("105", "106", 2, "机构改革"), code="105001").projected()
    assert codes(auditor, "projects", within="105", as_of=before) == ["school"]
    assert codes(auditor, "projects", within="105") == []


def test_records_are_told_as_they_were_recorded(auditor: Caller) -> None:
    first = auditor.get("projects/school/records", limit=1).then(200)
    (record,) = first.json["items"]
    assert (record["topic"], record["version"]) == ("project.reserved", 1)
    assert record["fact"]["demanded"] == 120_000_000
    assert record["actor"]["person"] == "somebody"
    second = auditor.get("projects/school/records", limit=1, cursor=first.json["next"]).then(200)
    assert second.json["items"][0]["topic"] == "goal.submitted"
    assert second.json["next"] is None


def test_a_record_is_found_by_its_position(auditor: Caller, register: AtTheOffice) -> None:
    (first, *_) = auditor.get("projects/school/records").then(200).json["items"]
    auditor.get(f"records/{first['position']}").then(200, **first)
    auditor.get(f"records/{first['position']}", as_of=first["position"] - 1).then(404)
    auditor.get(f"records/{register.ledger.head_position() + 1}").then(404)
    auditor.get("records/0").then(404)
    for other in ("9" * 30, f"0{first['position']}", "１", "-1", "+1", "1.0", "%201"):
        auditor.get(f"records/{other}").then(404).problem("not_found")


def test_a_record_of_others_is_not_there(register: AtTheOffice, education: Caller) -> None:
    seen = [
        position
        for position in range(1, register.ledger.head_position() + 1)
        if education.get(f"records/{position}").status == 200
    ]
    streams = {record.stream for record in map(register.ledger.record_at, seen) if record}
    assert streams == {"unit/105", "unit/105001", "project/school"}


def test_a_refusal_stands_in_the_history_of_what_was_refused(
    register: AtTheOffice, auditor: Caller
) -> None:
    clerk = register.somebody(Role.BUDGET_SECTION)
    refused = clerk.post("units/105/registration", {"name": "再登记"}).then(409)
    register.projected()
    history = auditor.get("units/105/history").then(200).json["items"]
    assert [row["topic"] for row in history] == ["unit.registered", "act.refused"]
    assert history[1]["breaches"] or history[1]["sentence"]
    record = auditor.get(f"records/{refused.json['position']}").then(200)
    assert record.json["breaches"] == refused.json["breaches"]


def test_the_chain_is_filtered(auditor: Caller, education: Caller) -> None:
    topics = ["project.reserved", "goal.submitted"]
    rows = auditor.get("accountability", subject="project/school").then(200).json["items"]
    assert [row["topic"] for row in rows] == topics
    rows = auditor.get("accountability", unit="105001", topic="goal.submitted").then(200)
    assert len(rows.json["items"]) == 1
    assert auditor.get("accountability", breached="true").then(200).json["items"] == []
    late = auditor.get("accountability", occurred_until=date(2020, 1, 1)).then(200)
    assert late.json["items"] == []
    seen = education.get("accountability").then(200).json["items"]
    assert {row["stream"] for row in seen} == {"unit/105", "unit/105001", "project/school"}


def test_the_catalogue_says_what_holds_here(auditor: Caller) -> None:
    rules = auditor.get("rules").then(200, rule_set=0).json["items"]
    registered = next(each for each in rules if each["rule"] == "unit.registered_once")
    assert (registered["severity"], registered["default_severity"]) == ("refuse", "refuse")
    acts = auditor.get("acts").then(200).json["items"]
    assert "/v1/{ledger}/units/{unit}/registration" in {p for act in acts for p in act["paths"]}
    auditor.get("rules?x=1").then(422)


def test_what_was_recorded_late_stands_where_it_happened(
    register: AtTheOffice, auditor: Caller
) -> None:
    register.given(Project, goal(3_000_000_00, 1), code="museum", on=date(2021, 3, 1))
    answer = auditor.get("projects/museum/as-happened", on="2021-02-28").then(200, project=None)
    (late,) = answer.json["late"]
    assert late["record"]["topic"] == "goal.submitted"
    assert late["days"] == (date(2021, 11, 21) - date(2021, 3, 1)).days
    unit = auditor.get("units/105001/as-happened").then(200, late=[]).json["unit"]
    assert unit["superior"] == "105"


def test_what_happened_is_not_seen_from_outside(education: Caller) -> None:
    education.get("projects/museum/as-happened").then(404)
    education.get("projects/school/as-happened").then(200)
