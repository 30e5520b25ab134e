"""Servers as real processes: started on a free port, waited for, stopped in order or killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

START_SECONDS = 60.0
STOP_SECONDS = 30.0


class Process:
    """A process with all that it begins, in a session of its own; what it says goes to a file."""

    def __init__(
        self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.command, self.log = [*command], log
        self.environment = {**os.environ, **(environment or {})}

    def start(self) -> Self:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self

    def kill(self) -> None:
        """End all of it at once, as a power cut would (kill -9)."""
        for each in self.members():
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        self.process.wait(STOP_SECONDS)

    def stop(self) -> int:
        """End it in good order; its exit code."""
        self.process.terminate()
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def members(self) -> list[int]:
        """All of it that is alive: a server's workers leave its group, but not its session."""
        return [pid for pid, session in alive() if session == self.process.pid]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.stop()


def alive() -> Iterator[tuple[int, int]]:
    """Every process of this machine that has not ended, with its session."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            state, _, _, session, *_ = (process / "stat").read_text().rpartition(")")[2].split()
            if state != "Z":
                yield int(process.name), int(session)


class Server(Process):
    """A server on a port of this machine."""

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.port = free_port()
        super().__init__([*command, "--port", str(self.port)], log, environment)

    def __enter__(self) -> Self:
        self.start()
        try:
            self.wait()
        except BaseException:
            self.kill()
            raise
        return self

    def wait(self) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + START_SECONDS
        while not answers(self.port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start:\n{self.log.read_text()[-4000:]}")
            time.sleep(0.02)


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    """Does somebody there speak HTTP? Whatever is said, an application has said it."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(
                b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            )
            return connection.recv(12).startswith(b"HTTP/1.1 ")
    except OSError:
        return False


def wenxiao(*words: str) -> list[str]:
    """A command of the environment that this runs in."""
    return [str(Path(sys.executable).with_name("wenxiao")), *words]


def granian(application: str, workers: int, threads: int) -> list[str]:
    """The command that serves an application as ``wenxiao serve`` serves ours."""
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws"]
    command += ["--workers", str(workers), "--blocking-threads", str(threads)]
    return [*command, application]
