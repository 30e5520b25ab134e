"""``wenxiao acts``: the catalogue of acts, roles, rules and topics."""

from __future__ import annotations

import click

from service.catalogue import catalogue, told
from service.cli.common import json_option, tell


@click.command("acts")
@json_option
def command(*, as_json: bool) -> None:
    """Print the catalogue of acts, roles, rules and topics, as Markdown or JSON."""
    tell(told(), catalogue(), as_json=as_json)
