"""JSON with one reading only, as RFC 7493 (I-JSON) asks for.

Two readers of one document must not see two things in what may become evidence. So a name that
comes twice in an object, a half surrogate, NaN and Infinity are refused, and so is what would cost
more to read than any act needs: deep nesting and endless numbers.
"""

from __future__ import annotations

import json
import re
from typing import Any

DEEPEST = 32
"""How many arrays and objects may lie inside each other; the deepest act has six."""

MOST_DIGITS = 30

_BRACKETS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
"""A string, also one without an end, is passed over in one go: nothing is ever tried again."""

_SUSPECT = re.compile(rb"\\[ubf]|\x7f")
_HALF = re.compile("[\ud800-\udfff]")


class Ambiguous(ValueError):
    """What cannot be read, or what another reader might read differently."""


def read_json(data: bytes) -> Any:
    """A JSON document that has one reading; raises :class:`Ambiguous`, saying what is wrong."""
    if _depth_exceeds(DEEPEST, data):
        raise Ambiguous(f"嵌套超过 {DEEPEST} 层")
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
        raise Ambiguous(_reason(error)) from error
    return value


def read_object(data: bytes) -> dict[str, Any]:
    """A JSON document that is an object."""
    value = read_json(data)
    if not isinstance(value, dict):
        raise Ambiguous("应为 JSON 对象")
    return value


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
        raise Ambiguous("对象中有重复的名称")
    return made


def _constant(name: str) -> Any:
    raise Ambiguous(f"{name} 不是 JSON 数字")


def _integer(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise Ambiguous(f"数字超过 {MOST_DIGITS} 位")
    return int(digits)


def _number(digits: str) -> int | float:
    """2021.0 is the whole number that JSON Schema takes it for."""
    number = float(digits)
    is_whole = number.is_integer() and abs(number) <= 2**53
    return int(number) if is_whole else number


def _refuse_halves(value: Any) -> None:
    if _HALF.search(json.dumps(value, ensure_ascii=False)):
        raise Ambiguous("含有不成对的代理字符")


def _reason(error: Exception) -> str:
    if isinstance(error, Ambiguous):
        return str(error)
    if isinstance(error, json.JSONDecodeError):
        return f"第 {error.lineno} 行第 {error.colno} 列不合 JSON 语法"
    if isinstance(error, UnicodeDecodeError):
        return "不是 UTF-8 编码"
    return "无法读取"
