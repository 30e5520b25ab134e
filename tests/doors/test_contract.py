"""The OpenAPI document: valid, readable without a network, and true of every door.

Schemathesis makes up requests from the document, good ones and bad ones. None may lead to a 500 or
to an answer that is not documented; what the document allows must not be refused as malformed, and
what it does not allow must be refused. The one thing changed in what it makes up is the place: some
of it is sent to a ledger, project and unit that exist, for all else would end at a 404.
"""

from __future__ import annotations

import json
import re
from functools import cache
from html.parser import HTMLParser
from itertools import count
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.config import SchemathesisConfig
from schemathesis.core.parameters import ParameterLocation
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from aggregates.roles import Role
from commands.base import ACTS
from service.http.app import Wenxiao
from service.http.problems import KINDS
from tests.doors.asking import LEDGER, AtTheOffice, the_document

POSTED = [act for act in ACTS.values() if act.doors]

REFUSED = [400, 401, 403, 404, 409, 412, 413, 415, 422, 503]
CONFIG: dict[str, Any] = {
    "checks": {
        "not_a_server_error": {"expected-statuses": ["2xx", "4xx", 503]},
        "negative_data_rejection": {"expected-statuses": REFUSED},
    }
}
OPEN = {"/healthz", "/readyz"}
EXAMPLES = 2
"""For each door and mode."""

CHINESE = re.compile("[\u4e00-\u9fff]")

BEYOND_SCHEMAS = ("corrections", "bundle", "consistency")
"""Of what fact a correction is, that something is asked for, which of two is less, none can say."""

load_all_checks()
NOT_REFUSED = CHECKS.get_one("positive_data_acceptance")
REFUSED_AS_BAD = CHECKS.get_one("negative_data_rejection")

_numbers = count(1)


def test_the_document_is_valid() -> None:
    OPENAPI_31_VALIDATOR.validate(the_document())


def test_every_operation_says_who_may_and_how_it_fails() -> None:
    document = the_document()
    for path, item in document["paths"].items():
        for told in (item[method] for method in ("get", "post") if method in item):
            is_open = told.get("security") == []
            assert is_open == (path in OPEN)
            assert is_open or {"401", "403", "500", "503"} <= told["responses"].keys()
            assert told["summary"]
            assert told["operationId"]


def test_sums_are_told_as_text() -> None:
    schemas = the_document()["components"]["schemas"]
    assert schemas["Project"]["properties"]["demanded"]["type"] == "string"
    assert schemas["ReserveProject"]["properties"]["demanded"]["type"] == "string"
    assert not [name for name, it in schemas.items() if '"type": "number"' in json.dumps(it)]


def test_whatever_may_be_asked_is_called_something() -> None:
    document = the_document()
    asked = {name for act in POSTED for name in schemas_of(document, act.command.__name__)}
    nameless = [
        f"{name}.{field}"
        for name in sorted(asked)
        for field, told in document["components"]["schemas"][name]["properties"].items()
        if not CHINESE.search(told.get("description", ""))
    ]
    assert nameless == [], 'say it in the act, beside the type: reason: Annotated[Text, "理由"]'


def test_a_field_is_called_as_it_says_itself_or_else_as_its_type_does() -> None:
    assert is_called("ObserveHoldExecution", "executor") == "执行人"
    assert is_called("EndAssignment", "person") == "人员编号"
    assert is_called("RegisterUnit", "superior") == "上级单位编码，空为一级单位"
    assert is_called("ReportRectification", "evidence") == "佐证材料的 SHA-256 摘要"
    assert is_called("SubmitGoal", "lines") == "资金明细"
    assert is_called("ReportEvaluation", "score") == "得分，0 至 100"
    assert is_called("ReportEvaluation", "proposed_grade").startswith("建议等级: excellent 优")
    assert is_called("GradeEvaluation", "grade").startswith("等级: excellent 优")


def is_called(schema: str, field: str) -> str:
    """What a reader of the document finds about a field."""
    told: str = the_document()["components"]["schemas"][schema]["properties"][field]["description"]
    return told


def schemas_of(document: dict[str, Any], name: str) -> set[str]:
    """A schema and all that it refers to."""
    whole = json.dumps(document["components"]["schemas"][name])
    inner = set(re.findall(r"#/components/schemas/(\w+)", whole))
    return {name}.union(*(schemas_of(document, each) for each in inner))


