"""负载: asks as much as a server answers, over connections that stay open.

A process of its own, so that it shares no lock with anybody: reads a plan from standard input as
JSON, says on standard output what came of it. It does as little as it can, for it runs on the same
machine: one thread, raw sockets, requests made by one formatting each.
"""

from __future__ import annotations

import re
import select
import socket
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count

import msgspec

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


@dataclass(frozen=True)
class Plan:
    """Whom to ask for what, over how many connections, for how long.

    In ``path`` and ``headers``, ``{n}`` stands for a number that no other request of the plan has.
    """

    port: int
    path: str
    headers: dict[str, str]
    body: str
    seconds: float
    connections: int = 32


@dataclass
class Result:
    """How many answers of each status, in how many seconds; how long the middle one took."""

    statuses: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    median_ms: float = 0.0
    slowest_ms: float = 0.0


class Connection:
    """One connection, over which one request at a time is asked."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.asked = 0.0
        self._answer = b""

    def ask(self, request: bytes) -> None:
        self._answer, self.asked = b"", time.perf_counter()
        self.socket.sendall(request)

    def read(self) -> bytes:
        """The answer, once all of it is there; until then nothing."""
        portion = self.socket.recv(65_536)
        if not portion:
            raise ConnectionError("the server closed a connection that should stay open")
        self._answer += portion
        head, found, body = self._answer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head + b"\r\n")
        return self._answer if found and length and len(body) >= int(length[1]) else b""


def ask_all(plan: Plan) -> Result:
    """Keep all connections busy until the time is over, and then take the last answers."""
    written, numbers = _written(plan), count(1)
    open_now = {
        c.socket.fileno(): c for c in (Connection(plan.port) for _ in range(plan.connections))
    }
    statuses: Counter[str] = Counter()
    took: list[float] = []
    poll = select.epoll()
    began = time.perf_counter()
    for fileno, connection in open_now.items():
        poll.register(fileno, select.EPOLLIN)
        connection.ask(written % {b"n": next(numbers)})
    while open_now:
        for fileno, _ in poll.poll():
            if answer := open_now[fileno].read():
                now = time.perf_counter()
                took.append(now - open_now[fileno].asked)
                statuses[answer[9:12].decode()] += 1
                if now - began < plan.seconds:
                    open_now[fileno].ask(written % {b"n": next(numbers)})
                else:
                    poll.unregister(fileno)
                    open_now.pop(fileno).socket.close()
    seconds = time.perf_counter() - began
    took.sort()
    return Result(statuses, seconds, 1000 * took[len(took) // 2], 1000 * took[-1])


def _written(plan: Plan) -> bytes:
    """The request as it goes over the wire, with marks for the number."""
    body = plan.body.encode()
    headers = {"Host": "localhost", "Content-Length": str(len(body)), **plan.headers}
    lines = [f"POST {plan.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    head = "\r\n".join([*lines, "", ""]).encode()
    return (head + body).replace(b"%", b"%%").replace(b"{n}", b"%(n)d")


if __name__ == "__main__":
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    sys.stdout.buffer.write(msgspec.json.encode(ask_all(asked)))
