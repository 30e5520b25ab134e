"""What every act, rule and fact owes by being declared; a new one is held to it unasked."""

from __future__ import annotations

import ast
import json
import os
import re
import string
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import commands
from aggregates.base import FACTS, KINDS, Fact, Severity
from aggregates.rulebook import RuleSet
from aggregates.values import Fen
from commands import guards
from commands.base import ACTS, RULES, Act, Rule
from commands.correction import CorrectRecord
from service.request import is_our_own
from service.schemas import schema_of
from tests import stories
from tests.laws.corpus.__main__ import example
from tests.words import anything, hints_of

CHINESE = re.compile(r"[\u4e00-\u9fff]")
TITLE = re.compile(r"[\u4e00-\u9fff][\w、（）]{0,20}")
STEP = r"[a-z]+(-[a-z]+)*"
PATH = re.compile(rf"{STEP}(/\{{(?P<subject>[a-z]+)\}})?(/{STEP})+|{STEP}")
MUST = "须|不得|应|方可|只|宜|不再|不予|不早于|由|依次|按|凭|留给|至少"
PAST = ("ed", "given", "held", "met")
every_act = pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
every_rule = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
every_fact = pytest.mark.parametrize("fact", FACTS.values(), ids=FACTS)


# Acts


@every_act
def test_an_act_says_what_it_is_who_may_do_it_and_on_which_ground(act: Act) -> None:
    assert TITLE.fullmatch(act.title)
    assert act.by
    assert act.basis
    assert act.facts


@every_act
def test_a_path_names_its_subject(act: Act) -> None:
    assert [*act.paths] == sorted(act.paths) != []
    for path in act.paths:
        found = PATH.fullmatch(path)
        assert found, path
        assert found["subject"] in (None, *KINDS)


def test_no_two_acts_share_a_title_or_a_path() -> None:
    titles = Counter(act.title for act in ACTS.values())
    paths = Counter(path for act in ACTS.values() for path in act.paths)
    assert [each for each, often in (titles + paths).items() if often > 1] == []


def test_no_two_shapes_of_a_request_share_a_name() -> None:
    """Each is a schema of the API, under the name of its class."""
    shapes = {each for act in ACTS.values() for each in within(act.command)}
    names = Counter(each.__name__ for each in shapes if is_dataclass(each) and callable(each))
    assert [name for name, often in names.items() if often > 1] == []


@every_act
@settings(max_examples=settings().max_examples // 5)
@given(st.data())
def test_what_may_be_said_passes_the_door(act: Act, dice: st.DataObject) -> None:
    """So these laws are asked nothing that a door would not let in, and nothing is lost there."""
    command = dice.draw(anything(act.command))
    schema = schema_of(act.command)
    sent = json.loads(json.dumps(schema.dump(command)))
    assert act.command(**schema.load(sent)) == command


# Rules


@every_rule
def test_a_rule_is_a_sentence_for_people_and_names_its_ground(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z_]+\.[a-z_]+", rule.id)
    assert CHINESE.match(rule.sentence)
    assert rule.sentence[-1] not in "。.；;"
    assert rule.basis


@every_rule
def test_a_rule_says_what_has_to_hold_not_what_went_wrong(rule: Rule) -> None:
    assert re.search(MUST, rule.sentence)
    assert not rule.sentence.endswith("标明")


def test_no_rule_set_loosens_what_guards_power_or_the_record() -> None:
    guards_power = (act for act in ACTS.values() if is_our_own(act) or act is CorrectRecord.act)
    guarding = set(rules_of(*(import_module(act.command.__module__) for act in guards_power)))
    guarding |= {rule for rule in rules_of(guards) if rule != guards.SUBJECT_IS_KNOWN}
    refusing = {rule for rule in guarding if rule.severity == Severity.REFUSE}
    off = RuleSet(severities=dict.fromkeys(RULES, Severity.OFF))
    assert {rule.id for rule in refusing if rule.severity_under(off) != Severity.REFUSE} == set()
    assert len(refusing) > 30


def test_every_rule_bites_in_one_story_and_holds_in_another(tmp_path: Path) -> None:
    """The stories assert every breach exactly, so to have bitten is to have been told of."""
    watched = tmp_path / "rules.json"
    asked = [sys.executable, "-m", "pytest", "-p", "tests.laws.watching", *QUIETLY, "tests/stories"]
    outside = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    subprocess.run(asked, env=outside | {"RULES_WATCHED": str(watched)}, check=True, cwd=ROOT)
    seen = json.loads(watched.read_text("utf-8"))
    assert sorted(RULES.keys() - seen["bit"]) == []
    assert sorted(RULES.keys() - seen["held"]) == []


def test_every_rule_is_named_where_a_story_says_that_it_bites() -> None:
    assert sorted(RULES.keys() - set(rules_that_are_said_to_bite())) == []


def test_a_breach_always_shows_what_was_looked_at() -> None:
    silent = [
        f"{file.name}:{node.lineno}"
        for file in sorted(Path(*commands.__path__).glob("*.py"))
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"case.require", "case.need"}
        and not node.keywords
    ]
    assert silent == []


