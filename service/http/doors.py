"""门: a blueprint whose doors say at once where they are, what they take and how they may fail.

flask-smorest has no types; this is the one place that knows. What a door declares is what the
documentation shows, and nothing is worked out again while a request is answered.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

import flask_smorest
from flask import Request, current_app, request
from marshmallow import RAISE, Schema, fields
from webargs.flaskparser import FlaskParser
from webargs.multidictproxy import MultiDictProxy

from service.http.bearer import OPEN
from service.http.problems import malformed
from service.request import pointed

View = TypeVar("View", bound=Callable[..., Any])

ANYWHERE = frozenset({401, 403, 500, 503})
"""How every door that asks for a token may fail."""

ASKS = "takes_parameters"
"""Set on a view that takes query parameters."""


class Parser(FlaskParser):
    """Query parameters: none that is not known, none twice but lists, every fault in one answer."""

    def load_querystring(self, req: Request, schema: Schema) -> Any:
        named = ((field.data_key or name, field) for name, field in schema.fields.items())
        refuse_repeated({name for name, field in named if isinstance(field, fields.List)})
        return MultiDictProxy(req.args, schema)

    def handle_error(self, error: Any, *args: Any, **kwargs: Any) -> Any:
        faults = pointed(error.messages["query"])
        raise malformed(parameter={name.lstrip("/"): told for name, told in faults.items()})


def refuse_repeated(lists: Collection[str] = ()) -> None:
    """A parameter that comes twice says two things, unless it is a list."""
    repeated = {name for name, all_of in request.args.lists() if len(all_of) > 1}
    if twice := {name: ["重复的参数"] for name in sorted(repeated.difference(lists))}:
        raise malformed(parameter=twice)


def refuse_garbled() -> None:
    """What is not UTF-8 would be read as something else, and that be answered."""
    garbled = {}
    for parameter in map(unquote_to_bytes, request.query_string.split(b"&")):
        try:
            parameter.decode()
        except UnicodeDecodeError:
            name = parameter.partition(b"=")[0].decode(errors="replace")
            garbled[name] = ["须为 UTF-8"]
    if garbled:
        raise malformed(parameter=garbled)


def refuse_parameters() -> None:
    """Where a view takes no query parameters, none is overlooked."""
    view = current_app.view_functions.get(str(request.endpoint))
    if view is not None and request.args and not getattr(view, ASKS, False):
        raise malformed(parameter={name: ["没有这一项"] for name in request.args})


class Doors(flask_smorest.Blueprint):  # type: ignore[misc]
    """门: a blueprint of flask-smorest, with types and without surprises."""

    ARGUMENTS_PARSER = Parser(unknown=RAISE)

    def opened(
        self,
        rule: str,
        view: Callable[..., Any],
        *,
        name: str,
        method: str,
        fails: Iterable[int],
        in_path: Iterable[Mapping[str, Any]] = (),
        tags: Iterable[str] | None = None,
        **documented: Any,
    ) -> None:
        """Open a door: where, what for, and all the ways in which it may fail."""
        told = documented.setdefault("responses", {})
        ways = {*fails, 422, *((404,) if "<" in rule else ())}
        told.update({status: HTTPStatus(status).name for status in sorted(ways)})
        self.add_url_rule(
            rule,
            name,
            self.doc(operationId=name, **documented)(view),
            methods=[method],
            parameters=[*in_path],
            tags=[*tags] if tags else None,
        )

    def reads(
        self,
        rule: str,
        answer: type[Schema],
        *,
        headers: Mapping[str, Any] | None = None,
        **said: Any,
    ) -> Callable[[View], View]:
        """A door to read at: the view gives what the schema writes; see `_opens` for the rest."""
        return self._opens(rule, self.response(200, answer, headers=headers), **said)

    def hands_out(self, rule: str, content_type: str, **said: Any) -> Callable[[View], View]:
        """A door at which the view gives a response of its own, of this media type."""
        return self._opens(rule, self.response(200, {}, content_type=content_type), **said)

    def _opens(
        self,
        rule: str,
        answers: Callable[[View], View],
        *,
        asks: type[Schema] | None = None,
        name: str = "",
        fails: Iterable[int] = (),
        is_open: bool = False,
        **documented: Any,
    ) -> Callable[[View], View]:
        """Open a door with a view that takes what the schema ``asks`` for, and answers so."""

        def open_it(view: View) -> View:
            read: Any = answers(view)
            if asks is not None:
                read = self.arguments(asks, location="query")(read)
            setattr(read, OPEN, is_open)
            setattr(read, ASKS, asks is not None)
            if is_open:
                documented["security"] = []
            self.opened(
                rule,
                read,
                name=name or view.__name__,
                method="GET",
                fails={*fails, *(() if is_open else ANYWHERE)},
                **documented,
            )
            return view

        return open_it


def path_parameter(name: str, description: str, pattern: str) -> dict[str, Any]:
    """How a part of the path is documented."""
    schema = {"type": "string", "pattern": f"^{pattern}$"}
    return {"in": "path", "name": name, "description": description, "schema": schema}


def header(name: str, description: str, pattern: str, *, required: bool) -> dict[str, Any]:
    """How a header of the request is documented."""
    schema = {"type": "string", "pattern": f"^{pattern}$"}
    described = {"description": description, "required": required, "schema": schema}
    return {"in": "header", "name": name, **described}
