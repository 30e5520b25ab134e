"""What a proof of inclusion proves to whoever holds one, RFC 9162 (2.1.3.2)."""

from __future__ import annotations

from collections.abc import Sequence

from service.ledger.hashes import Algorithm


class NotIncluded(ValueError):
    """This proof does not prove what it is said to prove."""


def root_from(
    algorithm: Algorithm, leaf: bytes, index: int, size: int, path: Sequence[bytes]
) -> bytes:
    """The root that follows if this leaf stands there in a tree of that size.

    Raises ``NotIncluded`` where the path is of another length than that takes.
    """
    if not 0 <= index < size:
        raise NotIncluded(f"no leaf {index} in a tree of {size}")
    place, last, found = index, size - 1, leaf
    for sibling in path:
        if not last:
            raise NotIncluded("the path goes on above the root")
        if place & 1 or place == last:
            found = algorithm.node(sibling, found)
            while not place & 1:
                place, last = place >> 1, last >> 1
        else:
            found = algorithm.node(found, sibling)
        place, last = place >> 1, last >> 1
    if last:
        raise NotIncluded("the path ends below the root")
    return found


def require_inclusion(
    algorithm: Algorithm, leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> None:
    """Raises ``NotIncluded`` unless this leaf stands there in the tree of this root."""
    if root_from(algorithm, leaf, index, size, path) != root:
        raise NotIncluded(f"leaf {index} is not in the tree of {size} by this root")
