"""目录: every act, role, rule and topic of this release, as Markdown, made from the declarations.

The checked-in copy is compared with this in the tests, so that a topic renamed, a field changed
or a rule reworded shows as a line that somebody has to read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any

from aggregates.base import FACTS, Fact
from aggregates.roles import Role
from commands.base import ACTS, RULES, Act

Row = Iterable[str]


def catalogue() -> str:
    """The whole catalogue."""
    return "\n".join([*_acts(), *_matrix(), *_rules(), *_topics()])


def told() -> dict[str, list[dict[str, Any]]]:
    """The same for machines."""
    return {
        "acts": [_act_told(each) for each in _by_name(ACTS)],
        "rules": [vars(each) for each in _by_name(RULES)],
        "topics": [
            {"topic": topic, "title": fact.TITLE, "says": fact.SAYS, "fields": _fields(fact)}
            for topic, fact in sorted(FACTS.items())
        ],
    }


def _acts() -> Iterator[str]:
    yield "# 目录\n\n## 办理事项\n"
    yield from _table(
        ("事项", "名称", "地址", "依据", "登记"),
        (
            (
                act.name,
                act.title,
                "<br>".join(f"`{path}`" for path in act.doors) or "在服务器上以命令办理",
                act.basis + ("（仅登记已发生的业务）" if act.observed else ""),
                "<br>".join(f"`{fact.TOPIC}`" for fact in act.facts),
            )
            for act in _by_name(ACTS)
        ),
    )


def _matrix() -> Iterator[str]:
    yield "\n## 角色\n"
    roles = [role for role in Role if any(role in act.asked_by for act in ACTS.values())]
    yield from _table(
        ("事项", *(role.label for role in roles)),
        (
            (act.name, *("●" if role in act.asked_by else "" for role in roles))
            for act in _by_name(ACTS)
        ),
    )


def _rules() -> Iterator[str]:
    yield "\n## 规则\n"
    yield from _table(
        ("规则", "内容", "依据", "通常后果"),
        ((r.id, r.sentence, r.basis, r.severity.value) for r in _by_name(RULES)),
    )


def _topics() -> Iterator[str]:
    yield "\n## 记录种类\n"
    yield from _table(
        ("种类", "名称", "所属历史", "内容"),
        (
            (
                topic,
                fact.TITLE,
                fact.about.KIND or fact.about.__name__,
                "<br>".join(f"{name}: {kind}" for name, kind in _fields(fact).items()),
            )
            for topic, fact in sorted(FACTS.items())
        ),
    )


def _table(head: Row, rows: Iterable[Row]) -> Iterator[str]:
    names = tuple(head)
    yield _line(names)
    yield _line("---" for _ in names)
    yield from map(_line, rows)


def _line(cells: Row) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _by_name(declared: dict[str, Any]) -> list[Any]:
    return [each for _, each in sorted(declared.items())]


def _fields(fact: type[Fact[Any]]) -> dict[str, str]:
    """A fact's fields with their types, as they are written in its class."""
    declared: Any = fact
    return {f.name: _written(f.type) for f in fields(declared)}


def _written(kind: Any) -> str:
    return re.sub(r"\s+", " ", kind if isinstance(kind, str) else str(kind.__name__))


def _act_told(act: Act) -> dict[str, Any]:
    return {
        "act": act.name,
        "title": act.title,
        "paths": list(act.doors),
        "by": sorted(role.value for role in act.asked_by),
        "basis": act.basis,
        "reads": sorted(kind.KIND for kind in act.reads),
        "observed": act.observed,
        "topics": [fact.TOPIC for fact in act.facts],
    }
