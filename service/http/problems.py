"""问题: whatever goes wrong is answered in one shape, RFC 9457's ``application/problem+json``.

::

    {"type": "urn:wenxiao:problem:malformed",   what went wrong; stable, for programs
     "title": "请求内容不合要求",                  the same in words; always the same for a type
     "status": 422,                              as in the status line
     "detail": "…",                              this time; for people
     "request": "3f2a…",                         its id, as in ``X-Request-Id`` and in the log
     …}                                          and what belongs to the type

The types are the constants of this page. Those that carry more say so:

- ``malformed`` and ``broken_json``, ``bad_header``, ``bad_cursor``: ``errors``, one object for each
  fault, with ``detail`` and the place: ``pointer`` into the body (RFC 6901), or ``parameter`` of
  the query or the path, or ``header``. All faults of a request come in one answer.
- ``refused``: ``breaches``, one object for each rule that the act breaks (rule, sentence, basis,
  severity, the values it looked at), and the ``position`` under which the refusal is kept.
- ``other_log``: ``log``, the number of the one that the ledger is now.
- ``version_moved``: ``version``, at which the history stands now.
- ``not_ready``: ``readiness``, what is missing.

What may be tried again later carries ``Retry-After``; 401 carries ``WWW-Authenticate``; 405 carries
``Allow``. After ``outcome_unknown`` only the same request under the same ``Idempotency-Key`` can
tell whether it was recorded. Bad input is never a 500; a 500 tells nothing but its request id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec
import sqlalchemy as sa
from flask import Response, g
from werkzeug.exceptions import HTTPException

from projections.places import Behind
from service.clock import shown
from service.desk import Busy, KeyUsedOtherwise
from service.ledger.engine import UnsafeDatabase
from service.ledger.entry import MalformedEntry
from service.ledger.errors import (
    ClockBehind,
    EntryTooLarge,
    HistoryMissing,
    NotAsKept,
    OutcomeUnknown,
    StorageUnavailable,
)
from service.ledger.findings import RecordUnreadable
from service.logs import logger
from service.observing import RevisionUsedOtherwise
from service.proofs.bundles import BadQuestion, NotCovered, TooMuch
from service.proofs.prover import NoCheckpoint, NotSealed, OutOfReach
from service.proofs.tiles import NotThere
from service.proofs.troubles import TROUBLES
from service.request import Forbidden, Malformed, NotFound
from service.sitting import VersionMoved

CONTENT_TYPE = "application/problem+json"
URN = "urn:wenxiao:problem:"


@dataclass(frozen=True)
class Kind:
    """问题类型: what a program may rely on. ``retry_after``: seconds after which to try again."""

    name: str
    status: int
    title: str
    retry_after: int = 0

    @property
    def type(self) -> str:
        return URN + self.name


KINDS: dict[str, Kind] = {}


def _kind(name: str, status: int, title: str, retry_after: int = 0) -> Kind:
    return KINDS.setdefault(name, Kind(name, status, title, retry_after))


BROKEN_JSON = _kind("broken_json", 400, "请求体不是合格的 JSON")
BAD_HEADER = _kind("bad_header", 400, "请求头缺失或不合格式")
BAD_CURSOR = _kind("bad_cursor", 400, "游标不属于这一查询")
BAD_REQUEST = _kind("bad_request", 400, "请求有误")
UNAUTHORIZED = _kind("unauthorized", 401, "须持有效令牌")
FORBIDDEN = _kind("forbidden", 403, "令牌无此权限")
NOT_FOUND = _kind("not_found", 404, "没有这个对象")
NOT_SEALED = _kind("not_sealed", 404, "尚无检查点包含这一内容")
OTHER_LOG = _kind("other_log", 404, "该台账现为另一部日志")
METHOD_NOT_ALLOWED = _kind("method_not_allowed", 405, "该地址不支持这一方法")
REFUSED = _kind("refused", 409, "办理被拒绝")
VERSION_MOVED = _kind("version_moved", 412, "对象已有新的记录")
BODY_TOO_LARGE = _kind("body_too_large", 413, "请求体过大")
RECORD_TOO_LARGE = _kind("record_too_large", 413, "内容超出一条记录的容量")
NOT_JSON = _kind("not_json", 415, "请求体须为 application/json")
BAD_BUNDLE = _kind("bad_bundle", 422, "不能组成证据包")
MALFORMED = _kind("malformed", 422, "请求内容不合要求")
KEY_USED_OTHERWISE = _kind("key_used_otherwise", 422, "幂等键已用于另一项请求")
REVISION_USED_OTHERWISE = _kind("revision_used_otherwise", 422, "来源行的这一版本已登记其他内容")
INTERNAL = _kind("internal", 500, "服务内部错误")
BUSY = _kind("busy", 503, "相关记录正在变动", retry_after=1)
BEHIND = _kind("behind", 503, "查询数据尚未更新到所要求的位置", retry_after=1)
OUTCOME_UNKNOWN = _kind("outcome_unknown", 503, "办理结果未知", retry_after=1)
STORAGE_UNAVAILABLE = _kind("storage_unavailable", 503, "数据库暂不可用", retry_after=5)
HISTORY_MISSING = _kind("history_missing", 503, "数据库缺少已经签署的记录", retry_after=60)
NOT_READY = _kind("not_ready", 503, "尚不能提供服务", retry_after=5)
UNREADABLE = _kind("unreadable", 503, "签名材料暂不可读", retry_after=60)
CLOCK_BEHIND = _kind("clock_behind", 503, "服务器时钟落后于台账", retry_after=60)

HOLDER = 'Bearer realm="wenxiao"'


class Problem(Exception):
    """Something is wrong, and this is what the caller is told."""

    def __init__(
        self, kind: Kind, detail: str = "", headers: Mapping[str, str] | None = None, **members: Any
    ) -> None:
        self.kind, self.detail, self.members = kind, detail or kind.title, members
        self.headers = dict(headers or {})
        super().__init__(self.detail)

    def response(self, request_id: str) -> Response:
        """As it goes over the wire."""
        told = {
            "type": self.kind.type,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
            "request": request_id,
            **self.members,
        }
        answer = Response(msgspec.json.encode(told), self.kind.status, content_type=CONTENT_TYPE)
        if self.kind.retry_after:
            answer.headers["Retry-After"] = str(self.kind.retry_after)
        answer.headers.update(self.headers)
        return answer


def malformed(**faults: Mapping[str, list[str]]) -> Problem:
    """All faults of a request, by where they are: ``pointer=`` of the body, ``parameter=``."""
    errors = [
        {"detail": detail, place: where}
        for place, of_place in faults.items()
        for where, told in of_place.items()
        for detail in told
    ]
    return Problem(MALFORMED, f"共 {len(errors)} 处不合要求", errors=errors)


def bad_header(name: str, detail: str) -> Problem:
    """A header of the request is missing, or is not of its form."""
    return Problem(BAD_HEADER, detail, errors=[{"detail": detail, "header": name}])


def unauthorized(detail: str, error: str = "") -> Problem:
    """The bearer is nobody here; ``error`` is RFC 6750's word for why."""
    challenge = f'{HOLDER}, error="{error}"' if error else HOLDER
    return Problem(UNAUTHORIZED, detail, {"WWW-Authenticate": challenge})


