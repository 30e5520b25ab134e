"""绩效主体: what projects and units share, for they answer alike for what money achieved."""

from __future__ import annotations

from dataclasses import dataclass, field

from aggregates.base import Aggregate
from aggregates.evaluated import Evaluation
from aggregates.item import Item


@dataclass
class Year:
    """One budget year of a project or unit: its goal, the goal's review, its budget."""

    number: int


@dataclass
class Accountable(Aggregate):
    """Goals, reviews, evaluations and rectification items of one project or unit."""

    unit: str = ""
    years: dict[int, Year] = field(default_factory=dict)
    evaluations: dict[str, Evaluation] = field(default_factory=dict)
    items: dict[str, Item] = field(default_factory=dict)

    @property
    def belongs_to(self) -> str:
        return self.unit

    def year(self, number: int) -> Year:
        """A budget year as it stands; blank where nothing has happened in it."""
        return self.years.get(number) or Year(number)

    def open_year(self, number: int) -> Year:
        """A budget year that a fact is about to change."""
        return self.years.setdefault(number, Year(number))

    def item(self, id: str) -> Item | None:
        return self.items.get(id)
