"""打印页: a checkpoint for the notice board, and the cover sheet of a bundle; one page A4 each.

Whoever keeps such a page can hold the ledger to it: a hash of 64 digits that was once on paper
cannot be taken back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING

from service.proofs.custody import Sealed
from service.proofs.notes import PublicKey
from service.proofs.seals import Kept

if TYPE_CHECKING:
    from service.proofs.bundles import Contents

MOST_NAMED = 12
"""How many streams or ranges a cover sheet names before it only counts them."""


def checkpoint_page(kept: Kept, signers: Iterable[PublicKey]) -> str:
    """检查点公示页: what was signed, when and by which key, in digits to be compared by eye."""
    sealed = kept.sealed
    told = sealed.checkpoint
    signed = [each.name for each in sealed.note.signatures]
    rows = {
        "台账": told.origin,
        "记录总数": str(told.size),
        "SHA-256 树根": in_groups(told.sha256),
        "SM3 树根": in_groups(told.sm3),
        "SHA-256 名册根": in_groups(told.roster_sha256),
        "SM3 名册根": in_groups(told.roster_sm3),
        "签署时间": kept.sealed_at,
        "签名公钥": "、".join(map(str, signers)),
        "签名": "、".join(each for each in signed if each == told.origin),
        "见证": "、".join(each for each in signed if each != told.origin) or "无",
    }
    said = (
        "以上为该台账截至所列记录数的全部内容的指纹。此后出示的任何记录，均应能够证明其与本页一致；"
        "凡与本页不一致者，即非同一台账。下文为可供机器核验的签名原文。"
    )
    return page("台账检查点公示", rows, said, str(sealed.note))


def cover_page(contents: Contents, sealed: Sealed) -> str:
    """证据包封面: what a bundle holds, and how it is to be checked."""
    wanted = contents.wanted
    rows = {
        "台账": contents.origin,
        "检查点": f"第 {contents.size} 条为止",
        "所含记录": f"{len(contents.records)} 条",
        "声明完整的历史": named(wanted.streams),
        "声明完整的区间": named([f"第 {a} 至 {b} 条" for a, b in wanted.ranges]),
        "制作时间": contents.made_at,
        "SHA-256 树根": in_groups(sealed.checkpoint.sha256),
        "SM3 树根": in_groups(sealed.checkpoint.sm3),
    }
    said = (
        "核验方法：使用自行保管的核验程序和公钥，离线运行"
        " wenxiao_verify.py --policy 公钥文件 本文件。"
        "本封面仅供阅读，不作为证据；包内公钥须与另行取得者比对。"
    )
    return page("证据包", rows, said, str(sealed.note))


def page(title: str, rows: Mapping[str, str], said: str, note: str) -> str:
    """A page with a table of what is so, a paragraph, and a signed note."""
    shown = (
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows.items()
    )
    template = files(__package__).joinpath("templates/page.html").read_text("utf-8")
    return Template(template).substitute(
        title=escape(title), rows="\n".join(shown), said=escape(said), note=escape(note)
    )


def in_groups(digest: bytes) -> str:
    """A hash in groups of eight digits."""
    return digest.hex(" ", -4)


def named(what: list[str] | tuple[str, ...]) -> str:
    """What there is by name; of many only how many."""
    if len(what) > MOST_NAMED:
        return f"{len(what)} 项，详见 manifest.json"
    return "、".join(what) or "无"
