"""导入: acts that another system has on file, line by line, each recorded once whatever happens.

A file is JSON Lines in UTF-8; a line is an act, the history that it addresses, and its body as the
API takes it. With a source in its ``case`` it is observed: it has happened, and is recorded with
all its breaches. Without one it is commanded, and may be refused::

    {"act": "register_unit", "on": "117", "body": {"name": "农业农村局"}}
    {"act": "submit_goal", "on": {"project": "2021-017"}, "body": {…, "case": {…}}}

What cannot be read, placed or allowed is recorded as `import.unplaced`: its number, and why. Its
text stands beside the ledger and can be withheld, for nobody knows whose names are in it. Lines in
= recorded + repeated + unplaced, always. Each line has a key of its own, made of the batch and its
number, so that an import which was cut off is simply run again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice
from secrets import token_bytes
from typing import Any, BinaryIO

from eventsourcing.persistence import DataError

from aggregates.base import MAIN, Aggregate
from aggregates.office import Token
from aggregates.roles import Role
from commands.base import ACTS, Act, Committed
from service.desk import ATTEMPTS, Busy
from service.ledger.application import Ledger
from service.ledger.entry import SALT_SIZE, MalformedEntry
from service.ledger.errors import EntryTooLarge, ObservedRepeated, RecordConflict, RequestRepeated
from service.ledger.rows import RequestRow, SourceName
from service.observing import Known, RevisionUsedOtherwise, SourceRow, known_of
from service.repeating import answer_of, is_behind, is_repeated
from service.request import (
    Forbidden,
    Line,
    Refusal,
    Request,
    is_our_own,
    understand,
)
from service.sitting import RECORDED, Decided, Sitting
from service.strict_json import read_object

CHUNK = 200
"""How many lines are recorded together."""

LONGEST_LINE = 1_000_000
"""The most bytes of a line that are read as an act."""

KEPT = 8_000
"""The most characters that are kept of an unplaced line; behind them stands the SHA-256 of it."""

MOST_TOGETHER = 20_000
"""The most lines that are recorded all or not at all."""

Bad = Callable[[int, str], None]
"""Is told the number of a line that was not placed, and why."""


class NotAllPlaced(Refusal):
    """Some line could not be placed, so none was recorded; ``bad`` says which, and why."""

    def __init__(self, bad: dict[int, str]) -> None:
        self.bad = bad
        super().__init__(f"{len(bad)} 行未能入账，整批未作任何登记")


class OtherFile(Refusal):
    """Under this batch's name another file has been imported before."""


IMPORTED = tuple(role for role in Role if role not in (Role.OPERATOR, Role.OFFICE_ADMINISTRATOR))
"""The roles in which a file's lines may name actors; none of them keeps the office's own house."""


def importer(system: str) -> Token:
    """The principal of an import: a system that asserts actors in any of these roles."""
    never = datetime.max.replace(tzinfo=UTC)
    return Token(f"import-{system}", "", IMPORTED, never, system=system)


@dataclass
class Tally:
    """What became of the lines."""

    recorded: int = 0
    repeated: int = 0
    unplaced: int = 0

    @property
    def lines(self) -> int:
        return self.recorded + self.repeated + self.unplaced

    def add(self, other: Tally) -> None:
        self.recorded += other.recorded
        self.repeated += other.repeated
        self.unplaced += other.unplaced


@dataclass(frozen=True)
class _Read:
    """A line, and either the request that it makes or the problem with it."""

    line: Line
    key: str
    request: Request | None = None
    problem: str = ""

    @property
    def source_row(self) -> SourceName | None:
        """The row of another system that it tells of, in whatever revision."""
        seen = self.request.source if self.request else None
        return (seen.system, seen.table, seen.row) if seen else None

    def is_in(self, row: RequestRow, ledger: Ledger) -> bool:
        """Whether this is what was recorded under its key."""
        if row.outcome == RECORDED:
            return self.request is not None and is_repeated(self.request, row, ledger)
        (unplaced,) = answer_of(row, ledger)
        text = unplaced.fact.text
        return not text or is_behind(text, self.line.text.value, ledger)


