"""A machine that is restored from a copy of its disk, custody and all."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from service.ledger.application import Ledger
from service.proofs.anchor import anchor
from service.proofs.custody import Custody
from service.proofs.rounds import Round, Rounds
from service.settings import Settings
from tests.ledger.tampering import Backup, backup, restore
from tests.proofs.cast import SLUG

NAME = "w1"


@dataclass
class Machine:
    """A database, and on the same disk what should have been kept elsewhere."""

    engine: Engine
    settings: Settings

    def copied(self, to: Path) -> Copy:
        """Its disk as it is now."""
        shutil.copytree(self.settings.custody, to)
        return backup(self.engine), to

    def restored(self, copy: Copy) -> None:
        """It starts again from a copy of its disk."""
        rows, folder = copy
        restore(self.engine, rows)
        shutil.rmtree(self.settings.custody)
        shutil.copytree(folder, self.settings.custody)

    def started(self) -> Ledger:
        """The service, with what it finds."""
        anchor(self.engine, Path(self.settings.custody))
        return Ledger(self.engine, SLUG)

    def sealed(self) -> Round:
        """A round of a worker that has just been started."""
        return Rounds(self.started(), self.settings).go()

    @property
    def custody(self) -> Custody:
        return Custody(Path(self.settings.custody), SLUG)

    @property
    def signed_size(self) -> int:
        kept = self.custody.sealed()
        return kept.checkpoint.size if kept else 0


def away(machine: Machine) -> Callable[[], object]:
    """Its witness cannot be reached; what is returned brings it back."""
    policy = Path(machine.settings.policy)
    as_it_was = policy.read_text("utf-8")
    policy.write_text(re.sub(r"(http://127\.0\.0\.1):\d+", r"\1:1", as_it_was), "utf-8")
    return lambda: policy.write_text(as_it_was, "utf-8")


Copy = tuple[Backup, Path]
