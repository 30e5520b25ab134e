"""Where it was measured: the machine, what else it was doing, how long its disk takes, versions."""

from __future__ import annotations

import os
import platform
import sqlite3
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import psycopg

from tests.postgres import TempPostgres

SYNCS = 50


def told(server: TempPostgres) -> Iterator[tuple[str, str]]:
    """What a reader must know to compare these figures with others."""
    cores = os.cpu_count() or 1
    yield (
        "machine",
        f"{_processor()}, {cores} cores, {_memory():.0f} GB, Linux {os.uname().release}",
    )
    yield "load average", f"{load()} on {cores} cores before the first round"
    yield "fsync", f"{_fsync_milliseconds():.2f} ms for 8 kB, median of {SYNCS}"
    yield "PostgreSQL", f"{_postgresql(server)}, fsync on, its defaults"
    yield "SQLite", f"{sqlite3.sqlite_version}, WAL, synchronous=FULL"
    packages = ("eventsourcing", "psycopg", "SQLAlchemy", "granian", "Flask")
    listed = ", ".join(f"{name} {version(name)}" for name in packages)
    yield "Python", f"{platform.python_version()}, {listed}"


def load() -> str:
    """The load average of the last one, five and fifteen minutes."""
    return " ".join(f"{each:.2f}" for each in os.getloadavg())


def is_busy() -> bool:
    """Is the machine doing other work, so that figures say little?"""
    return os.getloadavg()[0] > (os.cpu_count() or 1) / 2


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _fsync_milliseconds() -> float:
    """Where the databases of this run lie."""
    with TemporaryDirectory() as folder, Path(folder, "probe").open("wb", buffering=0) as probe:
        return 1000 * median(_synced(probe.fileno()) for _ in range(SYNCS))


def _synced(file: int) -> float:
    os.write(file, b"\0" * 8192)
    began = time.perf_counter()
    os.fdatasync(file)
    return time.perf_counter() - began


def _postgresql(server: TempPostgres) -> str:
    with psycopg.connect(server.uri(driver="postgresql")) as connection:
        return connection.info.parameter_status("server_version") or "?"
