"""会议: one sitting that decides on many projects at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from aggregates.base import Aggregate, Fact


@dataclass
class Meeting(Aggregate, kind="meeting"):
    """会议: it is held once."""

    is_held: bool = False


@dataclass(frozen=True)
class Dissent:
    """保留意见: who did not agree, and why."""

    person: Annotated[str, "人员编号"]
    reason: Annotated[str, "理由"]


class CollectiveReviewHeld(
    Fact[Meeting],
    topic="meeting.collective_review_held",
    says="集中会审 {subjects}，出席 {attendees}",
):
    """集中会审: leaders, section heads and staff sat together over these goals.

    ``subjects`` are the histories that hold the opinions (``project/2021-017``); ``minutes`` is the
    SHA-256 of the minutes.
    """

    attendees: tuple[str, ...]
    subjects: tuple[str, ...]
    minutes: str
    dissents: tuple[Dissent, ...] = ()

    def apply(self, meeting: Meeting, /) -> None:
        meeting.is_held = True
