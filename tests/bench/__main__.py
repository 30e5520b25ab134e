"""``python -m tests.bench``: measure, beside peers, and print it as a table.

``--only NAME …`` measures these subjects only, ``--quick`` less of everything (fewer rounds, so its
figures say little), ``--memory`` also how much memory a million records take, which takes long.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from tests.bench import (
    answering,
    appending,
    processes,
    projecting,
    proving,
    reading,
    remembering,
    surroundings,
    verifying,
)
from tests.bench.ground import Ground
from tests.bench.measuring import Effort, Line
from tests.bench.table import Report
from tests.postgres import TempPostgres

Subject = Callable[[Ground], Iterator[Line]]

SUBJECTS: Mapping[str, tuple[str, Subject]] = {
    "postgresql": ("Recorder on PostgreSQL", appending.on_postgresql),
    "sqlite": ("Recorder on SQLite", appending.on_sqlite),
    "processes": ("Several processes on PostgreSQL, 16 threads each", processes.on_postgresql),
    "reading": ("Reading on PostgreSQL", reading.on_postgresql),
    "projecting": ("Read models on PostgreSQL", projecting.on_postgresql),
    "verifying": ("Verification", verifying.on_both),
    "proofs": ("Proofs on SQLite, one thread", proving.on_sqlite),
    "bundle": ("Evidence on SQLite", proving.bundled),
    "subtrees": ("Appending on PostgreSQL", proving.on_postgresql),
    "http": ("One act over HTTP, PostgreSQL, 2 workers, 32 connections", answering.on_postgresql),
    "memory": ("Memory, PostgreSQL", remembering.on_postgresql),
}
LONG = {"memory"}
"""Measured only where it is asked for."""

FULL, QUICK = Effort(rounds=5), Effort(rounds=2, share=0.2)


def main() -> int:
    """Measure what is asked for; 1 where something is not as it should be."""
    asked = _asked()
    chosen = {*(asked.only or SUBJECTS.keys() - LONG), *(LONG if asked.memory else ())}
    console = Console(width=None if sys.stdout.isatty() else 132)
    with TemporaryDirectory(prefix="bench") as folder, TempPostgres(durable=True) as server:
        report = Report(console, list(surroundings.told(server)))
        ground = Ground(server, Path(folder), QUICK if asked.quick else FULL)
        for name, (title, subject) in SUBJECTS.items():
            if name in chosen:
                report.add(title, subject(ground))
    report.show()
    return 0 if report.is_reached else 1


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=SUBJECTS, default=[])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--memory", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
