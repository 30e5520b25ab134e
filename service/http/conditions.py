"""请求头: under which key an act is asked for, and at which version of its history.

``Idempotency-Key`` is required on every act: whoever loses an answer asks again under the same key
and gets the first one, for ever. ``If-Match`` is optional; with it an act is carried out only if
the history still is at the version which the caller has read (its ``ETag``).
"""

from __future__ import annotations

import re

from flask import request

from service.http.problems import bad_header

KEY = r"[!-+\--~]{1,200}"
"""Visible ASCII: a UUID, or the calling system's own number for the request.

Without a comma: by one, servers join a header that was sent twice.
"""

VERSION = r'"(0|[1-9][0-9]{0,15})"'
"""An entity tag that is a version."""

_KEY, _VERSION = re.compile(KEY), re.compile(VERSION)


def idempotency_key() -> str:
    """The key under which the act is asked for; raises a :class:`Problem` without one."""
    given = request.headers.get("Idempotency-Key", "")
    if not _KEY.fullmatch(given):
        raise bad_header(
            "Idempotency-Key", "办理须带一个幂等键，由 1 至 200 个可见 ASCII 字符组成，不含逗号"
        )
    return given


def expected_version() -> int | None:
    """The version that the caller has read, if the request is to depend on it."""
    given = request.headers.get("If-Match")
    if given is None:
        return None
    found = _VERSION.fullmatch(given)
    if found is None:
        raise bad_header("If-Match", '应为读取时 ETag 所示的版本，如 "5"')
    return int(found[1])


def etag(version: int) -> str:
    """A version as an entity tag."""
    return f'"{version}"'
