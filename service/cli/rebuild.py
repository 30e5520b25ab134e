"""``wenxiao rebuild``: read models made anew from the records, under live writes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

import click

from projections.base import ReadModel
from projections.models import MODELS
from service.cli.common import (
    Failed,
    Inconclusive,
    database_option,
    json_option,
    ledger_at,
    ledger_option,
    progress,
    tell,
)
from service.ledger.application import Ledger
from service.projector import NothingKept, Rebuild, Report, rollback

BY_NAME = {model.NAME: model for model in MODELS}


@click.command("rebuild")
@database_option
@ledger_option
@click.argument("models", nargs=-1, type=click.Choice(sorted(BY_NAME)))
@click.option("--check", is_flag=True, help="Only compare; leave what people read as it is.")
@click.option("--rollback", "back", is_flag=True, help="Go back to what was read before.")
@json_option
def command(
    *,
    database: str | None,
    ledger: str,
    models: tuple[str, ...],
    check: bool,
    back: bool,
    as_json: bool,
) -> None:
    """Make read models anew beside the live ones, compare both, and change over.

    Exit code 1 if they differed: what people had read was not what the records say. It is changed
    over nevertheless, and the rows that differed are named. Exit code 3 if nothing had been read
    before, so that there was nothing to compare.
    """
    chosen = [BY_NAME[name] for name in models or BY_NAME]
    with ledger_at(database, ledger) as at:
        if back:
            _go_back(at, chosen, as_json=as_json)
            return
        reports = [_rebuilt(at, model, check=check) for model in chosen]
    answer = [_told(report) for report in reports]
    tell(answer, *chain.from_iterable(map(_lines, reports)), as_json=as_json)
    if differing := [report.model for report in reports if not report.is_equal]:
        now = "people go on reading that" if check else "people now read what the records say"
        raise Failed(
            f"differed from the records: {'、'.join(differing)}; {now}."
            " Whether the records are sound, wenxiao verify tells"
        )
    if unread := [report.model for report in reports if report.is_of_nothing]:
        raise Inconclusive(f"nothing had been read before, or recorded: {'、'.join(unread)}")


def _rebuilt(ledger: Ledger, model: ReadModel[Any], *, check: bool) -> Report[Any]:
    rebuild = Rebuild(ledger.engine, ledger, model)
    with progress(f"rebuild {model.NAME}") as come:
        report = rebuild.fill(come)
    if check:
        rebuild.drop()
    else:
        rebuild.switch()
    return report


def _go_back(ledger: Ledger, models: list[ReadModel[Any]], *, as_json: bool) -> None:
    found: dict[str, dict[str, int]] = {}
    nothing: list[str] = []
    for model in models:
        try:
            before, now = rollback(ledger.engine, ledger, model)
            found[model.NAME] = {"from": before, "to": now}
        except NothingKept as error:
            nothing.append(str(error))
    lines = (
        f"{name}: people read generation {it['to']} again, no longer generation {it['from']}"
        for name, it in found.items()
    )
    tell(found, *lines, as_json=as_json)
    if nothing:
        raise Failed("; ".join(nothing))


def _told(report: Report[Any]) -> dict[str, Any]:
    return {
        "model": report.model,
        "position": report.position,
        "rows": report.rows,
        "differing": report.differing,
        "frozen": report.frozen,
        "digest": report.shadow_digest,
        "live_digest": report.live_digest,
        "equal": report.is_equal,
        "differences": [
            {
                "row": each.name,
                "since": each.since,
                "live": str(each.live),
                "records": str(each.shadow),
            }
            for each in report.differences
        ],
    }


def _lines(report: Report[Any]) -> Iterator[str]:
    """What was compared, and the first of the rows that differ."""
    if report.is_of_nothing:
        yield f"? {report.model}: nothing to compare with"
        return
    mark = "✓" if report.is_equal else "✗"
    frozen = f" {report.frozen} while a history stood still," if report.frozen else ""
    yield (
        f"{mark} {report.model} as of {report.position}: {report.rows} rows,"
        f" {report.differing} differing,{frozen} digest {report.shadow_digest}"
    )
    for each in report.differences:
        yield f"  {'/'.join(map(str, each.name))} since {each.since}"
    if more := report.differing - len(report.differences):
        yield f"  and {more} more"