# Facts


@every_fact
def test_a_fact_is_told_in_a_sentence_of_its_own_words(fact: type[Fact[Any]]) -> None:
    hints = hints_of(fact)
    for _, field, form, _ in string.Formatter().parse(fact.SAYS):
        if field is not None:
            is_worded = isinstance(getattr(fact, field, None), property)
            assert field in hints or is_worded
            is_money = not is_worded and Fen in (hints[field], *get_args(hints[field]))
            assert (form == "yuan") == is_money
    told = example(fact).sentence()
    assert CHINESE.search(told)
    assert not set("{}<>") & set(told), told


@every_fact
def test_a_topic_is_a_subject_and_what_happened_to_it(fact: type[Fact[Any]]) -> None:
    assert TITLE.fullmatch(fact.TITLE)
    subject, _, happened = fact.TOPIC.partition(".")
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", subject)
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", happened)
    assert happened.endswith(PAST)


@every_fact
def test_a_fact_holds_nothing_that_could_be_read_in_two_ways(fact: type[Fact[Any]]) -> None:
    """No floats, nothing of any type, no sets without an order, no lists that may change."""
    assert {float, Any, set, frozenset, list, dict} & set(within(fact)) == set()


# What is declared, and what is said of it


ROOT = Path(__file__).parents[2]
QUIETLY = ["-q", "-n0", "-p", "no:cacheprovider", "-p", "no:randomly"]


def within(hint: Any) -> Iterator[Any]:
    """A type and all that it is made of, as far down as there is anything."""
    yield get_origin(hint) or hint
    if get_origin(hint) is Annotated:
        yield from within(get_args(hint)[0])
    elif is_dataclass(hint):
        hints = get_type_hints(hint, include_extras=True)
        for field in fields(hint):
            yield from within(hints[field.name])
    else:
        for inner in get_args(hint):
            if inner not in (NoneType, ...):
                yield from within(inner)


def rules_of(*modules: Any) -> Iterator[Rule]:
    """The rules that stand in modules, at their top."""
    return (each for module in modules for each in vars(module).values() if isinstance(each, Rule))


def rules_that_are_said_to_bite() -> Iterator[str]:
    """The rules that stand in a story which ends in a refusal or a mark."""
    for file in sorted(Path(*stories.__path__).glob("test_*.py")):
        module = vars(import_module(f"tests.stories.{file.stem}"))
        for story in ast.parse(file.read_text("utf-8")).body:
            if isinstance(story, ast.FunctionDef) and _ends_in_a_breach(story):
                yield from (rule.id for rule in _rules_in(story, module))


def _ends_in_a_breach(story: ast.FunctionDef) -> bool:
    endings = {"refused", "flagged", "recorded_with"}
    return any(isinstance(n, ast.Attribute) and n.attr in endings for n in ast.walk(story))


def _rules_in(story: ast.FunctionDef, module: dict[str, Any]) -> Iterator[Rule]:
    for node in ast.walk(story):
        named = node.id if isinstance(node, ast.Name) else None
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found = getattr(module.get(node.value.id), node.attr, None)
        else:
            found = module.get(named or "")
        if isinstance(found, Rule):
            yield found
