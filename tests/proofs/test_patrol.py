"""The rounds of a worker, as its log tells them."""

from __future__ import annotations

from structlog.testing import capture_logs

from service.proofs.patrol import Patrol
from tests.proofs.cast import add
from tests.proofs.machines import Copy, Machine, away


def test_what_the_log_calls_a_round(machine: Machine, old: Copy) -> None:
    """What is signed, who cannot be asked, and what is missing are not the same to an operator."""
    patrol = Patrol(machine.engine, (), machine.settings)
    add(machine.started(), 1)
    with capture_logs() as told:
        patrol.go_round()
        back = away(machine)
        add(machine.started(), 1)
        patrol.go_round()
        back()
        patrol.go_round()
        away(machine)
        Patrol(machine.engine, (), machine.settings).go_round()
        add(machine.started(), 1)
        Patrol(machine.engine, (), machine.settings).go_round()
        machine.restored(old)
        back()
        Patrol(machine.engine, (), machine.settings).hear()
    ours = [each["event"] for each in told if each["event"] != "answered"]
    assert ours == [
        *("sealed", "sealed", "witness_is_silent", "witnessed"),
        *("witnesses_not_heard", "history_missing"),
    ]
