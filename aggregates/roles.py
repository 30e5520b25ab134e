"""角色: in which capacity a person or a system acts."""

from __future__ import annotations

from aggregates.values import Term


class Role(Term):
    """角色: what a token or an assignment entitles to; each act names who may do it."""

    UNIT_CLERK = "unit_clerk", "预算单位经办"
    UNIT_HEAD = "unit_head", "预算单位负责人"
    SUPERIOR_DEPARTMENT = "superior_department", "主管部门"
    COUNTERPART_SECTION = "counterpart_section", "财政对口股室"
    PERFORMANCE_SECTION = "performance_section", "绩效股"
    BUDGET_SECTION = "budget_section", "预算股"
    TREASURY_SECTION = "treasury_section", "国库股"
    BUREAU_PARTY_COMMITTEE = "bureau_party_committee", "局党委会"
    BUREAU_LEADER = "bureau_leader", "局领导"
    AGENCY = "agency", "第三方机构"
    AUDITOR = "auditor", "审计机关"
    DISCIPLINE = "discipline", "纪检监察"
    OFFICE_ADMINISTRATOR = "office_administrator", "系统管理员"
    SOURCE_SYSTEM = "source_system", "来源系统"
    OPERATOR = "operator", "本机操作员"


UNIT = frozenset({Role.UNIT_CLERK, Role.UNIT_HEAD})
"""预算单位: those who act for the unit that spends."""

FINANCE = frozenset(
    {Role.COUNTERPART_SECTION, Role.PERFORMANCE_SECTION, Role.BUDGET_SECTION, Role.BUREAU_LEADER}
)
"""财政部门: the sections that review, evaluate and decide; the treasury executes."""

WITHOUT_POST = frozenset({Role.OPERATOR, Role.SOURCE_SYSTEM})
"""Roles of a console or a system; nobody holds a post in them."""

READERS = frozenset({Role.AUDITOR, Role.DISCIPLINE})
"""Those who come to read, the whole ledger of their office."""
