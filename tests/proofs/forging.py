"""What the owner of a database, of its machine and of the key can do where nobody looks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa

from service.ledger.application import Ledger
from service.ledger.entry import Entry
from service.ledger.hashes import ALGORITHMS
from service.ledger.tables import ledger_head, record, subtree
from service.ledger.trees import Frontier
from service.proofs.custody import Custody
from service.settings import Settings
from tests.ledger.tampering import execute, unguard

History = list[Entry]


def rewrite(ledger: Ledger, settings: Settings, change: Callable[[History], History]) -> Ledger:
    """Put another history in place of a ledger's, with everything that follows from it.

    All numbers run on without a gap, all hashes fit, and nothing is left that was signed before.
    """
    engine, slug = ledger.engine, ledger.slug
    stored = ledger.records_in.select_notifications(1, 10_000)
    history = numbered(change([Entry.parse(each.entry) for each in stored]))
    unguard(engine)
    for table in ("record", "subtree", "checkpoint", "cosignature"):
        execute(engine, f"DELETE FROM {table}")
    leaves = [[each.leaf(bytes(entry)) for entry in history] for each in ALGORITHMS]
    grown = [Frontier(each).growth(its) for each, its in zip(ALGORITHMS, leaves, strict=True)]
    (sha256, completed), (sm3, others) = grown
    rows = [
        {
            "ledger": slug,
            "position": it.position,
            "stream": it.stream,
            "version": it.version,
            "topic": it.topic,
            "entry": bytes(it),
            "sha256": one,
            "sm3": other,
        }
        for it, one, other in zip(history, *leaves, strict=True)
    ]
    subtrees = [
        {"ledger": slug, "level": a.level, "number": a.number, "sha256": a.root, "sm3": b.root}
        for a, b in zip(completed, others, strict=True)
    ]
    head = {
        "size": len(history),
        "sha256_frontier": bytes(sha256),
        "sm3_frontier": bytes(sm3),
    }
    with engine.begin() as connection:
        connection.execute(sa.insert(record), rows)
        connection.execute(sa.insert(subtree), subtrees)
        connection.execute(sa.update(ledger_head).where(ledger_head.c.ledger == slug), head)
    Custody(Path(settings.custody), slug).checkpoint_file.unlink()
    return Ledger(engine, slug)


def numbered(history: History) -> History:
    """Positions and versions anew, from 1."""
    versions: dict[str, int] = {}
    made = []
    for position, entry in enumerate(history, 1):
        version = versions[entry.stream] = versions.get(entry.stream, 0) + 1
        made.append(replace(entry, position=position, version=version))
    return made
