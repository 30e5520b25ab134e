"""演奏: a script carried out at the desk, act by act, on a clock that walks through its days."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from itertools import islice

from aggregates.base import kind_of
from aggregates.office import OFFICE, Office, Token
from aggregates.roles import Role
from aggregates.rulebook import RULEBOOK
from aggregates.values import BEIJING
from commands.base import ACTS
from service.demo.script import (
    CONSOLE,
    FROM_PAPER,
    GENERATED,
    GENERATOR,
    INSTALLED,
    OPERATOR,
    Origin,
    Scene,
    Step,
)
from service.ledger.application import Ledger
from service.release import CONSOLE as OPERATOR_TOKEN
from service.release import announce
from service.request import Request, understand
from service.sitting import REFUSED, Outcome, Sitting

BATCH = 100
"""How many acts are recorded in one transaction."""

OPENING = time(9, tzinfo=BEIJING)
SYSTEM_ROLES = tuple(role for role in Role if role not in {Role.OPERATOR, Role.AUDITOR})

Come = Callable[[int], None]
"""Is told how far one has come."""


class OutOfScript(RuntimeError):
    """An act did not end as its script says."""


class SimulatedClock:
    """演示时钟: stands still until it is moved, and never goes back."""

    def __init__(self, day: date) -> None:
        self._now = datetime.combine(day, OPENING)

    def __call__(self) -> datetime:
        return self._now.astimezone(UTC)

    def begin(self, day: date) -> None:
        """A new day at nine, unless that has passed."""
        self._now = max(self._now, datetime.combine(day, OPENING))

    def pass_by(self, minutes: int = 1) -> None:
        self._now += timedelta(minutes=minutes)


class Player:
    """Plays the scenes of one office into its ledger."""

    def __init__(self, ledger: Ledger, clock: SimulatedClock) -> None:
        self.ledger, self.clock = ledger, clock
        self._asked = 0
        self._tokens: dict[str, Token] = {CONSOLE: OPERATOR_TOKEN}

    def install(self, rule_set: object, day: date) -> None:
        """What an operator does first: the rule set, and tokens for the two systems.

        Their secrets are thrown away: nobody can speak for them once the play is over.
        """
        announce(self.ledger)
        published = {"edition": 1, "rule_set": rule_set}
        rules = Step("publish_rule_set", f"rulebook/{RULEBOOK}", OPERATOR, INSTALLED, published)
        tokens = [_token(system, day) for system in (FROM_PAPER, GENERATOR)]
        self._play_batch([rules, *tokens])
        self._tokens |= self.ledger.load(Office, OFFICE).tokens

    def play(self, scenes: Iterable[Scene], come: Come) -> None:
        """Carry out every step on its day.

        Raises :class:`OutOfScript` where one is refused that should be recorded, or the reverse.
        """
        before = self._asked
        for scene in scenes:
            self.clock.begin(scene.day)
            for batch in batched(scene.steps, BATCH):
                self._play_batch(batch)
                come(self._asked - before)

    def _play_batch(self, batch: Sequence[Step]) -> None:
        self.clock.pass_by()
        sitting = Sitting(self.ledger, self.clock())
        for step in batch:
            sitting.decide(self._request(step))
        for step, outcome in zip(batch, sitting.conclude(), strict=True):
            check(step, outcome)

    def _request(self, step: Step) -> Request:
        self._asked += 1
        code = step.subject.partition("/")[2]
        return understand(
            ACTS[step.act],
            kind_of(step.subject),
            code,
            step.body,
            token=self._tokens[step.origin.system],
            key=f"demo-{self._asked:05d}",
        )


def check(step: Step, outcome: Outcome) -> None:
    """Hold an outcome against the script."""
    breached = {breach.rule for it in outcome.records for breach in it.envelope.breaches}
    is_refused = outcome.outcome == REFUSED
    if is_refused == bool(step.refused_by) and (not is_refused or step.refused_by in breached):
        return
    told = "；".join(record.fact.sentence() for record in outcome.records)
    raise OutOfScript(f"{step.act} {step.subject}: {told}（{'、'.join(sorted(breached))}）")


def batched(steps: Iterable[Step], size: int) -> Iterator[Sequence[Step]]:
    """A scene's steps in portions."""
    rest = iter(steps)
    while portion := tuple(islice(rest, size)):
        yield portion


def _token(system: str, day: date) -> Step:
    body = {
        "token": system,
        "digest": sha256(secrets.token_bytes(32)).hexdigest(),
        "roles": [role.value for role in SYSTEM_ROLES],
        "expires_at": datetime.combine(day + timedelta(days=1_000), OPENING).isoformat(),
        "system": system,
    }
    origin = Origin(CONSOLE, f"{GENERATED}：演示系统令牌，密钥不保留")
    return Step("issue_token", f"office/{OFFICE}", OPERATOR, origin, body)
