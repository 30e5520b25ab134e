"""日志: one JSON object per line on standard error, for machines first.

A line says what was asked for by its route, never by its content: no code, name, amount, reason or
secret gets in. Whatever is logged while a request is answered carries that request's id. Of an
unexpected error it says the type and the places in the code, not the message, for that may repeat
what somebody entered.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any, BinaryIO

import msgspec
import structlog
from structlog.contextvars import bind_contextvars, clear_contextvars, merge_contextvars

Line = MutableMapping[str, Any]

MOST_PLACES = 20


def configure(level: str = "info", stream: BinaryIO | None = None) -> None:
    """Log from this level on; to standard error, unless another stream is given."""
    structlog.configure(
        processors=[
            merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _without_message,
            _as_json,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_level(level)),
        logger_factory=structlog.BytesLoggerFactory(stream or sys.stderr.buffer),
        cache_logger_on_first_use=False,
    )


def logger() -> Any:
    """Where to log to."""
    return structlog.get_logger()


def of_library(name: str) -> dict[str, Any]:
    """What ``logging.config.dictConfig`` takes, so that a library's log comes in our lines."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": f"{__name__}.LibraryLine"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "loggers": {name: {"handlers": ["stderr"], "propagate": False}},
    }


class LibraryLine(logging.Formatter):
    """What a library has to say, as one of our lines; without a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "logger": record.name,
            "event": record.getMessage(),
            "level": record.levelname.lower(),
            "timestamp": datetime.fromtimestamp(record.created, UTC),
        }
        return msgspec.json.encode(line).decode()


def begin(request_id: str) -> None:
    """From here on, what this thread logs belongs to this request."""
    clear_contextvars()
    bind_contextvars(request=request_id)


def _level(name: str) -> int:
    found = logging.getLevelNamesMapping().get(name.upper())
    if found is None:
        raise ValueError(f"no level of logging: {name!r}")
    return found


def _without_message(_logger: Any, _method: str, line: Line) -> Line:
    """Replace an exception by its type and the places that it came through."""
    error = line.pop("error", None)
    if isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)[-MOST_PLACES:]
        line["error"] = type(error).__name__
        line["places"] = [f"{f.filename}:{f.lineno} {f.name}" for f in frames]
    return line


def _as_json(_logger: Any, _method: str, line: Line) -> bytes:
    return msgspec.json.encode(line)
