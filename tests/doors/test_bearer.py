"""Who gets in: deny by default, at once, and only as far as the token reaches."""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256

import pytest

from aggregates.project import Project
from aggregates.reserve import ProjectReserved
from aggregates.roles import Role
from aggregates.unit import Unit, UnitRegistered
from aggregates.values import Fen, ProjectClass
from service.http.app import Wenxiao
from service.ledger.recorder import create_ledger
from tests.doors.asking import AtTheOffice, Clock, served

OPEN = {"/", "/healthz", "/readyz", "/docs", "/docs.css", "/openapi.json"}
BUREAU = {"name": "县财政局"}


def test_every_door_but_these_asks_for_a_token(app: Wenxiao) -> None:
    client = app.test_client()
    for rule in app.url_map.iter_rules():
        (method,) = (rule.methods or set()) - {"HEAD"}
        path = re.sub("<[^<>]+>", "1", rule.rule)
        answer = client.open(path, method=method)
        assert (answer.status_code == 401) != (rule.rule in OPEN), rule


@pytest.mark.parametrize(
    "given", ["Basic dXNlcjpwYXNz", "Bearer", "Bearer ", "Bearer a b", "Bearer é", "secret"]
)
def test_only_a_bearer_of_a_token_is_somebody(office: AtTheOffice, given: str) -> None:
    stranger = office.stranger()
    stranger.headers["Authorization"] = given
    answer = stranger.post("units/105/registration", BUREAU).then(401).problem("unauthorized")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="wenxiao"'


def test_strangers_are_not_told_which_ledgers_there_are(office: AtTheOffice) -> None:
    for stranger in (office.stranger(), office.stranger("guess"), office.somebody(Role.AUDITOR)):
        answers = [
            stranger.get(f"/v1/{name}/projects").then(401)
            for name in (office.slug, "elsewhere", "A_B")
            if not (stranger.token and name == office.slug)
        ]
        told = [(it.json["detail"], it.headers["WWW-Authenticate"]) for it in answers]
        assert len(set(told)) == 1


def test_a_token_is_good_from_its_issue_and_until_it_is_revoked(office: AtTheOffice) -> None:
    administrator = office.somebody(Role.OFFICE_ADMINISTRATOR)
    secret = "shown-once"
    issued = {
        "token": "front-office",
        "digest": sha256(secret.encode()).hexdigest(),
        "roles": ["budget_section"],
        "expires_at": "2022-01-01T00:00:00+08:00",
        "system": "预算管理一体化系统",
    }
    system = office.stranger(secret)
    told = BUREAU | {"case": {"actor": {"person": "wang"}}}
    system.post("units/105/registration", told).then(401)
    administrator.post("office/tokens", issued).then(201)
    system.post("units/105/registration", told).then(201)
    administrator.post(
        "office/tokens/revocation", {"token": "front-office", "reason": "停用"}
    ).then(201)
    system.post("units/106/registration", told).then(401).problem("unauthorized")


def test_a_token_ends_with_its_day(office: AtTheOffice) -> None:
    clerk = office.somebody(Role.BUDGET_SECTION, days=1)
    clerk.post("units/105/registration", BUREAU).then(201)
    office.clock.advance(days=1)
    clerk.post("units/106/registration", BUREAU).then(401)


@pytest.fixture
def another_process(app: Wenxiao, clock: Clock) -> Iterator[AtTheOffice]:
    """The same office, served by a process that has its own memory."""
    with served(app.settings.database_url, clock) as other:
        yield AtTheOffice(other, clock)


def test_what_is_revoked_elsewhere_is_revoked_here(
    office: AtTheOffice, another_process: AtTheOffice
) -> None:
    clerk = office.somebody(Role.BUDGET_SECTION)
    first = clerk.post("units/105/registration", BUREAU, key="k").then(201)
    another_process.revoke(clerk)
    clerk.post("units/106/registration", BUREAU).then(401)
    clerk.post("units/105/registration", BUREAU, key="k").then(401)
    assert office.ledger.record_at(first.json["position"]) is not None


def test_an_answer_is_repeated_only_to_whoever_is_good_now(
    office: AtTheOffice, another_process: AtTheOffice
) -> None:
    clerk = office.somebody(Role.BUDGET_SECTION)
    clerk.post("units/105/registration", BUREAU, key="k").then(201)
    another_process.revoke(clerk)
    clerk.post("units/105/registration", BUREAU, key="k").then(401)


def test_a_token_is_good_for_its_own_ledger(office: AtTheOffice, app: Wenxiao) -> None:
    create_ledger(app.engine, "changning")
    clerk = office.somebody(Role.BUDGET_SECTION)
    clerk.post("/v1/changning/units/105/registration", BUREAU).then(401)


@pytest.fixture
def register(office: AtTheOffice) -> AtTheOffice:
    """The bureau of education with a school below it, and the bureau of culture beside it."""
    office.given(Unit, UnitRegistered("县教育局", "", 1), code="105")
    office.given(Unit, UnitRegistered("第一中学", "105", 2), code="105001")
    office.given(Unit, UnitRegistered("县文旅局", "", 1), code="106")
    for code, unit in (("school", "105001"), ("museum", "106")):
        reserved = ProjectReserved(
            name=f"项目 {code}",
            unit=unit,
            project_class=ProjectClass.SPECIFIC_TARGET,
            first_year=2021,
            last_year=2021,
            is_new=False,
            is_major=False,
            demanded=Fen(100_00),
        )
        office.given(Project, reserved, code=code)
    return office


def test_nobody_acts_outside_their_subtree(register: AtTheOffice) -> None:
    education = register.somebody(Role.UNIT_CLERK, unit="105")
    goal = {"year": 2021, "objective": "新建校舍", "indicators": [], "lines": []}
    education.post("projects/museum/goal", goal).then(404).problem("not_found")
    education.post("units/106/goal", goal).then(404).problem("not_found")
    education.post("projects/unknown/goal", goal).then(404).problem("not_found")
    education.post("projects/school/goal", goal).then(409).problem("refused")


def test_who_hands_in_does_not_read(register: AtTheOffice) -> None:
    treasury = register.somebody(Role.SOURCE_SYSTEM, system="国库")
    treasury.get("projects").then(403).problem("forbidden")
