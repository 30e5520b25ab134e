"""问效独立核验: checks what a ledger hands out, for somebody who believes nobody.

    python wenxiao_verify.py [--policy FILE] [--retired FILE] [--trust-bundle-keys]
        [--stream NAME]… [--range A-B]… [--against CHECKPOINT]… [--json] BUNDLE.zip|TILES_DIR

One file, longer than others here, because it has to stand alone: Python 3.11 or later and its
standard library, nothing of the service that it checks, no network. Read it before you rely on it;
it goes from the hashes up.

It ends with 0 where all is true, 1 where something is false, 2 where it was called wrongly, and 3
where nothing is false, but there was nothing to check, or not enough: no key that comes from
elsewhere than the bundle, fewer witnesses than the policy asks for, a stream or range of which the
bundle does not claim to have all, another checkpoint that cannot be compared. The last line says
what is lacking.

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

An evidence bundle (``wenxiao-bundle/1``) is a zip of the entries ``records/<position>`` and of what
`MEMBERS` lists. A committed value is known to a record by its digest only, SHA-256 over a salt and
the value: the bundle names the record and the field in which that digest stands.

A directory of tiles (``tlog-tiles``) holds ``checkpoint``, ``tile/<level>/<n>``,
``tile/entries/<n>`` and, for the tree by SM3, ``sm3/tile/<level>/<n>``.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import io
import json
import os
import re
import stat
import struct
import sys
import zipfile
import zlib
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, TypeVar

T = TypeVar("T")
Range = tuple[int, int]
"""区间: positions from the first to the last, both included."""

MEGABYTE = 1 << 20
MOST_MEMBERS = 300_000
MOST_COMPLETE = 1_000
"""The most streams, and the most ranges, of which one bundle may say that it has all records."""

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
    "manifest.json": 64 * MEGABYTE,  # which ledger and records, and of what they are said to be all
    "checkpoint": LONGEST_NOTE,  # the signed note
    "policy": MEGABYTE,  # what the office suggests, to be believed only if it comes from elsewhere
    "retired": MEGABYTE,  # and the keys that it retired; this one may be missing
    "tree.sha256": 64 * MEGABYTE,  # roots of subtrees without a bundled record
    "tree.sm3": 64 * MEGABYTE,
    "roster.json": 64 * MEGABYTE,  # what the roster says of streams that are said to be complete
    "values.json": 64 * MEGABYTE,  # committed values, or which record withheld them
    "attachments.json": 64 * MEGABYTE,  # the papers that records name, by digest and number
    "cover.html": MEGABYTE,  # for people; not evidence, and never looked at
}
"""What a bundle has beside its records, and the most bytes of each that are read."""


class Amiss(Exception):
    """What keeps a check from being true, in Chinese and in English; and at which position."""

    mark: bool | None = None

    def __init__(self, says: str, position: int | None = None) -> None:
        super().__init__(says)
        self.says, self.position = says, position


class Wrong(Amiss):
    """有误: something is not as it is said to be."""

    mark = False


class Unchecked(Amiss):
    """未查: something could not be checked, or was not looked at."""


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
    """SM3 of this Python, where it has one."""
    try:
        hashlib.new("sm3")
    except ValueError:
        return sm3_by_hand
    return lambda data: hashlib.new("sm3", data).digest()


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
    by = pow(p[2], -1, P)
    x, y = p[0] * by % P, p[1] * by % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


BASE = point((4 * pow(5, -1, P) % P).to_bytes(32, "little")) or NEUTRAL


def joint(s: int, k: int, p: Point) -> Point:
    """The base s times and another point k times, both bit by bit from the highest."""
    table = (NEUTRAL, p, BASE, plus(BASE, p))
    found = NEUTRAL
    for bit in range(252, -1, -1):
        found = plus(plus(found, found), table[(s >> bit & 1) << 1 | k >> bit & 1])
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
HALF = re.compile(r"[\ud800-\udfff]")
"""Half of a surrogate pair, which UTF-8 does not have."""

NAME = re.compile(r"[^+\s\x00-\x20\ud800-\udfff]+")
NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
CHECKPOINT = re.compile(
    rf"([^\n]+)\n({NUMBER.pattern})\n"  # origin, size
    r"([^\n]+)\nsm3 ([^\n]+)\nroster-sha256 ([^\n]+)\nroster-sm3 ([^\n]+)\n"
    rf"previous ({NUMBER.pattern})\n"
)
LOG, WITNESS = 1, 4
"""What a key signs, by the numbers of ``signed-note``: a text, or a text and a time."""


def text_in(data: bytes) -> str:
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


def number_in(text: str) -> int:
    if not NUMBER.fullmatch(text):
        raise Wrong(f"不是数字 · not a number: {shown(text, 20)}")
    return int(text)


def hash_in(text: str) -> bytes:
    data = unbase64(text)
    if len(data) != 32:
        raise Wrong(f"杂凑值应有 32 字节 · a hash has 32 bytes: {shown(text)}")
    return data


def name_in(text: str) -> str:
    if not NAME.fullmatch(text):
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


def signature_in(line: str) -> tuple[str, bytes, bytes]:
    """签名: a line of a note: a key's name and number, and what it has signed with."""
    dash, _, rest = line.partition(" ")
    name, _, kept = rest.partition(" ")
    data = unbase64(kept)
    if dash != "—" or len(data) <= 4:
        raise Wrong(f"不是签名 · no signature: {shown(line)}")
    return name_in(name), data[:4], data[4:]


class Note(NamedTuple):
    """签名文: a text and who signed it."""

    text: str
    signatures: list[tuple[str, bytes, bytes]]

    @classmethod
    def parse(cls, data: bytes) -> Note:
        whole = text_in(data)
        text, _, rest = whole.rpartition("\n\n")
        *lines, end = rest.split("\n")
        is_plain = len(data) <= LONGEST_NOTE and min(whole.replace("\n", " "), default="") >= " "
        if not is_plain or not text or end or not 0 < len(lines) <= MOST_SIGNATURES:
            raise Wrong("不是签名文 · not a signed note")
        return cls(f"{text}\n", [*map(signature_in, lines)])

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
    """检查点: a ledger's size, that of the checkpoint before, the roots of trees and of rosters."""

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
        said = CHECKPOINT.fullmatch(text)
        if said is None:
            raise Wrong("不是问效的检查点 · not a checkpoint of Wenxiao")
        origin, size, *roots, previous = said.groups()
        if not int(previous) < max(int(size), 1):
            raise Wrong("前一检查点不可能更大 · not smaller than it: the one before it")
        return cls(origin, int(size), int(previous), *map(hash_in, roots))


