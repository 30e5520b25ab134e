"""What is kept of proofs and cannot be read is told as such, and none of it is shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from aggregates.roles import Role
from aggregates.unit import Unit, UnitRegistered
from service.ledger.tables import checkpoint
from tests.doors.asking import AtTheOffice, Caller, served
from tests.ledger.tampering import execute, unguard


@pytest.fixture
def auditor(office: AtTheOffice) -> Caller:
    """One token, and three records: the ledger's key is the last of them."""
    auditor = office.somebody(Role.AUDITOR)
    office.given(Unit, UnitRegistered("县教育局", "", 1), code="105").sealed()
    return auditor


def test_a_database_that_lacks_what_was_signed_is_no_server_error(
    office: AtTheOffice, auditor: Caller
) -> None:
    unguard(office.app.engine)
    position = office.ledger.head_position()
    execute(office.app.engine, f"DELETE FROM record WHERE position = {position - 1}")
    for path in (f"tlog/1/tile/entries/000.p/{position}", f"bundle?range=1-{position}"):
        auditor.get(path).then(503).problem("history_missing")


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)  # has anything in any column
@pytest.mark.parametrize("column", ["stream", "version"])
def test_a_record_in_no_place_is_no_server_error(
    office: AtTheOffice, auditor: Caller, column: str
) -> None:
    unguard(office.app.engine)
    execute(office.app.engine, f"UPDATE record SET {column} = x'00' WHERE position = 3")
    for path in ("records/3", "records/3/proof", "records/3/tlog-proof"):
        auditor.get(path).then(503).problem("history_missing")


def test_a_time_that_nobody_can_find_any_more_is_no_server_error(
    office: AtTheOffice, auditor: Caller
) -> None:
    unguard(office.app.engine)
    position, now = office.ledger.head_position(), office.clock().isoformat()
    execute(office.app.engine, f"DELETE FROM record WHERE position = {position}")
    auditor.get("units", as_of=now).then(503).problem("history_missing")


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)  # has anything in any column
def test_a_size_that_is_none_is_no_server_error(office: AtTheOffice) -> None:
    unguard(office.app.engine)
    execute(office.app.engine, "UPDATE ledger_head SET size = 'x'")
    answer = office.stranger().get("/readyz").then(503).problem("not_ready")
    assert answer.json["readiness"]["history_missing"] == 1


@pytest.mark.parametrize("policy", [None, "# 审计局\nquorum none\n".encode("gbk"), b"secret"])
def test_a_policy_that_cannot_be_read_is_no_server_error(
    office: AtTheOffice, auditor: Caller, tmp_path: Path, policy: bytes | None
) -> None:
    file = tmp_path / "policy"
    if policy is not None:
        file.write_bytes(policy)
    with served(office.app.settings.database_url, office.clock, policy=str(file)) as app:
        its = replace(auditor, office=AtTheOffice(app, office.clock))
        answer = its.get("bundle", record=1).then(503).problem("unreadable")
    assert "secret" not in answer.response.text


def test_a_checkpoint_that_cannot_be_read_is_no_server_error(
    office: AtTheOffice, auditor: Caller
) -> None:
    its = {"ledger": office.slug, "size": 900, "origin": "wenxiao.local/shizong"}
    with office.app.engine.begin() as connection:
        said = its | {"note": f"{its['origin']}\nsecret", "sealed_at": ""}
        connection.execute(checkpoint.insert().values(said))
    for path in ("checkpoint", "checkpoints/900", "bundle?record=1"):
        answer = auditor.get(path).then(503).problem("unreadable")
        assert "secret" not in answer.response.text
