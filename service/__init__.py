"""Doors and wiring: HTTP, command line, the ledger's storage, who is asking, what time it is."""
