"""绩效主体: what projects and units share, for they answer alike for what money achieved."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from aggregates.correction import Correctable
from aggregates.evaluated import Evaluation
from aggregates.item import Item
from aggregates.rulebook import AfterReview
from aggregates.values import Fen, FundLine, ProjectClass, ReviewStage, total

MAY_ENTER = AfterReview.ENTER
AMENDED_FIRST = AfterReview.AMEND_THEN_ENTER


@dataclass
class Goal:
    """绩效目标: the latest version of a year's goal, and how far its review has come.

    ``passed`` names who passed each stage, and nobody for a stage that a meeting passed.
    """

    version: int = 0
    submitter: str = ""
    declared: Fen = Fen(0)
    passed: dict[ReviewStage, str] = field(default_factory=dict)
    is_returned: bool = False
    consequence: AfterReview | None = None
    recommended: Fen | None = None
    is_amended: bool = False

    @property
    def is_submitted(self) -> bool:
        return self.version > 0

    @property
    def is_under_review(self) -> bool:
        """Somebody's opinion is still awaited."""
        return self.is_submitted and not self.is_returned and not self.is_concluded

    @property
    def is_concluded(self) -> bool:
        return self.consequence is not None

    @property
    def is_excluded(self) -> bool:
        """Out of this year's arrangement, whatever is submitted next."""
        return self.consequence == AfterReview.EXCLUDE

    @property
    def awaits_amendment(self) -> bool:
        return self.consequence == AMENDED_FIRST and not self.is_amended

    @property
    def is_passed(self) -> bool:
        """It may enter the arrangement of the budget."""
        return self.consequence == MAY_ENTER or (
            self.consequence == AMENDED_FIRST and self.is_amended
        )

    def next_stage(self, chain: Collection[ReviewStage]) -> ReviewStage | None:
        """The first stage of a chain that has not passed this version."""
        return next((stage for stage in chain if stage not in self.passed), None)

    def is_signed_by(self, person: str) -> bool:
        """This person has passed a stage alone."""
        return person in self.passed.values()

    def pass_stage(self, version: int, stage: ReviewStage, reviewer: str) -> None:
        if version == self.version:
            self.passed[stage] = reviewer

    def send_back(self, version: int) -> None:
        if version == self.version:
            self.is_returned = True


@dataclass
class Year:
    """One budget year of a project or unit: its goal, the goal's review, its budget."""

    number: int
    goal: Goal = field(default_factory=Goal)
    approved: tuple[FundLine, ...] = ()

    @property
    def is_in_execution(self) -> bool:
        """The budget of this year has been approved."""
        return bool(self.approved)

    @property
    def budget(self) -> Fen:
        return total(self.approved)

    def line(self, id: str) -> FundLine | None:
        """An approved fund line."""
        return next((line for line in self.approved if line.id == id), None)


@dataclass
class Accountable(Correctable):
    """Goals, reviews, evaluations and rectification items of one project or unit."""

    unit: str = ""
    years: dict[int, Year] = field(default_factory=dict)
    evaluations: dict[str, Evaluation] = field(default_factory=dict)
    items: dict[str, Item] = field(default_factory=dict)

    @property
    def belongs_to(self) -> str:
        return self.unit

    @property
    def is_entered(self) -> bool:
        """Somebody has entered it in the register that its acts presuppose."""
        return False

    def needs_goal(self, classes: Collection[ProjectClass]) -> bool:
        """Its budget presupposes a goal that passed review."""
        return True

    def year(self, number: int) -> Year:
        """A budget year as it stands; blank where nothing has happened in it."""
        return self.years.get(number) or Year(number)

    def open_year(self, number: int) -> Year:
        """A budget year that a fact is about to change."""
        return self.years.setdefault(number, Year(number))

    def item(self, id: str) -> Item | None:
        return self.items.get(id)

    def evaluation(self, id: str) -> Evaluation | None:
        """An evaluation whose report is there."""
        found = self.evaluations.get(id)
        return found if found is not None and found.is_reported else None
