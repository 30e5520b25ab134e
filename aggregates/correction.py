"""更正: histories in which an earlier record may be read with another fact."""

from __future__ import annotations

from dataclasses import dataclass

from aggregates.base import Aggregate


@dataclass
class Correctable(Aggregate):
    """可更正的历史: its records are corrected by later ones, never changed."""
