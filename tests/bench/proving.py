"""证明: how fast proofs are made and checked, and what keeping subtrees costs an append."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from statistics import median
from unittest.mock import patch

from service.ledger.application import Ledger
from service.ledger.batch import Batch
from service.ledger.hashes import SHA256
from service.ledger.recorder import Recorder, storage
from service.ledger.rows import Completed, Head
from service.proofs import wenxiao_verify
from service.proofs.bundles import Wanted, pruned
from service.proofs.prover import Prover
from service.proofs.rounds import Rounds, keys_of
from service.proofs.tiles import Tiles, Tree
from service.settings import Settings
from tests.bench.appending import HUNDRED, many_each
from tests.bench.ground import SLUG, Ground, opened
from tests.bench.matter import names, recorded
from tests.bench.measuring import Line, Side, alternately, compared, watched

RECORDS = 100_000
PROOFS = 20_000
BUNDLED = 10_000
MOST_SECONDS = 5
TURNS = 5
"""Into so many a round is divided where a difference of few per cent is looked for."""


def on_sqlite(ground: Ground) -> Iterator[Line]:
    """Inclusion proofs of records all over a ledger, made and checked by one thread."""
    number, proofs = ground.effort.of(RECORDS), ground.effort.of(PROOFS)
    with opened(ground.sqlite()) as engine:
        recorded(Ledger(engine, SLUG), number)
        tree = Tiles(storage(engine, SLUG)).tree(SHA256, number)
        rates = alternately(
            ground.effort.rounds,
            {
                "made": made(tree, proofs),
                "checked": checked(tree, proofs),
            },
        )
    yield wanted("inclusion proofs made", rates["made"], 10_000)
    yield wanted("inclusion proofs checked by the verifier", rates["checked"], 15_000)


def bundled(ground: Ground) -> Iterator[Line]:
    """A bundle of records, built, and checked by the stand-alone verifier in its own process."""
    number = ground.effort.of(BUNDLED)
    settings = replace(Settings(), custody=str(ground.folder / "custody"))
    with opened(ground.sqlite()) as engine:
        ledger = Ledger(engine, SLUG)
        keys_of(ledger, settings).new()
        recorded(ledger, ground.effort.of(RECORDS))
        Rounds(ledger, settings).go()
        wanted = Wanted(ranges=((1, number),))
        rounds = [built(ledger, settings, wanted, ground) for _ in range(ground.effort.rounds)]
    for what, seconds in zip(("built", "checked offline"), zip(*rounds, strict=True), strict=True):
        title = f"bundle of {number:,} records {what}"
        yield Line(title, median(seconds), unit="s", most=MOST_SECONDS)


def built(
    ledger: Ledger, settings: Settings, wanted: Wanted, ground: Ground
) -> tuple[float, float]:
    """How many seconds a bundle takes, and how many its verification."""
    file = ground.folder / "evidence.zip"
    with watched() as building, file.open("wb") as out:
        Prover(ledger, settings).bundle(wanted, out)
    words = [sys.executable, wenxiao_verify.__file__, "--trust-bundle-keys", str(file)]
    with watched() as checking:
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    return building.seconds, checking.seconds


def on_postgresql(ground: Ground) -> Iterator[Line]:
    """Appending with the roots of subtrees kept, and without, as it was before they were."""
    share = ground.effort.of
    with opened(ground.postgresql()) as engine:
        recorder = Recorder(engine, SLUG)
        kept = many_each(recorder, names, share(200 // TURNS), HUNDRED)

        def without() -> float:
            with nothing_kept():
                return kept()

        rates = alternately(TURNS * ground.effort.rounds, {"with": kept, "without": without})
    yield compared("100 per commit, subtrees kept", rates, "with", "without:not kept", 0.9)


@contextmanager
def nothing_kept() -> Iterator[None]:
    """No root of a subtree is kept."""
    grown = Batch._grown

    def without(batch: Batch) -> tuple[Head, list[Completed]]:
        return grown(batch)[0], []

    with patch.object(Batch, "_grown", without):
        yield


def made(tree: Tree, number: int) -> Side:
    """Proofs of records that are chosen at random, always the same."""

    def side() -> float:
        chosen = some(tree.size, number)
        with watched() as watch:
            for position in chosen:
                tree.inclusion(position)
        return watch.rate(number)

    return side


def checked(tree: Tree, number: int) -> Side:
    """The same records, each proven to be in the tree by a file of a bundle of it alone."""
    its, root = wenxiao_verify.SHA256, tree.root
    proofs = [
        ([position], [tree.complete(0, position - 1)], pruned(tree, [position]).encode())
        for position in some(tree.size, number)
    ]

    def side() -> float:
        with watched() as watch:
            for positions, leaves, given in proofs:
                wenxiao_verify.Pruned(its, positions, leaves, given).require(tree.size, root)
        return watch.rate(number)

    return side


def some(size: int, number: int) -> list[int]:
    """Positions all over a ledger."""
    chosen = random.Random(7)
    return [chosen.randint(1, size) for _ in range(number)]


def wanted(what: str, rates: tuple[float, ...], least: float) -> Line:
    """A rate that is to be reached whatever the machine."""
    ratios = tuple(rate / least for rate in rates)
    return Line(what, median(rates), peer="wanted", theirs=least, ratios=ratios, least=1)
