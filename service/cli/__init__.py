"""命令行: ``wenxiao …``, one module for each command, each found by being here.

Exit codes: 0 true · 1 failed · 2 usage · 3 inconclusive (nothing to verify is not success). What is
asked for goes to standard output, everything said about it to standard error.
"""

from __future__ import annotations

from importlib import import_module
from keyword import iskeyword
from pkgutil import iter_modules
from typing import Any

import click

from service.cli.common import EXPECTED, Failed, Inconclusive, sentence
from service.ledger.errors import UnknownLedger


class Commands(click.Group):
    """The modules of this package that define a ``command``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        modules = (module.name for module in iter_modules(__path__) if module.name != "common")
        return sorted(name.rstrip("_") for name in modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        module = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name
        found: click.Command = import_module(f"{__name__}.{module}").command
        return found

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UnknownLedger as error:
            raise Inconclusive(sentence(error)) from error
        except EXPECTED as error:
            raise Failed(sentence(error)) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="wenxiao")
def main() -> None:
    """问效: the record that does not forget, for budget performance management."""
