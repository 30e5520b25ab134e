"""Watch the stories: ``pytest -p tests.laws.watching`` says which rules bit, and which held.

Written as JSON to the file that ``RULES_WATCHED`` names.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from commands.base import Case, Rule

bit: set[str] = set()
held: set[str] = set()
_require, _need = Case.require, Case.need


def require(case: Case, condition: object, rule: Rule, **saw: object) -> bool:
    (held if condition else bit).add(rule.id)
    return _require(case, condition, rule, **saw)


def need(case: Case, value: Any, rule: Rule, **saw: object) -> Any:
    (bit if value is None else held).add(rule.id)
    return _need(case, value, rule, **saw)


def pytest_configure() -> None:
    Case.require = require  # type: ignore[method-assign,assignment]
    Case.need = need  # type: ignore[method-assign,assignment]


def pytest_sessionfinish() -> None:
    seen = {"bit": sorted(bit), "held": sorted(held)}
    Path(os.environ["RULES_WATCHED"]).write_text(json.dumps(seen), "utf-8")
