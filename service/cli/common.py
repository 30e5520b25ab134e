"""What the commands share: where the data is, how an answer is told, and how it fails."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import click
import msgspec
import sqlalchemy as sa
from eventsourcing.persistence import PersistenceError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from service.clock import Clock, utc_now
from service.ledger import entry
from service.ledger.application import Ledger
from service.ledger.engine import UnsafeDatabase, make_engine
from service.ledger.findings import RecordUnreadable
from service.ledger.migrations import is_migrated
from service.proofs.anchor import anchor
from service.proofs.rounds import Rounds, require_policy
from service.proofs.troubles import TROUBLES
from service.request import Refusal
from service.settings import BadSetting, Settings

STDERR = Console(stderr=True)


class Told(Protocol):
    """Is told how far one has come, and of how much where that was not known before."""

    def __call__(self, come: int, of: int | None = None, /) -> None: ...


EXPECTED = (
    PersistenceError,
    SQLAlchemyError,
    UnsafeDatabase,
    *TROUBLES,
    Refusal,
    RecordUnreadable,
    OSError,
    UnicodeError,
    ModuleNotFoundError,
)
"""What may go wrong without anybody's code being wrong: told in a sentence, without a traceback."""


def sentence(error: Exception) -> str:
    """The first line of what went wrong; a driver's error without the statement it came from."""
    told = str(getattr(error, "orig", None) or error) or type(error).__name__
    return told.splitlines()[0]


class Failed(click.ClickException):
    """What was asked for is not so, or could not be done."""

    exit_code = 1


class Inconclusive(click.ClickException):
    """There was nothing from which an answer could be had."""

    exit_code = 3


class Named(click.ParamType[str]):
    """A name that becomes part of every record, and so has to be of a certain form."""

    def __init__(self, name: str, form: re.Pattern[str], said: str) -> None:
        self.name, self.form, self.said = name, form, said

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not self.form.fullmatch(value):
            self.fail(f"{value!r} is not {self.said}", param, ctx)
        return value


SLUG = Named("name", entry.SLUG, "1 to 63 of a-z, 0-9 and hyphens that begin with a letter")
PRINTABLE = Named("name", re.compile(r"[^\x00-\x1f\x7f]{1,50}"), "1 to 50 characters of text")

database_option = click.option(
    "--database",
    metavar="URL",
    help="The database; otherwise WENXIAO_DATABASE_URL, or an SQLite file in this folder.",
)
ledger_option = click.option("--ledger", type=SLUG, required=True, help="The ledger's name.")
ledgers_option = click.option(
    "--ledger", "ledgers", type=SLUG, multiple=True, help="Only this ledger; may be repeated."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")


def settings(database: str | None) -> Settings:
    """What the environment says, with another database if one is named.

    What means nothing there is a fault of usage.
    """
    try:
        found = Settings.from_environment()
    except BadSetting as error:
        raise click.UsageError(str(error)) from error
    return replace(found, database_url=database) if database else found


def settings_to_run(database: str | None) -> Settings:
    """The same, for what goes on running: a policy that they name has to be understood as well."""
    chosen = settings(database)
    try:
        require_policy(chosen)
    except BadSetting as error:
        raise click.UsageError(str(error)) from error
    return chosen


@contextmanager
def opened(
    database: str | None, *, at_any_schema: bool = False, is_anchored: bool = True
) -> Iterator[sa.Engine]:
    """The database, closed at the end; fails where it is not at this release's schema.

    Nothing is added to a ledger that is not as it was sealed, unless it is not anchored.
    """
    chosen = settings(database)
    engine = _engine(chosen)
    if is_anchored:
        anchor(engine, Path(chosen.custody))
    try:
        if not at_any_schema and (is_missing(engine) or not is_migrated(engine)):
            raise Failed("the database is not at this release's schema: wenxiao migrate")
        yield engine
    finally:
        engine.dispose()


def _engine(chosen: Settings) -> sa.Engine:
    try:
        return make_engine(chosen.database_url, pool_size=chosen.pool_size)
    except (ArgumentError, ModuleNotFoundError, UnsafeDatabase) as error:
        raise click.UsageError(f"the database is not named by such a URL: {error}") from error


def is_missing(engine: sa.Engine) -> bool:
    """Is there no such file? SQLite would make one as soon as it is looked at."""
    path = engine.url.database if engine.dialect.name == "sqlite" else None
    return path is not None and not Path(path).exists()


@contextmanager
def ledger_at(database: str | None, slug: str, clock: Clock = utc_now) -> Iterator[Ledger]:
    """One ledger of a database; fails where there is none of this name."""
    with opened(database) as engine:
        ledger = Ledger(engine, slug, clock)
        ledger.head_position()
        yield ledger


@contextmanager
def adding_to(database: str | None, slug: str) -> Iterator[Ledger]:
    """One ledger, to be added to: its witnesses are asked before.

    Raises ``HistoryMissing`` where one of them has seen what is not here.
    """
    with ledger_at(database, slug) as ledger:
        Rounds(ledger, settings(database)).hear()
        yield ledger


def require_folder_of(path: Path) -> None:
    """Raises ``Failed`` where a file cannot be put there, before anything is done for it."""
    if not path.parent.is_dir():
        raise Failed(f"{path} cannot be written: there is no folder {path.parent}")


def counted(records: int) -> str:
    """So many records."""
    return "1 record" if records == 1 else f"{records} records"


def tell(answer: Any, *lines: str, as_json: bool) -> None:
    """The answer on standard output: for machines as JSON, for people in lines."""
    click.echo(msgspec.json.encode(answer).decode() if as_json else "\n".join(lines))


@contextmanager
def progress(title: str, total: int | None = None) -> Iterator[Told]:
    """A bar on standard error, if somebody is looking; it is told how far one has come."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=STDERR,
        auto_refresh=False,  # a thread of its own would make it unsafe to copy this process
        disable=not sys.stderr.isatty(),
        transient=True,
    )
    with bar:
        task = bar.add_task(title, total=total)
        yield lambda come, of=None: bar.update(task, completed=come, total=of, refresh=True)
