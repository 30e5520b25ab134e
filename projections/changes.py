"""What a batch of records changes in a read model: rows that end, and rows that begin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from projections.base import ReadModel, Row
    from projections.places import Quarantined
    from projections.streams import StreamModel

R = TypeVar("R", bound="Row")
Key = tuple[Any, ...]
Values = tuple[Any, ...]


@dataclass(frozen=True)
class Version:
    """A row as it stands, since when, and whether the database has it already."""

    values: Values
    since: int
    is_stored: bool = True


@dataclass
class Changes:
    """Everything that is written for one batch.

    ``closed``: what names a row, its ``since``, and the ``until`` that it gets; ``opened``: what
    names a row, its ``since`` and ``until``, and its other columns; ``healed``: positions in
    quarantine, and that of the correction after which their streams are read again.
    """

    closed: list[Values] = field(default_factory=list)
    opened: list[Values] = field(default_factory=list)
    quarantined: dict[int, Quarantined] = field(default_factory=dict)
    healed: dict[int, int] = field(default_factory=dict)

    def end(self, model: ReadModel[Any], version: Version, position: int) -> None:
        """A row stands no longer."""
        if version.is_stored:
            name = version.values[: len(model.IDENTITY)]
            self.closed.append((*name, version.since, position))
        else:
            self.opened.append(model.whole(version.values, version.since, position))

    def keep(self, model: ReadModel[Any], versions: Iterable[Version]) -> None:
        """What began in this batch and still stands."""
        for version in versions:
            if not version.is_stored:
                self.opened.append(model.whole(version.values, version.since, None))

    def quarantine(self, found: Quarantined) -> None:
        self.quarantined[found.position] = found


class Rows(Generic[R]):
    """The rows of one stream, by their key within it.

    ``rows[2021]`` is the row of a key, blank if there was none; ``rows.get(2021)`` makes none.
    """

    def __init__(self, kind: type[R], stream: str, rows: Iterable[R] = ()) -> None:
        self._kind, self._stream = kind, stream
        self._rows = {row.key: row for row in rows}
        self._touched: set[Key] = set()

    def __getitem__(self, key: Any) -> R:
        key = self._touch(key)
        if key not in self._rows:
            self._rows[key] = self._kind(self._stream, *key)
        return self._rows[key]

    def __delitem__(self, key: Any) -> None:
        self._rows.pop(self._touch(key), None)

    def __iter__(self) -> Iterator[R]:
        return iter([self[key] for key in sorted(self._rows)])

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, key: Any) -> R | None:
        """The row of a key, if there is one."""
        return self._rows.get(self._touch(key))

    @property
    def only(self) -> R:
        """The row of a stream that has one and no more."""
        return self[()]

    def touch_all(self, keys: Iterable[Key]) -> None:
        """Say of these rows that they may have changed."""
        self._touched.update(keys)

    def take_touched(self) -> list[tuple[Key, R | None]]:
        """What may have changed since this was last asked."""
        touched = sorted(self._touched)
        self._touched.clear()
        return [(key, self._rows.get(key)) for key in touched]

    def _touch(self, key: Any) -> Key:
        found: Key = key if isinstance(key, tuple) else (key,)
        self._touched.add(found)
        return found


class Tracked(Generic[R]):
    """One stream's rows while a batch passes: what they are, what they were, and since when."""

    def __init__(
        self, model: StreamModel[R], stream: str, versions: Iterable[Version] = ()
    ) -> None:
        self.model = model
        self._versions = {model.key_of(version.values): version for version in versions}
        standing = (model.row(version.values) for version in self._versions.values())
        self.rows = Rows(model.ROW, stream, standing)

    def replace(self, rows: Rows[R]) -> None:
        """Go on with other rows, whatever there was."""
        rows.touch_all(self._versions)
        self.rows = rows

    def settle(self, position: int, changes: Changes) -> None:
        """Compare before and after; what differs ends at this position, or begins at it."""
        for key, row in self.rows.take_touched():
            before = self._versions.get(key)
            values = None if row is None else self.model.values(row)
            if values == (before.values if before else None):
                continue
            if before:
                changes.end(self.model, self._versions.pop(key), position)
            if values is not None:
                self._versions[key] = Version(values, position, is_stored=False)

    def finish(self, changes: Changes) -> None:
        """Write down what began in this batch and still stands."""
        changes.keep(self.model, self._versions.values())
