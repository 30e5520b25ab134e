"""After the acceptance of a loss every door speaks of the log that the ledger is now."""

from __future__ import annotations

from pathlib import Path

import pytest

from aggregates.roles import Role
from aggregates.unit import Unit, UnitRegistered
from service.ledger.application import Ledger
from service.proofs.mirror import Mirror
from service.proofs.notes import Note
from service.proofs.prover import Prover
from service.proofs.recovering import accept_loss
from service.proofs.rounds import keys_of
from tests.conftest import opened
from tests.doors.asking import AtTheOffice, Caller
from tests.ledger.tampering import backup, restore, rows

EDUCATION = UnitRegistered("县教育局", "", 1)
OLD, NEW = "wenxiao.local/shizong", "wenxiao.local/shizong.2"


@pytest.fixture
def auditor(office: AtTheOffice) -> Caller:
    auditor = office.somebody(Role.AUDITOR)
    office.given(Unit, EDUCATION, code="105").sealed()
    return auditor


@pytest.fixture
def after(office: AtTheOffice, auditor: Caller) -> Caller:
    """After a loss; the lost log's checkpoints were left, one of a size that the new one has."""
    kept, first = backup(office.app.engine), office.ledger.head_position()
    for last in (first + 3, first + 6):
        add(office, last)
    signed = backup(office.app.engine)["checkpoint"]
    restore(office.app.engine, kept | {"checkpoint": signed})
    with opened(office.app.settings.database_url) as unanchored:
        ledger = Ledger(unanchored, office.slug)
        keys = keys_of(ledger, office.app.settings)
        accept_loss(ledger, keys.custody, keys, "机房失火")
    add(office, first + 3)
    return auditor


def add(office: AtTheOffice, last: int) -> None:
    """Records up to a position, and a checkpoint of them."""
    office.sealed()
    more = last - office.ledger.head_position()
    if more:
        office.given(Unit, *[EDUCATION] * more, code="106").sealed()


def test_a_prefix_is_a_directory_of_tiles(
    office: AtTheOffice, auditor: Caller, tmp_path: Path
) -> None:
    """Whoever knows C2SP tlog-tiles needs only the address of one log."""
    folder = tmp_path / "tiles"
    Mirror(folder, Prover(office.ledger, office.app.settings)).update()
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) == 4
    for path in files:
        served = auditor.get(f"tlog/1/{path.relative_to(folder)}").then(200)
        assert served.response.data == path.read_bytes()


PATHS = (
    "checkpoint",
    "consistency?from=1&to=2",
    "tile/0/000.p/1",
    "sm3/tile/0/000.p/1",
    "tile/entries/000.p/1",
)


@pytest.mark.parametrize("path", PATHS)
def test_no_other_log_is_answered_for(auditor: Caller, path: str) -> None:
    auditor.get(f"tlog/1/{path}").then(200)
    for log in ("0", "2", "01", "-1", "x", "١", "9" * 5_000):
        auditor.get(f"tlog/{log}/{path}").then(404, log=1).problem("other_log")


@pytest.mark.parametrize("path", PATHS)
def test_what_was_kept_of_the_lost_log_is_not_mixed_with_the_present_one(
    after: Caller, path: str
) -> None:
    after.get(f"tlog/1/{path}").then(404, log=2).problem("other_log")
    after.get(f"tlog/2/{path}").then(200)


def test_checkpoints_are_those_of_the_present_log(office: AtTheOffice, after: Caller) -> None:
    old = rows(office.app.engine, "checkpoint", f"origin = '{OLD}'")
    before, same, lost = sorted(row.values["size"] for row in old)
    listed = after.get("checkpoints").then(200).json["items"]
    assert {(each["origin"], each["log"]) for each in listed} == {(NEW, 2)}
    assert listed[0]["size"] == same
    for path in ("checkpoint", f"checkpoints/{same}"):
        note = Note.parse(after.get(path).then(200).response.text)
        assert note.text.startswith(f"{NEW}\n{same}\n")
    assert f"{NEW}\n" in after.get(f"checkpoints/{same}/page").then(200).response.text
    for size in (before, lost):
        after.get(f"checkpoints/{size}").then(404).problem("not_sealed")
        after.get("records/1/proof", size=size).then(404).problem("not_sealed")
    after.get("records/1/proof").then(200, size=same)
