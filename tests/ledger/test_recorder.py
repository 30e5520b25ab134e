"""Recording and reading: what is accepted, what is refused and why, and what is found again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from eventsourcing.persistence import IntegrityError, OperationalError, StoredEvent
from sqlalchemy import Engine

from service.ledger.entry import Entry, MalformedEntry
from service.ledger.errors import (
    ClockBehind,
    LedgerExists,
    ObservedRepeated,
    RecordConflict,
    RequestRepeated,
    RowConflict,
    UnknownLedger,
)
from service.ledger.hashes import SHA256, SM3
from service.ledger.recorder import Recorder, create_ledger
from service.ledger.rows import CommittedValue, RequestRow
from service.ledger.trees import Frontier
from tests.ledger.cast import AGENCY, LEDGER, NOON, PROJECT, Clock, event, events, request, row

NAME = CommittedValue(digest=b"digest of a name", salt=b"salt", value="张三")


def everything(recorder: Recorder) -> list[bytes]:
    return [stored.entry for stored in recorder.select_notifications(None, 10_000)]


def test_positions_are_one_two_three(recorder: Recorder) -> None:
    assert recorder.insert_events(events(PROJECT, 2)) == [1, 2]
    assert recorder.insert_events([event(AGENCY, 1)]) == [3]
    assert recorder.max_notification_id() == 3


def test_nothing_recorded_is_nowhere(recorder: Recorder) -> None:
    assert recorder.insert_events([]) == []
    assert recorder.max_notification_id() is None
    assert recorder.head().size == 0
    assert recorder.head().recorded_at is None


def test_a_record_is_its_entry(recorder: Recorder) -> None:
    (stored,) = recorder.append([event(body=b'{"a":1}')])
    entry = Entry.parse(stored.entry)
    assert entry.ledger == LEDGER
    assert (entry.position, entry.version) == (stored.id, stored.originator_version) == (1, 1)
    assert (entry.stream, entry.topic) == (stored.originator_id, stored.topic)
    assert (entry.salt, entry.body) == (stored.salt, stored.state)
    assert entry.recorded_at == stored.recorded_at == NOON
    assert recorder.select_events(PROJECT) == [stored]


def test_no_two_records_have_one_salt(recorder: Recorder) -> None:
    salts = {stored.salt for stored in recorder.append(events(PROJECT, 100))}
    assert len(salts) == 100
    assert {len(salt) for salt in salts} == {16}


def test_the_head_states_the_trees_over_all_entries(recorder: Recorder) -> None:
    recorder.append(events(PROJECT, 5))
    recorder.append([event(AGENCY)])
    head, entries = recorder.head(), everything(recorder)
    assert head.size == 6
    assert head.sha256 == Frontier(SHA256).grown(map(SHA256.leaf, entries))
    assert head.sm3 == Frontier(SM3).grown(map(SM3.leaf, entries))


def test_a_record_that_does_not_care_takes_the_next_place_of_its_stream(
    recorder: Recorder,
) -> None:
    recorder.append(events(PROJECT, 2))
    stored = recorder.append([event(PROJECT), event(AGENCY), event(PROJECT)])
    assert [each.originator_version for each in stored] == [3, 1, 4]


@pytest.mark.parametrize("version", [1, 2, 4, 9])
def test_a_record_at_another_place_than_the_next_is_refused(
    recorder: Recorder, version: int
) -> None:
    recorder.append(events(PROJECT, 2))
    with pytest.raises(RecordConflict, match=f"{PROJECT} is at 2, not {version - 1}") as refused:
        recorder.append([event(AGENCY, 1), event(PROJECT, version)])
    assert refused.value.streams == {PROJECT: (version - 1, 2)}
    assert isinstance(refused.value, IntegrityError)
    assert recorder.head().size == 2


def test_one_call_cannot_take_one_place_twice(recorder: Recorder) -> None:
    with pytest.raises(RecordConflict):
        recorder.append([event(PROJECT, 1), event(PROJECT, 1)])


def test_what_was_read_must_still_stand_as_it_was_read(recorder: Recorder) -> None:
    recorder.append(events(AGENCY, 2))
    recorder.append([event()], reads={AGENCY: 2, "agency/nobody": 0})
    with pytest.raises(RecordConflict) as refused:
        recorder.append([event()], reads={AGENCY: 1, "agency/nobody": 1, PROJECT: 1})
    assert refused.value.streams == {AGENCY: (1, 2), "agency/nobody": (1, 0)}


def test_what_is_read_and_written_is_read_as_it_was_before(recorder: Recorder) -> None:
    recorder.append(events(PROJECT, 2), reads={PROJECT: 0})
    recorder.append([event(PROJECT, 3)], reads={PROJECT: 2})
    assert recorder.version_of(PROJECT) == 3


def test_a_key_is_answered_once(recorder: Recorder) -> None:
    recorder.append(events(AGENCY, 1))
    recorder.append(events(PROJECT, 2), requests=[request("k")])
    with pytest.raises(RequestRepeated) as refused:
        recorder.append([event()], requests=[request("k", digest=b"of another request")])
    assert refused.value.row == request("k", positions=(2, 3))
    assert recorder.find_request(request("k").principal, "k") == refused.value.row
    assert recorder.head().size == 3


def test_a_key_is_the_principals_own(recorder: Recorder) -> None:
    recorder.append([event()], requests=[request("k")])
    recorder.append([event()], requests=[request("k", principal="token/treasury")])
    assert recorder.find_request("token/treasury", "k") == request(
        "k", principal="token/treasury", positions=(2,)
    )
    assert recorder.find_request("token/nobody", "k") is None
    assert recorder.find_requests("token/treasury", []) == {}


def test_several_requests_recorded_together_are_answered_each_with_its_own(
    recorder: Recorder,
) -> None:
    recorder.append([event(AGENCY)])
    first, second = request("a", records=(0, 2)), request("b", records=(1,))
    recorder.append(events(PROJECT, 3), requests=[first, second])
    found = [recorder.find_request(first.principal, key) for key in ("a", "b")]
    assert [answer and answer.positions for answer in found] == [(2, 4), (3,)]


def test_the_library_may_record_one_request_too(recorder: Recorder) -> None:
    assert recorder.insert_events([event()], request=request("k")) == [1]
    with pytest.raises(RequestRepeated):
        recorder.insert_events([event()], request=request("k"))


def test_a_revision_of_a_source_row_is_recorded_once(recorder: Recorder) -> None:
    recorder.append([event(AGENCY)])
    recorder.append(events(PROJECT, 2), observed=[row("1"), row("2", record=1)])
    with pytest.raises(ObservedRepeated) as refused:
        recorder.append([event()], observed=[row("3"), row("2")])
    assert (refused.value.position, refused.value.key) == (3, row("2"))
    other = replace(row("3"), row_id="8842")
    assert recorder.find_observed([row("3"), other]) == {
        row("3").row: [(row("1"), 2), (row("2"), 3)],
        other.row: [],
    }


def test_a_row_is_recorded_on_what_is_true_of_it(recorder: Recorder) -> None:
    """Whoever decided as if it were new, or rested on another record, has to decide again."""
    with pytest.raises(RowConflict, match="8841 is first recorded at None, not 7"):
        recorder.append([event()], observed=[row("1", first=7)])
    recorder.append([event()], observed=[row("1")])
    with pytest.raises(RowConflict, match="8841 is first recorded at 1, not None"):
        recorder.append([event(AGENCY)], observed=[row("2")])
    recorder.append([event()], observed=[row("2", first=1)])
    recorder.append([event()], observed=[row("3", first=1)])
    recorder.append([event()], observed=[replace(row("2"), row_id="8842")])
    assert recorder.head().size == 4


def test_one_call_cannot_observe_one_revision_twice(recorder: Recorder) -> None:
    with pytest.raises(IntegrityError):
        recorder.append(events(PROJECT, 2), observed=[row("1"), row("1")])
    assert recorder.head().size == 0


def test_a_value_is_found_by_its_digest_until_it_is_withheld(recorder: Recorder) -> None:
    recorder.append([event()], values=[NAME])
    recorder.append([event()], values=[NAME])  # the same commitment, made twice
    assert recorder.find_value(NAME.digest) == NAME
    recorder.append([event()], withheld={NAME.digest: 0})
    assert recorder.find_value(NAME.digest) is None
    recorder.append([event()], values=[NAME], withheld={NAME.digest: 0})
    assert recorder.find_value(NAME.digest) is None


def test_a_value_withheld_as_it_is_committed_is_never_there(recorder: Recorder) -> None:
    recorder.append([event()], values=[NAME], withheld={NAME.digest: 0, b"no such digest": 0})
    assert recorder.find_value(NAME.digest) is None


def test_ledgers_in_one_database_know_nothing_of_each_other(
    engine: Engine, recorder: Recorder
) -> None:
    create_ledger(engine, "changning")
    other = Recorder(engine, "changning")
    recorder.append(events(PROJECT, 2), requests=[request("k")], observed=[row("1")])
    other.append(events(PROJECT, 1), requests=[request("k")], observed=[row("1")], values=[NAME])
    assert (recorder.head().size, other.head().size) == (2, 1)
    assert other.version_of(PROJECT) == 1
    assert other.find_observed([row("2")]) == {row("2").row: [(row("1"), 1)]}
    assert recorder.find_value(NAME.digest) is None
    assert [stored.id for stored in other.select_notifications(None, 10)] == [1]


def test_a_ledger_must_be_created_before_it_is_written_or_read(engine: Engine) -> None:
    unknown = Recorder(engine, "nowhere")
    with pytest.raises(UnknownLedger, match="no ledger 'nowhere'"):
        unknown.append([event()])
    with pytest.raises(UnknownLedger):
        unknown.head()


def test_a_ledger_is_created_once_under_a_slug(engine: Engine, ledger: str) -> None:
    with pytest.raises(LedgerExists, match=ledger):
        create_ledger(engine, ledger)
    with pytest.raises(MalformedEntry):
        create_ledger(engine, "师宗")


def test_time_never_runs_backwards(recorder: Recorder, clock: Clock) -> None:
    recorder.append([event()])
    clock.advance(-60)
    recorder.append([event()])
    clock.advance(61)
    recorder.append([event()])
    times = [stored.recorded_at for stored in recorder.select_events(PROJECT)]
    assert times == [NOON, NOON, NOON + timedelta(seconds=1)]


def test_a_clock_more_than_a_minute_behind_stops_the_ledger(
    recorder: Recorder, clock: Clock
) -> None:
    recorder.append([event()])
    clock.advance(-61)
    with pytest.raises(ClockBehind, match="more than 60 s before") as refused:
        recorder.append([event()])
    assert (refused.value.now, refused.value.head_at) == (clock.now, NOON)
    assert str(refused.value).count("+08:00") == 2
    assert isinstance(refused.value, OperationalError)
    assert recorder.head().size == 1


def test_the_office_confirms_its_clock_and_the_ledger_goes_on(
    recorder: Recorder, another: Recorder, clock: Clock
) -> None:
    recorder.append([event()])
    clock.advance(-3600)
    recorder.append([event("ledger/itself", topic="ledger.clock_corrected")])
    recorder.append([event()])
    another.append([event()])
    assert another.head().recorded_at == NOON
    clock.advance(7200)
    recorder.append([event()])
    clock.advance(-3600)
    with pytest.raises(ClockBehind):  # that confirmation was of an earlier clock
        another.append([event()])


def test_a_stream_is_read_between_versions_in_either_direction(recorder: Recorder) -> None:
    recorder.append([*events(PROJECT, 4), event(AGENCY)])

    def versions(**bounds: object) -> list[int]:
        found = recorder.select_events(PROJECT, **bounds)  # type: ignore[arg-type]
        return [stored.originator_version for stored in found]

    assert versions() == [1, 2, 3, 4]
    assert versions(gt=1, lte=3) == [2, 3]
    assert versions(desc=True, limit=1) == [4]
    assert versions(gt=4) == []
    assert recorder.version_of(PROJECT) == 4
    assert recorder.version_of("project/none") == 0


def test_a_position_is_found_by_its_time(recorder: Recorder, clock: Clock) -> None:
    for _ in range(3):
        recorder.append([event(), event()])
        clock.advance(10)
    second = timedelta(seconds=1)
    assert recorder.position_at(NOON - second) == 0
    assert recorder.position_at(NOON) == 2
    assert recorder.position_at(NOON + 10 * second) == 4
    assert recorder.position_at(NOON + 19 * second) == 4
    assert recorder.position_at(NOON + 3600 * second) == 6


def test_what_is_followed_goes_on_where_topics_are_skipped(recorder: Recorder) -> None:
    recorder.append([event(topic="a"), event(topic="b"), event(topic="b")])
    with recorder.subscribe(gt=1, topics=["a"]) as subscription:
        recorder.append([event(topic="b"), event(topic="a")])
        assert next(subscription).id == 5


def test_a_refusal_leaves_what_is_remembered_true(recorder: Recorder, another: Recorder) -> None:
    """Whoever was refused on an old memory is refused for what stands now, or not at all."""
    recorder.append(events(PROJECT, 1))
    another.append(events(PROJECT, 1, first=2))
    with pytest.raises(RecordConflict) as refused:
        recorder.append([event(PROJECT, 2)])
    assert refused.value.streams == {PROJECT: (1, 2)}
    another.append([event(PROJECT, 3)])
    recorder.append([event(PROJECT, 4)], reads={PROJECT: 3})


def test_recorders_that_take_turns_find_each_others_records(
    recorder: Recorder, another: Recorder
) -> None:
    for version in range(1, 20, 2):
        recorder.append([event(PROJECT, version)])
        another.append([event(PROJECT, version + 1)], reads={AGENCY: 0})
    assert recorder.head() == another.head()
    assert recorder.head().sha256 == Frontier(SHA256).grown(map(SHA256.leaf, everything(another)))


def test_who_reads_and_rolls_back_takes_nothing_from_who_records(
    engine: Engine, recorder: Recorder
) -> None:
    """A driver that forgets its prepared statements must not make us believe in them."""
    for version in range(1, 4):
        recorder.append([event(PROJECT, version)])
        with engine.connect() as connection:
            for _ in range(10):
                connection.exec_driver_sql("SELECT count(*) FROM record")
        with engine.connect() as connection:
            connection.rollback()
    assert recorder.version_of(PROJECT) == 3


def test_events_of_the_library_have_names_for_ids(recorder: Recorder) -> None:
    recorder.insert_events([StoredEvent("dog/1", 1, "dog.registered", b"{}")])
    assert isinstance(recorder.select_events("dog/1")[0].originator_id, str)


def test_a_repeated_request_is_told_first(recorder: Recorder, clock: Clock) -> None:
    """Its answer is final, whatever else would stand against it by now."""
    recorder.append([event(PROJECT, 1)], requests=[request("k")], observed=[row("1")])
    clock.advance(-3600)
    repeated: RequestRow = request("k")
    with pytest.raises(RequestRepeated):
        recorder.append([event(PROJECT, 1)], requests=[repeated], observed=[row("1")])
