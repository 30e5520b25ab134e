"""What can be proven is handed out: as far as it is signed, and to whoever may see it."""

from __future__ import annotations

import json
from base64 import b64decode
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from aggregates.roles import Role
from aggregates.unit import Unit, UnitRegistered
from service.http.bearer import MAY_READ, READS_THE_OFFICE
from service.http.proofs import sent
from service.ledger.hashes import ALGORITHMS, SHA256, SM3
from service.ledger.tables import cosignature
from service.ledger.trees import Frontier
from service.proofs.checkpoints import Checkpoint
from service.proofs.merkle import require_consistency
from service.proofs.notes import Note, Signature
from service.proofs.rounds import keys_of
from service.proofs.tilepaths import written
from tests.doors.asking import AtTheOffice, Caller
from tests.proofs.including import require_inclusion

EDUCATION, CULTURE = UnitRegistered("县教育局", "", 1), UnitRegistered("县文旅局", "", 1)
FOR_EVER = "private, max-age=31536000, immutable"
SHORTLY = "private, max-age=5"
WITNESS = Signature("见证人甲", b"4bit", bytes(72))


def audited(office: AtTheOffice) -> Caller:
    """One token, and three records: the ledger's key is the last of them."""
    auditor = office.somebody(Role.AUDITOR)
    office.given(Unit, EDUCATION, code="105").sealed()
    return auditor


@pytest.fixture
def auditor(office: AtTheOffice) -> Caller:
    return audited(office)


@pytest.fixture(scope="module")
def reader(quiet_office: AtTheOffice) -> Caller:
    return audited(quiet_office)


def signed(note: str) -> Checkpoint:
    return Checkpoint.parse(Note.parse(note).text)


def hashes(told: dict[str, Any]) -> list[list[bytes]]:
    return [[*map(b64decode, told[each.name])] for each in ALGORITHMS]


def test_the_last_checkpoint_is_told(office: AtTheOffice, auditor: Caller) -> None:
    size = office.ledger.head_position()
    office.given(Unit, CULTURE, code="106")
    for path in ("checkpoint", "tlog/1/checkpoint", f"checkpoints/{size}"):
        answer = auditor.get(path).then(200)
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert answer.headers["Cache-Control"] == SHORTLY
        assert signed(answer.response.text).size == size


def test_checkpoints_are_listed_from_the_last_one_back(
    office: AtTheOffice, auditor: Caller
) -> None:
    sizes = [office.ledger.head_position()]
    for code in ("106", "107", "108"):
        office.given(Unit, CULTURE, code=code).sealed()
        sizes.append(office.ledger.head_position())
    first = auditor.get("checkpoints", limit=3).then(200)
    assert [each["size"] for each in first.json["items"]] == sizes[:0:-1]
    rest = auditor.get("checkpoints", limit=3, cursor=first.json["next"]).then(200, next=None)
    assert rest.json["items"] == [
        {
            "size": sizes[0],
            "log": 1,
            "origin": "wenxiao.local/shizong",
            "sealed_at": "2021-11-21T15:20:00+08:00",
            "witnesses": [],
        }
    ]
    before = auditor.get("checkpoints", as_of=sizes[1]).then(200).json["items"]
    assert [each["size"] for each in before] == sizes[1::-1]


def test_it_comes_with_what_witnesses_said(office: AtTheOffice, auditor: Caller) -> None:
    size = office.ledger.head_position()
    its = {"ledger": office.slug, "size": size, "origin": "wenxiao.local/shizong"}
    with office.app.engine.begin() as connection:
        said = its | {"witness": WITNESS.name, "line": str(WITNESS)}
        connection.execute(cosignature.insert().values(said))
    (listed,) = auditor.get("checkpoints").then(200).json["items"]
    assert listed["witnesses"] == [WITNESS.name]
    note = Note.parse(auditor.get("checkpoint").then(200).response.text)
    assert [each.name for each in note.signatures] == ["wenxiao.local/shizong", WITNESS.name]
    page = auditor.get(f"checkpoints/{size}/page").then(200).response.text
    assert "<th>签名</th><td>wenxiao.local/shizong</td>" in page
    assert f"<th>见证</th><td>{WITNESS.name}</td>" in page


def test_it_can_be_printed(office: AtTheOffice, auditor: Caller) -> None:
    answer = auditor.get(f"checkpoints/{office.ledger.head_position()}/page").then(200)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "台账检查点公示" in answer.response.text
    (key,) = keys_of(office.ledger, office.app.settings).known.keys
    assert f"<th>签名公钥</th><td>{key}</td>" in answer.response.text
    assert "<th>签署时间</th><td>2021-11-21T15:20:00+08:00</td>" in answer.response.text
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