@dataclass
class Policy:
    """见证规则: which keys sign for a ledger, and which witnesses must have seen what they sign.

    ``retired``: up to which size what a key has signed counts, where that has an end.
    """

    logs: list[Key] = field(default_factory=list)
    witnesses: dict[str, Key] = field(default_factory=dict)
    groups: dict[str, tuple[int, list[str]]] = field(default_factory=dict)
    quorum: str = ""
    retired: dict[bytes, int] = field(default_factory=dict)
    _names: set[str] = field(default_factory=lambda: {"none"})
    _used: set[str | bytes] = field(default_factory=lambda: {"none"})
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

    def signers(self, note: Note, checkpoint: Checkpoint) -> dict[Key, int]:
        """Who has signed this checkpoint; it takes a key of its log, and nobody else's will do."""
        logs = [key for key in self.logs if key.name == checkpoint.origin]
        found = note.signers([*logs, *self.witnesses.values()])
        if not logs:
            its = "规则没有这一日志的公钥，请换一份有的 · bring a policy that names a key of"
            raise Lacking(f"{its} {shown(checkpoint.origin)}: --policy")
        if not any(key in found for key in logs):
            there = ", ".join(f"{name}+{number.hex()}" for name, number, _ in note.signatures)
            its = "规则所列密钥均未签署；密钥若已更换，请索取并核对新公钥"
            its += " · by no key that the policy names; if it was changed, get the new one's line"
            raise Lacking(f"{its}: {shown(there, 300)}")
        return found

    def require_in_force(self, signers: Iterable[Key], size: int) -> str:
        """One of the ledger's keys that have signed was in force at that size."""
        lasts = {key: self.retired.get(key.data, LARGEST) for key in signers if key.kind == LOG}
        if all(size > last for last in lasts.values()):
            said = ", ".join(f"{key} ≤ {last}" for key, last in lasts.items())
            raise Wrong(f"签署密钥此前已停用 · signed by a key that was retired before: {said}")
        known = f"; 已知停用的公钥 · known to be retired: {len(self.retired)}"
        return f"未停用 · in force{known if self.retired else ''}"

    def require_quorum(self, signers: dict[Key, int]) -> str:
        """Enough witnesses have signed."""
        seen = [f"{key} {when(time)}" for key, time in signers.items() if key.kind == WITNESS]
        there = ", ".join(seen) or "无人见证 · nobody"
        if self.quorum == "none":
            its = "规则不要求见证，不排除另有一份历史"
            raise Unchecked(f"{its} · none asked for, there may be two histories: {there}")
        if not self.is_reached(signers):
            its = "未达到规则要求，请索取更多人见证过的"
            its += " · fewer than the policy asks for; bring what more of them have signed"
            raise Lacking(f"{its}: {shown(self.quorum)}: {there}")
        return f"达到规则要求 · as many as the policy asks for: {there}"

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
            case ("quorum", name) if not self.quorum and name in self._names:
                self.quorum = name
            case (key,) if key.count("+") > 1:
                raise Wrong(f"公钥前应写 log · before a key stands log: log {shown(key, 300)}")
            case _:
                raise Wrong(f"看不懂 · not understood: {shown(' '.join(words))}")

    def _key(self, text: str, kind: int) -> Key:
        key = Key.parse(text)
        if key.kind != kind or key.data in self._used:
            raise Wrong(f"公钥用途不符或重复 · a key of another kind, or twice: {key}")
        self._used.add(key.data)
        return key

    def _new(self, name: str) -> str:
        if name in self._names:
            raise Wrong(f"名称重复 · a name that is taken: {shown(name)}")
        self._names.add(name)
        return name

    def _enough(self, enough: str, members: list[str]) -> int:
        is_free = all(each in self._names and each not in self._used for each in members)
        if not is_free or len({*members}) < len(members):
            raise Wrong("组员未定义或重复 · a member unknown, of two groups, or twice")
        self._used |= {*members}
        numbers = {str(n): n for n in range(1, len(members) + 1)}
        if number := ({"any": 1, "all": len(members)} | numbers).get(enough):
            return number
        raise Wrong(f"人数不对 · not a number of members: {shown(enough)}")


def retired_in(data: bytes) -> tuple[dict[bytes, int], list[Wrong]]:
    """停用的密钥: up to which size what each has signed counts; and lines that say nothing."""
    lasts: dict[bytes, int] = {}
    wrong: list[Wrong] = []
    for line in data.split(b"\n"):
        try:
            if line and not line.startswith(b"#"):
                text, _, size = text_in(line).partition(" ")
                key, last = Key.parse(text).data, number_in(size)
                lasts[key] = min(last, lasts.get(key, last))
        except Wrong as each:
            wrong.append(each)
    return lasts, wrong


