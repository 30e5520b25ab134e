"""请求体: JSON with one reading only, as RFC 7493 (I-JSON) asks for.

Two readers of one document must not see two things in what may become evidence. So a name that
comes twice in an object, a half surrogate, NaN and Infinity are refused, and so is what would cost
more to read than any act needs: deep nesting, endless numbers, large bodies.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from flask import request

from commands.vocabulary import is_printable
from service.http.problems import BROKEN_JSON, NOT_JSON, Problem

DEEPEST = 32
"""How many arrays and objects may lie inside each other; the deepest act has six."""

MOST_DIGITS = 30

_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]')
_SUSPECT = re.compile(rb"\\[ubf]|\x7f")
_HALF = re.compile("[\ud800-\udfff]")


def read_body() -> Any:
    """The request's body; raises a :class:`Problem` unless it is JSON with one reading."""
    declared = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype != "application/json" or declared != "utf-8":
        raise Problem(NOT_JSON)
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise Problem(NOT_JSON, "请求体不得压缩", {"Accept-Encoding": "identity"})
    return read_json(request.get_data(cache=False))


def read_json(data: bytes) -> Any:
    """A JSON document that has one reading."""
    if _depth_exceeds(DEEPEST, data):
        raise _broken(f"嵌套超过 {DEEPEST} 层")
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_int=_integer,
            parse_float=_number,
        )
        if _SUSPECT.search(data):
            _refuse_halves(value)
    except (ValueError, RecursionError) as error:
        raise _broken(_reason(error)) from error
    return value


def unprintable(value: Any, data: str = "") -> Iterator[str]:
    """Pointers to the texts that hold control characters."""
    if isinstance(value, str):
        if not is_printable(value):
            yield data
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from unprintable(inner, f"{data}/{name.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from unprintable(inner, f"{data}/{index}")


def _depth_exceeds(limit: int, data: bytes) -> bool:
    if data.count(b"[") + data.count(b"{") <= limit:
        return False
    depth = 0
    for found in _BRACKETS.finditer(data):
        first = found.group()[:1]
        depth += (first in b"[{") - (first in b"]}")
        if depth > limit:
            return True
    return False


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise _Ambiguous("对象中有重复的名称")
    return made


def _constant(name: str) -> Any:
    raise _Ambiguous(f"{name} 不是 JSON 数字")


def _integer(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise _Ambiguous(f"数字超过 {MOST_DIGITS} 位")
    return int(digits)


def _number(digits: str) -> int | float:
    """2021.0 is the whole number that JSON Schema takes it for."""
    number = float(digits)
    is_whole = number.is_integer() and abs(number) <= 2**53
    return int(number) if is_whole else number


def _refuse_halves(value: Any) -> None:
    if _HALF.search(json.dumps(value, ensure_ascii=False)):
        raise _Ambiguous("含有不成对的代理字符")


class _Ambiguous(ValueError):
    """What another reader might read differently."""


def _reason(error: Exception) -> str:
    if isinstance(error, _Ambiguous):
        return str(error)
    if isinstance(error, json.JSONDecodeError):
        return f"第 {error.lineno} 行第 {error.colno} 列: {error.msg}"
    if isinstance(error, UnicodeDecodeError):
        return "不是 UTF-8 编码"
    return "无法读取"


def _broken(detail: str) -> Problem:
    return Problem(BROKEN_JSON, detail)
