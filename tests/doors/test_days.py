"""A day at the doors: one form only, and no day on which no term could be reckoned."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from marshmallow import ValidationError

from service.schemas import field_of


@pytest.mark.parametrize("day", ["2021-03-01", "1950-01-01", "2199-12-31", "2020-02-29"])
def test_a_day_is_written_as_people_write_it(day: str) -> None:
    assert field_of(date).deserialize(day) == date.fromisoformat(day)


@pytest.mark.parametrize(
    "other",
    [
        *("2021-W01-1", "2021W011", "20210101", "2021-1-1", "2021-03-01T00:00:00", " 2021-03-01"),
        *("２０２１-03-01", "2021-02-30", "2021-03-01\n", "", 20210301, True),
        *("0001-01-01", "1949-12-31", "2200-01-01", "9999-12-31"),
    ],
)
def test_a_day_is_written_in_no_other_way(other: Any) -> None:
    with pytest.raises(ValidationError):
        field_of(date).deserialize(other)


@pytest.mark.parametrize(
    "moment", ["2021-03-01T15:20:00+08:00", "2021-03-01T07:20:00Z", "2021-03-01T07:20:00.000-00:00"]
)
def test_a_moment_is_written_with_its_offset(moment: str) -> None:
    assert field_of(datetime).deserialize(moment) == datetime(2021, 3, 1, 7, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    "other",
    [
        *("2021-W09-1T15:20:00+08:00", "20210301T152000Z", "2021-03-01T15:20Z", "2021-03-01"),
        *("2021-03-01T15:20:00", "2021-03-01 15:20:00Z", "2021-03-01T15:20:00+08", 20210301, ""),
        *("2021-02-30T15:20:00Z", "2021-03-01T24:20:00Z", "0001-01-01T00:00:00Z"),
    ],
)
def test_a_moment_is_written_in_no_other_way(other: Any) -> None:
    with pytest.raises(ValidationError):
        field_of(datetime).deserialize(other)
