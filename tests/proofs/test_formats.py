"""What FORMATS.md tells strangers is so: its example is worked out there, and once more by us."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from service.http.proofs import ConsistencyShape, InclusionShape
from service.ledger.entry import Entry
from service.ledger.hashes import ALGORITHMS, Algorithm
from service.ledger.trees import Frontier
from service.proofs import wenxiao_verify
from service.proofs.bundles import FORMAT
from service.proofs.checkpoints import EXTENSIONS
from service.proofs.roster import FORMAT as ROSTER_FORMAT
from service.proofs.roster import Listed, Roster
from tests.test_readme import BLOCK

PAGE = (Path(__file__).parents[2] / "FORMATS.md").read_text("utf-8")


@pytest.fixture(scope="module")
def worked() -> dict[str, Any]:
    """The names of the example, once it has been worked out as it stands there."""
    # The example asks `hashlib`, as its reader would; we have another SM3 where that has none.
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
    roots = tree.root.hex(), Roster(listed).root(algorithm).hex()
    assert worked["roots"](algorithm.name) == roots


def test_the_names_of_the_formats_are_ours() -> None:
    assert all(f"`{name}`" in PAGE for name in ("wenxiao/1", ROSTER_FORMAT, FORMAT))
    lines = [line.split() for line in PAGE.splitlines() if line.startswith("    ")]
    assert [line[0] for line in lines if line[0] in EXTENSIONS] == [*EXTENSIONS]


def keys_in(shape: Any) -> set[str]:
    """The keys of all objects in a shape of the verifier's."""
    if isinstance(shape, dict):
        return {*shape}.union(*map(keys_in, shape.values()))
    return set().union(*map(keys_in, shape)) if isinstance(shape, list | tuple) else set()


def test_every_name_in_what_is_json_is_told() -> None:
    its = wenxiao_verify
    bundled = keys_in([its.MANIFEST, its.ROSTER, its.KEPT, its.WITHHELD, its.PAPERS])
    proven = {
        field.data_key or name
        for shape in (InclusionShape, ConsistencyShape)
        for name, field in shape().fields.items()
    }
    names = bundled | proven | its.MEMBERS.keys() | {its.WITHHOLDING}
    assert [name for name in sorted(names) if f"`{name}`" not in PAGE] == []


def test_the_limits_are_those_of_the_verifier() -> None:
    its = wenxiao_verify
    large = {most for name, most in its.MEMBERS.items() if name.endswith((".json", "256", "sm3"))}
    assert large == {64 * its.MEGABYTE}
    for said in (
        f"{its.MOST_MEMBERS:,} members",
        f"{its.LONGEST_DIRECTORY // its.MEGABYTE} MiB; {its.MOST_UNPACKED // its.MEGABYTE} MiB",
        f"{its.LONGEST_NOTE:,} bytes and {its.MOST_SIGNATURES} signatures",
        f"{its.MOST_JSON_PARTS:,} of",
        f"more than {its.MOST_COMPLETE:,} of either",
        f"{its.MOST_FIELDS} different fields",
        f"at most {its.LONGEST_ENTRY:,} bytes",
    ):
        assert said in PAGE
