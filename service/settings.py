"""What an installation may choose, read once from the environment when a process starts.

Every choice is a variable ``WENXIAO_…`` and has a default that suits one office on one machine.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, NewType, Self, TypeVar, get_type_hints

N = TypeVar("N", int, float)
Level = NewType("Level", str)

LEVELS = ("debug", "info", "warning", "error")

PREFIX = "WENXIAO_"


class BadSetting(ValueError):
    """A variable of the environment says nothing that could be meant."""


@dataclass(frozen=True)
class Settings:
    """配置: what differs from installation to installation; nothing here changes a rule."""

    database_url: str = field(default="sqlite:///wenxiao.sqlite", repr=False)
    """An SQLite file, or ``postgresql+psycopg://…``. It may hold a password: never shown."""
    pool_size: int = 20
    """Connections to the database that a process keeps."""
    body_limit: int = 1_000_000
    """The most bytes that the body of a request may have."""
    wait_seconds: float = 5.0
    """How long a question waits for a read model that has not read as far as it asks."""
    custody: str = "wenxiao-custody"
    """The folder that keeps what must not be in the database: keys, and the last checkpoints."""
    origin: str = "wenxiao.local"
    """What precedes a ledger's name in its checkpoints: a host's name of this office's own."""
    key_passphrase: str = field(default="", repr=False)
    """What the files with private keys are encrypted with, if they are."""
    policy: str = ""
    """A file that says which witnesses are asked, and how many are enough (C2SP tlog-policy)."""
    seal_seconds: float = 60.0
    """How often a worker signs what has been added to a ledger that has a key."""
    log_level: Level = Level("info")
    """The least that is logged: debug, info, warning or error."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """What the environment says; raises :class:`BadSetting` naming the variable."""
        hints = get_type_hints(cls)
        given = {f.name: environment.get(PREFIX + f.name.upper()) for f in fields(cls)}
        return cls(
            **{
                name: _read(PREFIX + name.upper(), hints[name], text)
                for name, text in given.items()
                if text
            }
        )


def variables() -> dict[str, str]:
    """Every variable, with its default as one would write it."""
    shown = {f.name: f.default for f in fields(Settings) if f.default is not MISSING}
    return {PREFIX + name.upper(): str(default).lower() for name, default in shown.items()}


def _positive(number: N) -> N:
    if not 0 < number < 2**31:
        raise ValueError(number)
    return number


def _level(text: str) -> str:
    if text.lower() not in LEVELS:
        raise ValueError(text)
    return text.lower()


READ: Mapping[Any, tuple[Callable[[str], Any], str]] = {
    str: (str, "text"),
    Level: (_level, "debug, info, warning or error"),
    int: (lambda text: _positive(int(text)), "a positive whole number"),
    float: (lambda text: _positive(float(text)), "a positive number of seconds"),
}


def _read(variable: str, kind: Any, text: str) -> Any:
    read, wanted = READ[kind]
    try:
        return read(text)
    except ValueError as error:
        raise BadSetting(f"{variable} should be {wanted}, not {text!r}") from error
