"""默克尔证明: inclusion and consistency as RFC 9162 has them (2.1.3 and 2.1.4).

Making a proof takes the roots of complete subtrees, wherever they come from; checking one, as a
witness does, takes nothing but the proof. Both hold for any size at which the tree has ever been.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from service.ledger.hashes import Algorithm
from service.ledger.trees import WIDTH

Complete = Callable[[int, int], bytes]
"""The root of a complete subtree: of 2 to the power of its height leaves, and which one, from 0."""


class Unproven(ValueError):
    """This proof does not prove what it is said to prove."""


def root(algorithm: Algorithm, size: int, complete: Complete) -> bytes:
    """The root of the tree when it had so many leaves."""
    return _root(algorithm, 0, size, complete) if size else algorithm.empty


def inclusion(algorithm: Algorithm, index: int, size: int, complete: Complete) -> list[bytes]:
    """That a leaf, counted from 0, is in the tree of so many: from its sibling to the root's child.

    Raises ``IndexError`` where the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise IndexError(f"no leaf {index} in a tree of {size}")
    path, height, place, last = [], 0, index, size - 1
    while last:
        sibling = place ^ 1
        if sibling < last:
            path.append(complete(height, sibling))
        elif sibling == last:
            path.append(_root(algorithm, sibling << height, size, complete))
        height, place, last = height + 1, place >> 1, last >> 1
    return path


def consistency(algorithm: Algorithm, old: int, new: int, complete: Complete) -> list[bytes]:
    """That the tree of ``old`` leaves is the beginning of that of ``new``; empty for none or all.

    Raises ``IndexError`` where the old tree is the larger one.
    """
    if not 0 <= old <= new:
        raise IndexError(f"a tree of {old} is no beginning of one of {new}")
    if old in (0, new):
        return []
    path, begin, end, is_whole = [], 0, new, True
    while end != old:
        middle = begin + split(end - begin)
        if old <= middle:
            path.append(_root(algorithm, middle, end, complete))
            end = middle
        else:
            path.append(_root(algorithm, begin, middle, complete))
            begin, is_whole = middle, False
    if not is_whole:
        path.append(_root(algorithm, begin, end, complete))
    return path[::-1]


def require_consistency(
    algorithm: Algorithm,
    old: int,
    new: int,
    old_root: bytes,
    new_root: bytes,
    path: Sequence[bytes],
) -> None:
    """Raises ``Unproven`` unless the tree of the old root is the beginning of that of the new."""
    _require_hashes([old_root, new_root, *path])
    if not 0 < old <= new:
        raise Unproven(f"nothing follows from a tree of {old} for one of {new}")
    if old == new:
        if path or old_root != new_root:
            raise Unproven(f"two different trees of {old}")
        return
    was, is_now = _roots_from(algorithm, old, new, old_root, path)
    if was != old_root or is_now != new_root:
        raise Unproven(f"the tree of {old} is not the beginning of the tree of {new}")


def _roots_from(
    algorithm: Algorithm, old: int, new: int, old_root: bytes, path: Sequence[bytes]
) -> tuple[bytes, bytes]:
    """The two roots that follow from a proof of consistency."""
    siblings = iter(path if old & (old - 1) else (old_root, *path))
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    was = is_now = next(siblings, b"")
    if not was:
        raise Unproven("the path is empty")
    for sibling in siblings:
        if not last:
            raise Unproven("the path goes on above the root")
        if place & 1 or place == last:
            was, is_now = algorithm.node(sibling, was), algorithm.node(sibling, is_now)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            is_now = algorithm.node(is_now, sibling)
        place, last = place >> 1, last >> 1
    if last:
        raise Unproven("the path ends below the root")
    return was, is_now


def split(size: int) -> int:
    """Where a tree of two leaves or more divides: the largest power of two below its size."""
    return 1 << (size - 1).bit_length() - 1


def _root(algorithm: Algorithm, begin: int, end: int, complete: Complete) -> bytes:
    """The root over a range of leaves that begins where a complete subtree of its size could."""
    *larger, found = [complete(*each) for each in peaks(begin, end)]
    for peak in reversed(larger):
        found = algorithm.node(peak, found)
    return found


def peaks(begin: int, end: int) -> Iterator[tuple[int, int]]:
    """The complete subtrees that make up such a range, each by height and number."""
    while begin < end:
        height = (end - begin).bit_length() - 1
        yield height, begin >> height
        begin += 1 << height


def _require_hashes(hashes: Sequence[bytes]) -> None:
    if any(len(each) != WIDTH for each in hashes):
        raise Unproven(f"a hash has {WIDTH} bytes")
