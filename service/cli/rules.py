"""``wenxiao rules``: an office's rule set becomes the next edition of its rule book."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import click

from aggregates.rulebook import RULEBOOK, RuleBook
from service.cli.common import (
    Failed,
    adding_to,
    database_option,
    json_option,
    ledger_option,
    tell,
)
from service.release import ask_as_console
from service.request import Malformed
from service.strict_json import Ambiguous, read_object

SHIPPED = files("service") / "rulesets"


@click.group("rules")
def command() -> None:
    """Publish and list rule sets."""


@command.command()
@database_option
@ledger_option
@click.argument("which", metavar="FILE|NAME")
@json_option
def publish(*, database: str | None, ledger: str, which: str, as_json: bool) -> None:
    """Publish a rule set: a JSON file, or one that is shipped, by its name."""
    rule_set = _read(which)
    with adding_to(database, ledger) as at:
        edition = max(at.load(RuleBook, RULEBOOK).versions, default=0) + 1
        body = {"edition": edition, "rule_set": rule_set}
        try:
            outcome = ask_as_console(at, "publish_rule_set", RuleBook, body)
        except Malformed as malformed:
            raise Failed(f"{which}: {malformed}") from malformed
    if not outcome.is_recorded:
        raise Failed(outcome.records[0].fact.sentence())
    (record,) = outcome.records
    answer = {"edition": edition, "position": record.position}
    tell(answer, record.fact.sentence(), as_json=as_json)


@command.command("list")
@json_option
def list_(*, as_json: bool) -> None:
    """List the rule sets that are shipped."""
    names = sorted(each.name.removesuffix(".json") for each in SHIPPED.iterdir())
    tell(names, *names, as_json=as_json)


def _read(which: str) -> object:
    shipped = SHIPPED / f"{which}.json"
    if not Path(which).exists() and not shipped.is_file():
        raise click.UsageError(f"there is no file and no shipped rule set {which!r}")
    text = Path(which).read_bytes() if Path(which).exists() else shipped.read_bytes()
    try:
        return read_object(text)
    except Ambiguous as error:
        raise Failed(f"{which}: {error}") from error
