"""What a server and the worker beside it say, and how they end."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from tests.bench.serving import Server
from tests.cli.conftest import Wenxiao, command, environment

PATIENCE = 60.0


def lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


def test_whatever_they_say_is_a_line_of_the_log(
    wenxiao: Wenxiao, database_url: str, tmp_path: Path
) -> None:
    wenxiao("rules", "publish", "shizong", "--ledger", "office")
    log = tmp_path / "log"
    words = command("serve", "--workers", "1", "--with-worker")
    with Server(words, log, environment(database_url)) as server:
        deadline = time.monotonic() + PATIENCE
        while '"caught_up"' not in log.read_text(encoding="utf-8"):
            assert time.monotonic() < deadline, log.read_text(encoding="utf-8")
            time.sleep(0.05)
        assert server.stop() == 0
    told = {line["event"]: line for line in lines(log)}
    assert set(told) == {"listens", "answered", "reads", "caught_up"}
    assert told["listens"]["port"] == server.port
    assert (told["reads"]["ledger"], told["reads"]["after"]) == ("office", 0)
    assert told["caught_up"]["position"] == told["reads"]["head"] > 0
