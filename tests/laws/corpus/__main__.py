"""Add an example of every fact, field and term that the corpus does not know yet."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import is_dataclass
from pathlib import Path
from types import NoneType
from typing import Any, cast, get_args, get_origin

from aggregates.base import FACTS, Envelope, Replacement
from service.ledger.body import encode
from tests.laws.corpus import FACTS_FILE, TERMS_FILE, lines, terms, terms_in_use, untold
from tests.words import WORDS, Dictionary, Word, hints_of

SAYING = Dictionary({**WORDS, str: Word(("文字",))})


def example(hint: Any) -> Any:
    """A value that says something in every one of its fields."""
    if hint is Replacement:
        return Replacement(example(FACTS["unit.registered"]))
    if hint in SAYING.words:
        return next((each for each in SAYING.few(hint) if each), SAYING.few(hint)[0])
    if is_dataclass(hint):
        made, hints = cast("Any", hint), hints_of(hint)
        return made(**{name: example(hints[name]) for name in hints})
    inner = [example(each) for each in get_args(hint) if each not in (NoneType, ...)]
    if get_origin(hint) is tuple:
        return tuple(inner)
    if get_origin(hint) is Mapping:
        return dict([inner])
    return inner[0] if inner else SAYING.few(hint)[0]


def add() -> int:
    """Append what is new; how many examples that was."""
    new = sorted({topic for topic, _ in untold()})
    told = [{"topic": line.topic, "body": line.body} for line in lines()]
    told += [{"topic": topic, "body": json.loads(_written(topic))} for topic in new]
    _write(FACTS_FILE, "[\n", told, "\n]\n")
    known, used = terms(), terms_in_use()
    for name in sorted(used):
        known[name] = [*dict.fromkeys([*known.get(name, []), *used[name]])]
    TERMS_FILE.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", "utf-8")
    return len(new)


def _written(topic: str) -> bytes:
    return encode(example(Envelope), example(FACTS[topic]))


def _write(file: Path, begin: str, told: list[Any], end: str) -> None:
    each = (json.dumps(one, ensure_ascii=False, sort_keys=True) for one in told)
    file.write_text(begin + ",\n".join(each) + end, "utf-8")


if __name__ == "__main__":
    if sys.argv[1:] != ["--add"]:
        sys.exit("python -m tests.laws.corpus --add")
    print(f"{add()} added")  # noqa: T201
