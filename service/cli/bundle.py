"""``wenxiao bundle``: records, with everything that proves them to somebody outside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

import click

from service.cli.common import (
    Failed,
    Inconclusive,
    Named,
    counted,
    database_option,
    json_option,
    ledger_at,
    ledger_option,
    progress,
    require_folder_of,
    settings,
    tell,
)
from service.proofs.bundles import BadQuestion, NotCovered, NotRecorded, Range, Wanted
from service.proofs.prover import NotSealed, Prover
from service.proofs.tiles import NotThere
from service.proofs.trust import signer_unknown


class Positions(click.ParamType[Range]):
    """A-B: a range of positions, with both ends."""

    name = "A-B"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> Range:
        found = re.fullmatch("([1-9][0-9]{0,14})-([1-9][0-9]{0,14})", value)
        if found is None or not int(found[1]) <= int(found[2]):
            self.fail(f"{value!r} is no range of positions, such as 1-100", param, ctx)
        return int(found[1]), int(found[2])


STREAM = Named("stream", re.compile(r"[^\x00-\x1f\x7f]{1,255}"), "one line of 1 to 255 characters")


@click.command("bundle")
@database_option
@ledger_option
@click.option(
    "--stream", "streams", type=STREAM, multiple=True, help="A whole history; may be repeated."
)
@click.option(
    "--record",
    "positions",
    type=click.IntRange(1),
    multiple=True,
    help="One record, by its position; may be repeated.",
)
@click.option(
    "--range", "ranges", type=Positions(), multiple=True, help="All records; may be repeated."
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The file to be written; it must not be there yet.",
)
@json_option
def command(
    *,
    database: str | None,
    ledger: str,
    streams: tuple[str, ...],
    positions: tuple[int, ...],
    ranges: tuple[Range, ...],
    out: Path,
    as_json: bool,
) -> None:
    """Write an evidence bundle, to be checked by wenxiao_verify.py without this service.

    It is as of the last signed checkpoint; exit code 3 where that does not cover what is asked for,
    as of a history that has grown since. Of a history that is nowhere it proves that there is none.
    """
    if not (streams or positions or ranges):
        raise click.UsageError("name a --stream, a --record or a --range")
    wanted, chosen = Wanted(positions, streams, ranges), settings(database)
    with (
        ledger_at(database, ledger) as at,
        proving(),
        new_file(out) as opened,
        progress(f"bundle {out.name}") as come,
    ):
        prover = Prover(at, chosen)
        contents = prover.bundle(wanted, opened, come)
        unknown = signer_unknown(prover.latest().sealed, at, chosen)
    many, size = len(contents.records), contents.size
    answer = {"file": str(out), "origin": contents.origin, "size": size, "records": many}
    tell(answer, f"{out}: {counted(many)} as of checkpoint {size}", as_json=as_json)
    if unknown:
        click.echo(f"✗ {unknown}", err=True)
    for stream in contents.absent:
        click.echo(f"there is no stream {stream}, which this bundle proves", err=True)


@contextmanager
def proving() -> Iterator[None]:
    """What cannot be proven is said in a sentence."""
    try:
        yield
    except NotRecorded as error:
        raise Inconclusive(str(error)) from error
    except (NotCovered, NotSealed) as error:
        raise Inconclusive(f"{error}: wenxiao seal") from error
    except (BadQuestion, NotThere) as error:
        raise Failed(str(error)) from error


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that is there whole in the end or not at all; nobody else may read it."""
    require_none(path)
    require_folder_of(path)
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as draft:
        try:
            yield draft
            draft.flush()
            require_none(path)
            Path(draft.name).rename(path)
        finally:
            Path(draft.name).unlink(missing_ok=True)


def require_none(path: Path) -> None:
    """Nothing is overwritten."""
    if path.exists() or path.is_symlink():
        raise Failed(f"{path} is there already: name a new file, or remove it first")
