"""Posts are given and ended, tokens issued and revoked."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from aggregates.office import (
    Assignment,
    AssignmentEnded,
    Office,
    PersonAssigned,
    TokenIssued,
    TokenRevoked,
)
from aggregates.roles import Role
from commands import office as rules
from commands.office import AssignPerson, EndAssignment, IssueToken, RevokeToken
from tests.scenario import given, history

NEW_YEAR, MIDSUMMER, NEW_YEARS_EVE = date(2021, 1, 1), date(2021, 6, 30), date(2021, 12, 31)
A_DAY = timedelta(days=1)
SECRET, OTHER_SECRET = "ab" * 32, "cd" * 32
EXPIRY = datetime(2022, 1, 1, tzinfo=UTC)

wang_reviews = PersonAssigned("wang", Role.COUNTERPART_SECTION, "科员", "finance", NEW_YEAR)
until_midsummer = replace(wang_reviews, until=MIDSUMMER)
from_july = replace(wang_reviews, since=MIDSUMMER + A_DAY)
ended = AssignmentEnded("wang", Role.COUNTERPART_SECTION, MIDSUMMER)
treasury_token = TokenIssued("treasury", SECRET, (Role.SOURCE_SYSTEM,), EXPIRY, system="treasury")
wang_token = TokenIssued("wang-1", SECRET, (Role.COUNTERPART_SECTION,), EXPIRY, person="wang")
revoked = TokenRevoked("treasury", "系统停用")

assign = AssignPerson("wang", Role.COUNTERPART_SECTION, "科员", "finance", NEW_YEAR)
end = EndAssignment("wang", Role.COUNTERPART_SECTION, MIDSUMMER)
issue = IssueToken("treasury", SECRET, (Role.SOURCE_SYSTEM,), EXPIRY, system="treasury")
revoke = RevokeToken("treasury", "系统停用")


def test_a_person_takes_a_post() -> None:
    given(Office).when(assign).then(wang_reviews)


def test_a_post_may_be_limited_to_a_single_day() -> None:
    given(Office).when(replace(assign, until=NEW_YEAR)).then(replace(wang_reviews, until=NEW_YEAR))


def test_a_post_does_not_end_before_it_begins() -> None:
    given(Office).when(replace(assign, until=NEW_YEAR - A_DAY)).refused(rules.INTERVAL_HAS_AN_ORDER)


def test_the_day_on_which_a_post_ends_is_its_last() -> None:
    assert ended.sentence() == "wang 任 财政对口股室 至 2021-06-30 止"
    held = history(Office, wang_reviews, ended)
    assert isinstance(held, Office)
    assert held.assignment("wang", Role.COUNTERPART_SECTION, MIDSUMMER)
    assert not held.assignment("wang", Role.COUNTERPART_SECTION, MIDSUMMER + A_DAY)


def test_a_person_holds_a_role_once_at_a_time() -> None:
    given(Office, wang_reviews).when(replace(assign, since=MIDSUMMER)).refused(rules.HELD_ONCE)


def test_a_role_that_will_be_held_later_leaves_no_room_for_an_open_end() -> None:
    given(Office, from_july).when(assign).refused(rules.HELD_ONCE)


def test_one_post_follows_the_other() -> None:
    following = replace(assign, since=MIDSUMMER + A_DAY)
    given(Office, until_midsummer).when(following).then(from_july)
    given(Office, from_july).when(replace(assign, until=MIDSUMMER)).then(until_midsummer)


def test_one_person_may_hold_two_roles() -> None:
    also = replace(assign, role=Role.PERFORMANCE_SECTION)
    given(Office, wang_reviews).when(also).then(
        replace(wang_reviews, role=Role.PERFORMANCE_SECTION)
    )


@pytest.mark.parametrize(
    ("day", "is_held"),
    [
        (NEW_YEAR - A_DAY, False),
        (NEW_YEAR, True),
        (MIDSUMMER, True),
        (MIDSUMMER + A_DAY, False),
    ],
)
def test_both_days_of_an_interval_belong_to_it(day: date, *, is_held: bool) -> None:
    office = history(Office, until_midsummer)
    assert isinstance(office, Office)
    found = office.assignment("wang", Role.COUNTERPART_SECTION, day)
    assert (found is not None) == is_held


def test_a_post_ends_with_a_day() -> None:
    given(Office, wang_reviews).when(end).then(ended)
    office = history(Office, wang_reviews, ended)
    assert isinstance(office, Office)
    assert office.assignments == [
        Assignment("wang", Role.COUNTERPART_SECTION, "科员", "finance", NEW_YEAR, MIDSUMMER)
    ]


def test_only_a_post_that_is_held_ends() -> None:
    given(Office, from_july).when(end).refused(rules.ENDED_IF_HELD)
    given(Office, wang_reviews).when(replace(end, person="zhao")).refused(rules.ENDED_IF_HELD)


def test_a_post_may_end_earlier_than_was_said() -> None:
    given(Office, replace(wang_reviews, until=NEW_YEARS_EVE)).when(end).then(ended)


def test_a_post_does_not_end_when_it_ends_anyway() -> None:
    given(Office, until_midsummer).when(end).refused(rules.ENDS_EARLIER)


def test_a_system_gets_a_token() -> None:
    given(Office).when(issue).then(treasury_token)


def test_a_person_gets_a_token() -> None:
    personal = IssueToken("wang-1", SECRET, (Role.COUNTERPART_SECTION,), EXPIRY, person="wang")
    given(Office, treasury_token).when(replace(personal, digest=OTHER_SECRET)).then(
        replace(wang_token, digest=OTHER_SECRET)
    )


@pytest.mark.parametrize("again", [{"token": "treasury-2"}, {"digest": OTHER_SECRET}])
def test_neither_a_token_s_name_nor_its_secret_is_used_twice(again: dict[str, str]) -> None:
    given(Office, treasury_token).when(replace(issue, **again)).refused(  # type: ignore[arg-type]
        rules.TOKEN_NAMED_ONCE
    )


@pytest.mark.parametrize("bearer", [{"system": ""}, {"person": "wang"}])
def test_a_token_speaks_for_one(bearer: dict[str, str]) -> None:
    given(Office).when(replace(issue, **bearer)).refused(  # type: ignore[arg-type]
        rules.TOKEN_SPEAKS_FOR_ONE
    )


def test_a_token_is_revoked() -> None:
    given(Office, treasury_token).when(revoke).then(revoked)


def test_a_token_is_revoked_once() -> None:
    given(Office, treasury_token, revoked).when(revoke).refused(rules.REVOKED_ONCE)


def test_only_a_known_token_is_revoked() -> None:
    given(Office).when(revoke).refused(rules.TOKEN_IS_KNOWN)


def test_a_token_is_good_until_it_expires_or_is_revoked() -> None:
    issued, withdrawn = history(Office, treasury_token), history(Office, treasury_token, revoked)
    assert isinstance(issued, Office)
    assert isinstance(withdrawn, Office)
    token, dead = issued.token(SECRET), withdrawn.token(SECRET)
    assert token is not None
    assert dead is not None
    assert token.is_good(EXPIRY - timedelta(seconds=1))
    assert not token.is_good(EXPIRY)
    assert not dead.is_good(EXPIRY - timedelta(seconds=1))
    assert issued.token(OTHER_SECRET) is None


@pytest.mark.parametrize("name", ["console", "import-file"])
def test_the_names_of_this_machine_are_nobodys_token(name: str) -> None:
    given(Office).when(replace(issue, token=name)).refused(rules.TOKEN_NAME_IS_FREE)


def test_other_names_are_free() -> None:
    given(Office).when(replace(issue, token="importer")).then(
        replace(treasury_token, token="importer")
    )


def test_no_token_is_issued_that_is_good_for_nothing() -> None:
    given(Office).on(EXPIRY.date() + A_DAY).when(issue).refused(rules.TOKEN_OUTLIVES_TODAY)
    given(Office).on(EXPIRY.date()).when(issue).then(treasury_token)


def test_an_administrator_makes_no_operator() -> None:
    powerful = replace(issue, roles=(Role.OPERATOR,))
    given(Office).by("li", Role.OFFICE_ADMINISTRATOR).when(powerful).refused(
        rules.OPERATOR_BY_OPERATOR
    )
    given(Office).by("console", Role.OPERATOR).when(powerful).then(
        replace(treasury_token, roles=(Role.OPERATOR,))
    )
