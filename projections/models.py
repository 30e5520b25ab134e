"""All read models. A new one is a file of this folder, a name in this list, and a migration."""

from __future__ import annotations

from typing import Any

from projections.accountability import ACCOUNTABILITY
from projections.base import ReadModel
from projections.project_status import PROJECTS
from projections.unit_status import UNITS
from projections.year_status import YEARS

MODELS: tuple[ReadModel[Any], ...] = (UNITS, PROJECTS, YEARS, ACCOUNTABILITY)
