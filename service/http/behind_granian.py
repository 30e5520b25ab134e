"""The application as granian's workers load it.

A terminal's interrupt reaches every process of its group. It is for the main one, which then tells
its workers to finish what they are at; a worker that had it too would have to be killed. So each
worker leaves the group before it begins.

Where the main process is killed (kill -9) nobody tells them anything. A worker that went on would
keep the port from whoever is started next, so it ends as the main one did.
"""

import os
from multiprocessing import parent_process
from multiprocessing.process import BaseProcess
from threading import Thread

os.setpgrp()

from wsgi import app  # noqa: E402  out of the group first


def _end_with(main: BaseProcess) -> None:
    main.join()
    os._exit(1)


if main := parent_process():
    Thread(target=_end_with, args=(main,), daemon=True).start()

__all__ = ["app"]
