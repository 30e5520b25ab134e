"""请求体: what comes in is JSON in UTF-8, and nothing else is taken for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import request

from commands.vocabulary import is_printable
from service.http.problems import BODY_TOO_LARGE, BROKEN_JSON, NOT_JSON, Problem
from service.strict_json import Ambiguous, read_json


def read_body() -> Any:
    """The request's body; raises a :class:`Problem` unless it is JSON with one reading."""
    declared = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype != "application/json" or declared != "utf-8":
        raise Problem(NOT_JSON)
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise Problem(NOT_JSON, "请求体不得压缩", {"Accept-Encoding": "identity"})
    try:
        return read_json(_within_limit(request.get_data(cache=False)))
    except Ambiguous as error:
        raise Problem(BROKEN_JSON, str(error)) from error


def _within_limit(data: bytes) -> bytes:
    """What came in pieces ends at the limit, whether or not there was more to come."""
    limit = request.max_content_length
    if request.content_length is None and limit is not None and len(data) >= limit:
        raise Problem(BODY_TOO_LARGE)
    return data


def unprintable(value: Any, at: str = "") -> Iterator[str]:
    """Pointers to the texts that hold control characters."""
    if isinstance(value, str):
        if not is_printable(value):
            yield at
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from unprintable(inner, f"{at}/{name.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from unprintable(inner, f"{at}/{index}")
