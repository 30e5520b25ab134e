"""单位、令牌、规则集: what never happens in the office itself."""

from __future__ import annotations

from itertools import chain
from typing import Any

from aggregates.base import Record
from aggregates.office import TokenIssued, TokenRevoked
from aggregates.rulebook import RuleSetPublished
from aggregates.unit import UnitMoved, UnitRegistered
from tests.laws.nevers.telling import Before, never


@never(UnitRegistered, UnitMoved)
def no_unit_stands_above_itself(
    fact: UnitRegistered | UnitMoved, new: Record[Any], before: Before
) -> None:
    above, climbed = fact.superior, set[str]()
    while above and above not in climbed:
        assert f"unit/{above}" != new.stream
        climbed.add(above)
        place = before.last(f"unit/{above}", UnitRegistered, UnitMoved)
        above = place.superior if place else ""


@never(TokenIssued)
def no_two_tokens_share_a_name_or_a_secret(
    issued: TokenIssued, new: Record[Any], before: Before
) -> None:
    assert not before.all(new.stream, TokenIssued, token=issued.token)
    assert not before.all(new.stream, TokenIssued, digest=issued.digest)


@never(TokenRevoked)
def no_token_is_revoked_twice(revoked: TokenRevoked, new: Record[Any], before: Before) -> None:
    assert before.all(new.stream, TokenIssued, token=revoked.token)
    assert not before.all(new.stream, TokenRevoked, token=revoked.token)


@never(RuleSetPublished)
def no_edition_is_published_twice(
    published: RuleSetPublished, new: Record[Any], before: Before
) -> None:
    editions = (each.edition for each in before.all(new.stream, RuleSetPublished))
    assert published.edition == max(chain((0,), editions)) + 1
