"""演奏: acts end as the script says, or the play stops; and it is the same play every time."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from service.demo.database import prepare, url_of
from service.demo.offices import CHANGNING, SHIZONG, Office
from service.demo.player import OutOfScript, Player, SimulatedClock, batched
from service.demo.script import Scene
from service.demo.stage import perform
from service.ledger.application import Ledger
from service.ledger.body import plain
from tests.demo.conftest import unseen

FINGERPRINT = """
from hashlib import sha256
import msgspec
from service.demo.offices import OFFICES
steps = [(s.act, s.subject, s.body) for o in OFFICES for scene in o.scenes() for s in scene.steps]
print(sha256(msgspec.json.encode(steps)).hexdigest())
"""
SALTED = {"request_digest", "digest"}


def bodies(office: Office[Any], path: Path) -> list[bytes]:
    """Everything that is recorded, apart from what rests on a salt or a secret."""
    engine = prepare(url_of(str(path)), [office.slug])
    try:
        perform(office, engine, unseen)
        records = list(Ledger(engine, office.slug).every_record())
    finally:
        engine.dispose()
    return [msgspec.json.encode(_unsalted(plain(record))) for record in records]


def _unsalted(told: Any) -> Any:
    if isinstance(told, dict):
        is_token = "expires_at" in told
        left_out = SALTED if is_token else {"request_digest"}
        return {name: _unsalted(value) for name, value in told.items() if name not in left_out}
    return [_unsalted(each) for each in told] if isinstance(told, list) else told


@pytest.mark.parametrize("office", [SHIZONG, CHANGNING], ids=lambda office: office.slug)
def test_two_plays_record_the_same(office: Office[Any], tmp_path: Path) -> None:
    first, second = bodies(office, tmp_path / "1.db"), bodies(office, tmp_path / "2.db")
    assert first == second
    assert len(first) > 40


def test_no_hash_seed_changes_what_is_asked() -> None:
    def fingerprint(seed: str) -> str:
        run = [sys.executable, "-c", FINGERPRINT]
        environment = os.environ | {"PYTHONHASHSEED": seed}
        return subprocess.run(
            run, env=environment, check=True, capture_output=True, text=True
        ).stdout

    assert fingerprint("1") == fingerprint("2")


def test_everything_is_recorded_on_the_day_it_happened(tmp_path: Path) -> None:
    engine = prepare(url_of(str(tmp_path / "demo.db")), [CHANGNING.slug])
    try:
        perform(CHANGNING, engine, unseen)
        records = list(Ledger(engine, CHANGNING.slug).every_record())
    finally:
        engine.dispose()
    days = {record.envelope.occurred_on for record in records}
    assert days == {scene.day for scene in CHANGNING.scenes()}
    assert all(
        record.recorded_at and record.recorded_at.date() == record.envelope.occurred_on
        for record in records
    )


# A play that goes otherwise stops


def player(path: Path) -> Player:
    day = CHANGNING.scenes()[0].day
    engine = prepare(url_of(str(path)), [CHANGNING.slug])
    clock = SimulatedClock(day)
    made = Player(Ledger(engine, CHANGNING.slug, clock), clock)
    made.install(CHANGNING.rule_set, day)
    return made


def test_an_act_that_is_refused_against_the_script_stops_the_play(tmp_path: Path) -> None:
    first, register, *_ = CHANGNING.scenes()
    twice = replace(register, steps=(*register.steps, register.steps[0]))
    stage = player(tmp_path / "demo.db")
    with pytest.raises(OutOfScript, match=r"register_unit .*unit\.registered_once"):
        stage.play([first, twice], lambda _: None)
    stage.ledger.engine.dispose()


@pytest.mark.parametrize("rule", ["unit.registered_once", "unit.no_circle"])
def test_an_act_that_should_be_refused_and_is_not_stops_the_play(tmp_path: Path, rule: str) -> None:
    first, register, *_ = CHANGNING.scenes()
    expected = replace(register, steps=(register.steps[0].refused(rule),))
    stage = player(tmp_path / "demo.db")
    with pytest.raises(OutOfScript):
        stage.play([first, expected], lambda _: None)
    stage.ledger.engine.dispose()


def test_being_refused_by_another_rule_stops_the_play(tmp_path: Path) -> None:
    first, register, *_ = CHANGNING.scenes()
    again = register.steps[0]
    right, otherwise = again.refused("unit.registered_once"), again.refused("unit.no_circle")
    stage = player(tmp_path / "demo.db")
    stage.play([first, register, replace(register, steps=(right,))], lambda _: None)
    with pytest.raises(OutOfScript):
        stage.play([replace(register, steps=(otherwise,))], lambda _: None)
    stage.ledger.engine.dispose()


# Its clock and its portions


def test_the_clock_opens_at_nine_and_never_goes_back() -> None:
    clock = SimulatedClock(date(2021, 1, 4))
    assert clock() == datetime(2021, 1, 4, 1, tzinfo=UTC)
    clock.pass_by(minutes=30)
    clock.begin(date(2021, 1, 4))
    assert clock() == datetime(2021, 1, 4, 1, 30, tzinfo=UTC)
    clock.begin(date(2021, 1, 5))
    assert clock() == datetime(2021, 1, 5, 1, tzinfo=UTC)


def test_a_scene_comes_in_portions() -> None:
    steps = Scene.on("2021-01-04", "", CHANGNING.scenes()[0].steps).steps
    assert [len(each) for each in batched(steps[:7], 3)] == [3, 3, 1]
    assert list(batched((), 3)) == []
