"""举证: signed checkpoints, proofs, tiles and evidence bundles; no more than a checkpoint covers.

Whoever may read may have checkpoints and hashes: records are hashed with a salt, so that nobody can
try out what is not his to read. A record goes out with its proof to whoever may read the record;
records in bulk, to whoever reads the whole ledger.

A ledger is another log after every loss that was accepted. Everything here speaks of the one that
it is at present; what is handed out to be kept for ever has the log's number in its path, so that
no tree's hashes are ever taken for another's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from tempfile import TemporaryFile
from typing import IO, Any

from flask import Response, current_app
from marshmallow import Schema, ValidationError, fields, validate
from werkzeug.wsgi import FileWrapper

from commands.vocabulary import LineField
from service.http.bearer import caller
from service.http.chain import POSITION, record_seen
from service.http.doors import Doors, path_parameter
from service.http.page import policy_for
from service.http.problems import OTHER_LOG, Problem, malformed
from service.http.questions import FARTHEST, WHOLE, PagedQuestion, Whole, understood
from service.http.shapes import PageShape, Told, number, said, text
from service.ledger.entry import NAME_LIMIT
from service.ledger.hashes import SHA256, SM3, Algorithm
from service.proofs import tilepaths
from service.proofs.bundles import Wanted
from service.proofs.checkpoints import base64_of
from service.proofs.pages import checkpoint_page
from service.proofs.prover import NoCheckpoint, Prover
from service.proofs.seals import Kept
from service.proofs.trust import signers
from service.request import NotFound
from service.schemas import Strict

TEXT = "text/plain; charset=utf-8"
BYTES = "application/octet-stream"
SHORTLY = "private, max-age=5"
FOR_EVER = "private, max-age=31536000, immutable"

MOST_NAMED = 500
"""How many streams, records or ranges may be asked for at once."""

SIZE = {
    "in": "path",
    "name": "size",
    "description": "检查点包含的记录数",
    "schema": {"type": "integer", "minimum": 1, "maximum": FARTHEST},
}
LOG = {
    "in": "path",
    "name": "log",
    "description": "日志序号，自 1 起，每确认一次记录缺失加 1",
    "schema": {"type": "integer", "minimum": 1, "maximum": FARTHEST},
}
LEVEL = path_parameter("level", "层", tilepaths.LEVEL)
TILE = path_parameter(
    "tile", "树块序号，每三位一段，如 x001/x234/067；未满的后加 .p/宽度", tilepaths.PLACE
)

proofs = Doors("proofs", __name__, url_prefix="/v1/<ledger>", description="举证")


class CheckpointShape(Schema):
    """检查点: how far the ledger had come when it was signed, and who has seen it."""

    size = number("包含的记录数")
    log = number("日志序号，自 1 起，每确认一次记录缺失加 1")
    origin = text("台账在检查点中的名称")
    sealed_at = Told(required=True, metadata=said("签署时间", format="date-time"))
    witnesses = fields.List(Told(), required=True, metadata=said("已联署的见证人"))


class CheckpointsShape(PageShape):
    items = fields.List(fields.Nested(CheckpointShape), required=True)


class PathsShape(Schema):
    """证明路径: hashes in base 64, from the leaf upwards, for each tree."""

    sha256 = fields.List(Told(), required=True, metadata=said("SHA-256 树的路径"))
    sm3 = fields.List(Told(), required=True, metadata=said("SM3 树的路径"))


class InclusionShape(PathsShape):
    """包含证明: that a record is in the trees of a checkpoint, RFC 9162 (2.1.3)."""

    entry = text("登记项的原始字节（base64）")
    index = number("在树中的序号，自 0 起")
    size = number("检查点包含的记录数")
    checkpoint = text("签名的检查点")


class ConsistencyShape(PathsShape):
    """一致性证明: that the trees of one size begin those of another, RFC 9162 (2.1.4)."""

    old = fields.Integer(required=True, data_key="from", metadata=said("较早的记录数"))
    new = fields.Integer(required=True, data_key="to", metadata=said("较晚的记录数"))


class InclusionQuestion(Strict):
    """In which checkpoint."""

    size = Whole(1, metadata=said("检查点包含的记录数，默认最新的检查点"))


class ConsistencyQuestion(Strict):
    """Between which sizes."""

    old = Whole(1, required=True, data_key="from", metadata=said("较早的记录数"))
    new = Whole(1, data_key="to", metadata=said("较晚的记录数，默认最新的检查点"))


class RangeField(fields.String):
    """Two positions, the first and the last."""

    PATTERN = "^[1-9][0-9]{0,14}-[1-9][0-9]{0,14}$"

    def __init__(self) -> None:
        super().__init__(metadata={"pattern": self.PATTERN})

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        first, _, last = super()._deserialize(value, *args, **kwargs).partition("-")
        if not all(WHOLE.fullmatch(each) and 0 < int(each) < 10**15 for each in (first, last)):
            raise ValidationError("应为两个台账位置，如 1-100")
        return int(first), int(last)


def several(field: fields.Field[Any], name: str, description: str) -> fields.List[Any]:
    """A parameter that may be repeated."""
    at_most = validate.Length(max=MOST_NAMED)
    return fields.List(field, data_key=name, validate=at_most, metadata=said(description))


class BundleQuestion(Strict):
    """Which records, and of which streams and ranges all."""

    streams = several(LineField(NAME_LIMIT), "stream", "整个历史，如 project/2021-017；可重复")
    positions = several(Whole(1), "record", "单条记录的台账位置；可重复")
    ranges = several(RangeField(), "range", "一段台账位置，如 1-100；可重复")


@proofs.hands_out("/checkpoint", "text/plain", fails={404}, tags=["举证"])
def checkpoint() -> Response:
    """最新检查点: the last one, signed, with whatever witnesses have said of it."""
    return note_of(prover().latest())


@proofs.reads("/checkpoints", CheckpointsShape, asks=PagedQuestion, fails={400}, tags=["举证"])
def checkpoints(asked: Mapping[str, Any]) -> Any:
    """检查点列表: from the last one back."""
    question = understood(asked)
    (before,) = question.after or (question.as_of + 1,)
    found = prover().listed(question.limit + 1, largest=int(before) - 1)
    page = found[: question.limit]
    more = (page[-1].size,) if len(found) > question.limit else None
    log = prover().log
    return question.answer((checkpoint_told(each, log) for each in page), more)


@proofs.hands_out("/checkpoints/<size>", "text/plain", in_path=[SIZE], tags=["举证"])
def checkpoint_at(size: str) -> Response:
    """检查点: the one of a size."""
    return note_of(kept_at(size))


@proofs.hands_out("/checkpoints/<size>/page", "text/html", in_path=[SIZE], tags=["举证"])
def checkpoint_to_print(size: str) -> Response:
    """检查点公示页: one of them, to be printed and posted."""
    kept = kept_at(size)
    told = checkpoint_page(kept, signers(kept.sealed, caller().ledger))
    answer = handed_out(told, "text/html; charset=utf-8", SHORTLY)
    answer.headers["Content-Security-Policy"] = policy_for(told)
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


@proofs.reads(
    "/records/<position>/proof",
    InclusionShape,
    asks=InclusionQuestion,
    in_path=[POSITION],
    tags=["举证"],
)
def inclusion(asked: Mapping[str, Any], position: str) -> Any:
    """包含证明: that a record is in both trees of a checkpoint."""
    at = record_seen(understood({}), position).position
    its = prover().covering(at, asked.get("size"))
    return {
        "entry": base64_of(prover().entry(at)),
        "index": at - 1,
        "size": its.size,
        "checkpoint": str(its.sealed.note),
        **prover().inclusion(at, its.size),
    }


@proofs.hands_out(
    "/records/<position>/tlog-proof",
    "text/plain",
    asks=InclusionQuestion,
    in_path=[POSITION],
    tags=["举证"],
)
def tlog_proof(asked: Mapping[str, Any], position: str) -> Response:
    """包含证明文本: C2SP tlog-proof, of the SHA-256 tree; its extra is the record."""
    at = record_seen(understood({}), position).position
    its = prover().covering(at, asked.get("size"))
    return handed_out(prover().proof(at, its.sealed), TEXT, SHORTLY)


@proofs.reads(
    "/tlog/<log>/consistency",
    ConsistencyShape,
    asks=ConsistencyQuestion,
    in_path=[LOG],
    tags=["举证"],
)
def consistency(asked: Mapping[str, Any], log: str) -> Any:
    """一致性证明: that what was there at one size is still there at another."""
    its = prover_of_log(log)
    old, new = asked["old"], asked.get("new") or its.latest().size
    if old > new:
        raise malformed(parameter={"from": [f"应不大于 {new}"]})
    answer = {"old": old, "new": new, **its.consistency(old, new)}
    return answer, {"Cache-Control": FOR_EVER if "new" in asked else SHORTLY}


@proofs.hands_out("/tlog/<log>/checkpoint", "text/plain", in_path=[LOG], tags=["举证"])
def tlog_checkpoint(log: str) -> Response:
    """最新检查点: where C2SP tlog-tiles has it."""
    return note_of(prover_of_log(log).latest())


@proofs.hands_out(
    "/tlog/<log>/tile/<level>/<path:tile>", BYTES, in_path=[LOG, LEVEL, TILE], tags=["举证"]
)
def sha256_tile(log: str, level: str, tile: str) -> Response:
    """树块: hashes of the SHA-256 tree, C2SP tlog-tiles."""
    return hashes(SHA256, log, level, tile)


@proofs.hands_out(
    "/tlog/<log>/sm3/tile/<level>/<path:tile>", BYTES, in_path=[LOG, LEVEL, TILE], tags=["举证"]
)
def sm3_tile(log: str, level: str, tile: str) -> Response:
    """树块: hashes of the SM3 tree, in the same order."""
    return hashes(SM3, log, level, tile)


@proofs.hands_out("/tlog/<log>/tile/entries/<path:tile>", BYTES, in_path=[LOG, TILE], tags=["举证"])
def entries(log: str, tile: str) -> Response:
    """登记项块: the records under a tile, each after its length in two bytes."""
    caller().may_read_the_office("整部台账")
    return handed_out(prover_of_log(log).entries(*place(tile)), BYTES, FOR_EVER)


@proofs.hands_out("/bundle", "application/zip", asks=BundleQuestion, fails={404}, tags=["举证"])
def bundle(asked: Mapping[str, Any]) -> Response:
    """证据包: records with all that proves them, for whoever checks them without us."""
    caller().may_read_the_office("证据包")
    wanted = Wanted(**{name: tuple(some) for name, some in asked.items()})
    head = caller().ledger.head_position()
    if any(last > head for last in (*wanted.positions, *(last for _, last in wanted.ranges))):
        raise NotFound("没有这条记录")
    with ExitStack() as until_sent:
        out = until_sent.enter_context(TemporaryFile())
        contents = prover().bundle(wanted, out)
        name = f"{contents.ledger}-{contents.size}.zip"
        headers = {
            "Content-Length": str(out.tell()),
            "Content-Disposition": f'attachment; filename="{name}"',
        }
        out.seek(0)
        answer = Response(sent(out), content_type="application/zip", headers=headers)
        answer.call_on_close(until_sent.pop_all().close)
        return answer


def sent(file: IO[bytes]) -> Iterator[bytes]:
    """All of a file, which is closed at its end, though nobody may close the answer."""
    with file:
        yield from FileWrapper(file)


def hashes(algorithm: Algorithm, log: str, level: str, tile: str) -> Response:
    """A tile of one of the trees."""
    its = prover_of_log(log)
    if not re.fullmatch(tilepaths.LEVEL, level):
        raise NotFound("没有这一层")
    content = its.tile(algorithm, int(level), *place(tile))
    return handed_out(content, BYTES, FOR_EVER)


def place(tile: str) -> tuple[int, int]:
    """Number and width of the tile that a path names."""
    try:
        return tilepaths.read(tile)
    except ValueError:
        raise NotFound("没有这个树块") from None


def handed_out(content: str | bytes, content_type: str, cached: str) -> Response:
    return Response(content, content_type=content_type, headers={"Cache-Control": cached})


def note_of(kept: Kept) -> Response:
    return handed_out(str(kept.sealed.note), TEXT, SHORTLY)


def prover() -> Prover:
    """What proves things of the ledger that is asked about, for whoever may read."""
    who, app = caller(), current_app
    who.may_read()
    found: Prover = app.prover_of(who.ledger)  # type: ignore[attr-defined]
    return found


def prover_of_log(log: str) -> Prover:
    """The same, if the log that a path names is the one that the ledger is at present."""
    found = prover()
    if log != str(found.log):
        raise Problem(OTHER_LOG, f"该台账现为第 {found.log} 部日志", log=found.log)
    return found


def kept_at(size: str) -> Kept:
    """The checkpoint that a path names."""
    if not WHOLE.fullmatch(size):
        raise NoCheckpoint(size)
    return prover().exactly(int(size))


def checkpoint_told(kept: Kept, log: int) -> dict[str, Any]:
    its = kept.sealed.checkpoint
    return {
        "size": its.size,
        "log": log,
        "origin": its.origin,
        "sealed_at": kept.sealed_at,
        "witnesses": kept.witnesses,
    }
