"""演示: every figure comes out as it was published, and would not if anything were otherwise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aggregates.values import Fen
from service.demo.changning.cast import Cast as ChangningCast
from service.demo.database import prepare, url_of
from service.demo.evidence import in_yuan, two_months_after, wan
from service.demo.figures import WRONG, Kind
from service.demo.kunming.cast import Cast as KunmingCast
from service.demo.offices import CHANGNING, OFFICES, SHIZONG, Office
from service.demo.script import FROM_PAPER, GENERATED, GENERATOR
from service.demo.shizong.cast import Cast as ShizongCast
from service.demo.shizong.cast import Totals
from service.demo.stage import Performance, perform
from service.ledger.application import Ledger
from service.ledger.verifications import Verdict
from service.release import CONSOLE
from tests.demo.conftest import Demonstration, unseen

SLUGS = [office.slug for office in OFFICES]


@pytest.fixture(params=SLUGS)
def performance(request: pytest.FixtureRequest, demonstration: Demonstration) -> Performance:
    """Each office's performance in turn."""
    return demonstration.performances[SLUGS.index(request.param)]


def play(office: Office[Any], folder: Path) -> Performance:
    engine = prepare(url_of(str(folder / f"{office.slug}.db")), [office.slug])
    try:
        return perform(office, engine, unseen)
    finally:
        engine.dispose()


def wrong(performance: Performance) -> list[str]:
    return [checked.figure.label for checked in performance.wrong]


# Everything is right


def test_every_figure_is_what_was_published(performance: Performance) -> None:
    told = {c.figure.label: (c.found.value, c.figure.published) for c in performance.figures}
    assert {label: pair for label, pair in told.items() if pair[0] != pair[1]} == {}
    assert performance.wrong == []


def test_every_ledger_verifies(performance: Performance) -> None:
    assert performance.verification.verdict == Verdict.TRUE
    assert performance.verification.size == performance.records
    assert performance.is_right


def test_a_ledger_that_does_not_verify_is_not_right(demonstration: Demonstration) -> None:
    sound = demonstration.performances[0]
    tampered = replace(sound.verification, verdict=Verdict.FAILED, finding="record 7")
    assert not replace(sound, verification=tampered).is_right


@pytest.mark.parametrize(
    ("slug", "label", "kind"),
    [
        ("kunming-edz", "申报预算", Kind.FITTED),
        ("kunming-edz", "审减金额", Kind.DERIVED),
        ("kunming-edz", "审减率", Kind.DERIVED),
        ("kunming-edz", "优秀率（全部评价对象）", Kind.DERIVED),
        ("kunming-edz", "停拨期间可否支付", Kind.DERIVED),
        ("shizong", "单位整体绩效目标覆盖", Kind.DERIVED),
        ("changning", "核减率", Kind.DERIVED),
        ("changning", "尚未收回", Kind.DERIVED),
    ],
)
def test_what_was_fitted_is_not_called_derived(
    demonstration: Demonstration, slug: str, label: str, kind: Kind
) -> None:
    figures = demonstration.performances[SLUGS.index(slug)].figures
    assert [c.figure.kind for c in figures if c.figure.label == label] == [kind]


# And would not be


def test_a_road_recommended_one_yuan_less_is_noticed(tmp_path: Path) -> None:
    altered = replace(CHANGNING, cast=ChangningCast(recommended=Fen(10_145_208_00)))
    performance = play(altered, tmp_path)
    assert wrong(performance) == ["核定", "核减"]
    assert {checked.mark for checked in performance.wrong} == {WRONG}
    assert not performance.is_right


def test_another_sum_to_recover_is_noticed(tmp_path: Path) -> None:
    altered = replace(CHANGNING, cast=ChangningCast(interest=Fen(157_000_00)))
    assert wrong(play(altered, tmp_path)) == ["责令残联收回利息", "尚未收回"]


def test_a_unit_or_a_sum_that_is_missing_is_noticed(tmp_path: Path) -> None:
    totals = Totals(townships=9, declared=Fen(3_691_0000_00))
    altered = replace(SHIZONG, cast=ShizongCast(totals))
    missed = ["一级预算单位", "其中乡镇街道", "单位整体绩效目标覆盖", "项目金额"]
    assert wrong(play(altered, tmp_path)) == missed


# What was made up says so


def test_whoever_reads_a_record_sees_where_it_comes_from(
    demonstration: Demonstration, performance: Performance
) -> None:
    ledger = Ledger(demonstration.engine, performance.office.slug)
    origins = {
        (r.envelope.via, r.envelope.document) for r in ledger.every_record(1, performance.records)
    }
    told = {(via, document.number) for via, document in origins if document is not None}
    assert len(told) == len(origins)
    assert {via for via, _ in told} - {FROM_PAPER} == {CONSOLE.id, GENERATOR}
    for via, number in told:
        is_from_paper = number.startswith(f"《{performance.office.paper.title}》")
        assert is_from_paper == (via == FROM_PAPER)
        assert is_from_paper or number.startswith(GENERATED)


def test_what_the_papers_do_not_name_is_called_generated(demonstration: Demonstration) -> None:
    named: dict[str, set[str]] = {slug: set() for slug in SLUGS}
    for slug in SLUGS:
        for record in Ledger(demonstration.engine, slug).every_record():
            name = getattr(record.fact, "name", "")
            if name and "（生成）" not in name:
                named[slug].add(name)
    assert named == {
        "kunming-edz": {
            "城管局",
            "规建局",
            "经开三中",
            "消防大队",
            "阿拉街道办事处",
            "国有资本经营预算支出",
            "研发后投入补助",
        },
        "shizong": set(),
        "changning": {
            "市农业农村局",
            "市残联",
            "乡村公路服务所",
            "西岭镇",
            "官岭镇",
            "国、省、县道保洁",
        },
    }


# How the totals divide


def test_every_project_has_money_and_keeps_some() -> None:
    projects = KunmingCast().projects
    lines = [line for project in projects for line in project.lines]
    assert min(line.declared for line in lines) > 0
    assert all(0 <= line.cut < line.declared for line in lines)
    assert {project.unit for project in projects} == set(KunmingCast().units)


# How figures are written


@pytest.mark.parametrize(
    ("fen", "written"),
    [
        (497_578_64 * 100_00, "497,578.64 万元"),
        (40_348_50 * 100_00, "40,348.50 万元"),
        (3_692 * 10_000_00, "3,692 万元"),
        (1, "0.000001 万元"),
    ],
)
def test_ten_thousands_are_written_as_papers_write_them(fen: int, written: str) -> None:
    assert wan(fen) == written


@pytest.mark.parametrize(
    ("fen", "written"), [(2_482_998_00, "2,482,998 元"), (-1_50, "-1.50 元"), (0, "0 元")]
)
def test_yuan_show_fen_where_there_are_some(fen: int, written: str) -> None:
    assert in_yuan(fen) == written


def test_two_months_are_counted_without_the_rules_help() -> None:
    from datetime import date

    days = ("2021-06-30", "2021-10-31", "2021-12-31", "2023-12-31", "2021-01-15")
    due = ("2021-08-30", "2021-12-31", "2022-02-28", "2024-02-29", "2021-03-15")
    assert [two_months_after(date.fromisoformat(d)).isoformat() for d in days] == list(due)
