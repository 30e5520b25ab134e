"""``wenxiao demo``: three offices' published year, held against their papers."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click
import sqlalchemy as sa
from rich.console import Console

from service.cli.common import Failed, json_option, progress, tell
from service.cli.serve import HOST, require_free
from service.cli.serve import command as serve
from service.demo import report
from service.demo.database import DEFAULT, NotOurs, prepare, url_of
from service.demo.offices import OFFICES, Office
from service.demo.player import OutOfScript
from service.demo.stage import Performance, perform
from service.demo.visit import Visit, admit

WIDE = 120
"""Columns of a table that nobody's terminal limits."""


def demonstrating(offices: Sequence[Office[Any]]) -> click.Command:
    """The command that demonstrates these offices."""

    @click.command("demo")
    @click.option(
        "--database",
        metavar="PATH|URL",
        default=DEFAULT,
        show_default=True,
        help="A file that may be replaced if a demonstration made it, or a database's URL.",
    )
    @click.option("--serve/--no-serve", "serves", default=True, help="Serve the ledgers after it.")
    @click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65_535))
    @json_option
    @click.pass_context
    def demo(ctx: click.Context, *, database: str, serves: bool, port: int, as_json: bool) -> None:
        """Replay three offices' published year, check every figure, verify, and serve.

        Fails if a figure is not as published or a ledger does not verify.
        """
        url = _url(database)
        if serves:
            require_free(HOST, port)
        performances, visits = _demonstrate(url, offices, serves=serves)
        _show(performances, as_json=as_json)
        if not all(performance.is_right for performance in performances):
            raise Failed("演示未通过：有指标不符，或台账核验不符")
        if serves:
            _welcome(visits, f"http://127.0.0.1:{port}")
            ctx.invoke(serve, database=_written(url), port=port, workers=1, with_worker=True)

    return demo


command = demonstrating(OFFICES)


def _url(database: str) -> sa.URL:
    try:
        return url_of(database)
    except sa.exc.ArgumentError as error:
        raise click.UsageError(str(error)) from error


def _demonstrate(
    url: sa.URL, offices: Sequence[Office[Any]], *, serves: bool
) -> tuple[list[Performance], list[Visit]]:
    """Play and check; where visitors are to come, let them in."""
    try:
        engine = prepare(url, [office.slug for office in offices])
        try:
            played = [perform(office, engine, progress) for office in offices]
            visits = [admit(office, engine, progress) for office in offices] if serves else []
        finally:
            engine.dispose()
    except (NotOurs, OutOfScript) as error:
        raise Failed(str(error)) from error
    return played, visits


def _show(performances: Sequence[Performance], *, as_json: bool) -> None:
    if as_json:
        tell([report.as_data(performance) for performance in performances], as_json=True)
        return
    console = Console(width=None if sys.stdout.isatty() else WIDE)
    for part in report.told(performances):
        console.print(part)


def _welcome(visits: Sequence[Visit], server: str) -> None:
    """Three questions, each with a token that reads one ledger and is good for a day."""
    for visit in visits:
        click.echo(f"{visit.question}\n  {visit.call(server)}\n", err=True)
    click.echo(f"接口说明 {server}/docs；按 Ctrl+C 结束", err=True)


def _written(url: sa.URL) -> str:
    return url.render_as_string(hide_password=False)
