"""``wenxiao import``: what another system has on file, line by line, once and for all."""

from __future__ import annotations

from hashlib import file_digest
from io import BufferedReader
from pathlib import Path

import click

from service.cli.common import (
    PRINTABLE,
    Failed,
    Inconclusive,
    adding_to,
    database_option,
    json_option,
    ledger_option,
    progress,
    tell,
)
from service.importing import Import, NotAllPlaced, Tally, importer

MOST_SHOWN = 1_000
"""How many lines are told one by one; all are counted, and all stand in the ledger."""


NOT_PLACED = (
    "lines were not placed: mend them, and import them alone;"
    " wenxiao import --help shows what a line looks like"
)

EPILOG = """\b
A line names an act, the code of what it is about, and its body as the API takes it:
  {"act": "register_unit", "on": "117", "body":
     {"name": "…", "case": {"actor": {"person": "wang"}}}}
With a source it tells of what has happened elsewhere:
  {"act": "submit_goal", "on": {"project": "2021-017"}, "body": {…, "case": {"source":
     {"system": "…", "table": "…", "row": "1", "revision": "1"}}}}
"""


@click.command("import", epilog=EPILOG)
@database_option
@ledger_option
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--batch",
    type=PRINTABLE,
    help="The batch's name; otherwise the beginning of the file's SHA-256.",
)
@click.option(
    "--system",
    type=PRINTABLE,
    default="file",
    show_default=True,
    help="The system it comes from.",
)
@click.option("--all-or-nothing", "together", is_flag=True, help="One bad line, and none counts.")
@json_option
def command(
    *,
    database: str | None,
    ledger: str,
    file: Path,
    batch: str | None,
    system: str,
    together: bool,
    as_json: bool,
) -> None:
    """Import a file of JSON Lines: an act on each, commanded or observed.

    Run it again after an interruption: what is recorded stays recorded once. Lines that cannot be
    placed are told here by number, kept beside the ledger, and make the exit code 1.
    Mend them and import them alone, in a file and a batch of their own.
    """
    bad: dict[int, str] = {}

    def note(number: int, problem: str) -> None:
        if len(bad) < MOST_SHOWN:
            bad[number] = problem

    with file.open("rb") as opened, adding_to(database, ledger) as at:
        batch = batch or _named(opened)
        way = Import(at, importer(system), batch, note)
        try:
            tally = way.run_together(opened) if together else _run(way, opened, file)
        except NotAllPlaced as refusal:
            _report(refusal.bad, len(refusal.bad))
    answer = {
        "batch": batch,
        "lines": tally.lines,
        **vars(tally),
        "bad": {str(number): problem for number, problem in bad.items()},
    }
    tell(answer, _line(batch, tally), as_json=as_json)
    _report(bad, tally.unplaced)
    if not tally.lines:
        raise Inconclusive("there was no line to import")


def _run(way: Import, opened: BufferedReader, file: Path) -> Tally:
    tally = Tally()
    with progress(f"import {file.name}", total=file.stat().st_size) as come:
        for so_far in way.run(opened):
            tally = so_far
            come(opened.tell())
    return tally


def _named(opened: BufferedReader) -> str:
    name = file_digest(opened, "sha256").hexdigest()[:16]
    opened.seek(0)
    return name


def _line(batch: str, tally: Tally) -> str:
    return (
        f"batch {batch}: {tally.lines} lines = {tally.recorded} recorded"
        f" + {tally.repeated} repeated + {tally.unplaced} unplaced"
    )


def _report(bad: dict[int, str], count: int) -> None:
    for number in sorted(bad)[:MOST_SHOWN]:
        click.echo(f"line {number}: {bad[number]}", err=True)
    if count:
        raise Failed(f"{count} {NOT_PLACED}")
