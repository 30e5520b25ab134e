"""台账: one office's records in one gapless order, kept so that a change behind its back shows."""