def when(time: int) -> str:
    """Seconds since 1970, for people."""
    try:
        return datetime.fromtimestamp(time, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return str(time)


# 四、树 Trees

SUBTREE = re.compile(
    "([0-9]|[1-5][0-9]|6[0-2]) (0|[1-9][0-9]{0,18}) ([A-Za-z0-9+/]{42}[048AEIMQUYcgkosw]=)"
)


def half(size: int) -> int:
    """How many leaves are on the left: the largest power of two that is smaller than all."""
    return 1 << (size - 1).bit_length() - 1


def root_of(algorithm: Algorithm, hashes: Sequence[bytes]) -> bytes:
    """The root over leaves; or over subtrees of one size, of which the last may be smaller."""
    size = len(hashes)
    if size < 2:
        return hashes[0] if hashes else algorithm.digest(b"")
    left, right = hashes[: half(size)], hashes[half(size) :]
    return algorithm.node(root_of(algorithm, left), root_of(algorithm, right))


class Pruned:
    """剪枝树: some leaves, and roots of subtrees for all that is between them."""

    def __init__(
        self, algorithm: Algorithm, positions: Sequence[int], leaves: Sequence[bytes], given: bytes
    ) -> None:
        self._algorithm = algorithm
        self._positions, self._leaves = positions, leaves
        self._given = subtrees_in(given)
        self._used = 0

    def require(self, size: int, root: bytes) -> str:
        """This is its root at that size, and takes all that was given."""
        found = self.root(0, size)
        if self._used != len(self._given):
            raise Wrong(f"多出子树 · subtrees too many: {len(self._given) - self._used}")
        if found != root:
            its = "根不符：有记录或子树不是签署时的"
            raise Wrong(f"{its} · another root: not all that is here was signed")
        used = several(self._used, "个子树", "subtree")
        return f"根由包内记录和子树算出，相符 · the root follows: {used}"

    def root(self, begin: int, end: int) -> bytes:
        """The root over a range of leaves."""
        size, first = end - begin, bisect_left(self._positions, begin + 1)
        is_here = first < len(self._positions) and self._positions[first] <= end
        if size == 0:
            return self._algorithm.digest(b"")
        if size == 1 and is_here:
            return self._leaves[first]
        if size & size - 1 == 0 and not is_here:
            return self._subtree(size.bit_length() - 1, begin // size)
        middle = begin + half(size)
        return self._algorithm.node(self.root(begin, middle), self.root(middle, end))

    def _subtree(self, height: int, number: int) -> bytes:
        if (height, number) not in self._given:
            raise Wrong(f"缺少子树 · lacks a subtree: {height} {number}")
        self._used += 1
        return self._given[height, number]


def subtrees_in(data: bytes) -> dict[tuple[int, int], bytes]:
    """The lines of a tree file, from left to right: height, number, root."""
    found: dict[tuple[int, int], bytes] = {}
    *lines, end = text_in(data).split("\n")
    reached = 0
    for line in lines:
        said = SUBTREE.fullmatch(line)
        height, number = (int(said[1]), int(said[2])) if said else (0, -1)
        if not said or number << height < reached:
            raise Wrong(f"子树行有误 · not a line for a subtree: {shown(line)}")
        reached = number + 1 << height
        found[height, number] = binascii.a2b_base64(said[3])
    if end:
        raise Wrong("末尾没有换行 · no line feed at its end")
    return found


# 五、名册 The roster


def roster_leaf(algorithm: Algorithm, stream: str, length: int, last: int) -> bytes:
    """在册: a stream, how many records it has, and where the last one stands."""
    return algorithm.leaf(f"wenxiao-roster/1\n{stream}\n{length}\n{last}".encode())


def place_of(stream: str) -> int:
    """A stream's place: the bits of this number, from the highest."""
    return int.from_bytes(sha256(stream.encode()))


def roster_root(algorithm: Algorithm, leaves: list[tuple[int, bytes]], depth: int = 0) -> bytes:
    """The root over leaves, each with its place: nothing, a leaf, or those by their next bit."""
    if len(leaves) < 2:
        return leaves[0][1] if leaves else algorithm.digest(b"")
    halves: tuple[list[tuple[int, bytes]], list[tuple[int, bytes]]] = ([], [])
    for each in leaves:
        halves[each[0] >> 255 - depth & 1].append(each)
    return algorithm.node(*(roster_root(algorithm, half, depth + 1) for half in halves))


def require_listed(algorithm: Algorithm, root: bytes, proof: dict[str, Any]) -> None:
    """The roster of this root has just what was found in the stream's place."""
    found, path = proof["found"], [*map(hash_in, proof[algorithm.name])]
    its, depth = shown(proof["stream"]), len(path)
    if found and CONTROL.search(found["stream"]):
        raise Wrong(f"{its}：名册所载不是流 · what the roster has is no stream")
    place = place_of(proof["stream"])
    there = place_of(found["stream"]) if found else place
    is_there = depth <= 256 and not (place ^ there) >> 256 - depth
    reached = roster_leaf(algorithm, **found) if found else algorithm.digest(b"")
    for sibling in path if is_there else ():
        depth -= 1
        pair = (sibling, reached) if place >> 255 - depth & 1 else (reached, sibling)
        reached = algorithm.node(*pair)
    if not is_there or reached != root:
        said = f"名册（{algorithm.name}）不是这样说的 · the {algorithm.name} roster says otherwise"
        raise Wrong(f"{its}：{said}")


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
        return cls(position, at, stream, nth, topic, said[8])


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
    """所读记录: what later checks take of each record, in order of position; never its bytes."""

    def __init__(self, ledger: str, report: Report) -> None:
        self.positions = array("Q")
        self.streams: dict[str, Stream] = {}
        self._ledger, self._report, self._at = ledger, report, ""

    def take(self, position: int, data: bytes) -> Entry | None:
        """Read the next one; None where it is not the one that belongs there."""
        unseen = position - 1 - len(self.positions)
        self.positions.append(position)
        try:
            entry = Entry.parse(data, self._ledger, position)
        except Wrong as wrong:
            self._report.remember("entries", wrong.says, position)
            return None
        self._follow(entry, unseen)
        return entry

    def _follow(self, entry: Entry, unseen: int) -> None:
        """It comes after those before it, and what is missing between them had room to be."""
        stream = self.streams.setdefault(entry.stream, Stream())
        missing, room = entry.version - stream.version - 1, unseen - stream.unseen
        if not 0 <= missing <= room:
            said = f"版本不可能 · an impossible version: {shown(entry.stream)} {entry.version}"
            self._report.remember("order", said, entry.position)
        if entry.at < self._at:
            said = f"时间倒流 · earlier than before: {entry.at}"
            self._report.remember("order", said, entry.position)
        self._at = max(entry.at, self._at)
        stream.count += 1
        stream.unbroken += stream.unbroken + 1 == entry.version
        stream.version, stream.position, stream.unseen = entry.version, entry.position, unseen

    def count(self) -> str:
        streams = several(len(self.streams), "个流", "stream")
        return f"{several(len(self.positions), '条', 'record')}; {streams}"

    def require_stream(self, stream: str, length: int, last: int) -> str:
        """All of a stream has been read, which has so many records and the last one there."""
        there, name = self.streams.get(stream, Stream()), shown(stream)
        if (there.count, there.unbroken, there.position) != (length, length, last):
            its = f"{name}: 名册所载 · by the roster: {counted(length, last)}"
            its += f"; 此处 · here: {counted(there.count, there.position)}"
            if there.unbroken < length:
                its += f"; 缺第 · lacks version {there.unbroken + 1}"
            raise Wrong(its, there.position or None)
        if not length:
            return f"{name}: 没有这个流 · no such stream"
        return f"{name}: 俱在 · all here: {counted(length, last)}"

    def require_range(self, asked: Range, amiss: type[Amiss]) -> str:
        """All positions of a range have been read; raises that where one has not."""
        (first, last), its = asked, "{}-{}".format(*asked)
        begin = bisect_left(self.positions, first)
        places = range(len(self.positions))
        end = bisect_right(places, first - begin, begin, key=lambda at: self.positions[at] - at)
        if (missing := first + end - begin) <= last:
            raise amiss(f"{its}: 缺第 · lacks record {missing}", missing)
        return f"{its}: 俱在 · all here"

    def roster(self) -> tuple[bytes, ...]:
        """The roster's roots, where all records have been read."""
        its = [(name, place_of(name), each) for name, each in self.streams.items()]
        leaves = (
            [(place, roster_leaf(of, name, each.count, each.position)) for name, place, each in its]
            for of in ALGORITHMS
        )
        return tuple(map(roster_root, ALGORITHMS, leaves))


def several(many: int, what: str, called: str) -> str:
    """So many of something, in Chinese and in English."""
    return f"{many} {what} · {called}{'' if many == 1 else 's'}"


def counted(records: int, last: int) -> str:
    """How many records, and where the last one stands."""
    return f"{records} (末条 · the last: {last})" if records else "0"


# 七、证据包 Bundles

UNREADABLE = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError),
    *(OSError, OverflowError, RuntimeError, ValueError),
)
"""What the standard library makes of a zip that is none."""