@dataclass
class Import:
    """One file's way into a ledger."""

    ledger: Ledger
    token: Token
    batch: str
    bad: Bad = field(default=lambda _number, _problem: None)

    def run(self, file: BinaryIO) -> Iterator[Tally]:
        """Record a file, chunk by chunk; after each, what has become of the lines so far."""
        tally = Tally()
        lines = self._lines(file)
        while chunk := list(islice(lines, CHUNK)):
            for part in _each_row_once(chunk):
                tally.add(self._recorded(part))
            yield tally

    def run_together(self, file: BinaryIO) -> Tally:
        """Record a whole file, or nothing of it. Raises :class:`NotAllPlaced`."""
        lines = list(islice(self._lines(file), MOST_TOGETHER + 1))
        if len(lines) > MOST_TOGETHER:
            raise NotAllPlaced({MOST_TOGETHER + 1: f"整批登记最多 {MOST_TOGETHER} 行"})
        if again := list(_each_row_once(lines))[1:]:
            raise NotAllPlaced({again[0][0].line.number: "同一来源行在整批登记中只能出现一次"})
        numbers = {read.key: read.line.number for read in lines}
        for _ in range(ATTEMPTS):
            tally, bad = Tally(), dict[int, str]()
            sitting = self._sitting(lines, tally, bad)
            if bad:
                raise NotAllPlaced(bad)
            try:
                is_recorded = self._concluded(sitting)
            except EntryTooLarge as error:
                number = numbers[sitting.key_of(error.record)]
                raise NotAllPlaced({number: str(error)}) from error
            if is_recorded:
                return tally
        raise Busy("相关记录正在变动，请重新导入")

    def _lines(self, file: BinaryIO) -> Iterator[_Read]:
        for number, raw, length, digest in _raw_lines(file):
            text = Committed(token_bytes(SALT_SIZE), _text(raw, digest))
            line = Line(self.batch, number, text, length)
            yield self._read(raw, line, f"{self.batch}:{number}")

    def _read(self, raw: bytes, line: Line, key: str) -> _Read:
        try:
            return _Read(line, key, understood(_object(raw), line, self.token, key))
        except (Refusal, ValueError) as error:
            return _Read(line, key, problem=str(error))

    def _recorded(self, lines: list[_Read]) -> Tally:
        """Record lines together; decided again where what they rest on has moved on meanwhile."""
        for _ in range(ATTEMPTS):
            tally, bad = Tally(), dict[int, str]()
            try:
                is_recorded = self._concluded(self._sitting(lines, tally, bad))
            except (DataError, MalformedEntry) as error:
                return self._one_by_one(lines, error)
            if is_recorded:
                for number, problem in bad.items():
                    self.bad(number, problem)
                return tally
        raise Busy("相关记录正在变动，请重新导入")

    def _sitting(self, lines: list[_Read], tally: Tally, bad: dict[int, str]) -> Sitting:
        """Decide what is new; what becomes of each line goes into the tally."""
        rows = known_of((read.request for read in lines if read.request), self.ledger)
        sitting = Sitting(self.ledger, self.ledger.clock(), rows)
        known = self._known(lines)
        for read in lines:
            row = known.get(read.key)
            is_answered = row is not None and row.outcome == RECORDED
            new = None if is_answered else self._as_new(read, rows)
            if new is None:
                tally.repeated += 1
                continue
            problem = self._earlier(row) if row else self._problem(sitting, new)
            if problem:
                bad[read.line.number] = problem
                tally.unplaced += 1
            else:
                tally.recorded += 1
        return sitting

    def _earlier(self, row: RequestRow) -> str:
        """Why a line was not placed when it came before."""
        (record,) = answer_of(row, self.ledger)
        return f"此前已登记为未入账: {record.fact.problem}"

    def _problem(self, sitting: Sitting, read: _Read) -> str:
        """Have a line decided; why it was not placed, or nothing if it was."""
        problem = read.problem
        if read.request is not None:
            try:
                return _problem_in(sitting.decide(read.request))
            except Refusal as refusal:
                problem = str(refusal)
        sitting.set_aside(read.line, self.token, read.key, problem)
        return problem

    def _concluded(self, sitting: Sitting) -> bool:
        """Record what was decided; no, where somebody else was there first."""
        try:
            sitting.conclude()
        except RecordConflict as conflict:
            self.ledger.forget(conflict.streams)
            return False
        except (RequestRepeated, ObservedRepeated):
            return False
        return True

    def _one_by_one(self, lines: list[_Read], error: Exception) -> Tally:
        """One of them cannot be stored: find it, and keep it as unplaced."""
        tally = Tally()
        if len(lines) == 1:
            (read,) = lines
            return self._recorded([_Read(read.line, read.key, problem=str(error))])
        for read in lines:
            tally.add(self._recorded([read]))
        return tally

    def _known(self, lines: list[_Read]) -> dict[str, RequestRow]:
        """The lines that were recorded before, by key. Raises :class:`OtherFile`, ``NotAsKept``."""
        keys = [read.key for read in lines]
        known = self.ledger.records_in.find_requests(self.token.id, keys)
        for read in lines:
            row = known.get(read.key)
            if row is not None and not read.is_in(row, self.ledger):
                raise OtherFile(f"第 {read.line.number} 行与此前以同一批次导入的内容不同")
        return known

    def _as_new(self, read: _Read, rows: Known) -> _Read | None:
        """A line to be decided; nothing, where its revision of a source row is on record already,
        in whatever way. With another content it cannot be placed.
        """
        source = SourceRow.of(read.request, self.ledger, rows) if read.request else None
        try:
            answered = source.answered() if source else None
        except RevisionUsedOtherwise as otherwise:
            return replace(read, request=None, problem=str(otherwise))
        return read if answered is None else None


