"""电线: the way to a PostgreSQL server, which can be cut at any word that goes over it."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from threading import Lock, Thread

PORT = 5432


class Cut(Enum):
    """When it is cut: before the word has arrived, or after it was obeyed, before the answer."""

    BEFORE = auto()
    AFTER = auto()


@dataclass
class Wire:
    """Passes on what clients and a server say, until a word comes at which it is to be cut."""

    server: Path
    """The server's socket."""
    word: bytes = b""
    when: Cut = Cut.BEFORE
    cuts: int = 0
    """How often it has been cut."""
    _left: int = 0
    _lock: Lock = field(default_factory=Lock)

    def cut_at(self, word: bytes, when: Cut, times: int = 1) -> None:
        """Cut the connection on which this word comes next, so many times."""
        with self._lock:
            self.word, self.when, self._left = word, when, times

    def _is_last_word(self, said: bytes) -> bool:
        with self._lock:
            if self._left and self.word in said:
                self._left -= 1
                self.cuts += 1
                return True
            return False

    def passes(self, client: socket.socket) -> None:
        """Serve one client, until either side hangs up or the way is cut."""
        with client, socket.socket(socket.AF_UNIX) as server, suppress(OSError):
            server.connect(str(self.server))
            with selectors.DefaultSelector() as ready:
                ready.register(client, selectors.EVENT_READ, server)
                ready.register(server, selectors.EVENT_READ, client)
                while self._passed(client, server, ready):
                    pass

    def _passed(
        self, client: socket.socket, server: socket.socket, ready: selectors.BaseSelector
    ) -> bool:
        """Pass on what was said; False where that was the end."""
        for key, _ in ready.select():
            source, target = key.fileobj, key.data
            assert isinstance(source, socket.socket)
            said = source.recv(1 << 20)
            if not said:
                return False
            if source is client and self._is_last_word(said):
                if self.when is Cut.AFTER:
                    server.sendall(said)
                    server.recv(1 << 20)  # it has obeyed, and nobody will ever hear of it
                return False
            target.sendall(said)
        return True


@contextmanager
def wire_to(folder: Path) -> Iterator[tuple[Wire, int]]:
    """A wire to the server whose socket is in this folder, and the port where it begins."""
    wire = Wire(folder / f".s.PGSQL.{PORT}")
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def listen() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listening.accept()
                    Thread(target=wire.passes, args=(client,), daemon=True).start()

        listener = Thread(target=listen, daemon=True)
        listener.start()
        yield wire, listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
    listener.join()