def test_a_record_is_proven_in_both_trees(office: AtTheOffice, auditor: Caller) -> None:
    size = office.ledger.head_position()
    for position in range(1, size + 1):
        told = auditor.get(f"records/{position}/proof").then(200, size=size).json
        entry, its = b64decode(told["entry"]), signed(told["checkpoint"])
        assert entry.split(b"\n")[2] == b"%d" % position
        for algorithm, path in zip(ALGORITHMS, hashes(told), strict=True):
            root = its.sha256 if algorithm is SHA256 else its.sm3
            place = algorithm.leaf(entry), told["index"], its.size
            require_inclusion(algorithm, *place, path, root)


def test_and_in_the_words_of_the_specification(auditor: Caller) -> None:
    told = auditor.get("records/2/proof").then(200).json
    answer = auditor.get("records/2/tlog-proof").then(200)
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    head, note = answer.response.text.split("\n\n", 1)
    assert head.split("\n") == [
        "c2sp.org/tlog-proof@v1",
        f"extra {told['entry']}",
        "index 1",
        *told["sha256"],
    ]
    assert note == told["checkpoint"]


def test_a_proof_may_be_asked_for_at_an_earlier_checkpoint(
    office: AtTheOffice, auditor: Caller
) -> None:
    first = office.ledger.head_position()
    office.given(Unit, CULTURE, code="106").sealed()
    for path in ("records/2/proof", "records/2/tlog-proof"):
        auditor.get(path, size=first).then(200)
        auditor.get(path, size=first - 1).then(404).problem("not_sealed")
    assert auditor.get("records/2/proof", size=first).json["size"] == first
    assert auditor.get("records/2/proof").json["size"] == office.ledger.head_position()
    late = f"records/{office.ledger.head_position()}/proof"
    unreached = auditor.get(late, size=first).then(404).problem("not_sealed")
    unsigned = auditor.get(late, size=first - 1).then(404).problem("not_sealed")
    assert unreached.json["detail"] == "所指检查点不包含这条记录"
    assert unsigned.json["detail"] == "没有恰为这一记录数的检查点"


def test_what_is_not_signed_is_not_proven(office: AtTheOffice, auditor: Caller) -> None:
    size = office.ledger.head_position()
    office.given(Unit, CULTURE, code="106")
    for path in (
        "bundle?stream=unit/106",
        "bundle?stream=unit/105&stream=unit/106",
        f"records/{size + 1}/proof",
        f"records/{size + 1}/tlog-proof",
        f"bundle?record={size + 1}",
        f"tlog/1/consistency?from=1&to={size + 1}",
        f"tlog/1/tile/0/000.p/{size + 1}",
        f"tlog/1/sm3/tile/0/000.p/{size + 1}",
        f"tlog/1/tile/entries/000.p/{size + 1}",
        f"checkpoints/{size + 1}",
        f"checkpoints/{size + 1}/page",
    ):
        auditor.get(path).then(404).problem("not_sealed")


def test_before_the_first_checkpoint_nothing_is_proven(office: AtTheOffice) -> None:
    auditor = office.somebody(Role.AUDITOR)
    for path in (
        "checkpoint",
        "tlog/1/checkpoint",
        "checkpoints/1",
        "records/1/proof",
        "tlog/1/consistency?from=1",
        "tlog/1/tile/0/000.p/1",
        "bundle?record=1",
    ):
        auditor.get(path).then(404).problem("not_sealed")
    auditor.get("checkpoints").then(200, items=[], next=None)


def test_what_was_there_is_still_there(office: AtTheOffice, auditor: Caller) -> None:
    was = signed(auditor.get("checkpoint").response.text)
    office.given(Unit, CULTURE, code="106").sealed()
    now = signed(auditor.get("checkpoint").response.text)
    answer = auditor.get("tlog/1/consistency", **{"from": was.size, "to": now.size}).then(200)
    assert (answer.json["from"], answer.json["to"]) == (was.size, now.size)
    assert answer.headers["Cache-Control"] == FOR_EVER
    to_the_last = auditor.get("tlog/1/consistency", **{"from": was.size}).then(200)
    assert to_the_last.json == answer.json
    assert to_the_last.headers["Cache-Control"] == SHORTLY
    for algorithm, path in zip(ALGORITHMS, hashes(answer.json), strict=True):
        of = algorithm.name
        roots = getattr(was, of), getattr(now, of)
        require_consistency(algorithm, was.size, now.size, *roots, path)
    reversed_ = auditor.get("tlog/1/consistency", **{"from": now.size, "to": was.size})
    assert "from" in reversed_.then(422).problem("malformed").faults


