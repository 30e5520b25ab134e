"""wenxiao demo: what it says, how it ends, and what a visitor is shown."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from aggregates.values import Fen
from service.cli.demo import demonstrating
from service.demo.changning.cast import Cast
from service.demo.database import prepare, url_of
from service.demo.offices import CHANGNING, OFFICES, Office
from service.demo.stage import perform
from service.demo.visit import admit
from service.http.app import create_app
from service.settings import Settings
from tests.demo.conftest import Demonstration, unseen

ALTERED = replace(CHANGNING, cast=Cast(recommended=Fen(10_145_208_00)))


def demo(office: Office[Any], folder: Path, *options: str) -> Result:
    asked = ["--database", str(folder / "demo.db"), "--no-serve", *options]
    return CliRunner().invoke(demonstrating((office,)), asked)


def test_it_succeeds_when_every_figure_is_right(tmp_path: Path) -> None:
    result = demo(CHANGNING, tmp_path)
    assert result.exit_code == 0, result.output
    assert "2,482,998 元" in result.stdout
    assert "核验属实" in result.stdout
    assert "│ ✗ │" not in result.stdout


def test_it_fails_when_one_is_not(tmp_path: Path) -> None:
    result = demo(ALTERED, tmp_path)
    assert result.exit_code == 1
    assert result.stdout.count("│ ✗ │") == 2
    assert "2,482,999 元" in result.stdout
    assert "演示未通过" in result.stderr


@pytest.mark.parametrize(("office", "exit_code"), [(CHANGNING, 0), (ALTERED, 1)])
def test_programs_are_told_in_json(tmp_path: Path, office: Office[Any], exit_code: int) -> None:
    result = demo(office, tmp_path, "--json")
    assert result.exit_code == exit_code
    (told,) = msgspec.json.decode(result.stdout)
    assert told["ledger"] == "changning"
    assert told["verified"] == "true"
    assert 0 < told["generated_records"] < told["records"]
    (cut,) = (figure for figure in told["figures"] if figure["label"] == "核减")
    assert (cut["mark"] == "✓") == (cut["recomputed"] == cut["published"]) == (exit_code == 0)


def test_it_runs_again_on_its_own_file_and_on_no_other(tmp_path: Path) -> None:
    assert [demo(CHANGNING, tmp_path).exit_code for _ in range(2)] == [0, 0]
    (tmp_path / "demo.db").write_text("my notes")
    result = demo(CHANGNING, tmp_path)
    assert result.exit_code == 1
    assert "demo.db" in result.stderr
    assert (tmp_path / "demo.db").read_text() == "my notes"


def test_a_play_that_cannot_go_on_fails_in_a_sentence(tmp_path: Path) -> None:
    first, register, *rest = CHANGNING.scenes()
    twice = replace(register, steps=register.steps * 2)
    result = demo(replace(CHANGNING, script=lambda _: iter([first, twice, *rest])), tmp_path)
    assert result.exit_code == 1
    assert "unit.registered_once" in result.stderr


def test_a_url_that_is_none_is_a_question_of_usage(tmp_path: Path) -> None:
    result = demo(CHANGNING, tmp_path, "--database", "://")
    assert result.exit_code == 2


# Visitors


@pytest.mark.parametrize("office", OFFICES, ids=lambda office: office.slug)
def test_the_examples_on_the_screen_are_answered(
    demonstration: Demonstration, office: Office[Any]
) -> None:
    visit = admit(office, demonstration.engine, unseen)
    _, _, _, header, url = shlex.split(visit.call("http://localhost"))
    name, _, value = header.partition(": ")
    settings = Settings(database_url=str(demonstration.engine.url))
    app = create_app(settings)
    try:
        answer = app.test_client().get(url, headers={name: value})
    finally:
        app.engine.dispose()
    assert answer.status_code == 200
    assert answer.json is not None
    expected = {
        "kunming-edz": '"payable":false',
        "shizong": "goal.not_after_exclusion",
        "changning": '"outstanding":"158000.00"',
    }
    assert expected[office.slug] in answer.text


def test_a_visitor_may_not_record_anything(tmp_path: Path) -> None:
    url = url_of(str(tmp_path / "demo.db"))
    engine = prepare(url, [CHANGNING.slug])
    perform(CHANGNING, engine, unseen)
    visit = admit(CHANGNING, engine, unseen)
    app = create_app(Settings(database_url=str(url)))
    try:
        answer = app.test_client().post(
            "/v1/changning/units/cl/rectification/closure",
            json={"item": "ZG-cl-2"},
            headers={"Authorization": f"Bearer {visit.secret}", "Idempotency-Key": "visitor-1"},
        )
    finally:
        app.engine.dispose()
        engine.dispose()
    assert answer.status_code == 403
