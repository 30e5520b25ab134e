"""磁盘: a small one of our own, which can be filled to the last byte and emptied again."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

PORTION = 65_536


@dataclass
class Disk:
    """A file system of a few megabytes."""

    folder: Path

    @property
    def ballast(self) -> Path:
        return self.folder / "ballast"

    def fill(self, leave: int) -> None:
        """Take all the room but so many bytes."""
        found = os.statvfs(self.folder)
        with self.ballast.open("ab", buffering=0) as ballast:
            room = found.f_bavail * found.f_frsize - leave
            with suppress(OSError):  # others have taken the last of it
                while room > 0:
                    room -= ballast.write(b"\0" * min(room, PORTION))

    def empty(self) -> None:
        """Give the room back."""
        self.ballast.unlink()


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Disk]:
    """A disk mounted at a folder; skips the test where one may not mount."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    folder.mkdir(exist_ok=True)
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a small disk can only be mounted by root")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
