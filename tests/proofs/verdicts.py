"""What the stand-alone verifier finds, as tests ask for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from service.proofs.wenxiao_verify import Report, arguments, asked_by, checked

Verify = Callable[..., Report]
"""Gives the report on what it is given, under further options."""


def judged(path: Path, *options: str) -> Report:
    """The report on a bundle or a directory, under these options of the command line."""
    return checked(path, asked_by(arguments().parse_args([*options, str(path)])))


def false(report: Report) -> list[tuple[str, int | None]]:
    """Which checks failed, and at which position."""
    return [(each.check, each.position) for each in report.findings if each.mark is False]


def written(path: Path, data: bytes) -> str:
    """The name of a file that holds this."""
    path.write_bytes(data)
    return str(path)
