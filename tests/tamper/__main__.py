"""``python -m tests.tamper``: change a sealed ledger at random, and print what was found of it.

The same ``--seed`` makes the same changes of the same ledger, whose keys and salts are others.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from tests.postgres import TempPostgres
from tests.tamper.trying import Outcome, Trial, on_postgresql, on_sqlite

SIZE = 300
"""How many units are registered; of records there are about twice as many."""


def main() -> int:
    """Change what is asked for; 1 where something was not found, or found where nothing is."""
    asked = _asked()
    console = Console(width=None if sys.stdout.isatty() else 132)
    trials = tried(asked)
    console.print(table(trials))
    for name, trial in trials.items():
        for bad in trial.bad:
            console.print(f"{name} {bad}", markup=False)
    return 1 if any(trial.bad for trial in trials.values()) else 0


def tried(asked: argparse.Namespace) -> dict[str, Trial]:
    """A ledger in a file, which anything may befall, and one on a server, which is told."""
    trials: dict[str, Trial] = {}
    with TemporaryDirectory(prefix="tamper") as one, TemporaryDirectory(prefix="tamper") as two:
        with on_sqlite(Path(one), SIZE) as (office, copy):
            trials["SQLite"] = Trial(office, copy, Random(asked.seed))
            trials["SQLite"].damage(asked.damages)
            _edited(trials["SQLite"], asked.edits)
        with TempPostgres() as server, on_postgresql(server, Path(two), SIZE) as (office, copy):
            trials["PostgreSQL"] = Trial(office, copy, Random(asked.seed))
            _edited(trials["PostgreSQL"], asked.edits)
    return trials


def _edited(trial: Trial, times: int) -> None:
    trial.leave(1 + times // 20)
    trial.edit(times)
    trial.restore(2)


def table(trials: dict[str, Trial]) -> Table:
    """How often what came of which kind of change; and of what cannot be seen, why."""
    caption = "A bundle holds records and committed values, not what else is beside them."
    made = Table(title="A sealed ledger, changed at random", caption=caption)
    made.add_column("change")
    for name in ("made", *Outcome, "seen in a bundle"):
        made.add_column(name, justify="right")
    for name, trial in trials.items():
        made.add_section()
        made.add_row(f"[bold]{name}")
        for kind, tally in trial.tallies.items():
            counts = (tally.outcomes.total(), *(tally.outcomes[each] for each in Outcome))
            seen = f"{tally.doubted} of {tally.asked}"
            made.add_row(kind, *(str(each or "") for each in counts), seen)
        reasons = (tally.reasons for tally in trial.tallies.values())
        for why, times in sum(reasons, Counter[str]()).items():
            made.add_row(f"  unseen: {why}", str(times))
    return made


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make tamper", description=__doc__)
    parser.add_argument("--damages", type=int, default=2_200)
    parser.add_argument("--edits", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
