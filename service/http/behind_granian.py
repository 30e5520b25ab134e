"""The application as granian's workers load it.

A terminal's interrupt reaches every process of its group. It is for the main one, which then tells
its workers to finish what they are at; a worker that had it too would have to be killed. So each
worker leaves the group before it begins.
"""

import os

os.setpgrp()

from wsgi import app  # noqa: E402  out of the group first

__all__ = ["app"]
