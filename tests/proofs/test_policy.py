"""Policies: whose word is enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.proofs.notes import MOST_SIGNATURES
from service.proofs.policy import MOST_WITNESSES, BadPolicy, Policy
from tests.proofs.test_notes import signer, witness

LOG, X1, X2, X3, Y1 = signer(), *(witness(f"{n}.example") for n in ("x1", "x2", "x3", "y1"))

TWO_LEVELS = f"""
# which ledger, who has seen it, and how many of them are enough
log {LOG.public}
witness X1 {X1.public} https://x1.example/
witness X2 {X2.public}
\twitness  X3\t{X3.public}
group X 2 X1 X2 X3
witness Y1 {Y1.public}
group X-and-Y all X Y1
quorum X-and-Y
"""


def test_a_quorum_of_groups_is_reached_by_enough_of_each() -> None:
    policy = Policy.parse(TWO_LEVELS)
    x1, x2, x3, y1 = (each.public for each in (X1, X2, X3, Y1))
    assert policy.is_reached([x1, x3, y1])
    assert policy.is_reached([x1, x2, x3, y1])
    assert not policy.is_reached([x1, y1])
    assert not policy.is_reached([x1, x2, x3])
    assert not policy.is_reached([])


def test_it_says_who_signs_and_where_witnesses_are() -> None:
    policy = Policy.parse(TWO_LEVELS)
    assert policy.logs == [LOG.public]
    assert [each.url for each in policy.witnesses.values()] == ["https://x1.example/", "", "", ""]


def test_any_is_one_and_none_is_nobody() -> None:
    anyone = f"witness X1 {X1.public}\nwitness X2 {X2.public}\ngroup X any X1 X2\nquorum X\n"
    assert Policy.parse(anyone).is_reached([X2.public])
    assert not Policy.parse(anyone).is_reached([LOG.public])
    assert Policy.parse("quorum none\n").is_reached([])


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("", "no line says"),
        ("log nonsense\nquorum none", "line 1: no key"),
        (f"log {X1.public}\nquorum none", "not a key that a log"),
        (f"witness X {LOG.public}\nquorum X", "not a key that a witness"),
        (f"witness X {X1.public}\nwitness Y {X1.public}\nquorum X", "line 2: the same key"),
        (f"witness X {X1.public}\nwitness X {X2.public}\nquorum X", "line 2: a name that is"),
        (f"witness none {X1.public}\nquorum none", "a name that is taken"),
        ("quorum X", "nothing above is called X"),
        (f"group G any X\nwitness X {X1.public}\nquorum G", "nothing above is called X"),
        (f"witness X {X1.public}\ngroup G 2 X\nquorum G", "2 of 1"),
        (f"witness X {X1.public}\ngroup G 0 X\nquorum G", "0 of 1"),
        (f"witness X {X1.public}\ngroup G any X X\nquorum G", "twice"),
        (f"witness X {X1.public}\ngroup G any X\ngroup H any X\nquorum G", "two groups"),
        ("quorum none\nquorum none", "line 2: not understood"),
        ("quorum none\nwitnesses", "line 2: not understood"),
        ("quorum none\nlog \x07", "control character"),
    ],
)
def test_a_wrong_line_is_named(text: str, because: str) -> None:
    with pytest.raises(BadPolicy, match=because):
        Policy.parse(text)


def test_there_are_no_more_witnesses_than_a_note_is_read_with() -> None:
    def policy(many: int) -> Policy:
        keys = (witness(f"w{n}").public for n in range(many))
        return Policy.parse("".join(f"witness {k.name} {k}\n" for k in keys) + "quorum none\n")

    assert len(policy(MOST_WITNESSES).witnesses) == MOST_WITNESSES < MOST_SIGNATURES
    with pytest.raises(BadPolicy, match="line 33: more than 32 witnesses"):
        policy(MOST_WITNESSES + 1)


def test_a_file_is_read_as_it_is_written(tmp_path: Path) -> None:
    file = tmp_path / "policy"
    file.write_text(TWO_LEVELS, "utf-8")
    assert Policy.read(file) == Policy.parse(TWO_LEVELS)
    assert Policy.read(file).text == TWO_LEVELS


@pytest.mark.parametrize(
    ("data", "because"),
    [
        (None, "cannot be read: No such file"),
        ("# 审计局\nquorum none\n".encode("gbk"), "is not in UTF-8"),
        (b"quorum", "line 1: not understood"),
    ],
)
def test_a_file_that_is_no_policy_is_named(
    tmp_path: Path, data: bytes | None, because: str
) -> None:
    file = tmp_path / "policy"
    if data is not None:
        file.write_bytes(data)
    with pytest.raises(BadPolicy, match=f"{file}.* {because}"):
        Policy.read(file)
