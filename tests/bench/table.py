"""The table: what was measured, beside what, and whether it is as it should be."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from tests.bench import surroundings
from tests.bench.measuring import Line


class Report:
    """Collects lines, telling which subject is at work; shows them at the end."""

    def __init__(self, console: Console, told: Iterable[tuple[str, str]]) -> None:
        self.console, self._said = console, Console(stderr=True)
        self.is_reached = True
        self._told = [*told]
        self._busy = surroundings.is_busy()
        self._table = Table(title="Wenxiao and its peers: medians of rounds, and of their ratios")
        self._table.add_column("what")
        self._table.add_column("ours", justify="right")
        self._table.add_column("beside")
        self._table.add_column("theirs", justify="right")
        self._table.add_column("ratio (of rounds)", justify="right")
        self._table.add_column("should be", justify="right")
        self._table.add_column("")

    def add(self, title: str, lines: Iterable[Line]) -> None:
        """Measure a subject, and note its lines."""
        self._said.print(f"{title} …")  # no bar: its thread would be measured, too
        found = [*lines]
        self._table.add_section()
        self._table.add_row(f"[bold]{title}")
        for line in found:
            self._table.add_row(*cells(line))
            self.is_reached &= line.is_reached is not False

    def show(self) -> None:
        """Print where it was measured, then what."""
        for name, text in self._told:
            self.console.print(f"{name:>14}  {text}", highlight=False)
        self.console.print(f"{'':>14}  {surroundings.load()} at the end", highlight=False)
        if self._busy:
            self.console.print("[yellow]The machine was busy: these figures are provisional.")
        self.console.print(self._table)


def cells(line: Line) -> tuple[str, ...]:
    """A line as it is shown."""
    return (
        line.what,
        figure(line.ours, line.unit),
        line.peer,
        figure(line.theirs, line.unit) if line.peer else "",
        ratio(line),
        wanted(line),
        {True: "[green]✓", False: "[red]✗", None: ""}[line.is_reached],
    )


def figure(value: float, unit: str) -> str:
    return f"{value:,.0f} {unit}" if value >= 100 else f"{value:,.1f} {unit}"


def ratio(line: Line) -> str:
    if line.ratio is None:
        return ""
    lowest, highest = min(line.ratios), max(line.ratios)
    if line.ratio < 0.2:  # reads better in percent
        return f"{line.ratio:.1%} ({lowest:.1%}–{highest:.1%})"
    return f"{line.ratio:.2f}× ({lowest:.2f}–{highest:.2f})"


def wanted(line: Line) -> str:
    if line.least is not None:
        return f"≥ {line.least:g}×" if line.least >= 0.2 else f"≥ {line.least:.0%}"
    return "" if line.most is None else f"≤ {line.most:g} {line.unit}"
