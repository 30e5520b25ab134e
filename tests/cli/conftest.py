"""The command line on a database of its own: in this process, or in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from service.cli import main

Wenxiao = Callable[..., Result]


def command(*arguments: str | Path) -> list[str]:
    """The words that start ``wenxiao`` with the interpreter of the tests."""
    return [sys.executable, "-c", "from service.cli import main; main()", *map(str, arguments)]


def environment(url: str) -> dict[str, str]:
    return {**os.environ, "WENXIAO_DATABASE_URL": url}


def alone(url: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command as its user does, in a process of its own: where signals or the log are set."""
    return subprocess.run(
        command(*arguments), env=environment(url), capture_output=True, text=True, check=False
    )


def said(url: str, *words: str | Path, typed: str = "") -> Result:
    """Say a command in this process, which saves a second each time; no error goes unseen."""
    runner = CliRunner(env={"WENXIAO_DATABASE_URL": url}, catch_exceptions=False)
    return runner.invoke(main, [*map(str, words)], input=typed)


@pytest.fixture(autouse=True)
def custody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where keys and checkpoints are kept, for every command that is begun here."""
    folder = tmp_path / "custody"
    monkeypatch.setenv("WENXIAO_CUSTODY", str(folder))
    return folder


@pytest.fixture
def wenxiao(database_url: str) -> Wenxiao:
    """Say a command to a database that has one ledger, ``office``."""
    say = partial(said, database_url)
    assert say("migrate", "--ledger", "office").exit_code == 0
    return say
