"""接口文档: OpenAPI 3.1 as it follows from the doors, written once per process and then kept."""

from __future__ import annotations

import http
import re
from functools import cache
from typing import Any

import flask_smorest
import msgspec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.common import resolve_schema_cls
from flask import Flask
from marshmallow import fields

from commands.vocabulary import DecimalField
from service.http.doors import Doors, path_parameter
from service.http.problems import CONTENT_TYPE, KINDS
from service.http.shapes import ProblemShape, Told
from service.ledger.entry import SLUG

TITLE = "问效 Wenxiao"

DESCRIPTION = """\
预算绩效管理的审计轨迹: 登记业务事项，拒绝不合规则的办理并说明依据，记录只增不改，可以举证。

金额是以元为单位的字符串（如 "1200000.00"），日期如 2026-11-21，时间带时区（+08:00）。
只有记录（records）中的 fact 照存储的原样: 其中的金额是以分为单位的整数（120000000）。
出错时一律以 application/problem+json（RFC 9457）答复，见 Problem。
"""

PRINTABLE = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]*$"
"""What `commands.vocabulary.is_printable` says in Python."""

TEN = re.compile("10+")

LEDGER = path_parameter("ledger", "台账", SLUG.pattern)

FAILURE_HEADERS = {
    401: ("WWW-Authenticate", "应如何证明身份（RFC 6750）"),
    503: ("Retry-After", "多少秒后可以重试"),
}


class Api(flask_smorest.Api):  # type: ignore[misc]
    """flask-smorest's page of all doors, with problems in our shape and media type."""

    ERROR_SCHEMA = ProblemShape
    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_error_handlers(self) -> None:
        """Errors are answered by `service.http.problems`, for this API and all else."""

    def _register_responses(self) -> None:
        for status in http.HTTPStatus:
            if status >= 400:
                self.spec.components.response(status.name, _failure(status), lazy=True)


@cache
def document(doors: tuple[Doors, ...]) -> dict[str, Any]:
    """The document of these doors: the same in every application, so that one is written of it."""
    app = Flask(__name__, static_folder=None)
    api = _api(app)
    for each in doors:
        api.register_blueprint(each, parameters=[LEDGER] if each.url_prefix else [])
    described: dict[str, Any] = api.spec.to_dict()
    described["tags"] = [{"name": name} for name in _tags(described)]
    return described


def _tags(described: dict[str, Any]) -> list[str]:
    """What doors are sorted under: the histories that they are about, not our files."""
    doors = (door for path in described["paths"].values() for door in path.values())
    return list(dict.fromkeys(tag for door in doors if "tags" in door for tag in door["tags"]))


@cache
def written(doors: tuple[Doors, ...]) -> bytes:
    """The document, as it is served."""
    return msgspec.json.format(msgspec.json.encode(document(doors)), indent=1)


def _api(app: Flask) -> Api:
    """An API of this application, to which doors can be added."""
    app.config.update(API_TITLE=TITLE, API_VERSION="1", OPENAPI_VERSION="3.1.0")
    api = Api(spec_kwargs={"marshmallow_plugin": MarshmallowPlugin(_schema_name)})
    api.init_app(
        app,
        spec_kwargs={
            "info": {"description": DESCRIPTION},
            "security": [{"bearer": []}],
            "jsonSchemaDialect": "https://spec.openapis.org/oas/3.1/dialect/base",
        },
    )
    api.spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    for told in (text_pattern, decimal_pattern, property_names):
        api.ma_plugin.converter.add_attribute_function(told)
    return api


def text_pattern(_self: Any, field: fields.Field[Any], **so_far: Any) -> dict[str, str]:
    """What is asked has no control characters anywhere."""
    is_asked = isinstance(field, fields.String) and not isinstance(field, Told)
    return {"pattern": PRINTABLE} if is_asked and "pattern" not in so_far["ret"] else {}


def decimal_pattern(_self: Any, field: fields.Field[Any], **_: Any) -> dict[str, str]:
    """A decimal between 0 and a power of ten, as exactly as a pattern can say it."""
    if not isinstance(field, DecimalField) or field.lowest or not TEN.fullmatch(str(field.highest)):
        return {}
    some, zeros = f"{{1,{field.places}}}", len(str(field.highest)) - 1
    below = rf"(0|[1-9][0-9]{{0,{zeros - 1}}})(\.[0-9]{some})?"
    return {"pattern": rf"^({below}|{field.highest}(\.0{some})?)$"}


def property_names(self: Any, field: fields.Field[Any], **_: Any) -> dict[str, Any]:
    """A mapping's names are of a form as well."""
    if not isinstance(field, fields.Dict) or field.key_field is None:
        return {}
    named = self.field2property(field.key_field)
    return {} if named == {"type": "string"} else {"propertyNames": named}


def _schema_name(schema: Any) -> str:
    cls = resolve_schema_cls(schema)
    return str(getattr(cls, "__name__", "")).removesuffix("Shape")


def _failure(status: http.HTTPStatus) -> dict[str, Any]:
    kinds = [kind for kind in KINDS.values() if kind.status == status]
    told = {
        "description": "；".join(f"{k.title}（{k.name}）" for k in kinds) or status.phrase,
        "content": {CONTENT_TYPE: {"schema": ProblemShape}},
    }
    if status in FAILURE_HEADERS:
        name, description = FAILURE_HEADERS[status]
        told["headers"] = {name: {"description": description, "schema": {"type": "string"}}}
    return told
