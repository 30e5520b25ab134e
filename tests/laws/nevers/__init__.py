"""What never happens, told from the facts alone, without asking the aggregates or the rules."""

from tests.laws.nevers import funding, goals, office, rectification
from tests.laws.nevers.telling import look_for_nevers

__all__ = ["funding", "goals", "look_for_nevers", "office", "rectification"]
