"""问效独立核验: checks what a ledger hands out, for somebody who believes nobody.

    python wenxiao_verify.py [--policy FILE] [--retired FILE] [--trust-bundle-keys]
        [--stream NAME]… [--range A-B]… [--against CHECKPOINT]… [--json] BUNDLE.zip|TILES_DIR

One file, longer than others here, because it has to stand alone: Python 3.11 or later and its
standard library, nothing of the service that it checks, no network. Read it before you rely on it;
it goes from the hashes up.

It ends with 0 where all is true, 1 where something is false, 2 where it was called wrongly, and 3
where there was nothing to check, or not enough: no key that comes from elsewhere than the bundle,
or another checkpoint that cannot be compared.

What it reads
-------------
An entry (``wenxiao/1``) is one record as it is hashed: see `ENTRY`. The entries of a ledger are the
leaves of two trees as RFC 9162 (2.1.1) has them, one by SHA-256, one by SM3 (GB/T 32905); position
n is leaf n - 1. The roster says of every stream how many records it has and where the last one
stands: a binary trie over SHA-256 of the streams' names, see `roster_root`. The checkpoint states
the ledger's size and the roots, and is signed: C2SP ``tlog-checkpoint`` and ``signed-note``, with
cosignatures by witnesses (``tlog-cosignature``). Whose word is enough stands in a policy
(``tlog-policy``). A file of retired keys has lines of ``<key> <last size>``: what such a key has
signed counts up to that size only. It takes trust away and never gives any: a key counts only if
the policy names it as well.

An evidence bundle (``wenxiao-bundle/1``) is a zip of

    manifest.json      which ledger, which records, and of what they are said to be all
    checkpoint         the signed note
    policy, retired    what the office suggests; to be believed only if it comes from elsewhere
    records/<n>        the entry at each position
    tree.sha256/.sm3   roots of subtrees without a bundled record: height, number, hash
    roster.json        for each stream that is said to be complete, what the roster says of it
    values.json        personal values, and in which field of which record the digest stands that
                       commits to each; or which record withheld it
    attachments.json   the papers that records name, by digest and number
    cover.html         for people; not evidence, and never looked at

A directory of tiles (``tlog-tiles``) holds ``checkpoint``, ``tile/<level>/<n>``,
``tile/entries/<n>`` and, for the tree by SM3, ``sm3/tile/<level>/<n>``.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import json
import re
import stat
import struct
import sys
import zipfile
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")

MEGABYTE = 1 << 20
MOST_MEMBERS = 300_000
MOST_UNPACKED = 512 * MEGABYTE
LONGEST_ENTRY = 65_535
LONGEST_NOTE = 100_000
MOST_SIGNATURES = 64
LONGEST_DIRECTORY = 32 * MEGABYTE
"""The most bytes that the zip's own list of members may take."""

MOST_JSON_PARTS = 3_000_000
"""The most values of one JSON file: a few bytes of it may take a hundred in memory."""

LARGEST = 2**63 - 1

MEMBERS = {
    "manifest.json": 64 * MEGABYTE,
    "checkpoint": LONGEST_NOTE,
    "policy": MEGABYTE,
    "retired": MEGABYTE,
    "tree.sha256": 64 * MEGABYTE,
    "tree.sm3": 64 * MEGABYTE,
    "roster.json": 64 * MEGABYTE,
    "values.json": 64 * MEGABYTE,
    "attachments.json": 64 * MEGABYTE,
    "cover.html": MEGABYTE,
}
"""What a bundle consists of beside its records, and the most bytes of each that are read."""

MAY_BE_MISSING = {"retired"}


Said = str
"""A sentence in Chinese and in English, with `·` between them."""


class Wrong(Exception):
    """有误: something is not as it is said to be; which, and at which position."""

    def __init__(self, says: Said, position: int | None = None) -> None:
        super().__init__(says)
        self.says, self.position = says, position


class Unchecked(Exception):
    """未查: something could not be checked; why."""


class Lacking(Unchecked):
    """材料不足: something could not be checked, without which what was asked is not proven."""


def shown(text: object, most: int = 100) -> str:
    """Foreign text, fit for a terminal: nothing invisible, and not too much of it."""
    kept = str(text)[:most]
    return "".join(each if each.isprintable() else f"\\u{{{ord(each):x}}}" for each in kept)


# 一、杂凑 Hashes


@dataclass(frozen=True)
class Algorithm:
    """杂凑算法: how a tree hashes its leaves and its nodes, RFC 9162 (2.1.1)."""

    name: str
    digest: Callable[[bytes], bytes]

    def leaf(self, entry: bytes) -> bytes:
        return self.digest(b"\x00" + entry)

    def node(self, left: bytes, right: bytes) -> bytes:
        return self.digest(b"\x01" + left + right)


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def rotated(word: int, by: int) -> int:
    """A word of 32 bits, rotated to the left."""
    by %= 32
    return (word << by | word >> 32 - by) & 0xFFFFFFFF


SM3_BEGIN = struct.unpack(
    ">8I", bytes.fromhex("7380166f4914b2b9172442d7da8a0600a96f30bc163138aae38dee4db0fb0e4e")
)
SM3_ROUNDS = [rotated(0x79CC4519 if n < 16 else 0x7A879D8A, n) for n in range(64)]


def sm3_by_hand(data: bytes) -> bytes:
    """SM3 as GB/T 32905 defines it, where this Python's OpenSSL was built without."""
    padded = data + b"\x80" + bytes(-(len(data) + 9) % 64) + struct.pack(">Q", 8 * len(data))
    state: tuple[int, ...] = SM3_BEGIN
    for at in range(0, len(padded), 64):
        state = sm3_compressed(state, padded[at : at + 64])
    return struct.pack(">8I", *state)


def sm3_compressed(state: tuple[int, ...], block: bytes) -> tuple[int, ...]:
    """GB/T 32905, 5.3: the state after one more block of 64 bytes."""
    words = sm3_expanded(block)
    a, b, c, d, e, f, g, h = state
    for n in range(64):
        twelve = rotated(a, 12)
        first = rotated(twelve + e + SM3_ROUNDS[n] & 0xFFFFFFFF, 7)
        ff, gg = (a ^ b ^ c, e ^ f ^ g) if n < 16 else (a & b | a & c | b & c, e & f | ~e & g)
        left = ff + d + (first ^ twelve) + (words[n] ^ words[n + 4]) & 0xFFFFFFFF
        right = gg + h + first + words[n] & 0xFFFFFFFF
        a, b, c, d = left, a, rotated(b, 9), c
        e, f, g, h = right ^ rotated(right, 9) ^ rotated(right, 17), e, rotated(f, 19), g
    return tuple(old ^ new for old, new in zip(state, (a, b, c, d, e, f, g, h), strict=True))


def sm3_expanded(block: bytes) -> list[int]:
    """GB/T 32905, 5.3.2: sixteen words, and those that follow from them."""
    words = list(struct.unpack(">16I", block))
    for n in range(16, 68):
        word = words[n - 16] ^ words[n - 9] ^ rotated(words[n - 3], 15)
        word ^= rotated(word, 15) ^ rotated(word, 23)
        words.append(word ^ rotated(words[n - 13], 7) ^ words[n - 6])
    return words


def fastest_sm3() -> Callable[[bytes], bytes]:
    """SM3 of this Python, where it has one; copying a fresh one is cheaper than finding another."""
    try:
        fresh = hashlib.new("sm3")
    except ValueError:
        return sm3_by_hand

    def sm3(data: bytes) -> bytes:
        hashing = fresh.copy()
        hashing.update(data)
        return hashing.digest()

    return sm3


SHA256 = Algorithm("sha256", sha256)
SM3 = Algorithm("sm3", fastest_sm3())
ALGORITHMS = (SHA256, SM3)


# 二、签名 Ed25519, RFC 8032 (5.1.7)

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)

Point = tuple[int, int, int, int]
"""X, Y, Z and T, for x = X/Z, y = Y/Z, xy = T/Z."""

NEUTRAL: Point = (0, 1, 1, 0)


