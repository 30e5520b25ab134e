"""What the log says of a request, and what it never says."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from aggregates.roles import Role
from service import logs
from service.http.bearer import OPEN
from tests.doors.asking import AtTheOffice


class Log(io.BytesIO):
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def log() -> Iterator[Log]:
    stream = Log()
    logs.configure("info", stream)
    yield stream
    structlog.reset_defaults()


def test_every_answer_is_a_line_with_its_request(office: AtTheOffice, log: Log) -> None:
    clerk = office.somebody(Role.BUDGET_SECTION)
    answer = clerk.post("units/105/registration", {"name": "县财政局"}).then(201)
    (line,) = log.lines()
    assert line["request"] == answer.headers["X-Request-Id"]
    assert (line["method"], line["status"], line["ledger"]) == ("POST", 201, "shizong")
    assert line["route"] == "/v1/<ledger>/units/<unit>/registration"
    assert line["token"] == clerk.token


def test_no_content_and_no_secret_gets_into_the_log(office: AtTheOffice, log: Log) -> None:
    clerk = office.somebody(Role.BUDGET_SECTION)
    clerk.post("units/10577/registration", {"name": "机密单位"}, key="key-4711").then(201)
    clerk.post("units/10577/registration", {"name": "机密单位", "x": "机密"}).then(422)
    clerk.post("units/10577/registration", {"name": "机密单位"}).then(409)
    for word in ("10577", "机密", clerk.secret, "key-4711", clerk.person):
        assert word.encode() not in log.getvalue()


def test_an_unexpected_error_is_told_by_its_place(office: AtTheOffice, log: Log) -> None:
    def fail() -> str:
        raise RuntimeError("机密")

    setattr(fail, OPEN, True)
    office.app.add_url_rule("/fail", view_func=fail)
    assert office.app.test_client().get("/fail").status_code == 500
    unexpected, answered = log.lines()
    assert (unexpected["error"], unexpected["level"]) == ("RuntimeError", "error")
    assert unexpected["places"][-1].endswith(" fail")
    assert unexpected["request"] == answered["request"]
    assert "机密".encode() not in log.getvalue()


@pytest.mark.parametrize("given", ["front-office-4711", "0" * 64])
def test_a_caller_may_name_the_request(office: AtTheOffice, given: str) -> None:
    stranger = office.stranger()
    stranger.headers["X-Request-Id"] = given
    assert stranger.get("/healthz").headers["X-Request-Id"] == given


@pytest.mark.parametrize("given", ["short", "0" * 65, "a b c d e", "<script>alert</script>"])
def test_a_request_is_not_named_by_anything(office: AtTheOffice, given: str) -> None:
    stranger = office.stranger()
    stranger.headers["X-Request-Id"] = given
    named = stranger.get("/healthz").headers["X-Request-Id"]
    assert named != given
    assert len(named) == 32


def test_a_level_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="loud"):
        logs.configure("loud")
