"""草拟: what a request and its outcome are written down as."""

from __future__ import annotations

import secrets
from typing import Any

from aggregates.base import Aggregate, Envelope
from aggregates.ledger import ActRefused, Imports, LineUnplaced, Refusals
from commands.base import RULES, Case, Committed, Into
from service.ledger.rows import CommittedValue, RequestRow
from service.request import Line, Request


def row_of(request: Request, outcome: str) -> RequestRow:
    """受理: the row by which a repetition of the request is known and answered."""
    salt = secrets.token_bytes(16)
    return RequestRow(
        principal=request.token.id,
        key=request.key,
        salt=salt,
        digest=request.digest(salt),
        body=request.masked,
        outcome=outcome,
    )


def value_of(committed: Committed) -> CommittedValue:
    """承诺值: a personal value as it stands beside the ledger."""
    return CommittedValue(bytes.fromhex(committed.digest), committed.salt, committed.value)


def refusal_of(request: Request, it: Aggregate, case: Case) -> Into[Any]:
    """拒绝办理: which rules speak against it; of a file's line, the line itself."""
    sentences = tuple(RULES[breach.rule].sentence for breach in case.breaches)
    refused = ActRefused(
        request.act.name, request.act.title, it.id, tuple(case.breaches), sentences
    )
    if request.line is not None:
        return unplaced(request.line, refused.reasons)
    return Into(Refusals.of(it.id), refused)


def unplaced(line: Line, problem: str) -> Into[Any]:
    """未入账行: a line, and why it could not be read or placed."""
    fact = LineUnplaced(line.number, "", "", problem, line.text.digest, line.length)
    return Into(Imports.of(line.batch), fact)


def envelope_of(request: Request, case: Case, seal: str) -> Envelope:
    """What each record says of its request; ``seal`` is that of the request's row."""
    return Envelope(
        via=request.token.id,
        actor=case.actor,
        occurred_on=case.on,
        act=request.act.name,
        request=request.key,
        request_digest=seal,
        rule_set=case.edition,
        submitted_at=request.given.submitted_at,
        document=request.document,
        source=request.source,
        because=request.given.because,
        breaches=tuple(case.breaches),
        opening=request.given.opening,
    )
