"""Who holds which post and token, and which rules were published: told to those who may know."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from aggregates.office import AssignmentEnded, Office
from aggregates.roles import Role
from aggregates.rulebook import DEFAULT, RuleBook, RuleSetPublished
from service.http.bearer import MAY_READ, READS_THE_OFFICE
from tests.doors.asking import AtTheOffice

OURS = replace(DEFAULT, name="ours", title="本县规则", effective_from=date(2021, 6, 1))
LATER = replace(OURS, effective_from=date(2022, 1, 1))


def test_posts_are_told_as_they_were_held(office: AtTheOffice) -> None:
    auditor = office.somebody(Role.AUDITOR, person="zhang")
    before = office.ledger.head_position()
    office.given(Office, AssignmentEnded("zhang", Role.AUDITOR, date(2021, 12, 31)))
    (post,) = auditor.get("office/assignments").then(200, as_of=before + 1).json["items"]
    assert post == {
        "person": "zhang",
        "role": "auditor",
        "post": "经办",
        "organisation": "某单位",
        "since": "2021-01-01",
        "until": "2021-12-31",
    }
    (post,) = auditor.get("office/assignments", as_of=before).then(200).json["items"]
    assert post["until"] is None


def test_tokens_are_told_without_their_secrets(office: AtTheOffice) -> None:
    clerk = office.somebody(Role.UNIT_CLERK, person="li", unit="105")
    auditor = office.somebody(Role.AUDITOR)
    office.revoke(clerk)
    first, second = auditor.get("office/tokens").then(200).json["items"]
    assert first == {
        "token": clerk.token,
        "roles": ["unit_clerk"],
        "expires_at": "2021-12-21T15:20:00+08:00",
        "person": "li",
        "system": "",
        "unit": "105",
        "is_revoked": True,
    }
    assert (second["token"], second["is_revoked"]) == (auditor.token, False)


@pytest.mark.parametrize("path", ["office/assignments", "office/tokens"])
def test_the_office_is_read_by_those_who_look_after_it_or_over_it(
    office: AtTheOffice, path: str
) -> None:
    for role in READS_THE_OFFICE:
        office.somebody(role).get(path).then(200)
        office.somebody(role, unit="105").get(path).then(403).problem("forbidden")
    for role in set(Role) - READS_THE_OFFICE:
        office.somebody(role).get(path).then(403).problem("forbidden")


def test_every_edition_is_told_in_the_form_in_which_it_was_published(office: AtTheOffice) -> None:
    auditor = office.somebody(Role.AUDITOR)
    before = office.ledger.head_position()
    published = RuleSetPublished(1, OURS.title, OURS), RuleSetPublished(2, LATER.title, LATER)
    office.given(RuleBook, *published)
    told = auditor.get("rulebook/editions").then(200).json["items"]
    assert [(it["edition"], it["is_in_force"]) for it in told] == [
        (0, False),
        (1, True),
        (2, False),
    ]
    assert told[1]["rule_set"]["ex_ante_threshold"] == "500000.00"
    leader = office.somebody(Role.BUREAU_LEADER)
    leader.post("rulebook/editions", {"edition": 3, "rule_set": told[1]["rule_set"]}).then(201)
    (only,) = auditor.get("rulebook/editions", as_of=before).then(200).json["items"]
    assert (only["edition"], only["is_in_force"]) == (0, True)


def test_whoever_may_read_may_read_the_rules(office: AtTheOffice) -> None:
    for role in Role:
        answer = office.somebody(role).get("rulebook/editions")
        answer.then(200 if role in MAY_READ else 403)
