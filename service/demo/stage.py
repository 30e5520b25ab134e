"""上演: play every office into its ledger, recompute its figures, verify what was recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from service.demo.evidence import Evidence
from service.demo.figures import WRONG, Checked, check
from service.demo.offices import Office
from service.demo.player import Come, Player, SimulatedClock
from service.ledger.application import Ledger
from service.ledger.verifications import Verdict, Verification, keep
from service.ledger.verify import verify

Track = Callable[[str, int], AbstractContextManager[Come]]
"""Shows how far some work has come: what it is called, and of how many steps."""


@dataclass(frozen=True)
class Performance:
    """演示结果: one ledger, every figure held against it, and whether it verifies."""

    office: Office[Any]
    records: int
    generated: int
    figures: Sequence[Checked]
    verification: Verification

    @property
    def wrong(self) -> list[Checked]:
        return [checked for checked in self.figures if checked.mark == WRONG]

    @property
    def is_right(self) -> bool:
        """No figure is wrong, and the ledger verifies."""
        return self.is_verified and not self.wrong

    @property
    def is_verified(self) -> bool:
        return self.verification.verdict == Verdict.TRUE


def perform(office: Office[Any], engine: sa.Engine, track: Track) -> Performance:
    """Play one office into its new ledger, and hold what was recorded against its paper."""
    ledger = _play(office, engine, track)
    evidence = Evidence(ledger)
    return Performance(
        office,
        len(evidence.records),
        evidence.generated(),
        check(office.figures, evidence),
        _verify(office, engine, len(evidence.records), track),
    )


def _play(office: Office[Any], engine: sa.Engine, track: Track) -> Ledger:
    scenes = office.scenes()
    clock = SimulatedClock(scenes[0].day)
    ledger = Ledger(engine, office.slug, clock)
    player = Player(ledger, clock)
    player.install(office.rule_set, scenes[0].day)
    with track(f"{office.title} 办理", sum(len(each.steps) for each in scenes)) as come:
        player.play(scenes, come)
    return ledger


def _verify(office: Office[Any], engine: sa.Engine, records: int, track: Track) -> Verification:
    """Verify the ledger, every fact of it too, and keep what was found."""
    with track(f"{office.title} 核验", records) as come:
        found = verify(engine, office.slug, facts=True, told=lambda so_far, _of: come(so_far))
    keep(engine, found)
    return found
