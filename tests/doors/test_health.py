"""Whether the service can do its work, and what it says about that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from aggregates.roles import Role
from service.ledger.verifications import Verdict, Verification, keep
from service.proofs.custody import Custody, Objection
from service.proofs.rounds import Rounds, keys_of
from tests.doors.asking import LEDGER, NOW, AtTheOffice, served


def test_a_process_that_answers_is_up(office: AtTheOffice) -> None:
    assert office.stranger().get("/healthz").then(200).json == {"status": "up"}


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/docs", "/docs.css", "/openapi.json"])
def test_what_asks_nothing_takes_no_parameters(office: AtTheOffice, path: str) -> None:
    answer = office.stranger().get(f"{path}?x=1").then(422).problem("malformed")
    assert set(answer.faults) == {"x"}


def test_a_service_that_can_work_is_ready(office: AtTheOffice) -> None:
    ready = {"ready": True, "database": True, "migrated": True, "ledgers": 1, "quarantined": 0}
    office.stranger().get("/readyz").then(200, lag=0, unverified=0, **ready)


def test_how_far_reading_is_behind_is_told(office: AtTheOffice) -> None:
    office.somebody(Role.AUDITOR)
    head = office.ledger.head_position()
    office.stranger().get("/readyz").then(200, lag=head)
    office.projected().stranger().get("/readyz").then(200, lag=0)


def test_after_a_failed_verification_nothing_is_trusted_until_one_succeeds(
    office: AtTheOffice,
) -> None:
    keep(office.app.engine, Verification(LEDGER, NOW, Verdict.FAILED, 0, "record 7 is missing"))
    answer = office.stranger().get("/readyz").then(503).problem("not_ready")
    assert (answer.json["readiness"]["ready"], answer.json["readiness"]["unverified"]) == (False, 1)
    assert "1 个台账最近一次核验未通过" in answer.json["detail"]
    assert "record 7" not in answer.response.text
    later = NOW + timedelta(hours=1)
    keep(office.app.engine, Verification(LEDGER, later, Verdict.TRUE, 0))
    office.stranger().get("/readyz").then(200, ready=True, unverified=0)


def test_a_database_of_another_release_is_not_ready(office: AtTheOffice) -> None:
    with office.app.engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0000'"))
    answer = office.stranger().get("/readyz").then(503).problem("not_ready")
    readiness = answer.json["readiness"]
    assert (readiness["database"], readiness["migrated"]) == (True, False)


@pytest.mark.parametrize("url", ["sqlite:////no/such.sqlite", "postgresql://localhost:1/none"])
def test_a_database_that_is_away_is_not_ready(url: str) -> None:
    with served(url) as app:
        answer = app.test_client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["readiness"]["database"] is False
    assert answer.headers["Retry-After"] == "5"


def test_a_server_that_would_lose_records_is_told(office: AtTheOffice) -> None:
    """The PostgreSQL of these tests runs without fsync, and that is noticed."""
    is_sqlite = office.app.engine.dialect.name == "sqlite"
    office.stranger().get("/readyz").then(200, durable=is_sqlite)


def witness_has_seen_more(custody: Custody) -> None:
    custody.note_objection(Objection("audit", 1_000))


def checkpoint_is_none(custody: Custody) -> None:
    custody.make_folder()
    custody.checkpoint_file.write_text("secret")


@pytest.mark.parametrize("happens", [witness_has_seen_more, checkpoint_is_none])
def test_where_nothing_may_be_added_for_what_custody_has_nothing_is_ready(
    office: AtTheOffice, happens: Callable[[Custody], None]
) -> None:
    office.stranger().get("/readyz").then(200, history_missing=0)
    happens(Custody(Path(office.app.settings.custody), office.slug))
    answer = office.stranger().get("/readyz").then(503).problem("not_ready")
    readiness = answer.json["readiness"]
    assert (readiness["ready"], readiness["history_missing"]) == (False, 1)
    assert "1 个台账缺少已经签署的记录" in answer.json["detail"]
    assert "secret" not in answer.response.text


def test_where_custody_has_lost_what_was_sealed_nothing_is_ready(
    office: AtTheOffice, tmp_path: Path
) -> None:
    settings = replace(office.app.settings, custody=str(tmp_path / "another"))
    keys_of(office.ledger, settings).new()
    Rounds(office.ledger, settings).go()
    with served(settings.database_url, office.clock, custody=settings.custody) as app:
        assert app.test_client().get("/readyz").status_code == 200
        Custody(Path(settings.custody), office.slug).checkpoint_file.unlink()
        answer = app.test_client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["readiness"]["history_missing"] == 1
