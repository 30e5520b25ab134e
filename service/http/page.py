"""文档页: the OpenAPI document as one page to read, without script and without network.

It is made from the document itself, so it cannot tell anything else, and needs nothing that is not
served here: offices work behind closed networks.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from importlib.resources import files
from itertools import groupby
from typing import Any, NamedTuple

from flask import Flask, Response, redirect, render_template
from werkzeug import Response as WsgiResponse

from service.http.bearer import OPEN
from service.http.doors import Doors
from service.http.openapi import document, written
from service.http.problems import KINDS

POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'"
"""What a browser may load for the page: its style, and nothing else from anywhere."""


def policy_for(page: str) -> str:
    """What a browser may load for a page that has its style in itself: that, and nothing more."""
    style = page.partition("<style>")[2].partition("</style>")[0]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    return POLICY.replace("'self'", f"'sha256-{digest}'")


class Operation(NamedTuple):
    """One door, as the page shows it."""

    id: str
    method: str
    path: str
    tag: str
    told: dict[str, Any]


def serve(app: Flask, doors: tuple[Doors, ...]) -> None:
    """Open the doors to the document, its page and the page's style; at / one is led there."""

    def index() -> WsgiResponse:
        return redirect("docs")

    def openapi() -> Response:
        return Response(written(doors), content_type="application/json")

    def docs() -> Response:
        headers = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
        return Response(_page(doors), headers=headers, content_type="text/html; charset=utf-8")

    def css() -> Response:
        return Response(_style(), content_type="text/css; charset=utf-8")

    for path, view in (
        ("/", index),
        ("/openapi.json", openapi),
        ("/docs", docs),
        ("/docs.css", css),
    ):
        setattr(view, OPEN, True)
        app.add_url_rule(path, view_func=view)


@cache
def _page(doors: tuple[Doors, ...]) -> str:
    return render_template("docs.html", **_shown(document(doors)))


@cache
def _style() -> bytes:
    return files(__package__).joinpath("templates/docs.css").read_bytes()


def _shown(described: dict[str, Any]) -> dict[str, Any]:
    operations = sorted(_operations(described), key=lambda each: (each.tag, each.path))
    return {
        "info": described["info"],
        "tags": [(tag, [*found]) for tag, found in groupby(operations, key=lambda it: it.tag)],
        "schemas": sorted(described["components"]["schemas"].items()),
        "kinds": KINDS.values(),
        "name_of": name_of,
    }


def _operations(described: dict[str, Any]) -> Iterator[Operation]:
    for path, item in described["paths"].items():
        shared = item.get("parameters", [])
        for method in ("get", "post"):
            if told := item.get(method):
                told = {
                    **told,
                    "parameters": [*shared, *told.get("parameters", [])],
                    "responses": {
                        status: _resolved(described, answer)
                        for status, answer in told["responses"].items()
                    },
                }
                tag = next(iter(told["tags"]), "")
                yield Operation(told["operationId"], method.upper(), path, tag, told)


def _resolved(described: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """An answer, where it is only referred to."""
    if "$ref" in answer:
        found: dict[str, Any] = described["components"]["responses"][name_of(answer)]
        return found
    return answer


def name_of(schema: dict[str, Any]) -> str:
    """A schema in a word or two: its name, or its type."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " | ".join(map(name_of, schema["anyOf"]))
    if "items" in schema:
        return f"[{name_of(schema['items'])}]"
    if "enum" in schema:
        return " | ".join(str(each) for each in schema["enum"])
    kind = schema.get("type", "")
    told = " | ".join(kind) if isinstance(kind, list) else str(kind)
    return f"{told} ({schema['format']})" if "format" in schema else told
