"""A process is killed (kill -9) while sixteen of its threads record, again and again."""

from __future__ import annotations

import time
from random import Random

import pytest

from service.ledger.application import Ledger
from tests.torture.hands import HANDS, Answered, Child, next_numbers
from tests.torture.truth import require_exactly_once, require_projected, require_sound

KILLS = [3, pytest.param(100, marks=[pytest.mark.torture, pytest.mark.timeout(600)])]

MOST_ANSWERS = 60
"""After how many answers a process is killed at the latest."""


@pytest.mark.parametrize("kills", KILLS)
def test_what_was_answered_is_recorded_once_however_often_the_writer_is_killed(
    torn_url: str, torn: Ledger, kills: int
) -> None:
    dice, answered = Random(kills), Answered()
    for number in range(kills):
        answered |= work_and_be_killed(torn_url, answered, dice)
        if number % 10 == 9:
            require_sound(torn)
    require_exactly_once(torn, answered)
    require_sound(torn)
    require_projected(torn)


def work_and_be_killed(url: str, before: Answered, dice: Random) -> Answered:
    """What a process has answered by the time it is killed, beginning with what may be open."""
    child = Child(url, next_numbers(before))
    answered, last = Answered(), dice.randint(1, MOST_ANSWERS)
    for key, position in child.answers():
        answered[key] = position
        if len(answered) == last:
            time.sleep(dice.random() / 200)
            child.kill()
    child.close()
    assert len(answered) >= last, f"it ended by itself: {child.process.exitcode}"
    assert len({key.rpartition("-")[0] for key in answered}) <= HANDS
    return answered
