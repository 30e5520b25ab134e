"""Checkpoints: the published form, our further lines, and what is none."""

from __future__ import annotations

import pytest

from service.proofs.checkpoints import Checkpoint, base64_of, head_of
from service.proofs.notes import BadNote

PUBLISHED = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
"""The example of ``tlog-checkpoint``."""

OURS = Checkpoint("wenxiao.example/shizong", 7, 5, *(bytes([n]) * 32 for n in range(4)))


def test_anybodys_checkpoint_is_read() -> None:
    origin, size, root = head_of(PUBLISHED)
    assert (origin, size) == ("example.com/behind-the-sofa", 20_852_163)
    assert root.hex() == "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62"


def test_ours_says_both_trees_and_both_rosters() -> None:
    assert OURS.text.split("\n") == [
        "wenxiao.example/shizong",
        "7",
        base64_of(bytes(32)),
        f"sm3 {base64_of(bytes([1]) * 32)}",
        f"roster-sha256 {base64_of(bytes([2]) * 32)}",
        f"roster-sm3 {base64_of(bytes([3]) * 32)}",
        "previous 5",
        "",
    ]
    assert Checkpoint.parse(OURS.text) == OURS
    assert head_of(OURS.text) == (OURS.origin, OURS.size, OURS.sha256)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n7\nAAAA\n",
        PUBLISHED.removesuffix("\n"),
        f"{PUBLISHED}\n",
        PUBLISHED.replace("20852163", "020852163"),
        PUBLISHED.replace("20852163", "-1"),
        PUBLISHED.replace("20852163", "٣"),
        PUBLISHED.replace("q2I=", "q2J="),
        PUBLISHED.replace("CsUYapGG", ""),
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        head_of(text)


@pytest.mark.parametrize(
    "text",
    [
        PUBLISHED,
        OURS.text.replace("sm3 ", "sm4 ", 1),
        OURS.text + "more\n",
        OURS.text.replace("roster-sm3 Aw", "roster-sm3 A"),
        OURS.text.replace("previous 5", "previous 05"),
        OURS.text.replace("previous 5\n", ""),
    ],
)
def test_what_is_no_checkpoint_of_ours_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        Checkpoint.parse(text)
