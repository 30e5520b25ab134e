"""The application as granian's workers load it.

A terminal's interrupt reaches every process of the group. It is for the main one, which then tells
its workers to finish what they are at; a worker that took it for its own would have to be killed.
"""

import signal

signal.signal(signal.SIGINT, signal.SIG_IGN)

from wsgi import app  # noqa: E402  interrupts are out of the way first

__all__ = ["app"]
