"""报告: every published figure beside the recomputed one, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from service.demo.figures import WRONG, Checked, Kind
from service.demo.script import GENERATED, GENERATOR
from service.demo.stage import Performance

COLOURS = {Kind.FITTED.value: "cyan", Kind.DERIVED.value: "green", WRONG: "bold red"}
LEGEND = (
    f"{Kind.FITTED.value} 输入按公布合计拟合，只说明没有丢失；"
    f"{Kind.DERIVED.value} 由规则或算术从其他输入得出；{WRONG} 不符。\n"
    f"文件只有合计的，拆分由程序按固定方法生成：这些记录的 via 为 {GENERATOR}，"
    f"文号以“{GENERATED}”开头，名称带“（生成）”。"
)


def told(performances: Iterable[Performance]) -> Iterator[RenderableType]:
    """A table for each ledger, a line on its records, and the legend."""
    for performance in performances:
        yield _table(performance)
        yield _summary(performance)
    yield Text(LEGEND, style="dim")


def as_data(performance: Performance) -> dict[str, Any]:
    """What ``--json`` says of one ledger."""
    return {
        "ledger": performance.office.slug,
        "paper": performance.office.paper.title,
        "records": performance.records,
        "generated_records": performance.generated,
        "verified": performance.verification.verdict.value,
        "finding": performance.verification.finding,
        "figures": [_figure(checked) for checked in performance.figures],
    }


def _figure(checked: Checked) -> dict[str, Any]:
    figure = checked.figure
    return {
        "label": figure.label,
        "published": figure.published,
        "recomputed": checked.found.value,
        "counted": checked.found.of,
        "kind": figure.kind.name.lower(),
        "mark": checked.mark,
        "source": figure.source,
    }


def _table(performance: Performance) -> Table:
    office = performance.office
    table = Table(
        title=f"{office.title}（{office.slug}）《{office.paper.title}》", title_justify="left"
    )
    table.add_column("", justify="center", no_wrap=True)
    table.add_column("指标")
    table.add_column("文件或规则", justify="right")
    table.add_column("由记录重算", justify="right")
    table.add_column("出处")
    for checked in performance.figures:
        mark = Text(checked.mark, style=COLOURS[checked.mark])
        found = " ".join(filter(None, (checked.found.value, checked.found.of)))
        figure = checked.figure
        table.add_row(mark, figure.label, figure.published, found, figure.source)
    return table


def _summary(performance: Performance) -> Text:
    verification = performance.verification
    verdict = "核验属实" if performance.is_verified else f"核验不符：{verification.finding}"
    text = Text(f"记录 {performance.records} 条，其中演示生成 {performance.generated} 条；")
    text.append(verdict, style="green" if performance.is_verified else "bold red")
    return text.append("\n")
