"""An office publishes its rules, edition by edition."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from aggregates.base import Severity
from aggregates.rulebook import DEFAULT, AfterReview, Measure, RuleBook, RuleSet, RuleSetPublished
from aggregates.values import Bands, Grade, ReviewStage
from commands import rulebook as rules
from commands.guards import NOT_BEFORE_IT_HAPPENED
from commands.office import OPERATOR_BY_OPERATOR
from commands.review import ONE_STAGE_EACH
from commands.rulebook import PublishRuleSet
from tests.scenario import given, history
from tests.stories.cast import score

from_2020 = RuleSet("shizong", "师宗县规则", effective_from=date(2020, 1, 1))
from_2021 = replace(from_2020, effective_from=date(2021, 1, 1))
first = RuleSetPublished(1, "师宗县规则", from_2020)
second = RuleSetPublished(2, "师宗县规则", from_2021)
restated = RuleSetPublished(3, "师宗县规则", replace(from_2020, backdate_days=10))


def book(*published: RuleSetPublished) -> RuleBook:
    found = history(RuleBook, *published)
    assert isinstance(found, RuleBook)
    return found


def test_an_office_publishes_its_rules() -> None:
    given(RuleBook).when(PublishRuleSet(1, from_2020)).then(first)


def test_the_next_edition_follows_the_last() -> None:
    given(RuleBook, first).when(PublishRuleSet(2, from_2021)).then(second)


@pytest.mark.parametrize("edition", [0, 1, 3])
def test_no_edition_is_repeated_or_left_out(edition: int) -> None:
    given(RuleBook, first).when(PublishRuleSet(edition, from_2021)).refused(rules.EDITIONS_FOLLOW)


def test_severities_are_of_rules_that_exist() -> None:
    strict = replace(from_2020, severities={"review.no_such_rule": Severity.REFUSE})
    given(RuleBook).when(PublishRuleSet(1, strict)).refused(rules.SEVERITIES_NAME_RULES)


def test_an_office_chooses_its_severities() -> None:
    strict = replace(from_2020, severities={ONE_STAGE_EACH.id: Severity.REFUSE})
    given(RuleBook).when(PublishRuleSet(1, strict)).then(replace(first, rule_set=strict))


def test_no_office_loosens_what_its_rules_stand_on() -> None:
    for rule in (rules.CHAIN_IS_ORDERED, OPERATOR_BY_OPERATOR, NOT_BEFORE_IT_HAPPENED):
        loose = replace(from_2020, severities={rule.id: Severity.OFF})
        given(RuleBook).when(PublishRuleSet(1, loose)).refused(rules.FIRM_RULES_STAND)


def test_what_the_rules_stand_on_holds_even_where_it_had_been_loosened() -> None:
    without_chain = PublishRuleSet(1, replace(from_2020, review_chain=()))
    loosened = given(RuleBook).under(severities={rules.CHAIN_IS_ORDERED.id: Severity.OFF})
    loosened.when(without_chain).refused(rules.CHAIN_IS_ORDERED)


@pytest.mark.parametrize("chain", [(), (ReviewStage.DEPARTMENT, ReviewStage.DEPARTMENT)])
def test_a_chain_has_stages_and_each_of_them_once(chain: tuple[ReviewStage, ...]) -> None:
    chained = replace(from_2020, review_chain=chain)
    given(RuleBook).when(PublishRuleSet(1, chained)).refused(rules.CHAIN_IS_ORDERED)


@pytest.mark.parametrize(
    "incomplete",
    [
        replace(from_2020, after_review={Grade.EXCELLENT: AfterReview.ENTER}),
        replace(from_2020, after_evaluation={Grade.POOR: Measure.CANCEL}),
    ],
)
def test_every_grade_has_its_consequence(incomplete: RuleSet) -> None:
    given(RuleBook).when(PublishRuleSet(1, incomplete)).refused(rules.TABLES_ARE_COMPLETE)


@pytest.mark.parametrize("name", ["review_bands", "ex_ante_bands", "evaluation_bands"])
def test_a_better_grade_asks_a_higher_score(name: str) -> None:
    level = Bands(score("90"), score("90"), score("60"))
    given(RuleBook).when(PublishRuleSet(1, replace(from_2020, **{name: level}))).refused(  # type: ignore[arg-type]
        rules.BANDS_DESCEND
    )


def test_an_office_draws_its_bands() -> None:
    banded = replace(from_2020, review_bands=Bands(score("95"), score("85"), score("70")))
    given(RuleBook).when(PublishRuleSet(1, banded)).then(replace(first, rule_set=banded))


@pytest.mark.parametrize(
    "endless",
    [{"backdate_days": -1}, {"unit_opinion_days": 3651}, {"rectification_months": 121}],
    ids=str,
)
def test_a_term_has_an_end_that_can_be_reckoned(endless: dict[str, Any]) -> None:
    given(RuleBook).when(PublishRuleSet(1, replace(from_2020, **endless))).refused(
        rules.TERMS_CAN_BE_RECKONED
    )


def test_an_office_sets_its_terms() -> None:
    patient = replace(from_2020, backdate_days=0, unit_opinion_days=3650, rectification_months=120)
    given(RuleBook).when(PublishRuleSet(1, patient)).then(replace(first, rule_set=patient))


def test_general_rules_hold_until_the_office_has_its_own() -> None:
    assert book().in_force(date(2021, 6, 1)) == (0, DEFAULT)
    assert book(first).in_force(date(2019, 12, 31)) == (0, DEFAULT)


def test_the_edition_with_the_latest_effective_date_is_in_force() -> None:
    published = book(first, second)
    assert published.in_force(date(2020, 12, 31)) == (1, from_2020)
    assert published.in_force(date(2021, 1, 1)) == (2, from_2021)


def test_of_two_editions_of_one_date_the_later_is_in_force() -> None:
    edition, _ = book(first, second, restated).in_force(date(2020, 6, 1))
    assert edition == 3


def test_an_edition_for_earlier_years_leaves_later_ones_alone() -> None:
    edition, _ = book(first, second, restated).in_force(date(2021, 6, 1))
    assert edition == 2
