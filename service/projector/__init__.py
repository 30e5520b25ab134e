"""投影: reads the ledger into the read models, each record once, whatever happens on the way."""

from service.projector.bulk import Overtaken
from service.projector.comparison import Difference, Report
from service.projector.projector import Projector, follow, lag, lowest, register, wait_for
from service.projector.rebuild import NothingKept, Rebuild, rollback

__all__ = [
    "Difference",
    "NothingKept",
    "Overtaken",
    "Projector",
    "Rebuild",
    "Report",
    "follow",
    "lag",
    "lowest",
    "register",
    "rollback",
    "wait_for",
]
