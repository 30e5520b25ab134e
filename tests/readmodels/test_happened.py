"""One history in the order in which things happened, with all that is known of it."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from tests.readmodels.histories import histories
from tests.readmodels.posts import POSTS, assigned, ended
from tests.readmodels.source import Source

MONDAY, TUESDAY, FRIDAY = date(2021, 3, 1), date(2021, 3, 2), date(2021, 3, 5)


def test_what_was_recorded_late_takes_its_place() -> None:
    source = Source()
    source.add("office/main", ended("li"), on=FRIDAY)
    late = source.add("office/main", assigned("li"), on=MONDAY)
    happened = POSTS.as_happened(source, "office/main")
    assert happened.rows == ()
    ((record, days),) = ((each.record.position, each.days) for each in happened.late)
    assert (record, days) == (late, 4)
    (as_recorded,) = POSTS.fold("office/main", source.history("office/main", None))
    assert as_recorded.person == "li"


def test_on_one_day_the_order_of_recording_holds() -> None:
    source = Source()
    source.add("office/main", assigned("li"))
    source.add("office/main", ended("li"))
    happened = POSTS.as_happened(source, "office/main")
    assert (happened.rows, happened.late) == ((), ())


def test_one_sees_the_end_of_a_day() -> None:
    source = Source()
    source.add("office/main", assigned("li"), on=FRIDAY)
    source.add("office/main", assigned("wang"), on=TUESDAY)
    tuesday = POSTS.as_happened(source, "office/main", on=TUESDAY)
    assert [row.person for row in tuesday.rows] == ["wang"]
    assert POSTS.as_happened(source, "office/main", on=MONDAY).rows == ()


def test_a_correction_is_known_only_from_its_position_on() -> None:
    source = Source()
    wrong = source.add("office/main", assigned("li"), on=MONDAY)
    source.correct(wrong, assigned("wang"))
    before = POSTS.as_happened(source, "office/main", as_of=1)
    after = POSTS.as_happened(source, "office/main", as_of=2)
    assert [row.person for row in before.rows] == ["li"]
    assert [row.person for row in after.rows] == ["wang"]


@given(source=histories(with_poison=False), position=st.integers(0, 30))
def test_nothing_is_late_where_everything_was_recorded_in_order(
    source: Source, position: int
) -> None:
    happened = POSTS.as_happened(source, "office/main", position)
    assert happened.late == ()
    known = source.upto(position)
    assert happened == POSTS.as_happened(known, "office/main")
