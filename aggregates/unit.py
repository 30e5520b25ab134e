"""预算单位: who spends, and who stands above it."""

from __future__ import annotations

from dataclasses import dataclass

from aggregates.accountable import Accountable


@dataclass
class Unit(Accountable, kind="unit"):
    """预算单位: registered under its superior; answers for its overall performance."""

    superior: str = ""
    is_registered: bool = False

    @property
    def belongs_to(self) -> str:
        return self.code
