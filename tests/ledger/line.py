"""A line to a PostgreSQL server that can be cut between a question and its answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

CHUNK = 65_536


class Line:
    """Forwards a local port to a server's unix socket.

    Once a client has said what is in `cut_after`, it is answered no more: the server has heard it,
    and whoever asked never learns what became of it.
    """

    def __init__(self, server: Path) -> None:
        self.cut_after: bytes | None = None
        self._server = server
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open = [self._listening]
        self.port: int = self._listening.getsockname()[1]
        self._run(self._accept)

    def close(self) -> None:
        for end in self._open:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self) -> None:
        while True:
            client, _ = self._listening.accept()
            server = socket.socket(socket.AF_UNIX)
            server.connect(str(self._server))
            self._open += client, server
            cut = threading.Event()
            self._run(self._ask, client, server, cut)
            self._run(self._answer, server, client, cut)

    def _ask(self, client: socket.socket, server: socket.socket, cut: threading.Event) -> None:
        while said := client.recv(CHUNK):
            if self.cut_after and self.cut_after in said:
                cut.set()
            server.sendall(said)
        server.shutdown(socket.SHUT_WR)

    def _answer(self, server: socket.socket, client: socket.socket, cut: threading.Event) -> None:
        while (said := server.recv(CHUNK)) and not cut.is_set():
            client.sendall(said)
        client.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def _run(task: Callable[..., None], *arguments: object) -> None:
        def run() -> None:
            with suppress(OSError):  # one of the ends has been closed
                task(*arguments)

        threading.Thread(target=run, daemon=True).start()


@contextmanager
def line_to(server: Path) -> Iterator[Line]:
    line = Line(server)
    try:
        yield line
    finally:
        line.close()
