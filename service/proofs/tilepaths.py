"""树块名: where a tile is found, as C2SP ``tlog-tiles`` writes it: ``x001/x234/067.p/8``."""

from __future__ import annotations

import re

from service.ledger.trees import TILE

LEVEL = "(?:[0-9]|[1-5][0-9]|6[0-3])"
NUMBER = "(?:x[0-9]{3}/){0,5}[0-9]{3}"
WIDE = "(?:[1-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5])"
PLACE = rf"{NUMBER}(?:\.p/{WIDE})?"


def written(number: int, width: int = TILE) -> str:
    """The name of a tile; its width only where it is not full."""
    digits = str(number)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    *higher, last = (digits[at : at + 3] for at in range(0, len(digits), 3))
    partial = f".p/{width}" if width < TILE else ""
    return "".join(f"x{each}/" for each in higher) + last + partial


def read(name: str) -> tuple[int, int]:
    """Number and width of the tile of this name. Raises ``ValueError`` where it names none."""
    if not re.fullmatch(PLACE, name):
        raise ValueError(f"no name of a tile: {name[:100]!r}")
    digits, _, width = name.partition(".p/")
    number = int(digits.replace("x", "").replace("/", ""))
    if written(number) != digits:
        raise ValueError(f"a tile of another name: {name}")
    return number, int(width or TILE)
