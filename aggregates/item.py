"""整改事项: what one rectification item remembers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Item:
    """整改事项: one problem that somebody has to put right by a day."""

    id: str