def understood(told: dict[str, Any], line: Line, token: Token, key: str) -> Request:
    """A line as a request; raises ``ValueError`` or a ``Refusal`` that says what is wrong."""
    named = told.get("act")
    act = ACTS.get(named) if isinstance(named, str) else None
    if act is None:
        raise ValueError("没有 act 所写的办理事项")
    if set(told) - {"act", "on", "body"}:
        raise ValueError("除 act、on、body 外不得有其他项")
    if is_our_own(act):
        raise Forbidden(f"{act.title}只在本系统办理，不能以文件导入")
    kind, code = _addressed(act, told.get("on"))
    return understand(act, kind, code, told.get("body", {}), token=token, key=key, line=line)


def _object(raw: bytes) -> dict[str, Any]:
    if len(raw) > LONGEST_LINE:
        raise ValueError(f"一行不得超过 {LONGEST_LINE} 字节")
    return read_object(raw)


def _addressed(act: Act, on: object) -> tuple[type[Aggregate], str]:
    """Which history a line is about: a code, or ``{"project": code}`` where it may be several."""
    named = {"".join(re.findall(r"{(\w+)}", path)): kind for path, kind in act.paths.items()}
    if on is None and "" in named:
        return named[""], MAIN
    if isinstance(on, dict) and len(on) == 1:
        ((name, on),) = on.items()
        named = {name: named[name]} if name in named else {}
    if isinstance(on, str) and len(named) == 1 and "" not in named:
        return next(iter(named.values())), on
    raise ValueError(f"on 应写明其一的编码: {'、'.join(filter(None, act.paths))}")


def _problem_in(decided: Decided) -> str:
    return "" if decided.outcome == RECORDED else str(decided.records[0].fact.problem)


def _each_row_once(lines: list[_Read]) -> Iterator[list[_Read]]:
    """Lines in their order, apart where a source row comes again: its first revision has to be
    recorded before it can be corrected.
    """
    part: list[_Read] = []
    rows = set[SourceName]()
    for read in lines:
        row = read.source_row
        if row in rows:
            yield part
            part, rows = [], set()
        part.append(read)
        if row is not None:
            rows.add(row)
    if part:
        yield part


def _text(raw: bytes, digest: str) -> str:
    """A line as it is kept: what is no text is escaped, what is too long ends in its digest."""
    text = raw.decode("utf-8", "backslashreplace").replace("\0", "\\x00")
    return text if len(text) <= KEPT else f"{text[:KEPT]}…{digest}"


def _raw_lines(file: BinaryIO) -> Iterator[tuple[int, bytes, int, str]]:
    """Each line that is not blank, with its number; and the bytes and the SHA-256 of all of it.

    Of a line that is too long comes one byte more than may be, so that it is seen to be.
    """
    number = 0
    while part := file.readline(LONGEST_LINE + 1):
        number += 1
        line = part.rstrip(b"\r\n")
        length, digest = len(line), sha256(line)
        while not part.endswith(b"\n") and (part := file.readline(LONGEST_LINE + 1)):
            rest = part.rstrip(b"\r\n")
            length += len(rest)
            digest.update(rest)
        if line.strip():
            yield number, line, length, digest.hexdigest()
