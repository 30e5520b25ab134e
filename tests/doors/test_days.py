"""A day at the doors: one form only, and no day on which no term could be reckoned."""

from __future__ import annotations

from datetime import date
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
