"""What FORMATS.md tells strangers is so: its example is worked out there, and once more by us."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from service.ledger.entry import Entry
from service.ledger.hashes import ALGORITHMS, Algorithm
from service.ledger.trees import Frontier
from service.proofs.bundles import FORMAT
from service.proofs.checkpoints import EXTENSIONS
from service.proofs.roster import FORMAT as ROSTER_FORMAT
from service.proofs.roster import Listed, Roster
from tests.test_readme import BLOCK

PAGE = (Path(__file__).parents[2] / "FORMATS.md").read_text("utf-8")


@pytest.fixture(scope="module")
def worked() -> dict[str, Any]:
    """The names of the example, once it has been worked out as it stands there."""
    if "sm3" not in hashlib.algorithms_available and not os.environ.get("CI"):
        pytest.skip("this Python was built without SM3")
    (example,) = (block["text"] for block in BLOCK.finditer(PAGE) if block["kind"] == "python")
    names: dict[str, Any] = {}
    exec(example, names)  # noqa: S102 - the page is ours
    return names


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda each: each.name)
def test_the_worked_example_is_what_we_make_of_it(
    worked: dict[str, Any], algorithm: Algorithm
) -> None:
    entries = [Entry.parse(text.encode()) for text in worked["ENTRIES"]]
    tree = Frontier(algorithm).grown(algorithm.leaf(bytes(each)) for each in entries)
    listed = (Listed(each.stream, each.version, each.position) for each in entries)
    roots = tree.root.hex(), Roster(algorithm, listed).root.hex()
    assert worked["roots"](algorithm.name) == roots


def test_the_names_of_the_formats_are_ours() -> None:
    assert all(f"`{name}`" in PAGE for name in ("wenxiao/1", ROSTER_FORMAT, FORMAT))
    lines = [line.split() for line in PAGE.splitlines() if line.startswith("    ")]
    assert [line[0] for line in lines if line[0] in EXTENSIONS] == [*EXTENSIONS]
