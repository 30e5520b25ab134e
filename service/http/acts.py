"""办理: one POST for every act and path, made from the act's own declaration.

::

    POST /v1/{ledger}/projects/{project}/suspension
    Authorization: Bearer …
    Idempotency-Key: …                     required; the same key gets the first answer, for ever
    If-Match: "5"                          optional; only if the history is still at this version

    {"reason": "…", …, "case": {"occurred_on": "2026-11-20", "actor": {"person": "…"}, …}}

201 with a receipt: recorded. 409 with every rule that is broken: refused, and the refusal is on
record. Both are final: asked again under the same key, they are answered again, marked by
``Idempotency-Replayed: true``. After any other answer nothing has been recorded, except that after
``outcome_unknown`` nobody knows; the same request under the same key finds out.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import marshmallow as ma
import msgspec
from flask import Response

from aggregates.base import MAIN, Aggregate, Severity, title_of
from commands.base import ACTS, Act
from service.http.bearer import Caller, Counter, caller
from service.http.bodies import read_body, unprintable
from service.http.conditions import KEY, VERSION, etag, expected_version, idempotency_key
from service.http.doors import ANYWHERE, Doors, header, path_parameter
from service.http.problems import REFUSED, Problem, malformed
from service.http.shapes import ReceiptShape, breach_told, record_told, refusal_told, said
from service.request import Circumstances, Malformed, Request, SourceGiven, understand
from service.schemas import Made, Strict, schema_of
from service.sitting import Outcome

FAILS = ANYWHERE | {400, 404, 409, 412, 413, 415}

REPLAYED = "Idempotency-Replayed"

HEADERS = [
    header("Idempotency-Key", "幂等键: 同一请求重复时照旧", KEY, required=True),
    header("If-Match", "读取时 ETag 所示的版本", VERSION, required=False),
]
ANSWER_HEADERS = {
    "ETag": {"description": "该历史的新版本", "schema": {"type": "string"}},
    "Location": {"description": "最后一条记录", "schema": {"type": "string"}},
    REPLAYED: {
        "description": "true: 此前已经登记，这是当时的答复",
        "schema": {"type": "string", "enum": ["true"]},
    },
}


_given = schema_of(Circumstances).declared_fields
OBSERVED = Strict.from_dict(
    _given | {"source": Made(SourceGiven, required=True, metadata=_given["source"].metadata)},
    name="ObservedCircumstances",
)
"""Circumstances of what is only ever observed: its source has to be named."""

acts = Doors("acts", __name__, url_prefix="/v1/<ledger>", description="办理事项")

_receipt = ReceiptShape()


def carry_out(act: Act, kind: type[Aggregate], path: Mapping[str, str]) -> Response:
    """Ask for an act, have it decided, tell what became of it."""
    who = caller()
    who.may_do(act)
    key, expected = idempotency_key(), expected_version()
    asked = _understood(act, kind, path, read_body(), who, key)
    outcome = Counter(who.ledger, who.token).carry_out(asked, expected)
    headers = {REPLAYED: "true"} if outcome.repeated else {}
    if not outcome.is_recorded:
        raise _refused(outcome, headers)
    return _receipt_of(asked, outcome, who, headers)


def _understood(
    act: Act, kind: type[Aggregate], path: Mapping[str, str], body: Any, who: Caller, key: str
) -> Request:
    """The act as it is asked for, or every fault of its path and body at once."""
    (named, code), *_ = (*path.items(), ("", MAIN))
    faults = {pointer: ["不得含有控制字符"] for pointer in unprintable(body)}
    try:
        asked = understand(act, kind, code, body, token=who.token, key=key)
    except Malformed as error:
        faults.update(error.faults)
    if faults:
        in_path = {named: faults.pop("/{code}")} if "/{code}" in faults else {}
        raise malformed(parameter=in_path, pointer=faults)
    return asked


def _receipt_of(asked: Request, outcome: Outcome, who: Caller, headers: dict[str, str]) -> Response:
    records = outcome.records
    told = {
        "act": asked.act.name,
        "title": asked.act.title,
        "position": records[-1].position,
        "records": [record_told(each) for each in records],
        "breaches": [breach_told(each) for each in records[0].envelope.breaches],
    }
    body = msgspec.json.encode(_receipt.dump(told))
    answer = Response(body, 201, headers, content_type="application/json")
    answer.headers["Location"] = f"/v1/{who.ledger.slug}/records/{records[-1].position}"
    stream = asked.kind.stream(asked.subject)
    if versions := [each.version for each in records if each.stream == stream]:
        answer.headers["ETag"] = etag(versions[-1])
    return answer


def _refused(outcome: Outcome, headers: dict[str, str]) -> Problem:
    (refusal,) = outcome.records
    breaches = refusal_told(refusal.fact)
    refusing = (each for each in breaches if each["severity"] == Severity.REFUSE)
    detail = "；".join(dict.fromkeys(each["sentence"] for each in refusing))
    return Problem(REFUSED, detail, headers, breaches=breaches, position=refusal.position)


def _asked_schema(act: Act) -> ma.Schema:
    """The body of an act: its own fields, and the circumstances under ``case``."""
    own = schema_of(act.command).declared_fields
    case = ma.fields.Nested(OBSERVED, required=True) if act.observed else Made(Circumstances)
    case.metadata = said(title_of(Circumstances))
    return Strict.from_dict({**own, "case": case}, name=act.command.__name__)()


def _description(act: Act) -> str:
    """What a reader of the documentation should know beyond the title."""
    lines = [
        inspect.cleandoc(act.command.__doc__ or ""),
        f"依据: {act.basis}",
        "由" + "、".join(sorted(role.label for role in act.asked_by)) + "办理",
    ]
    if act.observed:
        lines.append("只登记其他系统中已经发生的业务，须写明来源（case.source）")
    leads_to = "、".join(f"{fact.TITLE}（{fact.TOPIC}）" for fact in act.facts)
    return "\n\n".join([*lines, f"登记: {leads_to}"])


def _open(act: Act) -> None:
    schema = _asked_schema(act)
    for path, kind in act.doors.items():
        name = act.name if len(act.doors) == 1 else f"{act.name}_of_{kind.KIND}"
        acts.opened(
            "/" + path.replace("{", "<").replace("}", ">"),
            _view(act, kind),
            name=name,
            method="POST",
            fails=FAILS,
            in_path=_in_path(path, kind),
            tags=[title_of(kind)],
            parameters=HEADERS,
            summary=act.title,
            description=_description(act),
            requestBody={
                "required": True,
                "content": {"application/json": {"schema": schema}},
            },
            responses={
                201: {
                    "description": "已登记",
                    "content": {"application/json": {"schema": ReceiptShape}},
                    "headers": ANSWER_HEADERS,
                }
            },
        )


def _view(act: Act, kind: type[Aggregate]) -> Callable[..., Response]:
    def view(**path: str) -> Response:
        return carry_out(act, kind, path)

    return view


def _in_path(path: str, kind: type[Aggregate]) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"{(\w+)}", path):
        yield path_parameter(name, f"{title_of(kind)}编码", kind.CODE)


for _act in ACTS.values():
    _open(_act)
