"""更正: what was recorded wrongly is read otherwise from here on; the record itself stays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from marshmallow import fields

from aggregates.base import FACTS, Aggregate, Fact, Record, RecordCorrected, Replacement
from aggregates.correction import Correctable
from aggregates.roles import FINANCE, UNIT, Role
from commands.base import ACTS, Case, Command, Rule, act
from commands.vocabulary import Name, Position, Text

CORRECTORS = frozenset(
    {
        *UNIT,
        *FINANCE,
        Role.SUPERIOR_DEPARTMENT,
        Role.TREASURY_SECTION,
        Role.BUREAU_PARTY_COMMITTEE,
        Role.AGENCY,
    }
)

RECORD_IS_ITS_OWN = Rule(
    "correction.record_is_its_own", "该对象的记录中没有这个位置", basis="档案法实施条例 第39条"
)
ORIGINAL_IS_CORRECTED = Rule(
    "correction.original_is_corrected",
    "更正记录本身不再更正，请对原记录重新更正",
    basis="档案法实施条例 第39条",
)
CORRECTED_BY_ITS_ROLE = Rule(
    "correction.corrected_by_its_role", "更正由有权办理原事项的角色办理", basis="KM-51"
)
TOPIC_FITS = Rule(
    "correction.topic_fits", "更正后的记录须属于该类对象的记录种类", basis="档案法实施条例 第39条"
)
CONTENT_FITS = Rule(
    "correction.content_fits", "更正内容不合该类记录的格式", basis="档案法实施条例 第39条"
)
CORRECTION_CHANGES = Rule(
    "correction.changes", "更正后的内容与现行内容相同", basis="档案法实施条例 第39条"
)
WITHDRAWN_AT_ITS_SOURCE = Rule(
    "correction.withdrawn_at_its_source",
    "只有来源系统撤销的记录才能撤回，其他记录须写明更正后的内容",
    basis="档案法实施条例 第39条",
)

Content = Annotated[Mapping[str, Any], fields.Dict(keys=fields.String())]
"""A fact's fields, as they are stored."""


@act("{correctable}/corrections", by=CORRECTORS, basis="档案法实施条例 第39条; KM-51")
class CorrectRecord(Command[Correctable]):
    """更正: an earlier record of this history is replaced by another fact, for a reason.

    Without a topic the record is withdrawn, because its row in the source system is gone.
    """

    position: Position
    reason: Text
    topic: Name | None = None
    content: Content | None = None

    def decide(self, it: Correctable, case: Case, /) -> RecordCorrected:
        record = case.need(case.recorded(self.position), RECORD_IS_ITS_OWN, 位置=self.position)
        is_original = not isinstance(record.fact, RecordCorrected)
        case.require(is_original, ORIGINAL_IS_CORRECTED, 位置=self.position)
        original = ACTS.get(record.envelope.act)
        is_entitled = case.observed or original is None or case.role in original.by
        case.require(is_entitled, CORRECTED_BY_ITS_ROLE, 角色=case.role)
        replacement = self._replacement(it, case)
        is_changed = replacement != reading(it, record)
        case.require(is_changed, CORRECTION_CHANGES, 位置=self.position)
        return RecordCorrected(self.position, self.reason, replacement)

    def _replacement(self, it: Correctable, case: Case) -> Replacement | None:
        if self.topic is None:
            case.require(case.observed, WITHDRAWN_AT_ITS_SOURCE, 位置=self.position)
            return None
        case.need(fitting(self.topic, it), TOPIC_FITS, 种类=self.topic)
        try:
            made, problem = Replacement(case.fact(self.topic, dict(self.content or {}))), None
        except ValueError as error:
            made, problem = None, error
        return case.need(made, CONTENT_FITS, 问题=problem)


def reading(it: Aggregate, record: Record[Any]) -> Replacement | None:
    """How a record is read today: as it was recorded, as last corrected, or not at all."""
    latest = it.corrections.get(record.position)
    return Replacement(record.fact) if latest is None else latest.replacement


def fitting(topic: str, it: Aggregate) -> type[Fact[Any]] | None:
    """The kind of fact under a topic, if such facts happen to aggregates of this kind."""
    fact = FACTS.get(topic)
    fits = fact not in (None, RecordCorrected) and isinstance(it, fact.about)
    return fact if fits else None
