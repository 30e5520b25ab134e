"""The roster: 37 and no more, no such history, and whatever else somebody would like it to say."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.ledger.hashes import ALGORITHMS, SHA256, Algorithm
from service.proofs import wenxiao_verify
from service.proofs.bundles import listed_told
from service.proofs.checkpoints import base64_of
from service.proofs.roster import Listed, Roster, RosterProof, key_of
from service.proofs.wenxiao_verify import Wrong

algorithms = st.sampled_from(ALGORITHMS)
names = st.sets(st.integers(0, 500).map(lambda n: f"project/2021-{n:03d}"), max_size=40)
PROJECT = Listed("project/2021-017", 37, 1_204)


def listed(streams: set[str]) -> list[Listed]:
    return [Listed(stream, len(stream) % 7 + 1, n) for n, stream in enumerate(sorted(streams), 1)]


def require_listed(algorithm: Algorithm, root: bytes, stream: str, proof: RosterProof) -> None:
    """An auditor's verifier takes it. Raises ``Wrong``."""
    (its,) = (each for each in wenxiao_verify.ALGORITHMS if each.name == algorithm.name)
    told = {"stream": stream, "found": proof.found and listed_told(proof.found)}
    wenxiao_verify.require_listed(its, root, told | {its.name: [*map(base64_of, proof.path)]})


def defined_root(algorithm: Algorithm, streams: list[Listed], depth: int = 0) -> bytes:
    """The definition, word for word."""
    if not streams:
        return algorithm.empty
    if len(streams) == 1:
        return algorithm.leaf(bytes(streams[0]))
    halves: tuple[list[Listed], list[Listed]] = ([], [])
    for each in streams:
        halves[key_of(each.stream) >> 255 - depth & 1].append(each)
    return algorithm.node(*(defined_root(algorithm, half, depth + 1) for half in halves))


def test_a_stream_is_written_in_one_way() -> None:
    assert bytes(PROJECT) == b"wenxiao-roster/1\nproject/2021-017\n37\n1204"


@given(algorithms, names)
def test_the_root_is_the_defined_one(algorithm: Algorithm, streams: set[str]) -> None:
    assert Roster(listed(streams)).root(algorithm) == defined_root(algorithm, listed(streams))


@given(algorithms, names.map(sorted).flatmap(st.permutations))
def test_it_is_the_same_in_whatever_order_it_was_made(
    algorithm: Algorithm, streams: list[str]
) -> None:
    last = listed({*streams})
    roster = Roster()
    for stream in streams:
        roster.put(Listed(stream, 1, 1))
    begun = [Listed(each, 1, 1) for each in streams]
    assert roster.root(algorithm) == defined_root(algorithm, begun)
    for each in last:
        roster.put(each)
    assert roster.root(algorithm) == defined_root(algorithm, last)


@given(algorithms, names)
def test_every_stream_is_listed_and_no_other(algorithm: Algorithm, streams: set[str]) -> None:
    roster = Roster(listed(streams))
    for each in listed(streams):
        proof = roster.proof(each.stream, algorithm)
        assert proof.found == each
        require_listed(algorithm, roster.root(algorithm), each.stream, proof)
    absent = roster.proof("project/absent", algorithm)
    assert absent.found is None or absent.found.stream != "project/absent"
    require_listed(algorithm, roster.root(algorithm), "project/absent", absent)


@given(algorithms, names.filter(bool), st.data())
def test_nothing_else_is_proven(
    algorithm: Algorithm, streams: set[str], data: st.DataObject
) -> None:
    roster = Roster(listed(streams))
    each = data.draw(st.sampled_from(listed(streams)))
    proof = roster.proof(each.stream, algorithm)
    fewer = replace(each, length=each.length - 1)
    lies = [
        RosterProof(fewer, proof.path),
        RosterProof(replace(each, last=each.last + 1), proof.path),
        RosterProof(None, proof.path),
        RosterProof(each, (*proof.path, bytes(32))),
        RosterProof(each, (algorithm.empty, *proof.path)),
        RosterProof(each, tuple(path[:31] for path in proof.path) or (b"",)),
    ]
    if proof.path:
        lies += [RosterProof(each, proof.path[1:]), RosterProof(each, proof.path[:-1])]
    for lie in lies:
        with pytest.raises(Wrong):
            require_listed(algorithm, roster.root(algorithm), each.stream, lie)


def test_another_stream_cannot_stand_in_for_one_that_is_there() -> None:
    """Its place is taken: nobody else's path leads there."""
    streams = [Listed(f"project/{n}", 1, n) for n in range(1, 100)]
    roster = Roster(streams)
    for each in streams[1:]:
        with pytest.raises(Wrong, match="says otherwise"):
            require_listed(
                SHA256, roster.root(SHA256), "project/1", roster.proof(each.stream, SHA256)
            )


def test_a_path_longer_than_a_place_is_refused() -> None:
    with pytest.raises(Wrong, match="says otherwise"):
        require_listed(SHA256, bytes(32), "project/1", RosterProof(None, (bytes(32),) * 257))