def test_tiles_hold_the_leaves_and_the_records(office: AtTheOffice, auditor: Caller) -> None:
    size = office.ledger.head_position()
    stored = office.ledger.records_in.select_notifications(1, size)
    entries = [each.entry for each in stored]
    expected = {
        "tlog/1/tile/0": b"".join(map(SHA256.leaf, entries)),
        "tlog/1/sm3/tile/0": b"".join(map(SM3.leaf, entries)),
        "tlog/1/tile/entries": b"".join(len(each).to_bytes(2) + each for each in entries),
    }
    for path, content in expected.items():
        answer = auditor.get(f"{path}/000.p/{size}").then(200)
        assert answer.response.data == content
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Cache-Control"] == FOR_EVER


@pytest.fixture
def crowded(office: AtTheOffice) -> Caller:
    """A full tile and a bit."""
    auditor = office.somebody(Role.AUDITOR)
    office.given(Unit, *[EDUCATION] * 255).sealed()
    assert office.ledger.head_position() == 258
    return auditor


def test_full_tiles_have_no_width(crowded: Caller) -> None:
    full = crowded.get("tlog/1/tile/0/000").then(200).response.data
    assert crowded.get("tlog/1/tile/0/000.p/255").then(200).response.data == full[:-32]
    leaves = [full[at : at + 32] for at in range(0, len(full), 32)]
    above = crowded.get("tlog/1/tile/1/000.p/1").then(200).response.data
    assert above == Frontier(SHA256).grown(leaves).root
    crowded.get("tlog/1/tile/0/001.p/2").then(200)
    crowded.get("tlog/1/tile/entries/000").then(200)
    for path in ("0/001.p/3", "0/001", "0/002.p/1", "1/000.p/2", "1/000", "2/000.p/1", "63/000"):
        crowded.get(f"tlog/1/tile/{path}").then(404).problem("not_sealed")


@pytest.mark.parametrize(
    "path",
    [
        "0/0",
        "0/00",
        "0/0000",
        "0/x000/000",
        "0/000/000",
        "0/000.p/0",
        "0/000.p/01",
        "0/000.p/256",
        "0/000.p/",
        "0/000.p/1/",
        "0/٠٠٠",
        "0/000%00",
        "0/../0/000",
        "00/000",
        "64/000",
        "٠/000",
        "-1/000",
        "x/000",
        "0/" + "x999/" * 2_000 + "999",
        "entries/0",
        "entries/x000/000.p/1",
    ],
)
@pytest.mark.parametrize("tree", ["tlog/1/tile/", "tlog/1/sm3/tile/"])
def test_a_tile_has_one_name(reader: Caller, tree: str, path: str) -> None:
    reader.get(tree + path).then(404).problem("not_found")


@pytest.mark.parametrize("number", [0, 1, 255, 256, 999, 1_000, 67_123, 1_234_067, 10**17])
def test_names_of_tiles_are_read_as_they_are_written(reader: Caller, number: int) -> None:
    """Whatever is far beyond this ledger is a tile that nobody has signed, not a fault."""
    status = reader.get(f"tlog/1/tile/0/{written(number, 1)}").status
    assert status == (404 if number else 200)


@pytest.mark.parametrize(
    "path", ["checkpoints/{}", "checkpoints/{}/page", "records/{}/proof", "records/{}/tlog-proof"]
)
@pytest.mark.parametrize("number", ["0", "01", "-1", "x", "٣", "%00", "9" * 16, "9" * 5_000])
def test_no_number_is_a_server_error(reader: Caller, path: str, number: str) -> None:
    reader.get(path.format(number)).then(404)


@pytest.mark.parametrize(
    "question",
    [
        "tlog/1/consistency",
        "tlog/1/consistency?from=0",
        "tlog/1/consistency?from=٣",
        "tlog/1/consistency?from=1&to=99999999999999999999",
        "tlog/1/consistency?from=1&from=2",
        "records/1/proof?size=0",
        "records/1/proof?as_of=1",
        "checkpoint?size=1",
        "tlog/1/tile/0/000.p/1?size=1",
        "bundle?record=0",
        "bundle?record=x",
        "bundle?range=1",
        "bundle?range=1-x",
        "bundle?range=٣-٣",
        "bundle?range=0-1",
        "bundle?stream=",
        "bundle?stream=a%00b",
        "bundle?stream=project/%CF%EE",
        "bundle?record=1&%CF%EE=1",
        "accountability?person=%CF%EE",
        "bundle?stream=a%0A",
        "bundle?record=1&unit=105",
        "bundle?" + "record=1&" * 501,
    ],
)
def test_what_is_not_understood_is_refused(reader: Caller, question: str) -> None:
    reader.get(question).then(422).problem("malformed")


