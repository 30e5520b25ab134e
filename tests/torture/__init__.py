"""Torture: what kills, fills, cuts and turns back may do, and what must be true afterwards."""
