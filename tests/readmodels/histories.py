"""Histories of an office at random: everything a read model may meet, corrections above all."""

from __future__ import annotations

from itertools import count
from typing import Any

from hypothesis import strategies as st

from aggregates.base import Fact
from aggregates.roles import Role
from tests.readmodels.posts import UNBEARABLE, assigned, ended, issued
from tests.readmodels.source import Source

STREAMS = ("office/main", "office/branch", "unit/101")
PEOPLE = st.sampled_from(["li", "wang", "zhao"])
ROLES = st.sampled_from([Role.UNIT_CLERK, Role.UNIT_HEAD])
POSTS_HELD = st.sampled_from(["科员", "主任"])

numbers = count(1)


def facts(posts: st.SearchStrategy[str]) -> st.SearchStrategy[Fact[Any]]:
    return st.one_of(
        st.builds(assigned, PEOPLE, ROLES, posts),
        st.builds(ended, PEOPLE, ROLES),
        st.builds(issued),
    )


@st.composite
def histories(draw: st.DrawFn, *, with_poison: bool = True) -> Source:
    """Up to thirty records; about every third one corrects or withdraws an earlier one.

    Some corrections name a record of another history, or one that is still to come; they correct
    nothing.
    """
    source = Source(f"office-{next(numbers)}")
    poison = st.sampled_from(["科员", "主任", UNBEARABLE])
    anything = facts(poison if with_poison else POSTS_HELD)
    for _ in range(draw(st.integers(0, 30))):
        stream = draw(st.sampled_from(STREAMS))
        if source.kept and draw(st.integers(0, 2)) == 0:
            corrected = draw(st.integers(1, len(source.kept) + 3))
            elsewhere = corrected > len(source.kept) or draw(st.integers(0, 5)) == 0
            replacement = draw(st.one_of(st.none(), anything))
            source.correct(corrected, replacement, stream if elsewhere else "")
        else:
            source.add(stream, draw(anything))
    return source