END = b"PK\5\6" + bytes(18)
"""The last record of a zip that has no comment, but for the numbers in it."""

PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 0x2041
RECORD = re.compile(r"records/([1-9][0-9]{0,18})")
SALT = re.compile(r"[0-9a-f]{32}")
DIGEST = re.compile(r"[0-9a-f]{64}")
FIELD = re.compile(r"[a-z0-9_]{1,63}(?:\.[a-z0-9_]{1,63}){0,7}")
MOST_FIELDS = 100
"""In how many different fields values may stand: a report names each."""

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
        members = self._zip.infolist()
        begin = min((each.header_offset for each in members), default=0)
        if begin or (end[:4], end[-2:]) != (END[:4], END[-2:]):
            raise Wrong("压缩包前后另有内容 · something else before or after the zip")
        self._left = MOST_UNPACKED
        self._names = {*map(self._name, members)}
        if len(members) > MOST_MEMBERS or len(self._names) < len(members):
            raise Wrong("成员过多或重名 · too many members, or two of one name")
        if missing := MEMBERS.keys() - self._names - {"retired"}:
            raise Wrong(f"缺少 · missing: {min(missing)}")
        records = map(RECORD.fullmatch, self._names)
        self.positions = sorted(int(record[1]) for record in records if record)

    def _name(self, info: zipfile.ZipInfo) -> str:
        name = info.orig_filename
        if info.filename != name or (name not in MEMBERS and not RECORD.fullmatch(name)):
            raise Wrong(f"不应有的成员 · no member of a bundle: {shown(name)}")
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
            raise Wrong(f"不是普通文件 · no plain file: {name}")
        if info.flag_bits & ENCRYPTED or info.compress_type not in PACKED:
            raise Wrong(f"加密或压缩方式不明 · encrypted, or packed in some way: {name}")
        return name

    def read(self, name: str) -> bytes:
        """A member; nothing where it is missing, and may be."""
        if name not in self._names:
            return b""
        most = MEMBERS.get(name, LONGEST_ENTRY)
        try:
            with self._zip.open(name) as member:
                data = member.read(most + 1)
        except UNREADABLE as error:
            raise Wrong(f"读不出 · cannot be read: {name}: {shown(error)}") from None
        self._left -= len(data)
        if len(data) > most or self._left < 0:
            raise Wrong(f"解压后过大 · too large when unpacked: {name}")
        return data

    def json(self, name: str, shape: Any) -> Any:
        """A member that is JSON of this shape: each key once, and only natural numbers."""
        data, bad = self.read(name), f"{name} 不是合格的 JSON · no sound JSON"
        if sum(map(data.count, (b",", b"[", b"{", b":"))) > MOST_JSON_PARTS:
            raise Wrong(f"{bad}: too many values")
        numbers: Any = dict.fromkeys(("parse_int", "parse_float", "parse_constant"), number_in)
        try:
            found = json.loads(data.decode(), object_pairs_hook=once, **numbers)
        except (ValueError, RecursionError, Wrong) as error:
            raise Wrong(f"{bad}: {shown(error)}") from None
        if not fits(found, shape):
            raise Wrong(f"{name} 的形制不对 · has another shape")
        return found


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
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
    return type(value) is shape and (shape is not str or not HALF.search(value))


def manifest_in(archive: Archive) -> Any:
    """清单: which ledger, which records, and of what they are said to be all."""
    said = archive.json("manifest.json", MANIFEST)
    if said["format"] != "wenxiao-bundle/1":
        raise Wrong("不是 wenxiao-bundle/1 · not of wenxiao-bundle/1")
    if said["records"] != archive.positions:
        raise Wrong("所列记录与包内不同 · it lists other records than there are")
    streams, ranges = said["complete"]["streams"], said["complete"]["ranges"]
    if max(len(streams), len(ranges)) > MOST_COMPLETE:
        raise Wrong("称完整者过多 · too many are said to be complete")
    if not all(len(each) == 2 and 1 <= each[0] <= each[1] <= said["size"] for each in ranges):
        raise Wrong("区间有误 · an impossible range")
    if len({*streams}) < len(streams) or len({*map(tuple, ranges)}) < len(ranges):
        raise Wrong("流或区间重复 · a stream or a range twice")
    return said


def proofs_in(archive: Archive) -> dict[str, Any]:
    """By stream, what the roster is said to have in its place, and the path from there."""
    said = archive.json("roster.json", ROSTER)
    found = {each["stream"]: each for each in said}
    if len(found) < len(said):
        raise Wrong("roster.json 中的流重复 · a stream twice")
    return found


class Claims:
    """附带主张: committed values and papers, each said to stand in a record that is here."""

    def __init__(self, archive: Archive) -> None:
        self._values = archive.json("values.json", [(KEPT, WITHHELD)])
        if len({(each["position"], each["field"]) for each in self._values}) < len(self._values):
            raise Wrong("values.json 中同一栏有两个值 · two values of one field")
        papers = archive.json("attachments.json", PAPERS)
        if len({each["position"] for each in papers}) < len(papers):
            raise Wrong("attachments.json 中同一记录有两件 · two papers of one record")
        self._papers = len(papers)
        self._left: dict[int, list[tuple[str, dict[str, Any]]]] = {}
        for check, claims in (("values", self._values), ("attachments", papers)):
            for each in claims:
                self._left.setdefault(each["position"], []).append((check, each))
        self._orders: dict[int, str | None] = {}
        self._fields: dict[str, None] = {}

    def take(self, entry: Entry, report: Report) -> None:
        """Look for them in the next record, each just where it is said to be."""
        claims = self._left.pop(entry.position, ())
        said = said_in(entry.body) if claims or entry.topic == WITHHOLDING else None
        if entry.topic == WITHHOLDING:
            self._orders[entry.position] = text_at(said, "fact.digest")
        for check, each in claims:
            try:
                if check == "values":
                    require_value(said, each)
                    self._name(f"{entry.topic} {each['field']}")
                else:
                    require_paper(said, each)
            except Wrong as wrong:
                report.remember(check, wrong.says, entry.position)

    def _name(self, field: str) -> None:
        if len(self._fields) == MOST_FIELDS and field not in self._fields:
            raise Wrong("承诺的值所在栏过多 · values in too many different fields")
        self._fields[field] = None

    def check(self, report: Report, positions: set[int], size: int) -> None:
        """Each was found in its record."""
        for position, claims in sorted(self._left.items()):
            for check, _ in claims:
                report.remember(check, "所属记录不在包内 · of a record that is not here", position)
        report.check("values", self._require_values, positions, size)
        said = "记录确曾提到；原件未查 · named by records; the files were not seen"
        report.check("attachments", str, f"{self._papers}: {said}" if self._papers else "0")

    def _require_values(self, positions: set[int], size: int) -> str:
        """What is not here was withheld, by a record that says so."""
        withheld = [each for each in self._values if "withheld_by" in each]
        for each in withheld:
            by, digest = each["withheld_by"], each["digest"]
            if not 1 <= by <= size:
                raise Wrong(f"没有这条记录 · withheld by no record: {digest}", by)
            if by in positions and self._orders.get(by) != digest:
                raise Wrong(f"此条并未停止提供 · this record did not withhold {digest}", by)
        if absent := {each["withheld_by"] for each in withheld} - positions:
            its = "所称停止提供的记录不在包内 · not here are records said to withhold values"
            raise Lacking(f"{its}: {sorted(absent)[:5]}")
        kept = len(self._values) - len(withheld)
        its = f"相符 · as committed to: {kept}; 停止提供 · withheld: {len(withheld)}"
        if self._fields:
            its += f"; 所在栏 · in {', '.join(shown(each, 800) for each in self._fields)}"
        return its


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


