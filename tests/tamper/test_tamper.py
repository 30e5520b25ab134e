"""Whatever is changed in a sealed ledger at random, it is found; and of nothing, nothing."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.postgres import TempPostgres
from tests.tamper.trying import Outcome, Trial, on_postgresql, on_sqlite

SIZE = 130
"""Enough for a complete subtree."""


def test_whatever_is_changed_in_a_file_is_found(tmp_path: Path) -> None:
    with on_sqlite(tmp_path, SIZE) as (office, copy):
        trial = Trial(office, copy, Random(7))
        trial.leave(1)
        trial.damage(30)
        trial.edit(10)
        trial.restore(1)
    found = {kind: tally.outcomes[Outcome.FOUND] for kind, tally in trial.tallies.items()}
    assert trial.bad == []
    assert found["a bit of the file turned"] > 5
    assert found["an older copy restored"] == 1


@pytest.mark.postgresql
def test_whatever_is_changed_on_a_server_is_found(postgres: TempPostgres, tmp_path: Path) -> None:
    with on_postgresql(postgres, tmp_path, SIZE) as (office, copy):
        trial = Trial(office, copy, Random(7))
        trial.leave(1)
        trial.edit(20)
        trial.restore(1)
    assert trial.bad == []
    assert sum(tally.outcomes[Outcome.FOUND] for tally in trial.tallies.values()) > 10
