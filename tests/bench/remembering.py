"""内存: what commands that read a whole ledger take at most, of a tenth of the records and of all.

Each is the command itself, a process of its own; of those that begin others, all are counted.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from tests.bench.ground import Ground
from tests.bench.matter import RESERVE
from tests.bench.measuring import Line
from tests.bench.serving import Process, wenxiao

RECORDS = 1_000_000
MOST_MEGABYTES = 300
SEALED = {"first checkpoint", "verify, sealed"}
LOOK_SECONDS = 0.05


def on_postgresql(ground: Ground) -> Iterator[Line]:
    """Import the records, verify them, read them into all read models, and build those anew.

    What takes the roster, which lists every history, is information: here each record begins one.
    """
    many = ground.effort.of(RECORDS)
    url = ground.postgresql("few", "many")
    few_of = {"few": many // 10, "many": many}
    found = {ledger: taken(ground.folder, url, ledger, n) for ledger, n in few_of.items()}
    for command, megabytes in found["many"].items():
        yield Line(
            f"{command}, {many:,} records",
            megabytes,
            unit="MB",
            peer=f"{many // 10:,} records",
            theirs=found["few"][command],
            most=None if command in SEALED else MOST_MEGABYTES,
        )


def taken(folder: Path, url: str, ledger: str, number: int) -> dict[str, float]:
    """The most that each command takes, in megabytes."""
    file = Path(folder, f"{ledger}.jsonl")
    write_lines(file, number)
    where = ["--database", url, "--ledger", ledger]
    commands = {
        "import": ["import", *where, str(file)],
        "verify": ["verify", *where],
        "worker": ["worker", "--once", *where],
        "rebuild": ["rebuild", *where],
        "first checkpoint": ["keys", "new", *where],
        "verify, sealed": ["verify", "--full", *where],
    }
    return {name: most_taken_by(words, folder) for name, words in commands.items()}


def write_lines(file: Path, number: int) -> None:
    """A unit, and then as many projects as are wanted, each a line from another system."""
    with file.open("wb") as lines:
        lines.write(line("register_unit", "101001", {"name": "公路段"}))
        for n in range(1, number):
            lines.write(line("reserve_project", f"2021-{n:07d}", RESERVE))


def line(act: str, code: str, body: Mapping[str, object]) -> bytes:
    """An act as it is imported."""
    source = {"system": "budget", "table": act, "row": code, "revision": "1"}
    told = {"act": act, "on": code, "body": {**body, "case": {"source": source}}}
    return msgspec.json.encode(told) + b"\n"


def most_taken_by(words: list[str], folder: Path) -> float:
    """The peak memory of a command and of all processes that it begins, added up."""
    peaks: dict[int, int] = {}
    environment = {"WENXIAO_CUSTODY": str(folder / "custody")}
    with Process(wenxiao(*words), folder / "log", environment) as running:
        while running.process.poll() is None:
            for pid in running.members():
                peaks[pid] = max(peaks.get(pid, 0), peak(pid))
            time.sleep(LOOK_SECONDS)
    assert running.process.returncode == 0, (folder / "log").read_text()[-2000:]
    return sum(peaks.values()) / 1024


def peak(pid: int) -> int:
    """The most memory that a process has had, in kilobytes, as the kernel has noted it."""
    with suppress(OSError):  # it has ended meanwhile
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1])
    return 0
