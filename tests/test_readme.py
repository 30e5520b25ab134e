"""Every code block of the README does what the README says.

``sh`` blocks are what the continuous integration runs, or what another test plays; ``sh run``
blocks are run here, in a folder of their own; ``python file=…`` blocks are written into a copy of
the project, as a reader would, and their story is played there.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(?P<kind>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(kind: str) -> Iterator[tuple[str, str]]:
    """The README's code blocks of a kind: what follows it in the fence, and the text."""
    for block in BLOCK.finditer((PROJECT / "README.md").read_text(encoding="utf-8")):
        head, _, rest = block["kind"].partition(" ")
        if head == kind:
            yield rest, block["text"]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project as its reader has it."""
    ignored = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", "*.db*")
    return Path(shutil.copytree(PROJECT, tmp_path / "project", ignore=ignored))


def run(*command: str, at: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    told = {**os.environ, "PYTHONPATH": str(at), "PYTHONDONTWRITEBYTECODE": "1", **environment}
    return subprocess.run(command, cwd=at, env=told, capture_output=True, text=True, check=False)


def test_every_block_is_of_a_kind_that_is_tested() -> None:
    kinds = {
        head
        for block in BLOCK.finditer((PROJECT / "README.md").read_text(encoding="utf-8"))
        for head in [block["kind"].split(" file=")[0]]
    }
    assert kinds == {"sh", "sh run", "python"}


def test_the_commands_for_a_machine_are_targets_of_the_makefile() -> None:
    """`make test` is what the continuous integration calls; `make demo` is played by its tests."""
    commands = [text.strip() for rest, text in blocks("sh") if not rest]
    assert commands == ["make demo", "make test"]
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    assert all(re.search(rf"^{each.split()[1]}:", makefile, re.MULTILINE) for each in commands)


def test_an_act_is_added_by_two_files_and_a_story(copy: Path) -> None:
    written = {rest.removeprefix("file="): text for rest, text in blocks("python")}
    *_, story = written
    assert [Path(each).parent.name for each in written] == ["aggregates", "commands", "stories"]
    for path, text in written.items():
        assert not (copy / path).exists()
        (copy / path).write_text(text, encoding="utf-8")
    law = "tests/doors/test_contract.py::test_whatever_may_be_asked_is_called_something"
    quietly = ("-m", "pytest", "-q", "-p", "no:cacheprovider")
    played = run(sys.executable, *quietly, story, law, at=copy)
    assert played.returncode == 0, played.stdout + played.stderr
    asked = (
        "from commands.base import ACTS; from service.catalogue import catalogue;"
        "from tests.doors.asking import the_document;"
        "print(catalogue()); print(*ACTS['commend_unit'].paths);"
        "print(the_document()['components']['schemas']['CommendUnit']['properties'])"
    )
    told = run(sys.executable, "-c", asked, at=copy)
    assert "units/{unit}/commendation" in told.stdout, told.stderr
    assert "commendation.known_unit" in told.stdout
    assert "'description': '主要成效'" in told.stdout


def test_the_operations_run_as_they_stand(tmp_path: Path) -> None:
    script = "".join(text for rest, text in blocks("sh") if rest == "run")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as bash:
        out, err = bash.communicate()
        with suppress(ProcessLookupError):  # where a block fails, it leaves its witness behind
            os.killpg(bash.pid, signal.SIGTERM)
    assert bash.returncode == 0, out + err
    assert (tmp_path / "acts.md").read_text(encoding="utf-8").startswith("#")
    assert "2 lines = 2 recorded + 0 repeated + 0 unplaced" in out
    assert "2 lines = 0 recorded + 2 repeated + 0 unplaced" in out
    assert "— audit.example/w1 " in (tmp_path / "sealed").read_text(encoding="utf-8")
    assert out.count("结论 VERDICT: 所查各项全部属实") == 4, out
    assert "Connection refused" not in err
    assert "record 11 is missing" in err
    (noted,) = json.loads((tmp_path / "noted.json").read_text(encoding="utf-8"))
    assert noted["verdict"] == "true"