def _version_moved(error: VersionMoved) -> Problem:
    return Problem(VERSION_MOVED, str(error), version=error.version)


def _entry_too_large(error: EntryTooLarge) -> Problem:
    detail = f"记录将有 {error.size} 字节，最多 {error.limit} 字节；较大的材料请以摘要登记"
    return Problem(RECORD_TOO_LARGE, detail)


def _clock_behind(error: ClockBehind) -> Problem:
    now, head = shown(error.now), shown(error.head_at)
    return Problem(CLOCK_BEHIND, f"时钟为 {now}，末条记录为 {head}；须校准时钟或登记时钟确认")


def _outcome_unknown(_error: OutcomeUnknown) -> Problem:
    return Problem(OUTCOME_UNKNOWN, "提交时与数据库失去连接，请以同一幂等键重复该请求")


def _unreadable(error: Exception) -> Problem:
    """What is kept beside the records is not what it was: nobody's but the operator's to know."""
    logger().error("unreadable", error=error)
    return Problem(UNREADABLE, "检查点、见证规则或保管文件有误，请告知系统管理员")


def _behind(error: Behind) -> Problem:
    return Problem(BEHIND, f"已更新到第 {error.read} 号记录，尚未到第 {error.asked} 号")


ERRORS: Mapping[type[Exception], Any] = {
    Malformed: lambda error: malformed(pointer=error.faults),
    MalformedEntry: lambda _: Problem(MALFORMED, "名称过长或含有控制字符"),
    Forbidden: lambda error: Problem(FORBIDDEN, str(error)),
    NotFound: lambda error: Problem(NOT_FOUND, str(error)),
    VersionMoved: _version_moved,
    EntryTooLarge: _entry_too_large,
    KeyUsedOtherwise: lambda error: Problem(KEY_USED_OTHERWISE, str(error)),
    RevisionUsedOtherwise: lambda error: Problem(REVISION_USED_OTHERWISE, str(error)),
    Busy: lambda error: Problem(BUSY, str(error)),
    Behind: _behind,
    NoCheckpoint: lambda _: Problem(NOT_SEALED, "没有恰为这一记录数的检查点"),
    OutOfReach: lambda _: Problem(NOT_SEALED, "所指检查点不包含这条记录"),
    NotSealed: lambda _: Problem(NOT_SEALED),
    NotCovered: lambda _: Problem(NOT_SEALED),
    TooMuch: lambda _: Problem(BAD_BUNDLE, "超出一个证据包的容量，请分几次索取"),
    BadQuestion: lambda _: Problem(BAD_BUNDLE, "没有指明记录、历史或区间，或区间首尾颠倒"),
    NotThere: lambda _: Problem(HISTORY_MISSING),
    RecordUnreadable: lambda _: Problem(HISTORY_MISSING),
    NotAsKept: lambda _: Problem(HISTORY_MISSING),
    OutcomeUnknown: _outcome_unknown,
    HistoryMissing: lambda _: Problem(HISTORY_MISSING, "恢复数据库或确认缺失之前，不再登记"),
    **dict.fromkeys(TROUBLES, _unreadable),
    StorageUnavailable: lambda _: Problem(STORAGE_UNAVAILABLE, "没有登记任何内容，请稍后重试"),
    UnsafeDatabase: lambda _: Problem(STORAGE_UNAVAILABLE, "数据库的设置不能保证记录不丢失"),
    ClockBehind: _clock_behind,
    sa.exc.OperationalError: lambda _: Problem(STORAGE_UNAVAILABLE, "请稍后重试"),
    sa.exc.TimeoutError: lambda _: Problem(STORAGE_UNAVAILABLE, "请稍后重试"),
}
"""What each error means to a caller; the detail never repeats what a database said."""

BY_STATUS = {
    404: NOT_FOUND,
    405: METHOD_NOT_ALLOWED,
    413: BODY_TOO_LARGE,
    415: NOT_JSON,
}


def problem_of(error: Exception) -> Problem:
    """What a caller is told of an error."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, HTTPException):
        return _of_framework(error)
    for cls in type(error).__mro__:
        if made := ERRORS.get(cls):
            problem: Problem = made(error)
            return problem
    logger().error("unexpected", error=error)
    return Problem(INTERNAL, "请将请求编号告知系统管理员")


def _of_framework(error: HTTPException) -> Problem:
    """Flask's own complaints: no such route, not this method, too large a body."""
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    kind = BY_STATUS.get(status, INTERNAL if status >= 500 else BAD_REQUEST)
    return Problem(kind, headers=dict(_kept(error)))


def _kept(error: HTTPException) -> Iterator[tuple[str, str]]:
    """Of the framework's headers, what RFC 9110 asks for."""
    for name, value in error.get_headers():
        if name in {"Allow", "Retry-After"}:
            yield name, value


def answer(error: Exception) -> Response:
    """The answer to a request that came to this error."""
    return problem_of(error).response(g.get("request_id", ""))
