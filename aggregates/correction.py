"""更正: histories in which an earlier record may be read with another fact."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from aggregates.base import Aggregate

MAY_BE_CORRECTED = frozenset(
    {
        *("accounts_approved_on", "due", "executed_on", "paid_on", "received_on", "reported_on"),
        *("resumed_on", "since", "first_year", "last_year"),
        *("after", "amount", "before", "beyond_available", "declared", "demanded", "outstanding"),
        *("rate", "recommended", "reduction", "mean", "reported_score", "score"),
        *("consequence", "follows", "grade", "measure", "objects", "proposed_grade", "verdict"),
        *("recommendation", "while_deferred", "while_suspended"),
        *("category", "is_major", "is_new", "origin", "project_class"),
        *("agreed", "comments", "condition", "document", "name", "objective"),
        *("opinion", "problem", "reason", "remark", "result", "words"),
        *("digest", "evaluator", "evidence", "indicators", "payee", "plan"),
    }
)
"""What was read off, reckoned or worded: days, sums, scores, conclusions, kinds and texts.

Whatever is not named here says who acted, or what it was about, and stays as it was recorded.
"""


@dataclass
class Correctable(Aggregate):
    """可更正的历史: its records are corrected by later ones, never changed."""


def standing(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """All that no correction may change in a fact, each with the name of its field, in order."""
    if is_dataclass(value):
        for each in fields(value):
            if each.name not in MAY_BE_CORRECTED:
                yield from standing(getattr(value, each.name), each.name)
    elif isinstance(value, tuple):
        yield name, len(value)
        for inner in value:
            yield from standing(inner, name)
    else:
        yield name, value
