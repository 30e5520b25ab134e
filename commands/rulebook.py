"""规则: an office publishes its rule set."""

from __future__ import annotations

from typing import Annotated

from aggregates.roles import Role
from aggregates.rulebook import RuleBook, RuleSet, RuleSetPublished
from aggregates.values import Grade
from commands.base import RULES, Case, Command, Rule, act

EDITIONS_FOLLOW = Rule(
    "rules.editions_follow",
    "规则集各版依次编号，新版接在最近一版之后",
    basis="AN-04; DL-12",
)
SEVERITIES_NAME_RULES = Rule(
    "rules.severities_name_rules",
    "规则集所列的规则编号须在规则目录之内",
    basis="AN-04",
)
FIRM_RULES_STAND = Rule(
    "rules.firm_rules_stand",
    "规则集据以成立的规则，以及约束办理权限、保护记录的规则，规则集不得变更",
    basis="AN-04",
)
CHAIN_IS_ORDERED = Rule(
    "rules.chain_is_ordered",
    "审核链至少一环，且各环节不得重复",
    basis="SZ-16",
)
TABLES_ARE_COMPLETE = Rule(
    "rules.tables_are_complete",
    "结果应用表须列明优、良、中、差各等级的处理",
    basis="SZ-18; KM-37",
)
BANDS_DESCEND = Rule(
    "rules.bands_descend",
    "各等级的分数线须依次降低",
    basis="财预〔2015〕88号; 财预〔2020〕10号",
)
TERMS_CAN_BE_RECKONED = Rule(
    "rules.terms_can_be_reckoned",
    "各项期限不得为负，也不得超过 3650 天或 120 个月",
    basis="AN-04",
)
MOST_DAYS, MOST_MONTHS = 3650, 120


@act("rulebook/editions", by={Role.BUREAU_LEADER, Role.OPERATOR}, basis="AN-04; DL-12")
class PublishRuleSet(Command[RuleBook]):
    """发布规则集: thresholds, chain, consequences and deadlines, as the office's next edition."""

    edition: Annotated[int, "版次，从 1 起依次编号"]
    rule_set: Annotated[RuleSet, "规则集的全部内容"]

    def decide(self, book: RuleBook, case: Case, /) -> RuleSetPublished:
        latest = max(book.versions, default=0)
        case.require(self.edition == latest + 1, EDITIONS_FOLLOW, 最近一版=latest)
        unknown = sorted(set(self.rule_set.severities) - set(RULES))
        case.require(not unknown, SEVERITIES_NAME_RULES, 未知规则=unknown)
        firm = sorted(each for each in self.rule_set.severities if _is_firm(each))
        case.require(not firm, FIRM_RULES_STAND, 规则=firm)
        chain = self.rule_set.review_chain
        is_ordered = chain and len(set(chain)) == len(chain)
        case.require(is_ordered, CHAIN_IS_ORDERED, 审核链=chain)
        self._check_grades(case)
        self._check_terms(case)
        return RuleSetPublished(self.edition, self.rule_set.title, self.rule_set)

    def _check_grades(self, case: Case) -> None:
        """Whatever the score, there is a grade; whatever the grade, there is a consequence."""
        given = self.rule_set
        tables = given.after_review, given.after_evaluation
        missing = [each for table in tables for each in Grade if each not in table]
        case.require(not missing, TABLES_ARE_COMPLETE, 缺少=missing)
        for bands in (given.review_bands, given.ex_ante_bands, given.evaluation_bands):
            limits = bands.excellent, bands.good, bands.fair
            is_descending = bands.excellent > bands.good > bands.fair
            case.require(is_descending, BANDS_DESCEND, 分数线=limits)

    def _check_terms(self, case: Case) -> None:
        given = self.rule_set
        days, months = (given.unit_opinion_days, given.backdate_days), given.rectification_months
        are_days = all(0 <= each <= MOST_DAYS for each in days)
        are_months = 0 <= months <= MOST_MONTHS
        case.require(are_days and are_months, TERMS_CAN_BE_RECKONED, 天数=days, 月数=months)


def _is_firm(rule: str) -> bool:
    return rule in RULES and RULES[rule].is_firm