def test_what_was_never_recorded_is_not_found_by_any_door(reader: Caller) -> None:
    for path in ("records/99/proof", "bundle?record=99", "bundle?record=1&range=1-99"):
        reader.get(path).then(404).problem("not_found")


def test_what_is_no_text_is_told_by_its_name(reader: Caller) -> None:
    faults = reader.get("bundle?record=1&stream=%CF%EE").then(422).problem("malformed").faults
    assert faults == {"stream": "须为 UTF-8"}
    faults = reader.get("bundle?stream=").then(422).problem("malformed").faults
    assert "不得换行" not in faults["stream/0"]


@pytest.mark.parametrize("question", ["bundle", "bundle?range=2-1"])
def test_a_bundle_of_nothing_is_refused(reader: Caller, question: str) -> None:
    reader.get(question).then(422).problem("bad_bundle")


def test_a_bundle_is_handed_out(office: AtTheOffice, auditor: Caller) -> None:
    size = office.ledger.head_position()
    answer = auditor.get("bundle?stream=unit/105&stream=unit/106&record=1&record=2&range=1-1")
    answer.then(200)
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="shizong-{size}.zip"'
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Length"] == str(len(answer.response.data))
    with ZipFile(BytesIO(answer.response.data)) as zipped:
        manifest = json.loads(zipped.read("manifest.json"))
    assert manifest["complete"] == {"streams": ["unit/105", "unit/106"], "ranges": [[1, 1]]}


@pytest.mark.usefixtures("auditor")
def test_whoever_may_read_has_checkpoints_and_hashes(office: AtTheOffice) -> None:
    size = office.ledger.head_position()
    doors = (
        "checkpoint",
        "checkpoints",
        f"checkpoints/{size}",
        f"checkpoints/{size}/page",
        f"tlog/1/consistency?from=1&to={size}",
        "tlog/1/checkpoint",
        f"tlog/1/tile/0/000.p/{size}",
        f"tlog/1/sm3/tile/0/000.p/{size}",
    )
    clerk, source = (
        office.somebody(Role.UNIT_CLERK, unit="105"),
        office.somebody(Role.SOURCE_SYSTEM, system="国库"),
    )
    for path in doors:
        clerk.get(path).then(200)
        source.get(path).then(403).problem("forbidden")
        office.stranger().get(path).then(401)


@pytest.mark.usefixtures("auditor")
def test_a_record_is_proven_to_whoever_may_read_it(office: AtTheOffice) -> None:
    ours = next(each.position for each in office.ledger.every_record() if each.stream == "unit/105")
    office.given(Unit, CULTURE, code="106").sealed()
    theirs = office.ledger.head_position()
    clerk = office.somebody(Role.UNIT_CLERK, unit="105")
    for door in ("proof", "tlog-proof"):
        clerk.get(f"records/{ours}/{door}").then(200)
        for position in (1, theirs, theirs + 1, theirs + 100):
            clerk.get(f"records/{position}/{door}").then(404).problem("not_found")


@pytest.mark.usefixtures("auditor")
@pytest.mark.parametrize("path", ["tlog/1/tile/entries/000.p/1", "bundle?record=1"])
def test_records_in_bulk_are_for_those_who_read_the_whole_ledger(
    office: AtTheOffice, path: str
) -> None:
    for role in READS_THE_OFFICE:
        office.somebody(role).get(path).then(200)
        office.somebody(role, unit="105").get(path).then(403).problem("forbidden")
    for role in MAY_READ - READS_THE_OFFICE:
        office.somebody(role).get(path).then(403).problem("forbidden")


def test_a_bundle_that_was_read_to_its_end_leaves_no_file_open(tmp_path: Path) -> None:
    """Whoever takes an answer may forget to close it."""
    file = tmp_path / "evidence.zip"
    file.write_bytes(b"x" * 100_000)
    opened = file.open("rb")
    assert b"".join(sent(opened)) == file.read_bytes()
    assert opened.closed