def plus(p: Point, q: Point) -> Point:
    """The sum of two points, which may be the same."""
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c = 2 * p[3] * q[3] * D % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def point(data: bytes) -> Point | None:
    """A point as it is written; None where these 32 bytes are none, or not the one way to write."""
    sign, y = divmod(int.from_bytes(data, "little"), 1 << 255)
    if y >= P:
        return None
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * v**3 * pow(u * v**7, (P - 5) // 8, P) % P
    if (v * x * x - u) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (v * x * x - u) % P or (sign and not x):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


def written(p: Point) -> bytes:
    """A point as it is written."""
    by = pow(p[2], -1, P)
    x, y = p[0] * by % P, p[1] * by % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


BASE = point((4 * pow(5, -1, P) % P).to_bytes(32, "little")) or NEUTRAL


def multiples(p: Point) -> list[Point]:
    """None, one, two and three of it."""
    two = plus(p, p)
    return [NEUTRAL, p, two, plus(two, p)]


def joint(s: int, k: int, p: Point) -> Point:
    """The base s times and another point k times, in one go, two bits at a time."""
    table = [plus(b, a) for b in multiples(BASE) for a in multiples(p)]
    found = NEUTRAL
    for shift in range(252, -1, -2):
        found = plus(found, found)
        found = plus(found, found)
        found = plus(found, table[(s >> shift & 3) << 2 | k >> shift & 3])
    return found


def has_small_order(p: Point) -> bool:
    """Is it one of the eight points by which anything could be signed?"""
    for _ in range(3):
        p = plus(p, p)
    return not p[0] % P


def is_signed(key: bytes, signature: bytes, message: bytes) -> bool:
    """Is this the signature by this key? R and S are taken in the one way to write them only."""
    public = point(key)
    s = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or s >= ORDER or public is None or has_small_order(public):
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    x, y, z, t = public
    return written(joint(s, k, (P - x, y, z, P - t))) == signature[:32]


RFC_8032 = (
    (
        "",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155",
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "72",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da",
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "af82",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac",
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
)
"""RFC 8032, 7.1, tests 1 to 3: message, key, and the halves of the signature."""

KNOWN_DIGESTS = (
    (sha256, b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (SM3.digest, b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
    (SM3.digest, b"abcd" * 16, "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"),
)
"""FIPS 180-4, and GB/T 32905, A.1 and A.2."""


@cache
def is_sound() -> bool:
    """Does this program, on this machine, know the published examples?"""
    for message, key, *halves in ([*map(bytes.fromhex, each)] for each in RFC_8032):
        signature = b"".join(halves)
        if not is_signed(key, signature, message) or is_signed(key, signature, message + b"!"):
            return False
    return all(digest(data).hex() == known for digest, data, known in KNOWN_DIGESTS)


# 三、签名文与见证规则 Notes and policies

CONTROL = re.compile(r"[\x00-\x1f\x7f]")
NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
CHECKPOINT = re.compile(
    rf"([^\n]+)\n({NUMBER.pattern})\n"  # origin, size
    r"([^\n]+)\nsm3 ([^\n]+)\nroster-sha256 ([^\n]+)\nroster-sm3 ([^\n]+)\n"
    rf"previous ({NUMBER.pattern})\n"
)
LOG, WITNESS = 1, 4
"""What a key signs, by the numbers of ``signed-note``: a text, or a text and a time."""


def is_utf8(text: str) -> bool:
    """Has it no half of a surrogate pair?"""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def text_in(data: bytes) -> str:
    """UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Wrong("不是 UTF-8 文本 · not in UTF-8") from None


def unbase64(text: str) -> bytes:
    """What is written in base 64, in the one way that there is."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        data = b""
    if not data or base64.b64encode(data).decode() != text:
        raise Wrong(f"base64 有误 · not in base 64: {shown(text)}")
    return data


def hash_in(text: str) -> bytes:
    """A hash as it is written."""
    data = unbase64(text)
    if len(data) != 32:
        raise Wrong(f"杂凑值应有 32 字节 · a hash has 32 bytes: {shown(text)}")
    return data


def name_in(text: str) -> str:
    """The name of a key."""
    is_name = text and "+" not in text and min(text) > " " and is_utf8(text)
    if not is_name or any(map(str.isspace, text)):
        raise Wrong(f"不是密钥名称 · not a key's name: {shown(text)}")
    return text


class Key(NamedTuple):
    """公钥: whose signatures it tells."""

    name: str
    kind: int
    data: bytes

    @property
    def number(self) -> bytes:
        """By which a signature names it, beside its name."""
        return sha256(b"%b\n%c%b" % (self.name.encode(), self.kind, self.data))[:4]

    def __str__(self) -> str:
        return f"{shown(self.name)}+{self.number.hex()}"

    @classmethod
    def parse(cls, text: str) -> Key:
        """A key as it is written, ``name+number+key``."""
        name, _, rest = text.partition("+")
        number, _, kept = rest.partition("+")
        data = unbase64(kept)
        key = cls(name_in(name), data[0], data[1:])
        if len(data) != 33 or key.kind not in (LOG, WITNESS) or key.number.hex() != number:
            raise Wrong(f"不是可用的公钥 · not a key of use here: {shown(text)}")
        return key


class Signature(NamedTuple):
    """签名: one line of a note."""

    name: str
    number: bytes
    value: bytes

    @classmethod
    def parse(cls, line: str) -> Signature:
        dash, _, rest = line.partition(" ")
        name, _, kept = rest.partition(" ")
        data = unbase64(kept)
        if dash != "—" or len(data) <= 4:
            raise Wrong(f"不是签名 · no signature: {shown(line)}")
        return cls(name_in(name), data[:4], data[4:])


class Note(NamedTuple):
    """签名文: a text and who signed it."""

    text: str
    signatures: list[Signature]

    @classmethod
    def parse(cls, data: bytes) -> Note:
        """A note as it is written."""
        whole = text_in(data)
        text, _, rest = whole.rpartition("\n\n")
        *lines, end = rest.split("\n")
        is_plain = len(data) <= LONGEST_NOTE and min(whole.replace("\n", " "), default="") >= " "
        if not is_plain or not text or end or not 0 < len(lines) <= MOST_SIGNATURES:
            raise Wrong("不是签名文 · not a signed note")
        return cls(f"{text}\n", [*map(Signature.parse, lines)])

    def signers(self, keys: Iterable[Key]) -> dict[Key, int]:
        """Which of these keys have signed it, and when each witness did; others are passed over."""
        known = {(key.name, key.number): key for key in keys}
        found: dict[Key, int] = {}
        for name, number, value in self.signatures:
            if key := known.get((name, number)):
                found[key] = self._time(key, value)
        return found

    def _time(self, key: Key, value: bytes) -> int:
        """When this key signed, in seconds since 1970; 0 for a log."""
        time, message = 0, self.text.encode()
        if key.kind == WITNESS:
            time = int.from_bytes(value[:8])
            message, value = b"cosignature/v1\ntime %d\n%b" % (time, message), value[8:]
        if not is_signed(key.data, value, message):
            raise Wrong(f"签名是假的 · a false signature: {key}")
        return time


class Checkpoint(NamedTuple):
    """检查点: which ledger, its size, the roots of its trees and of its roster there.

    ``previous`` is the size of the checkpoint before it, 0 for the first.
    """

    origin: str
    size: int
    previous: int
    sha256: bytes
    sm3: bytes
    roster_sha256: bytes
    roster_sm3: bytes

    @property
    def roots(self) -> tuple[bytes, ...]:
        return self[3:]

    @property
    def ledger(self) -> str:
        """The ledger's own name: the end of the origin, without the number of a renewed log."""
        return self.origin.rpartition("/")[2].partition(".")[0]

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """The text that is signed."""
        said = CHECKPOINT.fullmatch(text)
        if said is None:
            raise Wrong("不是问效的检查点 · not a checkpoint of Wenxiao")
        origin, size, *roots, previous = said.groups()
        if not int(previous) < max(int(size), 1):
            raise Wrong("前一检查点不可能更大 · not smaller than it: the one before it")
        return cls(origin, int(size), int(previous), *map(hash_in, roots))


@dataclass
class Policy:
    """见证规则: which keys sign for a ledger, and which witnesses must have seen what they sign."""

    logs: list[Key] = field(default_factory=list)
    witnesses: dict[str, Key] = field(default_factory=dict)
    groups: dict[str, tuple[int, list[str]]] = field(default_factory=dict)
    quorum: str = ""
    _used: set[str | bytes] = field(default_factory=set)
    """Keys, and members of groups: each may occur once."""

    @classmethod
    def parse(cls, data: bytes) -> Policy:
        """Read a file; what is wrong names the line."""
        policy = cls()
        for number, line in enumerate(data.decode(errors="surrogateescape").split("\n"), 1):
            words = [word for word in line.replace("\t", " ").split(" ") if word]
            try:
                if words and not words[0].startswith("#"):
                    policy._read(*words)
            except Wrong as wrong:
                raise Wrong(f"规则 policy, {number}: {wrong.says}") from None
        if not policy.quorum:
            raise Wrong("规则没有写明 quorum · no line of the policy says what the quorum is")
        return policy

    def is_reached(self, signers: Iterable[Key]) -> bool:
        """Have enough of the witnesses signed, if these have?"""
        there = {*signers}
        reached = {name for name, key in self.witnesses.items() if key in there} | {"none"}
        for name, (enough, members) in self.groups.items():  # none names a later one
            if sum(member in reached for member in members) >= enough:
                reached.add(name)
        return self.quorum in reached

    def _read(self, *words: str) -> None:
        if any(map(CONTROL.search, words)):
            raise Wrong("控制字符（换行只用 LF） · a control character (lines end in LF)")
        match words:
            case ("log", key, *rest) if len(rest) < 2:
                self.logs.append(self._key(key, LOG))
            case ("witness", name, key, *rest) if len(rest) < 2:
                self.witnesses[self._new(name)] = self._key(key, WITNESS)
            case ("group", name, enough, *members) if members:
                self.groups[self._new(name)] = self._enough(enough, members), members
            case ("quorum", name) if not self.quorum and (name == "none" or self._is_known(name)):
                self.quorum = name
            case _:
                raise Wrong(f"看不懂 · not understood: {shown(' '.join(words))}")

    def _key(self, text: str, kind: int) -> Key:
        key = Key.parse(text)
        if key.kind != kind or key.data in self._used:
            raise Wrong(f"公钥用途不符或重复 · a key of another kind, or twice: {key}")
        self._used.add(key.data)
        return key

    def _is_known(self, name: str) -> bool:
        return name in self.witnesses or name in self.groups

    def _new(self, name: str) -> str:
        if name == "none" or self._is_known(name):
            raise Wrong(f"名称重复 · a name that is taken: {shown(name)}")
        return name

    def _enough(self, enough: str, members: list[str]) -> int:
        is_known = all(self._is_known(member) and member not in self._used for member in members)
        if not is_known or len({*members}) < len(members):
            raise Wrong("组员未定义或重复 · a member unknown, of two groups, or twice")
        self._used |= {*members}
        numbers = {str(n): n for n in range(1, len(members) + 1)}
        if number := ({"any": 1, "all": len(members)} | numbers).get(enough):
            return number
        raise Wrong(f"人数不对 · not a number of members: {shown(enough)}")


class Retired:
    """停用的密钥: up to which size what each has signed counts; and lines that say nothing."""

    def __init__(self, data: bytes = b"") -> None:
        self.lasts: dict[bytes, int] = {}
        self.wrong: list[Wrong] = []
        for line in data.split(b"\n"):
            try:
                if line and not line.startswith(b"#"):
                    self._read(text_in(line))
            except Wrong as wrong:
                self.wrong.append(wrong)

    @classmethod
    def parse(cls, data: bytes) -> Retired:
        """Of a file every line of which is understood."""
        found = cls(data)
        for wrong in found.wrong:
            raise wrong
        return found

    def retire(self, key: bytes, last: int) -> None:
        """What it signs beyond that size does not count."""
        self.lasts[key] = min(last, self.lasts.get(key, last))

    def _read(self, line: str) -> None:
        key, _, size = line.partition(" ")
        if not NUMBER.fullmatch(size):
            raise Wrong(f"看不懂 · not understood: {shown(line)}")
        self.retire(Key.parse(key).data, int(size))


@dataclass(frozen=True)
class Trust:
    """信任依据: whose word is enough, and which keys have been retired."""

    policy: Policy
    retired: dict[bytes, int]

    def signers(self, note: Note, checkpoint: Checkpoint) -> dict[Key, int]:
        """Who has signed this checkpoint; one that no key of its ledger has signed is wrong."""
        logs = [key for key in self.policy.logs if key.name == checkpoint.origin]
        found = note.signers([*logs, *self.policy.witnesses.values()])
        if not any(key in found for key in logs):
            there = ", ".join(shown(each.name) for each in note.signatures[:3])
            raise Wrong(f"规则所列账本密钥均未签署 · not signed by a ledger's key: {there}")
        return found

    def require_in_force(self, signers: Iterable[Key], size: int) -> Said:
        """One of the ledger's keys that have signed was in force at that size."""
        lasts = {key: self.retired.get(key.data, LARGEST) for key in signers if key.kind == LOG}
        if all(size > last for last in lasts.values()):
            said = ", ".join(f"{key} ≤ {last}" for key, last in lasts.items())
            raise Wrong(f"签署密钥此前已停用 · signed by a key that was retired before: {said}")
        return f"未停用 · in force (known to be retired: {len(self.retired)})"

    def require_quorum(self, signers: dict[Key, int]) -> Said:
        """Enough witnesses have signed."""
        seen = [f"{key} {when(time)}" for key, time in signers.items() if key.kind == WITNESS]
        there = ", ".join(seen) or "0"
        if self.policy.quorum == "none":
            zh, en = (
                "规则不要求见证，不排除另有一份历史",
                "none asked for: there may be two histories",
            )
            raise Unchecked(f"{zh} · {en} ({there})")
        if not self.policy.is_reached(signers):
            wanted = shown(self.policy.quorum)
            raise Wrong(f"未达到规则要求 · fewer than the policy asks for: {wanted} ({there})")
        return f"达到规则要求 · as many as the policy asks for: {there}"


def when(time: int) -> str:
    """Seconds since 1970, for people."""
    try:
        return datetime.fromtimestamp(time, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return str(time)


# 四、树 Trees


class Growing:
    """生长中的树: grows leaf by leaf, and knows the roots of its complete subtrees.

    ``tiles`` has by level, from 1, the roots of 256 to the power of the level leaves each.
    """

    def __init__(self, algorithm: Algorithm) -> None:
        self.algorithm = algorithm
        self.size = 0
        self.peaks: list[bytes] = []
        self.tiles: dict[int, list[bytes]] = {}

    def add(self, found: bytes) -> None:
        """One more leaf."""
        size, height = self.size, 0
        while size & 1:
            found = self.algorithm.node(self.peaks.pop(), found)
            size, height = size >> 1, height + 1
            if height % 8 == 0:
                self.tiles.setdefault(height // 8, []).append(found)
        self.peaks.append(found)
        self.size += 1

    @property
    def root(self) -> bytes:
        return joined(self.algorithm, self.peaks)


def joined(algorithm: Algorithm, peaks: Sequence[bytes]) -> bytes:
    """The root over complete subtrees, largest first."""
    if not peaks:
        return algorithm.digest(b"")
    *larger, found = peaks
    for peak in reversed(larger):
        found = algorithm.node(peak, found)
    return found


SUBTREE = re.compile(r"([0-9]|[1-5][0-9]|6[0-2]) (0|[1-9][0-9]{0,18}) ([A-Za-z0-9+/]{43}=)")


class NotGiven(LookupError):
    """缺少子树: a subtree that it takes was not given; which, by height and number."""


class Pruned:
    """剪枝树: some leaves, and roots of subtrees for all that is between them."""

    def __init__(
        self, algorithm: Algorithm, positions: Sequence[int], leaves: Sequence[bytes], given: bytes
    ) -> None:
        self._algorithm = algorithm
        self._positions, self._leaves = positions, leaves
        self._given = {(h, n): root for h, n, root in subtrees_in(given)}
        self._used = 0

    def require(self, size: int, root: bytes) -> Said:
        """This is its root at that size, and takes all that was given."""
        self._used = 0
        try:
            found = self.root(size)
        except NotGiven as missing:
            raise Wrong(f"缺少子树 · lacks a subtree: {missing}") from None
        if self._used != len(self._given):
            raise Wrong(f"多出子树 · subtrees too many: {len(self._given) - self._used}")
        if found != root:
            zh, en = (
                "根不符：有记录或子树不是签署时的",
                "another root: not all that is here was signed",
            )
            raise Wrong(f"{zh} · {en}")
        return f"根由包内记录和子树算出，相符 · the root follows: {self._used} 个子树 · subtrees"

    def root(self, size: int) -> bytes:
        """The root at a size. Raises ``NotGiven``."""
        return self._root(0, size) if size else self._algorithm.digest(b"")

    def _root(self, begin: int, end: int) -> bytes:
        first = bisect_left(self._positions, begin + 1)
        if first == len(self._positions) or self._positions[first] > end:
            return joined(self._algorithm, [self._subtree(*each) for each in peaks(begin, end)])
        if end - begin == 1:
            return self._leaves[first]
        middle = begin + (1 << (end - begin - 1).bit_length() - 1)
        return self._algorithm.node(self._root(begin, middle), self._root(middle, end))

    def _subtree(self, height: int, number: int) -> bytes:
        try:
            root = self._given[height, number]
        except KeyError:
            raise NotGiven(f"{height} {number}") from None
        self._used += 1
        return root


def subtrees_in(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """The lines of a tree file: height, number, root; from left to right."""
    *lines, end = text_in(data).split("\n")
    reached = 0
    for line in lines:
        said = SUBTREE.fullmatch(line)
        if not said or int(said[2]) << int(said[1]) < reached:
            raise Wrong(f"子树行有误 · not a line for a subtree: {shown(line)}")
        height, number = int(said[1]), int(said[2])
        reached = number + 1 << height
        yield height, number, hash_in(said[3])
    if end:
        raise Wrong("末尾没有换行 · no line feed at its end")


def peaks(begin: int, end: int) -> Iterator[tuple[int, int]]:
    """The complete subtrees that make up a range of leaves, by height and number."""
    while begin < end:
        height = (end - begin).bit_length() - 1
        yield height, begin >> height
        begin += 1 << height


# 五、名册 The roster


class Listed(NamedTuple):
    """在册: a stream, how many records it has, and where the last one stands."""

    stream: str
    length: int
    last: int

    def leaf(self, algorithm: Algorithm) -> bytes:
        said = f"wenxiao-roster/1\n{self.stream}\n{self.length}\n{self.last}"
        return algorithm.leaf(said.encode())


def place_of(stream: str) -> int:
    """A stream's place: the bits of this number, from the highest."""
    return int.from_bytes(sha256(stream.encode()))


def roster_root(algorithm: Algorithm, listed: list[tuple[int, Listed]], depth: int = 0) -> bytes:
    """The root over streams, each with its place: nothing, a leaf, or those by their next bit."""
    if not listed:
        return algorithm.digest(b"")
    if len(listed) == 1:
        return listed[0][1].leaf(algorithm)
    halves: tuple[list[tuple[int, Listed]], list[tuple[int, Listed]]] = ([], [])
    for each in listed:
        halves[each[0] >> 255 - depth & 1].append(each)
    return algorithm.node(*(roster_root(algorithm, half, depth + 1) for half in halves))


def require_listed(
    algorithm: Algorithm, root: bytes, stream: str, found: Listed | None, path: list[bytes]
) -> None:
    """The roster of this root has that in the stream's place, and the path leads there."""
    place, depth = place_of(stream), len(path)
    is_there = depth <= 256
    if found is not None and is_there:
        is_there = not (place ^ place_of(found.stream)) >> 256 - depth
    reached = algorithm.digest(b"") if found is None else found.leaf(algorithm)
    for sibling in path if is_there else ():
        depth -= 1
        pair = (sibling, reached) if place >> 255 - depth & 1 else (reached, sibling)
        reached = algorithm.node(*pair)
    if not is_there or reached != root:
        said = f"名册（{algorithm.name}）不是这样说的 · the {algorithm.name} roster says otherwise"
        raise Wrong(f"{shown(stream)}：{said}")


# 六、登记项 Entries

ENTRY = re.compile(
    rb"wenxiao/1\n"
    rb"([a-z](?:[a-z0-9-]{0,61}[a-z0-9])?)\n"  # ledger
    rb"([1-9][0-9]{0,18})\n"  # position
    rb"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z)\n"  # recorded_at, UTC
    rb"([^\x00-\x1f\x7f]{1,255})\n"  # stream
    rb"([1-9][0-9]{0,18})\n"  # version
    rb"([^\x00-\x1f\x7f]{1,255})\n"  # topic
    rb"([0-9a-f]{32})\n"  # salt
    rb"(.*)",  # body: all that remains
    re.DOTALL,
)


class Entry(NamedTuple):
    """登记项: what the bytes of one record say."""

    ledger: str
    position: int
    at: str
    stream: str
    version: int
    topic: str
    body: bytes

    @classmethod
    def parse(cls, data: bytes, its_ledger: str, its_position: int) -> Entry:
        """Read an entry, which is written in one way only, and stands in one place only."""
        said = ENTRY.fullmatch(data) if len(data) <= LONGEST_ENTRY else None
        if said is None:
            raise Wrong("不是 wenxiao/1 登记项 · not an entry of wenxiao/1")
        ledger, number, at, stream, version, topic = map(text_in, said.groups()[:6])
        position, nth = int(number), int(version)
        if not is_moment(at) or max(position, nth) > LARGEST:
            raise Wrong("时间或数字不可能 · an impossible time or number")
        if (ledger, position) != (its_ledger, its_position):
            raise Wrong(f"自称另一条 · it says to be another one: {shown(ledger)} {position}")
        return cls(ledger, position, at, stream, nth, topic, said[8])


def is_moment(text: str) -> bool:
    """Is there such a day and time, and is it written as entries write it?"""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return False
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") == text[:-1]


@dataclass(slots=True)
class Stream:
    """流: what has been read of one: how many records, from 1 up to which version all of them."""

    count: int = 0
    unbroken: int = 0
    version: int = 0
    position: int = 0
    unseen: int = 0


class Records:
    """所读记录: what has been read, in order of position, and what it says together.

    Keeps of each record what later checks take, and never its bytes; and the first that is wrong in
    itself (``entries``), and that cannot follow those before it (``order``).
    """

    def __init__(self, ledger: str) -> None:
        self.positions = array("Q")
        self.streams: dict[str, Stream] = {}
        self._wrong: dict[str, Wrong] = {}
        self._ledger, self._at = ledger, ""

    def take(self, position: int, data: bytes) -> Entry | None:
        """Read the next one; None where it is not the one that belongs there."""
        unseen = position - 1 - len(self.positions)
        self.positions.append(position)
        try:
            entry = Entry.parse(data, self._ledger, position)
        except Wrong as wrong:
            self._wrong.setdefault("entries", Wrong(wrong.says, position))
            return None
        self._follow(entry, unseen)
        return entry

    def _follow(self, entry: Entry, unseen: int) -> None:
        """It comes after those before it, and what is missing between them had room to be."""
        stream = self.streams.setdefault(entry.stream, Stream())
        missing, room = entry.version - stream.version - 1, unseen - stream.unseen
        if not 0 <= missing <= room:
            its = f"{shown(entry.stream)} {entry.version}"
            wrong = Wrong(f"版本不可能 · an impossible version: {its}", entry.position)
            self._wrong.setdefault("order", wrong)
        if entry.at < self._at:
            wrong = Wrong(f"时间倒流 · earlier than before: {entry.at}", entry.position)
            self._wrong.setdefault("order", wrong)
        self._at = max(entry.at, self._at)
        stream.count += 1
        stream.unbroken += stream.unbroken + 1 == entry.version
        stream.version, stream.position, stream.unseen = entry.version, entry.position, unseen

    def require(self, name: str) -> Said:
        """All is well with the ``entries``, or with their ``order``."""
        if name in self._wrong:
            raise self._wrong[name]
        return f"{len(self.positions)} 条 · records; {len(self.streams)} 个流 · streams"

    def require_stream(self, name: str, length: int, last: int) -> Said:
        """All of a stream has been read, which has so many records and the last one there."""
        there = self.streams.get(name, Stream())
        if (there.count, there.unbroken, there.position) != (length, length, last):
            said = (
                f"名册 · roster {length} (…{last}), 此处 · here {there.count} (…{there.position})"
            )
            lacks = f"缺第 · lacks version {there.unbroken + 1}"
            raise Wrong(f"{shown(name)}: {said}; {lacks}", there.position or None)
        if not length:
            return f"{shown(name)}: 没有这个流 · no such stream"
        return f"{shown(name)}: {length} 条俱在，末条 · records, all here, the last at {last}"

    def require_range(self, asked: Range) -> Said:
        """All positions of a range have been read."""
        index, first = bisect_left(self.positions, asked.first), asked.first
        while index < len(self.positions) and self.positions[index] == first <= asked.last:
            index, first = index + 1, first + 1
        if first <= asked.last:
            raise Wrong(f"{asked}: 缺第 · lacks record {first}", first)
        return f"{asked}: 俱在 · all here"

    def roster(self) -> tuple[bytes, ...]:
        """The roster's roots, where all records have been read."""
        listed = [
            (place_of(name), Listed(name, stream.count, stream.position))
            for name, stream in self.streams.items()
        ]
        return tuple(roster_root(algorithm, listed) for algorithm in ALGORITHMS)


# 七、证据包 Bundles

UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,  # zipfile's word for a way of packing that it does not know
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)
"""What the standard library makes of a zip that is none."""

END = b"PK\5\6" + bytes(18)
"""The last record of a zip that has no comment, but for the numbers in it."""

PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 0x2041
RECORD = re.compile(r"records/([1-9][0-9]{0,18})")
SALT = re.compile(r"[0-9a-f]{32}")
DIGEST = re.compile(r"[0-9a-f]{64}")
WITHHOLDING = "person.value_withheld"

MANIFEST = {
    "format": str,
    "ledger": str,
    "origin": str,
    "size": int,
    "made_at": str,
    "records": [int],
    "complete": {"streams": [str], "ranges": [[int]]},
}
LISTED = {"stream": str, "length": int, "last": int}
ROSTER = [{"stream": str, "found": (LISTED, type(None)), "sha256": [str], "sm3": [str]}]
COMMITTED = {"position": int, "field": str, "digest": str}
KEPT = COMMITTED | {"salt": str, "value": str}
WITHHELD = COMMITTED | {"withheld_by": int}
PAPER = {"digest": str, "number": str}
PAPERS = [{"position": int, **PAPER}]


class Range(NamedTuple):
    """区间: positions from the first to the last, both included."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"


class Cautious(io.BufferedReader):
    """A file of which nobody reads too much at once, whatever the file says of itself."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > LONGEST_DIRECTORY:
            raise Wrong("压缩包目录过大 · the zip's list of members is too long")
        return super().read(size)


class Archive:
    """压缩包: the members of a bundle, of which nothing is believed but what is read."""

    def __init__(self, file: Cautious) -> None:
        try:
            self._zip = zipfile.ZipFile(file)
            file.seek(-len(END), io.SEEK_END)
            end = file.read(len(END))
        except UNREADABLE as error:
            raise Wrong(f"压缩包不完好 · not a sound zip: {shown(error)}") from None
        begin = min((info.header_offset for info in self._zip.infolist()), default=0)
        if begin or (end[:4], end[-2:]) != (END[:4], END[-2:]):
            raise Wrong("压缩包前后另有内容 · something else before or after the zip")
        self._left = MOST_UNPACKED
        self._names = [self._name(info) for info in self._zip.infolist()]
        known = {*self._names}
        if len(self._names) > MOST_MEMBERS or len(known) < len(self._names):
            raise Wrong("成员过多或重名 · too many members, or two of one name")
        if missing := MEMBERS.keys() - known - MAY_BE_MISSING:
            raise Wrong(f"缺少 · missing: {min(missing)}")
        self.has_retired = "retired" in known
        self.positions = sorted(int(said[1]) for name in known if (said := RECORD.fullmatch(name)))

    def _name(self, info: zipfile.ZipInfo) -> str:
        name = info.orig_filename
        if info.filename != name or (name not in MEMBERS and not RECORD.fullmatch(name)):
            raise Wrong(f"不应有的成员 · no member of a bundle: {shown(name)}")
        if info.flag_bits & ENCRYPTED or info.compress_type not in PACKED:
            raise Wrong(f"加密或压缩方式不明 · encrypted, or packed in some way: {name}")
        return name

    def read(self, name: str, most: int = 0) -> bytes:
        """A member, of so many bytes at most."""
        try:
            with self._zip.open(name) as member:
                data = member.read((most or MEMBERS[name]) + 1)
        except UNREADABLE as error:
            raise Wrong(f"读不出 · cannot be read: {name}: {shown(error)}") from None
        self._left -= len(data)
        if len(data) > (most or MEMBERS[name]) or self._left < 0:
            raise Wrong(f"解压后过大 · too large when unpacked: {name}")
        return data

    def json(self, name: str, shape: Any) -> Any:
        """A member that is JSON of this shape."""
        try:
            found = json_in(self.read(name))
        except (ValueError, RecursionError) as error:
            raise Wrong(f"{name} 不是合格的 JSON · no sound JSON: {shown(error)}") from None
        if not fits(found, shape):
            raise Wrong(f"{name} 的形制不对 · has another shape")
        return found


def json_in(data: bytes) -> Any:
    """JSON, read strictly: each key once, natural numbers, nothing that JSON does not have.

    Raises ``ValueError``, or ``RecursionError``.
    """

    def number(digits: str) -> int:
        if not NUMBER.fullmatch(digits):
            raise ValueError(f"no number of ours: {digits[:20]}")
        return int(digits)

    if sum(map(data.count, (b",", b"[", b"{", b":"))) > MOST_JSON_PARTS:
        raise ValueError("too many values")
    return json.loads(
        data.decode(),
        object_pairs_hook=once,
        parse_int=number,
        parse_float=number,
        parse_constant=number,
    )


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON with each key once. Raises ``ValueError``."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key twice")
    return found


def fits(value: Any, shape: Any) -> bool:
    """Has it this shape: a type, a list of a shape, an object of shapes, or one of several?"""
    if isinstance(shape, tuple):
        return any(fits(value, each) for each in shape)
    if isinstance(shape, dict):
        is_object = type(value) is dict and value.keys() == shape.keys()
        return is_object and all(fits(value[key], each) for key, each in shape.items())
    if isinstance(shape, list):
        return type(value) is list and all(fits(each, shape[0]) for each in value)
    return type(value) is shape and (shape is not str or is_utf8(value))


class Manifest:
    """清单: which ledger, which records, and of what they are said to be all."""

    def __init__(self, archive: Archive) -> None:
        said = archive.json("manifest.json", MANIFEST)
        self._of = said["origin"], said["size"]
        self.ledger: str = said["ledger"]
        self.streams: list[str] = said["complete"]["streams"]
        pairs = said["complete"]["ranges"]
        self.ranges = [Range(*pair) for pair in pairs if len(pair) == 2]
        if said["format"] != "wenxiao-bundle/1":
            raise Wrong("不是 wenxiao-bundle/1 · not of wenxiao-bundle/1")
        if said["records"] != archive.positions:
            raise Wrong("所列记录与包内不同 · it lists other records than there are")
        is_sound = all(1 <= each.first <= each.last <= said["size"] for each in self.ranges)
        if not is_sound or len(self.ranges) < len(pairs):
            raise Wrong("区间有误 · an impossible range")
        if len({*self.streams}) < len(self.streams):
            raise Wrong("流重复 · a stream twice")

    def require(self, checkpoint: Checkpoint, positions: Sequence[int]) -> Said:
        """It is of the ledger that the checkpoint is of, at the same size."""
        if self._of != checkpoint[:2] or self.ledger != checkpoint.ledger:
            raise Wrong("与检查点的账本或条数不同 · of another ledger or size than the checkpoint")
        if positions and positions[-1] > checkpoint.size:
            raise Wrong("检查点尚无此条 · beyond the checkpoint", positions[-1])
        claims = f"{len(self.streams)} 个流 · streams, {len(self.ranges)} 个区间 · ranges"
        return f"{len(positions)} 条 · records; 称完整者 · said to be complete: {claims}"


class Claims:
    """附带主张: committed values and papers, each said to stand in a record that is here."""

    def __init__(self, archive: Archive) -> None:
        self._listed = archive.json("values.json", [(KEPT, WITHHELD)])
        if len({(each["position"], each["field"]) for each in self._listed}) < len(self._listed):
            raise Wrong("values.json 中同一栏有两个值 · two values of one field")
        self._values = by_position(self._listed)
        self._papers = by_position(archive.json("attachments.json", PAPERS))
        self._orders: dict[int, str | None] = {}
        self._fields: dict[str, None] = {}
        self._wrong: dict[str, Wrong] = {}

    def take(self, entry: Entry) -> None:
        """Look for them in the next record, each just where it is said to be."""
        values = self._values.pop(entry.position, [])
        papers = self._papers.pop(entry.position, [])
        is_order = entry.topic == WITHHOLDING
        said = said_in(entry.body) if values or papers or is_order else None
        if is_order:
            self._orders[entry.position] = text_at(said, "fact.digest")
        for each in values:
            field, digest = each["field"], each["digest"]
            self._fields[f"{entry.topic} {field}"] = None
            if not DIGEST.fullmatch(digest) or text_at(said, f"fact.{field}") != digest:
                its = f"{shown(field)}: {shown(digest)}"
                self._false("values", entry, f"此栏没有承诺此值 · not committed to in {its}")
            elif "salt" in each and not is_committed(digest, each["salt"], each["value"]):
                its = f"{shown(field)}: {shown(digest)}"
                self._false("values", entry, f"不是当初承诺的值 · not what was committed to: {its}")
        for each in papers:
            if any(text_at(said, f"envelope.document.{name}") != each[name] for name in PAPER):
                its = shown(f"{each['digest']} {each['number']}")
                self._false("attachments", entry, f"记录没有提到 · the record does not name: {its}")

    def require_values(self, positions: set[int]) -> Said:
        """Each hashes to its field's digest, or the record that withheld it says so, if here."""
        self._require("values", self._values)
        withheld, absent = 0, []
        for each in self._listed:
            by = each.get("withheld_by")
            if by in positions and self._orders.get(by) != each["digest"]:
                said = f"此条并未停止提供 · this record did not withhold {shown(each['digest'])}"
                raise Wrong(said, by)
            withheld += by in positions
            absent += [by] if by is not None and by not in positions else []
        kept = len(self._listed) - withheld - len(absent)
        its = f"相符 · as committed to: {kept}; 停止提供 · withheld: {withheld}"
        if self._fields:
            its += f"; 所在栏 · in {shown(', '.join(self._fields), 1_000)}"
        if absent:
            zh, en = "所称停止提供的记录不在包内", "not here are records said to withhold others"
            raise Unchecked(f"{its}; {zh} · {en}: {absent[:5]}")
        return its

    def require_papers(self) -> Said:
        """Each is named by its record."""
        self._require("attachments", self._papers)
        return "记录确曾提到；原件未查 · named by records; the files were not seen"

    def _false(self, check: str, entry: Entry, says: Said) -> None:
        self._wrong.setdefault(check, Wrong(says, entry.position))

    def _require(self, check: str, left: Collection[int]) -> None:
        if left:
            raise Wrong("所属记录不在包内 · of a record that is not here", min(left))
        if check in self._wrong:
            raise self._wrong[check]


def by_position(claims: list[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    for each in claims:
        found.setdefault(each["position"], []).append(each)
    return found


def said_in(body: bytes) -> Any:
    """What a record says, in which each key stands once; None where that cannot be read."""
    try:
        return json.loads(body.decode(), object_pairs_hook=once)
    except (ValueError, RecursionError):
        return None


def text_at(said: Any, path: str) -> str | None:
    """The text at a place such as ``fact.name``; None where there is none."""
    for name in path.split("."):
        said = said.get(name) if isinstance(said, dict) else None
    return said if isinstance(said, str) else None


def is_committed(digest: str, salt: str, value: str) -> bool:
    """Is it what this digest was made of?"""
    is_salt = SALT.fullmatch(salt)
    return bool(is_salt) and sha256(bytes.fromhex(salt) + value.encode()).hex() == digest


Proof = tuple[Listed | None, list[list[bytes]]]


def roster_in(archive: Archive) -> dict[str, Proof]:
    """By stream, what is said to stand in its place, and the path from there in either tree."""
    found: dict[str, Proof] = {}
    for each in archive.json("roster.json", ROSTER):
        listed = Listed(**each["found"]) if each["found"] else None
        if each["stream"] in found or (listed and CONTROL.search(listed.stream)):
            raise Wrong("roster.json 中的流重复或有误 · a stream twice, or none")
        paths = [[*map(hash_in, each[algorithm.name])] for algorithm in ALGORITHMS]
        found[each["stream"]] = listed, paths
    return found


class Bundle:
    """证据包: a part of a ledger, and what proves that it is one."""

    def __init__(self, file: Cautious, report: Report) -> None:
        self.archive = report.must("bundle", Archive, file)
        self.manifest = report.must("manifest", Manifest, self.archive)
        self.claims = report.must("bundle", Claims, self.archive)
        self._roster = report.must("bundle", roster_in, self.archive)
        self.policy = report.must("keys", self.archive.read, "policy")
        self.retired = b""
        if self.archive.has_retired:
            self.retired = report.must("keys", self.archive.read, "retired")
        self.note, self.checkpoint = report.must("checkpoint", signed_in, self.archive.read)
        self.records = Records(self.manifest.ledger)
        self._leaves: list[list[bytes]] = [[] for _ in ALGORITHMS]

    def read(self, report: Report) -> None:
        """Read every record, once."""
        for position in self.archive.positions:
            data = report.must("entries", self.archive.read, f"records/{position}", LONGEST_ENTRY)
            for algorithm, leaves in zip(ALGORITHMS, self._leaves, strict=True):
                leaves.append(algorithm.leaf(data))
            if entry := self.records.take(position, data):
                self.claims.take(entry)

    def check_trees(self, report: Report, sizes: Iterable[int]) -> Known:
        """The roots; and what they were at those smaller sizes where that follows as well."""
        trees = []
        size = self.checkpoint.size
        roots = self.checkpoint.roots[:2]
        for algorithm, leaves, root in zip(ALGORITHMS, self._leaves, roots, strict=True):
            name = f"tree.{algorithm.name}"
            given = report.must(name, self.archive.read, name)
            tree = report.must(name, Pruned, algorithm, self.records.positions, leaves, given)
            if report.check(name, tree.require, size, root):
                trees.append(tree)
        known: Known = {}
        for earlier in sizes if len(trees) == len(ALGORITHMS) else ():
            with suppress(NotGiven):
                if earlier < size:
                    known[earlier] = tuple(tree.root(earlier) for tree in trees)
        return known

    def require_roster(self) -> Said:
        """It is of those streams that are said to be complete."""
        if self._roster.keys() != {*self.manifest.streams}:
            raise Wrong("名册证明与清单的流不同 · of other streams than the manifest")
        return f"{len(self._roster)} 个流 · streams"

    def require_stream(self, stream: str) -> Said:
        """All of it is there, and the roster says so."""
        if stream not in self._roster:
            raise Wrong(f"{shown(stream)}: 包未称其完整 · the bundle does not say it is complete")
        found, paths = self._roster[stream]
        for algorithm, root, path in zip(ALGORITHMS, self.checkpoint.roots[2:], paths, strict=True):
            require_listed(algorithm, root, stream, found, path)
        if found is None or found.stream != stream:
            return self.records.require_stream(stream, 0, 0)
        return self.records.require_stream(*found)

    def check_rest(self, report: Report) -> None:
        """Say what was not looked at."""
        there, size = len(self.archive.positions), self.checkpoint.size
        if there < size:
            said = "条不在包内，内容未查 · records are not here, their content was not seen"
            report.unchecked("between", f"{size - there} {said}")
        report.unchecked("cover", "封面与制作时间不是证据 · cover, time of making: no evidence")
        if not there and not self.manifest.streams:
            report.lacks("bundle", "没有可核验的内容 · nothing to check")


def check_bundle(path: Path, asked: Asked, report: Report) -> None:
    """Everything that can be checked of a bundle."""
    with Cautious(io.FileIO(path)) as file:
        bundle = Bundle(file, report)
        report.true("bundle", "形制合格 · as it should be")
        positions = bundle.archive.positions
        report.check("manifest", bundle.manifest.require, bundle.checkpoint, positions)
        trust = trusted(report, asked, bundle.policy, bundle.retired)
        check_signatures(report, trust, bundle.note, bundle.checkpoint)
        bundle.read(report)
        for name in ("entries", "order"):
            report.check(name, bundle.records.require, name)
        known = bundle.check_trees(report, asked.sizes)
        report.check("roster", bundle.require_roster)
        for stream in dict.fromkeys((*bundle.manifest.streams, *asked.streams)):
            report.check("stream", bundle.require_stream, stream)
        for each in dict.fromkeys((*bundle.manifest.ranges, *asked.ranges)):
            report.check("range", bundle.records.require_range, each)
        report.check("values", bundle.claims.require_values, {*positions})
        report.check("attachments", bundle.claims.require_papers)
        check_against(report, trust, asked, bundle.checkpoint, known)
        bundle.check_rest(report)


# 八、树块目录 Directories of tiles

FULL = 256
LONGEST_TILE = FULL * 32
LONGEST_ENTRIES = FULL * (2 + LONGEST_ENTRY)


class Directory:
    """目录: plain files below it, and nothing that leads elsewhere."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._require_plain = cache(self._require_directory)

    def read(self, name: str, most: int = LONGEST_NOTE) -> bytes | None:
        """A file of so many bytes at most; None where there is none."""
        try:
            for parent in reversed(Path(name).parents[:-1]):
                self._require_plain(parent)
            path = self._root / name
            if not stat.S_ISREG(path.lstat().st_mode):
                raise Wrong(f"不是普通文件 · no plain file: {name}")
            with path.open("rb") as file:
                data = file.read(most + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Wrong(f"读不出 · cannot be read: {name}: {shown(error.strerror)}") from None
        if len(data) > most:
            raise Wrong(f"过大 · too large: {name}")
        return data

    def _require_directory(self, name: Path) -> None:
        if not stat.S_ISDIR((self._root / name).lstat().st_mode):
            raise Wrong(f"不是普通目录 · no plain directory: {name}")


def tile_name(kind: str, number: int, width: int) -> str:
    """``kind/x001/x234/067.p/8``: where a tile stands; its width only where it is not full."""
    digits = f"{number:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    *above, last = (digits[at : at + 3] for at in range(0, len(digits), 3))
    return "/".join((kind, *(f"x{each}" for each in above), last)) + partial(width)


def partial(width: int) -> str:
    return f".p/{width}" if width < FULL else ""


class Tiles:
    """树块: a whole ledger, of which everything is computed again from its entries."""

    def __init__(self, directory: Directory, checkpoint: Checkpoint) -> None:
        self._directory, self._checkpoint = directory, checkpoint
        self.records = Records(checkpoint.ledger)
        self._trees = [Growing(algorithm) for algorithm in ALGORITHMS]
        self._missing: list[str] = []
        self._false: dict[Algorithm, Wrong] = {}

    @property
    def is_whole(self) -> bool:
        """Have all entries been there?"""
        return len(self.records.positions) == self._checkpoint.size

    @property
    def roots(self) -> tuple[bytes, ...]:
        """What a checkpoint should say, of what has been read so far."""
        return (*(tree.root for tree in self._trees), *self.records.roster())

    def read(self, sizes: Collection[int]) -> Known:
        """Read every entry, compare every tile; and what the roots were at those sizes."""
        known: Known = {}
        for number in range(-(-self._checkpoint.size // FULL)):
            entries = self._entries(number)
            if not entries:
                return known
            columns = [[*map(tree.algorithm.leaf, entries)] for tree in self._trees]
            for position, entry in enumerate(entries, number * FULL + 1):
                self.records.take(position, entry)
                for tree, leaves in zip(self._trees, columns, strict=True):
                    tree.add(leaves[position - number * FULL - 1])
                if position in sizes:
                    known[position] = self.roots
            for tree, leaves in zip(self._trees, columns, strict=True):
                self._compare(tree.algorithm, 0, number, leaves)
        for tree in self._trees:
            for level, hashes in tree.tiles.items():
                for at in range(0, len(hashes), FULL):
                    self._compare(tree.algorithm, level, at // FULL, hashes[at : at + FULL])
        return known

    def require_files(self) -> Said:
        """None is missing."""
        if self._missing:
            first = ", ".join(self._missing[:5])
            raise Wrong(f"缺少 {len(self._missing)} 个文件 · files are missing: {first}")
        return "俱在 · all there"

    def require_tree(self, algorithm: Algorithm, here: bytes, there: bytes) -> Said:
        """Its tiles and its root are what the entries hash to."""
        if algorithm in self._false:
            raise self._false[algorithm]
        if not self.is_whole:
            raise Unchecked("条目不全，根未查 · not all entries are here, so the root is unchecked")
        if here != there:
            raise Wrong("由条目算出的根不同 · the entries have another root than was signed")
        return "树块和根由条目重新算出，相符 · tiles and root follow from the entries"

    def require_roster(self, here: tuple[bytes, ...]) -> Said:
        """It is what the entries make."""
        if not self.is_whole:
            raise Unchecked("条目不全，未查 · not all entries are here")
        if here != self._checkpoint.roots[2:]:
            raise Wrong("由条目算出的名册不同 · the entries have another roster than was signed")
        return f"由条目重新算出，相符 · follows from the entries: {len(self.records.streams)}"

    def require_stream(self, name: str) -> Said:
        """A stream is whole where the ledger is."""
        if not self.is_whole:
            raise Wrong(f"{shown(name)}: 条目不全 · not all entries are here")
        there = self.records.streams.get(name, Stream())
        return self.records.require_stream(name, there.count, there.position)

    def _entries(self, number: int) -> list[bytes]:
        """Those of one bundle of entries; nothing where it is missing."""
        width = min(FULL, self._checkpoint.size - number * FULL)
        name, data, is_cut = self._tile("tile/entries", number, width, LONGEST_ENTRIES)
        entries: list[bytes] = []
        at = 0
        while data is not None and len(entries) < width:
            end = at + 2 + int.from_bytes(data[at : at + 2])
            entries.append(data[at + 2 : end])
            at = end
        if data is not None and (at > len(data) or (at < len(data) and not is_cut)):
            raise Wrong(f"长度不对 · has another length: {name}", number * FULL + 1)
        return entries

    def _compare(
        self, algorithm: Algorithm, level: int, number: int, hashes: Sequence[bytes]
    ) -> None:
        """A tile has these hashes; the first one that has not is remembered."""
        kind = f"{'sm3/' if algorithm is SM3 else ''}tile/{level}"
        name, data, is_cut = self._tile(kind, number, len(hashes), LONGEST_TILE)
        if data is None or algorithm in self._false:
            return
        if len(data) != 32 * (FULL if is_cut else len(hashes)):
            raise Wrong(f"长度不对 · has another length: {name}")
        for at, each in enumerate(hashes):
            if data[32 * at : 32 * at + 32] != each:
                position = (number * FULL + at) * FULL**level + 1
                said = f"与条目算出的不符 · not what the entries hash to: {name}"
                self._false.setdefault(algorithm, Wrong(said, position))

    def _tile(
        self, kind: str, number: int, width: int, most: int
    ) -> tuple[str, bytes | None, bool]:
        """A tile of that width; or the full one, to be cut, where the ledger has grown since."""
        name = tile_name(kind, number, width)
        data = self._directory.read(name, most)
        is_cut = data is None and width < FULL
        if is_cut:
            data = self._directory.read(tile_name(kind, number, FULL), most)
        if data is None:
            self._missing.append(name)
        return name, data, is_cut


def check_tiles(path: Path, asked: Asked, report: Report) -> None:
    """Everything that can be checked of a directory of tiles."""
    directory = Directory(path)
    note, checkpoint = report.must("checkpoint", signed_in, directory.read)
    trust = trusted(report, asked, b"", b"")
    check_signatures(report, trust, note, checkpoint)
    tiles = Tiles(directory, checkpoint)
    known = report.must("files", tiles.read, asked.sizes)
    report.check("files", tiles.require_files)
    for name in ("entries", "order"):
        report.check(name, tiles.records.require, name)
    roots = tiles.roots
    for algorithm, here, there in zip(ALGORITHMS, roots, checkpoint.roots, strict=False):
        report.check(f"tree.{algorithm.name}", tiles.require_tree, algorithm, here, there)
    report.check("roster", tiles.require_roster, roots[2:])
    for stream in asked.streams:
        report.check("stream", tiles.require_stream, stream)
    for each in asked.ranges:
        report.check("range", tiles.records.require_range, each)
    check_against(report, trust, asked, checkpoint, {} if report.is_false else known)
    if not checkpoint.size:
        report.lacks("files", "账本还是空的 · the ledger is empty")


# 九、共同的检查 What is checked of both

Known = dict[int, tuple[bytes, ...]]
"""Roots by size, in the order in which checkpoints have them; the first two, or all four."""


class Asked(NamedTuple):
    """要求: what the auditor brings along and asks for."""

    policy: Policy | None
    retired: Retired
    trusts_bundle: bool
    streams: list[str]
    ranges: list[Range]
    against: list[tuple[str, Note, Checkpoint]]

    @property
    def sizes(self) -> set[int]:
        """Those of the other checkpoints."""
        return {checkpoint.size for _, _, checkpoint in self.against}


def signed_in(read: Callable[[str], bytes | None]) -> tuple[Note, Checkpoint]:
    """The checkpoint of what is being read."""
    data = read("checkpoint")
    if data is None:
        raise Wrong("没有检查点 · there is none")
    note = Note.parse(data)
    return note, Checkpoint.parse(note.text)


def trusted(report: Report, asked: Asked, suggested: bytes, retired: bytes) -> Trust | None:
    """Whose word is enough; None where nobody says it. Who retires a key is always believed."""
    both = Retired(retired)
    for key, last in asked.retired.lasts.items():
        both.retire(key, last)
    if asked.policy is not None:
        report.true("keys", "取自您给的规则 · from the policy that you brought")
        if both.wrong:
            zh, en = (
                "包内停用名单有几行看不懂",
                "lines of the bundle's retired keys, not understood",
            )
            report.unchecked("keys", f"{zh} · {en}: {len(both.wrong)}: {both.wrong[0].says}")
        return Trust(asked.policy, both.lasts)
    report.must("keys", Retired.parse, retired)
    if not suggested:
        report.lacks("keys", "没有给出规则 · no policy was given: --policy")
        return None
    policy = report.must("keys", Policy.parse, suggested)
    if asked.trusts_bundle:
        report.unchecked("keys", "按您的要求信任包内公钥 · the bundle's own, trusted as you asked")
    else:
        said = "取自包内，不能证明是谁的 · the bundle's own, which proves nothing of whose they are"
        report.lacks("keys", f"{said}: --policy")
    return Trust(policy, both.lasts)


def check_signatures(
    report: Report, trust: Trust | None, note: Note, checkpoint: Checkpoint
) -> None:
    """Who has signed, whether they still might, and whether they are enough."""
    report.true("checkpoint", f"{shown(checkpoint.origin)}: {checkpoint.size} 条 · records")
    if trust is None:
        report.unchecked("signature", "没有公钥可查 · no key to check it by")
        return
    try:
        signers = trust.signers(note, checkpoint)
    except Wrong as wrong:
        report.false("signature", wrong)
        return
    logs = ", ".join(str(key) for key in signers if key.kind == LOG)
    report.true("signature", f"签署者 · signed by {logs}")
    report.check("retirement", trust.require_in_force, signers, checkpoint.size)
    report.check("quorum", trust.require_quorum, signers)


def check_against(
    report: Report, trust: Trust | None, asked: Asked, mine: Checkpoint, known: Known
) -> None:
    """Other checkpoints tell the same history; at other sizes where the roots there are known."""
    known = known | {mine.size: mine.roots}
    for name, note, other in asked.against:
        roots = known.get(other.size)
        report.check("against", require_alike, trust, shown(name), note, other, mine.origin, roots)


def require_alike(
    trust: Trust | None,
    name: str,
    note: Note,
    other: Checkpoint,
    origin: str,
    roots: tuple[bytes, ...] | None,
) -> Said:
    """Another checkpoint is of the same ledger, signed, and has these roots."""
    its = f"{name} ({other.size})"
    if other.origin != origin:
        raise Wrong(f"{its}: 是另一账本的 · of another ledger: {shown(other.origin)}")
    if trust is not None:
        trust.require_in_force(trust.signers(note, other), other.size)
    if roots is None:
        raise Lacking(f"{its}: 算不出那时的根 · the roots at that size do not follow from these")
    if other.roots[: len(roots)] != roots:
        said = "同一账本、同一条数，根不同：有两份历史 · one ledger, two roots: two histories"
        raise Wrong(f"{its}: {said}", other.size)
    return f"{its}: 同一份历史 · the same history"


# 十、报告 The report

TRUE, FALSE, OPEN = "✓", "✗", "–"
RESULTS = {TRUE: True, FALSE: False, OPEN: None}
EXIT_TRUE, EXIT_FALSE, EXIT_USAGE, EXIT_LACKING = range(4)

TITLES = {
    "self-test": "自检 self-test",
    "bundle": "证据包 bundle",
    "manifest": "清单 manifest",
    "checkpoint": "检查点 checkpoint",
    "keys": "公钥来历 keys",
    "signature": "签名 signature",
    "retirement": "密钥停用 retirement",
    "quorum": "见证 witnesses",
    "files": "文件 files",
    "entries": "登记项 entries",
    "order": "版本与时间 versions and times",
    "tree.sha256": "SHA-256 树 tree",
    "tree.sm3": "SM3 树 tree",
    "roster": "名册 roster",
    "stream": "流之完整 complete stream",
    "range": "区间之完整 complete range",
    "values": "承诺的值 committed values",
    "attachments": "附件 papers",
    "against": "另一检查点 other checkpoint",
    "between": "包外记录 other records",
    "cover": "封面 cover",
    "content": "内容真伪 truth of content",
    "verdict": "结论 VERDICT",
}
VERDICTS = {
    EXIT_TRUE: (TRUE, "所查各项全部属实 · all that was checked is true"),
    EXIT_FALSE: (FALSE, "不实 · false"),
    EXIT_LACKING: (OPEN, "材料不足，无从判定 · nothing, or not enough, to check"),
}


class Stop(Exception):
    """终止: what is wrong leaves nothing more to check."""


class Finding(NamedTuple):
    """发现: what came of one check; where a position is known, which."""

    check: str
    mark: str
    says: Said
    position: int | None = None

    def __str__(self) -> str:
        place = "" if self.position is None else f"第 {self.position} 条 · record {self.position}: "
        return f"{self.mark} {TITLES[self.check]}: {place}{self.says}\n"

    @property
    def data(self) -> dict[str, object]:
        """The same for machines."""
        return self._asdict() | {"mark": RESULTS[self.mark], "title": TITLES[self.check]}


class Report:
    """报告: everything that was checked, line by line, and what follows from it."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self._is_lacking = False

    def true(self, check: str, says: Said) -> None:
        self.findings.append(Finding(check, TRUE, says))

    def false(self, check: str, wrong: Wrong) -> None:
        self.findings.append(Finding(check, FALSE, wrong.says, wrong.position))

    def unchecked(self, check: str, says: Said) -> None:
        """Something that was not looked at."""
        self.findings.append(Finding(check, OPEN, says))

    def lacks(self, check: str, says: Said) -> None:
        """Something without which nothing is proven."""
        self.unchecked(check, says)
        self._is_lacking = True

    def check(self, name: str, function: Callable[..., Said], *given: object) -> bool:
        """Note what a check says; was it true?"""
        try:
            self.true(name, function(*given))
        except Wrong as wrong:
            self.false(name, wrong)
        except Lacking as why:
            self.lacks(name, str(why))
        except Unchecked as why:
            self.unchecked(name, str(why))
        return self.findings[-1].mark == TRUE

    def must(self, name: str, function: Callable[..., T], *given: object) -> T:
        """What a function finds, without which nothing more can be checked. Raises ``Stop``."""
        try:
            return function(*given)
        except Wrong as wrong:
            self.false(name, wrong)
            raise Stop from None

    @property
    def is_false(self) -> bool:
        return any(each.mark == FALSE for each in self.findings)

    @property
    def exit(self) -> int:
        if self.is_false:
            return EXIT_FALSE
        return EXIT_LACKING if self._is_lacking else EXIT_TRUE

    @property
    def verdict(self) -> Finding:
        """The last line: what all this comes to, and the first thing that is false."""
        mark, says = VERDICTS[self.exit]
        false = [each for each in self.findings if each.mark == FALSE]
        if not false:
            return Finding("verdict", mark, says)
        first = min(false, key=lambda each: each.position or LARGEST)
        return Finding(
            "verdict", mark, f"{says}: {TITLES[first.check]}: {first.says}", first.position
        )

    def __str__(self) -> str:
        return "".join(map(str, (*self.findings, self.verdict)))

    def json(self) -> str:
        """The same for machines."""
        findings = [each.data for each in self.findings]
        return json.dumps({"exit": self.exit, "verdict": self.verdict.data, "findings": findings})


# 十一、命令行 The command line


def arguments() -> argparse.ArgumentParser:
    """What may be asked for."""
    parser = argparse.ArgumentParser(
        prog="wenxiao_verify.py",
        description="独立核验问效的证据包或树块目录 · checks a bundle or a directory of tiles",
        epilog="0 属实 true · 1 不实 false · 2 用法 usage · 3 材料不足 not enough to check",
    )
    parser.add_argument("path", type=Path, metavar="BUNDLE.zip|TILES_DIR")
    for name, text in (
        ("policy", "见证规则 · tlog-policy"),
        ("retired", "停用的密钥 · retired keys"),
    ):
        parser.add_argument(f"--{name}", type=Path, metavar="FILE", help=text)
    for name, kind, metavar, text in (
        ("stream", str, "NAME", "须完整的流 · must be complete"),
        ("range", range_in, "A-B", "须完整的区间 · must be complete"),
        ("against", Path, "CHECKPOINT", "须一致的检查点 · must tell the same history"),
    ):
        parser.add_argument(
            f"--{name}", action="append", default=[], type=kind, metavar=metavar, help=text
        )
    for name, text in (
        ("trust-bundle-keys", "信任包内公钥 · trust the bundle's own keys"),
        ("json", "机器可读 · for machines"),
    ):
        parser.add_argument(f"--{name}", action="store_true", help=text)
    return parser


def range_in(text: str) -> Range:
    """``A-B``."""
    first, _, last = text.partition("-")
    if not NUMBER.fullmatch(first) or not NUMBER.fullmatch(last) or not 0 < int(first) <= int(last):
        raise argparse.ArgumentTypeError(f"不是区间 · not A-B: {shown(text)}")
    return Range(int(first), int(last))


def asked_by(said: argparse.Namespace) -> Asked:
    """What the caller asks for. Raises ``Wrong`` where a file of his is not what it should be."""
    notes = {str(path): Note.parse(bytes_in(path)) for path in said.against}
    return Asked(
        Policy.parse(bytes_in(said.policy)) if said.policy else None,
        Retired.parse(bytes_in(said.retired)) if said.retired else Retired(),
        said.trust_bundle_keys,
        said.stream,
        said.range,
        [(name, note, Checkpoint.parse(note.text)) for name, note in notes.items()],
    )


def bytes_in(path: Path) -> bytes:
    """A small file of the caller's own."""
    if not path.is_file():
        raise Wrong(f"没有这个文件 · no such file: {path}")
    with path.open("rb") as file:
        data = file.read(MEGABYTE + 1)
    if len(data) > MEGABYTE:
        raise Wrong(f"过大 · too large: {path}")
    return data


def checked(path: Path, asked: Asked) -> Report:
    """The report on a bundle, or on a directory of tiles."""
    report = Report()
    if not is_sound():
        report.lacks("self-test", "本机算法有误，不能核验 · this machine computes wrongly")
        return report
    report.true("self-test", "SHA-256, SM3, Ed25519: 与公布的例子相符 · as published")
    try:
        (check_tiles if path.is_dir() else check_bundle)(path, asked, report)
    except Stop:
        pass
    except (MemoryError, OSError) as error:
        report.lacks("bundle", f"中断 · interrupted: {shown(error)}")
    only = (
        "只证明记下之后未改；所记是否属实未查 · unchanged since; whether it is true was not checked"
    )
    report.unchecked("content", only)
    return report


def main(words: list[str] | None = None) -> int:
    """Check what is asked for, say it, and how it ended."""
    parser = arguments()
    said = parser.parse_args(words)
    if not (said.path.is_dir() or said.path.is_file()):
        parser.error(f"no such file or directory: {said.path}")
    try:
        asked = asked_by(said)
    except (Wrong, OSError) as error:
        parser.error(str(error))
    report = checked(said.path, asked)
    sys.stdout.write(f"{report.json()}\n" if said.json else str(report))
    return report.exit


if __name__ == "__main__":
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(main())
