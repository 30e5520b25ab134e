"""更正: what was recorded wrongly is read otherwise from here on; the record itself stays."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from typing import Annotated, Any

from marshmallow import fields

from aggregates.base import Aggregate, Fact, Record, RecordCorrected, Replacement, Source
from aggregates.correction import Correctable, standing
from aggregates.roles import FINANCE, UNIT, Role
from commands.base import ACTS, Case, Command, Rule, act
from commands.vocabulary import Position, Reason

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
    "correction.record_is_its_own", "更正的须是该对象自己的记录", basis="档案法实施条例 第39条"
)
ORIGINAL_IS_CORRECTED = Rule(
    "correction.original_is_corrected",
    "更正记录本身不再更正，请对原记录重新更正",
    basis="档案法实施条例 第39条",
)
CORRECTED_BY_ITS_ROLE = Rule(
    "correction.corrected_by_its_role", "更正由有权办理原事项的角色办理", basis="KM-51"
)
CORRECTED_BY_ITS_SOURCE = Rule(
    "correction.corrected_by_its_source",
    "来源系统只能更正或撤回同一来源行登记的记录",
    basis="档案法实施条例 第39条",
)
CONTENT_FITS = Rule(
    "correction.content_fits", "更正内容须合该类记录的格式", basis="档案法实施条例 第39条"
)
NAMES_STAY = Rule(
    "correction.names_stay",
    "更正不得改变原记录的办理人、对象和编号",
    basis="档案法实施条例 第39条",
)
CORRECTION_CHANGES = Rule(
    "correction.changes", "更正后的内容须与现行内容不同", basis="档案法实施条例 第39条"
)
WITHDRAWN_AT_ITS_SOURCE = Rule(
    "correction.withdrawn_at_its_source",
    "只有来源系统撤销的记录才能撤回，其他记录须写明更正后的内容",
    basis="档案法实施条例 第39条",
)

Content = Annotated[Mapping[str, Any], fields.Dict(keys=fields.String())]
"""A fact's fields, in the form in which the doors have them: sums in yuan, scores as strings."""


@act("{correctable}/corrections", by=CORRECTORS, basis="档案法实施条例 第39条; KM-51")
class CorrectRecord(Command[Correctable]):
    """更正: an earlier record of this history is read with other content, for a reason.

    It stays a record of its kind, by the same people about the same things. Without content it is
    withdrawn, because its row in the source system is gone.
    """

    position: Annotated[Position, "所更正的记录的台账位置"]
    reason: Reason
    content: Annotated[Content, "更正后的内容，不填为撤回"] | None = None

    def decide(self, it: Correctable, case: Case, /) -> RecordCorrected:
        record = case.need(case.recorded(self.position), RECORD_IS_ITS_OWN, 位置=self.position)
        original = None if isinstance(record.fact, RecordCorrected) else record
        record = case.need(original, ORIGINAL_IS_CORRECTED, 位置=self.position)
        check_corrector(record, case)
        replacement = self._replacement(record, case)
        is_changed = replacement != reading(it, record)
        case.require(is_changed, CORRECTION_CHANGES, 位置=self.position)
        return RecordCorrected(self.position, self.reason, replacement)

    def _replacement(self, record: Record[Any], case: Case) -> Replacement | None:
        if self.content is None:
            case.require(case.observed, WITHDRAWN_AT_ITS_SOURCE, 位置=self.position)
            return None
        fact = told(type(record.fact), self.content, case)
        names = changed(record.fact, fact)
        return case.need(None if names else Replacement(fact), NAMES_STAY, 字段=names)


def check_corrector(record: Record[Any], case: Case) -> None:
    """Here, whoever might do the act; elsewhere, only the row in which it was seen."""
    if case.observed:
        is_its_row = _row(case.source) is not None and _row(case.source) == _row(
            record.envelope.source
        )
        case.need(record if is_its_row else None, CORRECTED_BY_ITS_SOURCE, 位置=record.position)
    else:
        act = ACTS.get(record.envelope.act)
        is_entitled = act is not None and case.role in act.by
        case.require(is_entitled, CORRECTED_BY_ITS_ROLE, 角色=case.role)


def _row(source: Source | None) -> tuple[str, str, str] | None:
    return (source.system, source.table, source.row) if source else None


def told(kind: type[Fact[Any]], content: Mapping[str, Any], case: Case) -> Fact[Any]:
    """The fact that a correction tells; all that is wrong with it in one breach."""
    try:
        fact, problem = case.fact(kind, content), None
    except ValueError as error:
        fact, problem = None, error
    return case.need(fact, CONTENT_FITS, 问题=problem)


def changed(original: Fact[Any], fact: Fact[Any]) -> list[str]:
    """The fields that say who acted or what it is about, where the two differ."""
    pairs = zip_longest(standing(original), standing(fact), fillvalue=("", None))
    return [
        *dict.fromkeys(name or other for (name, a), (other, b) in pairs if (name, a) != (other, b))
    ]


def reading(it: Aggregate, record: Record[Any]) -> Replacement | None:
    """How a record is read today: as it was recorded, as last corrected, or not at all."""
    latest = it.corrections.get(record.position)
    return Replacement(record.fact) if latest is None else latest.replacement