def test_doors_are_sorted_under_the_tags_that_there_are() -> None:
    document = the_document()
    used = {tag for it in document["paths"].values() for tag in _tags_of(it)}
    assert used == {tag["name"] for tag in document["tags"]}


def _tags_of(item: dict[str, Any]) -> list[str]:
    return [tag for method in ("get", "post") for tag in item.get(method, {}).get("tags", [])]


class Links(HTMLParser):
    """What a page would load, and what it can be searched for."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.ids: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag in {"link", "script", "img", "iframe"}:
            self.loaded.append(found.get("href") or found.get("src") or tag)
        self.ids.add(found.get("id") or "")
        if (found.get("href") or "").startswith("#"):
            self.anchors.add(str(found["href"])[1:])


def test_the_page_shows_every_door_and_loads_nothing_from_elsewhere(app: Wenxiao) -> None:
    answer = app.test_client().get("/docs")
    page = Links(answer.text)
    assert page.loaded == ["docs.css"]
    assert page.anchors <= page.ids
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert app.test_client().get("/docs.css").content_type == "text/css; charset=utf-8"
    for act in POSTED:
        assert act.title in answer.text
    for kind in KINDS.values():
        assert kind.type in answer.text


def test_whoever_knocks_is_led_to_the_page(app: Wenxiao) -> None:
    answer = app.test_client().get("/", follow_redirects=True)
    assert answer.request.path == "/docs"
    assert answer.status_code == 200


@pytest.mark.timeout(900)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_whatever_is_made_up_is_answered_as_documented(
    office: AtTheOffice, mode: GenerationMode
) -> None:
    everybody = office.somebody(*Role, system="国库")
    office.sealed()
    bearer = {"Authorization": f"Bearer {everybody.secret}"}
    for case in made_up(mode):
        case.operation.app = case.operation.schema.app = office.app
        case.call_and_validate(headers=bearer, excluded_checks=_not_meant(case, mode))


@cache
def made_up(mode: GenerationMode) -> list[Case[Any]]:
    """A few requests to each door: made up once, for it takes longer than to answer them."""
    config = SchemathesisConfig.from_dict(CONFIG)
    schema = schemathesis.openapi.from_dict(the_document(), config=config)
    cases = []
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        cases += _made_up_for(found.ok(), mode)
    return cases


def _made_up_for(operation: Any, mode: GenerationMode) -> list[Case[Any]]:
    cases: list[Case[Any]] = []
    if mode is GenerationMode.NEGATIVE and operation.path in OPEN:
        return cases  # there is nothing that one could say wrongly

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def make(case: Case[Any]) -> None:
        _put_in_place(case)
        if mode is GenerationMode.POSITIVE:
            _make_unique(case)
        cases.append(case)

    make()
    return cases


def _put_in_place(case: Case[Any]) -> None:
    """Somewhere that exists, at whatever version, from the beginning of a list."""
    for name in {*case.path_parameters} - {"position", "size", "level", "tile"}:
        case.path_parameters[name] = LEDGER if name == "ledger" else "105"
    case.headers.pop("If-Match", None)
    case.query.pop("cursor", None)


def _make_unique(case: Case[Any]) -> None:
    """Under a key of its own, by somebody, seen in a row of its own, resting on nothing to come."""
    case.headers["Idempotency-Key"] = f"key-{next(_numbers)}"
    if "as_of" in case.query:
        case.query["as_of"] = "1"
    body: Any = case.body
    if isinstance(body, dict) and isinstance(told := body.setdefault("case", {}), dict):
        told["actor"] = told.get("actor") or {"person": "wang"}
        for name in ("because", "submitted_at"):
            told.pop(name, None)
        if told.get("source"):
            row = str(next(_numbers))
            told["source"] = {"system": "国库", "table": "凭证", "row": row, "revision": "1"}


def _not_meant(case: Case[Any], mode: GenerationMode) -> list[Any]:
    """Checks that what was put in place has made pointless."""
    excluded: list[Any] = []
    if mode is GenerationMode.NEGATIVE or case.path.endswith(BEYOND_SCHEMAS):
        excluded.append(NOT_REFUSED)
    assert case.meta
    made_bad = [it for it, made in case.meta.components.items() if made.mode.is_negative]
    if not {ParameterLocation.BODY, ParameterLocation.QUERY} & {*made_bad}:
        excluded.append(REFUSED_AS_BAD)
    return excluded
