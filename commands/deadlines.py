"""期限: when something is due. The day on which a term begins to run is not counted."""

from __future__ import annotations

from calendar import monthrange
from datetime import MAXYEAR, date, timedelta

from aggregates.rulebook import RuleSet

SATURDAY = 5


def months_after(day: date, months: int) -> date:
    """The same day some months on, or the last of that month where it has no such day.

    No term ends after the last day that calendars know.
    """
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    if year > MAXYEAR:
        return date.max
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def due_in_months(received: date, months: int, rule_set: RuleSet) -> date:
    """The last day of a term of calendar months from the receipt of a paper."""
    return last_day(months_after(received, months), rule_set)


def due_in_days(received: date, days: int, rule_set: RuleSet) -> date:
    """The last day of a term of days from the receipt of a paper."""
    return last_day(received + min(timedelta(days=days), date.max - received), rule_set)


def last_day(day: date, rule_set: RuleSet) -> date:
    """A term's end; where the office says so, moved on to the next working day."""
    while rule_set.deadline_skips_holidays and day < date.max and is_rest_day(day, rule_set):
        day += timedelta(days=1)
    return day


def is_rest_day(day: date, rule_set: RuleSet) -> bool:
    """A weekend, or a day that the office's calendar takes off."""
    return day.weekday() >= SATURDAY or day in rule_set.holidays
