"""集中会审: one sitting gives its opinion on many goals, all of them or none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

from marshmallow import validate

from aggregates.accountable import Accountable
from aggregates.meeting import CollectiveReviewHeld, Dissent, Meeting
from aggregates.project import Project
from aggregates.review import CollectiveOpinionGiven, Verdict
from aggregates.roles import Role
from aggregates.unit import Unit
from aggregates.values import Fen, ReviewStage, Term
from commands.base import Case, Command, Into, Rule, act, repeated
from commands.goal import OptionalDigest
from commands.guards import check_known
from commands.review import (
    NOT_OWN_SUBMISSION,
    RETURN_SAYS_WHY,
    Comments,
    GoalVersion,
    check_turn,
    check_version,
)
from commands.vocabulary import BudgetYear, Code, PersonId

HELD_ONCE = Rule("meeting.held_once", "每次会议的集中会审只登记一次", basis="SZ-16")
HAS_GOALS = Rule("meeting.has_goals", "集中会审至少审议一项绩效目标", basis="SZ-16")
HAS_ATTENDEES = Rule("meeting.has_attendees", "集中会审须登记出席人员", basis="SZ-16")
HAS_MINUTES = Rule("meeting.has_minutes", "集中会审须有会议纪要", basis="SZ-16")
DISSENT_OF_THE_PRESENT = Rule(
    "meeting.dissent_of_the_present", "保留意见由出席人员提出，并须说明理由", basis="SZ-16"
)
EACH_GOAL_ONCE = Rule("meeting.each_goal_once", "同一目标在一次会审中只列一次", basis="SZ-16")

MOST_GOALS, MOST_PRESENT = 500, 100
"""So that the longest names there can be go into the one record of the meeting."""


class Subject(Term):
    """会审对象: a project's goal, or the goal of a unit as a whole."""

    PROJECT = "project", "项目"
    UNIT = "unit", "单位整体"


HISTORIES: Mapping[Subject, type[Accountable]] = {Subject.PROJECT: Project, Subject.UNIT: Unit}


@dataclass(frozen=True)
class GoalLine:
    """审议的绩效目标: the meeting's opinion on one version of one goal."""

    code: Annotated[Code, "项目或单位编码"]
    year: BudgetYear
    version: GoalVersion
    verdict: Verdict
    subject: Subject = Subject.PROJECT
    comments: Comments = ""
    recommended: Annotated[Fen, "会审建议安排金额"] | None = None

    def opinion(self, meeting: str) -> CollectiveOpinionGiven:
        return CollectiveOpinionGiven(
            meeting, self.year, self.version, self.verdict, self.comments, self.recommended
        )


@act(
    "meetings/{meeting}/collective-review",
    by={Role.BUREAU_PARTY_COMMITTEE, Role.BUREAU_LEADER},
    basis="SZ-16",
    reads={Project, Unit},
)
class HoldCollectiveReview(Command[Meeting]):
    """集中会审: leaders, section heads and staff decide together, one line for each goal."""

    lines: Annotated[
        tuple[GoalLine, ...],
        validate.Length(0, MOST_GOALS, error="一次最多登记 {max} 项目标，其余请另行登记"),
    ]
    attendees: Annotated[tuple[PersonId, ...], "出席人员", validate.Length(0, MOST_PRESENT)] = ()
    minutes: Annotated[OptionalDigest, "会议纪要的 SHA-256 摘要"] = ""
    dissents: tuple[Dissent, ...] = ()

    def decide(
        self, meeting: Meeting, case: Case, /
    ) -> list[CollectiveReviewHeld | CollectiveOpinionGiven | Into[Accountable]]:
        case.require(not meeting.is_held, HELD_ONCE, 会议=meeting.code)
        self._check_sitting(case)
        subjects = [case.read(HISTORIES[line.subject], line.code) for line in self.lines]
        for line, it in zip(self.lines, subjects, strict=True):
            self._check_line(line, it, case)
        held = CollectiveReviewHeld(
            self.attendees, _once(it.id for it in subjects), self.minutes, self.dissents
        )
        opinions = [line.opinion(meeting.code) for line in self.lines]
        return [held, *map(Into, subjects, opinions)]

    def _check_sitting(self, case: Case) -> None:
        """A meeting has people, minutes and something to decide."""
        case.require(self.lines, HAS_GOALS, 目标=len(self.lines))
        case.require(self.attendees, HAS_ATTENDEES, 出席=len(self.attendees))
        case.require(self.minutes, HAS_MINUTES, 纪要=self.minutes)
        for dissent in self.dissents:
            is_heard = dissent.person in self.attendees and dissent.reason
            case.require(is_heard, DISSENT_OF_THE_PRESENT, 人员=dissent.person)
        twice = repeated((line.subject, line.code, line.year) for line in self.lines)
        case.require(not twice, EACH_GOAL_ONCE, 目标=twice)

    def _check_line(self, line: GoalLine, it: Accountable, case: Case) -> None:
        """Each goal is at this stage, on this version; nobody decides on what they submitted."""
        check_known(it, case)
        goal = it.year(line.year).goal
        check_version(goal, line.version, it, case)
        check_turn(goal, ReviewStage.COLLECTIVE, it, case)
        is_own = goal.is_submitted and goal.submitter in (case.actor.person, *self.attendees)
        case.require(not is_own, NOT_OWN_SUBMISSION, 编码=it.code, 人员=goal.submitter)
        says_why = line.comments or line.verdict == Verdict.PASS
        case.require(says_why, RETURN_SAYS_WHY, 编码=it.code, 意见=line.comments)


def _once(streams: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(streams))
