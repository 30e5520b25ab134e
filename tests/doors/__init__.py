"""The doors: what a stranger, a unit, the finance office and an auditor can do over HTTP."""