def require_value(said: Any, claim: dict[str, Any]) -> None:
    """Its digest stands in its field; and it is what that was made of, unless it was withheld."""
    field, digest, salt = claim["field"], claim["digest"], claim.get("salt")
    its = f"{shown(field)}: {shown(digest)}"
    is_place = FIELD.fullmatch(field) and DIGEST.fullmatch(digest)
    if not is_place or text_at(said, f"fact.{field}") != digest:
        raise Wrong(f"此栏没有承诺此值 · not committed to in {its}")
    if salt is None:
        return
    if not SALT.fullmatch(salt):
        raise Wrong(f"盐不是 32 位十六进制 · a salt has 32 hexadecimal digits: {its}")
    if sha256(bytes.fromhex(salt) + claim["value"].encode()).hex() != digest:
        raise Wrong(f"不是当初承诺的值 · not what was committed to in {its}")


def require_paper(said: Any, claim: dict[str, Any]) -> None:
    """It is the one behind the record, beside its fact; nobody is committed to its digest."""
    if any(text_at(said, f"envelope.document.{name}") != claim[name] for name in PAPER):
        its = shown(f"{claim['digest']} {claim['number']}")
        raise Wrong(f"记录没有提到 · the record does not name: {its}")


class Bundle:
    """证据包: a part of a ledger, and what proves that it is one."""

    def __init__(self, file: Cautious, sizes: set[int], report: Report) -> None:
        self._report, self._sizes = report, sizes
        self._archive = report.must("bundle", Archive, file)
        self._said = report.must("manifest", manifest_in, self._archive)
        self._claims = report.must("bundle", Claims, self._archive)
        self._proofs = report.must("bundle", proofs_in, self._archive)
        self.policy = report.must("keys", self._archive.read, "policy")
        self.retired = report.must("keys", self._archive.read, "retired")
        data = report.must("checkpoint", self._archive.read, "checkpoint")
        self.note, self.checkpoint = report.must("checkpoint", signed_in, data)
        self.streams: list[str] = self._said["complete"]["streams"]
        self.ranges: list[Range] = [*map(tuple, self._said["complete"]["ranges"])]
        self.records = Records(self._said["ledger"], report)
        self._leaves: list[list[bytes]] = [[] for _ in ALGORITHMS]
        report.true("bundle", "形制合格 · as it should be")
        report.check("manifest", self._require_manifest)

    def _require_manifest(self) -> str:
        """It is of the ledger that the checkpoint is of, at the same size."""
        of, positions = self.checkpoint, self._archive.positions
        its = self._said["ledger"], self._said["origin"], self._said["size"]
        if its != (of.ledger, of.origin, of.size):
            raise Wrong("与检查点的账本或条数不同 · of another ledger or size than the checkpoint")
        if positions and positions[-1] > of.size:
            raise Wrong("检查点尚无此条 · beyond the checkpoint", positions[-1])
        streams = several(len(self.streams), "个流", "stream")
        claims = f"{streams}, {several(len(self.ranges), '个区间', 'range')}"
        there = several(len(positions), "条", "record")
        return f"{there}; 称完整者 · said to be complete: {claims}"

    def read(self) -> None:
        """Read every record, once."""
        for position in self._archive.positions:
            data = self._report.must("entries", self._archive.read, f"records/{position}")
            for algorithm, leaves in zip(ALGORITHMS, self._leaves, strict=True):
                leaves.append(algorithm.leaf(data))
            if entry := self.records.take(position, data):
                self._claims.take(entry, self._report)

    def check_trees(self) -> Known:
        """The roots; and what they were at smaller sizes asked for, where that follows as well."""
        trees, report, size = [], self._report, self.checkpoint.size
        roots = self.checkpoint.roots[:2]
        for algorithm, leaves, root in zip(ALGORITHMS, self._leaves, roots, strict=True):
            name = f"tree.{algorithm.name}"
            given = report.must(name, self._archive.read, name)
            tree = report.must(name, Pruned, algorithm, self.records.positions, leaves, given)
            if report.check(name, tree.require, size, root):
                trees.append(tree)
        said = f"{len(self._proofs)} 个流 · streams"
        other = "名册证明与清单的流不同 · of other streams than the manifest"
        report.check("roster", require_same, {*self._proofs}, {*self.streams}, said, other)
        known: Known = {}
        for earlier in self._sizes if len(trees) == len(ALGORITHMS) else ():
            with suppress(Wrong):
                if earlier < size:
                    known[earlier] = tuple(tree.root(0, earlier) for tree in trees)
        return known

    def require_stream(self, stream: str) -> str:
        """All of it is there, and the roster says so."""
        if stream not in self._proofs:
            its = "包未称其完整，请另索取 · not said to be complete: bring a bundle of all of it"
            raise Lacking(f"{shown(stream)}: {its}")
        proof = self._proofs[stream]
        for algorithm, root in zip(ALGORITHMS, self.checkpoint.roots[2:], strict=True):
            require_listed(algorithm, root, proof)
        found = proof["found"]
        if found is None or found["stream"] != stream:
            return self.records.require_stream(stream, 0, 0)
        return self.records.require_stream(**found)

    def check_rest(self) -> None:
        """What stands beside the records; and say what was not looked at."""
        there, size = len(self._archive.positions), self.checkpoint.size
        self._claims.check(self._report, {*self._archive.positions}, size)
        if there < size:
            said = "不在包内，内容未查 · not here, their content was not seen"
            others = several(size - there, "条", "record")
            self._report.note("between", Unchecked(f"{others}: {said}"))
        said = "封面与制作时间不是证据 · cover, time of making: no evidence"
        self._report.note("cover", Unchecked(said))
        if not there and not self.streams:
            self._report.note("bundle", Lacking("没有可核验的内容 · nothing to check"))


