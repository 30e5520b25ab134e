"""What another system has on file gets into the ledger once, whatever happens on the way."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from aggregates.ledger import Imports, LineUnplaced
from aggregates.unit import Unit
from commands.base import ACTS
from service.cli.import_ import EPILOG, NOT_PLACED
from service.desk import Desk
from service.ledger.application import Ledger
from service.request import understand
from tests.cli.conftest import Wenxiao, command, environment
from tests.conftest import opened
from tests.desk.conftest import CONSOLE
from tests.ledger.tampering import execute, unguard


def unit(code: str, name: str = "农业农村局", **case: Any) -> str:
    """A line that registers a unit: as ``wang`` did in the system, or as a row there says."""
    body = {"name": name, "case": case or {"actor": {"person": "wang"}}}
    return json.dumps({"act": "register_unit", "on": code, "body": body}, ensure_ascii=False)


def row(id: str, revision: str, **more: Any) -> dict[str, Any]:
    return {"system": "budget", "table": "units", "row": id, "revision": revision, **more}


def written(folder: Path, *lines: str | bytes) -> Path:
    path = folder / "acts.jsonl"
    path.write_bytes(b"\n".join(x if isinstance(x, bytes) else x.encode() for x in lines))
    return path


def told(done: Result) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(done.stdout)
    assert answer["lines"] == answer["recorded"] + answer["repeated"] + answer["unplaced"]
    return answer


def counts(done: Result) -> tuple[int, int, int]:
    answer = told(done)
    return answer["recorded"], answer["repeated"], answer["unplaced"]


def test_a_good_file_is_recorded_once(wenxiao: Wenxiao, tmp_path: Path) -> None:
    file = written(tmp_path, unit("117"), unit("118"), "", unit("119"))
    first = wenxiao("import", "--json", "--ledger", "office", file)
    again = wenxiao("import", "--json", "--ledger", "office", file)
    assert (first.exit_code, counts(first)) == (0, (3, 0, 0))
    assert (again.exit_code, counts(again)) == (0, (0, 3, 0))


def text_of(unplaced: LineUnplaced, ledger: Ledger) -> str:
    """What stands beside the ledger of a line."""
    kept = ledger.records_in.find_value(bytes.fromhex(unplaced.text))
    return kept.value if kept else ""


def test_bad_lines_are_told_by_number_and_kept_beside_the_ledger(
    wenxiao: Wenxiao, tmp_path: Path, database_url: str
) -> None:
    bad = ["no json", '{"act": "nothing"}', unit("118", name=""), '{"a": 1, "a": 2}']
    file = written(tmp_path, unit("117"), *bad, b'{"\xff": 1}', unit("117"), "[" * 5_000)
    done = wenxiao("import", "--json", "--ledger", "office", file)
    assert done.exit_code == 1
    assert counts(done) == (1, 0, 7)
    assert list(told(done)["bad"]) == ["2", "3", "4", "5", "6", "7", "8"]
    assert "line 3: 没有 act 所写的办理事项" in done.stderr
    with opened(database_url) as engine:
        ledger = Ledger(engine, "office")
        facts = [record.fact for record in ledger.every_record()]
        kept = [fact for fact in facts if isinstance(fact, LineUnplaced)]
        assert [text_of(fact, ledger) for fact in kept[:4]] == bad
    assert [fact.length for fact in kept[:2]] == [7, 18]
    assert [fact.number for fact in kept] == [2, 3, 4, 5, 6, 7, 8]


def test_what_a_line_looks_like_is_told_where_one_does_not(
    wenxiao: Wenxiao, tmp_path: Path
) -> None:
    done = wenxiao("import", "--ledger", "office", written(tmp_path, "name,level", "[]"))
    assert done.stderr.splitlines() == [
        "line 1: 第 1 行第 1 列不合 JSON 语法",
        "line 2: 应为 JSON 对象",
        f"Error: 2 {NOT_PLACED}",
    ]
    (shown,) = re.findall(r'{"act": "register_unit".*?}}}}', EPILOG, re.DOTALL)
    assert (
        wenxiao(
            "import", "--ledger", "office", written(tmp_path, shown.replace("\n", ""))
        ).exit_code
        == 0
    )
    assert '"act": "register_unit"' in wenxiao("import", "--help").stdout


def test_why_a_line_was_not_placed_is_told_again(wenxiao: Wenxiao, tmp_path: Path) -> None:
    file = written(tmp_path, unit("117"), unit("117"))
    words = ("import", "--ledger", "office", "--batch", "b", file)
    first, again = wenxiao(*words), wenxiao(*words)
    assert first.stderr.splitlines()[0] == "line 2: 预算单位只登记一次"
    assert again.stderr.splitlines()[0] == "line 2: 此前已登记为未入账: 预算单位只登记一次"
    assert again.stderr.splitlines()[1] == f"Error: 1 {NOT_PLACED}"


def test_one_bad_line_and_nothing_is_recorded(
    wenxiao: Wenxiao, tmp_path: Path, database_url: str
) -> None:
    file = written(tmp_path, unit("117"), unit("118", name=""))
    done = wenxiao("import", "--all-or-nothing", "--ledger", "office", file)
    assert done.exit_code == 1
    assert "line 2: /name" in done.stderr
    with opened(database_url) as engine:
        assert Ledger(engine, "office").head_position() == 0
    good = written(tmp_path, unit("117"), unit("118"))
    done = wenxiao("import", "--json", "--all-or-nothing", "--ledger", "office", good)
    assert (done.exit_code, counts(done)) == (0, (2, 0, 0))


def test_source_rows_are_repeated_corrected_and_withdrawn(
    wenxiao: Wenxiao, tmp_path: Path, database_url: str
) -> None:
    file = written(
        tmp_path,
        unit("117", source=row("1", "a")),
        unit("117", source=row("1", "a")),
        unit("117", name="农业局", source=row("1", "b")),
        unit("118", source=row("2", "a")),
        unit("118", source=row("2", "b", deleted=True)),
    )
    done = wenxiao("import", "--json", "--ledger", "office", file)
    assert (done.exit_code, counts(done)) == (0, (4, 1, 0))
    with opened(database_url) as engine:
        ledger = Ledger(engine, "office")
        assert ledger.fold(Unit, "117").is_registered
        assert not ledger.fold(Unit, "118").is_registered


def test_another_file_under_the_same_batch_is_refused(wenxiao: Wenxiao, tmp_path: Path) -> None:
    first = ("import", "--ledger", "office", "--batch", "nightly")
    assert wenxiao(*first, written(tmp_path, unit("117"))).exit_code == 0
    done = wenxiao(*first, written(tmp_path, unit("118")))
    assert done.exit_code == 1
    assert "第 1 行与此前以同一批次导入的内容不同" in done.stderr


@pytest.mark.parametrize(
    "change", ["outcome = '-1'", "positions = '[]'", "positions = '[9]'", "positions = '\"12\"'"]
)
def test_nothing_is_told_of_what_was_imported_that_was_changed(
    wenxiao: Wenxiao, database_url: str, tmp_path: Path, change: str
) -> None:
    require_told(wenxiao, database_url, tmp_path, change)


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)  # has anything in any column
@pytest.mark.parametrize("change", ["salt = 'x'", "outcome = x'ff'", "positions = x'ff00'"])
def test_nothing_is_told_of_what_was_imported_that_is_no_longer_what_it_was(
    wenxiao: Wenxiao, database_url: str, tmp_path: Path, change: str
) -> None:
    require_told(wenxiao, database_url, tmp_path, change)


def require_told(wenxiao: Wenxiao, url: str, folder: Path, change: str) -> None:
    """A good line and a bad one, whose requests are changed, are not imported again."""
    words = ("import", "--ledger", "office", "--system", "budget")
    file = written(folder, unit("117", source=row("1", "1")), "{}")
    assert wenxiao(*words, file).exit_code == 1
    with opened(url) as engine:
        unguard(engine)
        execute(engine, f"UPDATE request SET {change} WHERE principal = 'import-budget'")
    again = wenxiao(*words, file)
    assert again.exit_code == 1
    assert "is not as it was kept" in again.stderr


def test_a_line_beyond_all_measure_is_kept_by_its_digest(wenxiao: Wenxiao, tmp_path: Path) -> None:
    file = written(tmp_path, unit("117", name="长" * 2_000_000), unit("118"))
    done = wenxiao("import", "--json", "--ledger", "office", file)
    assert counts(done) == (1, 0, 1)
    assert "line 1: 一行不得超过" in done.stderr


def test_an_import_that_was_killed_is_run_again(
    wenxiao: Wenxiao, tmp_path: Path, database_url: str
) -> None:
    size = 3_000
    file = written(tmp_path, *(unit(f"U{n}") for n in range(size)))
    words = ("import", "--json", "--ledger", "office", file)
    with opened(database_url) as engine:
        ledger = Ledger(engine, "office")
        with subprocess.Popen(command(*words), env=environment(database_url)) as killed:
            while ledger.head_position() < 400 and killed.poll() is None:
                time.sleep(0.01)
            killed.send_signal(signal.SIGKILL)
        before = ledger.head_position()
        assert 400 <= before < size
        done = wenxiao(*words)
        assert (done.exit_code, counts(done)) == (0, (size - before, before, 0))
        streams = [record.stream for record in ledger.every_record()]
    assert sorted(streams) == sorted(f"unit/U{n}" for n in range(size))


def test_an_import_of_nothing_is_inconclusive(wenxiao: Wenxiao, tmp_path: Path) -> None:
    done = wenxiao("import", "--json", "--ledger", "office", written(tmp_path, "", " "))
    assert (done.exit_code, counts(done)) == (3, (0, 0, 0))
    assert done.stderr == "Error: there was no line to import\n"


def test_a_batch_is_named_in_one_line(wenxiao: Wenxiao, tmp_path: Path) -> None:
    file = written(tmp_path, unit("117"))
    assert wenxiao("import", "--ledger", "office", "--batch", "a\nb", file).exit_code == 2
    assert wenxiao("import", "--ledger", "office", "--batch", "三月 支付", file).exit_code == 0


def test_whatever_was_imported_verifies(wenxiao: Wenxiao, tmp_path: Path) -> None:
    file = written(
        tmp_path,
        unit("117", source=row("1", "a")),
        unit("117", name="农业局", source=row("1", "b")),
        unit("117", source=row("1", "c", deleted=True)),
        unit("118"),
        unit("118"),
        "no json",
        b"\xff\xfe",
    )
    for _ in range(2):
        wenxiao("import", "--ledger", "office", file)
    done = wenxiao("verify", "--facts", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)[0]["size"] == 7


def test_another_payee_in_the_same_batch_is_another_file(wenxiao: Wenxiao, tmp_path: Path) -> None:
    def payment(payee: str) -> Path:
        paid = {"year": 2021, "voucher": "V1", "line": "L1", "amount": "5.00"}
        body = paid | {"payee_person": payee, "case": {"source": row("1", "a")}}
        line = {"act": "observe_payment", "on": "2021-017", "body": body}
        return written(tmp_path, json.dumps(line, ensure_ascii=False))

    march = ("import", "--ledger", "office", "--batch", "march")
    assert wenxiao(*march, payment("王小二")).exit_code == 0
    assert wenxiao(*march, payment("王小二")).exit_code == 0
    assert "第 1 行与此前以同一批次导入的内容不同" in wenxiao(*march, payment("王小三")).stderr


NAMELESS = (
    '{"act": "register_person", "on": "p1", "body": {"name": "王芳",}}',
    '{"act": "register_persons", "on": "p1", "body": {"name": "王芳"}}',
    '{"act": "王芳", "on": "p1"}',
    '{"act": ["register_person"], "on": "p1", "body": {"name": "王芳"}}',
    '{"act": "register_unit", "王芳": 1}',
    '[{"act": "register_person", "on": "p1", "body": {"name": "王芳"}}]',
    '{"act": "register_person", "on": "wang", "body": {"name": "王芳"}}',
    '{"act": "register_unit", "on": "117", "body": {"name": "农业局", "王芳": 1}}',
    '{"act": "move_unit", "on": "117", "body": {"reason": "王芳"}}',
    b"\xff\x00 " + "王芳".encode(),
)


def test_no_name_in_a_bad_line_gets_into_a_record(
    wenxiao: Wenxiao, tmp_path: Path, database_url: str
) -> None:
    file = written(tmp_path, *NAMELESS)
    done = wenxiao("import", "--json", "--ledger", "office", "--batch", "三月 人员", file)
    assert counts(done) == (0, 0, len(NAMELESS))
    with opened(database_url) as engine:
        ledger = Ledger(engine, "office")
        records = list(ledger.every_record())
        assert "王芳" not in repr(records)
        assert all("王芳" in text_of(each.fact, ledger) for each in records)
    assert wenxiao("verify", "--facts").exit_code == 0


def test_the_text_of_a_bad_line_is_withheld(
    wenxiao: Wenxiao, tmp_path: Path, database_url: str
) -> None:
    march = ("import", "--ledger", "office", "--batch", "三月 人员")
    wenxiao(*march, written(tmp_path, *NAMELESS))
    with opened(database_url) as engine:
        ledger = Ledger(engine, "office")
        order = {"order": "〔2021〕9号", "reason": "本人申请"}
        for each in ledger.records():
            body = order | {"digest": each.fact.text}
            withhold = ACTS["withhold_person_value"]
            asked = understand(
                withhold, Imports, "三月 人员", body, token=CONSOLE, key=each.fact.text
            )
            assert Desk(ledger).carry_out(asked).is_recorded
            assert text_of(each.fact, ledger) == ""
    assert wenxiao("verify", "--facts").exit_code == 0
    done = wenxiao(*march, "--json", written(tmp_path, *NAMELESS))
    assert counts(done) == (0, 0, len(NAMELESS))


def test_a_file_gives_nobody_power(wenxiao: Wenxiao, tmp_path: Path) -> None:
    token = {"token": "t", "digest": "ab" * 32, "roles": ["operator"], "system": "x"}
    token["expires_at"] = "2099-01-01T00:00:00+08:00"
    file = written(tmp_path, json.dumps({"act": "issue_token", "body": token}))
    done = wenxiao("import", "--ledger", "office", file)
    assert done.exit_code == 1
    assert "签发令牌只在本系统办理" in done.stderr
