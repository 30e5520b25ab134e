"""Tiles: what stands in the ledger is enough for every proof at every size it has ever had."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from service.ledger.hashes import ALGORITHMS, Algorithm
from service.ledger.migrations import migrate
from service.ledger.recorder import Recorder, create_ledger, storage
from service.ledger.tables import subtree
from service.ledger.trees import Frontier
from service.proofs.merkle import require_consistency
from service.proofs.tiles import NotThere, Tiles
from tests.ledger.cast import PROJECT, events
from tests.proofs.including import require_inclusion

SIZES = [1, 2, 255, 256, 257, 511, 512, 700]
both = pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda algorithm: algorithm.name)


@pytest.fixture
def recorder(engine: Engine) -> Recorder:
    """Seven hundred records, in portions that end on no border."""
    create_ledger(engine, "shizong")
    recorder = Recorder(engine, "shizong")
    version = 1
    for portion in (1, 253, 2, 1, 300, 143):
        recorder.append(events(PROJECT, portion, first=version))
        version += portion
    return recorder


@pytest.fixture
def tiles(recorder: Recorder, engine: Engine) -> Tiles:
    return Tiles(storage(engine, recorder.ledger))


def entries(recorder: Recorder) -> list[bytes]:
    return [each.entry for each in recorder.select_notifications(1, 1_000)]


@both
def test_every_size_has_its_root_and_its_proofs(
    algorithm: Algorithm, recorder: Recorder, tiles: Tiles
) -> None:
    leaves = [algorithm.leaf(entry) for entry in entries(recorder)]
    for size in SIZES:
        tree = tiles.tree(algorithm, size)
        root = Frontier(algorithm).grown(leaves[:size]).root
        assert tree.root == root
        for position in {1, size // 2 + 1, size}:
            path = tree.inclusion(position)
            require_inclusion(algorithm, leaves[position - 1], position - 1, size, path, root)
        for old in (each for each in SIZES if each <= size):
            was = Frontier(algorithm).grown(leaves[:old]).root
            require_consistency(algorithm, old, size, was, root, tree.consistency(old))


@both
def test_a_tile_never_changes(algorithm: Algorithm, recorder: Recorder, tiles: Tiles) -> None:
    partial = tiles.tile(algorithm, 0, 2, 188)
    recorder.append(events(PROJECT, 100, first=701))
    leaves = [algorithm.leaf(entry) for entry in entries(recorder)]
    assert bytes(partial) == b"".join(leaves[512:700])
    assert bytes(tiles.tile(algorithm, 0, 2, 256)) == b"".join(leaves[512:768])
    assert (
        tiles.tile(algorithm, 1, 0, 3).hashes[2] == Frontier(algorithm).grown(leaves[512:768]).root
    )


def test_what_the_ledger_never_had_is_not_there(tiles: Tiles) -> None:
    for level, number, width in ((0, 2, 189), (0, 3, 1), (1, 0, 3), (2, 0, 1)):
        with pytest.raises(NotThere):
            tiles.tile(ALGORITHMS[0], level, number, width)
    with pytest.raises(NotThere):
        _ = tiles.tree(ALGORITHMS[0], 701).root


def test_a_ledger_begun_before_tiles_gets_them(engine: Engine) -> None:
    """What the migration makes of the records is what appending them makes."""
    create_ledger(engine, "shizong")
    recorder = Recorder(engine, "shizong")
    recorder.append(events(PROJECT, 700))
    made = kept(engine)
    undone(engine)
    migrate(engine)
    assert kept(engine) == made
    assert len(made) == 2


def kept(engine: Engine) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        found = connection.execute(sa.select(subtree).order_by("level", "number"))
        return [tuple(row) for row in found]


def undone(engine: Engine) -> None:
    """Take back the migration that brought them, and all after it."""
    with engine.begin() as connection:
        for table in ("subtree", "checkpoint", "cosignature", "witnessed"):
            connection.exec_driver_sql(f"DROP TABLE {table}")
        connection.exec_driver_sql("ALTER TABLE observed ADD COLUMN digest TEXT")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0003'")
