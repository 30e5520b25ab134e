"""The command line as its user has it: a process of its own on a database of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Done = subprocess.CompletedProcess[str]
Wenxiao = Callable[..., Done]


def command(*arguments: str | Path) -> list[str]:
    """The words that start ``wenxiao`` with the interpreter of the tests."""
    return [sys.executable, "-c", "from service.cli import main; main()", *map(str, arguments)]


def environment(url: str) -> dict[str, str]:
    return {**os.environ, "WENXIAO_DATABASE_URL": url}


@pytest.fixture(autouse=True)
def custody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where keys and checkpoints are kept, for every command that is begun here."""
    folder = tmp_path / "custody"
    monkeypatch.setenv("WENXIAO_CUSTODY", str(folder))
    return folder


@pytest.fixture
def wenxiao(database_url: str) -> Wenxiao:
    """Run a command on a database that has one ledger, ``office``."""

    def run(*arguments: str | Path) -> Done:
        return subprocess.run(
            command(*arguments),
            env=environment(database_url),
            capture_output=True,
            text=True,
            check=False,
        )

    assert run("migrate", "--ledger", "office").returncode == 0
    return run
