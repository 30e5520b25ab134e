"""见证规则: whose word is enough, in a file: C2SP ``tlog-policy``.

It names the ledgers' keys, the witnesses' keys (with the address at which each can be asked),
groups of witnesses, and the quorum: a witness, a group of which so many must have signed, or
``none``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from service.proofs.notes import BadNote, Kind, PublicKey

ALLOWED = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
NONE = "none"
MOST_WITNESSES = 32
"""As many as ``tlog-policy`` wants understood: with all their signatures a note can be read."""


class BadPolicy(ValueError):
    """规则有误: the file cannot be understood; the message names the line."""


@dataclass(frozen=True)
class Witness:
    """见证人: an outsider who vouches that a ledger has only grown."""

    name: str
    key: PublicKey
    url: str = ""


@dataclass(frozen=True)
class Group:
    """Witnesses, or groups of them, of which so many are enough."""

    enough: int
    members: tuple[str, ...]


@dataclass
class Policy:
    """见证规则: which keys sign for a ledger, and which witnesses must have seen what they sign."""

    logs: list[PublicKey] = field(default_factory=list)
    witnesses: dict[str, Witness] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    quorum: str = ""
    text: str = ""
    """As it was written."""

    @classmethod
    def read(cls, path: Path) -> Policy:
        """The policy of a file. Raises ``BadPolicy`` naming the file, whatever is wrong with it."""
        try:
            return cls.parse(path.read_text("utf-8"))
        except BadPolicy as error:
            raise BadPolicy(f"{path}: {error}") from error
        except UnicodeDecodeError as error:
            raise BadPolicy(f"{path} is not in UTF-8") from error
        except OSError as error:
            raise BadPolicy(f"{path} cannot be read: {error.strerror}") from error

    @classmethod
    def parse(cls, text: str) -> Policy:
        """Understand the text of a file. Raises ``BadPolicy`` naming the line that is wrong."""
        policy = cls(text=text)
        for number, line in enumerate(text.split("\n"), 1):
            words = line.replace("\t", " ").split(" ")
            if said := [word for word in words if word]:
                try:
                    policy._read(line, *said)
                except (BadNote, BadPolicy) as error:
                    raise BadPolicy(f"line {number}: {error}") from error
        if not policy.quorum:
            raise BadPolicy("no line says what the quorum is")
        return policy

    def is_reached(self, keys: Collection[PublicKey]) -> bool:
        """Have enough of the witnesses signed, if these keys have?"""
        return self.quorum == NONE or self._has_witnessed(self.quorum, keys)

    def keys(self) -> Iterator[PublicKey]:
        """Every key that it knows."""
        yield from self.logs
        yield from (witness.key for witness in self.witnesses.values())

    def _has_witnessed(self, name: str, keys: Collection[PublicKey]) -> bool:
        if witness := self.witnesses.get(name):
            return witness.key in keys
        group = self.groups[name]
        return sum(self._has_witnessed(each, keys) for each in group.members) >= group.enough

    def _read(self, line: str, *said: str) -> None:
        match said:
            case (word, *_) if word.startswith("#"):
                return
            case _ if not ALLOWED.fullmatch(line):
                raise BadPolicy("a control character")
            case ("log", key, *rest) if len(rest) < 2:
                self.logs.append(self._new_key(key, Kind.LOG))
            case ("witness", name, key, *rest) if len(rest) < 2:
                if len(self.witnesses) == MOST_WITNESSES:
                    raise BadPolicy(f"more than {MOST_WITNESSES} witnesses")
                kept = self._new_key(key, Kind.WITNESS)
                self.witnesses[self._new_name(name)] = Witness(name, kept, *rest)
            case ("group", name, enough, *members) if members:
                self.groups[self._new_name(name)] = self._group(enough, members)
            case ("quorum", name) if not self.quorum:
                self.quorum = name if name == NONE else self._known(name)
            case _:
                raise BadPolicy(f"not understood: {line.strip()[:100]}")

    def _new_key(self, text: str, kind: Kind) -> PublicKey:
        key = PublicKey.parse(text)
        if key.kind is not kind:
            raise BadPolicy(f"not a key that a {kind.name.lower()} signs with: {text}")
        if key.key in {known.key for known in self.keys()}:
            raise BadPolicy(f"the same key twice: {text}")
        return key

    def _new_name(self, name: str) -> str:
        if name == NONE or name in self.witnesses or name in self.groups:
            raise BadPolicy(f"a name that is taken: {name}")
        return name

    def _known(self, name: str) -> str:
        if name not in self.witnesses and name not in self.groups:
            raise BadPolicy(f"nothing above is called {name}")
        return name

    def _group(self, enough: str, members: list[str]) -> Group:
        taken = {member for group in self.groups.values() for member in group.members}
        for member in members:
            self._known(member)
        if len({*members}) < len(members) or taken & {*members}:
            raise BadPolicy("a member of two groups, or of one twice")
        numbers = {str(n): n for n in range(1, len(members) + 1)}
        number = numbers.get(enough) or {"any": 1, "all": len(members)}.get(enough)
        if number is None:
            raise BadPolicy(f"{enough} of {len(members)}")
        return Group(number, tuple(members))