# 八、树块目录 Directories of tiles

FULL = 256
LONGEST_TILE = FULL * 32
LONGEST_ENTRIES = FULL * (2 + LONGEST_ENTRY)


def plain_file(root: Path, name: str, most: int) -> bytes | None:
    """A file of so many bytes at most, to which no link leads; None where there is none."""
    path = root / name
    try:
        for parent in reversed(Path(name).parents[:-1]):
            if not stat.S_ISDIR((root / parent).lstat().st_mode):
                raise Wrong(f"不是普通目录 · no plain directory: {parent}")
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


def tile_name(kind: str, number: int, width: int) -> str:
    """``kind/x001/x234/067.p/8``: where a tile stands; its width only where it is not full."""
    digits = f"{number:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    *above, last = (digits[at : at + 3] for at in range(0, len(digits), 3))
    partial = f".p/{width}" if width < FULL else ""
    return "/".join((kind, *(f"x{each}" for each in above), last)) + partial


class Tiles:
    """树块: a whole ledger, of which everything is computed again from its entries."""

    policy = retired = b""
    streams: Sequence[str] = ()
    ranges: Sequence[Range] = ()

    def __init__(self, directory: Path, sizes: set[int], report: Report) -> None:
        self._directory, self._sizes, self._report = directory, sizes, report
        data = report.must("checkpoint", plain_file, directory, "checkpoint", LONGEST_NOTE)
        self.note, self.checkpoint = report.must("checkpoint", signed_in, data)
        self.records = Records(self.checkpoint.ledger, report)
        self._tops: dict[Algorithm, list[bytes]] = {each: [] for each in ALGORITHMS}
        """The root over each tile of entries."""
        self._known: Known = {}

    def read(self) -> None:
        """Read every entry, compare every tile."""
        self._report.must("files", self._read_entries)
        self._report.must("files", self._compare_above)
        self._report.check("files", str, "俱在 · all there")

    def check_trees(self) -> Known:
        """The roots, and the roster's; and what they were at the sizes asked for."""
        here, there = self._known[self.checkpoint.size], self.checkpoint.roots
        said = "树块和根由条目重新算出，相符 · tiles and root follow from the entries"
        other = "由条目算出的根不同 · the entries have another root than was signed"
        for nth, algorithm in enumerate(ALGORITHMS):
            name = f"tree.{algorithm.name}"
            self._report.check(name, require_same, here[nth], there[nth], said, other)
        said = f"由条目重新算出，相符 · follows from the entries: {len(self.records.streams)}"
        other = "由条目算出的名册不同 · the entries have another roster than was signed"
        self._report.check("roster", require_same, here[2:], there[2:], said, other)
        return {} if self._report.is_false else self._known

    def require_stream(self, name: str) -> str:
        """All of it is there, as the whole ledger is."""
        there = self.records.streams.get(name, Stream())
        return self.records.require_stream(name, there.count, there.position)

    def check_rest(self) -> None:
        if not self.checkpoint.size:
            self._report.note("files", Lacking("账本还是空的 · the ledger is empty"))

    def _read_entries(self) -> None:
        self._known[0] = self._roots([])
        for number in range(-(-self.checkpoint.size // FULL)):
            entries = self._entries(number)
            for nth, entry in enumerate(entries, 1):
                position = number * FULL + nth
                self.records.take(position, entry)
                if position in self._sizes or position == self.checkpoint.size:
                    self._known[position] = self._roots(entries[:nth])
            for algorithm, tops in self._tops.items():
                leaves = [*map(algorithm.leaf, entries)]
                self._compare(algorithm, 0, number, leaves)
                tops.append(root_of(algorithm, leaves))

    def _roots(self, entries: list[bytes]) -> tuple[bytes, ...]:
        """What a checkpoint should say, after those of earlier tiles and these of the next."""
        trees = (
            root_of(algorithm, [*tops, root_of(algorithm, [*map(algorithm.leaf, entries)])])
            for algorithm, tops in self._tops.items()
        )
        return (*trees, *self.records.roster())

    def _compare_above(self) -> None:
        for algorithm, tops in self._tops.items():
            level, hashes = 1, tops[: self.checkpoint.size // FULL]
            while hashes:
                tiles = [hashes[at : at + FULL] for at in range(0, len(hashes), FULL)]
                for number, tile in enumerate(tiles):
                    self._compare(algorithm, level, number, tile)
                whole = tiles[: len(hashes) // FULL]
                level, hashes = level + 1, [root_of(algorithm, tile) for tile in whole]

    def _compare(
        self, algorithm: Algorithm, level: int, number: int, hashes: Sequence[bytes]
    ) -> None:
        """A tile has these hashes; the first one that has not is remembered."""
        kind = f"{'sm3/' if algorithm is SM3 else ''}tile/{level}"
        try:
            name, data, is_cut = self._tile(kind, number, len(hashes), LONGEST_TILE)
        except Wrong as wrong:
            self._report.remember("files", wrong.says)
            return
        if len(data) != 32 * (FULL if is_cut else len(hashes)):
            raise Wrong(f"长度不对 · has another length: {name}")
        for at, each in enumerate(hashes):
            if data[32 * at : 32 * at + 32] != each:
                position = (number * FULL + at) * FULL**level + 1
                said = f"与条目算出的不符 · not what the entries hash to: {name}"
                self._report.remember(f"tree.{algorithm.name}", said, position)

    def _entries(self, number: int) -> list[bytes]:
        """Those of one tile of entries: each after its length, in two bytes."""
        width = min(FULL, self.checkpoint.size - number * FULL)
        name, data, is_cut = self._tile("tile/entries", number, width, LONGEST_ENTRIES)
        entries: list[bytes] = []
        at = 0
        while len(entries) < width:
            end = at + 2 + int.from_bytes(data[at : at + 2])
            entries.append(data[at + 2 : end])
            at = end
        if at > len(data) or (at < len(data) and not is_cut):
            raise Wrong(f"长度不对 · has another length: {name}", number * FULL + 1)
        return entries

    def _tile(self, kind: str, number: int, width: int, most: int) -> tuple[str, bytes, bool]:
        """A tile of that width; or the full one, to be cut, where the ledger has grown since."""
        name = tile_name(kind, number, width)
        data = plain_file(self._directory, name, most)
        is_cut = data is None and width < FULL
        if is_cut:
            data = plain_file(self._directory, tile_name(kind, number, FULL), most)
        if data is None:
            raise Wrong(f"缺少文件 · a file is missing: {name}")
        return name, data, is_cut


# 九、共同的检查 What is checked of both

Known = dict[int, tuple[bytes, ...]]
"""Roots by size, in the order in which checkpoints have them; the first two, or all four."""

Other = tuple[str, Note, Checkpoint]
"""Another checkpoint, and the name of its file."""


class Asked(NamedTuple):
    """要求: what the auditor brings along and asks for."""

    policy: Policy | None
    retired: bytes
    trusts_bundle: bool
    streams: list[str]
    ranges: list[Range]
    against: list[Other]


def check(it: Bundle | Tiles, asked: Asked, report: Report) -> None:
    """Everything that can be checked."""
    policy = trusted(it, asked, report)
    check_signatures(it, policy, report)
    it.read()
    for name in ("entries", "order"):
        report.check(name, it.records.count)
    known = it.check_trees() | {it.checkpoint.size: it.checkpoint.roots}
    for stream in dict.fromkeys((*it.streams, *asked.streams)):
        report.check("stream", it.require_stream, stream)
    for each in dict.fromkeys((*it.ranges, *asked.ranges)):
        amiss = Wrong if each in it.ranges else Lacking
        report.check("range", it.records.require_range, each, amiss)
    for other in asked.against:
        report.check("against", require_alike, it.checkpoint, policy, known, other)
    it.check_rest()


def signed_in(data: bytes | None) -> tuple[Note, Checkpoint]:
    """The checkpoint of what is being read."""
    if data is None:
        raise Lacking("没有检查点 · there is none")
    note = Note.parse(data)
    return note, Checkpoint.parse(note.text)


def trusted(it: Bundle | Tiles, asked: Asked, report: Report) -> Policy | None:
    """Whose word is enough; None where nobody says it. Who retires a key is always believed."""
    lasts, wrong = retired_in(asked.retired + b"\n" + it.retired)
    if asked.policy is not None:
        report.true("keys", "取自您给的规则 · from the policy that you brought")
        if wrong:
            said = "包内停用名单有几行看不懂 · lines of the bundle's retired keys, not understood"
            report.note("keys", Unchecked(f"{said}: {len(wrong)}: {wrong[0].says}"))
        return replace(asked.policy, retired=lasts)
    if wrong:
        report.note("keys", wrong[0])
        raise Stop
    if not it.policy:
        report.note("keys", Lacking("没有规则，请自带 · no policy, bring one: --policy"))
        return None
    policy = report.must("keys", Policy.parse, it.policy)
    if asked.trusts_bundle:
        said = "按您的要求信任包内公钥 · the bundle's own, trusted as you asked"
        report.note("keys", Unchecked(said))
    else:
        said = "取自包内，不能证明是谁的 · the bundle's own, which proves nothing of whose they are"
        report.note("keys", Lacking(f"{said}; 请自带规则 · bring a policy: --policy"))
    return replace(policy, retired=lasts)


def check_signatures(it: Bundle | Tiles, policy: Policy | None, report: Report) -> None:
    """Who has signed, whether they still might, and whether they are enough."""
    origin, size = it.checkpoint[:2]
    report.true("checkpoint", f"{shown(origin)}: {several(size, '条', 'record')}")
    if policy is None:
        report.note("signature", Unchecked("没有公钥可查 · no key to check it by"))
        return
    try:
        signers = policy.signers(it.note, it.checkpoint)
    except Amiss as amiss:
        report.note("signature", amiss)
        return
    logs = ", ".join(str(key) for key in signers if key.kind == LOG)
    report.true("signature", f"签署者 · signed by {logs}")
    report.check("retirement", policy.require_in_force, signers, size)
    report.check("quorum", policy.require_quorum, signers)


def require_same(here: object, there: object, says: str, wrong: str) -> str:
    if here != there:
        raise Wrong(wrong)
    return says


def require_alike(mine: Checkpoint, policy: Policy | None, known: Known, theirs: Other) -> str:
    """Another checkpoint is signed, and has the roots that are known at its size.

    A ledger of which a loss was accepted goes on as another log; of which nothing is false here.
    """
    name, note, other = theirs
    its, roots = f"{shown(name)} ({other.size})", known.get(other.size)
    amiss: type[Amiss] = Wrong
    same = "同一份历史 · the same history"
    differs = "同一日志、同一条数，根不同：有两份历史 · one log, two roots: two histories"
    if other.origin != mine.origin:
        amiss, log = Lacking, shown(other.origin)
        same = f"另一日志，开头相同 · another log with the same beginning: {log}"
        differs = f"另一日志，那时的根不同 · another log, which had other roots there: {log}"
    try:
        if policy is not None:
            policy.require_in_force(policy.signers(note, other), other.size)
    except Wrong as wrong:
        raise amiss(f"{its}: {wrong.says}") from None
    except Lacking as lacking:
        raise Lacking(f"{its}: {lacking.says}") from None
    if roots is None:
        lacks = "算不出那时的根，请带上截至那时的全部记录 · bring all records up to there"
        raise Lacking(f"{its}: {lacks}: the roots at that size do not follow from these")
    if other.roots[: len(roots)] != roots:
        raise amiss(f"{its}: {differs}", other.size)
    return f"{its}: {same}"


# 十、报告 The report

MARKS = {True: "✓", False: "✗", None: "–"}
EXIT_TRUE, EXIT_FALSE, EXIT_USAGE, EXIT_LACKING = range(4)
VERDICTS = {
    EXIT_TRUE: (True, "所查各项全部属实 · all that was checked is true"),
    EXIT_FALSE: (False, "不实 · false"),
    EXIT_LACKING: (None, "材料不足，无从判定 · nothing, or not enough, to check"),
}
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


class Stop(Exception):
    """终止: what is wrong leaves nothing more to check."""


class Finding(NamedTuple):
    """发现: what came of one check: true, false, or None where it was not made; and where."""

    check: str
    mark: bool | None
    says: str
    position: int | None = None

    def __str__(self) -> str:
        place = "" if self.position is None else f"第 {self.position} 条 · record {self.position}: "
        return f"{MARKS[self.mark]} {TITLES[self.check]}: {place}{self.says}"


class Report:
    """报告: everything that was checked, line by line, and what follows from it."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self._lacking: list[Finding] = []
        self._first: dict[str, Wrong] = {}

    def true(self, check: str, says: str) -> None:
        self.findings.append(Finding(check, mark=True, says=says))

    def note(self, check: str, amiss: Amiss) -> None:
        """Something that is not true, or of which this is not known."""
        self.findings.append(Finding(check, amiss.mark, amiss.says, amiss.position))
        if isinstance(amiss, Lacking):
            self._lacking.append(self.findings[-1])

    def remember(self, check: str, says: str, position: int | None = None) -> None:
        """The first thing that is wrong while records are read, told once the check is made."""
        self._first.setdefault(check, Wrong(says, position))

    def check(self, name: str, function: Callable[..., str], *given: object) -> bool:
        """Note what a check says; was it true?"""
        try:
            if name in self._first:
                raise self._first.pop(name)
            self.true(name, function(*given))
        except Amiss as amiss:
            self.note(name, amiss)
            return False
        return True

    def must(self, name: str, function: Callable[..., T], *given: object) -> T:
        """What a function finds, without which nothing more can be checked. Raises ``Stop``."""
        try:
            return function(*given)
        except Amiss as amiss:
            self.stop(name, amiss)
            raise Stop from None

    def stop(self, name: str, amiss: Amiss) -> None:
        """Something that leaves nothing more to check; what was remembered is told now."""
        for check, each in ((name, amiss), *self._first.items()):
            self.note(check, each)

    @property
    def is_false(self) -> bool:
        return any(each.mark is False for each in self.findings)

    @property
    def exit(self) -> int:
        if self.is_false:
            return EXIT_FALSE
        return EXIT_LACKING if self._lacking else EXIT_TRUE

    @property
    def verdict(self) -> Finding:
        """The last line: what all this comes to, and the first thing that is false, or lacking."""
        mark, says = VERDICTS[self.exit]
        false = [each for each in self.findings if each.mark is False]
        if not (false or self._lacking):
            return Finding("verdict", mark, says)
        first = min(false or self._lacking[:1], key=lambda each: each.position or LARGEST)
        its = f"{says}: {TITLES[first.check]}: {first.says}"
        return Finding("verdict", mark, its, first.position)

    def __str__(self) -> str:
        return "\n".join(map(str, (*self.findings, self.verdict)))

    def json(self) -> str:
        """The same for machines."""
        return as_json(self.exit, *self.findings, self.verdict)


def as_json(code: int, *said: Finding) -> str:
    """Findings, of which the last is the verdict."""
    *findings, verdict = (each._asdict() | {"title": TITLES[each.check]} for each in said)
    return json.dumps({"exit": code, "verdict": verdict, "findings": findings})


# 十一、命令行 The command line


class Parser(argparse.ArgumentParser):
    """用法: also says in JSON how it was called wrongly, if that was asked for."""

    words: Sequence[str] = ()

    def error(self, message: str) -> NoReturn:
        if "--json" in self.words:
            say(as_json(EXIT_USAGE, Finding("verdict", None, message)))
        super().error(message)


def arguments() -> Parser:
    parser = Parser(
        prog="wenxiao_verify.py",
        description="独立核验问效的证据包或树块目录 · checks a bundle or a directory of tiles",
        epilog="0 属实 true · 1 不实 false · 2 用法 usage · 3 材料不足 not enough to check",
    )
    add = parser.add_argument
    repeated: dict[str, Any] = {"action": "append", "default": []}
    policy = "见证规则，须取自包外 · tlog-policy: keys and witnesses, from outside the bundle"
    retired = "停用的密钥，如最新包内的 retired · retired keys, as in the newest bundle"
    against = "另得的检查点，须一致 · noted elsewhere, must tell the same history"
    add("path", type=Path, metavar="BUNDLE.zip|TILES_DIR")
    add("--policy", type=Path, metavar="FILE", help=policy)
    add("--retired", type=Path, metavar="FILE", help=retired)
    add("--stream", metavar="NAME", help="须完整的流 · must be complete", **repeated)
    add("--range", type=range_in, metavar="A-B", help="须完整的区间 · must be complete", **repeated)
    add("--against", type=Path, metavar="CHECKPOINT", help=against, **repeated)
    own = "信任包内公钥 · trust the bundle's own keys"
    add("--trust-bundle-keys", action="store_true", help=own)
    add("--json", action="store_true", help="机器可读 · for machines")
    return parser


def range_in(text: str) -> Range:
    first, _, last = text.partition("-")
    if not NUMBER.fullmatch(first) or not NUMBER.fullmatch(last) or not 0 < int(first) <= int(last):
        raise argparse.ArgumentTypeError(f"不是区间 · not A-B: {shown(text)}")
    return int(first), int(last)


def asked_by(said: argparse.Namespace) -> Asked:
    """What the caller asks for. Raises ``Wrong`` where a file of his is not what it should be."""
    if not (said.path.is_dir() or said.path.is_file()):
        raise Wrong(f"没有这个文件或目录 · no such file or directory: {shown(said.path)}")
    retired = bytes_in(said.retired) if said.retired else b""
    for wrong in retired_in(retired)[1]:
        raise wrong
    return Asked(
        Policy.parse(bytes_in(said.policy)) if said.policy else None,
        retired,
        said.trust_bundle_keys,
        said.stream,
        said.range,
        [(str(path), *signed_in(bytes_in(path))) for path in dict.fromkeys(said.against)],
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
        wrong = "本机算法有误，不能核验 · this machine computes wrongly"
        report.note("self-test", Lacking(wrong))
        return report
    report.true("self-test", "SHA-256, SM3, Ed25519: 与公布的例子相符 · as published")
    sizes = {checkpoint.size for _, _, checkpoint in asked.against}
    try:
        if path.is_dir():
            check(Tiles(path, sizes, report), asked, report)
        else:
            with Cautious(io.FileIO(path)) as file:
                check(Bundle(file, sizes, report), asked, report)
    except Stop:
        pass
    except (MemoryError, OSError) as error:
        its = f"{type(error).__name__} {shown(error)}"
        report.stop("bundle", Lacking(f"中断 · interrupted: {its}"))
    its = "只证明记下之后未改；所记是否属实未查 · unchanged since; whether it is true"
    report.note("content", Unchecked(f"{its} was not checked"))
    return report


def say(text: str) -> None:
    """A line or more, so that whoever cannot take it is noticed now."""
    if sys.stdout is not None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def main(words: list[str] | None = None) -> int:
    """Check what is asked for, say it, and how it ended."""
    try:
        return told(sys.argv[1:] if words is None else words)
    except (MemoryError, OSError) as error:
        its = "报告未能写完 · the report could not be written"
        sys.stderr.write(f"{its}: {type(error).__name__} {shown(error)}\n")
        with suppress(OSError, AttributeError):  # lest Python write the rest of it once more
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_LACKING


def told(words: list[str]) -> int:
    """What ``main`` does, where nothing keeps it from it."""
    parser = arguments()
    parser.words = words
    said = parser.parse_args(words)
    try:
        asked = asked_by(said)
    except (Wrong, OSError) as error:
        parser.error(shown(error, 400))
    report = checked(said.path, asked)
    say(report.json() if said.json else str(report))
    return report.exit


if __name__ == "__main__":
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(main())
