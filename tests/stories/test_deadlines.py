"""期限: months end on different days, years do not matter, rest days are stepped over."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aggregates.rulebook import DEFAULT
from commands.deadlines import due_in_days, due_in_months, is_rest_day, months_after

DAYS = st.dates(date(2000, 1, 1), date(2060, 12, 31))
MONTHS = st.integers(0, 60)
RESTING = replace(DEFAULT, deadline_skips_holidays=True)


@pytest.mark.parametrize(
    ("received", "due"),
    [
        (date(2021, 5, 10), date(2021, 7, 10)),
        (date(2021, 7, 31), date(2021, 9, 30)),
        (date(2021, 12, 31), date(2022, 2, 28)),
        (date(2023, 12, 31), date(2024, 2, 29)),
        (date(2023, 12, 30), date(2024, 2, 29)),
        (date(2024, 2, 29), date(2024, 4, 29)),
        (date(2021, 11, 15), date(2022, 1, 15)),
        (date(2020, 12, 1), date(2021, 2, 1)),
    ],
)
def test_two_months_end_on_the_same_day_or_on_the_last(received: date, due: date) -> None:
    assert due_in_months(received, 2, DEFAULT) == due


@given(DAYS, MONTHS)
@example(date(2023, 12, 31), 2)
@example(date(2024, 2, 29), 12)
@example(date(2021, 12, 31), 12)
def test_so_many_months_on_it_is_the_same_day_unless_the_month_is_shorter(
    day: date, months: int
) -> None:
    later = months_after(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day == min(day.day, monthrange(later.year, later.month)[1])


@given(DAYS, DAYS, MONTHS)
def test_who_receives_it_later_is_not_due_earlier(one: date, other: date, months: int) -> None:
    for rule_set in (DEFAULT, RESTING):
        earlier, later = sorted((one, other))
        first = due_in_months(earlier, months, rule_set)
        assert first <= due_in_months(later, months, rule_set)


@given(DAYS, st.integers(1, 60))
def test_the_day_of_receipt_is_not_counted(day: date, days: int) -> None:
    assert due_in_days(day, days, DEFAULT) == day + timedelta(days=days)


@given(DAYS, MONTHS, st.sets(DAYS, max_size=30))
def test_a_term_never_ends_on_a_day_of_rest(day: date, months: int, off: set[date]) -> None:
    end = months_after(day, months)
    rule_set = replace(RESTING, holidays=(*sorted(off), end))
    due = due_in_months(day, months, rule_set)
    assert not is_rest_day(due, rule_set)
    assert all(is_rest_day(end + timedelta(days=n), rule_set) for n in range((due - end).days))


def test_an_end_in_the_golden_week_moves_on() -> None:
    golden_week = tuple(date(2021, 10, n) for n in range(1, 8))
    rule_set = replace(RESTING, holidays=golden_week)
    assert due_in_months(date(2021, 8, 1), 2, rule_set) == date(2021, 10, 8)
    assert due_in_months(date(2021, 8, 1), 2, DEFAULT) == date(2021, 10, 1)


@pytest.mark.parametrize("received", [date(9999, 12, 31), date(9999, 11, 30)])
def test_no_term_ends_after_the_last_day_there_is(received: date) -> None:
    assert due_in_months(received, 2, RESTING) == date.max
    assert due_in_days(received, 3650, RESTING) == date.max
